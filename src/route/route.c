// SPDX-License-Identifier: ISC
/* Where a recipient leads. A stack of addresses instead of recursion:

       push recipient ─► pop ─┬─ elsewhere ──────────────► REMOTE target, or 5.7.1
                     ▲        └─ here (route_local) ─┬─ user ───► LOCAL target, 5.2.1, 4.2.2
                     └──────── its addresses ◄───────┴─ alias     nobody ──► 5.1.1                                    */
#include "route/inside.h"

/* Is a literal ("[192.0.2.1]") one of ours: the caller knows, or we listen on it. */
static bool own_literal(struct work *w, const struct domain *d)
{
    if (w->f->own_literal && w->f->own_literal(w->f->self, d->ascii))
        return true;
    for (const struct config_listen *l = w->f->config->listens; l; l = l->next) {
        size_t at = str_find_str(d->ascii, l->host);
        if (l->host.n > 1 && at < d->ascii.n && at + l->host.n + 1 == d->ascii.n &&
            (at == 1 || (at == 6 && d->kind == DOMAIN_IPV6)))
            return true;
    }
    return false;
}

static bool is_local(struct work *w, struct str domain)
{
    return config_domain_find(w->f->config, domain) || w->f->domain(w->f->self, domain);
}

/* The domain that stands for this machine itself: its name if that is a mail domain, else the first of the configuration. Empty:
 * there is none. */
static struct str home(struct work *w)
{
    const struct config *c = w->f->config;
    if (c->hostname.n && is_local(w, c->hostname))
        return c->hostname;
    return c->domains ? c->domains->name : STR_NONE;
}

static void elsewhere(struct work *w, struct item *it)
{
    struct str text = route_text(w, &it->adr);
    if (w->stop)
        return;
    const struct config_relay *backup = config_relay_domain(w->f->config, it->adr.domain.ascii);
    if (!w->may_relay && !it->parent && !backup) {
        route_fail(w, it, REFUSE, "5.7.1", "mail for ", text, " is not taken here: log in to send it");
        return;
    }
    if (backup)
        route_step(w, text, "is of a domain that is relayed for", STR_NONE, backup->file, backup->line);
    const struct config_route *r = config_route_find(w->f->config, it->adr.domain.ascii);
    if (r)
        route_step(w, text, "is on another machine, and goes by", r->text, r->file, r->line);
    else
        route_step(w, text, "is on another machine: the hosts that the DNS names (MX)", STR_NONE, STR_NONE, 0);
    route_target(w, ROUTE_REMOTE, it, 0, STR_NONE, S(""));
}

static void one(struct work *w, struct item *it)
{
    const struct domain *d = &it->adr.domain;
    bool bare = d->text.n == 0;
    bool literal = !bare && d->kind != DOMAIN_NAME;
    bool machine = bare || (literal ? own_literal(w, d) : str_eq_icase(d->ascii, w->f->config->hostname));
    if (address_is_null(&it->adr)) {
        route_stop(w, REFUSE, "5.1.3", "a recipient needs an address", STR_NONE, "");
    } else if (!bare && !literal && is_local(w, d->ascii)) {
        route_local(w, it, d->ascii);
    } else if (machine) {
        struct str here = home(w);
        if (here.n)
            route_step(w, bare ? S("postmaster") : d->ascii, "is this machine, that is", here, STR_NONE, 0);
        if (here.n || address_is_postmaster(&it->adr))
            route_local(w, it, here);
        else
            route_fail(w, it, REFUSE, "5.1.1", "there is no user ", route_text(w, &it->adr),
                       ": that is the name of this machine");
    } else {
        elsewhere(w, it);
    }
}

void route_run(struct work *w, const struct address *rcpt)
{
    w->last = &w->result.targets;
    w->last_failure = &w->result.failures;
    w->result.outcome = DONE;
    w->stack = arena_new(w->a, struct item);
    if (!w->stack) {
        route_stop(w, RETRY, "4.3.0", "no memory to find out where this address leads", STR_NONE, "");
        return;
    }
    w->stack->adr = *rcpt;
    while (w->stack && !w->stop) {
        struct item *it = w->stack;
        w->stack = it->next;
        it->next = NULL;
        one(w, it);
    }
    struct route_result *r = &w->result;
    if (w->stop) {
        r->targets = NULL;
        r->target_count = 0;
        r->failures = NULL;
    } else if (!r->targets) { /* nothing can be reached: the first failure speaks for all, but one that may pass lets the sender
                                 try again */
        const struct route_failure *say = r->failures;
        for (const struct route_failure *x = say; x; x = x->next)
            if (x->outcome == RETRY) {
                say = x;
                break;
            }
        if (say) {
            r->outcome = say->outcome;
            r->why = say->why;
        } else {
            route_stop(w, REFUSE, "5.4.6", "this alias leads to nobody", STR_NONE, "");
        }
        r->failures = NULL;
    }
}

struct route_result route_resolve(struct arena *a, const struct route_facts *f, const struct address *rcpt, bool may_relay,
                                  uint64_t size, struct buf *steps)
{
    struct work w = {.a = a, .f = f, .may_relay = may_relay, .size = size, .steps = steps};
    route_run(&w, rcpt);
    return w.result;
}
