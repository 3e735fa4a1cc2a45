// SPDX-License-Identifier: ISC
/* What the sender is owed (RFC 3461 4.1, 5.2): word of a copy that failed after RCPT had said yes, and of success where NOTIFY
   asked for it. One notification for all recipients of a message, written into the store before the message is acknowledged.
   The null reverse-path never gets one. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/facts.h"
#include "daemon/store_queue.h"
#include "message/dsn.h"
#include "message/header.h"

enum { DSN_SCRATCH = 256 * 1024 };

struct report { struct commit *c; struct dsn_recipient *to; size_t count, room; bool failure; };

static void add(struct report *rep, const struct commit_rcpt *r, enum dsn_action action, struct str final, const struct why *why)
{
    char text[1024];
    struct buf b;

    if (rep->count == rep->room)
        return;
    struct dsn_recipient *d = &rep->to[rep->count++];
    *d = (struct dsn_recipient){.orcpt = r->orcpt, .final = final, .action = action, .last_attempt_ms = clock_unix_ms()};
    if (!r->orcpt.n && !str_eq_icase(final, r->text)) { /* an alias: the sender knows the name that he wrote */
        buf_fixed(&b, text, sizeof text);
        buf_add_c(&b, r->adr.utf8 ? "utf-8;" : "rfc822;");
        buf_add(&b, r->text);
        d->orcpt = b.full ? STR_NONE : arena_str(&rep->c->arena, buf_str(&b));
    }
    if (why) {
        struct str s = arena_str(&rep->c->arena, str_c(why->status));
        if (s.n && s.p[0] == '4') /* it was given up: RFC 3464 2.3.4, the class says so */
            ((char *)(uintptr_t)s.p)[0] = '5';
        d->status = s;
        d->why = arena_str(&rep->c->arena, str_c(why->text));
    }
    rep->failure |= action == DSN_FAILED;
}

static void failures(struct report *rep, const struct commit_rcpt *r)
{
    for (const struct route_failure *f = r->route.failures; f; f = f->next)
        add(rep, r, DSN_FAILED, f->address, &f->why);
    for (const struct commit_target *t = r->targets; t; t = t->next)
        if (!t->remote && rep->c->op.accept.deliveries[t->index].outcome != DONE)
            add(rep, r, DSN_FAILED, t->address, &rep->c->op.accept.deliveries[t->index].why);
}

static void successes(struct report *rep, const struct commit_rcpt *r)
{
    if (r->route.expanded) {
        add(rep, r, DSN_EXPANDED, r->text, NULL);
        return;
    }
    for (const struct commit_target *t = r->targets; t; t = t->next)
        if (!t->remote && rep->c->op.accept.deliveries[t->index].outcome == DONE)
            add(rep, r, DSN_DELIVERED, t->address, NULL);
}

static void collect(struct report *rep)
{
    bool lmtp = rep->c->kind == SMTP_LMTP;

    for (const struct commit_rcpt *r = rep->c->rcpts; r; r = r->next) {
        bool wants_failure = r->notify == 0 || (r->notify & SMTP_NOTIFY_FAILURE);
        if (r->outcome != DONE && wants_failure && !lmtp)
            add(rep, r, DSN_FAILED, r->text, &r->why);
        if (r->outcome == DONE && wants_failure)
            failures(rep, r);
        if (r->outcome == DONE && (r->notify & SMTP_NOTIFY_SUCCESS))
            successes(rep, r);
    }
}

static size_t most(const struct commit *c)
{
    size_t n = 0;

    for (const struct commit_rcpt *r = c->rcpts; r; r = r->next) {
        n += 1 + r->route.target_count;
        for (const struct route_failure *f = r->route.failures; f; f = f->next)
            n++;
    }
    return n;
}

/* ---- the original, read back from a copy that was delivered ---- */

struct stored { struct engine *engine; const struct op_delivery *d; };

static enum source_result read_stored(void *self, uint64_t offset, struct buf *into)
{
    const struct stored *s = self;
    struct why why;
    bool more = false;

    if (engine_read(s->engine, s->d->account, s->d->mailbox, s->d->uid, offset + s->d->prefix.n, into, &more, &why) != DONE)
        return SOURCE_FAILED;
    return more ? SOURCE_MORE : SOURCE_END;
}

static const struct op_delivery *a_copy(const struct commit *c)
{
    for (uint32_t i = 0; i < c->op.accept.delivery_count; i++)
        if (c->op.accept.deliveries[i].outcome == DONE)
            return &c->op.accept.deliveries[i];
    return NULL;
}

/* ---- writing it ---- */

struct body_sink { struct store *store; struct body_writer *w; uint64_t size; struct why why; };

static bool write_body(void *self, struct str piece)
{
    struct body_sink *s = self;

    while (piece.n) {
        struct str part = str_head(piece, BODY_PIECE_MAX);
        if (engine_body_add(s->store->engine, s->w, part, &s->why) != DONE)
            return false;
        s->size += part.n;
        piece = str_skip(piece, part.n);
    }
    return true;
}

bool store_notice_write(struct store_notice *n, const struct dsn *d, struct op_accept *to)
{
    struct store *st = n->store;
    struct body_sink sink = {.store = st};
    struct arena scratch;
    const char *why = "";

    *to = (struct op_accept){.id = store_next_id(st),
                             .received_ms = clock_unix_ms(),
                             .kind = n->kind,
                             .about = n->about,
                             .smtputf8 = n->smtputf8,
                             .requiretls = n->requiretls,
                             .priority = n->priority,
                             .from = S(""),
                             .trace = S(""),
                             .client = S(""),
                             .helo = S(""),
                             .tls = S(""),
                             .envid = S(""),
                             .auth_user = S(""),
                             .body_type = n->body_type || n->smtputf8 ? SMTP_BODY_8BIT : SMTP_BODY_7BIT};
    sink.w = to->id ? engine_body_begin(st->engine) : NULL;
    if (!sink.w) {
        n->why = store_why("4.3.0", "no memory for a notification");
        return false;
    }
    arena_init(&scratch, DSN_SCRATCH);
    bool ok = dsn_write(d, &scratch, (struct sink){write_body, &sink}, &why);
    arena_clear(&scratch);
    if (!ok) {
        engine_body_abort(st->engine, sink.w);
        n->why = sink.why.text[0] ? sink.why : store_why("4.3.0", why && why[0] ? why : "a notification could not be written");
        return false;
    }
    to->body_size = sink.size;
    to->body = engine_body_end(st->engine, sink.w);
    if (!to->body)
        n->why = store_why("4.3.0", "no memory for a notification");
    return to->body != 0;
}

static bool write_notice(struct commit *c, const struct report *rep, struct store_notice *n)
{
    struct stored stored = {c->store->engine, a_copy(c)};
    struct str header = c->header;
    struct id_text id = id_text(c->op.accept.id);
    struct dsn d = {
        .hostname = c->store->config->hostname,
        .to = c->from,
        .now_ms = clock_unix_ms(),
        .arrival_ms = c->op.accept.received_ms,
        .envid = c->op.accept.envid,
        .id = str_c(id.c),
        .subject = header_text(&c->arena, c->header, "Subject"),
        .recipients = rep->to,
        .count = rep->count,
        .utf8 = c->op.accept.smtputf8,
        .full = c->op.accept.ret == SMTP_RET_FULL && rep->failure && stored.d && /* RFC 3461 4.3: RET speaks of failures */
                !c->op.accept.requiretls,                                        /* RFC 8689 5 */
        .original_bits = c->op.accept.body_type,
        .original = source_memory(&header),
    };

    if (d.full)
        d.original = (struct source){
            .read = read_stored, .self = &stored, .size = c->op.accept.trace.n + c->op.accept.body_size, .again = true};
    return store_notice_write(n, &d, &c->dsn.accept);
}

static void told(struct op *op)
{
    struct commit *c = op->owner;

    if (op->outcome == DONE && (op->accept.queued_count || op->accept.deliveries[0].outcome == DONE)) {
        c->store->notified++;
        struct id_text id = id_text(op->accept.id), about = id_text(op->accept.about);
        fact(FACT_INFO, "store.notified", fact_c("id", id.c), fact_c("about", about.c), fact_str("to", c->op.accept.from));
        store_queue_accepted(c->store, &op->accept);
    } else if (op->outcome == RETRY && c->dsn_failure) {
        c->outcome = RETRY; /* then the client has to keep it: some get it twice, but nobody loses it without a word */
        c->why = op->why;
    } else {
        fact(FACT_WARN, "store.notify-failed", fact_str("to", c->op.accept.from), fact_c("why", op->why.text));
    }
    store_commit_finish(c);
}

/* To the sender: into a mailbox, or queued. */
static bool address_it(struct commit *c, struct op_accept *a)
{
    static const struct address null_path;
    struct commit_rcpt *r = arena_new(&c->arena, struct commit_rcpt);

    if (!r)
        return false;
    *r = (struct commit_rcpt){.adr = c->from, .text = c->op.accept.from, .notify = SMTP_NOTIFY_NEVER};
    r->route = route_resolve(&c->arena, &c->store->facts, &r->adr, true, a->body_size, NULL);
    r->outcome = r->route.outcome;
    if (r->outcome != DONE) {
        fact(FACT_WARN, "store.notify-failed", fact_str("to", r->text), fact_c("status", r->route.why.status),
             fact_c("why", r->route.why.text));
        return false;
    }
    return store_plan(c->store, &c->arena, a, r, &null_path);
}

bool store_dsn(struct commit *c)
{
    struct store *st = c->store;
    struct report rep = {.c = c, .room = most(c)};
    struct store_notice notice = {.store = st,
                                  .about = c->op.accept.id,
                                  .kind = S("dsn"),
                                  .smtputf8 = c->op.accept.smtputf8,
                                  .requiretls = c->op.accept.requiretls,
                                  .priority = c->op.accept.priority,
                                  .body_type = c->op.accept.body_type};

    if (address_is_null(&c->from))
        return false;
    rep.to = arena_array(&c->arena, rep.room, sizeof *rep.to);
    if (rep.to)
        collect(&rep);
    if (!rep.to || rep.count == 0)
        return false;
    c->dsn_failure = rep.failure;
    c->dsn = (struct op){.kind = OP_ACCEPT, .done = told, .owner = c};
    if (!write_notice(c, &rep, &notice)) {
        fact(FACT_WARN, "store.notify-failed", fact_str("to", c->op.accept.from), fact_c("why", notice.why.text));
        if (rep.failure) {
            c->outcome = RETRY;
            c->why = notice.why;
        }
        return false;
    }
    if (!address_it(c, &c->dsn.accept)) {
        engine_body_drop(st->engine, c->dsn.accept.body);
        return false;
    }
    store_submit(st, &c->dsn);
    return true;
}
