// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/header.h"

#define A50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

TEST(reader)
{
    static const struct {
        const char *in, *out;
        size_t body;
        unsigned broken;
    } cases[] = {
        {"A: b\r\nC:d\r\n\r\nbody", "A|b|C|d|", 13, 0},
        {"A: b\r\n\tc\r\n d\r\n\r\n", "A|b\r\n\tc\r\n d|", 16, 0},
        {"A: b\nC: d\n\nbody", "A|b|C|d|", 11, 0},
        {"A : b\r\n", "A|b|", 7, 0},
        {"A:\r\n\r\n", "A||", 6, 0},
        {"A: b", "A|b|", 4, 0},
        {"\r\nbody", "", 2, 0},
        {"", "", 0, 0},
        {"no header here\r\n\r\n", "", 0, 0},
        {" A: b\r\n\r\n", "", 0, 0},
        {"From a@b Thu\r\nA: b\r\n\r\n", "A|b|", 22, 1},
        {">From a@b Thu\r\nA: b\r\n\r\n", "A|b|", 23, 1},
        {"A: b\r\nbroken line\r\n and more\r\nC: d\r\n\r\n", "A|b|C|d|", 38, 1},
        {"A: b\r\n: d\r\n\r\n", "A|b|", 13, 1},
        {"A: b\r\n\rC: d\r\n\r\n", "A|b|", 15, 1},
        {"A\xc3\xa4: b\r\n", "", 0, 0},
        {A50 A50 ": b\r\n\r\n", "", 0, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char storage[500];
        struct buf b;
        struct header_reader r;
        struct header_field f;
        buf_fixed(&b, storage, sizeof storage);
        header_reader_init(&r, str_c(cases[i].in));
        while (header_next(&r, &f)) {
            buf_add(&b, f.name);
            buf_add_byte(&b, '|');
            buf_add(&b, str_trim(f.value));
            buf_add_byte(&b, '|');
        }
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        CHECK_NUM(r.at, cases[i].body);
        CHECK_NUM(r.broken, cases[i].broken);
        CHECK_NUM(header_body(str_c(cases[i].in)), cases[i].body);
    }
}

TEST(values)
{
    struct arena a;
    struct str m = S("Subject: =?utf-8?q?gr=C3=BC?=\r\n =?utf-8?q?n?=\r\n  and more \r\nsubject: second\r\nX: a\x01"
                     "b\r\n\r\nTo: body\r\n");
    arena_init(&a, 10000);
    CHECK_STR(header_value(&a, m, "SUBJECT"), S("=?utf-8?q?gr=C3=BC?= =?utf-8?q?n?=  and more"));
    CHECK_STR(header_text(&a, m, "Subject"), S("gr\xc3\xbcn  and more"));
    CHECK_STR(header_text(&a, m, "X"), S("a b"));
    CHECK_STR(header_value(&a, m, "To"), S(""));
    arena_clear(&a);
}

/* Everything is scanned whole, byte by byte, and cut at each place. */
static void scan(struct header_scan *s, struct str in, size_t cut, struct buf *pass, struct buf *captured)
{
    header_scan_init(s);
    s->drop = HEADER_BCC;
    s->capture = HEADER_FROM;
    s->captured = captured;
    while (in.n > 0) {
        struct str piece = str_head(in, cut);
        header_scan_feed(s, piece, pass);
        in = str_skip(in, piece.n);
    }
    header_scan_end(s, pass);
}

TEST(scanning)
{
    static const struct {
        const char *in, *pass, *captured;
        uint32_t seen, received, broken;
        size_t size;
        bool utf8, bad, none;
    } cases[] = {
        {"From: a@b\r\n c\r\nBcc: x,\r\n y\r\nTo: z\r\n\r\nBcc: body\r\n", "From: a@b\r\n c\r\nTo: z\r\n\r\nBcc: body\r\n",
         "From: a@b\r\n c\r\n", HEADER_FROM | HEADER_BCC | HEADER_TO, 0, 0, 37, false, false, false},
        {"Bcc: x\r\n", "", "", HEADER_BCC, 0, 0, 8, false, false, false},
        {"bcc : x\r\nReceived: a\r\nRECEIVED: b\r\n\r\n", "Received: a\r\nRECEIVED: b\r\n\r\n", "", HEADER_BCC | HEADER_RECEIVED,
         2, 0, 37, false, false, false},
        {"Subject: \xc3\xa4\r\n\r\n\xff", "Subject: \xc3\xa4\r\n\r\n\xff", "", HEADER_SUBJECT, 0, 0, 15, true, false, false},
        {"Subject: \xc3(\r\n\r\n", "Subject: \xc3(\r\n\r\n", "", HEADER_SUBJECT, 0, 0, 15, true, true, false},
        {"Subject: \xed\xa0\x80\r\n\r\n", "Subject: \xed\xa0\x80\r\n\r\n", "", HEADER_SUBJECT, 0, 0, 16, true, true, false},
        {"hello there\r\n\r\n", "hello there\r\n\r\n", "", 0, 0, 0, 0, false, false, true},
        {"\r\nbody", "\r\nbody", "", 0, 0, 0, 2, false, false, false},
        {"\rbody", "\rbody", "", 0, 0, 0, 0, false, false, true},
        {"From x\r\nDate: y\r\nbad\r\nMessage-ID: <z>\n\nb", "From x\r\nDate: y\r\nbad\r\nMessage-ID: <z>\n\nb", "",
         HEADER_DATE | HEADER_MESSAGE_ID, 0, 2, 39, false, false, false},
        {"Fro", "Fro", "", 0, 0, 0, 0, false, false, true},
        {"", "", "", 0, 0, 0, 0, false, false, false},
        {A50 A50 ": x\r\n", A50 A50 ": x\r\n", "", 0, 0, 0, 0, false, false, true},
        {"A: b\r\n" A50 A50 ": x\r\nBcc: y\r\n\r\n", "A: b\r\n" A50 A50 ": x\r\n\r\n", "", HEADER_BCC, 0, 1, 121, false, false,
         false},
        {"From: a\r\nFrom: b\r\n\r\n", "From: a\r\nFrom: b\r\n\r\n", "From: a\r\nFrom: b\r\n", HEADER_FROM, 0, 0, 20, false,
         false, false},
    };
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t cut = 1; cut <= strlen(cases[i].in) + 1; cut++) {
            struct header_scan s;
            struct buf pass, captured;
            buf_init(&pass, 1000);
            buf_init(&captured, 1000);
            scan(&s, str_c(cases[i].in), cut, &pass, &captured);
            CHECK_STR(buf_str(&pass), str_c(cases[i].pass));
            CHECK_STR(buf_str(&captured), str_c(cases[i].captured));
            CHECK_NUM(s.seen, cases[i].seen);
            CHECK_NUM(s.received, cases[i].received);
            CHECK_NUM(s.broken, cases[i].broken);
            CHECK_NUM(s.size, cases[i].size);
            CHECK(s.utf8 == cases[i].utf8 && s.bad_utf8 == cases[i].bad && s.no_header == cases[i].none && s.ended);
            buf_free(&pass);
            buf_free(&captured);
        }
}

TEST(scanning_captures_what_fits)
{
    struct header_scan s;
    char storage[8];
    struct buf captured;
    buf_fixed(&captured, storage, sizeof storage);
    scan(&s, S("From: somebody@example.org\r\n\r\n"), 3, NULL, &captured);
    CHECK_STR(buf_str(&captured), S("From: so"));
    CHECK_NUM(s.from, 1);
}

TEST(decoding)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
        {"(=?ISO-8859-1?Q?a?=)", "(a)"},
        {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
        {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
        {"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
        {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
         "If you can read this you understand the example."},
        {"=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "\xe2\x82\xac"}, /* a character over two words */
        {"=?utf-8*en?Q?a?=", "a"},
        {"=?iso-8859-15?q?=A4?=", "\xe2\x82\xac"},
        {"=?iso-8859-1?q?=805?=", "\xe2\x82\xac"
                                  "5"},
        {"=?windows-1251?b?z/Do4uXy?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
        {"=?iso-2022-jp?B?GyRCJDMbKEI=?=", "\xe3\x81\x93"},
        {"=?nosuch?q?=E4?=", "\xc3\xa4"},
        {"=?utf-8?q?=E4?=", "\xef\xbf\xbd"},
        {"raw \xe4 and \xc3\xa4", "raw \xc3\xa4 and \xc3\xa4"},
        {"=?utf-8?q?a=0D=0AX:_b=00?=", "a  X: b "},
        {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
        {"=?utf-8?q?a", "=?utf-8?q?a"},
        {"=?utf-8?q?\?= x", " x"},
        {"=?q?a?=", "=?q?a?="},
        {"a=?utf-8?q?b?=c", "abc"},
        {"=?utf-8?q?this is spaced?=", "this is spaced"},
        {"=?utf-8?q?=4=zz?=", "=4=zz"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct buf b;
        buf_init(&b, 1000);
        header_decode(&b, str_c(cases[i].in));
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        buf_free(&b);
    }
    struct buf b;
    buf_init(&b, 1000);
    header_decode_phrase(&b, S("\"Q. \\\"X\\\" (no comment)\" =?utf-8?q?=C3=A4?= (comment)  end"));
    CHECK_STR(buf_str(&b), S("Q. \"X\" (no comment) \xc3\xa4 end"));
    buf_free(&b);
}

/* What is written must be lines of at most 78 columns (where words allow), and read back the same. */
TEST(writing_text)
{
    static const char *const texts[] = {
        "short",
        "",
        "gr\xc3\xbc\xc3\x9f"
        "e",
        "a =?utf-8?q?b?= c",
        "a plain subject that is rather long and goes on for more than one line of seventy-eight columns, as some people like",
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe3\x81\xa8\xe3\x81\xa6\xe3\x82\x82\xe9\x95\xb7\xe3\x81\x84\xe4\xbb\xb6"
        "\xe5\x90\x8d\xe3\x81\xa7\xe3\x81\x99\xe3\x80\x82\xe4\xba\x8c\xe8\xa1\x8c\xe7\x9b\xae",
        "mixed gr\xc3\xbc\xc3\x9f"
        "e with plain words between m\xc3\xbctter and v\xc3\xa4ter and then a long plain tail to the end of it all",
        "one gr\xc3\xbc\xc3\x9f"
        "e "
        "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
        "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac end",
        "\xf0\x9f\x90\xa7 penny",
        "two  blanks   inside",
        A50 A50 A50,
    };
    for (size_t i = 0; i < countof(texts); i++) {
        struct buf b, back;
        buf_init(&b, 4000);
        buf_init(&back, 4000);
        header_write_text(&b, "Subject", str_c(texts[i]));
        struct str s = buf_str(&b);
        CHECK(str_starts(s, S("Subject:")) && str_ends(s, S("\r\n")));
        for (size_t k = 0, column = 0; k < s.n; k++) {
            column = s.p[k] == '\n' ? 0 : column + 1;
            CHECK(column <= 79 || strlen(texts[i]) == 150);
            CHECK((unsigned char)s.p[k] < 0x80);
        }
        header_decode(&back, str_skip(s, 8));
        CHECK_STR(buf_str(&back), str_c(texts[i]));
        buf_free(&b);
        buf_free(&back);
    }
}

TEST(writing_is_safe)
{
    struct buf b;
    buf_init(&b, 100000);
    header_write_text(&b, "Subject", S("a\r\nBcc: evil@example.org\x01z"));
    CHECK(str_find_str(buf_str(&b), S("\nBcc")) == b.n && str_find_str(buf_str(&b), S("\r\n")) == b.n - 2);
    buf_clear(&b);
    header_write_raw(&b, "References", S("<a@b>\r\n\r\n<c@d>"));
    CHECK_STR(buf_str(&b), S("References: <a@b> <c@d>\r\n"));
    buf_clear(&b);
    char big[5000];
    memset(big, 'x', sizeof big);
    header_write_raw(&b, "X", str_of(big, sizeof big));
    size_t column = 0;
    for (size_t i = 0; i < b.n; i++) {
        column = buf_str(&b).p[i] == '\n' ? 0 : column + 1;
        CHECK(column <= 999);
    }
    CHECK(header_name_is_ok(S("X-Mailer")) && !header_name_is_ok(S("X Y")) && !header_name_is_ok(S("a:b")) &&
          !header_name_is_ok(S("")) && !header_name_is_ok(S("a\r\nb")) && !header_name_is_ok(S("\xc3\xa4")));
    buf_free(&b);
}

TEST(writing_addresses)
{
    struct arena a;
    struct header_address list[6] = {{.name = S("Bob")}, {.name = S("Doe, John")},    {.name = S("J\xc3\xb6rg")},
                                     {.name = S("")},    {.name = S("\"q\" \\ (c)")}, {.name = S("Dot. Com")}};
    struct buf b;
    arena_init(&a, 10000);
    buf_init(&b, 4000);
    for (int i = 0; i < 6; i++)
        CHECK_NUM(address_parse(&a,
                                i == 3 ? S("x@b\xc3\xbc"
                                           "cher.example")
                                       : S("user@example.org"),
                                true, &list[i].adr),
                  ADDRESS_OK);
    header_write_addresses(&b, "To", list, 6, false);
    CHECK_STR(buf_str(&b), S("To: Bob <user@example.org>, \"Doe, John\" <user@example.org>,\r\n =?UTF-8?B?SsO2cmc=?= "
                             "<user@example.org>, x@xn--bcher-kva.example,\r\n"
                             " \"\\\"q\\\" \\\\ (c)\" <user@example.org>, \"Dot. Com\" <user@example.org>\r\n"));
    buf_clear(&b);
    header_write_addresses(&b, "To", list + 2, 2, true);
    CHECK_STR(buf_str(&b), S("To: J\xc3\xb6rg <user@example.org>, x@b\xc3\xbc"
                             "cher.example\r\n"));
    buf_clear(&b);
    struct header_address group[3] = {{.name = S("Us"), .group_start = true}, list[0], {.group_end = true}};
    header_write_addresses(&b, "To", group, 3, false);
    CHECK_STR(buf_str(&b), S("To: Us: Bob <user@example.org>;\r\n"));
    buf_free(&b);
    arena_clear(&a);
}
