/* SPDX-License-Identifier: ISC */
#include "store/codec.h"

enum { FIRST_CAPACITY = 4096 };

char *enc_reserve(struct enc *e, size_t n)
{
    if (e->failed)
        return NULL;
    if (e->p && e->cap - e->n >= n)
        return e->p + e->n;
    size_t cap = e->cap ? e->cap : FIRST_CAPACITY;
    while (cap - e->n < n && cap <= SIZE_MAX / 4)
        cap *= 2;
    char *p = cap - e->n >= n ? realloc(e->p, cap) : NULL;
    if (!p) {
        e->failed = true;
        return NULL;
    }
    e->p = p;
    e->cap = cap;
    return p + e->n;
}

void enc_free(struct enc *e)
{
    free(e->p);
    *e = (struct enc){0};
}

void enc_bytes(struct enc *e, const void *p, size_t n)
{
    char *to = enc_reserve(e, n);
    if (to && n) {
        memcpy(to, p, n);
        e->n += n;
    }
}

void enc_var(struct enc *e, uint64_t v)
{
    char *to = enc_reserve(e, 10);
    if (!to)
        return;
    size_t n = 0;
    for (; v > 127; v >>= 7)
        to[n++] = (char)(unsigned char)(v | 128);
    to[n++] = (char)v;
    e->n += n;
}

void enc_str(struct enc *e, struct str s)
{
    enc_var(e, s.n);
    enc_bytes(e, s.p, s.n);
}

uint64_t dec_var(struct dec *d)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && d->n > 0; shift += 7) {
        unsigned char c = (unsigned char)*d->p;
        d->p++, d->n--;
        if (shift == 63 && c > 1)
            break;
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return v;
    }
    d->bad = true;
    d->n = 0;
    return 0;
}

uint32_t dec_var32(struct dec *d)
{
    uint64_t v = dec_var(d);
    if (v <= UINT32_MAX)
        return (uint32_t)v;
    d->bad = true;
    d->n = 0;
    return 0;
}

struct str dec_bytes(struct dec *d, size_t n)
{
    if (d->bad || n > d->n) {
        d->bad = true;
        d->n = 0;
        return (struct str){"", 0};
    }
    struct str s = {d->p, n};
    d->p += n;
    d->n -= n;
    return s;
}

struct str dec_str(struct dec *d)
{
    uint64_t n = dec_var(d);
    return dec_bytes(d, n <= d->n ? (size_t)n : SIZE_MAX);
}
