// SPDX-License-Identifier: ISC
/* Domains: host names (RFC 5321 4.1.2, 2.3.5), internationalised ones (RFC 6531 3.2, IDNA 2008 with the UTS 46 mapping), literals
 * (4.1.3). */
#include "base/limits.h"
#include "base/utf8.h"
#include "message/address.h"
#include "message/inside.h"
#include <idn2.h>

enum { LABEL_MAX = 63 }; /* RFC 1035 2.3.4 */

/* sub-domain *("." sub-domain) with sub-domain = Let-dig [Ldh-str]. Lengths are told apart so that the reply can say which. */
static enum address_error ldh_check(struct str name)
{
    size_t label = 0;
    bool too_long = name.n > DOMAIN_MAX;
    for (size_t i = 0; i <= name.n; i++) {
        char c = i < name.n ? name.p[i] : '.';
        if (c == '.') {
            if (label == 0 || name.p[i - 1] == '-')
                return ADDRESS_BAD_DOMAIN;
            too_long = too_long || label > LABEL_MAX;
            label = 0;
        } else if (ascii_is_alnum(c) || (c == '-' && label > 0)) {
            label++;
        } else {
            return ADDRESS_BAD_DOMAIN;
        }
    }
    return too_long ? ADDRESS_DOMAIN_TOO_LONG : ADDRESS_OK;
}

static struct str lower(struct arena *a, struct str s)
{
    struct str copy = arena_str(a, s);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        ((char *)copy.p)[i] = ascii_lower(copy.p[i]);
    return copy;
}

static enum address_error parse_international(struct arena *a, struct str text, bool utf8_ok, struct domain *to)
{
    char name[4 * DOMAIN_MAX + 1], *made = NULL;
    if (!utf8_is_valid(text))
        return ADDRESS_BAD_UTF8;
    if (!utf8_ok)
        return ADDRESS_NEEDS_UTF8;
    if (text.n >= sizeof name)
        return ADDRESS_DOMAIN_TOO_LONG;
    if (!str_to_c(text, name, sizeof name))
        return ADDRESS_BAD_DOMAIN;
    int rc = idn2_lookup_u8((const uint8_t *)name, (uint8_t **)&made, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (rc != IDN2_OK)
        return rc == IDN2_TOO_BIG_DOMAIN || rc == IDN2_TOO_BIG_LABEL ? ADDRESS_DOMAIN_TOO_LONG
               : rc == IDN2_MALLOC                                   ? ADDRESS_NO_MEMORY
                                                                     : ADDRESS_BAD_DOMAIN;
    enum address_error e = ldh_check(str_c(made));
    if (e == ADDRESS_OK && !(to->ascii = lower(a, str_c(made))).p)
        e = ADDRESS_NO_MEMORY;
    idn2_free(made);
    return e;
}

enum address_error domain_parse(struct arena *a, struct str text, bool utf8_ok, struct domain *to)
{
    struct domain made = {.kind = DOMAIN_NAME};
    enum address_error e;
    if (text.n == 0)
        return ADDRESS_EMPTY;
    if (text.p[0] == '[') {
        if (text.n < 2 || text.p[text.n - 1] != ']')
            return ADDRESS_BAD_LITERAL;
        e = domain_parse_literal(a, str_of(text.p + 1, text.n - 2), &made);
    } else if (utf8_is_ascii(text)) {
        e = ldh_check(text);
        if (e == ADDRESS_OK && !(made.ascii = lower(a, text)).p)
            e = ADDRESS_NO_MEMORY;
    } else {
        e = parse_international(a, text, utf8_ok, &made);
    }
    if (e != ADDRESS_OK)
        return e;
    made.text = arena_str(a, made.kind == DOMAIN_NAME ? text : str_of(text.p + 1, text.n - 2));
    if (!made.text.p)
        return ADDRESS_NO_MEMORY;
    *to = made;
    return ADDRESS_OK;
}
