/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/fail.h"
#include "base/random.h"
#include "base/test.h"

TEST(appends_and_consumes)
{
    struct buf b;
    buf_init(&b, 100);
    CHECK_STR(buf_str(&b), S(""));
    buf_add(&b, S("abc"));
    buf_add_c(&b, "def");
    buf_add_byte(&b, '!');
    buf_add_u64(&b, 0);
    buf_add_u64(&b, UINT64_MAX);
    buf_printf(&b, "<%d %s>", -5, "x");
    buf_add(&b, STR_NONE);
    CHECK_STR(buf_str(&b), S("abcdef!018446744073709551615<-5 x>"));
    buf_consume(&b, 3);
    CHECK_STR(str_head(buf_str(&b), 4), S("def!"));
    buf_consume(&b, 1000);
    CHECK_NUM(b.n, 0);
    CHECK_NUM(b.head, 0);
    buf_shrink(&b, 0);
    CHECK(b.p == NULL && b.cap == 0);
    buf_free(&b);
}

TEST(full_stays_full_and_keeps_what_was_whole)
{
    struct buf b;
    buf_init(&b, 10);
    buf_add(&b, S("12345678"));
    CHECK_NUM(buf_room(&b), 2);
    buf_add(&b, S("abc"));
    CHECK(b.full);
    buf_add(&b, S("a")); /* would fit, but half a reply is worse than none */
    CHECK_STR(buf_str(&b), S("12345678"));
    CHECK_NUM(buf_room(&b), 0);
    CHECK(buf_reserve(&b, 1) == NULL);
    buf_consume(&b, 8);
    CHECK(b.full);
    buf_clear(&b);
    CHECK(!b.full);
    buf_printf(&b, "%s", "12345678901");
    CHECK(b.full && b.n == 0);
    buf_free(&b);
    buf_init(&b, 0);
    buf_add_byte(&b, 'x');
    CHECK(b.full);
    buf_free(&b);
}

TEST(fixed_storage_is_used_to_its_last_byte)
{
    char storage[8];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    buf_add(&b, S("12345678"));
    CHECK(!b.full && buf_room(&b) == 0);
    buf_consume(&b, 5);
    buf_add(&b, S("abcde")); /* moves the rest to the front */
    CHECK_STR(buf_str(&b), S("678abcde"));
    buf_shrink(&b, 0);
    buf_free(&b);
    CHECK(b.p == storage && b.n == 0);
}

TEST(storage_never_exceeds_the_maximum)
{
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        buf_add_byte(&b, 'x');
    CHECK(!b.full && b.cap <= 1000);
    buf_free(&b);
}

/* The same bytes come out as went in, whatever the pieces. */
TEST(random_pieces)
{
    static char in[200000], out[200000];
    struct buf b;
    size_t fed = 0, taken = 0;
    random_seed(7);
    random_bytes(in, sizeof in);
    buf_init(&b, 3000);
    while (taken < sizeof in) {
        size_t n = random_below(700), left = sizeof in - fed;
        n = n < left ? n : left;
        if (n <= buf_room(&b)) {
            buf_add(&b, str_of(in + fed, n));
            fed += n;
        }
        struct str s = str_head(buf_str(&b), random_below(900));
        if (s.n)
            memcpy(out + taken, s.p, s.n);
        taken += s.n;
        buf_consume(&b, s.n);
    }
    CHECK(!b.full && memcmp(in, out, sizeof in) == 0);
    buf_free(&b);
    random_seed(0);
}

TEST(no_memory_is_full)
{
    struct buf b;
    buf_init(&b, 10000);
    fail_alloc_at(1);
    buf_add(&b, S("abc"));
    CHECK(b.full && b.n == 0 && fail_alloc_happened());
    buf_clear(&b);
    buf_add(&b, S("abc"));
    fail_alloc_at(1);
    char *p = buf_reserve(&b, 5000);
    CHECK(!p && b.full);
    CHECK_STR(buf_str(&b), S("abc"));
    buf_clear(&b);
    fail_alloc_at(1);
    buf_printf(&b, "%600d", 1); /* its text is built apart */
    CHECK(b.full && b.n == 0);
    fail_alloc_at(0);
    buf_free(&b);
}
