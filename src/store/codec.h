/* SPDX-License-Identifier: ISC */
/* Numbers and strings as they lie in the log: little-endian fixed numbers, varints (7 bits a byte, low first), strings with a
   varint length. */
#pragma once
#include <stdlib.h>
#include "base/str.h"

struct enc { /* grows; after one failure (no memory) it stays failed, look once at the end */
    char *p;
    size_t n, cap;
    bool failed;
};

/* Room for n more bytes, or NULL. What is written there counts after enc_wrote. */
char *enc_reserve(struct enc *e, size_t n);
void enc_free(struct enc *e);
void enc_bytes(struct enc *e, const void *p, size_t n);
void enc_str(struct enc *e, struct str s);
void enc_var(struct enc *e, uint64_t v);
static inline void enc_clear(struct enc *e) { e->n = 0, e->failed = false; }

static inline void put_u32(char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(unsigned char)(v >> (8 * i));
}
static inline void put_u64(char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (char)(unsigned char)(v >> (8 * i));
}
static inline uint32_t get_u32(const char *p)
{
    uint32_t v = 0;
    for (int i = 3; i >= 0; i--)
        v = v << 8 | (unsigned char)p[i];
    return v;
}
static inline uint64_t get_u64(const char *p)
{
    return (uint64_t)get_u32(p + 4) << 32 | get_u32(p);
}

struct dec { /* never reads past its end: after one broken field everything that follows is 0 or empty, and bad is set */
    const char *p;
    size_t n;
    bool bad;
};

static inline struct dec dec_of(struct str s) { return (struct dec){s.p, s.n, false}; }
uint64_t dec_var(struct dec *d);
uint32_t dec_var32(struct dec *d); /* bad when it does not fit */
struct str dec_str(struct dec *d);
struct str dec_bytes(struct dec *d, size_t n);
