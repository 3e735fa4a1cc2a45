// SPDX-License-Identifier: ISC
/* alias NAME… -> ADDRESS…, inside a domain's block. */
#include "config/inside.h"
#include "message/address.h"

static const struct directive *self(void)
{
    return &config_directives[DIRECTIVE_ALIAS];
}

/* A word as an address of the open domain unless it says its own. False: complained. */
static bool address_of(struct parser *p, const struct token *t, struct address *adr)
{
    char text[1024];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    bool whole = !t->quoted && str_find(t->text, '@') < t->text.n;
    if (whole) {
        buf_add(&b, t->text);
    } else {
        if (t->quoted)
            buf_add_byte(&b, '"');
        for (size_t i = 0; i < t->text.n; i++) {
            if (t->quoted && (t->text.p[i] == '"' || t->text.p[i] == '\\'))
                buf_add_byte(&b, '\\');
            buf_add_byte(&b, t->text.p[i]);
        }
        buf_add_c(&b, t->quoted ? "\"@" : "@");
        buf_add(&b, p->domain->name);
    }
    enum address_error e = b.full ? ADDRESS_LOCAL_TOO_LONG : address_parse(p->a, buf_str(&b), true, adr);
    if (e == ADDRESS_NO_MEMORY)
        p->no_memory = true;
    if (e != ADDRESS_OK)
        config_complain(p, t, false, config_format(p, "%s: %s", config_quote(p, t->text), address_error_text(e)),
                        S("a name like alice, or an address like alice@example.org"), self(), NULL);
    return e == ADDRESS_OK;
}

static struct str text_of(struct parser *p, const struct address *adr)
{
    char text[1024];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    address_print(&b, adr, true);
    struct str s = b.full ? STR_NONE : arena_str(p->a, buf_str(&b));
    if (!s.p)
        p->no_memory = true;
    return s;
}

/* The key of a name: what stands before the last @ of its address key; "*" as it is. Empty: complained. */
static struct str name_of(struct parser *p, const struct token *t)
{
    struct address adr;
    if (!t->quoted && str_eq(t->text, S("*")))
        return S("*");
    if (!address_of(p, t, &adr))
        return STR_NONE;
    if (!str_eq(adr.domain.ascii, p->domain->name)) {
        config_complain(p, t, false, config_format(p, "%s is not of this domain", config_quote(p, t->text)),
                        S("an alias stands in its own domain's block; write the name without @"), self(), NULL);
        return STR_NONE;
    }
    struct str key = address_key(p->a, &adr);
    return str_head(key, str_find_last(key, '@'));
}

static void alias_add(struct parser *p, struct str name, uint32_t line, struct str *target, uint32_t count)
{
    struct config_domain *d = p->domain;
    struct config_alias *al = arena_new(p->a, struct config_alias);
    if (!al) {
        p->no_memory = true;
        return;
    }
    *al = (struct config_alias){name, target, count, line, p->source->path, NULL};
    if (!config_index_add(p->a, &d->alias_index, &al->name)) {
        p->no_memory = true;
        return;
    }
    if (d->last_alias)
        d->last_alias->next = al;
    else
        d->aliases = al;
    d->last_alias = al;
}

static void names(struct parser *p, uint32_t arrow, struct str *target, uint32_t count)
{
    for (uint32_t i = 1; i < arrow; i++) {
        struct str name = name_of(p, &p->token[i]);
        if (!name.n)
            continue;
        const struct config_alias *other = config_alias_find(p->domain, name);
        if (other)
            config_complain(p, &p->token[i], false,
                            config_format(p, "alias %s was already written", config_quote(p, p->token[i].text)),
                            config_format(p, "on line %u: put all its addresses on one line", other->line), NULL, NULL);
        else if (count)
            alias_add(p, name, p->token[i].line, target, count);
    }
}

void config_alias_directive(struct parser *p)
{
    uint32_t arrow = 1, count = 0;
    while (arrow < p->count && (p->token[arrow].quoted || !str_eq(p->token[arrow].text, S("->"))))
        arrow++;
    if (arrow == p->count) {
        bool other = p->count > 2 && (str_eq(p->token[2].text, S("=>")) || str_eq(p->token[2].text, S(":")) ||
                                      str_eq(p->token[2].text, S("=")) || str_eq(p->token[2].text, S("to")));
        config_complain(p, &p->token[other ? 2 : 0], false, S("alias needs names, then ->, then addresses"),
                        other ? S("write -> here") : S("for example: alias team -> alice bob"), self(), NULL);
        return;
    }
    if (arrow == 1)
        config_complain(p, &p->token[1], false, S("no name before ->"), S("for example: alias team -> alice bob"), self(), NULL);
    if (arrow + 1 == p->count)
        config_complain(p, &p->token[arrow], false, S("no address behind ->"), S("for example: alias team -> alice bob"), self(),
                        NULL);
    struct str *target = arena_array(p->a, p->count - arrow, sizeof *target);
    if (!target) {
        p->no_memory = true;
        return;
    }
    for (uint32_t i = arrow + 1; i < p->count; i++) {
        struct address adr;
        if (!p->token[i].quoted && str_eq(p->token[i].text, S("->")))
            config_complain(p, &p->token[i], false, S("a second -> in one alias"), S("one alias a line"), self(), NULL);
        else if (address_of(p, &p->token[i], &adr))
            target[count++] = text_of(p, &adr);
    }
    names(p, arrow, target, count);
}
