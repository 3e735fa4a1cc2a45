/* SPDX-License-Identifier: ISC */
/* Memory by lifetime. An arena grows in blocks up to its maximum, is never freed piecewise, and is cleared as one
   at the end of a connection, a transaction, or a step. Protocol code has no free(). */
#pragma once
#include "base/compiler.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *block; /* newest first */
    size_t used;               /* bytes handed out since the last clear */
    size_t max;                /* never exceeded */
};

/* max in bytes. No memory is taken before the first allocation: an idle session costs nothing here. */
void arena_init(struct arena *a, size_t max);
/* Zeroed bytes aligned for any object, or NULL when the maximum or the machine's memory is reached: the caller answers
   with a 452 or its like. */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;
/* As above for count objects of size bytes; NULL on overflow, too. */
void *arena_array(struct arena *a, size_t count, size_t size) MUST_USE;
/* A copy of s; p is NULL when there is no room. arena_str_c adds a NUL that the length does not count. */
struct str arena_str(struct arena *a, struct str s) MUST_USE;
char *arena_str_c(struct arena *a, struct str s) MUST_USE;
/* Gives all memory back; the arena can be used again. */
void arena_clear(struct arena *a);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
