/* SPDX-License-Identifier: ISC */
/* Maintenance beside the service: one job at a time. What writes goes in steps between batches, one own operation under way at a
   time, so that it never takes more than a part of the disk. What only reads files has a thread of its own; what it finds is told
   on the owner's thread. */
#include <stdio.h>
#include "store/inside.h"

enum { MAINTAIN_EVERY_MS = 30000, SNAPSHOT_SEGMENTS = 64, VICTIMS_WORTH_IT = 4 };

void job_finding(struct engine_job *j, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    enum { KEPT_MAX = 10000 };
    pthread_mutex_lock(&j->lock);
    struct finding_text *f = j->finding_count++ < KEPT_MAX ? malloc(sizeof *f + length) : NULL;
    if (f) {
        f->next = NULL;
        f->n = length;
        memcpy(f->p, line, length);
        *j->findings_tail = f;
        j->findings_tail = &f->next;
    }
    pthread_mutex_unlock(&j->lock);
}

bool job_cancelled(const struct engine_job *j) { return __atomic_load_n(&j->cancelled, __ATOMIC_RELAXED); }

void job_progress(struct engine_job *j, uint64_t part, uint64_t whole)
{
    pthread_mutex_lock(&j->lock);
    j->progress = whole == 0 || part >= whole ? 1000 : (uint32_t)((double)part * 1000 / (double)whole);
    pthread_mutex_unlock(&j->lock);
}

bool job_fail(struct engine_job *j, enum outcome o, const char *status, const char *text)
{
    j->outcome = o;
    if (!j->why.text[0]) {
        snprintf(j->why.status, sizeof j->why.status, "%s", status);
        snprintf(j->why.text, sizeof j->why.text, "%s", text);
    }
    return false;
}

struct own { struct op op; struct engine_job *job; own_place *to; struct fact_moved tag; char payload[]; };

static void own_done(struct op *op)
{
    struct own *o = op->owner;
    struct engine_job *j = o->job;
    j->own_running--;
    j->own_pos = op->own.pos;
    if (op->outcome != DONE && !j->own_failed) {
        j->own_failed = true;
        j->why = op->why;
    } else if (op->outcome == DONE && o->to) {
        o->to(j, &o->tag, op->own.pos);
    }
    free(o);
}

bool job_record(struct engine *e, struct engine_job *j, enum record_type type, struct str payload, bool body, own_place *to,
                const struct fact_moved *tag)
{
    struct own *o = malloc(sizeof *o + payload.n);
    if (!o)
        return job_fail(j, RETRY, "4.3.0", "out of memory");
    *o = (struct own){.op = {.kind = OP_OWN, .done = own_done, .owner = o}, .job = j, .to = to};
    if (tag)
        o->tag = *tag;
    if (payload.n)
        memcpy(o->payload, payload.p, payload.n);
    o->op.own.type = (uint32_t)type;
    o->op.own.body = body;
    o->op.own.payload = str_of(o->payload, payload.n);
    j->own_running++;
    engine_submit(e, &o->op);
    return true;
}

static void *work_main(void *job)
{
    struct engine_job *j = job;
    j->work(j);
    pthread_mutex_lock(&j->lock);
    j->work_done = true;
    pthread_mutex_unlock(&j->lock);
    engine_signal((struct engine *)(uintptr_t)j->e);
    return NULL;
}

static void tell(struct engine_job *j)
{
    pthread_mutex_lock(&j->lock);
    struct finding_text *list = j->findings;
    uint32_t progress = j->progress;
    j->findings = NULL;
    j->findings_tail = &j->findings;
    pthread_mutex_unlock(&j->lock);
    while (list) {
        struct finding_text *f = list;
        list = f->next;
        if (j->calls.finding)
            j->calls.finding(j->calls.to, str_of(f->p, f->n));
        free(f);
    }
    if (progress != j->progress_told && j->calls.progress)
        j->calls.progress(j->calls.to, progress);
    j->progress_told = progress;
}

static void finish(struct engine *e)
{
    struct engine_job *j = e->job;
    if (j->thread_runs)
        pthread_join(j->thread, NULL);
    tell(j);
    e->job = NULL;
    e->maintained_ms = clock_mono_ms();
    snapshot_clear(j);
    compact_clear(j);
    enc_free(&j->payload);
    if (j->outcome != DONE || j->finding_count)
        fact(FACT_WARN, "store.job", fact_num("kind", j->kind), fact_num("findings", (int64_t)j->finding_count),
             fact_c("why", j->why.text));
    j->calls.done(j->calls.to, j->outcome, &j->why);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

bool job_step(struct engine *e)
{
    struct engine_job *j = e->job;
    if (!j)
        return false;
    bool through;
    if (j->work) {
        if (!j->thread_runs && !j->work_done)
            work_main(j);
        pthread_mutex_lock(&j->lock);
        through = j->work_done;
        pthread_mutex_unlock(&j->lock);
    } else if (j->own_running > 0) {
        return false; /* their end wakes us */
    } else {
        j->idle = false;
        through = j->own_failed ? !job_fail(j, RETRY, "", "") : !j->step(e, j) && j->own_running == 0;
    }
    tell(j);
    if (through) {
        finish(e);
        return false;
    }
    return !j->work && j->own_running == 0 && !j->idle;
}

static void job_nothing(void *to, enum outcome o, const struct why *why) { (void)to; (void)o; (void)why; }

/* The engine closes, and nothing of its own is under way: a thread is waited for, anything else is left as it is, which is always
   whole. */
void job_stop(struct engine *e)
{
    if (!e->job)
        return;
    check(e->job->own_running == 0);
    __atomic_store_n(&e->job->cancelled, true, __ATOMIC_RELAXED);
    e->job->calls = (struct engine_job_calls){.done = e->job->calls.done, .to = e->job->calls.to};
    if (!e->job->work || (!e->job->thread_runs && !e->job->work_done))
        job_fail(e->job, RETRY, "4.3.0", "the store closes");
    finish(e);
}

bool engine_job_runs(const struct engine *e) { return e->job != NULL; }

bool engine_job_start(struct engine *e, enum engine_job_kind kind, const char *dir, const struct engine_job_calls *calls,
                      struct why *why)
{
    struct engine_job *j = e->job ? NULL : calloc(1, sizeof *j);
    *why = (struct why){0};
    if (!j) {
        snprintf(why->text, sizeof why->text, e->job ? "the store is busy with other maintenance" : "out of memory");
        return false;
    }
    j->kind = kind;
    j->calls = *calls;
    if (!j->calls.done)
        j->calls.done = job_nothing;
    snprintf(j->dir, sizeof j->dir, "%s", dir ? dir : "");
    pthread_mutex_init(&j->lock, NULL);
    j->findings_tail = &j->findings;
    j->outcome = DONE;
    j->e = e;
    j->end = e->last_end;
    j->end_batch = e->next_batch - 1;
    e->job = j;
    switch (kind) {
    case ENGINE_VERIFY: j->work = verify_work; break;
    case ENGINE_BACKUP: j->work = backup_work; break;
    case ENGINE_COMPACT: case ENGINE_COMPACT_ALL: j->step = compact_begin; break;
    case ENGINE_SNAPSHOT: j->step = snapshot_begin; break;
    }
    if (j->work && e->threads_run)
        j->thread_runs = pthread_create(&j->thread, NULL, work_main, j) == 0; /* else it runs in the next turn */
    engine_signal(e);
    return true;
}

struct waited { engine_finding *finding; engine_progress *progress; void *to; bool done; enum outcome outcome; struct why why; };

static void waited_finding(void *to, struct str line)
{
    struct waited *w = to;
    if (w->finding)
        w->finding(w->to, line);
}
static void waited_progress(void *to, uint32_t permille)
{
    struct waited *w = to;
    if (w->progress)
        w->progress(w->to, permille);
}
static void waited_done(void *to, enum outcome o, const struct why *why)
{
    struct waited *w = to;
    w->done = true;
    w->outcome = o;
    w->why = *why;
}

static enum outcome run(struct engine *e, enum engine_job_kind kind, const char *dir, engine_finding *finding,
                        engine_progress *progress, void *to, struct why *why)
{
    struct waited w = {.finding = finding, .progress = progress, .to = to};
    struct engine_job_calls calls = {waited_finding, waited_progress, waited_done, &w};
    if (!engine_job_start(e, kind, dir, &calls, why))
        return RETRY;
    while (!w.done) {
        engine_turn(e);
        if (!w.done && e->event_fd >= 0)
            poll_readable(e->event_fd, 50);
    }
    *why = w.why;
    return w.outcome;
}

enum outcome engine_verify(struct engine *e, engine_finding *each, engine_progress *progress, void *to, struct why *why)
{
    return run(e, ENGINE_VERIFY, NULL, each, progress, to, why);
}
enum outcome engine_compact(struct engine *e, bool all, engine_progress *progress, void *to, struct why *why)
{
    return run(e, all ? ENGINE_COMPACT_ALL : ENGINE_COMPACT, NULL, NULL, progress, to, why);
}
enum outcome engine_backup(struct engine *e, const char *dir, engine_progress *progress, void *to, struct why *why)
{
    return run(e, ENGINE_BACKUP, dir, NULL, progress, to, why);
}

/* Segments behind the newest snapshot, and sealed ones that are mostly dead: is it time? */
void maintain(struct engine *e)
{
    int64_t now = clock_mono_ms();
    if (e->job || e->dead || !e->threads_run || now - e->maintained_ms < MAINTAIN_EVERY_MS)
        return;
    e->maintained_ms = now;
    struct why why;
    struct engine_job_calls none = {.done = job_nothing};
    if (compact_victims(e, false, NULL, 0) >= VICTIMS_WORTH_IT)
        engine_job_start(e, ENGINE_COMPACT, NULL, &none, &why);
    else if (e->tail.segment >= pos_segment(snapshot_position(e)) + SNAPSHOT_SEGMENTS)
        engine_job_start(e, ENGINE_SNAPSHOT, NULL, &none, &why);
}
