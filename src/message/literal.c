// SPDX-License-Identifier: ISC
/* Address literals, RFC 5321 4.1.3, and their canonical text (RFC 5952 for IPv6), so that two spellings of one address compare
 * equal. */
#include "message/address.h"
#include "message/inside.h"

/* Snum 3("." Snum). Leading zeros are decimal, as the grammar has them. */
bool address_literal_ipv4(struct str s, unsigned char out[4])
{
    size_t i = 0;
    for (int part = 0; part < 4; part++) {
        unsigned value = 0, digits = 0;
        for (; i < s.n && ascii_is_digit(s.p[i]) && digits < 4; i++, digits++)
            value = value * 10 + (unsigned)(s.p[i] - '0');
        if (digits == 0 || digits > 3 || value > 255)
            return false;
        out[part] = (unsigned char)value;
        if (part < 3 && (i == s.n || s.p[i++] != '.'))
            return false;
    }
    return i == s.n;
}

/* Groups of up to four hexadecimal digits up to s' end, separated by single colons; the last may be an IPv4 address (two groups).
   Returns the number of groups, or -1. */
static int take_groups(struct str s, unsigned short group[8])
{
    int n = 0;
    if (s.n == 0)
        return 0;
    for (;;) {
        size_t end = str_find(s, ':');
        struct str word = str_head(s, end);
        unsigned char v4[4];
        if (end == s.n && str_find(word, '.') < word.n) {
            if (n > 6 || !address_literal_ipv4(word, v4))
                return -1;
            group[n++] = (unsigned short)(v4[0] << 8 | v4[1]);
            group[n++] = (unsigned short)(v4[2] << 8 | v4[3]);
            return n;
        }
        if (word.n == 0 || word.n > 4 || n == 8)
            return -1;
        unsigned value = 0;
        for (size_t i = 0; i < word.n; i++) {
            if (hex_value(word.p[i]) < 0)
                return -1;
            value = value << 4 | (unsigned)hex_value(word.p[i]);
        }
        group[n++] = (unsigned short)value;
        if (end == s.n)
            return n;
        s = str_skip(s, end + 1);
        if (s.n == 0)
            return -1;
    }
}

bool address_literal_ipv6(struct str s, unsigned char out[16])
{
    unsigned short front[8], back[8], all[8] = {0};
    size_t gap = str_find_str(s, S("::"));
    int before, after = 0;
    if (gap == s.n) {
        before = take_groups(s, front);
        if (before != 8)
            return false;
    } else {
        struct str head = str_head(s, gap);
        before = str_find(head, '.') < head.n ? -1 : take_groups(head, front);
        after = take_groups(str_skip(s, gap + 2), back);
        if (before < 0 || after < 0 || before + after > 6) /* "::" stands for at least two groups */
            return false;
    }
    for (int i = 0; i < before; i++)
        all[i] = front[i];
    for (int i = 0; i < after; i++)
        all[8 - after + i] = back[i];
    for (int i = 0; i < 8; i++) {
        out[2 * i] = (unsigned char)(all[i] >> 8);
        out[2 * i + 1] = (unsigned char)(all[i] & 0xff);
    }
    return true;
}

/* RFC 5952 4: lower case, no leading zeros, the first longest run of two or more zero groups becomes "::". */
static void print_ipv6(struct buf *to, const unsigned char a[16])
{
    int best = -1, best_n = 1;
    unsigned group[8];
    for (int i = 0; i < 8; i++)
        group[i] = (unsigned)(a[2 * i] << 8 | a[2 * i + 1]);
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n > best_n) {
            best = i;
            best_n = n;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            buf_add(to, S("::"));
            i += best_n - 1;
            continue;
        }
        buf_printf(to, "%s%x", i > 0 && i != best + best_n ? ":" : "", group[i]);
    }
}

/* Standardized-tag ":" 1*dcontent */
static bool is_general(struct str s)
{
    size_t colon = str_find(s, ':');
    if (colon == s.n || colon == 0 || colon + 1 == s.n || s.p[colon - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (i < colon ? !ascii_is_alnum(c) && c != '-' : c < 33 || c > 126 || (c >= '[' && c <= ']'))
            return false;
    }
    return true;
}

enum address_error domain_parse_literal(struct arena *a, struct str inside, struct domain *to)
{
    char storage[64];
    struct buf text;
    unsigned char ip[16];
    buf_fixed(&text, storage, sizeof storage);
    if (str_starts_icase(inside, S("IPv6:"))) {
        if (!address_literal_ipv6(str_skip(inside, 5), ip))
            return ADDRESS_BAD_LITERAL;
        to->kind = DOMAIN_IPV6;
        buf_add(&text, S("[IPv6:"));
        print_ipv6(&text, ip);
    } else if (address_literal_ipv4(inside, ip)) {
        to->kind = DOMAIN_IPV4;
        buf_printf(&text, "[%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    } else if (address_literal_ipv6(inside, ip)) {
        return ADDRESS_BAD_LITERAL; /* the tag was forgotten; "2001" is nobody's Standardized-tag */
    } else if (is_general(inside)) {
        to->kind = DOMAIN_OTHER_LITERAL;
        char *p = arena_alloc(a, inside.n + 2);
        if (!p)
            return ADDRESS_NO_MEMORY;
        p[0] = '[';
        memcpy(p + 1, inside.p, inside.n);
        p[inside.n + 1] = ']';
        to->ascii = str_of(p, inside.n + 2);
        return inside.n + 2 > 255 ? ADDRESS_DOMAIN_TOO_LONG : ADDRESS_OK;
    } else {
        return ADDRESS_BAD_LITERAL;
    }
    buf_add_byte(&text, ']');
    to->ascii = arena_str(a, buf_str(&text));
    return to->ascii.p ? ADDRESS_OK : ADDRESS_NO_MEMORY;
}
