/* SPDX-License-Identifier: ISC */
/* Planning: what waits becomes a batch. Numbers come from counters that nobody else has; nothing that others can see changes
   before the commit. */
#include <stdio.h>
#include "store/inside.h"

enum plan op_fail(struct op *op, enum outcome o, const char *status, const char *text)
{
    op->outcome = o;
    snprintf(op->why.status, sizeof op->why.status, "%s", status);
    snprintf(op->why.text, sizeof op->why.text, "%s", text);
    return PLAN_FAILED;
}

bool plan_is_directory(enum op_kind k)
{
    switch (k) {
    case OP_ACCOUNT_ADD:
    case OP_ACCOUNT_VERIFIER:
    case OP_ACCOUNT_QUOTA:
    case OP_ACCOUNT_SUSPEND:
    case OP_ACCOUNT_REMOVE:
    case OP_DOMAIN_ADD:
    case OP_DOMAIN_REMOVE: case OP_ALIAS_SET: case OP_ALIAS_REMOVE: case OP_MAILBOX_ADD:
        return true;
    case OP_ACCEPT:
    case OP_EXPUNGE:
    case OP_FLAGS:
    case OP_QUEUE_REMOVE:
    case OP_QUEUE_RESULT:
    case OP_QUEUE_CHANGE:
    case OP_NOTE:
    case OP_OWN:
        return false;
    }
    return false;
}

/* Room for n more bytes of this operation. PLAN_OK, PLAN_FULL, or PLAN_FAILED with the reason. */
enum plan plan_room(struct engine *e, struct op *op, size_t n)
{
    struct batch *b = &e->batch;
    size_t mark = record_size(MARK_SIZE), have = b->bodies.n + b->facts.n;
    size_t most = op->kind == OP_OWN ? e->log.segment_size - SEGMENT_HEADER - mark : e->log.segment_size / 4;
    if (n > most || n > RECORD_MAX)
        return op_fail(op, RETRY, "4.5.3", "too many recipients or too long a header for one message");
    if (b->op_count == 0) {
        int r = reserve_fits(e, n + mark) ? 0 : reserve_next_segment(e);
        if (r < 0)
            return op_fail(op, RETRY, disk_is_full_error(r) ? "4.3.1" : "4.3.0", disk_error_text(r));
        b->pos = pos_of(e->tail.segment, e->tail.offset);
        return PLAN_OK;
    }
    return have + n <= BATCH_BYTES_MAX && reserve_fits(e, have + n + mark) ? PLAN_OK : PLAN_FULL;
}

static bool rising(const uint32_t *uids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (uids[i] == 0 || (i > 0 && uids[i] <= uids[i - 1]))
            return false;
    return true;
}

static int64_t message_size(struct engine *e, const struct account *a, mailbox_id m, uint32_t uid)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_MESSAGE_SIZES);
    int64_t size = -1;
    if (!s)
        return -1;
    sqlite3_bind_int64(s, 1, (int64_t)a->id);
    sqlite3_bind_int64(s, 2, m);
    sqlite3_bind_int64(s, 3, uid);
    if (sqlite3_step(s) == SQLITE_ROW)
        size = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return size;
}

static enum plan plan_uids(struct engine *e, struct op *op)
{
    bool expunge = op->kind == OP_EXPUNGE;
    account_id id = expunge ? op->expunge.account : op->flags.account;
    mailbox_id box = expunge ? op->expunge.mailbox : op->flags.mailbox;
    const uint32_t *uids = expunge ? op->expunge.uids : op->flags.uids;
    uint32_t count = expunge ? op->expunge.count : op->flags.count;
    struct account *a = account_get(e, id);
    if (!a)
        return op_fail(op, REFUSE, "5.1.1", "no such account");
    if (!rising(uids, count))
        return op_fail(op, REFUSE, "5.5.4", "message numbers must rise");
    if (expunge && a->expunged_in == e->batch.number)
        return PLAN_FULL; /* two in one batch could take a message twice */
    enum plan p = plan_room(e, op, RECORD_HEADER + 64 + 12 * (size_t)count);
    if (p != PLAN_OK)
        return p;
    if (account_load(e, a, &op->why) != DONE) {
        op->outcome = RETRY;
        return PLAN_FAILED;
    }
    struct mailbox *m = account_mailbox(a, box);
    if (!m)
        return op_fail(op, REFUSE, "5.1.1", "no such mailbox");
    if ((expunge && !index_wait(e, a->last)) || !account_touch(e, a))
        return op_fail(op, RETRY, "4.3.0", "the index cannot be read now");
    m->plan.modseq++;
    for (uint32_t i = 0; expunge && i < count; i++) {
        int64_t size = message_size(e, a, box, uids[i]);
        if (size < 0)
            continue;
        m->plan.messages--;
        m->plan.bytes -= (uint64_t)size;
        a->plan_messages--;
        a->plan_used -= (uint64_t)size;
    }
    if (expunge)
        a->expunged_in = e->batch.number;
    fact_uids_write(&e->batch.facts, expunge ? RECORD_EXPUNGE : RECORD_FLAGS, id, box, m->plan.modseq,
                    expunge ? 0 : op->flags.set, expunge ? 0 : op->flags.clear, uids, count);
    return PLAN_OK;
}

/* Among the bodies its place is known at once; among the facts the index sees it. */
static enum plan plan_own(struct engine *e, struct op *op)
{
    enum plan p = plan_room(e, op, record_size(op->own.payload.n));
    if (p != PLAN_OK)
        return p;
    struct enc *to = op->own.body ? &e->batch.bodies : &e->batch.facts;
    size_t begin = record_begin(to, (enum record_type)op->own.type);
    op->own.pos = op->own.body ? e->batch.pos + begin : 0;
    enc_bytes(to, op->own.payload.p, op->own.payload.n);
    record_end(to, begin);
    return PLAN_OK;
}

static enum plan plan_one(struct engine *e, struct op *op)
{
    if (plan_is_directory(op->kind))
        return e->batch.op_count > 0 ? PLAN_FULL : plan_directory(e, op);
    switch (op->kind) {
    case OP_ACCEPT: return plan_accept(e, op);
    case OP_EXPUNGE: case OP_FLAGS: return plan_uids(e, op);
    case OP_QUEUE_REMOVE: return plan_queue_remove(e, op);
    case OP_QUEUE_RESULT: return plan_queue_result(e, op);
    case OP_QUEUE_CHANGE: return plan_queue_change(e, op);
    case OP_NOTE: return plan_note(e, op);
    case OP_OWN: return plan_own(e, op);
    case OP_ACCOUNT_ADD:
    case OP_ACCOUNT_VERIFIER:
    case OP_ACCOUNT_QUOTA:
    case OP_ACCOUNT_SUSPEND:
    case OP_ACCOUNT_REMOVE:
    case OP_DOMAIN_ADD:
    case OP_DOMAIN_REMOVE: case OP_ALIAS_SET: case OP_ALIAS_REMOVE: case OP_MAILBOX_ADD: break;
    }
    return op_fail(op, REFUSE, "5.5.4", "no such operation");
}

static void to_batch(struct engine *e, struct op *op)
{
    struct batch *b = &e->batch;
    *b->ops_tail = op;
    b->ops_tail = &op->next;
    b->op_count++;
    b->directory = plan_is_directory(op->kind);
}

/* Moves what waits into the batch as far as it fits. Operations that fail here go to *failed. */
void plan_batch(struct engine *e, struct op **failed)
{
    struct batch *b = &e->batch;
    b->number = e->next_batch;
    b->at_ms = clock_unix_ms();
    while (e->waiting && b->op_count < BATCH_OPS_MAX && !b->directory) {
        struct op *op = e->waiting;
        size_t bodies = b->bodies.n, facts = b->facts.n;
        op->outcome = DONE;
        op->why = (struct why){0};
        enum plan p = plan_one(e, op);
        if (p == PLAN_OK && (b->bodies.failed || b->facts.failed)) {
            p = op_fail(op, RETRY, "4.3.0", "out of memory");
            b->bodies.failed = b->facts.failed = false;
        }
        if (p == PLAN_FULL)
            break;
        e->waiting = op->next;
        if (!e->waiting)
            e->waiting_tail = &e->waiting;
        op->next = NULL;
        if (p == PLAN_OK) {
            to_batch(e, op);
            continue;
        }
        b->bodies.n = bodies;
        b->facts.n = facts;
        *failed = op;
        failed = &op->next;
    }
}
