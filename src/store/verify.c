/* SPDX-License-Identifier: ISC */
/* Looks at everything: each record of each segment, each body and accept record that the index refers to, and whether a replay of
   the log gives the index that is in use. Reads files only, so it has a thread of its own. */
#include <stdio.h>
#include "store/inside.h"

bool log_open_beside(struct log *l, const struct log *of, struct why *why)
{
    *l = (struct log){.disk = of->disk, .segment_size = of->segment_size};
    memcpy(l->dir, of->dir, sizeof l->dir);
    return log_scan(l, why) == DONE;
}

static void finding_at(struct engine_job *j, log_pos at, const char *what)
{
    job_finding(j, "segment %08lx offset %lu: %s", (unsigned long)pos_segment(at), (unsigned long)pos_offset(at), what);
}

/* Every record up to the end of the log as of the start. */
void verify_segment(const struct log *l, uint32_t number, log_pos end, void (*broken)(void *to, log_pos at, const char *what),
                    void *to)
{
    struct log_reader reader;
    if (!reader_open(&reader, l, number)) {
        broken(to, pos_of(number, 0), "cannot be opened");
        return;
    }
    for (uint64_t at = SEGMENT_HEADER; pos_of(number, at) < end;) {
        struct record r;
        enum record_found f = reader_record(&reader, at, &r);
        if (f == RECORD_OK) {
            at += r.whole;
            continue;
        }
        uint64_t was = at;
        bool more = reader_search(&reader, at + 8, 0, &r) && r.pos < end;
        if (f != RECORD_NONE || more || number == pos_segment(end))
            broken(to, pos_of(number, was),
                   f == RECORD_UNREADABLE ? "the disk cannot read it"
                   : f == RECORD_NONE     ? "zeros where something was written"
                                          : "a record is broken");
        if (!more)
            break;
        at = pos_offset(r.pos);
    }
    reader_close(&reader);
}

static void on_broken(void *to, log_pos at, const char *what) { finding_at(to, at, what); }

static bool hash_is(const struct log *l, const unsigned char want[32], struct hash_body *h)
{
    unsigned char got[32];
    (void)l;
    hash_body_end(h, got);
    return memcmp(got, want, 32) == 0;
}

static const char *large_body(struct log *l, const struct fact_map *map)
{
    struct hash_body h;
    struct record r;
    struct fact_piece p;
    uint64_t size = 0;
    bool broken;
    hash_body_init(&h, l->key.body_key);
    for (uint32_t i = 0; i < map->count; i++) {
        if (log_read(l, fact_map_piece(map, i), &r, &broken) < 0 || r.type != RECORD_PIECE || !fact_piece_read(r.payload, &p) ||
            p.index != i)
            return "a piece of it cannot be read";
        hash_body_add(&h, p.bytes.p, p.bytes.n);
        size += p.bytes.n;
    }
    return size != map->size ? "its pieces have another size" : hash_is(l, map->hash, &h) ? NULL : "its hash is another";
}

static const char *body_trouble(struct log *l, uint64_t id, log_pos pos, uint64_t size, bool large)
{
    struct record r;
    struct fact_body b;
    struct fact_map map;
    struct hash_body h;
    bool broken;
    if (log_read(l, pos, &r, &broken) < 0)
        return "it is not where the index says";
    if (large) {
        struct enc keep = {0};
        const char *why = r.type == RECORD_MAP ? NULL : "its map is not where the index says";
        enc_bytes(&keep, r.payload.p, r.payload.n); /* reading the pieces replaces it */
        if (!why && (!fact_map_read(str_of(keep.p, keep.n), &map) || map.id != id || map.size != size))
            why = "its map is another's";
        if (!why)
            why = large_body(l, &map);
        enc_free(&keep);
        return why;
    }
    if (r.type != RECORD_BODY || !fact_body_read(r.payload, &b) || b.id != id || b.bytes.n != size)
        return "another record is there";
    hash_body_init(&h, l->key.body_key);
    hash_body_add(&h, b.bytes.p, b.bytes.n);
    return hash_is(l, b.hash, &h) ? NULL : "its hash is another";
}

static void verify_bodies(struct engine_job *j, struct log *l, sqlite3 *db)
{
    sqlite3_stmt *s;
    struct record r;
    struct fact_accept f;
    bool broken;
    if (sqlite3_prepare_v2(db, "SELECT id, pos, size, large FROM body WHERE refs>0", -1, &s, NULL) == SQLITE_OK)
        while (!job_cancelled(j) && sqlite3_step(s) == SQLITE_ROW) {
            uint64_t id = (uint64_t)sqlite3_column_int64(s, 0);
            log_pos pos = (log_pos)sqlite3_column_int64(s, 1);
            const char *why = body_trouble(l, id, pos, (uint64_t)sqlite3_column_int64(s, 2), sqlite3_column_int(s, 3) != 0);
            if (why)
                job_finding(j, "body %llu at %08lx:%lu: %s", (unsigned long long)id, (unsigned long)pos_segment(pos),
                            (unsigned long)pos_offset(pos), why);
        }
    sqlite3_finalize(s);
    if (sqlite3_prepare_v2(db, "SELECT id, pos FROM accepted", -1, &s, NULL) == SQLITE_OK)
        while (!job_cancelled(j) && sqlite3_step(s) == SQLITE_ROW) {
            log_pos pos = (log_pos)sqlite3_column_int64(s, 1);
            if (log_read(l, pos, &r, &broken) < 0 || (r.type != RECORD_ACCEPT && r.type != RECORD_ACCEPT_COPY) ||
                !fact_accept_read(r.payload, &f) || (int64_t)f.id != sqlite3_column_int64(s, 0))
                job_finding(j, "message %lld at %08lx:%lu: its envelope cannot be read", (long long)sqlite3_column_int64(s, 0),
                            (unsigned long)pos_segment(pos), (unsigned long)pos_offset(pos));
        }
    sqlite3_finalize(s);
}

/* ---- the index against a replay ---- */

struct again { struct index x; log_pos stop; bool failed; const struct engine_job *job; };

static bool again_fact(void *to, const struct record *r)
{
    struct again *a = to;
    if (!a->x.open && !index_begin(&a->x))
        a->failed = true;
    else if (!index_apply(&a->x, r))
        a->failed = true;
    return !a->failed && !job_cancelled(a->job) && !(r->type == RECORD_COMMIT && r->pos + r->whole >= a->stop);
}

static void again_rot(void *to, log_pos at, const char *what) { (void)to; (void)at; (void)what; }

static bool rows_equal(sqlite3_stmt *a, sqlite3_stmt *b)
{
    for (int i = 0; i < sqlite3_column_count(a); i++) {
        int type = sqlite3_column_type(a, i), n = sqlite3_column_bytes(a, i);
        if (type != sqlite3_column_type(b, i) || n != sqlite3_column_bytes(b, i))
            return false;
        if (type == SQLITE_INTEGER ? sqlite3_column_int64(a, i) != sqlite3_column_int64(b, i)
                                   : n > 0 && memcmp(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i), (size_t)n) != 0)
            return false;
    }
    return true;
}

static void compare_table(struct engine_job *j, const char *table, sqlite3 *used, sqlite3 *made)
{
    sqlite3_stmt *a = NULL, *b = NULL;
    char sql[64];
    int x = 0, y = 0;
    uint64_t row = 0;
    snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
    if (sqlite3_prepare_v2(used, sql, -1, &a, NULL) != SQLITE_OK || sqlite3_prepare_v2(made, sql, -1, &b, NULL) != SQLITE_OK) {
        job_finding(j, "index: table %s cannot be read", table);
    } else {
        do {
            x = sqlite3_step(a);
            y = sqlite3_step(b);
            row++;
        } while (x == SQLITE_ROW && y == SQLITE_ROW && rows_equal(a, b));
        if (x != SQLITE_DONE || y != SQLITE_DONE)
            job_finding(
                j, "index: table %s is not what the log says, from row %llu on (first column %lld, by the log %lld): rebuild it",
                table, (unsigned long long)row, x == SQLITE_ROW ? (long long)sqlite3_column_int64(a, 0) : -1,
                y == SQLITE_ROW ? (long long)sqlite3_column_int64(b, 0) : -1);
    }
    sqlite3_finalize(a);
    sqlite3_finalize(b);
}

static void verify_index(struct engine_job *j, struct log *l, sqlite3 *used, log_pos position)
{
    static const char *const names[] = {"account", "mailbox", "message", "expunged", "accepted", "body",
                                        "queue",   "domain",  "alias",   "live",     "attempt",  "note"};
    struct again a = {.stop = position, .job = j};
    char path[520];
    bool fresh;
    snprintf(path, sizeof path, "%s/verify.db", j->e->dir_store);
    if (!j->e->index_memory)
        index_remove_files(path);
    struct why why = {0};
    if (index_open(&a.x, j->e->index_memory ? ":memory:" : path, l, false, &fresh, &why) != DONE) {
        job_fail(j, RETRY, "4.3.0", why.text);
    } else {
        sqlite3_exec(a.x.db, "PRAGMA synchronous=OFF", NULL, NULL, NULL); /* it is thrown away */
        snapshot_load(&a.x, l);
        struct replay r = {.from = a.x.position, .batch = a.x.batch, .fact = again_fact, .rot = again_rot, .to = &a};
        if (a.x.position < position && log_replay(l, &r, &why) != DONE)
            a.failed = true;
        if (a.x.open && !index_commit(&a.x))
            a.failed = true;
        if (a.failed)
            job_fail(j, RETRY, "4.3.0", "the log could not be replayed for a comparison");
        for (size_t i = 0; !a.failed && !job_cancelled(j) && i < sizeof names / sizeof *names; i++)
            compare_table(j, names[i], used, a.x.db);
    }
    index_close(&a.x);
    if (!j->e->index_memory)
        index_remove_files(path);
}

void verify_work(struct engine_job *j)
{
    struct log l;
    struct index used = {0};
    bool fresh;
    if (!log_open_beside(&l, &j->e->log, &j->why)) {
        job_fail(j, RETRY, "4.3.0", "the log cannot be listed");
        return;
    }
    for (size_t i = 0; i < l.count && l.segments[i].number <= pos_segment(j->end) && !job_cancelled(j); i++) {
        verify_segment(&l, l.segments[i].number, j->end, on_broken, j);
        job_progress(j, i + 1, (l.count + 1) * 2);
    }
    sqlite3 *db = j->e->writer.db;
    log_pos position = j->e->writer.position;
    if (!j->e->index_memory) { /* one moment of it, while it goes on */
        if (index_open(&used, j->e->index_path, &l, true, &fresh, &j->why) != DONE ||
            sqlite3_exec(used.db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK || !index_load_state(&used))
            job_fail(j, RETRY, "4.3.0", "the index cannot be read");
        db = used.db;
        position = used.position;
    }
    if (j->outcome == DONE)
        verify_bodies(j, &l, db);
    job_progress(j, 3, 4);
    if (j->outcome == DONE)
        verify_index(j, &l, db, position);
    job_progress(j, 1, 1);
    index_close(&used);
    log_close(&l);
    if (job_cancelled(j))
        job_fail(j, RETRY, "4.3.0", "the store closes");
    if (j->outcome == DONE && j->finding_count > 0) {
        snprintf(j->why.text, sizeof j->why.text, "%llu findings", (unsigned long long)j->finding_count);
        j->outcome = REFUSE;
    }
}
