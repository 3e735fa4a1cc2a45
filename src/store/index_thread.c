/* SPDX-License-Identifier: ISC */
/* Applies what was committed, in one transaction for all that has piled up. When the disk has no room for the index it waits and
   tries again: the log goes on until the backlog is full. When the index turns out damaged the engine ends; the next start
   rebuilds it. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include "store/inside.h"

enum { RETRY_MS = 250, IDLE_MS = 500, LAZY_MS = 50, LAZY_BYTES = 4 * 1024 * 1024, WAL_PAGES_MAX = 2048, FIND_AT_ONCE = 256 };

static void record_of(const char *p, struct record *r)
{
    size_t length = get_u32(p + 8);
    *r = (struct record){(enum record_type)p[4],      get_u64(p + 16), get_u64(p + 24),
                         {p + RECORD_HEADER, length}, get_u32(p + 12), record_size(length)};
}

static bool apply(struct index *x, const struct backlog *list)
{
    struct record r;
    if (!index_begin(x))
        return false;
    for (const struct backlog *b = list; b; b = b->next)
        for (size_t at = 0; at < b->n; at += r.whole) {
            record_of(b->p + at, &r);
            if (!index_apply(x, &r)) {
                index_rollback(x);
                return false;
            }
        }
    return index_commit(x);
}

static void list_free(struct backlog *list)
{
    while (list) {
        struct backlog *next = list->next;
        free(list->p);
        free(list);
        list = next;
    }
}

/* All that was applied is in the database file, and durable. */
static bool checkpoint(struct index *x)
{
    int pages = 0, done = 0;
    bool ok = sqlite3_wal_checkpoint_v2(x->db, NULL, SQLITE_CHECKPOINT_FULL, &pages, &done) == SQLITE_OK && pages == done;
    if (ok)
        x->wal_pages = 0;
    return ok;
}

bool index_checkpoint(struct engine *e)
{
    if (e->index_memory)
        return true;
    if (!e->threads_run)
        return checkpoint(&e->writer);
    pthread_mutex_lock(&e->s.lock);
    bool done = e->s.checkpoint_done;
    e->s.checkpoint_done = false;
    if (!done && !e->s.checkpoint_wanted) {
        e->s.checkpoint_wanted = true;
        pthread_cond_signal(&e->s.index_work);
    }
    pthread_mutex_unlock(&e->s.lock);
    return done;
}

static void finished(struct engine *e, struct index *x)
{
    pthread_mutex_lock(&e->s.lock);
    e->s.index_position = x->position;
    e->s.index_trouble[0] = 0;
    bool wake = e->s.owner_waits;
    e->s.owner_waits = false;
    pthread_cond_broadcast(&e->s.indexed);
    pthread_mutex_unlock(&e->s.lock);
    if (wake)
        engine_signal(e);
}

/* False: damaged. Else it cannot follow now, and says why. */
static bool trouble(struct engine *e, struct index *x)
{
    bool damaged = index_is_damaged(x);
    pthread_mutex_lock(&e->s.lock);
    if (!e->s.index_trouble[0])
        fact(FACT_ERROR, damaged ? "store.index_damaged" : "store.index_behind", fact_c("error", x->error_text));
    snprintf(e->s.index_trouble, sizeof e->s.index_trouble, "%s", x->error == SQLITE_FULL ? "disk full" : x->error_text);
    e->s.index_damaged |= damaged;
    pthread_cond_broadcast(&e->s.indexed);
    pthread_mutex_unlock(&e->s.lock);
    if (damaged)
        engine_signal(e);
    return !damaged;
}

static void wait_ms(pthread_cond_t *c, pthread_mutex_t *lock, int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* a condition's clock, not the simulator's */
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(c, lock, &t);
}

static bool apply_pile(struct engine *e, struct index *x, struct backlog *list, size_t bytes)
{
    while (!apply(x, list)) {
        pthread_mutex_lock(&e->s.lock);
        bool stop = e->s.index_stop;
        pthread_mutex_unlock(&e->s.lock);
        if (!trouble(e, x) || stop) {
            list_free(list);
            return false;
        }
        pthread_mutex_lock(&e->s.lock);
        wait_ms(&e->s.index_work, &e->s.lock, RETRY_MS);
        pthread_mutex_unlock(&e->s.lock);
    }
    list_free(list);
    pthread_mutex_lock(&e->s.lock);
    e->s.backlog_bytes -= bytes;
    pthread_mutex_unlock(&e->s.lock);
    finished(e, x);
    if (x->wal_pages > WAL_PAGES_MAX &&
        sqlite3_wal_checkpoint_v2(x->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        x->wal_pages = 0;
    return true;
}

/* Nobody asks yet: what comes within the next moments changes the same pages, and each page is written once for all of it. */
static bool piled_up(struct shared *s)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    if (!s->backlog_since_ms)
        s->backlog_since_ms = now;
    if (!s->index_hurry && !s->index_stop && s->backlog_bytes < LAZY_BYTES && now - s->backlog_since_ms < LAZY_MS)
        return false;
    s->backlog_since_ms = 0;
    return true;
}

void index_hurry(struct engine *e, bool wake_me)
{
    pthread_mutex_lock(&e->s.lock);
    e->s.index_hurry = true;
    e->s.owner_waits |= wake_me;
    pthread_cond_signal(&e->s.index_work);
    pthread_mutex_unlock(&e->s.lock);
}

void *index_main(void *engine)
{
    struct engine *e = engine;
    struct index *x = &e->writer;
    bool found_all = false;
    pthread_mutex_lock(&e->s.lock);
    for (;;) {
        struct backlog *list = e->s.backlog;
        if (!list) {
            if (e->s.index_stop)
                break;
            if (e->s.checkpoint_wanted) {
                pthread_mutex_unlock(&e->s.lock);
                bool whole = checkpoint(x);
                pthread_mutex_lock(&e->s.lock);
                e->s.checkpoint_wanted = false;
                e->s.checkpoint_done = whole;
                pthread_mutex_unlock(&e->s.lock);
                engine_signal(e);
                pthread_mutex_lock(&e->s.lock);
                continue;
            }
            if (found_all) {
                pthread_cond_wait(&e->s.index_work, &e->s.lock);
                continue;
            }
            wait_ms(&e->s.index_work, &e->s.lock, IDLE_MS);
            while (!e->s.backlog && !e->s.index_stop && !found_all) { /* a quiet moment: terms for the search */
                pthread_mutex_unlock(&e->s.lock);
                found_all = !index_find_some(x, FIND_AT_ONCE);
                pthread_mutex_lock(&e->s.lock);
            }
            continue;
        }
        if (!piled_up(&e->s)) {
            wait_ms(&e->s.index_work, &e->s.lock, LAZY_MS);
            continue;
        }
        e->s.index_hurry = false;
        e->s.backlog = NULL;
        e->s.backlog_tail = &e->s.backlog;
        size_t bytes = 0;
        for (const struct backlog *b = list; b; b = b->next)
            bytes += b->n;
        pthread_mutex_unlock(&e->s.lock);
        found_all = false;
        if (!apply_pile(e, x, list, bytes))
            return NULL;
        pthread_mutex_lock(&e->s.lock);
    }
    pthread_mutex_unlock(&e->s.lock);
    return NULL;
}

void index_hand_over(struct engine *e, char *facts, size_t n)
{
    struct backlog *b = malloc(sizeof *b);
    if (!b) {
        free(facts);
        engine_die(e, "no memory for the index", -ENOMEM); /* the next start replays it from the log */
        return;
    }
    *b = (struct backlog){NULL, facts, n};
    if (e->threads_run) {
        pthread_mutex_lock(&e->s.lock);
        *e->s.backlog_tail = b;
        e->s.backlog_tail = &b->next;
        bool first = e->s.backlog_bytes == 0 || e->s.backlog_bytes >= LAZY_BYTES;
        e->s.backlog_bytes += n;
        if (first)
            pthread_cond_signal(&e->s.index_work);
        pthread_mutex_unlock(&e->s.lock);
        return;
    }
    if (apply(&e->writer, b)) {
        finished(e, &e->writer);
        if (e->writer.wal_pages > WAL_PAGES_MAX)
            sqlite3_wal_checkpoint_v2(e->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    } else {
        trouble(e, &e->writer);
        engine_die(e, "the index cannot follow", -EIO);
    }
    list_free(b);
}

bool index_wait(struct engine *e, log_pos pos)
{
    if (!e->threads_run)
        return e->s.index_position >= pos || !e->s.index_trouble[0];
    pthread_mutex_lock(&e->s.lock);
    if (e->s.index_position < pos) {
        e->s.index_hurry = true;
        pthread_cond_signal(&e->s.index_work);
    }
    for (int64_t waited = 0; e->s.index_position < pos && !e->s.index_trouble[0] && waited < INDEX_WAIT_MS; waited += RETRY_MS)
        wait_ms(&e->s.indexed, &e->s.lock, RETRY_MS);
    bool there = e->s.index_position >= pos;
    pthread_mutex_unlock(&e->s.lock);
    return there;
}

log_pos index_position(struct engine *e)
{
    pthread_mutex_lock(&e->s.lock);
    log_pos p = e->s.index_position;
    pthread_mutex_unlock(&e->s.lock);
    return p;
}
