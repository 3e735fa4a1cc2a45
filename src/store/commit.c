/* SPDX-License-Identifier: ISC */
/* The tail of the log and the thread that writes it.

       owner:   plan ─► stamp ─► job ───────────────┐            ┌─► collect: settle, facts to the index, done
       commit:                     write bodies, facts, mark; one fdatasync ─► finished, owner woken

   One batch is in flight at most, so there is one fdatasync at most. Pieces of large bodies are jobs too, without a sync of their
   own: order in the file is the order of the jobs. A write that found no room leaves a hole that a PAD record covers before
   anything else is written; any other failure, and every failed fdatasync, ends the engine: nobody knows what is on the disk. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "store/inside.h"

bool reserve_fits(struct engine *e, size_t n)
{
    const struct segment *s = log_segment(&e->log, e->tail.segment);
    return s && e->tail.offset + n <= s->size;
}

int reserve_next_segment(struct engine *e)
{
    uint32_t number = e->tail.segment + 1;
    struct segment *s = log_segment(&e->log, number);
    if (!s) {
        int r = log_segment_make(&e->log, number);
        if (r < 0)
            return r;
        s = log_segment(&e->log, number);
    }
    int file = log_file(&e->log, s);
    if (file < 0)
        return file;
    e->tail = (struct place){file, number, SEGMENT_HEADER};
    fill_aim(e);
    return 0;
}

int reserve(struct engine *e, size_t n, struct place *to)
{
    int r = reserve_fits(e, n) ? 0 : reserve_next_segment(e);
    if (r < 0)
        return r;
    *to = e->tail;
    e->tail.offset += n;
    fill_aim(e);
    return 0;
}

void engine_signal(struct engine *e)
{
    uint64_t one = 1;
    if (e->event_fd >= 0 && write(e->event_fd, &one, sizeof one) < 0) { /* full: it is readable already */
    }
}

void engine_die(struct engine *e, const char *what, int error)
{
    if (!e->dead)
        fact(FACT_ERROR, "store.dead", fact_c("what", what), fact_c("error", disk_error_text(error)));
    e->dead = true;
}

/* ---- the commit thread ---- */

static bool dirty_add(struct engine *e, int file)
{
    for (uint32_t i = 0; i < e->dirty_count; i++)
        if (e->dirty[i] == file)
            return true;
    if (e->dirty_count == sizeof e->dirty / sizeof *e->dirty)
        return false;
    e->dirty[e->dirty_count++] = file;
    return true;
}

static void hole_add(struct engine *e, const struct job *j)
{
    uint64_t end = j->offset + j->n[0] + j->n[1];
    for (uint32_t i = 0; i < e->hole_count; i++)
        if (e->holes[i].segment == j->segment && e->holes[i].to == j->offset) {
            e->holes[i].to = end;
            return;
        }
    if (e->hole_count < HOLES_MAX)
        e->holes[e->hole_count++] = (struct hole){j->file, (uint32_t)j->segment, j->offset, end};
}

/* Covers what failed to be written, so that a reader finds its way. */
static int holes_fill(struct engine *e)
{
    while (e->hole_count > 0) {
        const struct hole *h = &e->holes[e->hole_count - 1];
        struct enc pad = {0};
        record_begin(&pad, RECORD_PAD);
        if (pad.failed)
            return -ENOMEM;
        put_u32(pad.p + 8, (uint32_t)(h->to - h->from - RECORD_HEADER));
        uint32_t chain = 0, count = 0;
        record_stamp(pad.p, RECORD_HEADER, pos_of(h->segment, h->from), 0, key_seed(&e->log.key), &chain, &count);
        struct iovec v = {pad.p, RECORD_HEADER};
        int r = disk_write_all(e->disk, h->file, &v, 1, h->from);
        enc_free(&pad);
        if (r < 0)
            return r;
        if (!dirty_add(e, h->file))
            return -EIO;
        e->hole_count--;
    }
    return 0;
}

static int sync_all(struct engine *e)
{
    int64_t before = clock_mono_us();
    for (uint32_t i = 0; i < e->dirty_count; i++) {
        int r = e->disk->datasync(e->disk->self, e->dirty[i]);
        if (r < 0)
            return r == -ENOSPC ? -EIO : r; /* whatever it says: it is not known what is durable */
        int64_t now = clock_mono_us(), took = now > before ? now - before : 0;
        size_t bucket = 0;
        while (bucket < ENGINE_BUCKETS && (uint64_t)took > ENGINE_SYNC_US(bucket))
            bucket++;
        before = now;
        pthread_mutex_lock(&e->s.lock);
        e->s.syncs++;
        e->s.sync_us += took;
        e->s.sync_times[bucket]++;
        pthread_mutex_unlock(&e->s.lock);
    }
    e->dirty_count = 0;
    return 0;
}

/* Writing goes on in another segment: what lies unsynced in the one before comes first, so that no batch can be whole while a
   piece that it names is not. */
static int leave_segment(struct engine *e, int file)
{
    return e->dirty_count > 0 && e->dirty[0] != file ? sync_all(e) : 0;
}

static void job_run(struct engine *e, struct job *j)
{
    int r = e->dead_on_disk;
    if (r == 0 && j->batch && e->piece_error) /* it may name that piece */
        r = e->piece_error;
    if (r == 0)
        r = holes_fill(e);
    if (r == 0)
        r = leave_segment(e, j->file);
    if (r == 0) {
        struct iovec v[2] = {{j->p[0], j->n[0]}, {j->p[1], j->n[1]}};
        r = disk_write_all(e->disk, j->file, v, j->p[1] ? 2 : 1, j->offset);
        if (!dirty_add(e, j->file))
            r = -EIO;
    }
    if (r == 0 && j->batch)
        r = sync_all(e);
    if (j->batch)
        e->piece_error = 0;
    else if (r < 0)
        e->piece_error = r;
    if (r < 0 && disk_is_full_error(r) && e->hole_count < HOLES_MAX)
        hole_add(e, j);
    else if (r < 0)
        e->dead_on_disk = r;
    j->error = r;
}

void *commit_main(void *engine)
{
    struct engine *e = engine;
    pthread_mutex_lock(&e->s.lock);
    for (;;) {
        struct job *j = e->s.jobs;
        if (!j && e->s.stop)
            break;
        if (!j) {
            pthread_cond_wait(&e->s.work, &e->s.lock);
            continue;
        }
        e->s.jobs = j->next;
        if (!j->next)
            e->s.jobs_tail = &e->s.jobs;
        j->next = NULL;
        pthread_mutex_unlock(&e->s.lock);
        job_run(e, j);
        pthread_mutex_lock(&e->s.lock);
        if (!j->batch) {
            free(j->p[0]);
            j->p[0] = NULL;
            e->s.piece_bytes -= j->n[0];
        }
        *e->s.done_tail = j;
        e->s.done_tail = &j->next;
        bool wake = j->batch || j->error < 0 || (e->s.owner_waits && e->s.piece_bytes < PIECES_PENDING_MAX / 2);
        if (wake)
            e->s.owner_waits = false;
        pthread_cond_broadcast(&e->s.finished);
        pthread_mutex_unlock(&e->s.lock);
        if (wake)
            engine_signal(e);
        pthread_mutex_lock(&e->s.lock);
    }
    pthread_mutex_unlock(&e->s.lock);
    return NULL;
}

/* ---- the owner ---- */

void job_submit(struct engine *e, struct job *j)
{
    if (e->threads_run) {
        pthread_mutex_lock(&e->s.lock);
        *e->s.jobs_tail = j;
        e->s.jobs_tail = &j->next;
        if (!j->batch)
            e->s.piece_bytes += j->n[0];
        pthread_cond_signal(&e->s.work);
        pthread_mutex_unlock(&e->s.lock);
        return;
    }
    job_run(e, j);
    if (!j->batch) {
        free(j->p[0]);
        j->p[0] = NULL;
    }
    *e->s.done_tail = j;
    e->s.done_tail = &j->next;
}

void commit_batch(struct engine *e)
{
    struct batch *b = &e->batch;
    struct place at;
    uint32_t chain = 0, count = 0, seed = key_seed(&e->log.key);
    uint64_t ahead = e->closing ? 0 : ID_RESERVE;
    b->number = e->next_batch;
    b->counters = e->counters;
    if (!e->closing && e->durable.next_id > e->counters.next_id + ahead / 2)
        b->counters.next_id = e->durable.next_id; /* enough is ours already */
    else
        b->counters.next_id = e->counters.next_id + ahead;
    log_pos facts_pos = b->pos + b->bodies.n;
    record_stamp(b->bodies.p, b->bodies.n, b->pos, b->number, seed, &chain, &count);
    record_stamp(b->facts.p, b->facts.n, facts_pos, b->number, seed, &chain, &count);
    for (struct op *op = b->ops; op; op = op->next)
        if (op->kind == OP_ACCEPT)
            op->accept.place.accept += facts_pos;
    struct mark m = {b->number, b->pos, count, chain, b->counters, b->at_ms};
    size_t mark_at = b->facts.n;
    mark_write(&b->facts, &m);
    int r = b->facts.failed ? -ENOMEM : reserve(e, b->bodies.n + b->facts.n, &at);
    b->job = (struct job){.batch = true};
    e->in_flight = true;
    if (r < 0) { /* cannot be: plan_room saw to both */
        b->job.error = r;
        *e->s.done_tail = &b->job;
        e->s.done_tail = &b->job.next;
        return;
    }
    check(pos_of(at.segment, at.offset) == b->pos);
    record_stamp(b->facts.p + mark_at, b->facts.n - mark_at, facts_pos + mark_at, b->number, seed, &chain, &count);
    b->end = facts_pos + b->facts.n;
    bool two = b->bodies.n > 0;
    b->job = (struct job){.batch = true, .file = at.file, .segment = at.segment, .offset = at.offset,
                          .p = {two ? b->bodies.p : b->facts.p, two ? b->facts.p : NULL},
                          .n = {two ? b->bodies.n : b->facts.n, two ? b->facts.n : 0}};
    job_submit(e, &b->job);
}

static void batch_finished(struct engine *e, struct op **done)
{
    struct batch *b = &e->batch;
    int error = b->job.error;
    e->in_flight = false;
    if (error == 0) {
        e->next_batch++;
        e->last_end = b->end;
        e->durable = b->counters;
        e->stat.commits++;
        e->stat.ops += b->op_count;
        size_t bucket = 0;
        while (bucket < ENGINE_BUCKETS && b->op_count > ENGINE_OPS(bucket))
            bucket++;
        e->stat.batch_sizes[bucket]++;
        account_settle(e, true);
        index_hand_over(e, b->facts.p, b->facts.n);
        b->facts = (struct enc){0};
        if (b->directory)
            for (struct op *op = b->ops; op; op = op->next)
                if (op->outcome == DONE)
                    directory_apply(e, op);
    } else {
        account_settle(e, false);
        while (b->fresh_count > 0)
            recent_forget(e, &e->recent[b->fresh[--b->fresh_count]]);
        if (!disk_is_full_error(error))
            engine_die(e, "the log cannot be written", error);
        else
            fact(FACT_ERROR, "store.full", fact_c("error", disk_error_text(error)));
        for (struct op *op = b->ops; op; op = op->next)
            op_fail(op, RETRY, disk_is_full_error(error) ? "4.3.1" : "4.3.0", disk_error_text(error));
    }
    *done = b->ops;
    batch_clear(e);
}

void batch_clear(struct engine *e)
{
    enum { KEEP = 1024 * 1024 };
    struct batch *b = &e->batch;
    if (b->bodies.cap > KEEP)
        enc_free(&b->bodies);
    enc_clear(&b->bodies);
    enc_clear(&b->facts);
    b->ops = NULL;
    b->ops_tail = &b->ops;
    b->op_count = 0;
    b->directory = false;
    b->fresh_count = 0;
    b->pos = 0;
}

bool commit_collect(struct engine *e, struct op **done)
{
    bool batch = false;
    *done = NULL;
    pthread_mutex_lock(&e->s.lock);
    struct job *list = e->s.done;
    e->s.done = NULL;
    e->s.done_tail = &e->s.done;
    pthread_mutex_unlock(&e->s.lock);
    while (list) {
        struct job *j = list;
        list = j->next;
        if (j->batch) {
            batch_finished(e, done);
            batch = true;
            continue;
        }
        if (j->error < 0)
            body_pieces_failed(e, j->body, j->error);
        free(j);
    }
    return batch;
}
