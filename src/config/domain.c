// SPDX-License-Identifier: ISC
/* domain NAME… and domain NAME { … }, with what stands in the block: quota. */
#include "config/inside.h"
#include "message/address.h"

/* Always gives a domain to fill while there is memory, so that the block of a bad one is judged, too; only good ones are kept. */
static struct config_domain *domain_new(struct parser *p, const struct token *t)
{
    const struct directive *self = &config_directives[DIRECTIVE_DOMAIN];
    struct config_domain *d = arena_new(p->a, struct config_domain);
    struct domain parsed;
    if (!d) {
        p->no_memory = true;
        return NULL;
    }
    *d = (struct config_domain){.name = S("example.org"), .line = t->line, .file = p->source->path};
    enum address_error e = domain_parse(p->a, t->text, true, &parsed);
    if (e != ADDRESS_OK || parsed.kind != DOMAIN_NAME) {
        bool address = str_find(t->text, '@') < t->text.n;
        struct str hint = address ? S("a domain is the part behind the @") : S("a name like example.org");
        config_complain(p, t, false,
                        config_format(p, "%s is not a domain name%s%s", config_quote(p, t->text), e == ADDRESS_OK ? "" : ": ",
                                      e == ADDRESS_OK ? "" : address_error_text(e)),
                        hint, self, NULL);
        return d;
    }
    d->name = parsed.ascii;
    const struct config_domain *other = config_domain_find(p->config, d->name);
    if (other) {
        config_complain(p, t, false, config_format(p, "domain %s was already written", config_quote(p, t->text)),
                        config_format(p, "on line %u of %s: keep one of them", other->line, config_quote(p, other->file)), NULL,
                        NULL);
        return d;
    }
    if (!config_index_add(p->a, &p->config->domain_index, &d->name)) {
        p->no_memory = true;
        return d;
    }
    if (p->config->last_domain)
        p->config->last_domain->next = d;
    else
        p->config->domains = d;
    p->config->last_domain = d;
    return d;
}

void config_domain_directive(struct parser *p)
{
    const struct directive *self = &config_directives[DIRECTIVE_DOMAIN];
    struct config_domain *d = NULL;
    if (p->count == 1)
        config_complain(p, &p->token[0], false, S("domain needs a name"), S("for example: domain example.org"), self, NULL);
    if (p->count > 2 && p->end == END_OPEN)
        config_complain(p, &p->token[2], false, S("a block belongs to one domain"), S("write each domain with its own block"),
                        self, NULL);
    for (uint32_t i = 1; i < p->count; i++)
        d = domain_new(p, &p->token[i]);
    if (p->end == END_OPEN) {
        if (!d && (d = arena_new(p->a, struct config_domain))) /* nameless: its block is judged all the same */
            d->name = S("example.org");
        p->no_memory |= !d;
        p->domain = d;
        p->opened = p->brace;
    } else if (p->count == 2) {
        p->last_domain = d;
    }
}

void config_quota_directive(struct parser *p)
{
    const struct directive *self = &config_directives[DIRECTIVE_DOMAIN_QUOTA];
    const struct token *t = p->token;
    uint64_t v = 0;
    if (p->count != 2)
        config_complain(p, &t[p->count > 2 ? 2 : 0], false, S("quota takes one size"), S("for example: quota 5G"), self, NULL);
    else if (config_size(t[1].text, &v) != VALUE_OK || v > 1ULL << 50)
        config_complain(p, &t[1], false, config_format(p, "%s is not a size", config_quote(p, t[1].text)),
                        S("for example 5G: K, M, G, T, or none"), self, NULL);
    else if (p->domain->quota_set)
        config_complain(p, &t[0], false, S("quota was already set for this domain"), S("delete one of them"), NULL, NULL);
    else
        p->domain->quota = v, p->domain->quota_set = true;
}
