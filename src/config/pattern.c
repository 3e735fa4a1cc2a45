// SPDX-License-Identifier: ISC
/* DOMAIN, *.DOMAIN, *: which domains a line speaks of, and which of several lines speaks best. */
#include "config/inside.h"
#include "message/address.h"

bool config_pattern(struct parser *p, const struct token *t, const struct directive *self, struct str *name)
{
    struct domain d;
    struct str text = t->text;
    bool below = str_starts(text, S("*."));

    if (str_eq(text, S("*"))) {
        *name = text;
        return true;
    }
    enum address_error e = domain_parse(p->a, below ? str_skip(text, 2) : text, true, &d);
    if (e != ADDRESS_OK || (below && d.kind != DOMAIN_NAME)) {
        config_complain(p, t, false, config_format(p, "%s is not a domain name", config_quote(p, text)),
                        S("a name like example.org, *.example.org for all below it, or * for every domain"), self, NULL);
        return false;
    }
    *name = below ? config_format(p, "*.%.*s", STR_ARG(d.ascii)) : d.ascii;
    return name->n > 0;
}

size_t config_pattern_rank(struct str pattern, struct str domain)
{
    if (str_eq_icase(pattern, domain))
        return SIZE_MAX;
    if (str_eq(pattern, S("*")))
        return 1;
    struct str end = str_skip(pattern, 1);
    bool below = str_starts(pattern, S("*.")) && domain.n > end.n && str_eq_icase(str_skip(domain, domain.n - end.n), end);
    return below ? pattern.n : 0;
}
