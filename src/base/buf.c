/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/check.h"
#include "base/fail.h"
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fixed(struct buf *b, void *storage, size_t size)
{
    *b = (struct buf){.p = storage, .cap = size, .max = size, .fixed = true};
}

void buf_free(struct buf *b)
{
    if (!b->fixed) {
        free(b->p);
        b->p = NULL;
        b->cap = 0;
    }
    buf_clear(b);
}

void buf_clear(struct buf *b)
{
    b->head = b->n = 0;
    b->full = false;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->full || n > b->max - b->n) {
        b->full = true;
        return NULL;
    }
    if (b->p && b->cap - b->head - b->n >= n)
        return b->p + b->head + b->n;
    if (b->cap - b->n >= n && b->head > 0) { /* room once the consumed front is gone */
        memmove(b->p, b->p + b->head, b->n);
        b->head = 0;
        return b->p + b->n;
    }
    if (b->fixed) {
        b->full = true;
        return NULL;
    }
    size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
    while (cap < b->n + n)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    char *p = fail_malloc(cap);
    if (!p) {
        b->full = true;
        return NULL;
    }
    if (b->n)
        memcpy(p, b->p + b->head, b->n);
    free(b->p);
    b->p = p;
    b->cap = cap;
    b->head = 0;
    return b->p + b->n;
}

void buf_wrote(struct buf *b, size_t n)
{
    check(b->p && n <= b->cap - b->head - b->n && n <= b->max - b->n);
    b->n += n;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0)
        return;
    char *p = buf_reserve(b, s.n);
    if (!p)
        return;
    memcpy(p, s.p, s.n);
    b->n += s.n;
}

void buf_add_c(struct buf *b, const char *c)
{
    buf_add(b, str_c(c));
}

void buf_add_byte(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    buf_add(b, (struct str){digits + at, sizeof digits - at});
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        b->full = true;
    if (n > 0 && (size_t)n <= b->max - b->n && !b->full) {
        char small[512], *text = (size_t)n < sizeof small ? small : fail_malloc((size_t)n + 1);
        if (text) {
            vsnprintf(text, (size_t)n + 1, fmt, again);
            buf_add(b, str_of(text, (size_t)n));
            if (text != small)
                free(text);
        } else {
            b->full = true;
        }
    } else if (n > 0) {
        b->full = true;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->head = b->n = 0;
        return;
    }
    b->head += n;
    b->n -= n;
}

void buf_shrink(struct buf *b, size_t keep)
{
    if (!b->fixed && b->n == 0 && b->cap > keep) {
        free(b->p);
        b->p = NULL;
        b->cap = b->head = 0;
    }
}
