/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"
#include <uniwidth.h>

bool utf8_is_ascii(struct str s)
{
    size_t i = 0;
    for (; s.n - i >= 8; i += 8) {
        uint64_t v;
        memcpy(&v, s.p + i, sizeof v);
        if (v & 0x8080808080808080)
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* The first byte fixes the length and what the second byte may be (Unicode 3.9, table 3-7); 0: no scalar begins with it. */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return 2;
    if (c < 0xf0) {
        *low = c == 0xe0 ? 0xa0 : 0x80;  /* overlong */
        *high = c == 0xed ? 0x9f : 0xbf; /* surrogates */
        return 3;
    }
    *low = c == 0xf0 ? 0x90 : 0x80;
    *high = c == 0xf4 ? 0x8f : 0xbf; /* beyond U+10FFFF */
    return 4;
}

/* False: the first byte does not begin a whole scalar. */
static bool decode(struct str s, uint32_t *scalar, size_t *n)
{
    static const unsigned char lead_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned char low, high, first = (unsigned char)s.p[0];
    size_t length = lead(first, &low, &high);
    if (length == 0 || length > s.n)
        return false;
    uint32_t v = first & lead_bits[length];
    for (size_t i = 1; i < length; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < low || c > high)
            return false;
        low = 0x80;
        high = 0xbf;
        v = v << 6 | (c & 0x3f);
    }
    *scalar = v;
    *n = length;
    return true;
}

uint32_t utf8_next(struct str s, size_t *n)
{
    uint32_t scalar;
    if (decode(s, &scalar, n))
        return scalar;
    *n = 1;
    return 0xfffd;
}

bool utf8_is_valid(struct str s)
{
    uint32_t scalar;
    size_t n;
    for (; s.n > 0; s = str_skip(s, n))
        if (!decode(s, &scalar, &n))
            return false;
    return true;
}

void utf8_add(struct buf *to, uint32_t scalar)
{
    if (scalar > 0x10ffff || (scalar >= 0xd800 && scalar <= 0xdfff))
        scalar = 0xfffd;
    char c[4];
    size_t n = scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    static const unsigned char marks[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; scalar >>= 6)
        c[i] = (char)(0x80 | (scalar & 0x3f));
    c[0] = (char)(marks[n] | scalar);
    buf_add(to, str_of(c, n));
}

size_t utf8_width(struct str s)
{
    size_t width = 0, n;
    for (; s.n > 0; s = str_skip(s, n)) {
        uint32_t scalar = utf8_next(s, &n);
        int columns = scalar < 0x7f ? scalar >= 0x20 : uc_width(scalar, "UTF-8");
        width += columns > 0 ? (size_t)columns : 0;
    }
    return width;
}

/* What would move the cursor, end the line, or turn the order of what follows (the trick of names that read "txt.exe" backwards).
 */
static bool is_unprintable(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe;
}

void utf8_add_printable(struct buf *to, struct str s)
{
    size_t n;
    for (; s.n > 0; s = str_skip(s, n)) {
        uint32_t scalar = utf8_next(s, &n);
        utf8_add(to, is_unprintable(scalar) ? 0xfffd : scalar);
    }
}
