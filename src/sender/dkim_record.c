// SPDX-License-Identifier: ISC
/* Keys in the DNS, RFC 6376 3.6. */
#include "base/encode.h"
#include "sender/inside.h"

void dkim_record_name(struct buf *to, const struct dkim_key *k)
{
    buf_add(to, k->selector);
    buf_add(to, S("._domainkey."));
    buf_add(to, k->domain);
}

void dkim_record_text(struct buf *to, enum dkim_alg alg, struct str public_key, struct str service)
{
    buf_add_c(to, alg == DKIM_ED25519 ? "v=DKIM1; k=ed25519; " : "v=DKIM1; k=rsa; ");
    if (service.n) {
        buf_add(to, S("s="));
        buf_add(to, service);
        buf_add(to, S("; "));
    }
    buf_add(to, S("p="));
    base64_encode(to, public_key);
}

void dkim_record_zone(struct buf *to, const struct dkim_key *k, struct str text)
{
    dkim_record_name(to, k);
    buf_add(to, S(". IN TXT ("));
    do {
        buf_add(to, S(" \""));
        for (size_t i = 0; i < text.n && i < 255; i++) {
            if (text.p[i] == '"' || text.p[i] == '\\')
                buf_add_byte(to, '\\');
            buf_add_byte(to, text.p[i]);
        }
        buf_add_byte(to, '"');
        text = str_skip(text, 255);
    } while (text.n);
    buf_add(to, S(" )"));
}

/* --- reading --- */

/* The next tag=value of a tag-list, 3.2; false at the end. *broken: it is none. */
static bool tag_next(struct str *rest, struct str *name, struct str *value, bool *broken)
{
    *rest = str_trim(*rest);
    if (rest->n == 0)
        return false;
    struct str one = str_cut(*rest, ';', rest);
    *name = str_trim(str_cut(one, '=', value));
    *value = str_trim(*value);
    *broken = name->n == 0 || str_find(one, '=') == one.n || !ascii_is_alpha(name->p[0]);
    for (size_t i = 0; i < name->n; i++)
        *broken |= !ascii_is_alnum(name->p[i]) && name->p[i] != '_';
    for (size_t i = 0; i < value->n; i++) {
        char c = value->p[i];
        *broken |= c < '\t' || (c > '\r' && c < ' ') || c == 0x7f;
    }
    return true;
}

/* Is word among the parts separated by colons? */
static bool listed(struct str list, struct str word)
{
    while (list.n)
        if (str_eq(str_trim(str_cut(list, ':', &list)), word))
            return true;
    return false;
}

static bool base64_is_ok(struct str s)
{
    size_t data = 0, pads = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        if (c != '=' && (pads || (!ascii_is_alnum(c) && c != '+' && c != '/')))
            return false;
        pads += c == '=';
        data++;
    }
    return data % 4 == 0 && pads <= 2;
}

bool dkim_record_parse(struct str text, struct dkim_record *to)
{
    struct str rest = text, name, value, seen[32];
    size_t tags = 0;
    bool broken = false, key = false;
    *to = (struct dkim_record){.alg = DKIM_RSA};
    while (tag_next(&rest, &name, &value, &broken)) {
        if (broken || tags == countof(seen))
            return false;
        for (size_t i = 0; i < tags; i++)
            if (str_eq(seen[i], name)) /* 3.2: twice makes the whole list invalid */
                return false;
        if (str_eq(name, S("v")) && (tags > 0 || !str_eq(value, S("DKIM1"))))
            return false;
        seen[tags++] = name;
        if (str_eq(name, S("k")) && !dkim_alg_parse(value, &to->alg))
            return false;
        if (str_eq(name, S("h")) && !listed(value, S("sha256")))
            return false;
        if (str_eq(name, S("s")) && !listed(value, S("*")) && !listed(value, S("email")))
            return false;
        if (str_eq(name, S("t"))) {
            to->testing = listed(value, S("y"));
            to->strict = listed(value, S("s"));
        }
        if (str_eq(name, S("p"))) {
            key = base64_is_ok(value);
            to->public_base64 = value;
            to->revoked = value.n == 0;
        }
    }
    return key;
}
