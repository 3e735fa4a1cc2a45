// SPDX-License-Identifier: ISC
/* The facts that routing asks for, answered by the engine's directory. What the configuration file says, route looks up itself,
   first. */
#include <stdio.h>
#include "base/check.h"
#include "daemon/store_inside.h"

struct why store_why(const char *status, const char *text)
{
    struct why w = {0};

    snprintf(w.status, sizeof w.status, "%s", status);
    snprintf(w.text, sizeof w.text, "%s", text);
    return w;
}

static bool domain(void *self, struct str name)
{
    struct store *st = self;

    return engine_domain(st->engine, name);
}

static bool account(void *self, struct str key, struct route_account *to)
{
    struct store *st = self;
    struct engine_account a;

    if (!engine_account_by_name(st->engine, key, &a))
        return false;
    *to = (struct route_account){.id = a.id, .used = a.used, .quota = a.quota, .suspended = a.suspended};
    return true;
}

static uint32_t alias(void *self, struct str key, const struct str **targets, uint32_t *line)
{
    struct store *st = self;

    *line = 0;
    return engine_alias(st->engine, key, targets);
}

struct oldest { struct str domain, key; account_id id; };

static bool older(void *to, const struct engine_account *a)
{
    struct oldest *o = to;
    size_t at = str_find_last(a->name, '@');

    if ((o->domain.n == 0 || str_eq(str_skip(a->name, at + 1), o->domain)) && (o->id == 0 || a->id < o->id) && !a->suspended) {
        o->id = a->id;
        o->key = a->name;
    }
    return true;
}

static bool first_account(void *self, struct str of, struct str *key)
{
    struct store *st = self;
    struct oldest o = {.domain = of};

    engine_accounts(st->engine, older, &o);
    if (!o.id) {
        o.domain = STR_NONE;
        engine_accounts(st->engine, older, &o);
    }
    *key = o.key;
    return o.id != 0;
}

void store_directory_init(struct store *st)
{
    st->facts.self = st;
    st->facts.domain = domain;
    st->facts.account = account;
    st->facts.alias = alias;
    st->facts.first_account = first_account;
}

enum address_error store_address(struct arena *a, struct str text, struct address *to)
{
    char path[PATH_MAX_MAIL * 2 + 4];
    struct buf b;
    struct str rest;

    buf_fixed(&b, path, sizeof path);
    buf_add_byte(&b, '<');
    buf_add(&b, text);
    buf_add_byte(&b, '>');
    if (b.full)
        return ADDRESS_SYNTAX;
    rest = buf_str(&b);
    enum address_error e = address_parse_path(a, &rest, true, true, true, to);
    return e == ADDRESS_OK && rest.n ? ADDRESS_SYNTAX : e;
}

/* The only local domain; empty when there are none or several. */
struct only { struct str name; unsigned count; };

static bool count_domain(void *to, struct str name)
{
    struct only *o = to;

    if (!str_eq(o->name, name) || o->count == 0)
        o->count++;
    o->name = name;
    return o->count < 2;
}

static struct str only_domain(struct store *st)
{
    struct only o = {0};

    for (const struct config_domain *d = st->config->domains; d; d = d->next)
        count_domain(&o, d->name);
    if (o.count < 2)
        engine_domains(st->engine, count_domain, &o);
    return o.count == 1 ? o.name : STR_NONE;
}

bool store_login_name(struct store *st, struct arena *a, struct str typed, struct str *key)
{
    struct address adr;
    char whole[PATH_MAX_MAIL * 2];
    struct buf b;

    buf_fixed(&b, whole, sizeof whole);
    buf_add(&b, typed);
    if (str_find(typed, '@') == typed.n) {
        struct str only = only_domain(st);
        if (only.n == 0)
            return false;
        buf_add_byte(&b, '@');
        buf_add(&b, only);
    }
    if (b.full || address_parse(a, buf_str(&b), true, &adr) != ADDRESS_OK)
        return false;
    *key = address_key(a, &adr);
    return key->n > 0;
}
