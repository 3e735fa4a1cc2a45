/* SPDX-License-Identifier: ISC */
#include "base/test.h"

TEST(compares)
{
    CHECK(str_eq(S("abc"), S("abc")) && !str_eq(S("abc"), S("abd")) && !str_eq(S("abc"), S("ab")));
    CHECK(str_eq(STR_NONE, S("")));
    CHECK(str_eq_icase(S("PostMaster"), S("pOSTmASTER")) && !str_eq_icase(S("a"), S("ab")) && !str_eq_icase(S("["), S("{")));
    CHECK(!str_eq_icase(S("\xc3\x84"), S("\xc3\xa4"))); /* ASCII only */
    CHECK(str_starts(S("abc"), S("ab")) && str_starts(S("abc"), S("")) && !str_starts(S("ab"), S("abc")));
    CHECK(str_starts_icase(S("MAIL FROM:"), S("mail ")) && !str_starts_icase(S("MAI"), S("mail")));
    CHECK(str_ends(S("a.example"), S(".example")) && !str_ends(S("le"), S("example")) && str_ends(S("x"), S("")));
    CHECK(str_cmp(S("a"), S("b")) < 0 && str_cmp(S("ab"), S("a")) > 0 && str_cmp(S("ab"), S("ab")) == 0 &&
          str_cmp(S("a"), S("ab")) < 0);
    CHECK(str_cmp(S("\xff"), S("a")) > 0); /* bytes are unsigned */
    CHECK(str_cmp(STR_NONE, S("a")) < 0 && str_cmp(STR_NONE, STR_NONE) == 0);
}

TEST(cuts)
{
    struct str rest;
    CHECK_STR(str_skip(S("abc"), 1), S("bc"));
    CHECK_STR(str_skip(S("abc"), 9), S(""));
    CHECK_STR(str_head(S("abc"), 2), S("ab"));
    CHECK_STR(str_head(S("abc"), 9), S("abc"));
    CHECK_STR(str_skip(STR_NONE, 3), S(""));
    CHECK_STR(str_trim(S(" \t\r\n a b \r\n")), S("a b"));
    CHECK_STR(str_trim(S(" \t")), S(""));
    CHECK_STR(str_cut(S("k=v=w"), '=', &rest), S("k"));
    CHECK_STR(rest, S("v=w"));
    CHECK_STR(str_cut(S("k"), '=', &rest), S("k"));
    CHECK_STR(rest, S(""));
    CHECK_STR(str_cut(S("k="), '=', &rest), S("k"));
    CHECK_STR(rest, S(""));
    rest = S("  one\ttwo  three ");
    CHECK_STR(str_word(&rest), S("one"));
    CHECK_STR(str_word(&rest), S("two"));
    CHECK_STR(str_word(&rest), S("three"));
    CHECK_STR(str_word(&rest), S(""));
    CHECK_STR(str_word(&rest), S(""));
}

TEST(finds)
{
    CHECK_NUM(str_find(S("a@b@c"), '@'), 1);
    CHECK_NUM(str_find_last(S("a@b@c"), '@'), 3);
    CHECK_NUM(str_find(S("abc"), 'x'), 3);
    CHECK_NUM(str_find_last(STR_NONE, 'x'), 0);
    CHECK_NUM(str_find(S("a\0b"), 0), 1);
    CHECK_NUM(str_find_str(S("one two"), S("two")), 4);
    CHECK_NUM(str_find_str(S("one two"), S("twoo")), 7);
    CHECK_NUM(str_find_str(S("one"), S("")), 0);
    CHECK_NUM(str_find_str(STR_NONE, S("x")), 0);
}

TEST(numbers)
{
    const struct { struct str text; bool ok; uint64_t value;
    } cases[] = {
        {S("0"), true, 0},
        {S("007"), true, 7},
        {S("18446744073709551615"), true, UINT64_MAX},
        {S("18446744073709551616"), false, 0},
        {S("99999999999999999999"), false, 0},
        {S(""), false, 0},
        {S("-1"), false, 0},
        {S("+1"), false, 0},
        {S("1 "), false, 0},
        {S("0x1"), false, 0},
        {S("1\0"), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 12345;
        CHECK(str_to_u64(cases[i].text, &v) == cases[i].ok);
        CHECK(v == (cases[i].ok ? cases[i].value : 12345));
    }
}

TEST(to_c)
{
    char c[4] = "zzz";
    CHECK(str_to_c(S("abc"), c, sizeof c) && strcmp(c, "abc") == 0);
    CHECK(!str_to_c(S("abcd"), c, sizeof c) && c[0] == 0);
    CHECK(!str_to_c(S("a\0b"), c, sizeof c) && c[0] == 0);
    CHECK(str_to_c(STR_NONE, c, sizeof c) && c[0] == 0);
    CHECK(!str_to_c(S(""), c, 0));
}

TEST(classes_for_every_byte)
{
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool digit = i >= '0' && i <= '9', upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
        CHECK(ascii_is_digit(c) == digit && ascii_is_alpha(c) == (upper || lower) &&
              ascii_is_alnum(c) == (digit || upper || lower));
        CHECK(ascii_lower(c) == (upper ? (char)(i + 32) : c));
    }
}
