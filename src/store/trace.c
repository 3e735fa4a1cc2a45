/* SPDX-License-Identifier: ISC */
/* The life of messages as the log tells it. */
#include <stdio.h>
#include "base/encode.h"
#include "store/inside.h"

static struct str column(sqlite3_stmt *s, int i)
{
    const void *p = sqlite3_column_blob(s, i);
    return str_of(p ? p : "", (size_t)sqlite3_column_bytes(s, i));
}

/* ---- steps of a trace ---- */

struct steps { struct arena *a; struct engine_trace_step *list; uint32_t count, cap; };

static void step(struct steps *s, int64_t at_ms, const char *event, struct str text)
{
    if (at_ms == 0 || s->count == s->cap)
        return;
    struct str kept = arena_str(s->a, text);
    s->list[s->count++] = (struct engine_trace_step){at_ms, str_c(event), kept};
}

static void step_printf(struct steps *s, int64_t at_ms, const char *event, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void step_printf(struct steps *s, int64_t at_ms, const char *event, const char *fmt, ...)
{
    char line[1200];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    step(s, at_ms, event, str_of(line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1));
}

/* What became of a delivered copy: still there, and read, or not. */
static void copy_state(struct engine *e, const struct fact_delivery *d, char to[32])
{
    sqlite3_stmt *s = index_q(e->read, Q_R_MESSAGES);
    snprintf(to, 32, "removed since");
    if (!s)
        return;
    sqlite3_bind_int64(s, 1, (int64_t)d->account);
    sqlite3_bind_int64(s, 2, d->mailbox);
    sqlite3_bind_int64(s, 3, d->uid);
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 0) == d->uid)
        snprintf(to, 32, "%s", sqlite3_column_int64(s, 1) & (FLAG_SEEN | FLAG_POP3_RETRIEVED) ? "read" : "unread");
    sqlite3_reset(s);
}

static bool still_queued(struct engine *e, uint64_t queue_id)
{
    sqlite3_stmt *s = index_q(e->read, Q_R_QUEUE_ONE);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)queue_id);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_reset(s);
    return found;
}

static void tell_deliveries(struct engine *e, struct steps *s, struct fact_accept *f)
{
    struct fact_delivery d;
    struct fact_queued q;
    struct why why;
    while (fact_delivery_next(&f->deliveries, &d)) {
        struct account *a = account_get(e, d.account);
        struct mailbox *m = a && account_load(e, a, &why) == DONE ? account_mailbox(a, d.mailbox) : NULL;
        struct str account = a ? str_head(a->name, 320) : S("(account removed)"),
                   box = m ? str_head(m->name, 320) : S("(mailbox removed)");
        char state[32];
        copy_state(e, &d, state);
        step_printf(s, f->received_ms, "delivered", "%.*s %.*s uid %lu (%s)", STR_ARG(account), STR_ARG(box),
                    (unsigned long)d.uid, state);
    }
    while (fact_queued_next(&f->queued, &q)) {
        struct str address = str_head(q.address, 400);
        step_printf(s, f->received_ms, "queued", "%.*s queue %llu (%s)", STR_ARG(address), (unsigned long long)q.queue_id,
                    still_queued(e, q.queue_id) ? "waiting" : "finished");
    }
}

/* Attempts of all its entries, in the order of time, each with the words of the host that answered. */
static void tell_attempts(struct engine *e, struct steps *s, uint64_t id, const struct fact_accept *f)
{
    sqlite3_stmt *q = index_q(e->read, Q_R_ATTEMPTS);
    uint32_t first = s->count;
    if (!q)
        return;
    sqlite3_bind_int64(q, 1, (int64_t)id);
    while (s->count < s->cap && sqlite3_step(q) == SQLITE_ROW) {
        struct fact_result r;
        struct fact_queued entry;
        struct dec list = f->queued;
        struct str address = S("?");
        char reply[600];
        struct buf b;
        if (!fact_result_read(column(q, 0), &r))
            continue;
        while (fact_queued_next(&list, &entry))
            if (entry.queue_id == r.queue_id)
                address = str_head(entry.address, 320);
        buf_fixed(&b, reply, sizeof reply);
        engine_reply(&b, r.code, r.status, str_head(r.text, 400));
        const char *event = r.outcome == DONE ? "sent" : r.done ? "failed" : "deferred";
        struct str host = str_head(r.host, 255), ip = str_head(r.ip, 64), text = buf_str(&b), tls = str_head(r.tls, 60);
        step_printf(s, r.at_ms, event, "%.*s%s%.*s%s%.*s%s: %.*s%s%.*s%s", STR_ARG(address), host.n ? " by " : "",
                    STR_ARG(host), ip.n ? " [" : "", STR_ARG(ip), ip.n ? "]" : "", STR_ARG(text), tls.n ? " (" : "",
                    STR_ARG(tls), tls.n ? ")" : "");
        for (uint32_t i = s->count; i-- > first + 1 && s->list[i].at_ms < s->list[i - 1].at_ms;) {
            struct engine_trace_step x = s->list[i];
            s->list[i] = s->list[i - 1];
            s->list[i - 1] = x;
        }
    }
    sqlite3_reset(q);
}

/* Everything is copied to the arena: reading about one message disturbs the record of another. */
static bool tell(struct engine *e, struct arena *a, uint64_t id, struct engine_trace *t)
{
    struct fact_accept f, again;
    struct fact_rcpt rcpt;
    if (!accept_of(e, id, 0, &f))
        return false;
    enum { ATTEMPTS_TOLD = 1000 };
    uint32_t cap = 5 + ATTEMPTS_TOLD + f.rcpt_count + f.delivery_count + f.queued_count;
    struct steps s = {a, arena_array(a, cap, sizeof *s.list), 0, cap};
    if (!s.list)
        return false;
    *t = (struct engine_trace){.id = id,
                               .about = f.about,
                               .received_ms = f.received_ms,
                               .from = arena_str(a, f.from),
                               .client = arena_str(a, f.client),
                               .helo = arena_str(a, f.helo),
                               .tls = arena_str(a, f.tls),
                               .auth_user = arena_str(a, f.auth_user),
                               .kind = arena_str(a, f.kind),
                               .size = f.trace.n + f.body_size,
                               .message_id = arena_str(a, f.message_id),
                               .subject = arena_str(a, f.subject)};
    step(&s, f.connected_ms, "connected", f.client);
    step(&s, f.mail_ms, "mail", f.from);
    while (fact_rcpt_next(&f.rcpts, &rcpt))
        step(&s, f.mail_ms ? f.mail_ms : f.received_ms, "rcpt", rcpt.address);
    step(&s, f.data_ms, "data", STR_NONE);
    step(&s, f.received_ms, "accepted", t->subject);
    /* deliveries look into the index, which does not move the record: the slices stay good */
    again = f;
    tell_deliveries(e, &s, &again);
    tell_attempts(e, &s, id, &f);
    t->steps = s.list;
    t->step_count = s.count;
    return true;
}

/* ---- finding ---- */

struct finding {
    struct engine *e;
    struct arena *a;
    struct str what;           /* lower case */
    uint32_t left;
    bool (*each)(void *to, const struct engine_trace *t);
    void *to;
    bool stop;
};

static void found(struct finding *f, uint64_t id)
{
    struct engine_trace t;
    if (f->left == 0 || f->stop)
        return;
    if (tell(f->e, f->a, id, &t)) {
        f->left--;
        f->stop = !f->each(f->to, &t);
    }
}

static bool holds(struct str search, struct str what)
{
    return search.n >= what.n && str_find_str(search, what) < search.n;
}

/* Messages whose terms are not in the table yet, newest first. Ids are collected first: telling uses the same statements. */
static void find_recent(struct finding *f, uint64_t found_upto)
{
    enum { LOOK_AT_MOST = 100000 };
    sqlite3_stmt *s = index_q(f->e->read, Q_R_RECENT);
    struct enc ids = {0};
    if (!s)
        return;
    sqlite3_bind_int64(s, 1, INT64_MAX);
    sqlite3_bind_int64(s, 2, LOOK_AT_MOST);
    uint32_t n = 0;
    while (n < f->left && sqlite3_step(s) == SQLITE_ROW && (uint64_t)sqlite3_column_int64(s, 0) > found_upto)
        if (holds(column(s, 1), f->what)) {
            enc_var(&ids, (uint64_t)sqlite3_column_int64(s, 0));
            n++;
        }
    sqlite3_reset(s);
    struct dec d = {ids.p, ids.n, false};
    while (d.n > 0)
        found(f, dec_var(&d));
    enc_free(&ids);
}

static bool row_holds(struct finding *f, uint64_t id)
{
    sqlite3_stmt *s = index_q(f->e->read, Q_R_ACCEPTED);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)id);
    bool yes = sqlite3_step(s) == SQLITE_ROW && holds(column(s, 4), f->what);
    sqlite3_reset(s);
    return yes;
}

/* Under one term of the table; the row itself has to hold all that was asked for. */
static void find_under(struct finding *f, struct str term, uint64_t found_upto)
{
    enum { LOOK_AT_MOST = 20000 };
    sqlite3_stmt *s = index_q(f->e->read, Q_R_FIND);
    struct enc ids = {0};
    if (!s)
        return;
    sqlite3_bind_int64(s, 1, (int64_t)index_term(term));
    for (int n = 0; n < LOOK_AT_MOST && sqlite3_step(s) == SQLITE_ROW; n++)
        if ((uint64_t)sqlite3_column_int64(s, 0) <= found_upto)
            enc_var(&ids, (uint64_t)sqlite3_column_int64(s, 0));
    sqlite3_reset(s);
    struct dec d = {ids.p, ids.n, false};
    while (d.n > 0 && f->left > 0 && !f->stop) {
        uint64_t id = dec_var(&d);
        if (row_holds(f, id))
            found(f, id);
    }
    enc_free(&ids);
}

/* Several words are looked up under the longest. */
static struct str key_word(struct str what)
{
    struct str best = what, rest = what;
    if (str_find(what, '@') < what.n || str_find(what, ' ') == what.n)
        return what;
    best.n = 0;
    while (rest.n > 0) {
        struct str word = str_word(&rest);
        if (word.n > best.n)
            best = word;
    }
    return best;
}

void engine_trace_find(struct engine *e, struct arena *a, struct str what, uint32_t limit,
                       bool (*each)(void *to, const struct engine_trace *t), void *to)
{
    uint64_t id, found_upto = 0;
    struct str lower = arena_str(a, str_trim(what));
    struct finding f = {.e = e, .a = a, .left = limit, .each = each, .to = to};
    if (lower.n == 0 || !lower.p || !index_wait(e, e->last_end))
        return;
    for (size_t i = 0; i < lower.n; i++)
        ((char *)(uintptr_t)lower.p)[i] = ascii_lower(lower.p[i]); /* our own copy */
    f.what = lower;
    if (lower.n > 2 && lower.p[0] == '<' && lower.p[lower.n - 1] == '>' && str_find(lower, '@') == lower.n)
        f.what = str_of(lower.p + 1, lower.n - 2);
    if (id_parse(what, &id))
        found(&f, id);
    sqlite3_stmt *s = index_q(e->read, Q_R_FOUND);
    if (s && sqlite3_step(s) == SQLITE_ROW)
        found_upto = (uint64_t)sqlite3_column_int64(s, 0);
    if (s)
        sqlite3_reset(s);
    find_recent(&f, found_upto);
    find_under(&f, key_word(f.what), found_upto);
}
