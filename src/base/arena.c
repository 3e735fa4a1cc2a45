/* SPDX-License-Identifier: ISC */
/* Blocks double from 1 KiB to 64 KiB; a larger request gets a block of its own. */
#include "base/arena.h"
#include "base/fail.h"
#include <stdlib.h>

enum { BLOCK_MIN = 1024, BLOCK_MAX = 64 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = _Alignof(max_align_t);
    if (n > SIZE_MAX / 2)
        return NULL;
    n = n == 0 ? align : (n + align - 1) / align * align;
    if (n > a->max - a->used)
        return NULL;
    struct arena_block *b = a->block;
    if (!b || b->size - b->used < n) {
        size_t size = b && b->size < BLOCK_MAX / 2 ? b->size * 2 : b ? BLOCK_MAX : BLOCK_MIN;
        if (size > a->max - a->used)
            size = a->max - a->used;
        if (size < n)
            size = n;
        struct arena_block *fresh = fail_malloc(sizeof *fresh + size);
        if (!fresh)
            return NULL;
        *fresh = (struct arena_block){.older = b, .used = 0, .size = size};
        a->block = b = fresh;
    }
    void *p = b->bytes + b->used;
    b->used += n;
    a->used += n;
    return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return arena_alloc(a, count * size);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    return str_of(p, s.n);
}

char *arena_str_c(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (p && s.n)
        memcpy(p, s.p, s.n);
    return p;
}

void arena_clear(struct arena *a)
{
    while (a->block) {
        struct arena_block *older = a->block->older;
        free(a->block);
        a->block = older;
    }
    a->used = 0;
}
