// SPDX-License-Identifier: ISC
/* penny config show: what holds, and where it was said. The text form can be parsed again. */
#include "config/inside.h"
#include "message/address.h"

enum { VALUE_COLUMN = 24, PLACE_COLUMN = 60 };

static void place(struct buf *to, size_t from, struct str file, uint32_t line)
{
    size_t column = to->n - from;
    do
        buf_add_byte(to, ' ');
    while (++column < PLACE_COLUMN);
    if (line) {
        buf_add(to, S("# "));
        buf_add(to, file);
        buf_printf(to, ":%u\n", line);
    } else {
        buf_add(to, S("# default\n"));
    }
}

static void show_setting(const struct config *c, size_t i, struct buf *to)
{
    const struct setting *s = &config_settings[i];
    size_t from = to->n, before;
    bool set = c->source[i].line != 0;
    buf_printf(to, "%s%-*s", set || s->otherwise[0] ? "" : "#", VALUE_COLUMN, s->word);
    before = to->n;
    config_setting_print(c, s, to);
    if (to->n == before)
        buf_add(to, S("(not set)"));
    place(to, from, c->source[i].file, c->source[i].line);
}

static void show_listens(const struct config *c, struct buf *to)
{
    for (const struct config_listen *l = c->listens; l; l = l->next) {
        size_t from = to->n;
        buf_printf(to, "%-*s%s ", VALUE_COLUMN, "listen", config_listen_word(l->kind));
        bool v6 = str_find(l->host, ':') < l->host.n, path = l->host.n && l->host.p[0] == '/';
        buf_add_c(to, v6 ? "[" : "");
        buf_add(to, l->host);
        buf_add_c(to, v6 ? "]" : "");
        if (!path)
            buf_printf(to, ":%u", l->port);
        place(to, from, l->file, l->line);
    }
}

static void show_tls(const struct config *c, struct buf *to)
{
    for (const struct config_tls *t = c->tls; t; t = t->next) {
        size_t from = to->n;
        buf_printf(to, "%-*scert \"", VALUE_COLUMN, "tls");
        buf_add(to, t->cert_path);
        buf_add(to, S("\" key \""));
        buf_add(to, t->key_path);
        buf_add_byte(to, '"');
        place(to, from, t->file, t->line);
    }
    if (!c->tls) {
        size_t from = to->n;
        buf_printf(to, "#%-*s(self-signed)", VALUE_COLUMN, "tls");
        place(to, from, STR_NONE, 0);
    }
}

static void show_dns(const struct config *c, struct buf *to)
{
    for (const struct config_dns_server *s = c->dns_servers; s; s = s->next) {
        size_t from = to->n;
        bool v6 = str_find(s->address, ':') < s->address.n;
        buf_printf(to, "%-*sserver %s%.*s%s:%u", VALUE_COLUMN, "dns", v6 ? "[" : "", STR_ARG(s->address), v6 ? "]" : "", s->port);
        if (s->zone.n) {
            buf_add(to, S(" for "));
            buf_add(to, s->zone);
        }
        place(to, from, s->file, s->line);
    }
    size_t from = to->n;
    if (c->dns_anchor.n) {
        buf_printf(to, "%-*sanchor \"", VALUE_COLUMN, "dns");
        buf_add(to, c->dns_anchor);
        buf_add_byte(to, '"');
        place(to, from, c->dns_anchor_file, c->dns_anchor_line);
        from = to->n;
    }
    buf_printf(to, "%-*svalidation %s", VALUE_COLUMN, "dns", c->dns_unvalidated ? "off" : "on");
    place(to, from, c->dns_validation_file, c->dns_validation_line);
}

static void show_domains(const struct config *c, struct buf *to)
{
    for (const struct config_domain *d = c->domains; d; d = d->next) {
        size_t from = to->n;
        buf_printf(to, "%-*s%.*s%s", VALUE_COLUMN, "domain", STR_ARG(d->name), d->aliases || d->quota_set ? " {" : "");
        place(to, from, d->file, d->line);
        if (d->quota_set) {
            buf_add(to, S("    quota "));
            config_size_print(to, d->quota);
            buf_add_byte(to, '\n');
        }
        for (const struct config_alias *al = d->aliases; al; al = al->next) {
            from = to->n;
            bool plain = str_find(al->name, ' ') == al->name.n && str_find(al->name, '"') == al->name.n &&
                         str_find(al->name, '@') == al->name.n;
            buf_printf(to, "    alias %s%.*s%s ->", plain ? "" : "\"", STR_ARG(al->name), plain ? "" : "\"");
            for (uint32_t i = 0; i < al->target_count; i++) {
                buf_add_byte(to, ' ');
                buf_add(to, al->target[i]);
            }
            place(to, from, al->file, al->line);
        }
        if (d->aliases || d->quota_set)
            buf_add(to, S("}\n"));
    }
}

static void show_routes(const struct config *c, struct buf *to)
{
    for (const struct config_route *r = c->routes; r; r = r->next) {
        size_t from = to->n;
        buf_printf(to, "%-*sto %.*s via %.*s", VALUE_COLUMN, "route", STR_ARG(r->domain), STR_ARG(r->text));
        if (r->secret.n)
            buf_printf(to, " secret \"file:%.*s\"", STR_ARG(r->secret));
        place(to, from, r->file, r->line);
    }
}

static void show_relays(const struct config *c, struct buf *to)
{
    for (const struct config_relay *r = c->relays; r; r = r->next) {
        size_t from = to->n;
        buf_printf(to, "%-*sfor %.*s", VALUE_COLUMN, "relay", STR_ARG(r->text));
        place(to, from, r->file, r->line);
    }
}

static void show_tls_policies(const struct config *c, struct buf *to)
{
    for (const struct config_tls_policy *t = c->tls_policies; t; t = t->next) {
        size_t from = to->n;
        buf_printf(to, "%-*s%.*s %s", VALUE_COLUMN, "tls-policy", STR_ARG(t->domain), config_tls_word_text(t->word));
        place(to, from, t->file, t->line);
    }
}

bool config_show(const struct config *c, struct str key, struct buf *to)
{
    bool all = key.n == 0, found = all;
    for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
        if (all || str_eq(key, str_c(config_settings[i].word))) {
            show_setting(c, i, to);
            found = true;
        }
    static const struct {
        const char *word;
        void (*show)(const struct config *c, struct buf *to);
    } lists[] = {{"listen", show_listens}, {"tls", show_tls}, {"dns", show_dns}, {"route", show_routes}, {"relay", show_relays}, {"tls-policy", show_tls_policies}, {"domain", show_domains}};
    for (size_t i = 0; i < countof(lists); i++)
        if (all || str_eq(key, str_c(lists[i].word))) {
            lists[i].show(c, to);
            found = true;
        }
    return found;
}

static void source_json(struct json_writer *w, struct str file, uint32_t line)
{
    json_str(w, "source", line ? file : S("default"));
    if (line)
        json_num(w, "line", line);
}

static struct json_writer line_begin(struct buf *to, const char *key)
{
    struct json_writer w;
    json_begin(&w, to);
    json_object(&w, NULL);
    json_num(&w, "v", 1);
    json_str(&w, "key", str_c(key));
    return w;
}

static void line_end(struct json_writer *w)
{
    json_end(w);
    buf_add_byte(w->to, '\n');
}

static void domain_json(const struct config_domain *d, struct buf *to)
{
    struct json_writer w = line_begin(to, "domain");
    json_str(&w, "value", d->name);
    if (d->quota_set)
        json_num(&w, "quota", (int64_t)d->quota);
    json_array(&w, "aliases");
    for (const struct config_alias *al = d->aliases; al; al = al->next) {
        json_object(&w, NULL);
        json_str(&w, "name", al->name);
        json_array(&w, "targets");
        for (uint32_t i = 0; i < al->target_count; i++)
            json_str(&w, NULL, al->target[i]);
        json_end(&w);
        json_num(&w, "line", al->line);
        json_end(&w);
    }
    json_end(&w);
    source_json(&w, d->file, d->line);
    line_end(&w);
}

static void dns_json(const struct config *c, struct buf *to)
{
    struct json_writer w;
    for (const struct config_dns_server *s = c->dns_servers; s; s = s->next) {
        w = line_begin(to, "dns");
        json_str(&w, "server", s->address);
        json_num(&w, "port", s->port);
        json_str(&w, "zone", s->zone);
        source_json(&w, s->file, s->line);
        line_end(&w);
    }
    if (c->dns_anchor.n) {
        w = line_begin(to, "dns");
        json_str(&w, "anchor", c->dns_anchor);
        source_json(&w, c->dns_anchor_file, c->dns_anchor_line);
        line_end(&w);
    }
    w = line_begin(to, "dns");
    json_bool(&w, "validation", !c->dns_unvalidated);
    source_json(&w, c->dns_validation_file, c->dns_validation_line);
    line_end(&w);
}

void config_show_json(const struct config *c, struct buf *to)
{
    for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
        char value[512];
        struct buf b;
        buf_fixed(&b, value, sizeof value);
        config_setting_print(c, &config_settings[i], &b);
        struct json_writer w = line_begin(to, config_settings[i].word);
        json_str(&w, "value", buf_str(&b));
        source_json(&w, c->source[i].file, c->source[i].line);
        line_end(&w);
    }
    for (const struct config_listen *l = c->listens; l; l = l->next) {
        struct json_writer w = line_begin(to, "listen");
        json_str(&w, "value", str_c(config_listen_word(l->kind)));
        json_str(&w, "host", l->host);
        json_num(&w, "port", l->port);
        source_json(&w, l->file, l->line);
        line_end(&w);
    }
    for (const struct config_tls *t = c->tls; t; t = t->next) {
        struct json_writer w = line_begin(to, "tls");
        json_str(&w, "cert", t->cert_path);
        json_str(&w, "private_key", t->key_path);
        source_json(&w, t->file, t->line);
        line_end(&w);
    }
    dns_json(c, to);
    for (const struct config_route *r = c->routes; r; r = r->next) {
        struct json_writer w = line_begin(to, "route");
        json_str(&w, "to", r->domain);
        json_str(&w, "via", r->text);
        source_json(&w, r->file, r->line);
        line_end(&w);
    }
    for (const struct config_relay *r = c->relays; r; r = r->next) {
        struct json_writer w = line_begin(to, "relay");
        json_str(&w, "for", r->text);
        source_json(&w, r->file, r->line);
        line_end(&w);
    }
    for (const struct config_tls_policy *t = c->tls_policies; t; t = t->next) {
        struct json_writer w = line_begin(to, "tls-policy");
        json_str(&w, "domain", t->domain);
        json_str(&w, "value", str_c(config_tls_word_text(t->word)));
        source_json(&w, t->file, t->line);
        line_end(&w);
    }
    for (const struct config_domain *d = c->domains; d; d = d->next)
        domain_json(d, to);
}
