/* SPDX-License-Identifier: ISC */
#include "base/encode.h"

static const char base64_digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *to, struct str bytes)
{
    size_t need = (bytes.n + 2) / 3 * 4;
    char *out = need == 0 ? NULL : buf_reserve(to, need);
    if (!out)
        return;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;
        v |= left > 1 ? (uint32_t)(unsigned char)bytes.p[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)(unsigned char)bytes.p[i + 2] : 0;
        *out++ = base64_digits[v >> 18];
        *out++ = base64_digits[v >> 12 & 63];
        *out++ = left > 1 ? base64_digits[v >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_digits[v & 63] : '=';
    }
    buf_wrote(to, need);
}

static uint32_t base64_value(char c) /* 64: none */
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four digits to three bytes; pad: how many of the digits are '='. False: a byte that is no digit, or bits behind the end that
   are not 0. */
static bool base64_group(const char *in, unsigned pad, unsigned char out[3])
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t digit = i >= 4 - pad ? 0 : base64_value(in[i]);
        if (digit == 64)
            return false;
        v = v << 6 | digit;
    }
    out[0] = (unsigned char)(v >> 16);
    out[1] = (unsigned char)(v >> 8);
    out[2] = (unsigned char)v;
    return pad == 0 || (pad == 1 ? out[2] == 0 : out[1] == 0 && out[2] == 0);
}

bool base64_decode(struct buf *to, struct str text)
{
    if (text.n % 4 != 0)
        return false;
    if (text.n == 0)
        return true;
    unsigned pad = text.p[text.n - 1] != '=' ? 0 : text.p[text.n - 2] != '=' ? 1 : 2;
    size_t need = text.n / 4 * 3 - pad;
    char *out = buf_reserve(to, need);
    if (!out)
        return false;
    for (size_t i = 0; i < text.n; i += 4) {
        unsigned char three[3];
        unsigned here = i + 4 == text.n ? pad : 0;
        if (!base64_group(text.p + i, here, three))
            return false; /* nothing was committed with buf_wrote */
        memcpy(out, three, 3 - here);
        out += 3 - here;
    }
    buf_wrote(to, need);
    return true;
}

void hex_encode(struct buf *to, struct str bytes)
{
    char *out = bytes.n == 0 ? NULL : buf_reserve(to, bytes.n * 2);
    if (!out)
        return;
    for (size_t i = 0; i < bytes.n; i++) {
        *out++ = "0123456789abcdef"[(unsigned char)bytes.p[i] >> 4];
        *out++ = "0123456789abcdef"[(unsigned char)bytes.p[i] & 15];
    }
    buf_wrote(to, bytes.n * 2);
}

static int hex_value(char c)
{
    return ascii_is_digit(c) ? c - '0' : ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f' ? ascii_lower(c) - 'a' + 10 : -1;
}

bool hex_decode(struct buf *to, struct str text)
{
    if (text.n % 2 != 0)
        return false;
    if (text.n == 0)
        return true;
    char *out = buf_reserve(to, text.n / 2);
    if (!out)
        return false;
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_value(text.p[i]), low = hex_value(text.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *out++ = (char)(high << 4 | low);
    }
    buf_wrote(to, text.n / 2);
    return true;
}

/* ---- ids ----
   The length of the text says how many bits were mixed; an id is printed in the shortest class that holds it, and only that
   spelling is accepted. */
static const struct { unsigned chars, bits; } id_classes[] = {{5, 24}, {6, 30}, {8, 40}, {13, 64}};
static const char id_digits[33] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford: no I L O U */
static const uint64_t id_odd = 0x9e3779b97f4a7c15;

static uint64_t id_mask(unsigned bits)
{
    return bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
}

/* Odd multiplication carries differences up, the shift brings them down again; both can be undone. */
static uint64_t id_mix(uint64_t v, unsigned bits)
{
    uint64_t mask = id_mask(bits);
    for (int round = 0; round < 2; round++) {
        v = v * id_odd & mask;
        v ^= v >> (bits / 2);
    }
    return v;
}

static uint64_t id_unmix(uint64_t v, unsigned bits)
{
    uint64_t mask = id_mask(bits), inverse = id_odd;
    for (int i = 0; i < 5; i++) /* Newton: each step doubles the bits that are right, from 5 */
        inverse *= 2 - id_odd * inverse;
    for (int round = 0; round < 2; round++) {
        v ^= v >> (bits / 2); /* the upper half was not changed, so this is its own inverse */
        v = v * inverse & mask;
    }
    return v;
}

struct id_text id_text(uint64_t id)
{
    struct id_text t = {{0}};
    size_t class = 0;
    while (id > id_mask(id_classes[class].bits))
        class++;
    uint64_t v = id_mix(id, id_classes[class].bits);
    for (size_t i = id_classes[class].chars; i-- > 0; v >>= 5)
        t.c[i] = id_digits[v & 31];
    return t;
}

static bool id_digit(char c, uint64_t *v)
{
    char upper = ascii_is_alpha(c) ? (char)(ascii_lower(c) - 32) : c;
    if (upper == 'I' || upper == 'L')
        upper = '1';
    if (upper == 'O')
        upper = '0';
    const char *at = upper == 0 ? NULL : strchr(id_digits, upper);
    *v = at ? (uint64_t)(at - id_digits) : 0;
    return at != NULL;
}

bool id_parse(struct str text, uint64_t *id)
{
    for (size_t class = 0; class < sizeof id_classes / sizeof *id_classes; class++) {
        if (text.n != id_classes[class].chars)
            continue;
        uint64_t v = 0, digit;
        for (size_t i = 0; i < text.n; i++) {
            if (!id_digit(text.p[i], &digit) || v >> 59 != 0)
                return false;
            v = v << 5 | digit;
        }
        if (v > id_mask(id_classes[class].bits))
            return false;
        v = id_unmix(v, id_classes[class].bits);
        if (class > 0 && v <= id_mask(id_classes[class - 1].bits))
            return false; /* has a shorter spelling */
        *id = v;
        return true;
    }
    return false;
}
