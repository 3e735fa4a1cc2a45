// SPDX-License-Identifier: ISC
/* Operations on the queue and on notes. A result is written down without a look at the index, which is behind: what it says about
   an entry that is gone changes nothing but the trace. */
#include "store/inside.h"

enum { RESULT_DONE = 1, RESULT_WARNED = 2, RESULTS_MAX = 10000 };

static bool entry_exists(struct engine *e, uint64_t queue_id)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_QUEUE_ONE);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)queue_id);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_reset(s);
    return found;
}

enum plan plan_queue_remove(struct engine *e, struct op *op)
{
    enum plan p = plan_room(e, op, RECORD_HEADER + 64 + op->queue_remove.reason.n);
    if (p != PLAN_OK)
        return p;
    if (!index_wait(e, e->last_end))
        return op_fail(op, RETRY, "4.3.0", "the index cannot be read now");
    if (!entry_exists(e, op->queue_remove.queue_id))
        return op_fail(op, REFUSE, "5.1.1", "no such entry in the queue");
    struct enc *f = &e->batch.facts;
    size_t begin = record_begin(f, RECORD_QUEUE_GONE);
    enc_var(f, op->queue_remove.queue_id);
    enc_var(f, op->queue_remove.id);
    enc_str(f, op->queue_remove.reason);
    record_end(f, begin);
    return PLAN_OK;
}

static size_t result_bound(const struct op_result *r)
{
    const struct str texts[] = {r->status, r->text, r->host, r->ip, r->tls};
    size_t n = RECORD_HEADER + 96;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        n += 4 + (texts[i].n < QUEUE_TEXT_MAX ? texts[i].n : QUEUE_TEXT_MAX);
    return n;
}

static void result_write(struct enc *f, uint64_t id, const struct op_result *r)
{
    size_t begin = record_begin(f, RECORD_QUEUE_RESULT);
    enc_var(f, r->queue_id);
    enc_var(f, id);
    enc_var(f, r->outcome);
    enc_var(f, (r->done ? RESULT_DONE : 0u) | (r->warned ? RESULT_WARNED : 0u));
    enc_var(f, r->code);
    enc_var(f, r->attempts);
    enc_var(f, (uint64_t)r->at_ms);
    enc_var(f, (uint64_t)r->next_ms);
    const struct str texts[] = {r->status, r->text, r->host, r->ip, r->tls};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        enc_str(f, str_head(texts[i], QUEUE_TEXT_MAX));
    record_end(f, begin);
}

enum plan plan_queue_result(struct engine *e, struct op *op)
{
    size_t n = 0;
    if (op->queue_result.count == 0 || op->queue_result.count > RESULTS_MAX)
        return op_fail(op, REFUSE, "5.5.4", "no results, or too many");
    for (uint32_t i = 0; i < op->queue_result.count; i++)
        n += result_bound(&op->queue_result.list[i]);
    enum plan p = plan_room(e, op, n);
    for (uint32_t i = 0; p == PLAN_OK && i < op->queue_result.count; i++)
        result_write(&e->batch.facts, op->queue_result.id, &op->queue_result.list[i]);
    return p;
}

/* Entries that are gone are passed over: their numbers are never given again. */
enum plan plan_queue_change(struct engine *e, struct op *op)
{
    uint32_t count = op->queue_change.count;
    if (op->queue_change.what == 0 || op->queue_change.route.n > NOTE_KEY_MAX || op->queue_change.domain.n > NOTE_KEY_MAX ||
        count > RESULTS_MAX || op->queue_change.priority < -100 || op->queue_change.priority > 100 ||
        op->queue_change.next_ms < 0 || op->queue_change.expire_ms < 0)
        return op_fail(op, REFUSE, "5.5.4", "not a change");
    enum plan p =
        plan_room(e, op, RECORD_HEADER + 96 + op->queue_change.route.n + op->queue_change.domain.n + 10 * (size_t)count);
    if (p != PLAN_OK)
        return p;
    struct enc *f = &e->batch.facts;
    size_t begin = record_begin(f, RECORD_QUEUE_CHANGE);
    enc_var(f, op->queue_change.what);
    enc_var(f, (uint64_t)op->queue_change.next_ms);
    enc_var(f, (uint64_t)op->queue_change.expire_ms);
    enc_var(f, (uint32_t)(op->queue_change.priority + 128));
    enc_str(f, op->queue_change.domain);
    enc_str(f, op->queue_change.route);
    enc_var(f, count);
    for (uint32_t i = 0; i < count; i++)
        enc_var(f, op->queue_change.ids[i]);
    record_end(f, begin);
    return PLAN_OK;
}

enum plan plan_note(struct engine *e, struct op *op)
{
    if (op->note.key.n == 0 || op->note.key.n > NOTE_KEY_MAX || op->note.value.n > NOTE_VALUE_MAX || op->note.expires_ms < 0)
        return op_fail(op, REFUSE, "5.5.4", "not a note: its key or its value is too long");
    if (op->note.value.n > e->log.segment_size / 8)
        return op_fail(op, REFUSE, "5.5.4", "a note larger than a segment takes");
    enum plan p = plan_room(e, op, RECORD_HEADER + 64 + op->note.key.n + op->note.value.n);
    if (p != PLAN_OK)
        return p;
    struct enc *f = &e->batch.facts;
    size_t begin = record_begin(f, RECORD_NOTE);
    enc_var(f, op->note.kind);
    enc_var(f, (uint64_t)op->note.expires_ms);
    enc_str(f, op->note.key);
    enc_str(f, op->note.value);
    record_end(f, begin);
    return PLAN_OK;
}
