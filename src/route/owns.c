// SPDX-License-Identifier: ISC
/* May a user send as this address? Whatever leads to the own account is the own address: its name, its tags, aliases, a
 * catch-all. */
#include "route/inside.h"

bool route_owns(struct arena *a, const struct route_facts *f, struct str account_key, const struct address *from)
{
    struct str key = address_key(a, from), base, detail;
    struct address lower = *from;
    if (!key.p || address_is_null(from))
        return false;
    if (str_eq(key, account_key))
        return true;
    size_t at = str_find_last(key, '@'), own_at = str_find_last(account_key, '@');
    bool same_domain = str_eq(str_skip(key, at), str_skip(account_key, own_at));
    lower.local = str_head(key, at);
    if (same_domain && f->config->subaddress_separator &&
        address_split(&lower, f->config->subaddress_separator, &base, &detail) && str_eq(base, str_head(account_key, own_at)))
        return true;
    struct work w = {.a = a, .f = f, .any_state = true};
    route_run(&w, from);
    for (const struct route_target *t = w.result.targets; t; t = t->next)
        if (t->kind == ROUTE_LOCAL && str_eq(t->key, account_key))
            return true;
    return false;
}
