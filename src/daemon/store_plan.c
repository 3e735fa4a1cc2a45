// SPDX-License-Identifier: ISC
/* From routes to deliveries and queue entries. A mailbox that is reached twice (named twice, or through aliases) gets one copy.
   */
#include "base/encode.h"
#include "base/hash.h"
#include "daemon/store_inside.h"
#include "message/trace.h"

struct seen { bool used, remote; uint32_t index; mailbox_id mailbox; };
struct plan {
    struct store *store;
    struct arena *a;
    struct op_accept *op;
    const struct address *from;
    struct seen *seen;
    size_t seen_cap;
};

static uint32_t count_targets(const struct commit_rcpt *r)
{
    uint32_t n = 0;

    for (; r; r = r->next)
        n += r->outcome == DONE ? r->route.target_count : 0;
    return n;
}

/* INBOX unless the account has the folder that the tag names. */
static mailbox_id mailbox_of(struct plan *p, const struct route_target *t, struct str *folder)
{
    struct engine_mailbox box;

    *folder = S("INBOX");
    if (str_eq_icase(t->folder, S("INBOX")) || t->folder.n == 0 ||
        !engine_mailbox_by_name(p->store->engine, t->account, t->folder, &box))
        return 1;
    *folder = t->folder;
    return box.id;
}

static struct str prefix_of(struct plan *p, const struct commit_rcpt *r, const struct route_target *t)
{
    char text[4096];
    struct buf b;

    buf_fixed(&b, text, sizeof text);
    trace_return_path(&b, p->from);
    if (!str_eq_icase(r->text, t->address))
        trace_original_to(&b, r->text);
    trace_delivered_to(&b, t->address);
    return b.full ? STR_NONE : arena_str(p->a, buf_str(&b));
}

static struct seen *find(struct plan *p, const struct route_target *t, mailbox_id box)
{
    struct { uint64_t account; uint64_t mailbox; } key = {t->account, box};
    uint64_t h = t->kind == ROUTE_LOCAL ? hash_table(str_of(&key, sizeof key)) : hash_table(t->address);

    for (size_t i = h & (p->seen_cap - 1);; i = (i + 1) & (p->seen_cap - 1)) {
        struct seen *s = &p->seen[i];
        if (!s->used)
            return s;
        if (s->remote ? t->kind == ROUTE_REMOTE && str_eq(p->op->queued[s->index].address, t->address)
                      : t->kind == ROUTE_LOCAL && p->op->deliveries[s->index].account == t->account && s->mailbox == box)
            return s;
    }
}

/* What an alias of several addresses passes on: RFC 3461 5.2.7.3 (c). */
static uint32_t notify_of(const struct commit_rcpt *r)
{
    uint32_t n = r->notify;

    if (!r->route.expanded || !(n & SMTP_NOTIFY_SUCCESS))
        return n;
    n &= ~(uint32_t)SMTP_NOTIFY_SUCCESS;
    return n ? n : SMTP_NOTIFY_NEVER;
}

static uint32_t notify_both(uint32_t a, uint32_t b)
{
    a = a ? a : SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY;
    b = b ? b : SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY;
    uint32_t n = (a | b) & ~(uint32_t)SMTP_NOTIFY_NEVER;
    return n ? n : SMTP_NOTIFY_NEVER;
}

/* The sender's name for the recipient: as given, or (RFC 3461 4.2 lets us add it) the address of RCPT when an alias changed it.
   */
static struct str orcpt_of(struct plan *p, const struct commit_rcpt *r, const struct route_target *t)
{
    char text[1024];
    struct buf b;

    if (r->orcpt.n || str_eq_icase(r->text, t->address))
        return r->orcpt;
    buf_fixed(&b, text, sizeof text);
    buf_add_c(&b, r->adr.utf8 ? "utf-8;" : "rfc822;");
    buf_add(&b, r->text);
    return b.full ? STR_NONE : arena_str(p->a, buf_str(&b));
}

static bool add(struct plan *p, struct commit_rcpt *r, uint32_t rcpt, const struct route_target *t)
{
    struct str folder = STR_NONE;
    mailbox_id box = t->kind == ROUTE_LOCAL ? mailbox_of(p, t, &folder) : 0;
    struct seen *s = find(p, t, box);
    struct commit_target *ct = arena_new(p->a, struct commit_target);

    if (!ct)
        return false;
    if (!s->used) {
        *s = (struct seen){.used = true, .remote = t->kind == ROUTE_REMOTE, .mailbox = box};
        if (s->remote) {
            s->index = p->op->queued_count++;
            p->op->queued[s->index] =
                (struct op_queued){.address = t->address, .orcpt = orcpt_of(p, r, t), .notify = notify_of(r), .rcpt = rcpt};
        } else {
            s->index = p->op->delivery_count++;
            p->op->deliveries[s->index] =
                (struct op_delivery){.account = t->account, .folder = folder, .prefix = prefix_of(p, r, t), .rcpt = rcpt};
            if (!p->op->deliveries[s->index].prefix.p)
                return false;
        }
    } else if (s->remote) {
        struct op_queued *q = &p->op->queued[s->index];
        q->notify = q->notify == notify_of(r) ? q->notify : notify_both(q->notify, notify_of(r));
    }
    *ct = (struct commit_target){.next = r->targets, .remote = s->remote, .index = s->index, .address = t->address};
    r->targets = ct;
    return true;
}

bool store_plan(struct store *st, struct arena *a, struct op_accept *op, struct commit_rcpt *rcpts, const struct address *from)
{
    struct plan p = {.store = st, .a = a, .op = op, .from = from, .seen_cap = 4};
    uint32_t n = count_targets(rcpts), i = 0;

    while (p.seen_cap < (size_t)n * 2)
        p.seen_cap *= 2;
    p.seen = arena_array(a, p.seen_cap, sizeof *p.seen);
    op->deliveries = arena_array(a, n, sizeof *op->deliveries);
    op->queued = arena_array(a, n, sizeof *op->queued);
    for (struct commit_rcpt *r = rcpts; r; r = r->next)
        op->rcpt_count++;
    op->rcpts = arena_array(a, op->rcpt_count, sizeof *op->rcpts);
    if (!p.seen || !op->deliveries || !op->queued || !op->rcpts)
        return false;
    for (struct commit_rcpt *r = rcpts; r; r = r->next, i++) {
        op->rcpts[i] = (struct op_rcpt){.address = r->text, .orcpt = r->orcpt, .notify = r->notify};
        if (r->outcome == DONE)
            for (const struct route_target *t = r->route.targets; t; t = t->next)
                if (!add(&p, r, i, t))
                    return false;
    }
    return true;
}
