// SPDX-License-Identifier: ISC
/* penny queue retry|hold|release|route|bounce|drop: first all entries are found, then they change some thousands at a time.
   Everything, or everything of a domain, changes in one operation, whatever its size.

       filter ─► one operation for all of a domain ──────────────────────────────────────────► LINE, ok
          └────► look … (others in between) ─► [ask] ─► change some ─► … ─► change the last ──► LINE, ok */
#include "base/clock.h"
#include "base/facts.h"
#include "control/inside.h"

enum { LOOK_AT_ONCE = 2000, CHUNK = 5000 };

struct chunk {
    struct chunk *next;
    uint32_t count;
    uint64_t id[CHUNK];
};
struct changing {
    struct control_session *s;
    struct engine_filter filter;
    struct engine_queue_cursor cursor;
    struct op op; /* what every operation says */
    struct chunk *first, **last, *current;
    uint64_t count;
    bool no_memory, whole;
    const char *done, *asks;
};

static enum step say(struct control_session *s)
{
    struct changing *c = s->work;
    struct json_writer w = control_line_begin(s);
    json_num(&w, "entries", (int64_t)c->count);
    json_str(&w, "done", str_c(c->done));
    if (!control_line_end(s, &w))
        return STEP_ROOM;
    return control_ok(s);
}

static enum step next_chunk(struct control_session *s);

static enum step changed(struct control_session *s)
{
    struct changing *c = s->work;
    if (s->answer.outcome != DONE)
        return control_finish(s);
    if (s->c->hooks.queue_changed)
        s->c->hooks.queue_changed(s->c->hooks.self, &s->op);
    c->current = c->current ? c->current->next : NULL;
    return next_chunk(s);
}

static enum step next_chunk(struct control_session *s)
{
    struct changing *c = s->work;
    if (!c->current && !c->whole) {
        s->step = say;
        return STEP_AGAIN;
    }
    s->op = c->op;
    if (c->current) {
        s->op.queue_change.ids = c->current->id;
        s->op.queue_change.count = c->current->count;
    }
    c->whole = false;
    return control_submit(s, changed);
}

static enum step decide(struct control_session *s)
{
    struct changing *c = s->work;
    char text[200];
    struct buf b;
    if (c->count == 0) {
        bool all = control_queue_filter_is_empty(&c->filter);
        return control_end(s, all ? 0 : EXIT_NO, all ? "nothing waits in the queue" : "nothing like that waits in the queue",
                           STR_NONE, "", all ? "" : "penny queue ls shows what does");
    }
    if (s->r->flags & CONTROL_DRY_RUN) {
        s->step = say;
        return STEP_AGAIN;
    }
    if (c->asks && !(s->r->flags & CONTROL_FORCE)) {
        buf_fixed(&b, text, sizeof text - 1);
        buf_printf(&b, "%llu recipient%s", (unsigned long long)c->count, c->count == 1 ? " " : "s ");
        buf_add_c(&b, c->asks);
        return control_end(s, CONTROL_CONFIRM, "", buf_str(&b), "", "do it all the same: -y");
    }
    c->current = c->first;
    return next_chunk(s);
}

static bool each_found(void *to, const struct engine_queued *q)
{
    struct changing *c = to;
    struct chunk *last = c->current;
    if (!last || last->count == CHUNK) {
        last = arena_new(&c->s->a, struct chunk);
        if (!last) {
            c->no_memory = true;
            return false;
        }
        *c->last = c->current = last;
        c->last = &last->next;
    }
    last->id[last->count++] = q->queue_id;
    c->count++;
    return true;
}

static enum step look(struct control_session *s)
{
    struct changing *c = s->work;
    bool more = engine_queue_filter(s->c->engine, &c->filter, &c->cursor, LOOK_AT_ONCE, each_found, c);
    if (c->no_memory)
        return control_end(s, EXIT_LATER, "too many at a time", STR_NONE, "", "choose by --domain, or --all");
    if (more)
        return STEP_YIELD;
    s->step = decide;
    return STEP_AGAIN;
}

static enum step begin(struct control_session *s, uint32_t what, const char *done, const char *asks)
{
    struct str route;
    struct changing *c = arena_new(&s->a, struct changing);
    int64_t now = clock_unix_ms();
    if (!c)
        return control_no_memory(s);
    c->s = s;
    c->last = &c->first;
    c->done = done;
    c->asks = asks;
    enum step n = control_queue_filter(s, &c->filter, &route);
    if (n != STEP_AGAIN)
        return n;
    struct engine_filter *f = &c->filter;
    bool all = control_queue_filter_is_empty(f);
    if (all && !(s->r->flags & CONTROL_ALL))
        return control_end(s, EXIT_USAGE_BAD, "which messages?", STR_NONE, "",
                           "an id, --to, --domain, --from, --older, or --all");
    c->op = (struct op){.kind = OP_QUEUE_CHANGE,
                        .queue_change = {.what = what, .next_ms = now, .expire_ms = 1 /* long ago */, .route = route}};
    s->work = c;
    if (all || (f->domain.n && !f->id && !f->to.n && !f->from.n && !f->before_ms)) {
        struct str domain = f->domain;
        char *lower = arena_alloc(&s->a, domain.n + 1);
        if (!lower)
            return control_no_memory(s);
        for (size_t i = 0; i < domain.n; i++)
            lower[i] = ascii_lower(domain.p[i]);
        c->op.queue_change.domain = str_of(lower, domain.n);
        c->count = engine_queue_count(s->c->engine, c->op.queue_change.domain);
        c->whole = true;
        s->step = decide;
        return STEP_AGAIN;
    }
    s->step = look;
    return STEP_AGAIN;
}

enum step control_do_QUEUE_RETRY(struct control_session *s)
{
    return begin(s, QUEUE_NEXT, "are tried again now", NULL);
}
enum step control_do_QUEUE_HOLD(struct control_session *s)
{
    return begin(s, QUEUE_HOLD, "wait until they are released", NULL);
}
enum step control_do_QUEUE_RELEASE(struct control_session *s)
{
    return begin(s, QUEUE_RELEASE | QUEUE_NEXT, "may go on", NULL);
}

/* The relay is shut in: it connects to these ports and to those that the configuration names, to no other. */
static bool port_is_open(const struct config *c, uint16_t port)
{
    static const uint16_t usual[] = {0, 24, 25, 465, 587};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (port == usual[i])
            return true;
    for (const struct config_route *r = c->routes; r; r = r->next)
        if (r->port == port)
            return true;
    return port == c->mx_port;
}

enum step control_do_QUEUE_ROUTE(struct control_session *s)
{
    struct engine_filter f;
    struct str route;
    struct config_route way;
    enum step n = control_queue_filter(s, &f, &route);
    if (n != STEP_AGAIN)
        return n;
    const char *bad = route.n ? config_route_parse(&s->a, route, &way) : NULL;
    if (bad)
        return control_end(s, EXIT_USAGE_BAD, "", route, " is not a way: ", bad);
    if (route.n && !port_is_open(s->c->config, way.port))
        return control_end(
            s, EXIT_USAGE_BAD, "the relay may not connect to the port of ", route, "",
            "it may to the ports of mail and to those of the configuration: name it there in a route, then penny reload");
    return begin(s, QUEUE_ROUTE | QUEUE_NEXT, route.n ? "go another way, now" : "go as configured, now", NULL);
}

enum step control_do_QUEUE_BOUNCE(struct control_session *s)
{
    return begin(s, QUEUE_EXPIRE | QUEUE_RELEASE | QUEUE_NEXT, "go back to their senders", "are given up, and the senders told");
}
enum step control_do_QUEUE_DROP(struct control_session *s)
{
    return begin(s, QUEUE_DROP, "are gone", "are removed, and nobody is told");
}
