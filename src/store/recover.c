/* SPDX-License-Identifier: ISC */
/* Opening: find the end of the log, bring the index to it.

       segments ─► index opens, position P? ─yes─► replay from P
                        │ missing, damaged, of another store, ahead of the log
                        └─► a fresh one: newest whole snapshot, then replay from there; none: from the beginning

   Then the tail is cut (torn) or left behind for a new segment (rot reaches the end), and writing goes on. */
#include <errno.h>
#include <stdio.h>
#include "store/inside.h"

struct replaying {
    struct engine *e;
    uint32_t in_transaction;
    bool failed;
};

enum { FACTS_PER_TRANSACTION = 20000 };

static bool on_fact(void *to, const struct record *r)
{
    struct replaying *p = to;
    struct index *x = &p->e->writer;
    if (!x->open && !index_begin(x)) {
        p->failed = true;
        return false;
    }
    if (!index_apply(x, r)) {
        p->failed = true;
        index_rollback(x);
        return false;
    }
    if (r->type == RECORD_COMMIT && ++p->in_transaction >= FACTS_PER_TRANSACTION) {
        p->in_transaction = 0;
        p->failed = !index_commit(x);
        return !p->failed;
    }
    return true;
}

/* A copy of a damaged segment stays aside for people; the log goes on with what is whole. */
static void quarantine(struct engine *e, uint32_t number)
{
    char from[512], to[560], dir[480];
    snprintf(dir, sizeof dir, "%.400s/store/quarantine", e->dir);
    log_path(&e->log, number, from);
    snprintf(to, sizeof to, "%s/%08lx.seg", dir, (unsigned long)number);
    if (e->options.read_only || e->disk->make_dir(e->disk->self, dir) < 0 || file_copy(e->disk, from, to, UINT64_MAX) < 0)
        fact(FACT_ERROR, "store.quarantine_failed", fact_num("segment", number));
}

static void on_rot(void *to, log_pos at, const char *what)
{
    struct engine *e = ((struct replaying *)to)->e;
    fact(FACT_ERROR, "store.rot", fact_c("what", what), fact_num("segment", pos_segment(at)),
         fact_num("offset", (int64_t)pos_offset(at)));
    if (log_segment(&e->log, pos_segment(at)))
        quarantine(e, pos_segment(at));
    e->stat.rotten++;
}

static enum outcome replay_into_index(struct engine *e, struct replay *r, struct why *why)
{
    struct replaying p = {.e = e};
    *r = (struct replay){.from = e->writer.position, .batch = e->writer.batch, .fact = on_fact, .rot = on_rot, .to = &p};
    enum outcome o = log_replay(&e->log, r, why);
    if (o == DONE && !p.failed && e->writer.open)
        p.failed = !index_commit(&e->writer);
    if (o == DONE && p.failed) {
        snprintf(why->text, sizeof why->text, "the index cannot be written: %.100s", e->writer.error_text);
        o = RETRY;
    }
    return o;
}

/* Makes the index new: from the newest whole snapshot, then everything behind it. */
static enum outcome index_renew(struct engine *e, const char *cause, struct why *why)
{
    bool fresh;
    fact(FACT_WARN, "store.index_rebuilt", fact_c("cause", cause));
    index_close(&e->writer);
    if (!e->index_memory)
        index_remove_files(e->index_path);
    why->text[0] = 0;
    if (index_open(&e->writer, e->index_path, &e->log, false, &fresh, why) != DONE)
        return RETRY;
    e->stat.rebuilt = 1;
    snapshot_load(&e->writer, &e->log); /* none, or none that is whole: everything is replayed */
    return DONE;
}

static bool sound(struct engine *e)
{
    enum { CHECK_BELOW = 64 * 1024 * 1024 }; /* a larger one is checked by verify, and betrays itself by errors */
    sqlite3_stmt *s;
    bool ok = false;
    if (e->index_memory || file_size(e->index_path) > CHECK_BELOW)
        return true;
    if (sqlite3_prepare_v2(e->writer.db, "PRAGMA quick_check(1)", -1, &s, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0))
        ok = strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    return ok;
}

/* Does the log hold the mark up to which the index says that it has applied it? */
static bool matches(struct engine *e)
{
    size_t whole = record_size(MARK_SIZE);
    struct record r;
    struct mark m;
    bool broken;
    log_pos p = e->writer.position;
    return p == 0 || (pos_offset(p) >= SEGMENT_HEADER + whole && log_read(&e->log, p - whole, &r, &broken) == 0 &&
                      r.type == RECORD_COMMIT && mark_read(r.payload, &m) && m.batch == e->writer.batch);
}

static enum outcome index_ready(struct engine *e, struct replay *r, struct why *why)
{
    bool fresh;
    char marker[520];
    snprintf(marker, sizeof marker, "%s-damaged", e->index_path);
    bool marked = !e->index_memory && file_size(marker) >= 0;
    if (marked)
        index_remove_files(e->index_path);
    enum outcome o = index_open(&e->writer, e->index_path, &e->log, false, &fresh, why);
    if (o == REFUSE)
        return REFUSE;
    if (o == RETRY && !index_is_damaged(&e->writer))
        return RETRY;
    const char *cause = o == RETRY ? "damaged" : marked ? "found damaged before" : fresh && e->log.count > 0 ? "missing" : NULL;
    if (!cause && !fresh && !sound(e))
        cause = "quick_check failed";
    if (cause && !(fresh && e->log_is_new) && index_renew(e, cause, why) != DONE)
        return RETRY;
    bool ahead = !matches(e);
    o = ahead ? RETRY : replay_into_index(e, r, why);
    if (ahead || (o == RETRY && index_is_damaged(&e->writer))) {
        uint64_t knew = e->writer.batch;
        o = index_renew(e, ahead ? "the log does not hold what it has applied" : "damaged", why);
        if (o == DONE)
            o = replay_into_index(e, r, why);
        if (o == DONE && ahead && r->mark.batch < knew)
            fact(FACT_ERROR, "store.log_lost", fact_num("batches", (int64_t)(knew - r->mark.batch)));
    }
    if (o == DONE && marked)
        file_remove(marker);
    return o;
}

/* Zeros behind the end, so that nothing old can be taken for new. */
static int tail_cut(struct engine *e, uint32_t segment, uint64_t offset)
{
    int file = log_file(&e->log, log_segment(&e->log, segment));
    if (file < 0)
        return file;
    char *p = malloc(65536);
    bool clean = p != NULL;
    int64_t size = e->disk->size(e->disk->self, file);
    for (uint64_t at = offset; clean && size > 0 && at < (uint64_t)size; at += 65536) {
        ssize_t n = disk_read_all(e->disk, file, p, 65536, at);
        clean = n > 0 && p[0] == 0 && (n == 1 || memcmp(p, p + 1, (size_t)n - 1) == 0);
    }
    free(p);
    if (clean)
        return 0;
    int r = e->disk->truncate(e->disk->self, file, offset);
    return r < 0 ? r : e->disk->datasync(e->disk->self, file);
}

/* Where writing goes on. */
static int tail_set(struct engine *e, const struct replay *r)
{
    uint32_t last = e->log.count ? e->log.segments[e->log.count - 1].number : 0, segment = pos_segment(r->end);
    uint64_t offset = pos_offset(r->end);
    if (segment == 0 && e->log.count) {
        segment = e->log.segments[0].number;
        offset = SEGMENT_HEADER;
    }
    bool leave = r->loose_end || r->unreadable || (segment && !log_segment(&e->log, segment));
    if (!leave && segment) {
        for (uint32_t n = last; n > segment; n--) { /* prepared, or with pieces that nothing names */
            int x = log_segment(&e->log, n) ? log_segment_remove(&e->log, n) : 0;
            if (x < 0)
                return x;
        }
        int x = tail_cut(e, segment, offset < SEGMENT_HEADER ? SEGMENT_HEADER : offset);
        if (x < 0)
            return x;
        if (last > segment)
            e->disk->sync_dir(e->disk->self, e->log.dir);
    }
    uint32_t number = leave ? last + 1 : segment ? segment : 1;
    if (!log_segment(&e->log, number)) {
        int x = log_segment_make(&e->log, number);
        if (x < 0)
            return x;
        offset = SEGMENT_HEADER;
    }
    int file = log_file(&e->log, log_segment(&e->log, number));
    e->tail = (struct place){file, number, offset < SEGMENT_HEADER ? SEGMENT_HEADER : offset};
    return file < 0 ? file : 0;
}

enum outcome recover(struct engine *e, struct why *why)
{
    struct replay r = {0};
    enum outcome o = log_scan(&e->log, why);
    if (o == RETRY && e->log.count == 1 && log_is_stillborn(&e->log)) {
        log_segment_remove(&e->log, e->log.segments[0].number);
        why->text[0] = 0;
        o = DONE;
    }
    if (o != DONE)
        return o;
    e->log_is_new = e->log.count == 0;
    if (e->log_is_new) {
        random_bytes(e->log.key.store_id, sizeof e->log.key.store_id);
        random_bytes(e->log.key.body_key, sizeof e->log.key.body_key);
    }
    o = index_ready(e, &r, why);
    if (o != DONE)
        return o;
    if (r.torn)
        fact(FACT_WARN, "store.tail_cut", fact_num("segment", pos_segment(r.end)),
             fact_num("offset", (int64_t)pos_offset(r.end)));
    int x = e->options.read_only ? 0 : tail_set(e, &r);
    if (x < 0) {
        snprintf(why->text, sizeof why->text, "the log cannot be written: %s", disk_error_text(x));
        return RETRY;
    }
    e->next_batch = r.mark.batch + 1 > e->writer.batch + 1 ? r.mark.batch + 1 : e->writer.batch + 1;
    e->counters = e->writer.counters;
    e->durable = e->counters;
    e->s.index_position = e->writer.position;
    return DONE;
}
