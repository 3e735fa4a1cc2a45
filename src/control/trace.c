// SPDX-License-Identifier: ISC
/* penny trace WHAT: a message's life from the facts; penny explain ADDRESS: where it would lead. */
#include "control/inside.h"

enum { TRACE_DEFAULT = 20, TRACE_MOST = 1000 };

struct traced {
    struct str line;
    struct traced *next;
};
struct traces {
    struct control_session *s;
    struct traced *first, **last;
};

static bool each_trace(void *to, const struct engine_trace *t)
{
    struct traces *all = to;
    struct control_session *s = all->s;
    struct json_writer w = control_line_begin(s);
    control_id(&w, "id", t->id);
    json_str(&w, "kind", t->kind);
    if (t->about)
        control_id(&w, "about", t->about);
    control_time(&w, "received", t->received_ms);
    json_str(&w, "from", t->from);
    json_str(&w, "client", t->client);
    json_str(&w, "helo", t->helo);
    json_str(&w, "tls", t->tls);
    json_str(&w, "user", t->auth_user);
    json_num(&w, "size", (int64_t)t->size);
    json_array(&w, "steps");
    for (uint32_t i = 0; i < t->step_count && s->line.n < LINE_MAX - 2048; i++) {
        json_object(&w, NULL);
        control_time(&w, "at", t->steps[i].at_ms);
        json_num(&w, "ms", t->steps[i].at_ms - t->received_ms);
        json_str(&w, "event", t->steps[i].event);
        json_str(&w, "text", t->steps[i].text);
        json_end(&w);
    }
    json_end(&w);
    json_end(&w);
    buf_add_byte(&s->line, '\n');
    struct traced *one = arena_new(&s->a, struct traced);
    if (!one || !(one->line = control_keep(s, buf_str(&s->line))).p)
        return false;
    *all->last = one;
    all->last = &one->next;
    return true;
}

static enum step give(struct control_session *s)
{
    for (struct traced *t = s->work; t; t = s->work = t->next) {
        if (buf_room(&s->out) < t->line.n + 8 + OUT_RESERVE)
            return STEP_ROOM;
        control_frame_add(&s->out, CONTROL_FRAME_LINE, t->line);
    }
    return control_ok(s);
}

enum step control_do_TRACE(struct control_session *s)
{
    struct traces all = {.s = s};
    int64_t limit = s->r->num[0];
    all.last = &all.first;
    if (!s->name.n)
        return control_end(s, EXIT_USAGE_BAD, "what is to be traced?", STR_NONE, "",
                           "penny trace ID, an address, a Message-ID, or words of the subject");
    engine_trace_find(s->c->engine, &s->a, s->name, limit > 0 && limit <= TRACE_MOST ? (uint32_t)limit : TRACE_DEFAULT,
                      each_trace, &all);
    if (!all.first)
        return control_end(s, EXIT_NO, "nothing is known of ", s->name, "",
                           "try an id, an address, a Message-ID, or a word of the subject");
    s->work = all.first;
    s->step = give;
    return STEP_AGAIN;
}

static const char *outcome_word(enum outcome o)
{
    switch (o) {
    case DONE:
        return "accepted";
    case RETRY:
        return "not now";
    case REFUSE:
        return "refused";
    }
    return "?";
}

static void explain_line(struct json_writer *w, struct str address, const struct route_result *r)
{
    json_str(w, "address", address);
    json_str(w, "outcome", str_c(outcome_word(r->outcome)));
    if (r->outcome != DONE) {
        json_str(w, "status", str_c(r->why.status));
        json_str(w, "why", str_c(r->why.text));
    }
    json_array(w, "targets");
    uint32_t n = 0;
    for (const struct route_target *t = r->targets; t && n < 200; t = t->next, n++) {
        json_object(w, NULL);
        json_str(w, "kind", t->kind == ROUTE_LOCAL ? S("local") : S("remote"));
        json_str(w, "address", t->address);
        if (t->kind == ROUTE_LOCAL) {
            json_str(w, "user", t->key);
            json_str(w, "folder", t->folder);
        }
        json_end(w);
    }
    json_end(w);
    json_num(w, "target_count", r->target_count);
    json_array(w, "failures");
    for (const struct route_failure *f = r->failures; f && n < 200; f = f->next, n++) {
        json_object(w, NULL);
        json_str(w, "address", f->address);
        json_str(w, "status", str_c(f->why.status));
        json_str(w, "why", str_c(f->why.text));
        json_end(w);
    }
    json_end(w);
}

enum step control_do_EXPLAIN(struct control_session *s)
{
    struct address adr;
    struct buf steps;
    struct route_facts facts = control_route_facts(s->c->engine, s->c->config);
    struct str rest = s->name;
    char path[CONTROL_NAME_MAX + 2];
    struct buf b;
    buf_fixed(&b, path, sizeof path);
    buf_printf(&b, "<%.*s>", STR_ARG(s->name));
    rest = buf_str(&b);
    enum address_error e = b.full ? ADDRESS_LOCAL_TOO_LONG : address_parse_path(&s->a, &rest, false, true, true, &adr);
    if (e != ADDRESS_OK || rest.n)
        return control_end(s, EXIT_USAGE_BAD, "", s->name,
                           " is not an address", address_error_text(e != ADDRESS_OK ? e : ADDRESS_SYNTAX));
    buf_init(&steps, LINE_MAX);
    struct route_result r = route_resolve(&s->a, &facts, &adr, false, s->r->num[0] > 0 ? (uint64_t)s->r->num[0] : 0, &steps);
    struct json_writer w = control_line_begin(s);
    explain_line(&w, s->name, &r);
    bool ok = control_line_end(s, &w) && control_bytes(s, buf_str(&steps));
    buf_free(&steps);
    if (!ok)
        return STEP_ROOM;
    return control_end(s, r.outcome == DONE ? 0 : EXIT_NO, "", STR_NONE, "", "");
}
