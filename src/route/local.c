// SPDX-License-Identifier: ISC
/* What a name of this machine is. In this order: alias, user, the same without its tag, postmaster's stand-in, catch-all, nobody.
 */
#include "route/inside.h"

struct found {
    const struct str *target;
    uint32_t count;
    struct str file;
    uint32_t line;
};

static bool find_alias(struct work *w, struct str local, struct str domain, struct str key, struct found *to)
{
    const struct config_domain *d = config_domain_find(w->f->config, domain);
    const struct config_alias *al = d ? config_alias_find(d, local) : NULL;
    if (al) {
        *to = (struct found){al->target, al->target_count, al->file, al->line};
        return true;
    }
    *to = (struct found){.file = w->f->config->path};
    to->count = w->f->alias(w->f->self, key, &to->target, &to->line);
    return to->count > 0;
}

static struct str key_of(struct work *w, struct str local, struct str domain)
{
    struct str parts[] = {local, S("@"), domain};
    char *p = arena_alloc(w->a, local.n + domain.n + 1);
    size_t n = 0;
    if (!p) {
        route_stop(w, RETRY, "4.3.0", "no memory to find out where this address leads", STR_NONE, "");
        return STR_NONE;
    }
    for (size_t i = 0; i < countof(parts); i++)
        if (parts[i].n) {
            memcpy(p + n, parts[i].p, parts[i].n);
            n += parts[i].n;
        }
    return str_of(p, n);
}

/* "a@x → b@x → a@x" into text; what does not fit is left out. */
static struct str chain(struct work *w, const struct item *it, struct str key, char *text, size_t size)
{
    const struct item *up[ALIAS_DEPTH_MAX + 2];
    size_t n = 0;
    struct buf b;
    (void)w;
    buf_fixed(&b, text, size);
    for (const struct item *i = it->parent; i && n < countof(up); i = i->parent) {
        up[n++] = i;
        if (str_eq(i->alias, key))
            break;
    }
    while (n) {
        buf_add(&b, up[--n]->alias);
        buf_add_c(&b, "->");
    }
    buf_add(&b, key);
    return buf_str(&b);
}

static bool circle(const struct item *it, struct str key)
{
    for (const struct item *i = it->parent; i; i = i->parent)
        if (str_eq(i->alias, key))
            return true;
    return false;
}

/* Pushes the alias' addresses so that the first is looked at next. */
static void expand(struct work *w, struct item *it, struct str key, const struct found *f)
{
    char text[120];
    if (circle(it, key)) {
        route_stop(w, REFUSE, "5.4.6", "aliases lead in a circle: ", chain(w, it, key, text, sizeof text), "");
        return;
    }
    it->alias = key;
    route_step(w, key, f->count == 1 ? "alias, leads to" : "alias, leads to several:", f->count == 1 ? f->target[0] : STR_NONE,
               f->file, f->line);
    if (it->depth == ALIAS_DEPTH_MAX) {
        route_stop(w, REFUSE, "5.4.6", "aliases are nested too deeply at ", key, "");
        return;
    }
    w->expanded += f->count;
    if (f->count > ALIAS_TARGETS_MAX || w->expanded > ALIAS_TARGETS_MAX) {
        route_stop(w, REFUSE, "5.3.5", "more addresses than an alias may lead to: ", key, "");
        return;
    }
    w->result.expanded |= f->count > 1;
    if (route_set_add(w, 'A', key) == SET_OLD)
        return; /* two ways to the same alias */
    struct item *rest = w->stack, **last = &w->stack;
    for (uint32_t i = 0; i < f->count; i++) {
        struct item *child = arena_new(w->a, struct item);
        if (!child || address_parse(w->a, f->target[i], true, &child->adr) != ADDRESS_OK) {
            *last = rest;
            if (child) {
                route_step(w, f->target[i], "is not an address", STR_NONE, f->file, f->line);
                child->adr = it->adr;
                route_fail(w, child, REFUSE, "5.3.5", "an alias holds something that is no address: ", key, "");
            } else {
                route_stop(w, RETRY, "4.3.0", "no memory to find out where this address leads", STR_NONE, "");
                return;
            }
            continue;
        }
        child->parent = it;
        child->depth = it->depth + 1;
        *last = child;
        last = &child->next;
    }
    *last = rest;
}

static uint64_t quota_of(struct work *w, const struct route_account *acc, struct str domain)
{
    const struct config_domain *d = config_domain_find(w->f->config, domain);
    if (acc->quota == UINT64_MAX)
        return 0;
    return acc->quota ? acc->quota : d ? d->quota : w->f->config->quota;
}

static void deliver(struct work *w, const struct item *it, const struct route_account *acc, struct str key, struct str folder)
{
    struct str domain = str_skip(key, str_find_last(key, '@') + 1);
    uint64_t quota = quota_of(w, acc, domain);
    if (acc->suspended && !w->any_state) {
        route_fail(w, it, REFUSE, "5.2.1", "the account ", key, " is suspended");
    } else if (quota && w->size > quota && !w->any_state) {
        route_fail(w, it, REFUSE, "5.2.3", "the message is larger than all that ", key, " may hold");
    } else if (quota && acc->used >= quota && !w->any_state) {
        route_fail(w, it, RETRY, "4.2.2", "the mailbox of ", key, " is full");
    } else {
        route_step(w, key, "user, folder", folder, STR_NONE, 0);
        route_target(w, ROUTE_LOCAL, it, acc->id, key, folder);
    }
}

/* The name as it stands: an alias of that name, else a user. */
static bool by_name(struct work *w, struct item *it, struct str local, struct str domain, struct str folder)
{
    struct str key = key_of(w, local, domain);
    struct route_account acc = {0};
    struct found f;
    if (!key.p)
        return true;
    bool account = w->f->account(w->f->self, key, &acc);
    bool to_itself = it->parent && account && str_eq(it->parent->alias, key); /* alias alice -> alice bob: she keeps a copy */
    if (!to_itself && find_alias(w, local, domain, key, &f)) {
        expand(w, it, key, &f);
        return true;
    }
    if (account)
        deliver(w, it, &acc, key, folder);
    return account;
}

static bool postmaster(struct work *w, struct item *it, struct str local, struct str domain)
{
    struct str key = STR_NONE;
    struct route_account acc = {0};
    struct found f = {
        .count = 1, .file = w->f->config->source[CONFIG_admin].file, .line = w->f->config->source[CONFIG_admin].line};
    struct str self = key_of(w, S("postmaster"), domain);
    if (!str_eq(local, S("postmaster")) || !self.p)
        return false;
    const struct config *c = w->f->config;
    bool admin_here = c->admin.n && !circle(it, self);
    if (admin_here) {
        f.target = &c->admin;
        expand(w, it, self, &f);
        return true;
    }
    struct found all;
    if (find_alias(w, S("*"), domain, key_of(w, S("*"), domain), &all))
        return false;
    if (w->f->first_account && w->f->first_account(w->f->self, domain, &key) && w->f->account(w->f->self, key, &acc)) {
        route_step(w, self, "nobody was named for it: the oldest user", key, STR_NONE, 0);
        deliver(w, it, &acc, arena_str(w->a, key), S("INBOX"));
        return true;
    }
    route_fail(w, it, RETRY, "4.2.1", "nobody reads the mail of ", self, " yet");
    return true;
}

void route_local(struct work *w, struct item *it, struct str domain)
{
    struct str base, detail, whole = address_key(w->a, &it->adr);
    struct found f;
    if (!whole.p) {
        route_stop(w, RETRY, "4.3.0", "no memory to find out where this address leads", STR_NONE, "");
        return;
    }
    size_t at = str_find_last(whole, '@');
    struct str local = str_head(whole, at);
    if (by_name(w, it, local, domain, S("INBOX")) || w->stop)
        return;
    struct address lower = it->adr;
    lower.local = local;
    char separator = w->f->config->subaddress_separator;
    if (separator && address_split(&lower, separator, &base, &detail) && base.n) {
        struct str raw_base, raw_detail = detail; /* the folder's name as it was written */
        if (address_split(&it->adr, separator, &raw_base, &raw_detail))
            detail = raw_detail;
        route_step(w, whole, "has a tag:", detail, w->f->config->source[CONFIG_subaddress_separator].file,
                   w->f->config->source[CONFIG_subaddress_separator].line);
        if (by_name(w, it, base, domain, detail.n ? detail : S("INBOX")) || w->stop)
            return;
        local = str_eq(base, S("postmaster")) ? base : local;
    }
    if (postmaster(w, it, local, domain) || w->stop)
        return;
    struct str star = key_of(w, S("*"), domain);
    if (star.p && find_alias(w, S("*"), domain, star, &f))
        expand(w, it, star, &f);
    else if (star.p)
        route_fail(w, it, REFUSE, "5.1.1", "there is no user ", key_of(w, local, domain), "");
}
