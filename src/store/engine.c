/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "store/inside.h"

static enum outcome make_dirs(struct engine *e, const char *dir, struct why *why)
{
    char path[480];
    const char *const parts[] = {"", "/store", "/store/log"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", dir, parts[i]);
        int r = e->disk->make_dir(e->disk->self, path);
        if (r == 0 && i > 0)
            r = e->disk->sync_dir(e->disk->self, i == 1 ? dir : e->dir_store);
        if (r < 0) {
            snprintf(why->text, sizeof why->text, "cannot make %.80s: %s", path, disk_error_text(r));
            return RETRY;
        }
    }
    return DONE;
}

static enum outcome take_lock(struct engine *e, const char *dir, int lock_fd, struct why *why)
{
    int holder, error;
    e->lock_fd = lock_fd;
    if (lock_fd >= 0 || e->disk != &disk_kernel)
        return DONE;
    e->lock_fd = disk_lock_dir(dir, &holder, &error);
    e->owns_lock = e->lock_fd >= 0;
    if (e->owns_lock)
        return DONE;
    if (error == -EWOULDBLOCK)
        snprintf(why->text, sizeof why->text, "the directory is in use by process %d", holder);
    else
        snprintf(why->text, sizeof why->text, "cannot lock %.80s: %s", dir, disk_error_text(error));
    return RETRY;
}

static void shared_init(struct shared *s)
{
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_t *all[] = {&s->work, &s->finished, &s->indexed, &s->index_work, &s->fill_work, &s->filled};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        pthread_cond_init(all[i], &a);
    pthread_condattr_destroy(&a);
    s->jobs_tail = &s->jobs;
    s->done_tail = &s->done;
    s->backlog_tail = &s->backlog;
}

static void shared_free(struct shared *s)
{
    pthread_cond_t *all[] = {&s->work, &s->finished, &s->indexed, &s->index_work, &s->fill_work, &s->filled};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        pthread_cond_destroy(all[i]);
    pthread_mutex_destroy(&s->lock);
}

static struct engine *engine_new(const char *dir, const struct engine_options *o)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->options = *o;
    e->disk = o->disk ? o->disk : &disk_kernel;
    e->lock_fd = e->event_fd = -1;
    snprintf(e->dir, sizeof e->dir, "%s", dir);
    snprintf(e->dir_store, sizeof e->dir_store, "%s/store", dir);
    snprintf(e->log.dir, sizeof e->log.dir, "%s/store/log", dir);
    snprintf(e->index_path, sizeof e->index_path, "%s%s", o->index ? o->index : dir, o->index ? "" : "/store/index.db");
    e->index_memory = o->index && strcmp(o->index, ":memory:") == 0;
    e->log.disk = e->disk;
    e->log.segment_size = o->segment_size ? o->segment_size : SEGMENT_SIZE;
    e->waiting_tail = &e->waiting;
    e->batch.ops_tail = &e->batch.ops;
    shared_init(&e->s);
    return e;
}

static void threads_stop(struct engine *e)
{
    pthread_mutex_lock(&e->s.lock);
    e->s.stop = e->s.index_stop = true;
    pthread_cond_broadcast(&e->s.work);
    pthread_cond_broadcast(&e->s.index_work);
    pthread_cond_broadcast(&e->s.fill_work);
    pthread_mutex_unlock(&e->s.lock);
    while (e->thread_count > 0)
        pthread_join(e->threads[--e->thread_count], NULL);
    e->threads_run = false;
}

static bool threads_start(struct engine *e, struct why *why)
{
    if (!e->options.threads)
        return true;
    e->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (e->event_fd < 0) {
        snprintf(why->text, sizeof why->text, "no descriptor for the commit thread");
        return false;
    }
    e->s.fill_segment = e->tail.segment;
    e->s.fill_file = e->tail.file;
    e->s.fill_at = e->s.fill_to = e->tail.offset;
    void *(*const mains[])(void *) = {commit_main, index_main, fill_main};
    while (e->thread_count < THREADS && pthread_create(&e->threads[e->thread_count], NULL, mains[e->thread_count], e) == 0)
        e->thread_count++;
    if (e->thread_count < THREADS) {
        snprintf(why->text, sizeof why->text, "cannot start the engine's threads");
        threads_stop(e);
        return false;
    }
    e->threads_run = true;
    fill_aim(e);
    return true;
}

/* Promises ids to come, so that they can be leased before the first message; shows at once whether the disk can be written. */
static bool first_commit(struct engine *e, struct why *why)
{
    struct op *none;
    if (e->options.read_only)
        return true;
    int r = reserve_fits(e, record_size(MARK_SIZE)) ? 0 : reserve_next_segment(e);
    if (r == 0) {
        e->batch.pos = pos_of(e->tail.segment, e->tail.offset);
        e->batch.at_ms = clock_unix_ms();
        commit_batch(e); /* there are no threads yet: it is done when this returns */
        r = e->batch.job.error;
        commit_collect(e, &none);
    }
    if (r == 0)
        return true;
    snprintf(why->text, sizeof why->text, "the log cannot be written: %s", disk_error_text(r));
    return disk_is_full_error(r); /* full: it starts, and takes mail when there is room again */
}

static void engine_free(struct engine *e)
{
    directory_free(e);
    size_t i = 0;
    for (struct body_writer *w; (w = table_next(&e->bodies, &i));) {
        free(w->data);
        free(w->pieces);
        free(w);
    }
    table_free(&e->bodies);
    table_free(&e->recents);
    free(e->recent);
    enc_free(&e->batch.bodies);
    enc_free(&e->batch.facts);
    enc_free(&e->kept);
    free(e->batch.touched);
    free(e->batch.fresh);
    index_close(&e->reader);
    index_close(&e->writer);
    log_close(&e->log);
    if (e->event_fd >= 0)
        close(e->event_fd);
    if (e->owns_lock)
        disk_unlock_dir(e->lock_fd);
    shared_free(&e->s);
    free(e);
}

struct engine *engine_open(const char *dir, int lock_fd, const struct engine_options *o, struct why *why)
{
    bool fresh;
    *why = (struct why){0};
    if (strlen(dir) > 300 || (o->segment_size && (o->segment_size < SEGMENT_SIZE_MIN || o->segment_size >= UINT32_MAX))) {
        snprintf(why->text, sizeof why->text, "path too long, or segment size out of range");
        return NULL;
    }
    struct engine *e = engine_new(dir, o);
    if (!e) {
        snprintf(why->text, sizeof why->text, "out of memory");
        return NULL;
    }
    bool ok = make_dirs(e, dir, why) == DONE && take_lock(e, dir, lock_fd, why) == DONE && recover(e, why) == DONE;
    e->read = &e->writer;
    if (ok && !e->index_memory) { /* a connection of its own for the owner: never waits for the writer */
        ok = index_open(&e->reader, e->index_path, &e->log, true, &fresh, why) == DONE;
        e->read = &e->reader;
    }
    ok = ok && directory_load(e, why) && first_commit(e, why) && threads_start(e, why);
    if (ok)
        return e;
    engine_free(e);
    return NULL;
}

/* Waits until the batch in flight is through. */
static void wait_finished(struct engine *e)
{
    pthread_mutex_lock(&e->s.lock);
    while (e->threads_run && e->in_flight && !e->s.done)
        pthread_cond_wait(&e->s.finished, &e->s.lock);
    pthread_mutex_unlock(&e->s.lock);
}

void engine_close(struct engine *e)
{
    struct op *none;
    e->closing = true;
    while ((!e->dead && e->waiting) || e->in_flight || e->told_later) {
        wait_finished(e);
        engine_turn(e);
    }
    job_stop(e);
    threads_stop(e);
    commit_collect(e, &none);
    if (!e->dead && !e->options.read_only &&
        reserve_fits(e, record_size(MARK_SIZE))) { /* gives back the ids that were promised and not used */
        e->batch.pos = pos_of(e->tail.segment, e->tail.offset);
        e->batch.at_ms = clock_unix_ms();
        commit_batch(e);
        commit_collect(e, &none);
    }
    if (e->s.index_damaged && !e->index_memory) {
        char marker[520];
        snprintf(marker, sizeof marker, "%s-damaged", e->index_path);
        file_touch(marker);
    }
    engine_free(e);
}

int engine_fd(const struct engine *e) { return e->event_fd; }
bool engine_is_dead(const struct engine *e) { return e->dead; }

void engine_submit(struct engine *e, struct op *op)
{
    op->next = NULL;
    *e->waiting_tail = op;
    e->waiting_tail = &op->next;
    if (!e->in_flight && !e->signalled) {
        e->signalled = true;
        engine_signal(e);
    }
}

static void call_done(struct engine *e, struct op *list)
{
    while (list) {
        struct op *op = list;
        struct body_writer *w = op->kind == OP_ACCEPT ? body_find(e, op->accept.body) : NULL;
        if (w)
            body_free(e, w);
        list = op->next;
        op->next = NULL;
        op->done(op);
    }
}


static void fail_waiting(struct engine *e, const char *status, const char *text)
{
    struct op *list = e->waiting;
    e->waiting = NULL;
    e->waiting_tail = &e->waiting;
    for (struct op *op = list; op; op = op->next)
        op_fail(op, RETRY, status, text);
    call_done(e, list);
}

static bool must_wait(struct engine *e)
{
    pthread_mutex_lock(&e->s.lock);
    bool wait = e->s.backlog_bytes > INDEX_BACKLOG_MAX;
    bool stuck = wait && e->s.index_trouble[0];
    e->s.owner_waits |= wait;
    pthread_mutex_unlock(&e->s.lock);
    if (!stuck)
        return wait;
    fail_waiting(e, "4.3.1", "disk full"); /* the index has had no room for long: say so instead of keeping people waiting */
    return true;
}

/* What fails in planning is listed in *failed. */
static void start_batch(struct engine *e, struct op **failed)
{
    if (!e->waiting || must_wait(e))
        return;
    plan_batch(e, failed);
    if (e->batch.op_count > 0)
        commit_batch(e);
    else if (!*failed && e->waiting)
        unreachable(); /* the first of a batch always fits or fails */
    else
        batch_clear(e);
}

static void forget_signal(struct engine *e)
{
    uint64_t n;
    if (e->event_fd >= 0 && read(e->event_fd, &n, sizeof n) < 0) { /* nothing was signalled */
    }
    e->signalled = false;
    pthread_mutex_lock(&e->s.lock);
    bool damaged = e->s.index_damaged;
    pthread_mutex_unlock(&e->s.lock);
    if (damaged)
        engine_die(e, "the index is damaged: the next start rebuilds it", -EIO);
}

void engine_turn(struct engine *e)
{
    forget_signal(e);
    do {
        struct op *done, *failed = NULL, *earlier = e->told_later;
        e->told_later = NULL;
        commit_collect(e, &done);
        if (!e->in_flight && !e->dead && !e->options.read_only)
            start_batch(e, &failed); /* the disk works on the next ones while these are told */
        call_done(e, earlier);
        call_done(e, done);
        call_done(e, failed);
        if (e->dead || e->options.read_only)
            fail_waiting(e, "4.3.0", e->dead ? "the store stopped and starts anew" : "the store is open for reading only");
        if (!e->dead && !e->closing && job_step(e))
            engine_signal(e);
    } while (!e->threads_run && (e->s.done || (e->waiting && !e->dead && !e->options.read_only)));
    maintain(e);
}

/* A commit of nothing but its mark, waited for. */
static void commit_mark(struct engine *e)
{
    struct op *done = NULL;
    while (e->in_flight) {
        wait_finished(e);
        commit_collect(e, &done);
    }
    e->told_later = done ? done : e->told_later; /* their done is called by the next turn */
    if (e->dead || (!reserve_fits(e, record_size(MARK_SIZE)) && reserve_next_segment(e) < 0))
        return;
    e->batch.pos = pos_of(e->tail.segment, e->tail.offset);
    e->batch.at_ms = clock_unix_ms();
    commit_batch(e);
    while (e->in_flight) {
        wait_finished(e);
        commit_collect(e, &done);
    }
    engine_signal(e);
}

uint64_t engine_lease_ids(struct engine *e, uint32_t count)
{
    if (e->counters.next_id + count > e->durable.next_id && !e->options.read_only && !e->told_later)
        commit_mark(e);
    if (e->counters.next_id + count > e->durable.next_id)
        return 0;
    e->counters.next_id += count;
    return e->counters.next_id - count;
}
