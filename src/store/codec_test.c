/* SPDX-License-Identifier: ISC */
#include "store/codec.h"
#include "base/test.h"

TEST(numbers_and_strings)
{
    static const uint64_t numbers[] = {0,         1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX - 1,
                                       UINT64_MAX};
    struct enc e = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        enc_var(&e, numbers[i]);
        enc_str(&e, str_of("abcdefgh", i % 9));
    }
    CHECK(!e.failed);
    struct dec d = {e.p, e.n, false};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK(dec_var(&d) == numbers[i]);
        CHECK_STR(dec_str(&d), str_of("abcdefgh", i % 9));
    }
    CHECK(!d.bad && d.n == 0);
    CHECK_NUM(dec_var(&d), 0);
    CHECK(d.bad);
    for (size_t cut = 0; cut < e.n; cut++) { /* never past the end, and known to be broken */
        d = (struct dec){e.p, cut, false};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            dec_var(&d);
            dec_str(&d);
        }
        CHECK(d.bad);
    }
    enc_free(&e);
}

TEST(broken_numbers)
{
    struct dec d = dec_of(S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")); /* 65 bits */
    CHECK(dec_var(&d) == 0 && d.bad);
    d = dec_of(S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    CHECK(dec_var(&d) == UINT64_MAX && !d.bad);
    d = dec_of(S("\xff\xff\xff\xff\x1f"));
    CHECK(dec_var32(&d) == 0 && d.bad);
    d = dec_of(S("\x05""abcd"));
    CHECK(dec_str(&d).n == 0 && d.bad);
    d = dec_of(S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01""abcd"));
    CHECK(dec_str(&d).n == 0 && d.bad);
}

TEST(fixed_numbers)
{
    char p[8];
    put_u64(p, 0x0102030405060708u);
    CHECK(memcmp(p, "\x08\x07\x06\x05\x04\x03\x02\x01", 8) == 0);
    CHECK(get_u64(p) == 0x0102030405060708u && get_u32(p) == 0x05060708u);
    put_u32(p, UINT32_MAX);
    CHECK(get_u32(p) == UINT32_MAX);
}
