// SPDX-License-Identifier: ISC
/* What became of a job. Its sender is told before its entries go, so that a crash between the two tells him twice rather than
   never.

     settle ─► verdicts ─► anybody to be told? ─no────────────────────────────────────► results ──submit──► durable ─► settled
                             └─ notification, or a notice to postmaster ──submit──► durable ─┘   └─ not now: again in a second
                                  └─ it cannot be written now: nobody is given up for it, all is tried again later

   RFC 3461 5.2, 6; RFC 5321 4.5.5, 6.1: the null reverse-path never gets a notification; what fails of it is shown to postmaster,
   once. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/facts.h"
#include "daemon/store_queue.h"
#include "message/header.h"

enum { NOTICE_LATER_MS = 5 * 60 * 1000 };

/* ---- verdicts ---- */

static bool wants(const struct queue_entry *e, uint32_t bit)
{
    return e->notify ? (e->notify & bit) != 0 : bit != SMTP_NOTIFY_SUCCESS;
}

static const char *outcome_event(const struct op_result *r)
{
    return r->outcome == DONE ? "queue.sent" : r->done ? "queue.failed" : "queue.deferred";
}

static void tell_fact(const struct queue_job *j, const struct queue_entry *e)
{
    struct id_text id = id_text(j->id);
    const struct op_result *r = &e->result;

    fact(r->outcome == DONE ? FACT_INFO : FACT_WARN, outcome_event(r), fact_c("id", id.c),
         fact_num("entry", (int64_t)e->queue_id), fact_str("to", e->address), fact_str("host", r->host), fact_str("ip", r->ip),
         fact_num("code", r->code), fact_str("status", r->status), fact_str("text", str_head(r->text, 200)),
         fact_num("attempt", r->attempts), fact_num("age_s", (r->at_ms - j->received_ms) / 1000),
         fact_num("next_s", r->done ? 0 : (r->next_ms - r->at_ms) / 1000));
}

/* Names of the recipients, and who sent it. */
static bool read_envelope(struct queue_job *j, struct engine_envelope *v)
{
    struct engine_envelope walk;
    struct op_queued q;

    if (!engine_envelope(j->store->engine, j->id, j->has_place ? &j->place : NULL, v))
        return false;
    v->from = arena_str(&j->arena, v->from);
    v->envid = arena_str(&j->arena, v->envid);
    v->kind = arena_str(&j->arena, v->kind);
    walk = *v;
    while (engine_envelope_next(&walk, &q))
        for (uint32_t i = 0; i < j->count; i++)
            if (j->entry[i].queue_id == q.queue_id) {
                j->entry[i].address = arena_str(&j->arena, q.address);
                j->entry[i].orcpt = arena_str(&j->arena, q.orcpt);
                j->entry[i].notify = q.notify;
                break;
            }
    j->received_ms = v->received_ms;
    j->from = v->from;
    j->null_from = v->from.n == 0;
    v->trace = v->rest = v->auth_user = STR_NONE; /* good no longer */
    return j->from.p != NULL;
}

static struct queue_verdict decide(struct queue_job *j, struct queue_entry *e)
{
    struct queue_schedule s = queue_schedule_of(j->store->config);
    struct op_result *r = &e->result;
    int64_t now = clock_unix_ms();

    if (e->expired && !r->at_ms)
        *r = (struct op_result){.outcome = RETRY, .status = S("4.4.7"), .text = S("it was not tried before")};
    if (e->expired)
        r->at_ms = now;
    struct queue_verdict v = queue_verdict(&s, r->outcome, j->received_ms, now, e->expired ? now : e->expire_ms, e->warned);
    r->queue_id = e->queue_id;
    r->attempts = e->attempts + 1;
    r->done = v.done;
    r->next_ms = v.next_ms;
    r->warned = e->warned;
    return v;
}

/* ---- notifications ---- */

struct telling {
    struct queue_job *job;
    struct dsn_recipient *to;
    size_t count;
    bool failure;
};

static struct str diagnostic(struct queue_job *j, const struct op_result *r)
{
    char line[700];
    struct buf b;

    if (!r->code)
        return STR_NONE;
    buf_fixed(&b, line, sizeof line);
    engine_reply(&b, r->code, r->status, str_head(r->text, 600));
    return arena_str(&j->arena, buf_str(&b));
}

static struct str status_of(struct queue_job *j, const struct op_result *r, char class)
{
    struct str s = r->status.n ? arena_str(&j->arena, r->status) : arena_str(&j->arena, class == '4' ? S("4.4.0") : S("5.0.0"));

    if (s.n && s.p[0] != class) /* RFC 3464 2.3.4: what was given up is 5, whatever the last reply was */
        ((char *)(uintptr_t)s.p)[0] = class;
    return s;
}

static struct str in_words(struct queue_job *j, const struct queue_entry *e, enum dsn_action action)
{
    char text[900];
    struct buf b;
    const struct op_result *r = &e->result;
    struct str said = str_head(r->text, 500);

    buf_fixed(&b, text, sizeof text);
    if (action == DSN_FAILED && e->expired)
        buf_add_c(&b, "the administrator of this server returned it");
    else if (action == DSN_FAILED && r->outcome == RETRY)
        buf_add_c(&b, "it could not be delivered in the time that was allowed");
    if (!r->code && said.n) {
        if (b.n)
            buf_add_c(&b, ": ");
        buf_add(&b, said);
    }
    return b.n ? arena_str(&j->arena, buf_str(&b)) : STR_NONE;
}

static void add(struct telling *t, const struct queue_entry *e, enum dsn_action action)
{
    struct queue_job *j = t->job;
    struct queue_schedule s = queue_schedule_of(j->store->config);
    struct dsn_recipient *d = &t->to[t->count++];

    *d = (struct dsn_recipient){
        .orcpt = e->orcpt,
        .final = e->address,
        .action = action,
        .status = action == DSN_RELAYED ? STR_NONE : status_of(j, &e->result, action == DSN_FAILED ? '5' : '4'),
        .diagnostic = diagnostic(j, &e->result),
        .remote_mta = e->result.code ? e->result.host : STR_NONE,
        .why = in_words(j, e, action),
        .last_attempt_ms = e->result.at_ms,
        .will_retry_until_ms = action == DSN_DELAYED ? e->expire_ms ? e->expire_ms : j->received_ms + s.give_up_ms : 0,
    };
    t->failure |= action == DSN_FAILED;
}

/* Verdict of each entry, and what its sender hears of it. */
static void judge(struct telling *t, const struct engine_envelope *v)
{
    struct queue_job *j = t->job;
    struct store_queue *q = j->store->queue;
    bool notice = str_eq(v->kind, S("notice")); /* what failed of a notice is not noticed again */

    for (uint32_t i = 0; i < j->count; i++) {
        struct queue_entry *e = &j->entry[i];
        struct queue_verdict d = decide(j, e);
        q->sent += e->result.outcome == DONE;
        q->failed += d.fail;
        q->deferred += !d.done;
        tell_fact(j, e);
        if (e->dropped)
            continue;
        if (d.fail && (j->null_from ? !notice : wants(e, SMTP_NOTIFY_FAILURE)))
            add(t, e, DSN_FAILED);
        if (d.warn && !j->null_from && wants(e, SMTP_NOTIFY_DELAY))
            add(t, e, DSN_DELAYED);
        e->result.warned |= d.warn;
        if (e->result.outcome == DONE && !e->passed && !j->null_from && wants(e, SMTP_NOTIFY_SUCCESS))
            add(t, e, DSN_RELAYED);
    }
}

static enum source_result read_queued(void *self, uint64_t offset, struct buf *into)
{
    struct queue_job *j = self;
    struct why why;
    bool more = false;

    if (engine_queue_read(j->store->engine, j->id, j->has_place ? &j->place : NULL, offset, into, &more, &why) != DONE)
        return SOURCE_FAILED;
    return more ? SOURCE_MORE : SOURCE_END;
}

static struct str subject_of(struct queue_job *j)
{
    struct buf b;
    struct why why;
    bool more;

    buf_fixed(&b, j->store->relay_piece, 32 * 1024);
    if (engine_queue_read(j->store->engine, j->id, j->has_place ? &j->place : NULL, 0, &b, &more, &why) != DONE)
        return STR_NONE;
    return header_text(&j->arena, buf_str(&b), "Subject");
}

/* The notification could not be written: what would have ended goes on, what would have been told is told another time. */
static void untell(struct queue_job *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        struct op_result *r = &j->entry[i].result;
        bool told = r->done && r->outcome != DONE && !j->entry[i].dropped;
        if (told)
            r->next_ms = clock_unix_ms() + NOTICE_LATER_MS;
        r->done &= !told;
        r->warned = j->entry[i].warned;
    }
}

static void told(struct op *op)
{
    struct queue_job *j = op->owner;
    struct store *st = j->store;
    struct id_text id = id_text(op->accept.id), about = id_text(j->id);

    if (op->outcome == DONE) {
        st->notified++;
        fact(FACT_INFO, "store.notified", fact_c("id", id.c), fact_c("about", about.c), fact_str("to", j->from));
        store_queue_accepted(st, &op->accept);
    } else if (op->outcome == RETRY) {
        untell(j);
    } else {
        fact(FACT_WARN, "store.notify-failed", fact_c("about", about.c), fact_str("to", j->from), fact_c("why", op->why.text));
    }
    queue_commit_results(j);
}

static bool address_it(struct queue_job *j, struct op_accept *a, const struct address *to)
{
    static const struct address null_path;
    struct commit_rcpt *r = arena_new(&j->arena, struct commit_rcpt);
    struct buf b;
    char text[600];

    if (!r)
        return false;
    buf_fixed(&b, text, sizeof text);
    address_print(&b, to, false);
    *r = (struct commit_rcpt){.adr = *to, .text = arena_str(&j->arena, buf_str(&b)), .notify = SMTP_NOTIFY_NEVER};
    r->route = route_resolve(&j->arena, &j->store->facts, &r->adr, true, a->body_size, NULL);
    r->outcome = r->route.outcome;
    return r->outcome == DONE && store_plan(j->store, &j->arena, a, r, &null_path);
}

/* Writes it and hands it to the engine. RETRY: not now. REFUSE: nobody can be told. */
static enum outcome tell(struct telling *t, const struct engine_envelope *v, const struct address *to, struct str kind)
{
    struct queue_job *j = t->job;
    struct store *st = j->store;
    struct store_notice n = {.store = st,
                             .about = j->id,
                             .kind = kind,
                             .smtputf8 = v->smtputf8,
                             .requiretls = v->requiretls,
                             .priority = v->priority,
                             .body_type = v->body_type};
    struct id_text id = id_text(j->id);
    struct dsn d = {
        .hostname = st->config->hostname,
        .to = *to,
        .now_ms = clock_unix_ms(),
        .arrival_ms = v->received_ms,
        .envid = v->envid,
        .id = str_c(id.c),
        .subject = subject_of(j),
        .recipients = t->to,
        .count = t->count,
        .utf8 = v->smtputf8,
        .full = v->ret == SMTP_RET_FULL && t->failure && !v->requiretls, /* RFC 8689 5 */
        .original_bits = v->body_type,
        .original = {.read = read_queued, .self = j, .size = v->size, .again = true},
    };

    j->notice = (struct op){.kind = OP_ACCEPT, .done = told, .owner = j};
    if (!store_notice_write(&n, &d, &j->notice.accept))
        return RETRY;
    if (!address_it(j, &j->notice.accept, to)) {
        engine_body_drop(st->engine, j->notice.accept.body);
        return REFUSE;
    }
    store_submit(st, &j->notice);
    return DONE;
}

static enum outcome tell_somebody(struct telling *t, const struct engine_envelope *v)
{
    struct queue_job *j = t->job;
    struct address to = {0}, postmaster = {.local = S("postmaster")};
    enum outcome o = REFUSE;

    if (!j->null_from && address_parse(&j->arena, j->from, true, &to) == ADDRESS_OK)
        o = tell(t, v, &to, S("dsn"));
    if (o == REFUSE && t->failure) /* nobody to send it back to: a person looks at it once */
        o = tell(t, v, &postmaster, S("notice"));
    return o;
}

/* ---- all of it ---- */

/* Its envelope cannot be read (or it was dropped meanwhile, then this changes nothing): what was handed on is, the rest is tried
 * again. */
static void unknown(struct queue_job *j)
{
    int64_t now = clock_unix_ms();

    for (uint32_t i = 0; i < j->count; i++) {
        struct queue_entry *e = &j->entry[i];
        e->result.queue_id = e->queue_id;
        e->result.attempts = e->attempts + 1;
        e->result.done = e->result.outcome == DONE;
        e->result.next_ms = now + NOTICE_LATER_MS;
        e->result.at_ms = now;
        if (!e->result.done)
            e->result.outcome = RETRY;
        e->result.warned = e->warned;
    }
    queue_commit_results(j);
}

void queue_settle(struct queue_job *j)
{
    struct store *st = j->store;
    struct engine_envelope v = {0};
    struct telling t = {.job = j};
    enum outcome o = REFUSE;

    j->state = QUEUE_SETTLING;
    st->queue->settling++;
    bool known = read_envelope(j, &v);
    t.to = arena_array(&j->arena, j->count + 1, sizeof *t.to);
    if (!known || !t.to) { /* its record cannot be read, or it was dropped meanwhile */
        unknown(j);
        return;
    }
    judge(&t, &v);
    if (t.count > 0)
        o = tell_somebody(&t, &v);
    if (o == RETRY)
        untell(j);
    else if (o == REFUSE && t.count > 0)
        fact(FACT_WARN, "store.notify-failed", fact_num("about", (int64_t)j->id), fact_str("to", j->from),
             fact_c("why", "it leads nowhere, nor does postmaster"));
    if (o != DONE)
        queue_commit_results(j);
}

static void written(struct op *op)
{
    struct queue_job *j = op->owner;

    if (op->outcome == DONE || op->outcome == REFUSE || j->store->closing)
        queue_job_settled(j);
    else
        queue_job_again(j);
}

void queue_commit_results(struct queue_job *j)
{
    if (!j->results && !(j->results = arena_array(&j->arena, j->count, sizeof *j->results))) {
        queue_job_again(j);
        return;
    }
    for (uint32_t i = 0; i < j->count; i++)
        j->results[i] = j->entry[i].result;
    j->op = (struct op){.kind = OP_QUEUE_RESULT, .queue_result = {j->id, j->results, j->count}, .done = written, .owner = j};
    if (j->store->closing || engine_is_dead(j->store->engine))
        queue_job_again(j); /* as if it had not been heard of: it is tried again */
    else
        store_submit(j->store, &j->op);
}
