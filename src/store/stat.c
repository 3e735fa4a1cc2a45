/* SPDX-License-Identifier: ISC */
#include "store/inside.h"

/* The live bytes of all segments, and the number of bytes that they take in all. */
static uint64_t live_bytes(struct engine *e)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_LIVE);
    int64_t live = 0;
    while (s && sqlite3_step(s) == SQLITE_ROW)
        live += sqlite3_column_int64(s, 1);
    if (s)
        sqlite3_reset(s);
    return live > 0 ? (uint64_t)live : 0;
}

void engine_stat(struct engine *e, struct engine_stat *to)
{
    bool known = index_wait(e, e->last_end);
    *to = e->stat;
    to->segments = e->log.count;
    for (size_t i = 0; i < e->log.count; i++) {
        const struct segment *s = &e->log.segments[i];
        to->bytes += s->number < e->tail.segment ? s->size : s->number == e->tail.segment ? e->tail.offset : 0;
    }
    uint64_t live = live_bytes(e);
    to->dead_bytes = to->bytes > live ? to->bytes - live : 0;
    to->position = e->last_end;
    to->index_position = index_position(e);
    size_t at = 0;
    for (const struct account *a; (a = table_next(&e->accounts_by_id, &at));)
        to->messages += a->messages;
    to->accounts = e->accounts_by_id.count;
    to->domains = e->domains.count;
    to->aliases = e->aliases.count;
    sqlite3_stmt *s = known ? index_q(e->read, Q_R_COUNTS) : NULL;
    if (s && sqlite3_step(s) == SQLITE_ROW) {
        to->bodies = (uint64_t)sqlite3_column_int64(s, 0);
        to->queued = (uint64_t)sqlite3_column_int64(s, 1);
    }
    if (s)
        sqlite3_reset(s);
    pthread_mutex_lock(&e->s.lock);
    to->fdatasyncs = e->s.syncs;
    to->fdatasync_us_total = e->s.sync_us;
    memcpy(to->sync_times, e->s.sync_times, sizeof to->sync_times);
    pthread_mutex_unlock(&e->s.lock);
}
