// SPDX-License-Identifier: ISC
#include "control/facts.h"

static bool domain(void *self, struct str name)
{
    return engine_domain(self, name);
}

static bool account(void *self, struct str key, struct route_account *to)
{
    struct engine_account a;
    if (!engine_account_by_name(self, key, &a))
        return false;
    *to = (struct route_account){.id = a.id, .used = a.used, .quota = a.quota, .suspended = a.suspended};
    return true;
}

static uint32_t alias(void *self, struct str key, const struct str **targets, uint32_t *line)
{
    *line = 0;
    return engine_alias(self, key, targets);
}

struct oldest {
    struct str domain, here, anywhere;
    int64_t here_ms, anywhere_ms;
};

static bool older(void *to, const struct engine_account *a)
{
    struct oldest *o = to;
    bool here =
        o->domain.n && str_ends(a->name, o->domain) && a->name.n > o->domain.n && a->name.p[a->name.n - o->domain.n - 1] == '@';
    if (a->suspended)
        return true;
    if (here && (!o->here.n || a->created_ms < o->here_ms))
        o->here = a->name, o->here_ms = a->created_ms;
    if (!o->anywhere.n || a->created_ms < o->anywhere_ms)
        o->anywhere = a->name, o->anywhere_ms = a->created_ms;
    return true;
}

static bool first_account(void *self, struct str domain_name, struct str *key)
{
    struct oldest o = {.domain = domain_name};
    engine_accounts(self, older, &o);
    *key = o.here.n ? o.here : o.anywhere;
    return key->n > 0;
}

struct route_facts control_route_facts(struct engine *e, const struct config *c)
{
    return (struct route_facts){
        .self = e, .domain = domain, .account = account, .alias = alias, .config = c, .first_account = first_account};
}
