// SPDX-License-Identifier: ISC
/* From a struct address back to text, to a key, and to its parts. */
#include "base/utf8.h"
#include "message/address.h"
#include "message/inside.h"
#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

bool local_is_dot_atom(struct str local)
{
    bool dot = true;
    for (size_t i = 0; i < local.n; i++) {
        char c = local.p[i];
        if (c == '.' ? dot : !is_atext(c) && !is_high(c))
            return false;
        dot = c == '.';
    }
    return !dot;
}

void address_print(struct buf *to, const struct address *adr, bool ascii)
{
    if (address_is_null(adr))
        return;
    if (local_is_dot_atom(adr->local)) {
        buf_add(to, adr->local);
    } else {
        buf_add_byte(to, '"');
        for (size_t i = 0; i < adr->local.n; i++) {
            if (adr->local.p[i] == '"' || adr->local.p[i] == '\\')
                buf_add_byte(to, '\\');
            buf_add_byte(to, adr->local.p[i]);
        }
        buf_add_byte(to, '"');
    }
    if (adr->domain.text.n == 0)
        return; /* <postmaster> */
    buf_add_byte(to, '@');
    if (adr->domain.kind == DOMAIN_NAME) {
        buf_add(to, ascii ? adr->domain.ascii : adr->domain.text);
    } else {
        buf_add_byte(to, '[');
        buf_add(to, adr->domain.text);
        buf_add_byte(to, ']');
    }
}

/* Lower case and NFC: the owner of a domain may say so (RFC 5321 2.4, 6531 3.1, 5198 3). NULL when memory ended; the caller frees
 * it. */
static uint8_t *fold_utf8(struct str s, size_t *n)
{
    return u8_tolower((const uint8_t *)s.p, s.n, "", UNINORM_NFC, NULL, n);
}

struct str address_key(struct arena *a, const struct address *adr)
{
    size_t n = adr->local.n, host = adr->domain.text.n ? adr->domain.ascii.n + 1 : 0;
    uint8_t *folded = NULL;
    if (adr->utf8 && !utf8_is_ascii(adr->local) && !(folded = fold_utf8(adr->local, &n)))
        return STR_NONE;
    char *p = arena_alloc(a, n + host);
    if (p) {
        for (size_t i = 0; i < n; i++)
            p[i] = ascii_lower(folded ? (char)folded[i] : adr->local.p[i]);
        if (host) {
            p[n] = '@';
            memcpy(p + n + 1, adr->domain.ascii.p, host - 1);
        }
    }
    free(folded);
    return p ? str_of(p, n + host) : STR_NONE;
}

bool address_is_null(const struct address *adr)
{
    return adr->local.n == 0 && adr->domain.text.n == 0;
}

bool address_is_postmaster(const struct address *adr)
{
    return str_eq_icase(adr->local, S("postmaster"));
}

bool address_split(const struct address *adr, char separator, struct str *base, struct str *detail)
{
    size_t at = separator ? str_find(adr->local, separator) : adr->local.n;
    if (at == adr->local.n || at == 0)
        return false;
    *base = str_head(adr->local, at);
    *detail = str_skip(adr->local, at + 1);
    return true;
}
