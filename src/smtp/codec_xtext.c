// SPDX-License-Identifier: ISC
/* xtext (RFC 3461 4) and the UTF-8 address type of ORCPT (RFC 6533 3). */
#include "base/utf8.h"
#include "smtp/codec.h"

static const char HEX[] = "0123456789ABCDEF";

static int hex_upper(char c)
{
    return ascii_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void smtp_xtext_encode(struct buf *to, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 33 && c <= 126 && c != '+' && c != '=') {
            buf_add_byte(to, s.p[i]);
        } else {
            buf_add_byte(to, '+');
            buf_add_byte(to, HEX[c >> 4]);
            buf_add_byte(to, HEX[c & 15]);
        }
    }
}

bool smtp_xtext_decode(struct buf *to, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 33 || c > 126 || c == '=')
            return false;
        if (c != '+')
            continue;
        if (i + 2 >= s.n || hex_upper(s.p[i + 1]) < 0 || hex_upper(s.p[i + 2]) < 0)
            return false;
        i += 2;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '+') {
            buf_add_byte(to, s.p[i]);
            continue;
        }
        buf_add_byte(to, (char)(hex_upper(s.p[i + 1]) * 16 + hex_upper(s.p[i + 2])));
        i += 2;
    }
    return true;
}

/* "{HEXPOINT}" at s: its value and length; 0 length when broken. Forms and exclusions as in RFC 6533 3: no surrogates, nothing
   that QCHAR can say. */
static size_t hexpoint(struct str s, uint32_t *value)
{
    size_t n = 1, digits;
    uint32_t v = 0;
    if (s.n < 4 || s.p[0] != '{')
        return 0;
    for (; n < s.n && hex_upper(s.p[n]) >= 0 && n <= 6; n++)
        v = v * 16 + (uint32_t)hex_upper(s.p[n]);
    digits = n - 1;
    if (n == s.n || s.p[n] != '}' || digits < 2 || (digits > 2 && s.p[1] == '0') || v > 0x10ffff ||
        (v >= 0xd800 && v <= 0xdfff) || v == 0)
        return 0;
    if (v < 0x80 && v > ' ' && v != '+' && v != '=' && v != '\\' && v != 0x7f)
        return 0;
    *value = v;
    return n + 1;
}

static bool unitext_decode(struct buf *to, struct str s, bool utf8)
{
    while (s.n) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = 1;
        uint32_t v;
        if (c == '\\') {
            if (s.n < 2 || s.p[1] != 'x' || (n = hexpoint(str_skip(s, 2), &v)) == 0)
                return false;
            utf8_add(to, v);
            s = str_skip(s, 2 + n);
            continue;
        }
        if (c < 33 || c == '+' || c == '=' || c == 127 || (c > 127 && !utf8))
            return false;
        if (c > 127) {
            (void)utf8_next(s, &n);
            if (n == 1)
                return false;
        }
        buf_add(to, str_head(s, n));
        s = str_skip(s, n);
    }
    return true;
}

static bool is_utf8_type(struct str s)
{
    return str_starts_icase(s, S("utf-8;"));
}

bool smtp_orcpt_decode(struct buf *to, struct str s, bool utf8)
{
    size_t type = str_find(s, ';');
    if (type == 0 || type + 1 >= s.n) /* a type and an address */
        return false;
    for (size_t i = 0; i < type; i++) /* atom, RFC 3461 4.2 */
        if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    struct str head = str_head(s, type + 1), tail = str_skip(s, type + 1);
    struct buf plain;
    char storage[SMTP_COMMAND_MAX];
    buf_fixed(&plain, storage, sizeof storage);
    if (!(is_utf8_type(s) ? unitext_decode(&plain, tail, utf8) : smtp_xtext_decode(&plain, tail)) || plain.full)
        return false;
    if (str_eq(buf_str(&plain), S("<>"))) /* the null path is nobody's address */
        return false;
    buf_add(to, head);
    buf_add(to, buf_str(&plain));
    return true;
}

static void unitext_encode(struct buf *to, struct str s, bool utf8)
{
    while (s.n) {
        size_t n = 1;
        uint32_t v = utf8_next(s, &n);
        bool plain = v > ' ' && v < 0x7f && v != '\\' && v != '+' && v != '=';
        if (plain || (v > 0x7f && utf8)) {
            buf_add(to, str_head(s, n));
        } else {
            char digits[8];
            size_t at = sizeof digits;
            do
                digits[--at] = HEX[v & 15];
            while ((v >>= 4) != 0);
            if (at == sizeof digits - 1)
                digits[--at] = '0';
            buf_add(to, S("\\x{"));
            buf_add(to, str_of(digits + at, sizeof digits - at));
            buf_add_byte(to, '}');
        }
        s = str_skip(s, n);
    }
}

void smtp_orcpt_encode(struct buf *to, struct str orcpt, bool utf8)
{
    size_t type = str_find(orcpt, ';');
    buf_add(to, str_head(orcpt, type + 1));
    if (is_utf8_type(orcpt))
        unitext_encode(to, str_skip(orcpt, type + 1), utf8);
    else
        smtp_xtext_encode(to, str_skip(orcpt, type + 1));
}
