// SPDX-License-Identifier: ISC
/* dns server ADDRESS… [for ZONE…] | dns anchor FILE | dns validation on|off */
#include "config/inside.h"
#include "message/address.h"

static const char *const words[] = {"server", "anchor", "validation"};

static void bad(struct parser *p, const struct token *t, const char *what, struct str hint)
{
    config_complain(p, t, false, config_format(p, "%s %s", config_quote(p, t->text), what), hint, &config_directives[DIRECTIVE_DNS], NULL);
}

/* ADDRESS, V4:PORT, [V6], [V6]:PORT. */
static bool server_of(struct parser *p, const struct token *t, struct config_dns_server *s)
{
    struct str text = t->text, port = STR_NONE;
    uint64_t number = 53;
    bool v6 = false, brackets = text.n && text.p[0] == '[';
    s->address = text;
    if (brackets) {
        size_t close = str_find(text, ']');
        s->address = str_head(str_skip(text, 1), close - 1);
        port = close < text.n ? str_skip(text, close + 1) : S("?");
    } else if (str_find(text, ':') == str_find_last(text, ':')) {
        s->address = str_head(text, str_find(text, ':'));
        port = str_skip(text, str_find(text, ':'));
    }
    if (!config_ip(s->address, &v6) || (brackets && (!v6 || str_eq(port, S("?"))))) {
        bad(p, t, "is not the address of a name server", S("an address, not a name: 192.0.2.53, 127.0.0.1:5353, [2001:db8::53]:53"));
        return false;
    }
    if (port.n && (port.p[0] != ':' || !str_to_u64(str_skip(port, 1), &number) || number < 1 || number > 65535)) {
        bad(p, t, "has no port from 1 to 65535", S("127.0.0.1:5353, [::1]:5353"));
        return false;
    }
    s->port = (uint16_t)number;
    return true;
}

static void add_server(struct parser *p, const struct token *t, const struct config_dns_server *s)
{
    struct config_dns_server **last = &p->config->dns_servers, *mine;
    size_t count = 0;
    for (; *last; last = &(*last)->next)
        count++;
    if (count == CONFIG_DNS_SERVERS_MAX) {
        config_complain(p, t, false, config_format(p, "more than %d name servers", CONFIG_DNS_SERVERS_MAX), S("two or three are enough"), NULL, NULL);
        return;
    }
    mine = arena_new(p->a, struct config_dns_server);
    if (!mine) {
        p->no_memory = true;
        return;
    }
    *mine = *s;
    *last = mine;
}

static void servers(struct parser *p)
{
    uint32_t end = 2;
    while (end < p->count && !str_eq(p->token[end].text, S("for")))
        end++;
    if (end == 2 || end + 1 == p->count) {
        config_complain(p, &p->token[end < p->count ? end : 1], false, end == 2 ? S("dns server needs an address") : S("for needs a zone"),
                        S("dns server 192.0.2.53, or dns server 192.0.2.53 for corp.example"), &config_directives[DIRECTIVE_DNS], NULL);
        return;
    }
    for (uint32_t i = 2; i < end; i++) {
        struct config_dns_server s = {.line = p->token[0].line, .file = p->source->path};
        if (!server_of(p, &p->token[i], &s))
            return;
        if (end == p->count)
            add_server(p, &p->token[i], &s);
        for (uint32_t z = end + 1; z < p->count; z++) {
            struct domain d;
            if (domain_parse(p->a, p->token[z].text, true, &d) != ADDRESS_OK || d.kind != DOMAIN_NAME) {
                bad(p, &p->token[z], "is not the name of a zone", S("dns server 192.0.2.53 for corp.example"));
                return;
            }
            s.zone = d.ascii;
            add_server(p, &p->token[i], &s);
        }
    }
}

static void anchor(struct parser *p)
{
    struct str path = p->count == 3 ? p->token[2].text : STR_NONE;
    size_t slash = str_find_last(p->source->path, '/');
    if (path.n == 0 || path.n > 400) {
        config_complain(p, &p->token[p->count > 2 ? 2 : 1], false, S("dns anchor needs one file"), S("for example: dns anchor /usr/share/dns/root.key"),
                        &config_directives[DIRECTIVE_DNS], NULL);
        return;
    }
    if (path.p[0] != '/' && slash < p->source->path.n)
        path = config_format(p, "%.*s%.*s", (int)slash + 1, p->source->path.p, STR_ARG(path));
    if (p->config->dns_anchor.n)
        config_complain(p, &p->token[2], false, S("a second dns anchor"), S("one file may hold several anchors"), &config_directives[DIRECTIVE_DNS], NULL);
    p->config->dns_anchor = path;
    p->config->dns_anchor_line = p->token[0].line;
    p->config->dns_anchor_file = p->source->path;
}

static void validation(struct parser *p)
{
    struct str word = p->count == 3 ? p->token[2].text : STR_NONE;
    if (!str_eq(word, S("on")) && !str_eq(word, S("off"))) {
        config_complain(p, &p->token[p->count > 2 ? 2 : 1], false, S("dns validation is on or off"), S("off: DNSSEC proves nothing, and DANE is not used"),
                        &config_directives[DIRECTIVE_DNS], NULL);
        return;
    }
    p->config->dns_unvalidated = str_eq(word, S("off"));
    p->config->dns_validation_line = p->token[0].line;
    p->config->dns_validation_file = p->source->path;
}

void config_dns_directive(struct parser *p)
{
    if (p->count == 1) {
        config_complain(p, &p->token[0], false, S("dns needs a word behind it"), S("server, anchor or validation"), &config_directives[DIRECTIVE_DNS], NULL);
    } else if (str_eq(p->token[1].text, S("server"))) {
        servers(p);
    } else if (str_eq(p->token[1].text, S("anchor"))) {
        anchor(p);
    } else if (str_eq(p->token[1].text, S("validation"))) {
        validation(p);
    } else {
        config_complain(p, &p->token[1], false, config_format(p, "unknown word %s in dns", config_quote(p, p->token[1].text)),
                        config_suggest(p, p->token[1].text, words, countof(words)), &config_directives[DIRECTIVE_DNS], NULL);
    }
}
