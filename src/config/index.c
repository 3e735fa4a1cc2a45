// SPDX-License-Identifier: ISC
/* Domains and aliases by name: each recipient of each message asks, so ten thousand of them must not be walked. Whatever is
 * indexed begins with its name. */
#include "base/hash.h"
#include "config/inside.h"

static const struct str **place(const struct config_index *x, struct str name)
{
    size_t at = (size_t)hash_table(name) & (x->cap - 1);
    while (x->slot[at] && !str_eq(*x->slot[at], name))
        at = (at + 1) & (x->cap - 1);
    return &x->slot[at];
}

const struct str *config_index_find(const struct config_index *x, struct str name)
{
    return x->cap ? *place(x, name) : NULL;
}

bool config_index_add(struct arena *a, struct config_index *x, const struct str *named)
{
    if (x->count * 2 >= x->cap) {
        struct config_index grown = {.cap = x->cap ? x->cap * 4 : 16, .count = x->count};
        grown.slot = arena_array(a, grown.cap, sizeof(const struct str *));
        if (!grown.slot)
            return false;
        for (size_t i = 0; i < x->cap; i++)
            if (x->slot[i])
                *place(&grown, *x->slot[i]) = x->slot[i];
        *x = grown;
    }
    *place(x, *named) = named;
    x->count++;
    return true;
}

const struct config_domain *config_domain_find(const struct config *c, struct str name)
{
    char lower[256];
    if (name.n > sizeof lower)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = ascii_lower(name.p[i]);
    const struct str *found = config_index_find(&c->domain_index, str_of(lower, name.n));
    return found ? container_of(found, const struct config_domain, name) : NULL;
}

const struct config_alias *config_alias_find(const struct config_domain *d, struct str local)
{
    const struct str *found = config_index_find(&d->alias_index, local);
    return found ? container_of(found, const struct config_alias, name) : NULL;
}
