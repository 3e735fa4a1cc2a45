/* SPDX-License-Identifier: ISC */
/* Snapshots: every row of the index, as STATE records in the log, ended by a STATE_END that says as of which position they are
   and where they lie. They are read from one transaction, so they are of one moment, while the service goes on. From then on no
   fact before that position is needed. */
#include <stdio.h>
#include "store/inside.h"

enum { ROWS_BYTES = 48 * 1024, ROWS_BYTES_SMALL = 4 * 1024, PIECES_A_STEP = 4 };

static const struct { const char *name; int columns;
} tables[] = {
    {"account", 8}, {"mailbox", 9}, {"message", 10}, {"expunged", 5}, {"accepted", 7}, {"body", 5},
    {"queue", 13},  {"domain", 1},  {"alias", 3},    {"live", 2},     {"attempt", 4},  {"note", 4},
};
enum { TABLE_COUNT = sizeof tables / sizeof *tables };
enum { VALUE_NULL, VALUE_INT, VALUE_NEGATIVE, VALUE_BLOB };

static void value_write(struct enc *e, sqlite3_stmt *s, int i)
{
    int64_t v;
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_NULL:
        enc_var(e, VALUE_NULL);
        break;
    case SQLITE_INTEGER:
        v = sqlite3_column_int64(s, i);
        enc_var(e, v < 0 ? VALUE_NEGATIVE : VALUE_INT);
        enc_var(e, v < 0 ? ~(uint64_t)v : (uint64_t)v);
        break;
    default:
        enc_var(e, VALUE_BLOB);
        enc_str(e, str_of(sqlite3_column_blob(s, i), (size_t)sqlite3_column_bytes(s, i)));
    }
}

/* A payload: table number, columns a row, then rows until its end. All rows of a payload are of one table. */
bool state_next(struct state_reader *r, struct enc *e, size_t limit)
{
    char sql[64];
    enc_clear(e);
    for (; r->table < TABLE_COUNT; r->table++) {
        if (!r->rows) {
            snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[r->table].name);
            if (sqlite3_prepare_v2(r->db, sql, -1, &r->rows, NULL) != SQLITE_OK) {
                r->failed = true;
                return false;
            }
        }
        int columns = sqlite3_column_count(r->rows), got = SQLITE_DONE;
        enc_var(e, (uint64_t)r->table);
        enc_var(e, (uint64_t)columns);
        size_t head = e->n;
        while (e->n < limit && !e->failed && (got = sqlite3_step(r->rows)) == SQLITE_ROW)
            for (int i = 0; i < columns; i++)
                value_write(e, r->rows, i);
        if (e->failed || (got != SQLITE_ROW && got != SQLITE_DONE)) {
            r->failed = true;
            return false;
        }
        if (got == SQLITE_DONE) {
            sqlite3_finalize(r->rows);
            r->rows = NULL;
        }
        if (e->n > head) {
            r->table += got == SQLITE_DONE;
            return true;
        }
        enc_clear(e);
    }
    return false;
}

void state_close(struct state_reader *r)
{
    sqlite3_finalize(r->rows);
    *r = (struct state_reader){0};
}

static bool value_bind(struct dec *d, sqlite3_stmt *s, int at)
{
    struct str v;
    switch (dec_var(d)) {
    case VALUE_NULL: return sqlite3_bind_null(s, at) == SQLITE_OK;
    case VALUE_INT: return sqlite3_bind_int64(s, at, (int64_t)dec_var(d)) == SQLITE_OK;
    case VALUE_NEGATIVE: return sqlite3_bind_int64(s, at, (int64_t)~dec_var(d)) == SQLITE_OK;
    case VALUE_BLOB:
        v = dec_str(d);
        return sqlite3_bind_blob(s, at, v.p, (int)v.n, SQLITE_STATIC) == SQLITE_OK;
    default:
        d->bad = true;
        return false;
    }
}

/* An older snapshot may have fewer columns than we have now: the rest stays NULL. More than we know: of a newer version, refused
   before. */
bool index_load_rows(struct index *x, struct str payload)
{
    struct dec d = dec_of(payload);
    uint64_t table = dec_var(&d), columns = dec_var(&d);
    sqlite3_stmt *s;
    char sql[128];
    if (d.bad || table >= TABLE_COUNT || columns == 0 || columns > (uint64_t)tables[table].columns)
        return false;
    int n = snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s VALUES(?", tables[table].name);
    for (int i = 1; i < tables[table].columns; i++)
        n += snprintf(sql + n, sizeof sql - (size_t)n, ",?");
    snprintf(sql + n, sizeof sql - (size_t)n, ")");
    if (sqlite3_prepare_v2(x->db, sql, -1, &s, NULL) != SQLITE_OK)
        return false;
    bool ok = true;
    while (ok && d.n > 0) {
        for (int i = 1; i <= (int)columns && ok; i++)
            ok = value_bind(&d, s, i);
        ok = ok && !d.bad && sqlite3_step(s) == SQLITE_DONE;
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return ok;
}

/* ---- making one ---- */

static bool snapshot_through(struct engine *e, struct engine_job *j)
{
    (void)e;
    (void)j;
    return false;
}

static bool snapshot_end(struct engine *e, struct engine_job *j)
{
    const struct counters *c = &j->frozen.counters;
    const uint64_t v[] = {j->as_of,
                          j->frozen.batch,
                          c->next_id,
                          c->next_body,
                          c->next_queue,
                          c->next_account,
                          (uint64_t)j->frozen.bodies,
                          (uint64_t)j->frozen.queued,
                          j->position_count};
    enc_clear(&j->payload);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        enc_var(&j->payload, v[i]);
    enc_bytes(&j->payload, j->positions.p, j->positions.n);
    if (j->payload.failed || j->positions.failed)
        return job_fail(j, RETRY, "4.3.0", "out of memory");
    j->step = j->compaction ? compact_after_snapshot : snapshot_through;
    return job_record(e, j, RECORD_STATE_END, str_of(j->payload.p, j->payload.n), false, NULL, NULL);
}

static void rows_placed(struct engine_job *j, const struct fact_moved *tag, log_pos pos)
{
    (void)tag;
    char *p = enc_reserve(&j->positions, 8);
    if (!p)
        return;
    put_u64(p, pos);
    j->positions.n += 8;
    j->position_count++;
}

static bool snapshot_rows(struct engine *e, struct engine_job *j)
{
    for (int i = 0; i < PIECES_A_STEP; i++) {
        if (!state_next(&j->rows, &j->payload, e->log.segment_size < 1024 * 1024 ? ROWS_BYTES_SMALL : ROWS_BYTES))
            return j->rows.failed ? job_fail(j, RETRY, "4.3.0", "the index cannot be read for a snapshot")
                                  : j->own_running > 0 || snapshot_end(e, j);
        if (!job_record(e, j, RECORD_STATE, str_of(j->payload.p, j->payload.n), true, rows_placed, NULL))
            return false;
    }
    return true;
}

/* The rows are read from a connection of their own in one transaction: as of one moment. An index in memory has one connection
   only; its snapshot is made in one go by a caller that lets nothing else in between. */
bool snapshot_begin(struct engine *e, struct engine_job *j)
{
    bool fresh;
    snapshot_clear(j);
    struct index *x = &j->frozen;
    if (e->index_memory) {
        x->position = e->writer.position, x->batch = e->writer.batch, x->counters = e->writer.counters;
        x->bodies = e->writer.bodies, x->queued = e->writer.queued;
        j->rows.db = e->writer.db;
    } else {
        if (index_open(x, e->index_path, &e->log, true, &fresh, &j->why) != DONE ||
            sqlite3_exec(x->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
            !index_load_state(x)) /* the first read fixes the moment */
            return job_fail(j, RETRY, "4.3.0", "the index cannot be read for a snapshot");
        j->rows.db = x->db;
    }
    j->as_of = x->position;
    j->step = snapshot_rows;
    return true;
}

void snapshot_release(struct engine_job *j)
{
    state_close(&j->rows);
    index_close(&j->frozen);
}

void snapshot_clear(struct engine_job *j)
{
    snapshot_release(j);
    enc_free(&j->positions);
    j->position_count = 0;
}

/* ---- reading one ---- */

log_pos snapshot_position(struct engine *e)
{
    sqlite3_stmt *s = index_q(e->read, Q_STATE);
    log_pos p = s && sqlite3_step(s) == SQLITE_ROW ? (log_pos)sqlite3_column_int64(s, 8) : 0;
    if (s)
        sqlite3_reset(s);
    return p;
}

struct state_end {
    log_pos as_of;
    uint64_t batch;
    struct counters counters;
    int64_t bodies, queued;
    uint32_t count;
    struct str positions;
};

static bool state_end_read(struct str payload, struct state_end *to)
{
    struct dec d = dec_of(payload);
    *to = (struct state_end){.as_of = dec_var(&d), .batch = dec_var(&d)};
    to->counters.next_id = dec_var(&d);
    to->counters.next_body = dec_var(&d);
    to->counters.next_queue = dec_var(&d);
    to->counters.next_account = dec_var(&d);
    to->bodies = (int64_t)dec_var(&d);
    to->queued = (int64_t)dec_var(&d);
    to->count = dec_var32(&d);
    to->positions = dec_bytes(&d, 8 * (size_t)to->count);
    return !d.bad;
}

/* The newest STATE_END in a segment that a commit mark stands behind. */
static bool newest_in(const struct log *l, uint32_t number, log_pos *pos)
{
    struct log_reader reader;
    struct record r;
    bool found = false;
    log_pos candidate = 0;
    if (!reader_open(&reader, l, number))
        return false;
    for (uint64_t at = SEGMENT_HEADER;;) {
        if (reader_record(&reader, at, &r) != RECORD_OK && !reader_search(&reader, at + 8, 0, &r))
            break;
        if (r.type == RECORD_STATE_END)
            candidate = r.pos;
        if (r.type == RECORD_COMMIT && candidate) {
            *pos = candidate;
            found = true;
        }
        at = pos_offset(r.pos) + r.whole;
    }
    reader_close(&reader);
    return found;
}

/* All its records can be read. */
static bool whole(struct log *l, log_pos end, struct state_end *s, struct enc *keep)
{
    struct record r;
    bool broken;
    if (log_read(l, end, &r, &broken) < 0 || r.type != RECORD_STATE_END)
        return false;
    enc_clear(keep);
    enc_bytes(keep, r.payload.p, r.payload.n);
    if (keep->failed || !state_end_read(str_of(keep->p, keep->n), s))
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        if (log_read(l, get_u64(s->positions.p + 8 * (size_t)i), &r, &broken) < 0 || r.type != RECORD_STATE)
            return false;
    return true;
}

static bool load(struct index *x, struct log *l, const struct state_end *s)
{
    struct record r;
    bool broken;
    if (!index_begin(x))
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        if (log_read(l, get_u64(s->positions.p + 8 * (size_t)i), &r, &broken) < 0 || !index_load_rows(x, r.payload)) {
            index_rollback(x);
            return false;
        }
    if (!index_run(x, index_q(x, Q_QUEUE_AGE))) { /* rows of an older snapshot lack what came later */
        index_rollback(x);
        return false;
    }
    x->position = s->as_of;
    x->batch = s->batch;
    x->counters = s->counters;
    x->bodies = s->bodies;
    x->queued = s->queued;
    return index_commit(x);
}

bool snapshot_load(struct index *x, struct log *l)
{
    struct state_end s;
    struct enc keep = {0};
    bool found = false;
    for (size_t i = l->count; i-- > 0 && !found;) {
        log_pos end;
        found = newest_in(l, l->segments[i].number, &end) && whole(l, end, &s, &keep) && load(x, l, &s);
    }
    enc_free(&keep);
    return found;
}
