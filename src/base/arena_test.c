/* SPDX-License-Identifier: ISC */
#include "base/arena.h"
#include <stddef.h>
#include "base/fail.h"
#include "base/test.h"

TEST(zeroed_and_aligned)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    CHECK(a.block == NULL); /* nothing is taken before the first allocation */
    for (size_t n = 0; n < 3000; n += 7) {
        unsigned char *p = arena_alloc(&a, n);
        CHECK(p && (uintptr_t)p % _Alignof(max_align_t) == 0);
        size_t dirty = 0;
        for (size_t i = 0; i < n; i++)
            dirty += p[i] != 0;
        CHECK_NUM(dirty, 0);
        memset(p, 0xff, n);
    }
    arena_clear(&a);
    CHECK(a.used == 0 && a.block == NULL);
    arena_clear(&a);
}

TEST(the_maximum_holds)
{
    struct arena a;
    arena_init(&a, 1024);
    CHECK(arena_alloc(&a, 1025) == NULL);
    CHECK(arena_alloc(&a, SIZE_MAX) == NULL && arena_alloc(&a, SIZE_MAX / 2 + 1) == NULL);
    CHECK(arena_alloc(&a, 1000) != NULL);
    CHECK(arena_alloc(&a, 17) == NULL);
    CHECK(arena_alloc(&a, 16) != NULL);
    CHECK(arena_alloc(&a, 0) == NULL);
    arena_clear(&a);
    CHECK(arena_alloc(&a, 1024) != NULL);
    arena_clear(&a);
}

TEST(arrays_and_strings)
{
    struct arena a;
    arena_init(&a, 100000);
    CHECK(arena_array(&a, SIZE_MAX / 2, 3) == NULL);
    CHECK(arena_array(&a, SIZE_MAX, 1) == NULL);
    CHECK(arena_array(&a, 100, 8) != NULL);
    struct str s = arena_str(&a, S("abc"));
    CHECK_STR(s, S("abc"));
    CHECK(arena_str(&a, STR_NONE).p != NULL);
    char *c = arena_str_c(&a, S("abc"));
    CHECK(c && strcmp(c, "abc") == 0);
    uint64_t *big = arena_array(&a, 9000, sizeof *big); /* more than any block: gets its own */
    CHECK(big != NULL && big[8999] == 0);
    CHECK(arena_str(&a, str_of(big, 72000)).p == NULL);
    arena_clear(&a);
}

TEST(no_memory_is_null)
{
    struct arena a;
    arena_init(&a, 100000);
    fail_alloc_at(1);
    CHECK(arena_alloc(&a, 1) == NULL);
    CHECK(arena_alloc(&a, 1) != NULL);
    fail_alloc_at(1);
    CHECK(arena_alloc(&a, 1) != NULL); /* the block has room */
    CHECK(arena_alloc(&a, 5000) == NULL);
    fail_alloc_at(0);
    arena_clear(&a);
}
