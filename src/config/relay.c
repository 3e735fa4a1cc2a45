// SPDX-License-Identifier: ISC
/* relay for DOMAIN…|NETWORK…: mail of others that is taken to be carried on. */
#include "config/inside.h"
#include "message/address.h"
#include <arpa/inet.h>

static bool ip_of(struct str text, unsigned char to[16], bool *v6)
{
    char host[64];
    if (!config_ip(text, v6) || !str_to_c(text, host, sizeof host))
        return false;
    return inet_pton(*v6 ? AF_INET6 : AF_INET, host, to) == 1;
}

static bool bits_are_zero_behind(const unsigned char *ip, uint32_t bits, uint32_t all)
{
    for (uint32_t i = bits; i < all; i++)
        if (ip[i / 8] >> (7 - i % 8) & 1)
            return false;
    return true;
}

static void one(struct parser *p, const struct token *t)
{
    const struct directive *self = &config_directives[DIRECTIVE_RELAY];
    struct config_relay r = {.text = t->text, .line = t->line, .file = p->source->path}, **last = &p->config->relays;
    struct str bits, address = str_cut(t->text, '/', &bits);
    struct domain d;
    uint64_t n = 0;

    if (ip_of(address, r.ip, &r.v6)) {
        uint32_t all = r.v6 ? 128 : 32;
        r.network = true;
        r.bits = all;
        if (address.n < t->text.n) {
            if (!str_to_u64(bits, &n) || n > all) {
                config_complain(p, t, false, config_format(p, "%s is not a network", config_quote(p, t->text)),
                                config_format(p, "behind the / stands a number from 0 to %u", all), self, NULL);
                return;
            }
            r.bits = (uint32_t)n;
        }
        if (!bits_are_zero_behind(r.ip, r.bits, all)) {
            config_complain(p, t, false, config_format(p, "%s has bits behind its length", config_quote(p, t->text)),
                            S("for example 192.0.2.0/24"), self, NULL);
            return;
        }
        if (r.bits == 0)
            config_complain(p, t, true, S("everybody may send mail anywhere through this server"),
                            S("strangers will use it: name your own networks"), self, NULL);
    } else if (domain_parse(p->a, t->text, true, &d) == ADDRESS_OK && d.kind == DOMAIN_NAME) {
        r.domain = d.ascii;
    } else {
        config_complain(p, t, false, config_format(p, "%s is neither a domain nor a network", config_quote(p, t->text)),
                        S("example.org, 192.0.2.0/24 or 2001:db8::/32"), self, NULL);
        return;
    }
    while (*last)
        last = &(*last)->next;
    *last = arena_new(p->a, struct config_relay);
    if (*last)
        **last = r;
    else
        p->no_memory = true;
}

void config_relay_directive(struct parser *p)
{
    const struct token *t = p->token;

    if (p->count < 3 || !str_eq(t[1].text, S("for"))) {
        config_complain(p, &t[p->count > 1 ? 1 : 0], false, S("relay for needs a domain or a network"),
                        S("for example: relay for example.org, or relay for 192.0.2.0/24"), &config_directives[DIRECTIVE_RELAY],
                        NULL);
        return;
    }
    for (uint32_t i = 2; i < p->count; i++)
        one(p, &t[i]);
}

const struct config_relay *config_relay_domain(const struct config *c, struct str domain)
{
    for (const struct config_relay *r = c->relays; r; r = r->next)
        if (!r->network && str_eq_icase(r->domain, domain))
            return r;
    return NULL;
}

const struct config_relay *config_relay_client(const struct config *c, struct str client)
{
    unsigned char ip[16];
    bool v6;

    if (!c->relays || !ip_of(client, ip, &v6))
        return NULL;
    for (const struct config_relay *r = c->relays; r; r = r->next) {
        uint32_t i = 0;
        if (!r->network || r->v6 != v6)
            continue;
        while (i < r->bits && (ip[i / 8] >> (7 - i % 8) & 1) == (r->ip[i / 8] >> (7 - i % 8) & 1))
            i++;
        if (i == r->bits)
            return r;
    }
    return NULL;
}
