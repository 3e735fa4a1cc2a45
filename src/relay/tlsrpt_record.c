// SPDX-License-Identifier: ISC
/* Who wants TLS reports, RFC 8460 3. */
#include "base/limits.h"
#include "message/address.h"
#include "relay/record.h"
#include "relay/tlsrpt.h"

void tlsrpt_record_name(struct buf *to, struct str domain)
{
    buf_add(to, S("_smtp._tls."));
    buf_add(to, domain);
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, ascii_lower(c));
    return c && at ? (int)(at - digits) : -1;
}

static bool uri_is_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("!\"<>\\^`{|}", s.p[i]) ||
            (s.p[i] == '%' && (i + 2 >= s.n || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)))
            return false;
    return s.n > 0;
}

/* RFC 6068: an address, percent-encoded; header fields behind a "?" are not ours to set. False: none. */
static bool mailto(struct arena *a, struct str s, struct str *to)
{
    char space[PATH_MAX_MAIL + 1];
    struct str rest;
    struct buf b;
    struct address adr;
    buf_fixed(&b, space, sizeof space);
    s = str_cut(s, '?', &rest);
    for (size_t i = 0; i < s.n; i++) {
        bool code = s.p[i] == '%';
        buf_add_byte(&b, code ? (char)(unsigned char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2])) : s.p[i]);
        i += code ? 2 : 0;
    }
    if (b.full || address_parse(a, buf_str(&b), false, &adr) != ADDRESS_OK)
        return false;
    buf_clear(&b);
    address_print(&b, &adr, true);
    *to = b.full ? STR_NONE : arena_str(a, buf_str(&b));
    return to->p != NULL;
}

/* False: the list is broken. What cannot be used is left out. */
static bool rua_parse(struct arena *a, struct str list, struct tlsrpt_record *to)
{
    while (list.n) {
        struct str uri = str_trim(str_cut(list, ',', &list));
        struct tlsrpt_rua *r = &to->rua[to->count];
        if (!uri_is_ok(uri))
            return false;
        if (to->count == TLSRPT_RUA_MAX)
            continue;
        if (str_starts_icase(uri, S("mailto:"))) {
            r->https = false;
            to->count += mailto(a, str_skip(uri, 7), &r->to);
        } else if (str_starts_icase(uri, S("https://")) && uri.n > 8 && ascii_is_alnum(uri.p[8])) {
            *r = (struct tlsrpt_rua){true, uri};
            to->count++;
        }
    }
    return true;
}

bool tlsrpt_record_parse(struct arena *a, struct str txt, struct tlsrpt_record *to)
{
    struct str name, value;
    bool seen = false;
    to->count = 0;
    if (!relay_record_begin(&txt, S("v=TLSRPTv1")))
        return false;
    while (txt.n) {
        if (!relay_record_field(&txt, &name, &value))
            return false;
        if (str_eq(name, S("rua"))) {
            if (!seen && !rua_parse(a, value, to))
                return false;
            seen = true;
        } else if (!relay_record_extension_is_ok(name, value)) {
            return false;
        }
    }
    return to->count > 0;
}

bool tlsrpt_record_choose(struct arena *a, const struct dns_answer *txt, struct tlsrpt_record *to, bool *unknown)
{
    struct str text = relay_record_only(txt, S("v=TLSRPTv1"), unknown);
    to->count = 0;
    return text.p && tlsrpt_record_parse(a, text, to);
}
