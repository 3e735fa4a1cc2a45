// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "smtp/codec.h"

static struct buf out;
static char storage[65536];

static struct str fresh(void)
{
    buf_fixed(&out, storage, sizeof storage);
    return STR_NONE;
}

/* --- replies ------------------------------------------------------------- */

TEST(reply_add)
{
    static const struct { unsigned code; const char *status, *text, *want; bool utf8; } cases[] = {
        {250, "2.0.0", "Ok", "250 2.0.0 Ok\r\n", false},
        {250, NULL, "mail.test\nPIPELINING\nSIZE 5", "250-mail.test\r\n250-PIPELINING\r\n250 SIZE 5\r\n", false},
        {551, "5.7.1", "one\ntwo", "551-5.7.1 one\r\n551 5.7.1 two\r\n", false},
        {354, "", "", "354 \r\n", false},
        {250, "2.0.0", "a\rb\tc\x7f", "250 2.0.0 a b c \r\n", false},
        {250, "2.0.0", "caf\xc3\xa9 \xff", "250 2.0.0 caf? ?\r\n", false},
        {250, "2.0.0", "caf\xc3\xa9 \xff \xc2\x85", "250 2.0.0 caf\xc3\xa9 ? ?\r\n", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        fresh();
        smtp_reply_add(&out, cases[i].code, cases[i].status, str_c(cases[i].text), cases[i].utf8);
        CHECK_STR(buf_str(&out), str_c(cases[i].want));
    }
}

TEST(reply_line_is_never_longer_than_512)
{
    char text[2000];
    memset(text, 'x', sizeof text);
    text[1000] = '\n';
    fresh();
    smtp_reply_add(&out, 550, "5.1.1", str_of(text, sizeof text), false);
    struct str rest = buf_str(&out), line;
    line = str_cut(rest, '\n', &rest);
    CHECK_NUM(line.n + 1, 512);
    line = str_cut(rest, '\n', &rest);
    CHECK_NUM(line.n + 1, 512);
    CHECK_NUM(rest.n, 0);
}

TEST(reply_feed)
{
    static const struct { const char *lines; enum smtp_reply_step step; unsigned code; const char *text; } cases[] = {
        {"220", SMTP_REPLY_DONE, 220, ""},
        {"220 ", SMTP_REPLY_DONE, 220, ""},
        {"220 OK", SMTP_REPLY_DONE, 220, "OK"},
        {"250-a|250-|250 c", SMTP_REPLY_DONE, 250, "a\n\nc"},
        {"250-a", SMTP_REPLY_MORE, 250, "a"},
        {"550 we got '\x03'", SMTP_REPLY_DONE, 550, "we got ' '"},
        {"22X OK", SMTP_REPLY_BROKEN, 0, NULL},
        {"220OK", SMTP_REPLY_BROKEN, 0, NULL},
        {"200-This is|250 inconsistent", SMTP_REPLY_BROKEN, 0, NULL},
        {"699 obscure", SMTP_REPLY_BROKEN, 0, NULL},
        {"100 invalid", SMTP_REPLY_BROKEN, 0, NULL},
        {"", SMTP_REPLY_BROKEN, 0, NULL},
        {" 20 x", SMTP_REPLY_BROKEN, 0, NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct smtp_reply_reader r = {0};
        struct str rest = str_c(cases[i].lines);
        enum smtp_reply_step step = SMTP_REPLY_MORE;
        fresh();
        do
            step = smtp_reply_feed(&r, str_cut(rest, '|', &rest), &out);
        while (rest.n && step == SMTP_REPLY_MORE);
        CHECK_NUM(step, cases[i].step);
        CHECK_NUM(r.code, cases[i].code);
        if (cases[i].text)
            CHECK_STR(buf_str(&out), str_c(cases[i].text));
    }
}

TEST(status_take)
{
    static const struct { unsigned code; const char *text, *status, *rest; } cases[] = {
        {250, "2.1.0 Originator ok", "2.1.0", "Originator ok"}, {550, "5.7.1", "5.7.1", ""},
        {550, "5.123.456 x", "5.123.456", "x"},
        {550, "4.7.1 class differs", "", "4.7.1 class differs"}, {550, "5.1.1x", "", "5.1.1x"},
        {550, "5.1234.1 x", "", "5.1234.1 x"},
        {550, "5..1 x", "", "5..1 x"},                           {550, "5.1 x", "", "5.1 x"},
        {354, "3.1.1 x", "", "3.1.1 x"},
        {550, "5.01.1 x", "", "5.01.1 x"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str text = str_c(cases[i].text);
        char status[12];
        CHECK_NUM(smtp_status_take(cases[i].code, &text, status), cases[i].status[0] != 0);
        CHECK_STR(str_c(status), str_c(cases[i].status));
        CHECK_STR(text, str_c(cases[i].rest));
    }
}

/* --- extensions ---------------------------------------------------------- */

TEST(caps)
{
    struct smtp_caps c = {0};
    static const char *const lines[] = {"PIPELINING",
                                        "size 1000000",
                                        "8BITMIME",
                                        "AUTH SCRAM-SHA-256  PLAIN",
                                        "AUTH=LOGIN",
                                        "STARTTLS",
                                        "LIMITS MAILMAX=5 RCPTMAX=20 X=y",
                                        "DSN",
                                        "CHUNKING ",
                                        "",
                                        "  ",
                                        "XUNKNOWN a b"};
    for (size_t i = 0; i < countof(lines); i++)
        smtp_caps_line(&c, str_c(lines[i]));
    CHECK(c.pipelining && c.size && c.eightbitmime && c.auth && c.starttls && c.dsn && c.chunking);
    CHECK(!c.smtputf8 && !c.binarymime && !c.requiretls && !c.enhancedstatuscodes);
    CHECK_NUM(c.size_max, 1000000);
    CHECK_NUM(c.rcpt_max, 20);
    CHECK_NUM(c.mail_max, 5);
    CHECK_STR(str_c(c.mechanisms), S("SCRAM-SHA-256 PLAIN LOGIN"));
    smtp_caps_line(&c, S("SIZE"));
    CHECK_NUM(c.size_max, 0);
    for (int i = 0; i < 40; i++)
        smtp_caps_line(&c, S("AUTH A-RATHER-LONG-NAME"));
    CHECK(strlen(c.mechanisms) < sizeof c.mechanisms);
}

/* --- xtext, ORCPT -------------------------------------------------------- */

TEST(xtext)
{
    static const struct {
        const char *wire, *plain;
    } good[] = {{"", ""}, {"abc", "abc"}, {"a+2Bb+3Dc+20d", "a+b=c d"}, {"+00+FF", NULL}};
    static const char *const bad[] = {"a b", "a=b", "+", "+2", "+2b", "+G0", "a\x7f", "a\xc3", "a\tb"};
    for (size_t i = 0; i < countof(good); i++) {
        fresh();
        CHECK(smtp_xtext_decode(&out, str_c(good[i].wire)));
        CHECK_STR(buf_str(&out), good[i].plain ? str_c(good[i].plain) : S("\0\xff"));
        char again[64];
        struct buf b;
        buf_fixed(&b, again, sizeof again);
        smtp_xtext_encode(&b, buf_str(&out));
        CHECK_STR(buf_str(&b), str_c(good[i].wire));
    }
    for (size_t i = 0; i < countof(bad); i++) {
        fresh();
        CHECK(!smtp_xtext_decode(&out, str_c(bad[i])));
        CHECK_NUM(out.n, 0);
    }
}

TEST(orcpt)
{
    static const struct { const char *wire, *plain; bool utf8; } cases[] = {
        {"rfc822;bob@example.org", "rfc822;bob@example.org", false},
        {"rfc822;b+2Bb@x", "rfc822;b+b@x", false},
        {"utf-8;\\x{7528}@x", "utf-8;\xe7\x94\xa8@x", false},
        {"UTF-8;\xe7\x94\xa8@x", "UTF-8;\xe7\x94\xa8@x", true},
        {"utf-8;a\\x{2B}\\x{3D}\\x{5C}b", "utf-8;a+=\\b", false},
        {"utf-8;\\x{10FFFF}", "utf-8;\xf4\x8f\xbf\xbf", false},
        {"x400;abc", "x400;abc", false},
        /* broken */
        {"rfc822;", NULL, false},
        {"rfc822", NULL, false},
        {";bob", NULL, false},
        {"rfc 822;bob", NULL, false},
        {"rfc822;b\xc3\xa9", NULL, true},
        {"utf-8;\xe7\x94\xa8@x", NULL, false},
        {"utf-8;\xe7\x94", NULL, true},
        {"utf-8;\\x{D800}", NULL, false},
        {"utf-8;\\x{110000}", NULL, false},
        {"utf-8;\\x{41}", NULL, false},
        {"utf-8;\\x{0}", NULL, false},
        {"utf-8;\\x{7528", NULL, false},
        {"utf-8;\\y{7528}", NULL, false},
        {"utf-8;\\", NULL, false},
        {"utf-8;a+2Bb", NULL, false},
        {"++", NULL, false},
        {"rfc822;++", NULL, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        fresh();
        bool ok = smtp_orcpt_decode(&out, str_c(cases[i].wire), cases[i].utf8);
        CHECK_NUM(ok, cases[i].plain != NULL);
        if (!ok || !cases[i].plain)
            continue;
        CHECK_STR(buf_str(&out), str_c(cases[i].plain));
        char again[64];
        struct buf b;
        buf_fixed(&b, again, sizeof again);
        smtp_orcpt_encode(&b, buf_str(&out), cases[i].utf8);
        CHECK_STR(buf_str(&b), str_c(cases[i].wire));
    }
}

/* --- parameters ---------------------------------------------------------- */

static const struct smtp_caps ALL = {.esmtp = true,
                                     .pipelining = true,
                                     .size = true,
                                     .eightbitmime = true,
                                     .smtputf8 = true,
                                     .enhancedstatuscodes = true,
                                     .chunking = true,
                                     .binarymime = true,
                                     .dsn = true,
                                     .auth = true,
                                     .requiretls = true,
                                     .mt_priority = true};

TEST(mail_params)
{
    static const struct { const char *text; unsigned code; } cases[] = {
        {"", 0}, {"   ", 0}, {" SIZE=0", 0}, {" size=12345678901234567890", 0}, {" SIZE=99999999999999999999", 0},
        {" SIZE=123456789012345678901", 501},
        {" SIZE=", 501}, {" SIZE", 501}, {" SIZE=-1", 501}, {" SIZE=1 SIZE=1", 501}, {"SIZE=1", 501}, {" BODY=7bit", 0},
        {" BODY=8BITMIME", 0},
        {" BODY=BINARYMIME", 0}, {" BODY=x", 501}, {" SMTPUTF8", 0}, {" SMTPUTF8=1", 501}, {" RET=FULL", 0}, {" RET=hdrs", 0},
        {" RET=HDR", 501},
        {" ENVID=abc+2B", 0}, {" ENVID=+07", 501}, {" ENVID=a=b", 501}, {" AUTH=<>", 0}, {" AUTH=e+3Dmc2@example.com", 0},
        {" AUTH=user", 0}, {" AUTH=<user>", 501},
        {" AUTH=a+20b", 501}, {" REQUIRETLS", 0}, {" REQUIRETLS=1", 501}, {" MT-PRIORITY=0", 0}, {" mt-priority=9", 0},
        {" MT-PRIORITY=-9", 0}, {" MT-PRIORITY=-0", 501}, {" MT-PRIORITY=10", 501}, {" MT-PRIORITY=+1", 501}, {" MT-PRIORITY=", 501},
        {" MT-PRIORITY", 501}, {" MT-PRIORITY=-", 501}, {" MT-PRIORITY=01", 501}, {" MT-PRIORITY=1 MT-PRIORITY=1", 501},
        {" MT-PRIORITY=a", 501}, {" XFOO=1", 555}, {" -X=1", 501}, {" =1", 501},
        {" X=\xc3\xa9", 501},
        {" SMTPUTF8 X=\xc3\xa9", 555}, {" SMTPUTF8 X=\xc3", 501}, {" NOTIFY=NEVER", 555},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        struct smtp_envelope e = {0};
        arena_init(&a, 65536);
        struct smtp_refusal r = smtp_mail_params(&a, str_c(cases[i].text), &ALL, &e);
        if (r.code != cases[i].code)
            test_fail(__FILE__, __LINE__, "<%s> gave %u", cases[i].text, r.code);
        CHECK_NUM(r.code, cases[i].code);
        arena_clear(&a);
    }
    static const char *const offered_nothing[] = {" SIZE=1",  " BODY=7BIT", " SMTPUTF8",  " RET=FULL",
                                                  " ENVID=x", " AUTH=<>",   " REQUIRETLS", " MT-PRIORITY=1"};
    for (size_t i = 0; i < countof(offered_nothing); i++) {
        struct arena a;
        struct smtp_envelope e = {0};
        arena_init(&a, 65536);
        CHECK_NUM(smtp_mail_params(&a, str_c(offered_nothing[i]), &(struct smtp_caps){0}, &e).code, 555);
        arena_clear(&a);
    }
}

TEST(params_without_memory)
{
    struct arena a;
    struct smtp_envelope e = {0};
    struct smtp_rcpt r = {0};
    arena_init(&a, 0);
    CHECK_NUM(smtp_mail_params(&a, S(" ENVID=abc"), &ALL, &e).code, 452);
    CHECK_NUM(smtp_rcpt_params(&a, S(" ORCPT=rfc822;abc"), &ALL, false, &r).code, 452);
}

/* --- data ---------------------------------------------------------------- */

/* Reads all of in, handed over in pieces of at most step octets, output drained so that at most room octets ever wait. */
static struct str read_all(struct smtp_data_reader *r, struct str in, size_t step, size_t room, struct str *left)
{
    static char result[65536];
    size_t n = 0;
    while (in.n && !r->ended) {
        char small[256];
        struct buf b;
        buf_fixed(&b, small, room);
        struct str piece = str_head(in, step);
        size_t before = piece.n;
        smtp_data_read(r, &piece, &b);
        in = str_skip(in, before - piece.n);
        memcpy(result + n, buf_str(&b).p, b.n);
        n += b.n;
    }
    *left = in;
    return str_of(result, n);
}

TEST(data_reader)
{
    static const struct { struct str in, out, left; bool ended, bare; } cases[] = {
        {{".\r\n", 3}, {"", 0}, {"", 0}, true, false},
        {{".\r\nQUIT", 7}, {"", 0}, {"QUIT", 4}, true, false},
        {{"a\r\n.\r\n", 6}, {"a\r\n", 3}, {"", 0}, true, false},
        {{"\r\n.\r\n", 5}, {"\r\n", 2}, {"", 0}, true, false},
        {{"..\r\n...\r\n.a\r\n.\r\n", 16}, {".\r\n..\r\na\r\n", 10}, {"", 0}, true, false},
        {{"a\n.\nb\r\n.\r\n", 10}, {"a\r\n\r\nb\r\n", 8}, {"", 0}, true, true},
        {{"a\n.\r\nb\r\n.\r\n", 11}, {"a\r\n\r\nb\r\n", 8}, {"", 0}, true, true},
        {{"a\r.\rb\r\n.\r\n", 10}, {"a\r\n\r\nb\r\n", 8}, {"", 0}, true, true},
        {{"a\r\n.\nb\r\n.\r\n", 11}, {"a\r\n\r\nb\r\n", 8}, {"", 0}, true, true},
        {{"a\r\n.\rb\r\n.\r\n", 11}, {"a\r\n\r\nb\r\n", 8}, {"", 0}, true, true},
        {{"a\r\n.\r\r\n.\r\n", 10}, {"a\r\n\r\n\r\n", 7}, {"", 0}, true, true},
        {{"a\r\r\n.\r\n", 7}, {"a\r\n\r\n", 5}, {"", 0}, true, true},
        {{"\n.\r\n", 4}, {"\r\n\r\n", 4}, {"", 0}, false, true},
        {{"a\r\n.", 4}, {"a\r\n", 3}, {"", 0}, false, false},
        {{"a\0b\r\n.\r\n", 8}, {"a\0b\r\n", 5}, {"", 0}, true, false},
    };
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t step = 1; step < 20; step++)
            for (size_t room = SMTP_DATA_ROOM; room < 40; room += 7) {
                struct smtp_data_reader r = {.dots = true};
                struct str left, got = read_all(&r, cases[i].in, step, room, &left);
                CHECK_STR(got, cases[i].out);
                CHECK_STR(left, cases[i].left);
                CHECK(r.ended == cases[i].ended && r.bare == cases[i].bare);
            }
}

TEST(data_reader_without_dots)
{
    struct smtp_data_reader r = {.dots = false};
    struct str left, got = read_all(&r, S(".\r\n..a\nb\r"), 3, 64, &left);
    CHECK_STR(got, S(".\r\n..a\r\nb"));
    fresh();
    smtp_data_read_end(&r, &out);
    CHECK_STR(buf_str(&out), S("\r\n"));
    CHECK(r.bare && !r.ended);
}

TEST(data_writer)
{
    static const struct { struct str in; const char *out; } cases[] = {
        {{"", 0}, ".\r\n"},
        {{"foo\r\n.\r\n", 8}, "foo\r\n..\r\n.\r\n"},
        {{"foo\n.\n", 6}, "foo\r\n..\r\n.\r\n"},
        {{".foo\r\n.\r\nfoo\r\n", 14}, "..foo\r\n..\r\nfoo\r\n.\r\n"},
        {{"a", 1}, "a\r\n.\r\n"},
        {{"a\r", 2}, "a\r\n.\r\n"},
        {{"a\r\r\nb\n\rc", 8}, "a\r\n\r\nb\r\n\r\nc\r\n.\r\n"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t step = 1; step < 10; step++) {
            struct smtp_data_writer w = {.dots = true};
            char all[256];
            size_t n = 0;
            for (struct str in = cases[i].in; in.n;) {
                char small[12];
                struct buf b;
                buf_fixed(&b, small, sizeof small);
                struct str piece = str_head(in, step);
                size_t before = piece.n;
                smtp_data_write(&w, &piece, &b);
                in = str_skip(in, before - piece.n);
                memcpy(all + n, buf_str(&b).p, b.n);
                n += b.n;
            }
            fresh();
            CHECK(smtp_data_write_end(&w, &out));
            memcpy(all + n, buf_str(&out).p, out.n);
            CHECK_STR(str_of(all, n + out.n), str_c(cases[i].out));
        }
}

/* What the writer sends, the reader gives back, whatever the octets; and nothing bare is ever sent. */
TEST(writer_and_reader_agree)
{
    uint64_t dice = 42;
    for (int round = 0; round < 3000; round++) {
        char text[40], wire[256];
        size_t n = (size_t)(dice >> 20) % sizeof text;
        for (size_t i = 0; i < n; i++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            text[i] = ".\r\nab\0"[(dice >> 33) % 6];
        }
        struct smtp_data_writer w = {.dots = true};
        struct buf b;
        struct str in = str_of(text, n), left;
        buf_fixed(&b, wire, sizeof wire);
        smtp_data_write(&w, &in, &b);
        CHECK(smtp_data_write_end(&w, &b) && in.n == 0);
        struct smtp_data_reader plain = {.dots = false}, r = {.dots = true};
        fresh();
        in = str_of(text, n);
        smtp_data_read(&plain, &in, &out);
        smtp_data_read_end(&plain, &out);
        struct str got = read_all(&r, buf_str(&b), 1 + (size_t)(dice >> 40) % 9, 16, &left);
        CHECK_STR(got, buf_str(&out));
        CHECK(r.ended && !r.bare && left.n == 0);
        dice += 0x9e3779b97f4a7c15u;
    }
}
