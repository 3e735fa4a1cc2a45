// SPDX-License-Identifier: ISC
/* Facts to rows: the queue, the attempts, the notes. */
#include "store/index.h"

static void bind(sqlite3_stmt *s, int at, struct str v)
{
    sqlite3_bind_blob(s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC);
}

bool index_queue_add(struct index *x, const struct fact_accept *f, const struct fact_queued *q, int64_t n)
{
    char domain[256];
    sqlite3_stmt *s = index_q(x, Q_QUEUE_ADD);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)q->queue_id);
    sqlite3_bind_int64(s, 2, (int64_t)f->id);
    sqlite3_bind_int64(s, 3, n);
    sqlite3_bind_int64(s, 4, f->received_ms);
    bind(s, 5, fact_domain(q->address, domain));
    sqlite3_bind_int64(s, 6, f->priority);
    x->queued++;
    return index_run(x, s);
}

static bool drop(struct index *x, uint64_t queue_id)
{
    sqlite3_stmt *s = index_q(x, Q_QUEUE_DROP);
    int64_t accept = 0;
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)queue_id);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (found)
        accept = sqlite3_column_int64(s, 0);
    x->queued -= found;
    return index_run(x, s) && (!found || index_release(x, accept));
}

static bool apply_result(struct index *x, const struct record *r)
{
    struct fact_result f;
    if (!fact_result_read(r->payload, &f))
        return index_broken(r);
    sqlite3_stmt *s = index_q(x, Q_ATTEMPT_ADD);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)f.id);
    sqlite3_bind_int64(s, 2, (int64_t)f.queue_id);
    sqlite3_bind_int64(s, 3, f.attempts);
    bind(s, 4, r->payload);
    if (!index_run(x, s))
        return false;
    if (f.done)
        return drop(x, f.queue_id);
    s = index_q(x, Q_QUEUE_WAIT);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)f.queue_id);
    sqlite3_bind_int64(s, 2, f.next_ms);
    sqlite3_bind_int64(s, 3, f.attempts);
    sqlite3_bind_int64(s, 4, f.warned);
    bind(s, 5, r->payload);
    return index_run(x, s);
}

static bool change(struct index *x, const struct fact_change *f, uint64_t queue_id)
{
    if (f->what & QUEUE_DROP)
        return drop(x, queue_id);
    sqlite3_stmt *s = index_q(x, Q_QUEUE_CHANGE);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, f->what);
    sqlite3_bind_int64(s, 2, f->next_ms);
    bind(s, 3, f->route);
    sqlite3_bind_int64(s, 4, f->priority);
    sqlite3_bind_int64(s, 5, f->expire_ms);
    sqlite3_bind_int64(s, 6, (int64_t)queue_id);
    return index_run(x, s);
}

static bool change_list(struct index *x, const struct fact_change *f, struct dec *ids)
{
    while (ids->n > 0 && !ids->bad)
        if (!change(x, f, dec_var(ids)))
            return false;
    return true;
}

/* All, or all of a domain, some at a time: whatever their number, they take no memory. */
static bool change_many(struct index *x, const struct fact_change *f)
{
    struct enc ids = {0};
    bool ok = true;
    for (int64_t last = 0, before = -1; ok && last != before;) {
        sqlite3_stmt *s = index_q(x, f->domain.n ? Q_QUEUE_IDS_OF : Q_QUEUE_IDS);
        if (!s)
            return false;
        before = last;
        enc_clear(&ids);
        sqlite3_bind_int64(s, 1, last);
        if (f->domain.n)
            bind(s, 2, f->domain);
        while (sqlite3_step(s) == SQLITE_ROW)
            enc_var(&ids, (uint64_t)(last = sqlite3_column_int64(s, 0)));
        ok = index_run(x, s) && !ids.failed;
        struct dec d = {ids.p, ids.n, false};
        ok = ok && change_list(x, f, &d);
    }
    enc_free(&ids);
    return ok;
}

static bool apply_change(struct index *x, const struct record *r)
{
    struct fact_change f;
    if (!fact_change_read(r->payload, &f))
        return index_broken(r);
    if (f.count == 0)
        return change_many(x, &f);
    return change_list(x, &f, &f.ids) && (f.ids.bad ? index_broken(r) : true);
}

static bool apply_note(struct index *x, const struct record *r)
{
    struct fact_note f;
    if (!fact_note_read(r->payload, &f))
        return index_broken(r);
    sqlite3_stmt *s = index_q(x, f.value.n ? Q_NOTE_SET : Q_NOTE_DROP);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, f.kind);
    bind(s, 2, f.key);
    if (f.value.n) {
        bind(s, 3, f.value);
        sqlite3_bind_int64(s, 4, f.expires_ms);
    }
    return index_run(x, s);
}

bool index_apply_queue(struct index *x, const struct record *r)
{
    if (r->type == RECORD_QUEUE_RESULT)
        return apply_result(x, r);
    if (r->type == RECORD_QUEUE_CHANGE)
        return apply_change(x, r);
    if (r->type == RECORD_NOTE)
        return apply_note(x, r);
    struct dec d = dec_of(r->payload);
    uint64_t id = dec_var(&d);
    return d.bad ? index_broken(r) : drop(x, id);
}
