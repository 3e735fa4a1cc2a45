// SPDX-License-Identifier: ISC
/* penny alias add|ls|show|rm. What the configuration says is shown and never changed. */
#include "control/inside.h"

/* "*@example.org" is no address but a good alias. */
static enum step alias_key(struct control_session *s, struct str *key, struct str *local, struct str *domain)
{
    struct address adr;
    enum step n;
    if (str_starts(s->name, S("*@"))) {
        char text[DOMAIN_MAX + 3];
        struct buf b;
        n = control_domain(s, str_skip(s->name, 2), domain);
        if (n != STEP_AGAIN)
            return n;
        buf_fixed(&b, text, sizeof text);
        buf_add(&b, S("*@"));
        buf_add(&b, *domain);
        *key = control_keep(s, buf_str(&b));
        *local = S("*");
        return key->p ? STEP_AGAIN : control_no_memory(s);
    }
    n = control_address(s, s->name, &adr, key);
    *domain = str_skip(*key, str_find_last(*key, '@') + 1);
    *local = str_head(*key, str_find_last(*key, '@'));
    return n;
}

static const struct config_alias *in_config(struct control_session *s, struct str local, struct str domain)
{
    const struct config_domain *d = config_domain_find(s->c->config, domain);
    return d ? config_alias_find(d, local) : NULL;
}

static bool alias_line(struct control_session *s, struct str name, const struct str *targets, uint32_t count, struct str source)
{
    struct json_writer w = control_line_begin(s);
    json_str(&w, "name", name);
    json_array(&w, "targets");
    for (uint32_t i = 0; i < count && s->line.n < LINE_MAX - 4096; i++)
        json_str(&w, NULL, targets[i]);
    json_end(&w);
    json_num(&w, "target_count", count);
    json_str(&w, "source", source);
    return control_line_end(s, &w);
}

static enum step protected(struct control_session *s, const struct config_alias *al) {
    return control_end(s, EXIT_NOT_ALLOWED, "the configuration says that alias: ", control_place(s, al->file, al->line), "",
                       "change it there, then: penny reload");
}

/* One target: a whole address, or a name of the alias' own domain. */
static enum step target(struct control_session *s, struct str word, struct str domain, struct str *to)
{
    char text[PATH_MAX_MAIL * 3];
    struct buf b;
    struct address adr;
    buf_fixed(&b, text, sizeof text);
    buf_add(&b, word);
    if (str_find(word, '@') == word.n) {
        buf_add_byte(&b, '@');
        buf_add(&b, domain);
    }
    enum address_error e = b.full ? ADDRESS_LOCAL_TOO_LONG : address_parse(&s->a, buf_str(&b), true, &adr);
    if (e != ADDRESS_OK)
        return control_end(s, EXIT_USAGE_BAD, "", word, " is not an address", address_error_text(e));
    buf_clear(&b);
    address_print(&b, &adr, true);
    *to = control_keep(s, buf_str(&b));
    return to->p ? STEP_AGAIN : control_no_memory(s);
}

enum step control_do_ALIAS_ADD(struct control_session *s)
{
    struct str key, local, domain, word;
    size_t cursor = 0;
    uint32_t count = 0;
    enum step n = alias_key(s, &key, &local, &domain);
    if (n != STEP_AGAIN)
        return n;
    if (in_config(s, local, domain))
        return protected(s, in_config(s, local, domain));
    if (!control_domain_known(s, domain))
        return control_end(s, EXIT_NO, "there is no domain ", domain, "", "add it first: penny domain add");
    struct str *targets = arena_array(&s->a, s->r->args_n + 1, sizeof *targets);
    if (!targets)
        return control_no_memory(s);
    while ((word = control_request_next_arg(s->r, &cursor)).p) {
        if (str_eq(word, S("->")))
            continue;
        n = target(s, word, domain, &targets[count++]);
        if (n != STEP_AGAIN)
            return n;
    }
    if (count == 0 || count > ALIAS_TARGETS_MAX)
        return control_end(s, EXIT_USAGE_BAD, count ? "too many addresses" : "an alias needs at least one address", STR_NONE, "",
                           "penny alias add team@example.org alice@example.org bob@example.org");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would set ", key, "", "");
    s->op = (struct op){.kind = OP_ALIAS_SET};
    s->op.alias.name = key;
    s->op.alias.targets = targets;
    s->op.alias.count = count;
    return control_submit(s, control_finish);
}

static bool config_lines(struct control_session *s, struct str only)
{
    uint64_t i = 0;
    for (const struct config_domain *d = s->c->config->domains; d; d = d->next) {
        if (only.n && !str_eq(only, d->name))
            continue;
        for (const struct config_alias *al = d->aliases; al; al = al->next, i++) {
            char text[PATH_MAX_MAIL * 2];
            struct buf b;
            if (i < s->cursor)
                continue;
            buf_fixed(&b, text, sizeof text);
            buf_add(&b, al->name);
            buf_add_byte(&b, '@');
            buf_add(&b, d->name);
            if (!alias_line(s, buf_str(&b), al->target, al->target_count, control_place(s, al->file, al->line)))
                return false;
            s->cursor++;
            s->more = true;
        }
    }
    return true;
}

struct listing {
    struct control_session *s;
    struct str domain;
    bool full;
};

static bool each_alias(void *to, struct str name, const struct str *targets, uint32_t count)
{
    struct listing *l = to;
    struct control_session *s = l->s;
    if ((s->last.n && str_cmp(name, s->last) <= 0) || !control_in_domain(name, l->domain))
        return true;
    if (!alias_line(s, name, targets, count, S("store"))) {
        l->full = true;
        return false;
    }
    s->more = true;
    s->last = control_keep(s, name);
    return s->last.p != NULL;
}

enum step control_do_ALIAS_LS(struct control_session *s)
{
    struct listing l = {.s = s};
    enum step n = s->name.n ? control_domain(s, s->name, &l.domain) : STEP_AGAIN;
    if (n != STEP_AGAIN)
        return n;
    if (!config_lines(s, l.domain))
        return STEP_ROOM;
    engine_aliases(s->c->engine, each_alias, &l);
    if (l.full)
        return STEP_ROOM;
    return s->more
               ? control_ok(s)
               : control_end(s, 0, "there are no aliases", STR_NONE, "", "penny alias add team@example.org alice bob makes one");
}

enum step control_do_ALIAS_SHOW(struct control_session *s)
{
    struct str key, local, domain;
    const struct str *targets;
    enum step n = alias_key(s, &key, &local, &domain);
    if (n != STEP_AGAIN)
        return n;
    const struct config_alias *al = in_config(s, local, domain);
    uint32_t count = al ? al->target_count : engine_alias(s->c->engine, key, &targets);
    if (!count)
        return control_end(s, EXIT_NO, "there is no alias ", key, "", "penny alias ls shows all");
    return alias_line(s, key, al ? al->target : targets, count, al ? control_place(s, al->file, al->line) : S("store"))
               ? control_ok(s)
               : STEP_ROOM;
}

enum step control_do_ALIAS_RM(struct control_session *s)
{
    struct str key, local, domain;
    const struct str *targets;
    enum step n = alias_key(s, &key, &local, &domain);
    if (n != STEP_AGAIN)
        return n;
    if (in_config(s, local, domain))
        return protected(s, in_config(s, local, domain));
    if (!engine_alias(s->c->engine, key, &targets))
        return control_end(s, EXIT_NO, "there is no alias ", key, "", "penny alias ls shows all");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would remove ", key, "", "");
    s->op = (struct op){.kind = OP_ALIAS_REMOVE};
    s->op.alias.name = key;
    return control_submit(s, control_finish);
}
