// SPDX-License-Identifier: ISC
/* penny queue ls|show|why|shape: what waits for other machines, and what they said. */
#include "base/clock.h"
#include "base/encode.h"
#include "control/inside.h"
#include "message/dsn.h"

enum { LOOK_AT_ONCE = 2000, SHAPE_MOST = 1000, SHAPE_DEFAULT = 50, DAY = 24 * 3600 * 1000 };

struct listing {
    struct control_session *s;
    struct engine_filter filter;
    struct engine_queue_cursor cursor;
    bool why, any;
    struct str kept; /* a line that found no room; in s->line */
    bool full;
};

bool control_queue_filter_is_empty(const struct engine_filter *f)
{
    return !f->id && !f->to.n && !f->from.n && !f->domain.n && !f->before_ms && !f->held;
}

enum step control_queue_filter(struct control_session *s, struct engine_filter *f, struct str *route)
{
    size_t cursor = 0;
    struct domain d;
    *f = (struct engine_filter){0};
    *route = STR_NONE;
    if (s->name.n && (!id_parse(s->name, &f->id) || !f->id))
        return control_end(s, EXIT_USAGE_BAD, "", s->name, " is not an id", "an id looks like 7F3K2: penny queue ls");
    if (s->r->num[0] > 0)
        f->before_ms = clock_unix_ms() - s->r->num[0];
    for (struct str word; (word = control_request_next_arg(s->r, &cursor)).p;) {
        struct str value, key = str_cut(word, '=', &value);
        if (str_eq(key, S("to")))
            f->to = control_keep(s, value);
        else if (str_eq(key, S("from")))
            f->from = control_keep(s, value);
        else if (str_eq(key, S("domain")) && value.n < 250)
            f->domain =
                domain_parse(&s->a, value, true, &d) == ADDRESS_OK && d.kind != DOMAIN_NAME ? d.ascii : control_keep(s, value);
        else if (str_eq(key, S("route")))
            *route = control_keep(s, value);
        else
            return control_end(s, EXIT_USAGE_BAD, "", key, " does not choose anything", "");
    }
    return STEP_AGAIN;
}

static bool is_due(const struct engine_queued *q)
{
    return q->next_ms <= clock_unix_ms();
}

static const char *state_word(struct control_session *s, const struct engine_queued *q, int64_t *until_ms, struct str *why)
{
    *until_ms = 0;
    *why = STR_NONE;
    if (s->c->hooks.queue_state && s->c->hooks.queue_state(s->c->hooks.self, q->queue_id, q->domain, until_ms, why))
        return "sending";
    return q->held ? "held" : q->attempts == 0 ? "new" : is_due(q) ? "due" : "waiting";
}

/* What a reply means, for a person: by its status code, else by its first digit and where it came from. */
static struct str meaning(const struct engine_queued *q)
{
    if (!q->last.at_ms)
        return S("it has not been tried yet");
    if (q->last.status.n)
        return str_c(dsn_status_words(q->last.status));
    if (q->last.code == 421)
        return S("the other server has too much to do and closed the connection");
    if (q->last.code == 450 || q->last.code == 451)
        return S("the other server cannot take it now, or wants to see whether it is tried again (greylisting)");
    if (q->last.code == 452)
        return S("the other server has no room, or takes no more recipients at a time");
    if (q->last.code >= 500)
        return S("the other server refuses it");
    return q->last.code >= 400 ? S("the other server cannot take it now") : S("no server could be reached");
}

static void last_attempt(struct json_writer *w, const struct engine_queued *q)
{
    if (!q->last.at_ms)
        return;
    control_time(w, "tried", q->last.at_ms);
    json_num(w, "code", q->last.code);
    json_str(w, "status", q->last.status);
    json_str(w, "host", q->last.host);
    json_str(w, "ip", q->last.ip);
    json_str(w, "tls", q->last.tls);
}

static bool each_queued(void *to, const struct engine_queued *q)
{
    struct listing *l = to;
    struct control_session *s = l->s;
    int64_t until;
    struct str why;
    const char *state = state_word(s, q, &until, &why);
    struct json_writer w = control_line_begin(s);
    control_id(&w, "id", q->id);
    json_num(&w, "entry", (int64_t)q->queue_id);
    json_str(&w, "state", str_c(state));
    json_str(&w, "from", q->from);
    json_str(&w, "to", q->address);
    json_num(&w, "size", (int64_t)q->size);
    control_time(&w, "received", q->received_ms);
    control_time(&w, "next", until > q->next_ms ? until : q->next_ms);
    json_num(&w, "attempts", q->attempts);
    json_str(&w, "last_reply", q->last_reply);
    last_attempt(&w, q);
    if (q->route.n)
        json_str(&w, "route", q->route);
    json_bool(&w, "warned", q->warned);
    control_time(&w, "expires", q->expire_ms ? q->expire_ms : q->received_ms + s->c->config->give_up_after_ms);
    if (l->why) {
        json_str(&w, "means", meaning(q));
        if (why.n)
            json_str(&w, "domain_waits", why);
    }
    l->any = true;
    if (!control_line_end(s, &w)) {
        l->full = true;
        return false;
    }
    return true;
}

static enum step list_more(struct control_session *s)
{
    struct listing *l = s->work;
    if (l->full) { /* the line that waited goes first */
        if (buf_room(&s->out) < l->s->line.n + 8 + OUT_RESERVE)
            return STEP_ROOM;
        control_frame_add(&s->out, CONTROL_FRAME_LINE, buf_str(&s->line));
        l->full = false;
    }
    bool more = engine_queue_filter(s->c->engine, &l->filter, &l->cursor, LOOK_AT_ONCE, each_queued, l);
    if (l->full)
        return STEP_ROOM;
    if (more)
        return STEP_YIELD;
    if (l->any)
        return control_ok(s);
    bool all = control_queue_filter_is_empty(&l->filter);
    return control_end(s, all ? 0 : EXIT_NO, all ? "nothing waits in the queue" : "nothing like that waits in the queue",
                       STR_NONE, "", l->filter.id ? "penny trace ID tells what became of it" : "");
}

static enum step list(struct control_session *s, bool why)
{
    struct str route;
    struct listing *l = arena_new(&s->a, struct listing);
    if (!l)
        return control_no_memory(s);
    l->s = s;
    l->why = why;
    enum step n = control_queue_filter(s, &l->filter, &route);
    if (n != STEP_AGAIN)
        return n;
    s->work = l;
    s->step = list_more;
    return STEP_AGAIN;
}

enum step control_do_QUEUE_LS(struct control_session *s)
{
    return list(s, false);
}

static enum step one(struct control_session *s)
{
    if (!s->name.n && s->r->args_n == 0 && s->r->num[0] == 0)
        return control_end(s, EXIT_USAGE_BAD, "which message?", STR_NONE, "", "an id looks like 7F3K2: penny queue ls");
    return list(s, true);
}

enum step control_do_QUEUE_SHOW(struct control_session *s)
{
    return one(s);
}
enum step control_do_QUEUE_WHY(struct control_session *s)
{
    return one(s);
}

/* ---- shape ---- */

struct shaping {
    struct control_session *s;
    struct str *line;
    uint32_t count, at, room;
    bool broken;
};

static void each_shape(void *to, const struct engine_shape *x)
{
    struct shaping *h = to;
    struct control_session *s = h->s;
    int64_t until = 0;
    struct str why = STR_NONE;
    struct json_writer w = control_line_begin(s);
    json_str(&w, "domain", x->domain);
    json_num(&w, "entries", (int64_t)x->entries);
    json_num(&w, "held", (int64_t)x->held);
    json_num(&w, "untried", (int64_t)x->untried);
    json_num(&w, "last_hour", (int64_t)x->younger[0]);
    json_num(&w, "last_4_hours", (int64_t)x->younger[1]);
    json_num(&w, "last_day", (int64_t)x->younger[2]);
    control_time(&w, "oldest", x->oldest_ms);
    control_time(&w, "next", x->next_ms);
    if (s->c->hooks.queue_state)
        s->c->hooks.queue_state(s->c->hooks.self, 0, x->domain, &until, &why);
    if (why.n)
        json_str(&w, "domain_waits", why);
    json_end(&w);
    buf_add_byte(&s->line, '\n');
    if (h->count < h->room)
        h->line[h->count] = control_keep(s, buf_str(&s->line));
    h->broken |= h->count >= h->room || !h->line[h->count].p;
    h->count++;
}

static enum step give_shapes(struct control_session *s)
{
    struct shaping *h = s->work;
    for (; h->at < h->count; h->at++) {
        if (buf_room(&s->out) < h->line[h->at].n + 8 + OUT_RESERVE)
            return STEP_ROOM;
        control_frame_add(&s->out, CONTROL_FRAME_LINE, h->line[h->at]);
    }
    return h->count ? control_ok(s) : control_end(s, 0, "nothing waits in the queue", STR_NONE, "", "");
}

enum step control_do_QUEUE_SHAPE(struct control_session *s)
{
    struct shaping *h = arena_new(&s->a, struct shaping);
    int64_t now = clock_unix_ms(), most = s->r->num[0];
    const int64_t after[3] = {now - DAY / 24, now - DAY / 6, now - DAY};
    if (!h)
        return control_no_memory(s);
    *h = (struct shaping){.s = s, .room = most > 0 && most <= SHAPE_MOST ? (uint32_t)most : SHAPE_DEFAULT};
    h->line = arena_array(&s->a, h->room, sizeof *h->line);
    if (!h->line)
        return control_no_memory(s);
    engine_queue_shape(s->c->engine, after, h->room, each_shape, h);
    if (h->broken)
        return control_no_memory(s);
    s->work = h;
    s->step = give_shapes;
    return STEP_AGAIN;
}
