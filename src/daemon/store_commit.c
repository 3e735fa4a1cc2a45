// SPDX-License-Identifier: ISC
/* The final dot: recipients are resolved anew (what RCPT said may have changed), one OP_ACCEPT carries every copy, and the edge
   hears DONE when the engine did.

     commit ─► checked ─► resolved ─► planned ──submit──► done ──┬─ nothing owed ──────────────► finish
        │          │           │                                 └─ store_dsn ──submit──► done ► finish
        └──────────┴───────────┴── refuse: RETRY or REFUSE, nothing was stored ───────────────► finish

   finish: committed_rcpt for each recipient of LMTP that is not as all are, committed. */
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/facts.h"
#include "base/limits.h"
#include "daemon/store_queue.h"

static struct str copy(struct commit *c, struct str s, bool *broken)
{
    struct str mine = arena_str(&c->arena, s);

    *broken |= !mine.p;
    return mine;
}

void store_commit_free(struct commit *c)
{
    struct store *st = c->store;

    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    st->commit_count--;
    st->bodies_held -= c->held;
    arena_clear(&c->arena);
    free(c);
}

static void facts_of(const struct commit *c)
{
    struct id_text id = id_text(c->op.accept.id);

    if (c->outcome == DONE)
        fact(FACT_INFO, "store.accepted", fact_c("id", id.c), fact_c("kind", c->op.accept.kind.p),
             fact_str("from", c->op.accept.from), fact_num("rcpts", c->rcpt_count),
             fact_num("copies", c->op.accept.delivery_count), fact_num("queued", c->op.accept.queued_count),
             fact_num("priority", c->op.accept.priority), fact_num("size", (int64_t)c->op.accept.body_size),
             fact_num("us", clock_mono_us() - c->begun_us));
    else
        fact(FACT_INFO, "store.refused", fact_c("id", id.c), fact_c("kind", c->op.accept.kind.p ? c->op.accept.kind.p : ""),
             fact_str("from", c->op.accept.from), fact_c("status", c->why.status), fact_c("why", c->why.text));
}

void store_commit_finish(struct commit *c)
{
    struct store *st = c->store;
    struct peer *p = c->edge->peer;
    struct store_session *s = c->session;
    uint32_t i = 0;

    if (c->outcome == DONE) {
        st->accepted++;
        for (uint32_t k = 0; k < c->op.accept.delivery_count; k++)
            st->delivered += c->op.accept.deliveries[k].outcome == DONE;
        st->queued += c->op.accept.queued_count;
        store_latency(st, clock_mono_us() - c->begun_us);
    } else {
        st->refused++;
    }
    facts_of(c);
    if (s && p->link && p->incarnation == c->incarnation) {
        for (struct commit_rcpt *r = c->rcpts; r && c->kind == SMTP_LMTP; r = r->next, i++)
            if (r->outcome && r->outcome != DONE) /* the others share the answer to all */
                peer_send(p, &MSG(committed_rcpt, .session = c->number, .index = i, .outcome = r->outcome, .why = r->why));
        peer_send(p, &MSG(committed, .session = c->number, .outcome = c->outcome, .why = c->why));
    }
    if (s) {
        s->commit = NULL;
        store_session_rest(s);
    }
    store_commit_free(c);
}

/* ---- after the engine ---- */

/* DONE when one way led to the recipient; what failed on another way is told in a notification. A mailbox that cannot take it
   just now makes the recipient one to be tried again, whatever the others did: unknown is never a refusal. */
static void rcpt_result(struct commit *c, struct commit_rcpt *r)
{
    bool any = false;
    const struct op_delivery *bad = NULL;

    if (r->outcome != DONE)
        return;
    for (struct commit_target *t = r->targets; t; t = t->next) {
        const struct op_delivery *d = t->remote ? NULL : &c->op.accept.deliveries[t->index];
        if (d && d->outcome == RETRY) {
            r->outcome = RETRY;
            r->why = d->why;
            return;
        }
        if (!d || d->outcome == DONE)
            any = true;
        else
            bad = d;
    }
    if (any || !bad)
        return;
    r->outcome = REFUSE;
    r->why = bad->why;
}

static void all_failed(struct commit *c)
{
    for (struct commit_rcpt *r = c->rcpts; r; r = r->next)
        if (r->outcome == DONE) {
            r->outcome = c->outcome;
            r->why = c->why;
        }
}

static void committed(struct op *op)
{
    struct commit *c = op->owner;
    const struct commit_rcpt *good = NULL, *bad = NULL, *again = NULL;

    c->outcome = op->outcome;
    c->why = op->why;
    if (op->outcome != DONE) {
        all_failed(c);
        store_commit_finish(c);
        return;
    }
    store_queue_accepted(c->store, &op->accept);
    for (struct commit_rcpt *r = c->rcpts; r; r = r->next) {
        bool planned = r->outcome == DONE;
        rcpt_result(c, r);
        if (r->outcome == DONE)
            good = r;
        else if (r->outcome == RETRY && planned && c->kind != SMTP_LMTP)
            again = r;
        else if (!bad)
            bad = r;
    }
    if (again || !good) { /* the client still has it and can say so itself, or come again (then some get it twice) */
        c->outcome = again ? RETRY : bad->outcome;
        c->why = again ? again->why : bad->why;
    } else if (!c->store->closing && store_dsn(c)) { /* closing: nobody hears the answer, so the client comes again */
        return;
    }
    store_commit_finish(c);
}

/* ---- before the engine ---- */

/* A mailbox that became full since RCPT said yes: for one of several recipients that is a notification, not a reason to send
   the whole message again. */
static bool is_full(const struct why *w)
{
    return str_eq(str_c(w->status), S("4.2.2"));
}

/* Routes of all recipients. DONE: at least one can be reached and none has to be tried again as a whole. */
static enum outcome resolve(struct commit *c, bool may_relay, uint64_t size)
{
    struct commit_rcpt *good = NULL, *bad = NULL, *again = NULL;

    for (struct commit_rcpt *r = c->rcpts; r; r = r->next) {
        r->route = route_resolve(&c->arena, &c->store->facts, &r->adr, may_relay, size, NULL);
        r->outcome = r->route.outcome;
        r->why = r->route.why;
        if (r->outcome == DONE)
            good = r;
        else if (r->outcome == RETRY && !is_full(&r->why) && !again)
            again = r;
        else if (!bad)
            bad = r;
    }
    if (again && (c->kind != SMTP_LMTP || !good)) {
        c->why = again->why;
        return RETRY;
    }
    if (good)
        return DONE;
    c->why = bad ? bad->why : store_why("5.5.1", "no recipients");
    return bad ? bad->outcome : REFUSE;
}

static const char *kind_word(enum smtp_kind k)
{
    return k == SMTP_SUBMISSION ? "submission" : k == SMTP_LMTP ? "lmtp" : "smtp";
}

static bool fill(struct commit *c, const struct msg_commit *m, struct str user)
{
    struct op_accept *a = &c->op.accept;
    char client[400];
    struct buf b;
    bool broken = false;

    buf_fixed(&b, client, sizeof client);
    buf_add(&b, m->client_name);
    if (m->client_name.n)
        buf_add_byte(&b, ' ');
    buf_add_byte(&b, '[');
    buf_add(&b, m->client_ip);
    buf_add_byte(&b, ']');
    *a = (struct op_accept){
        .id = m->id,
        .received_ms = clock_unix_ms(),
        .from = copy(c, m->from, &broken),
        .envid = copy(c, m->envid, &broken),
        .auth_user = copy(c, user, &broken),
        .client = copy(c, buf_str(&b), &broken),
        .helo = copy(c, m->helo, &broken),
        .tls = copy(c, m->tls, &broken),
        .ret = m->ret,
        .body_type = m->body == SMTP_BODY_7BIT && (m->body_8bit || m->header_8bit) ? SMTP_BODY_8BIT : m->body,
        .smtputf8 = m->smtputf8,
        .requiretls = m->requiretls,
        .priority = (int)m->priority,
        .connected_ms = m->connected_ms,
        .mail_ms = m->mail_ms,
        .data_ms = m->data_ms,
        .trace = copy(c, m->trace, &broken),
        .body_size = m->size,
        .kind = str_c(kind_word(c->kind)),
    };
    size_t n = a->trace.n + c->header.n;
    char *head = arena_alloc(&c->arena, n);
    if (broken || !head)
        return false;
    if (a->trace.n)
        memcpy(head, a->trace.p, a->trace.n);
    if (c->header.n)
        memcpy(head + a->trace.n, c->header.p, c->header.n);
    c->header = str_of(head, n);
    return true;
}

/* What the edge says against what came: an answer of its own when they do not fit. */
static enum outcome examine(struct store_edge *e, struct store_session *s, const struct msg_commit *m, struct why *why)
{
    if (s->broken || s->rcpt_count != m->rcpt_count || s->rcpt_count == 0) {
        *why = store_why("4.3.0", "the envelope did not arrive whole: try again");
        return RETRY;
    }
    if (s->body_open && s->body_outcome != DONE) {
        *why = s->body_why;
        return s->body_outcome;
    }
    if (m->size != s->body_size) {
        *why = store_why("4.3.0", "the message did not arrive whole: try again");
        return RETRY;
    }
    if (m->received_count > RECEIVED_MAX) {
        *why = store_why("5.4.6", "too many Received fields: the message goes in a circle");
        return REFUSE;
    }
    if (!store_id_use(e, m->id)) {
        *why = store_why("4.3.0", "this message waited too long: try again");
        return RETRY;
    }
    if (e->store->stopping || e->store->dying) {
        *why = store_why("4.3.2", "the server stops: try again");
        return RETRY;
    }
    return DONE;
}

static void refuse(struct store_edge *e, struct store_session *s, uint64_t number, enum outcome outcome, const struct why *why)
{
    fact(FACT_INFO, "store.refused", fact_num("session", (int64_t)number), fact_c("status", why->status),
         fact_c("why", why->text));
    e->store->refused++;
    peer_send(e->peer, &MSG(committed, .session = number, .outcome = outcome, .why = *why));
    if (s) {
        store_session_drop_body(s);
        store_session_rest(s);
    }
}

static struct commit *make(struct store_edge *e, struct store_session *s, const struct msg_commit *m)
{
    struct store *st = e->store;
    struct commit *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    *c = (struct commit){.store = st, .session = s, .edge = e, .incarnation = e->peer->incarnation, .number = s->number,
                         .kind = (enum smtp_kind)m->kind, .next = st->commits, .back = &st->commits, .begun_us = clock_mono_us()};
    if (c->next)
        c->next->back = &c->next;
    st->commits = c;
    st->commit_count++;
    c->arena = s->arena;
    c->rcpts = s->rcpts;
    c->rcpt_count = s->rcpt_count;
    c->header = buf_str(&s->header);
    c->op = (struct op){.kind = OP_ACCEPT, .done = committed, .owner = c};
    return c;
}

/* The session's message becomes the commit's; the body is ended and named. */
static bool take_body(struct commit *c, struct store_session *s)
{
    struct store *st = c->store;

    if (!s->body)
        s->body = engine_body_begin(st->engine); /* an empty message */
    if (!s->body)
        return false;
    c->op.accept.body = engine_body_end(st->engine, s->body);
    s->body = NULL;
    c->held = s->body_held;
    s->body_held = 0;
    return c->op.accept.body != 0;
}

/* The arena belongs to the commit now. */
static void let_go(struct store_session *s)
{
    s->arena = (struct arena){0};
    store_session_drop_body(s);
}

/* DONE: the operation is ready to be submitted. */
static enum outcome decide(struct commit *c, struct store_session *s, const struct msg_commit *m, enum store_who who,
                           const struct engine_account *user)
{
    struct store *st = c->store;
    enum outcome o;

    if (store_address(&c->arena, m->from, &c->from) != ADDRESS_OK || !fill(c, m, who == STORE_USER ? user->name : STR_NONE)) {
        c->why = store_why("4.3.0", "no memory for this envelope: send it to fewer recipients at one time");
        return RETRY;
    }
    if (c->kind == SMTP_SUBMISSION && who == STORE_NOBODY) {
        c->why = store_why("5.7.0", "log in first");
        return REFUSE;
    }
    if (!store_may_send(st, &c->arena, c->edge, who, user, &c->from, c->kind == SMTP_LMTP, &c->why))
        return REFUSE;
    if (who == STORE_USER && !store_from_owned(st, &c->arena, user, m->header_from, &c->why))
        return REFUSE;
    bool trusted = who == STORE_USER || store_relays_for(c->edge, m->client_ip);
    int most = trusted ? (int)st->config->priority_most : 0; /* RFC 6710 4.1: the edge has told the client so */
    if (c->op.accept.priority > most)
        c->op.accept.priority = most;
    o = resolve(c, trusted, m->size);
    if (o == DONE && (!store_plan(st, &c->arena, &c->op.accept, c->rcpts, &c->from) || !take_body(c, s))) {
        c->why = store_why("4.3.0", "no memory for this message");
        return RETRY;
    }
    return o;
}

void store_commit(struct store_edge *e, const struct msg_commit *m)
{
    struct store *st = e->store;
    struct store_session *s = store_session_find(e, m->session);
    struct engine_account user = {0};
    struct why why = {0};
    enum store_who who = store_session_who(e, m->session, m->handle, &user);
    enum outcome o;

    if (m->kind > SMTP_LMTP || m->body > SMTP_BODY_BINARY || m->ret > SMTP_RET_HDRS || m->priority < -9 || m->priority > 9 ||
        (s && s->commit)) {
        peer_breach(e->peer, "a commit that makes no sense");
        return;
    }
    if (!s) {
        why = store_why("4.3.0", "the message did not arrive: try again");
        refuse(e, NULL, m->session, RETRY, &why);
        return;
    }
    o = examine(e, s, m, &why);
    struct commit *c = o == DONE ? make(e, s, m) : NULL;
    if (!c) {
        if (o == DONE)
            why = store_why("4.3.0", "no memory");
        refuse(e, s, m->session, o == DONE ? RETRY : o, &why);
        return;
    }
    s->commit = c;
    c->outcome = decide(c, s, m, who, &user);
    let_go(s);
    if (c->outcome == DONE)
        store_submit(st, &c->op);
    else
        store_commit_finish(c);
}
