/* SPDX-License-Identifier: ISC */
/* A message comes in: its body (unless a recent one has the same hash), and one fact with the envelope, all deliveries and all
   queue entries. */
#include <stdio.h>
#include "store/inside.h"

enum { FLAG_SMTPUTF8 = 1, FLAG_REQUIRETLS = 2, FLAG_UTF8_HEADER = 4, FLAG_LARGE = 8, PRIORITY_ZERO = 9 };

/* An upper bound of what the operation takes in the log. */
static size_t size_bound(const struct op_accept *a, const struct body_writer *w)
{
    size_t n = 1024 + a->from.n + a->envid.n + a->auth_user.n + a->client.n + a->helo.n + a->tls.n + a->trace.n + a->kind.n +
               sizeof w->head;
    for (uint32_t i = 0; i < a->rcpt_count; i++)
        n += 32 + a->rcpts[i].address.n + a->rcpts[i].orcpt.n;
    for (uint32_t i = 0; i < a->delivery_count; i++)
        n += 64 + a->deliveries[i].prefix.n;
    for (uint32_t i = 0; i < a->queued_count; i++)
        n += 64 + a->queued[i].address.n + a->queued[i].orcpt.n;
    if (w)
        n += w->large ? 128 + 8 * (size_t)w->piece_count : record_size(40 + w->n);
    return n;
}

static void refuse(struct op_delivery *d, enum outcome o, const char *status, const char *text)
{
    d->outcome = o;
    d->mailbox = 0;
    d->uid = 0;
    snprintf(d->why.status, sizeof d->why.status, "%s", status);
    snprintf(d->why.text, sizeof d->why.text, "%s", text);
}

/* Finds account and mailbox of a delivery, decides about its quota: full means that it was full before this message. */
static bool place_delivery(struct engine *e, const struct op_accept *op, struct op_delivery *d)
{
    struct account *a = account_get(e, d->account);
    d->why = (struct why){0};
    if (!a) {
        refuse(d, REFUSE, "5.1.1", "no such mailbox here any more");
        return false;
    }
    if (account_load(e, a, &d->why) != DONE) {
        d->outcome = RETRY;
        return false;
    }
    if (a->quota && a->plan_used >= a->quota) {
        refuse(d, REFUSE, "5.2.2", "mailbox full");
        return false;
    }
    struct mailbox *m = d->folder.n ? account_mailbox_by_name(a, d->folder) : NULL;
    if (!m)
        m = account_mailbox(a, 1);
    if (!m || m->plan.uidnext == UINT32_MAX || !account_touch(e, a)) {
        refuse(d, RETRY, "4.2.0", "the mailbox cannot take a message now");
        return false;
    }
    uint64_t size = d->prefix.n + op->trace.n + op->body_size;
    d->outcome = DONE;
    d->mailbox = m->id;
    d->uid = m->plan.uidnext++;
    m->plan.modseq++;
    m->plan.messages++;
    m->plan.bytes += size;
    a->plan_used += size;
    a->plan_messages++;
    return true;
}

static void unplace_delivery(struct engine *e, const struct op_accept *op, const struct op_delivery *d)
{
    struct account *a = account_get(e, d->account);
    struct mailbox *m = account_mailbox(a, d->mailbox);
    uint64_t size = d->prefix.n + op->trace.n + op->body_size;
    m->plan.uidnext--;
    m->plan.messages--;
    m->plan.bytes -= size;
    a->plan_used -= size;
    a->plan_messages--;
}

struct body_place { uint64_t id; log_pos pos; bool large; };

static bool remember_fresh(struct batch *b, uint64_t slot)
{
    if (b->fresh_count == b->fresh_cap) {
        uint32_t cap = b->fresh_cap ? b->fresh_cap * 2 : 64;
        uint64_t *p = realloc(b->fresh, cap * sizeof *p);
        if (!p)
            return false;
        b->fresh = p;
        b->fresh_cap = cap;
    }
    b->fresh[b->fresh_count++] = slot;
    return true;
}

/* The record that holds the body, appended to the batch: BODY among the bodies, whose place is known at once. The map of a large
   one is a fact, and facts follow all bodies: it must be the batch's first body-like thing to know its place, so it goes among
   the bodies as well. */
static struct body_place write_body(struct engine *e, const struct body_writer *w)
{
    struct enc *to = &e->batch.bodies;
    size_t begin = record_begin(to, w->large ? RECORD_MAP : RECORD_BODY);
    char *p = enc_reserve(to, 56);
    struct body_place place = {w->id, e->batch.pos + begin, w->large};
    if (!p)
        return place;
    put_u64(p, w->id);
    memcpy(p + 8, w->digest, 32);
    to->n += 40;
    if (w->large) {
        put_u64(p + 40, w->size);
        put_u32(p + 48, w->piece_count);
        put_u32(p + 52, BODY_PIECE_MAX);
        to->n += 16;
        char *list = enc_reserve(to, 8 * (size_t)w->piece_count);
        for (uint32_t i = 0; list && i < w->piece_count; i++)
            put_u64(list + 8 * (size_t)i, w->pieces[i]);
        to->n += list ? 8 * (size_t)w->piece_count : 0;
    } else {
        enc_bytes(to, w->data, w->n);
    }
    record_end(to, begin);
    struct recent *r = to->failed ? NULL : recent_add(e, w->digest, w->id, place.pos, w->size, w->large);
    if (r && !remember_fresh(&e->batch, (uint64_t)(r - e->recent)))
        recent_forget(e, r);
    return place;
}

/* Writes a list behind its length in bytes: the length is a fixed five-byte varint, filled in afterwards. */
static size_t list_begin(struct enc *f, uint32_t count)
{
    enc_var(f, count);
    size_t at = f->n;
    enc_bytes(f, "\x80\x80\x80\x80\0", 5);
    return at;
}
static void list_end(struct enc *f, size_t at)
{
    if (f->failed)
        return;
    size_t n = f->n - at - 5;
    for (int i = 0; i < 4; i++)
        f->p[at + (size_t)i] = (char)(unsigned char)((n >> (7 * i) & 127) | 128);
    f->p[at + 4] = (char)(n >> 28 & 15);
}

static void write_lists(struct enc *f, const struct op_accept *a)
{
    uint32_t placed = 0;
    for (uint32_t i = 0; i < a->delivery_count; i++)
        placed += a->deliveries[i].outcome == DONE;
    size_t at = list_begin(f, a->rcpt_count);
    for (uint32_t i = 0; i < a->rcpt_count; i++) {
        enc_str(f, a->rcpts[i].address);
        enc_str(f, a->rcpts[i].orcpt);
        enc_var(f, a->rcpts[i].notify);
    }
    list_end(f, at);
    at = list_begin(f, placed);
    for (uint32_t i = 0; i < a->delivery_count; i++) {
        const struct op_delivery *d = &a->deliveries[i];
        if (d->outcome != DONE)
            continue;
        enc_var(f, d->account);
        enc_var(f, d->mailbox);
        enc_var(f, d->uid);
        enc_var(f, d->rcpt);
        enc_var(f, d->modseq);
        enc_str(f, d->prefix);
    }
    list_end(f, at);
    at = list_begin(f, a->queued_count);
    for (uint32_t i = 0; i < a->queued_count; i++) {
        enc_var(f, a->queued[i].queue_id);
        enc_str(f, a->queued[i].address);
        enc_str(f, a->queued[i].orcpt);
        enc_var(f, a->queued[i].notify);
        enc_var(f, a->queued[i].rcpt);
    }
    list_end(f, at);
}

static void write_accept(struct enc *f, const struct op_accept *a, const struct body_place *body, const struct body_head *head)
{
    size_t begin = record_begin(f, RECORD_ACCEPT);
    enc_var(f, a->id);
    enc_var(f, (a->smtputf8 ? FLAG_SMTPUTF8 : 0u) | (a->requiretls ? FLAG_REQUIRETLS : 0u) |
                   (head->utf8 ? FLAG_UTF8_HEADER : 0u) | (body->large ? FLAG_LARGE : 0u));
    const uint64_t numbers[] = {(uint64_t)a->received_ms,
                                (uint64_t)a->connected_ms,
                                (uint64_t)a->mail_ms,
                                (uint64_t)a->data_ms,
                                a->about,
                                body->id,
                                body->pos,
                                a->body_size,
                                a->ret,
                                a->body_type};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        enc_var(f, numbers[i]);
    const struct str texts[] = {a->kind, a->from, a->envid, a->auth_user, a->client, a->helo, a->tls, a->trace,
                                str_of(head->message_id, head->message_id_n), str_of(head->subject, head->subject_n)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        enc_str(f, texts[i]);
    write_lists(f, a);
    if (a->priority)
        enc_var(f, (uint64_t)(a->priority + PRIORITY_ZERO));
    record_end(f, begin);
}

static enum plan deliveries(struct engine *e, struct op *op, uint32_t *placed)
{
    struct op_accept *a = &op->accept;
    *placed = 0;
    for (uint32_t i = 0; i < a->delivery_count; i++) {
        struct op_delivery *d = &a->deliveries[i];
        if (place_delivery(e, a, d)) {
            d->modseq = account_mailbox(account_get(e, d->account), d->mailbox)->plan.modseq;
            ++*placed;
        } else if (d->outcome == RETRY) { /* all or nothing: the sender tries again, and must not find half of it done */
            while (i-- > 0)
                if (a->deliveries[i].outcome == DONE)
                    unplace_delivery(e, a, &a->deliveries[i]);
            return op_fail(op, RETRY, d->why.status, d->why.text);
        }
    }
    if (*placed == 0 && a->queued_count == 0 && a->delivery_count > 0)
        return op_fail(op, REFUSE, a->deliveries[0].why.status, a->deliveries[0].why.text);
    return PLAN_OK;
}

/* No memory to write it down: as if it had not been planned. */
static enum plan undo(struct engine *e, struct op *op, uint32_t fresh)
{
    for (uint32_t i = 0; i < op->accept.delivery_count; i++)
        if (op->accept.deliveries[i].outcome == DONE)
            unplace_delivery(e, &op->accept, &op->accept.deliveries[i]);
    while (e->batch.fresh_count > fresh)
        recent_forget(e, &e->recent[e->batch.fresh[--e->batch.fresh_count]]);
    e->batch.bodies.failed = e->batch.facts.failed = false;
    return op_fail(op, RETRY, "4.3.0", "out of memory");
}

/* What the trace wants to know of the header: first of what was added, then of the body. */
static void head_of(const struct op_accept *a, const struct body_writer *w, struct body_head *head)
{
    *head = (struct body_head){0};
    head_scan(a->trace, head);
    head->utf8 |= w->head.utf8;
    if (head->message_id_n == 0)
        memcpy(head->message_id, w->head.message_id, head->message_id_n = w->head.message_id_n);
    if (head->subject_n == 0)
        memcpy(head->subject, w->head.subject, head->subject_n = w->head.subject_n);
}

enum plan plan_accept(struct engine *e, struct op *op)
{
    struct op_accept *a = &op->accept;
    const struct body_writer *w = body_find(e, a->body);
    uint32_t placed;
    if (!w)
        return op_fail(op, RETRY, "4.3.0", "the body is gone");
    if (w->failed)
        return op_fail(op, RETRY, w->why.status, w->why.text);
    if (a->id == 0)
        return op_fail(op, RETRY, "4.3.0", "no message id could be had");
    if (a->id >= e->counters.next_id) /* not leased here (import): taken, and never leased */
        e->counters.next_id = a->id + 1;
    a->body_size = w->size;
    enum plan p = plan_room(e, op, size_bound(a, w));
    if (p == PLAN_OK)
        p = deliveries(e, op, &placed);
    if (p != PLAN_OK)
        return p;
    for (uint32_t i = 0; i < a->queued_count; i++)
        a->queued[i].queue_id = e->counters.next_queue++;
    struct body_head head;
    head_of(a, w, &head);
    uint32_t fresh = e->batch.fresh_count;
    const struct recent *same = recent_find(e, w->digest);
    struct body_place body =
        same && same->size == w->size ? (struct body_place){same->id, same->pos, same->large} : write_body(e, w);
    a->place = (struct op_place){e->batch.facts.n, body.id, body.pos,
                                 body.large}; /* the fact's place follows when the bodies before it are all known */
    write_accept(&e->batch.facts, a, &body, &head);
    return e->batch.bodies.failed || e->batch.facts.failed ? undo(e, op, fresh) : PLAN_OK;
}
