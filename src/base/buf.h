/* SPDX-License-Identifier: ISC */
/* A byte buffer that is born with its maximum. Appending past it changes nothing and sets full, which stays set until
   buf_clear: build the whole thing, look once at the end, never send half a reply. Reading takes from the front. */
#pragma once
#include <stdarg.h>
#include "base/compiler.h"
#include "base/str.h"

struct buf {
    char *p;     /* storage; data starts at p + head */
    size_t head; /* bytes consumed */
    size_t n;    /* bytes that wait to be read */
    size_t cap;  /* storage size */
    size_t max;  /* most bytes that may wait */
    bool full;   /* an append did not fit (or memory ended) */
    bool fixed;  /* storage is the caller's: never grown, never freed */
};

void buf_init(struct buf *b, size_t max);                     /* heap storage, taken when needed */
void buf_fixed(struct buf *b, void *storage, size_t size);    /* the caller's storage */
void buf_free(struct buf *b);                                 /* gives storage back; can be used again */
void buf_clear(struct buf *b);                                /* empty, full reset; keeps storage */
static inline struct str buf_str(const struct buf *b) { return (struct str){b->p ? b->p + b->head : "", b->n}; }
static inline size_t buf_room(const struct buf *b) { return b->full || b->n >= b->max ? 0 : b->max - b->n; }

void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *c); /* NUL-terminated */
void buf_add_byte(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v);  /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Room for n bytes to be written by the caller (read(2), decoders): NULL when it does not fit; then buf_wrote. */
char *buf_reserve(struct buf *b, size_t n);
void buf_wrote(struct buf *b, size_t n);
/* Drops n bytes (at most what waits) from the front. Storage is given back to the heap when the buffer runs empty and
   holds more than keep bytes: idle sessions keep nothing. */
void buf_consume(struct buf *b, size_t n);
void buf_shrink(struct buf *b, size_t keep);
