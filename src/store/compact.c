/* SPDX-License-Identifier: ISC */
/* Compaction: what lives in segments that are mostly dead is copied to the tail; then the segments go.

       expire ─► choose ─► walk: copy bodies and accepts ─► MOVED facts ─► snapshot ─► read it back
                             └── the next victim ◄──┘                                      │
                                       unlink ◄─ DROPPED facts ◄─ checkpoint the index ◄───┘

   The snapshot makes the facts in the victims needless, the checkpoint makes sure that no index that may come back after a power
   cut still needs them. While a victim is walked no new message can refer to a body in it: its hashes are forgotten before, so
   references only become fewer. */
#include <stdio.h>
#include "store/inside.h"

enum {
    VICTIMS_MAX = 32,
    SCAN_A_STEP = 1024 * 1024,
    COPY_A_STEP = 256 * 1024,
    MOVED_MAX = 512,
    EXPIRE_AT_ONCE = 1000,
    DAY_MS = 24 * 3600 * 1000,
};

struct compaction {
    uint32_t victims[VICTIMS_MAX], count, current;
    struct log_reader reader;
    bool reading;
    uint64_t offset;
    struct enc moved;
    uint32_t moved_count;
    struct enc dead[VICTIMS_MAX];   /* body ids, 8 bytes each */
    int64_t expire_after;
    /* a large body under way */
    uint64_t large;
    log_pos large_map;
    uint32_t large_next, large_count;
    struct enc large_head, large_positions;
    uint32_t state_checked;
    bool dropped;
};

static bool step_expire(struct engine *e, struct engine_job *j);
static bool step_walk(struct engine *e, struct engine_job *j);
static bool step_drop(struct engine *e, struct engine_job *j);

uint32_t compact_victims(struct engine *e, bool all, uint32_t *list, uint32_t max)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_LIVE);
    uint32_t n = 0, at = 0;
    int64_t live = 0, of = -1;
    for (size_t i = 0; s && i < e->log.count && e->log.segments[i].number < e->tail.segment; i++) {
        const struct segment *seg = &e->log.segments[i];
        while (of < (int64_t)seg->number && sqlite3_step(s) == SQLITE_ROW) {
            of = sqlite3_column_int64(s, 0);
            live = sqlite3_column_int64(s, 1);
        }
        uint64_t alive = of == (int64_t)seg->number && live > 0 ? (uint64_t)live : 0;
        if (alive > seg->size - seg->size / (all ? 50 : 2))
            continue;
        n++;
        if (at < max)
            list[at++] = seg->number;
    }
    if (s)
        sqlite3_reset(s);
    return n;
}

void compact_clear(struct engine_job *j)
{
    struct compaction *c = j->compaction;
    if (!c)
        return;
    if (c->reading)
        reader_close(&c->reader);
    enc_free(&c->moved);
    enc_free(&c->large_head);
    enc_free(&c->large_positions);
    for (int i = 0; i < VICTIMS_MAX; i++)
        enc_free(&c->dead[i]);
    free(c);
    j->compaction = NULL;
}

bool compact_begin(struct engine *e, struct engine_job *j)
{
    j->compaction = calloc(1, sizeof *j->compaction);
    if (!j->compaction)
        return job_fail(j, RETRY, "4.3.0", "out of memory");
    j->step = step_expire;
    return step_expire(e, j);
}

static bool caught_up(struct engine *e)
{
    if (!e->in_flight && index_position(e) >= e->last_end)
        return true;
    if (e->threads_run && !e->in_flight)
        index_hurry(e, true);
    bool now = !e->in_flight && index_position(e) >= e->last_end; /* it may have come while we asked */
    e->job->idle = e->threads_run && !now;
    return now;
}

/* The traces of messages that are long gone. */
static bool step_expire(struct engine *e, struct engine_job *j)
{
    struct compaction *c = j->compaction;
    if (!caught_up(e))
        return true;
    uint32_t days = e->options.trace_days ? e->options.trace_days : TRACE_DAYS;
    sqlite3_stmt *s = index_q(e->read, Q_R_EXPIRED);
    struct enc ids = {0};
    uint64_t count = 0;
    if (!s)
        return job_fail(j, RETRY, "4.3.0", "the index cannot be read");
    sqlite3_bind_int64(s, 1, c->expire_after);
    sqlite3_bind_int64(s, 2, clock_unix_ms() - (int64_t)days * DAY_MS);
    sqlite3_bind_int64(s, 3, EXPIRE_AT_ONCE);
    for (; sqlite3_step(s) == SQLITE_ROW; count++)
        enc_var(&ids, (uint64_t)(c->expire_after = sqlite3_column_int64(s, 0)));
    sqlite3_reset(s);
    if (count > 0) {
        enc_clear(&j->payload);
        enc_var(&j->payload, 0);
        enc_var(&j->payload, count);
        enc_bytes(&j->payload, ids.p, ids.n);
        enc_var(&j->payload, 0);
        enc_free(&ids);
        return job_record(e, j, RECORD_DROPPED, str_of(j->payload.p, j->payload.n), false, NULL, NULL);
    }
    c->count = compact_victims(e, j->kind == ENGINE_COMPACT_ALL, c->victims, VICTIMS_MAX);
    if (c->count > VICTIMS_MAX)
        c->count = VICTIMS_MAX;
    for (uint32_t i = 0; e->recent && i < RECENT_BODIES; i++)
        for (uint32_t v = 0; v < c->count && e->recent[i].used; v++)
            if (e->recent[i].large || pos_segment(e->recent[i].pos) == c->victims[v]) /* a large one may have pieces anywhere */
                recent_forget(e, &e->recent[i]);
    if (c->count == 0)
        return false;
    j->step = step_walk;
    return true;
}

static bool flush_moved(struct engine *e, struct engine_job *j)
{
    struct compaction *c = j->compaction;
    struct enc *p = &j->payload;
    enc_clear(p);
    enc_var(p, c->moved_count);
    enc_bytes(p, c->moved.p, c->moved.n);
    enc_clear(&c->moved);
    c->moved_count = 0;
    return job_record(e, j, RECORD_MOVED, str_of(p->p, p->n), false, NULL, NULL);
}

static void placed(struct engine_job *j, const struct fact_moved *tag, log_pos pos)
{
    struct compaction *c = j->compaction;
    struct fact_moved m = *tag;
    m.to = pos;
    fact_moved_write(&c->moved, &m);
    c->moved_count++;
}

static void piece_placed(struct engine_job *j, const struct fact_moved *tag, log_pos pos)
{
    char eight[8];
    (void)tag;
    put_u64(eight, pos);
    enc_bytes(&j->compaction->large_positions, eight, 8);
}

struct where { bool known; int64_t pos, size, large, refs; };

static struct where body_where(struct engine *e, uint64_t id)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_BODY);
    struct where w = {0};
    if (!s)
        return w;
    sqlite3_bind_int64(s, 1, (int64_t)id);
    if (sqlite3_step(s) == SQLITE_ROW)
        w = (struct where){true, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
                           sqlite3_column_int64(s, 3)};
    sqlite3_reset(s);
    return w;
}

static bool accept_lies_at(struct engine *e, uint64_t id, log_pos pos)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_ACCEPTED);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)id);
    bool here = sqlite3_step(s) == SQLITE_ROW && (log_pos)sqlite3_column_int64(s, 0) == pos;
    sqlite3_reset(s);
    return here;
}

/* Begins to move a large body, if the record at pos (its map, or one of its pieces) is still the one in use. */
static bool large_begin(struct engine *e, struct engine_job *j, uint64_t id, const struct where *w, log_pos pos)
{
    struct compaction *c = j->compaction;
    struct record r;
    struct fact_map map;
    bool broken, named = (log_pos)w->pos == pos;
    if (log_read(&e->log, (log_pos)w->pos, &r, &broken) < 0 || r.type != RECORD_MAP || !fact_map_read(r.payload, &map) ||
        map.id != id)
        return false;
    for (uint32_t i = 0; i < map.count && !named; i++)
        named = fact_map_piece(&map, i) == pos;
    if (!named)
        return false;
    enc_clear(&c->large_head);
    enc_clear(&c->large_positions);
    enc_bytes(&c->large_head, r.payload.p, r.payload.n);
    c->large = id;
    c->large_map = (log_pos)w->pos;
    c->large_next = 0;
    c->large_count = map.count;
    return true;
}

static bool large_step(struct engine *e, struct engine_job *j)
{
    struct compaction *c = j->compaction;
    struct record r;
    bool broken;
    size_t copied = 0;
    for (; c->large_next < c->large_count && copied < COPY_A_STEP; c->large_next++, copied += r.payload.n) {
        log_pos at = get_u64(c->large_head.p + 56 + 8 * (size_t)c->large_next);
        if (log_read(&e->log, at, &r, &broken) < 0 || r.type != RECORD_PIECE) {
            fact(FACT_ERROR, "store.rot", fact_num("segment", pos_segment(at)), fact_num("offset", (int64_t)pos_offset(at)));
            c->large = 0; /* it stays where it is, and its segments with it */
            return true;
        }
        if (!job_record(e, j, RECORD_PIECE, r.payload, true, piece_placed, NULL))
            return false;
    }
    if (copied > 0)
        return true;
    enc_clear(&j->payload);
    enc_bytes(&j->payload, c->large_head.p, 56);
    enc_bytes(&j->payload, c->large_positions.p, c->large_positions.n);
    struct fact_moved tag = {.id = c->large, .from = c->large_map};
    c->large = 0;
    return job_record(e, j, RECORD_MAP, str_of(j->payload.p, j->payload.n), true, placed, &tag);
}

/* Copies a record when it is in use. Gives the bytes that it copied in *copied. */
static bool consider(struct engine *e, struct engine_job *j, const struct record *r, size_t *copied)
{
    struct compaction *c = j->compaction;
    struct fact_accept f;
    if (r->type == RECORD_ACCEPT || r->type == RECORD_ACCEPT_COPY) {
        if (!fact_accept_read(r->payload, &f) || !accept_lies_at(e, f.id, r->pos))
            return true;
        struct fact_moved tag = {.accept = true, .id = f.id, .from = r->pos};
        *copied += r->whole;
        return job_record(e, j, RECORD_ACCEPT_COPY, r->payload, true, placed, &tag);
    }
    if ((r->type != RECORD_BODY && r->type != RECORD_PIECE && r->type != RECORD_MAP) || r->payload.n < 8)
        return true;
    uint64_t id = get_u64(r->payload.p);
    struct where w = body_where(e, id);
    if (!w.known)
        return true;
    if (w.refs <= 0) {
        if ((log_pos)w.pos == r->pos) {
            char eight[8];
            put_u64(eight, id);
            enc_bytes(&c->dead[c->current], eight, 8);
        }
        return true;
    }
    if (w.large) {
        large_begin(e, j, id, &w, r->pos);
        return true;
    }
    if ((log_pos)w.pos != r->pos)
        return true;
    struct fact_moved tag = {.id = id, .from = r->pos};
    *copied += r->whole;
    return job_record(e, j, RECORD_BODY, r->payload, true, placed, &tag);
}

static bool step_walk(struct engine *e, struct engine_job *j)
{
    struct compaction *c = j->compaction;
    if (c->large)
        return large_step(e, j);
    if (c->moved_count >= MOVED_MAX || (c->moved_count > 0 && c->current == c->count))
        return flush_moved(e, j);
    if (c->current == c->count) {
        j->step = snapshot_begin;
        return caught_up(e) ? snapshot_begin(e, j) : true;
    }
    if (!c->reading) {
        if (!reader_open(&c->reader, &e->log, c->victims[c->current]))
            return job_fail(j, RETRY, "4.3.0", "a segment cannot be opened");
        c->reading = true;
        c->offset = SEGMENT_HEADER;
    }
    size_t copied = 0;
    for (uint64_t start = c->offset; c->offset - start < SCAN_A_STEP && copied < COPY_A_STEP && !c->large;) {
        struct record r;
        if (reader_record(&c->reader, c->offset, &r) != RECORD_OK && !reader_search(&c->reader, c->offset + 8, 0, &r)) {
            reader_close(&c->reader);
            c->reading = false;
            c->current++;
            break;
        }
        if (!consider(e, j, &r, &copied))
            return false;
        c->offset = pos_offset(r.pos) + r.whole;
    }
    job_progress(j, c->current * 8, c->count * 10);
    return true;
}

/* The snapshot is written. It is read back before anything is given up for it. */
bool compact_after_snapshot(struct engine *e, struct engine_job *j)
{
    enum { READ_A_STEP = 16 };
    struct compaction *c = j->compaction;
    struct record r;
    bool broken;
    snapshot_release(j);
    for (int i = 0; i < READ_A_STEP && c->state_checked < j->position_count; i++, c->state_checked++)
        if (log_read(&e->log, get_u64(j->positions.p + 8 * (size_t)c->state_checked), &r, &broken) < 0 || r.type != RECORD_STATE)
            return job_fail(j, RETRY, "4.3.0", "the snapshot cannot be read back: nothing was given up");
    if (c->state_checked < j->position_count || !caught_up(e))
        return true;
    if (!index_checkpoint(e)) {
        j->idle = e->threads_run; /* the index thread signals when it has tried */
        return true;
    }
    c->current = 0;
    j->step = step_drop;
    return true;
}

static int64_t live_of(struct engine *e, uint32_t segment)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_LIVE);
    int64_t live = 0;
    while (s && sqlite3_step(s) == SQLITE_ROW)
        if (sqlite3_column_int64(s, 0) == segment)
            live = sqlite3_column_int64(s, 1);
    if (s)
        sqlite3_reset(s);
    return live;
}

/* Two visits for each victim: the fact that it goes; and when the index knows that, its end. */
static bool step_drop(struct engine *e, struct engine_job *j)
{
    struct compaction *c = j->compaction;
    if (c->current == c->count)
        return false;
    uint32_t number = c->victims[c->current];
    if (!caught_up(e))
        return true;
    if (!c->dropped && live_of(e, number) > 0) { /* something in it is in use and could not be copied: damaged. It stays. */
        fact(FACT_ERROR, "store.segment_kept", fact_num("segment", number), fact_num("live", live_of(e, number)));
        c->current++;
        return true;
    }
    if (!c->dropped) {
        const struct enc *dead = &c->dead[c->current];
        enc_clear(&j->payload);
        enc_var(&j->payload, number);
        enc_var(&j->payload, 0);
        enc_var(&j->payload, dead->n / 8);
        for (size_t i = 0; i < dead->n; i += 8)
            enc_var(&j->payload, get_u64(dead->p + i));
        c->dropped = true;
        return job_record(e, j, RECORD_DROPPED, str_of(j->payload.p, j->payload.n), false, NULL, NULL);
    }
    int r = log_segment_remove(&e->log, number);
    if (r == 0)
        r = e->disk->sync_dir(e->disk->self, e->log.dir);
    fact(r == 0 ? FACT_INFO : FACT_ERROR, "store.segment_dropped", fact_num("segment", number),
         fact_c("error", r ? disk_error_text(r) : ""));
    e->stat.dropped++;
    c->dropped = false;
    c->current++;
    job_progress(j, c->count * 8 + c->current * 2, c->count * 10);
    return true;
}
