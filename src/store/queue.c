// SPDX-License-Identifier: ISC
/* The queue as the index knows it, and the envelopes of its messages as the log tells them. */
#include "store/inside.h"
#include <stdio.h>

static struct str column(sqlite3_stmt *s, int i)
{
    const void *p = sqlite3_column_blob(s, i);
    return str_of(p ? p : "", (size_t)sqlite3_column_bytes(s, i));
}

static void bind(sqlite3_stmt *s, int at, struct str v)
{
    sqlite3_bind_blob(s, at, v.p ? v.p : "", (int)v.n, SQLITE_TRANSIENT);
}

static bool accept_at(struct engine *e, uint64_t id, log_pos pos, struct fact_accept *f)
{
    struct record r;
    bool broken;
    return log_segment(&e->log, pos_segment(pos)) && log_read(&e->log, pos, &r, &broken) == 0 &&
           (r.type == RECORD_ACCEPT || r.type == RECORD_ACCEPT_COPY) && fact_accept_read(r.payload, f) && f->id == id;
}

/* The first column of a row by its id; 0: no such row. */
static int64_t row_number(struct engine *e, enum index_statement q, uint64_t id)
{
    sqlite3_stmt *s = index_q(e->read, q);
    if (!s)
        return 0;
    sqlite3_bind_int64(s, 1, (int64_t)id);
    int64_t v = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return v;
}

bool accept_of(struct engine *e, uint64_t id, log_pos hint, struct fact_accept *f)
{
    if (hint && accept_at(e, id, hint, f))
        return true;
    int64_t at = row_number(e, Q_R_ACCEPTED, id); /* what is asked for is mostly long known: no waiting before a look */
    if (!at && index_wait(e, e->last_end))
        at = row_number(e, Q_R_ACCEPTED, id);
    return at && accept_at(e, id, (log_pos)at, f);
}

/* ---- rows ---- */

static void row_read(sqlite3_stmt *s, struct engine_queued *q)
{
    struct fact_result last;
    *q = (struct engine_queued){.queue_id = (uint64_t)sqlite3_column_int64(s, 0),
                                .id = (uint64_t)sqlite3_column_int64(s, 1),
                                .n = (uint32_t)sqlite3_column_int64(s, 2),
                                .next_ms = sqlite3_column_int64(s, 3),
                                .attempts = (uint32_t)sqlite3_column_int64(s, 4),
                                .domain = column(s, 6),
                                .held = sqlite3_column_int(s, 7) != 0,
                                .warned = sqlite3_column_int(s, 8) != 0,
                                .priority = sqlite3_column_int(s, 9),
                                .expire_ms = sqlite3_column_int64(s, 10),
                                .route = column(s, 11),
                                .received_ms = sqlite3_column_int64(s, 12)};
    struct str fact = column(s, 5);
    if (!fact.n || !fact_result_read(fact, &last))
        return;
    q->last.at_ms = last.at_ms;
    q->last.outcome = last.outcome;
    q->last.code = last.code;
    q->last.status = last.status;
    q->last.text = last.text;
    q->last.host = last.host;
    q->last.ip = last.ip;
    q->last.tls = last.tls;
}

void engine_reply(struct buf *to, uint32_t code, struct str status, struct str text)
{
    if (code)
        buf_printf(to, "%u ", (unsigned)code);
    if (code && status.n && status.p[0] == (char)('0' + code / 100) && !str_starts(text, status)) {
        buf_add(to, status);
        buf_add_byte(to, ' ');
    }
    buf_add(to, text);
}

/* Adds what the message says of it. */
static void complete(struct engine *e, struct engine_queued *q)
{
    static _Thread_local char reply[QUEUE_TEXT_MAX + 32];
    struct fact_accept f;
    struct fact_queued x = {0};
    struct buf b;
    buf_fixed(&b, reply, sizeof reply);
    engine_reply(&b, q->last.code, q->last.status, q->last.text);
    q->last_reply = q->last.at_ms ? buf_str(&b) : S("");
    if (!accept_of(e, q->id, 0, &f))
        return;
    for (uint32_t n = q->n + 1; n > 0 && fact_queued_next(&f.queued, &x); n--) {
    }
    q->from = f.from;
    q->address = x.address;
    q->orcpt = x.orcpt;
    q->notify = x.notify;
    q->size = f.trace.n + f.body_size;
    q->received_ms = f.received_ms;
}

void engine_queue(struct engine *e, uint64_t from_queue_id, bool (*each)(void *to, const struct engine_queued *q), void *to)
{
    sqlite3_stmt *s = index_wait(e, e->last_end) ? index_q(e->read, Q_R_QUEUE) : NULL;
    bool more = true;
    if (!s)
        return;
    sqlite3_bind_int64(s, 1, (int64_t)from_queue_id);
    while (more && sqlite3_step(s) == SQLITE_ROW) {
        struct engine_queued q;
        row_read(s, &q);
        complete(e, &q);
        more = each(to, &q);
    }
    sqlite3_reset(s);
}

/* What a row says outlives its statement, which must not stay on its row: it would hold all reads to one moment. */
static void keep(struct engine *e, struct str *const *list, size_t count)
{
    enc_clear(&e->kept);
    for (size_t i = 0; i < count; i++)
        enc_bytes(&e->kept, list[i]->p, list[i]->n);
    size_t at = 0;
    for (size_t i = 0; i < count; at += list[i]->n, i++)
        *list[i] = e->kept.failed || list[i]->n == 0 ? S("") : str_of(e->kept.p + at, list[i]->n);
}

bool engine_queue_get(struct engine *e, uint64_t queue_id, struct engine_queued *to)
{
    sqlite3_stmt *s = index_wait(e, e->last_end) ? index_q(e->read, Q_R_QUEUE_ONE) : NULL;
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)queue_id);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (found) {
        row_read(s, to);
        keep(e,
             (struct str *const[]){&to->domain, &to->route, &to->last.status, &to->last.text, &to->last.host, &to->last.ip,
                                   &to->last.tls},
             7);
    }
    sqlite3_reset(s);
    if (found)
        complete(e, to);
    return found;
}

/* ---- what is due ---- */

typedef void each_due(void *to, const struct engine_queued *q);

/* Those at the cursor's moment, then those behind it. domain NULL: only what the index of all says. False: those were the last.
 */
static bool due(struct engine *e, const struct str *domain, int64_t now_ms, struct engine_due *cursor, uint32_t limit,
                each_due *each, void *to)
{
    static const enum index_statement all[] = {Q_R_QUEUE_DUE_SAME, Q_R_QUEUE_DUE},
                                      of[] = {Q_R_QUEUE_DUE_OF_SAME, Q_R_QUEUE_DUE_OF};
    uint32_t n = 0;
    for (int part = 0; part < 2 && n < limit; part++) {
        sqlite3_stmt *s = index_q(e->read, domain ? of[part] : all[part]);
        if (!s)
            return false;
        const int64_t v[] = {cursor->next_ms, (int64_t)cursor->queue_id, now_ms, limit - n};
        for (int i = 0; i < 4; i++)
            sqlite3_bind_int64(s, i + 1, v[i]);
        if (domain)
            bind(s, 5, *domain);
        for (; sqlite3_step(s) == SQLITE_ROW; n++) {
            struct engine_queued q = {0};
            if (domain)
                row_read(s, &q);
            else
                q = (struct engine_queued){.next_ms = sqlite3_column_int64(s, 0),
                                           .queue_id = (uint64_t)sqlite3_column_int64(s, 1),
                                           .domain = column(s, 2)};
            *cursor = (struct engine_due){q.next_ms, q.queue_id};
            each(to, &q);
        }
        sqlite3_reset(s);
    }
    return n == limit;
}

bool engine_queue_due(struct engine *e, int64_t now_ms, struct engine_due *cursor, uint32_t limit, each_due *each, void *to)
{
    return due(e, NULL, now_ms, cursor, limit, each, to);
}

bool engine_queue_due_of(struct engine *e, struct str domain, int64_t now_ms, struct engine_due *cursor, uint32_t limit,
                         each_due *each, void *to)
{
    return due(e, &domain, now_ms, cursor, limit, each, to);
}

void engine_queue_urgent(struct engine *e, struct str domain, int64_t now_ms, uint32_t limit, each_due *each, void *to)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_QUEUE_URGENT);
    struct engine_queued q;
    if (!s)
        return;
    bind(s, 1, domain);
    sqlite3_bind_int64(s, 2, now_ms);
    sqlite3_bind_int64(s, 3, limit);
    while (sqlite3_step(s) == SQLITE_ROW) {
        row_read(s, &q);
        each(to, &q);
    }
    sqlite3_reset(s);
}

int64_t engine_queue_next(struct engine *e, int64_t after_ms)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_QUEUE_NEXT);
    int64_t next = INT64_MAX;
    if (!s)
        return next;
    sqlite3_bind_int64(s, 1, after_ms);
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_INTEGER)
        next = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return next;
}

uint64_t engine_position(const struct engine *e)
{
    return e->last_end;
}

uint64_t engine_index_position(struct engine *e)
{
    log_pos p = index_position(e);
    if (p < e->last_end && e->threads_run)
        index_hurry(e, true);
    return p;
}

/* ---- for commands ---- */

static bool fits(const struct engine_filter *f, const struct engine_queued *q)
{
    return (!f->id || q->id == f->id) && (!f->held || q->held) && (!f->before_ms || q->received_ms < f->before_ms) &&
           (!f->to.n || str_eq_icase(f->to, q->address)) &&
           (!f->from.n || str_eq_icase(str_eq(f->from, S("<>")) ? S("") : f->from, q->from)) &&
           (!f->domain.n || str_eq_icase(f->domain, q->domain));
}

/* Those of one message: its record lists them. */
static bool filter_message(struct engine *e, const struct engine_filter *f, struct engine_queue_cursor *c,
                           bool (*each)(void *to, const struct engine_queued *q), void *to)
{
    struct fact_accept a;
    struct fact_queued x;
    struct enc ids = {0};
    bool more = true;
    if (!accept_of(e, f->id, 0, &a))
        return false;
    while (fact_queued_next(&a.queued, &x)) /* copied: looking at one reads the record again */
        if (x.queue_id >= c->queue_id)
            enc_var(&ids, x.queue_id);
    struct dec d = {ids.p, ids.n, false};
    while (more && d.n > 0) {
        struct engine_queued q;
        uint64_t queue_id = dec_var(&d);
        if (engine_queue_get(e, queue_id, &q) && fits(f, &q))
            more = each(to, &q);
        c->queue_id = queue_id + 1;
    }
    enc_free(&ids);
    return !more;
}

bool engine_queue_filter(struct engine *e, const struct engine_filter *f, struct engine_queue_cursor *c, uint32_t limit,
                         bool (*each)(void *to, const struct engine_queued *q), void *to)
{
    char lower[256];
    struct str domain = f->domain;
    bool more = true;
    if (!index_wait(e, e->last_end))
        return false;
    if (f->id)
        return filter_message(e, f, c, each, to);
    if (f->to.n && !domain.n)
        domain = fact_domain(f->to, lower);
    else if (domain.n && domain.n < sizeof lower - 1) { /* as the index has it */
        for (size_t i = 0; i < domain.n; i++)
            lower[i] = ascii_lower(domain.p[i]);
        domain = str_of(lower, domain.n);
    }
    const enum index_statement parts[2] = {domain.n ? Q_R_QUEUE_DOMAIN_SAME : Q_R_QUEUE, Q_R_QUEUE_DOMAIN};
    for (int part = 0; part < (domain.n ? 2 : 1) && more && limit > 0; part++) {
        sqlite3_stmt *s = index_q(e->read, parts[part]);
        if (!s)
            return false;
        if (domain.n) {
            bind(s, 1, domain);
            sqlite3_bind_int64(s, 2, c->held);
            sqlite3_bind_int64(s, 3, c->next_ms);
            sqlite3_bind_int64(s, 4, (int64_t)c->queue_id);
        } else {
            sqlite3_bind_int64(s, 1, (int64_t)c->queue_id + 1);
        }
        while (more && limit > 0 && sqlite3_step(s) == SQLITE_ROW) {
            struct engine_queued q;
            limit--;
            row_read(s, &q);
            *c = (struct engine_queue_cursor){q.held, q.next_ms, q.queue_id};
            if ((f->held && !q.held) || (f->before_ms && q.received_ms >= f->before_ms))
                continue;
            complete(e, &q);
            if (fits(f, &q))
                more = each(to, &q);
        }
        sqlite3_reset(s);
    }
    return !more || limit == 0; /* there may be more */
}

uint64_t engine_queue_count(struct engine *e, struct str domain)
{
    enum index_statement which = domain.n ? Q_R_QUEUE_COUNT : Q_R_COUNTS;
    sqlite3_stmt *s = index_wait(e, e->last_end) ? index_q(e->read, which) : NULL;
    int64_t n = 0;
    if (!s)
        return 0;
    if (domain.n)
        bind(s, 1, domain);
    if (sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int64(s, domain.n ? 0 : 1);
    sqlite3_reset(s);
    return (uint64_t)n;
}

void engine_queue_shape(struct engine *e, const int64_t after_ms[3], uint32_t limit,
                        void (*each)(void *to, const struct engine_shape *s), void *to)
{
    sqlite3_stmt *s = index_wait(e, e->last_end) ? index_q(e->read, Q_R_QUEUE_SHAPE) : NULL;
    if (!s)
        return;
    for (int i = 0; i < 3; i++)
        sqlite3_bind_int64(s, i + 1, after_ms[i]);
    sqlite3_bind_int64(s, 4, limit);
    while (sqlite3_step(s) == SQLITE_ROW) {
        struct engine_shape x = {.domain = column(s, 0),
                                 .entries = (uint64_t)sqlite3_column_int64(s, 1),
                                 .held = (uint64_t)sqlite3_column_int64(s, 2),
                                 .next_ms = sqlite3_column_int64(s, 3),
                                 .oldest_ms = sqlite3_column_int64(s, 4),
                                 .untried = (uint64_t)sqlite3_column_int64(s, 8)};
        for (int i = 0; i < 3; i++)
            x.younger[i] = (uint64_t)sqlite3_column_int64(s, 5 + i);
        each(to, &x);
    }
    sqlite3_reset(s);
}

/* ---- messages ---- */

bool engine_envelope(struct engine *e, uint64_t id, const struct op_place *hint, struct engine_envelope *to)
{
    struct fact_accept f;
    if (!accept_of(e, id, hint ? hint->accept : 0, &f))
        return false;
    *to = (struct engine_envelope){
        .id = f.id,
        .about = f.about,
        .size = f.trace.n + f.body_size,
        .received_ms = f.received_ms,
        .ret = f.ret,
        .body_type = f.body_type,
        .smtputf8 = f.smtputf8,
        .requiretls = f.requiretls,
        .priority = f.priority,
        .utf8_header = f.utf8_header,
        .from = f.from,
        .envid = f.envid,
        .auth_user = f.auth_user,
        .kind = f.kind,
        .trace = f.trace,
        .queued_count = f.queued_count,
        .rest = {f.queued.p, f.queued.n},
    };
    if (hint)
        to->place = *hint;
    return true;
}

bool engine_envelope_next(struct engine_envelope *v, struct op_queued *to)
{
    struct dec d = dec_of(v->rest);
    struct fact_queued q;
    if (!fact_queued_next(&d, &q))
        return false;
    *to = (struct op_queued){q.address, q.orcpt, q.notify, q.rcpt, q.queue_id};
    v->rest = str_of(d.p, d.n);
    return true;
}

static enum outcome gone(struct why *why, enum outcome o, const char *status, const char *text)
{
    snprintf(why->status, sizeof why->status, "%s", status);
    snprintf(why->text, sizeof why->text, "%s", text);
    return o;
}

enum outcome engine_queue_read(struct engine *e, uint64_t id, const struct op_place *hint, uint64_t offset, struct buf *to,
                               bool *more, struct why *why)
{
    struct fact_accept f;
    log_pos body;
    *more = false;
    if (!accept_of(e, id, hint ? hint->accept : 0, &f))
        return gone(why, REFUSE, "5.6.0", "the message is not there any more");
    uint64_t size = f.trace.n + f.body_size, body_id = f.body_id;
    bool large = f.body_large;
    size_t before = to->n;
    if (offset < f.trace.n)
        buf_add(to, str_head(str_skip(f.trace, (size_t)offset), buf_room(to)));
    uint64_t at = offset + (to->n - before);
    body = hint && hint->body_id == body_id && log_segment(&e->log, pos_segment(hint->body)) ? hint->body : 0;
    if (!body && buf_room(to) > 0) {
        body = (log_pos)row_number(e, Q_R_BODY, body_id);
        if (!body && index_wait(e, e->last_end))
            body = (log_pos)row_number(e, Q_R_BODY, body_id);
        if (!body)
            return gone(why, REFUSE, "5.6.0", "the message is not there any more");
    }
    enum outcome o = DONE;
    if (buf_room(to) > 0 && at < size)
        o = body_read(e, body_id, body, large, at - (size - f.body_size), to, why);
    *more = o == DONE && offset + (to->n - before) < size;
    return o;
}

/* ---- notes ---- */

bool engine_note_get(struct engine *e, uint32_t kind, struct str key, struct engine_note *to)
{
    sqlite3_stmt *s = index_wait(e, e->last_end) ? index_q(e->read, Q_R_NOTE) : NULL;
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, kind);
    bind(s, 2, key);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (found) {
        *to = (struct engine_note){key, column(s, 0), sqlite3_column_int64(s, 1)};
        keep(e, (struct str *const[]){&to->value}, 1);
    }
    sqlite3_reset(s);
    return found && (!to->expires_ms || to->expires_ms > clock_unix_ms());
}

void engine_notes(struct engine *e, uint32_t kind, bool expired, bool (*each)(void *to, const struct engine_note *n), void *to)
{
    sqlite3_stmt *s = index_wait(e, e->last_end) ? index_q(e->read, Q_R_NOTES) : NULL;
    int64_t now = clock_unix_ms();
    bool more = true;
    if (!s)
        return;
    sqlite3_bind_int64(s, 1, kind);
    bind(s, 2, STR_NONE);
    while (more && sqlite3_step(s) == SQLITE_ROW) {
        struct engine_note n = {column(s, 0), column(s, 1), sqlite3_column_int64(s, 2)};
        if ((n.expires_ms && n.expires_ms <= now) == expired)
            more = each(to, &n);
    }
    sqlite3_reset(s);
}
