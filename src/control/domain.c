// SPDX-License-Identifier: ISC
/* penny domain add|ls|show|rm */
#include "control/inside.h"

struct count {
    struct str domain;
    uint64_t users, aliases;
};

static bool count_user(void *to, const struct engine_account *a)
{
    struct count *c = to;
    c->users += control_in_domain(a->name, c->domain);
    return true;
}

static bool count_alias(void *to, struct str name, const struct str *targets, uint32_t n)
{
    struct count *c = to;
    (void)targets, (void)n;
    c->aliases += control_in_domain(name, c->domain);
    return true;
}

static bool domain_line(struct control_session *s, struct str name)
{
    const struct config_domain *d = config_domain_find(s->c->config, name);
    struct count c = {.domain = name};
    struct json_writer w = control_line_begin(s);
    engine_accounts(s->c->engine, count_user, &c);
    engine_aliases(s->c->engine, count_alias, &c);
    for (const struct config_alias *al = d ? d->aliases : NULL; al; al = al->next)
        c.aliases++;
    json_str(&w, "name", name);
    json_num(&w, "users", (int64_t)c.users);
    json_num(&w, "aliases", (int64_t)c.aliases);
    json_num(&w, "quota", (int64_t)(d ? d->quota : s->c->config->quota));
    json_str(&w, "source", d ? control_place(s, d->file, d->line) : S("store"));
    return control_line_end(s, &w);
}

enum step control_do_DOMAIN_ADD(struct control_session *s)
{
    struct str name;
    enum step n = control_domain(s, s->name, &name);
    if (n != STEP_AGAIN)
        return n;
    const struct config_domain *d = config_domain_find(s->c->config, name);
    if (d)
        return control_end(s, 0, "the configuration says that domain already: ", control_place(s, d->file, d->line), "", "");
    if (engine_domain(s->c->engine, name))
        return control_end(s, 0, "", name, " was there already", "");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would add ", name, "", "");
    s->op = (struct op){.kind = OP_DOMAIN_ADD};
    s->op.domain.name = name;
    return control_submit(s, control_finish);
}

struct listing {
    struct control_session *s;
    struct str *names;
    size_t count, cap;
};

static bool each_domain(void *to, struct str name)
{
    struct listing *l = to;
    struct control_session *s = l->s;
    if (config_domain_find(s->c->config, name))
        return true;
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct str *more = arena_array(&s->a, cap, sizeof *more);
        if (!more)
            return false;
        if (l->count)
            memcpy(more, l->names, l->count * sizeof *more);
        l->names = more;
        l->cap = cap;
    }
    l->names[l->count++] = control_keep(s, name);
    return true;
}

/* The names are gathered first: an engine's listing is not asked further questions from within. */
static enum step list_on(struct control_session *s)
{
    struct listing *l = s->work;
    while (s->cursor < l->count) {
        if (!domain_line(s, l->names[s->cursor]))
            return STEP_ROOM;
        s->cursor++;
    }
    return l->count ? control_ok(s)
                    : control_end(s, 0, "there are no domains", STR_NONE, "",
                                  "penny domain add example.org, or a line 'domain example.org' in the configuration");
}

enum step control_do_DOMAIN_LS(struct control_session *s)
{
    struct listing *l = arena_new(&s->a, struct listing);
    if (!l)
        return control_no_memory(s);
    l->s = s;
    for (const struct config_domain *d = s->c->config->domains; d; d = d->next)
        l->cap++;
    l->names = arena_array(&s->a, l->cap + 1, sizeof *l->names);
    if (!l->names)
        return control_no_memory(s);
    l->cap++;
    for (const struct config_domain *d = s->c->config->domains; d; d = d->next)
        l->names[l->count++] = d->name;
    engine_domains(s->c->engine, each_domain, l);
    s->work = l;
    s->step = list_on;
    return STEP_AGAIN;
}

enum step control_do_DOMAIN_SHOW(struct control_session *s)
{
    struct str name;
    enum step n = control_domain(s, s->name, &name);
    if (n != STEP_AGAIN)
        return n;
    if (!control_domain_known(s, name))
        return control_end(s, EXIT_NO, "there is no domain ", name, "", "penny domain ls shows all");
    return domain_line(s, name) ? control_ok(s) : STEP_ROOM;
}

enum step control_do_DOMAIN_RM(struct control_session *s)
{
    struct str name;
    struct count c;
    enum step n = control_domain(s, s->name, &name);
    if (n != STEP_AGAIN)
        return n;
    const struct config_domain *d = config_domain_find(s->c->config, name);
    if (d)
        return control_end(s, EXIT_NOT_ALLOWED, "the configuration says that domain: ", control_place(s, d->file, d->line), "",
                           "take the line out, then: penny reload");
    if (!engine_domain(s->c->engine, name))
        return control_end(s, EXIT_NO, "there is no domain ", name, "", "penny domain ls shows all");
    c = (struct count){.domain = name};
    engine_accounts(s->c->engine, count_user, &c);
    engine_aliases(s->c->engine, count_alias, &c);
    if (c.users || c.aliases)
        return control_end(s, EXIT_NOT_ALLOWED, "", name, " still has users or aliases",
                           "remove them first: penny user rm, penny alias rm");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would remove ", name, "", "");
    s->op = (struct op){.kind = OP_DOMAIN_REMOVE};
    s->op.domain.name = name;
    return control_submit(s, control_finish);
}
