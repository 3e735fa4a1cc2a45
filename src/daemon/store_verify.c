// SPDX-License-Identifier: ISC
/* VRFY and EXPN (RFC 5321 3.5): where the administrator allowed them. A name without a domain is looked for in the local
   domains, in their order. */
#include "base/limits.h"
#include "daemon/store_inside.h"

enum { VERIFY_MEM = 16 << 20, EXPN_TEXT_MAX = 60000 };

static void answer(struct store_edge *e, uint64_t session, enum outcome outcome, struct why why, struct str text)
{
    peer_send(e->peer, &MSG(answer_text, .session = session, .outcome = outcome, .why = why, .text = text));
}

struct search { struct store *store; struct arena *a; struct str local; struct address adr; struct route_result r; bool found; };

static bool try_domain(void *to, struct str domain)
{
    struct search *s = to;
    char whole[PATH_MAX_MAIL * 2];
    struct buf b;

    buf_fixed(&b, whole, sizeof whole);
    buf_add(&b, s->local);
    buf_add_byte(&b, '@');
    buf_add(&b, domain);
    if (b.full || address_parse(s->a, buf_str(&b), true, &s->adr) != ADDRESS_OK)
        return true;
    s->r = route_resolve(s->a, &s->store->facts, &s->adr, false, 0, NULL);
    s->found = s->r.outcome == DONE;
    return !s->found;
}

/* The argument as people write it: "user", "user@domain", "<user@domain>", "Name <user@domain>". */
static bool find(struct search *s, struct str argument)
{
    struct str text = str_trim(argument), rest;
    size_t open = str_find_last(text, '<');

    if (open < text.n && str_ends(text, S(">")))
        text = str_head(str_skip(text, open + 1), text.n - open - 2);
    if (str_find(text, '@') < text.n || str_eq_icase(text, S("postmaster"))) {
        s->found = store_address(s->a, text, &s->adr) == ADDRESS_OK && !address_is_null(&s->adr);
        if (!s->found) {
            s->r.outcome = REFUSE;
            s->r.why = store_why("5.1.3", "that is no address");
            return false;
        }
        s->r = route_resolve(s->a, &s->store->facts, &s->adr, false, 0, NULL);
        return s->r.outcome == DONE;
    }
    s->r.outcome = REFUSE;
    s->r.why = store_why("5.1.1", "there is no such user here");
    s->local = str_cut(text, ' ', &rest);
    if (s->local.n == 0 || rest.n)
        return false;
    for (const struct config_domain *d = s->store->config->domains; d && !s->found; d = d->next)
        try_domain(s, d->name);
    if (!s->found)
        engine_domains(s->store->engine, try_domain, s);
    return s->found;
}

void store_vrfy(struct store_edge *e, const struct msg_vrfy *m)
{
    struct arena a;
    struct search s = {.store = e->store, .a = &a};
    char line[PATH_MAX_MAIL * 2];
    struct buf text;

    arena_init(&a, VERIFY_MEM);
    buf_fixed(&text, line, sizeof line);
    if (!e->store->config->vrfy) {
        answer(e, m->session, REFUSE, store_why("5.7.1", "VRFY is not allowed here"), STR_NONE);
    } else if (find(&s, m->argument)) {
        buf_add_byte(&text, '<');
        address_print(&text, &s.adr, false);
        buf_add_byte(&text, '>');
        answer(e, m->session, DONE, (struct why){0}, buf_str(&text));
    } else {
        answer(e, m->session, s.r.outcome == RETRY ? RETRY : REFUSE, s.r.why, STR_NONE);
    }
    arena_clear(&a);
}

void store_expn(struct store_edge *e, const struct msg_expn *m)
{
    struct arena a;
    struct search s = {.store = e->store, .a = &a};
    struct buf text;

    arena_init(&a, VERIFY_MEM);
    buf_init(&text, EXPN_TEXT_MAX);
    if (!e->store->config->expn) {
        answer(e, m->session, REFUSE, store_why("5.7.2", "EXPN is not allowed here"), STR_NONE);
    } else if (!find(&s, m->argument)) {
        answer(e, m->session, s.r.outcome == RETRY ? RETRY : REFUSE, s.r.why, STR_NONE);
    } else {
        for (const struct route_target *t = s.r.targets; t; t = t->next) {
            if (text.n)
                buf_add_byte(&text, '\n');
            buf_add_byte(&text, '<');
            buf_add(&text, t->address);
            buf_add_byte(&text, '>');
        }
        answer(e, m->session, text.full ? REFUSE : DONE,
               text.full ? store_why("5.3.4", "the list is too long to be shown") : (struct why){0},
               text.full ? STR_NONE : buf_str(&text));
    }
    buf_free(&text);
    arena_clear(&a);
}
