/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"
#include "base/test.h"

TEST(every_scalar_comes_back)
{
    char storage[8];
    struct buf b;
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        size_t n;
        buf_fixed(&b, storage, sizeof storage);
        utf8_add(&b, c);
        wrong += !utf8_is_valid(buf_str(&b)) || utf8_next(buf_str(&b), &n) != c || n != b.n ||
                 utf8_is_ascii(buf_str(&b)) != (c < 0x80);
    }
    CHECK_NUM(wrong, 0);
    buf_fixed(&b, storage, sizeof storage);
    utf8_add(&b, 0xd800);
    CHECK_STR(buf_str(&b), S("\xef\xbf\xbd"));
    buf_clear(&b);
    utf8_add(&b, 0x110000);
    CHECK_STR(buf_str(&b), S("\xef\xbf\xbd"));
}

TEST(broken)
{
    const struct str cases[] = {S("\x80"),
                                S("\xbf"),
                                S("\xc0\x80"),
                                S("\xc1\xbf"),
                                S("\xe0\x80\x80"),
                                S("\xe0\x9f\xbf"),
                                S("\xf0\x80\x80\x80"),
                                S("\xf0\x8f\xbf\xbf"),
                                S("\xed\xa0\x80"),
                                S("\xed\xbf\xbf"),
                                S("\xf4\x90\x80\x80"),
                                S("\xf5\x80\x80\x80"),
                                S("\xff"),
                                S("\xfe"),
                                S("\xc3"),
                                S("\xe2\x82"),
                                S("\xf0\x9f\x98"),
                                S("\xc3\x28"),
                                S("\xe2\x28\xa1"),
                                S("\xf8\x88\x80\x80\x80")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = 0;
        CHECK(!utf8_is_valid(cases[i]));
        CHECK(utf8_next(cases[i], &n) == 0xfffd && n == 1);
    }
    CHECK(utf8_is_valid(S("")) && utf8_is_valid(STR_NONE) && utf8_is_valid(S("a\0b")));
    CHECK(utf8_is_ascii(S("0123456789abcdef\x7f")) && !utf8_is_ascii(S("0123456789abcde\x80")) &&
          !utf8_is_ascii(S("0123\x80"
                           "456789")));
}

TEST(width)
{
    CHECK_NUM(utf8_width(S("abc")), 3);
    CHECK_NUM(utf8_width(S("Grüße")), 5);
    CHECK_NUM(utf8_width(S("日本")), 4);
    CHECK_NUM(utf8_width(S("e\xcc\x81")), 1); /* combining acute */
    CHECK_NUM(utf8_width(S("\x1b\n")), 0);
}

TEST(printable)
{
    char storage[200];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    utf8_add_printable(&b, S("a\x1b[31m\n\x7f\xff\xc2\x9b" "é\xe2\x80\xae" "fdp.exe\0z"));
    CHECK_STR(buf_str(&b), S("a\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                             "é\xef\xbf\xbd"
                             "fdp.exe\xef\xbf\xbdz"));
    CHECK(utf8_is_valid(buf_str(&b)));
}
