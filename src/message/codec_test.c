// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/mime.h"

static void decode(enum mime_encoding e, struct str in, size_t cut, struct buf *out)
{
    struct mime_decoder d;
    mime_decoder_init(&d, e);
    while (in.n > 0) {
        struct str piece = str_head(in, cut);
        in = str_skip(in, piece.n);
        mime_decode(&d, &piece, out);
        CHECK_NUM(piece.n, 0);
    }
    mime_decode_end(&d, out);
}

TEST(decoding)
{
    static const struct {
        enum mime_encoding e;
        const char *in, *out;
    } cases[] = {
        {MIME_QUOTED_PRINTABLE, "a=3Db=\r\nc", "a=bc"},
        {MIME_QUOTED_PRINTABLE, "foo\t=\nbar", "foo\tbar"},
        {MIME_QUOTED_PRINTABLE, "foo =\t\r\nbar", "foo bar"},
        {MIME_QUOTED_PRINTABLE, "foo  \r\nbar \t", "foo\r\nbar"},
        {MIME_QUOTED_PRINTABLE, "=e4=E4", "\xe4\xe4"},
        {MIME_QUOTED_PRINTABLE, "foo=", "foo"},
        {MIME_QUOTED_PRINTABLE, "foo=Ax=xy", "foo=Ax=xy"},
        {MIME_QUOTED_PRINTABLE, "===41", "==A"},
        {MIME_QUOTED_PRINTABLE, "foo= bar", "foo= bar"},
        {MIME_QUOTED_PRINTABLE, "a_b", "a_b"},
        {MIME_BASE64, "TWFu", "Man"},
        {MIME_BASE64, "TW\r\nFu\nTQ==", "ManM"},
        {MIME_BASE64, "TQ==TWE=TWFu", "MMaMan"},
        {MIME_BASE64, "T W!F-u", "Man"},
        {MIME_BASE64, "TWE", "Ma"},
        {MIME_BASE64, "====", ""},
        {MIME_BASE64, "", ""},
        {MIME_UUENCODE, "noise\nbegin 644 cat.txt\n#0V%T\n`\nend\nmore\n", "Cat"},
        {MIME_UUENCODE, "begin 644 x\r\n#0V%T\r\n", "Cat"},
        {MIME_8BIT, "a\r\nb", "a\r\nb"},
        {MIME_UNKNOWN_ENCODING, "a=20", "a=20"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t cut = 1; cut < 12; cut++) {
            struct buf b;
            buf_init(&b, 10000);
            decode(cases[i].e, str_c(cases[i].in), cut, &b);
            CHECK_STR(buf_str(&b), str_c(cases[i].out));
            buf_free(&b);
        }
}

TEST(encoding)
{
    static const struct {
        enum mime_encoding e;
        bool text;
        const char *in, *out;
    } cases[] = {
        {MIME_QUOTED_PRINTABLE, true, "a=b\r\nc \r\n\td", "a=3Db\r\nc=20\r\n\td"},
        {MIME_QUOTED_PRINTABLE, true, "end ", "end=20"},
        {MIME_QUOTED_PRINTABLE, true, "a\rb\nc", "a=0Db=0Ac"},
        {MIME_QUOTED_PRINTABLE, false, "a\r\nb", "a=0D=0Ab"},
        {MIME_QUOTED_PRINTABLE, true, ".\r\nFrom x\r\nto .", "=2E\r\n=46rom x\r\nto ."},
        {MIME_QUOTED_PRINTABLE, true, "\xc3\xa4", "=C3=A4"},
        {MIME_QUOTED_PRINTABLE, true, "--b\r\n-", "=2D-b\r\n=2D"},
        {MIME_QUOTED_PRINTABLE, true, "012345678901234567890123456789012345678901234567890123456789012345678901234--b",
         "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n=2D-b"},
        {MIME_QUOTED_PRINTABLE, true, " \r", " =0D"},
        {MIME_QUOTED_PRINTABLE, true,
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5678901234567890"},
        {MIME_BASE64, false, "Man", "TWFu\r\n"},
        {MIME_BASE64, false, "M", "TQ==\r\n"},
        {MIME_BASE64, false, "", ""},
        {MIME_BASE64, false, "012345678901234567890123456789012345678901234567890123456789",
         "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\r\nNzg5\r\n"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t cut = 1; cut < 70; cut += 3) {
            struct buf b, back;
            struct mime_encoder x;
            struct str in = str_c(cases[i].in);
            buf_init(&b, 10000);
            buf_init(&back, 10000);
            mime_encoder_init(&x, cases[i].e, cases[i].text);
            while (in.n > 0) {
                struct str piece = str_head(in, cut);
                in = str_skip(in, piece.n);
                mime_encode(&x, &piece, &b);
                CHECK_NUM(piece.n, 0);
            }
            mime_encode_end(&x, &b);
            CHECK_STR(buf_str(&b), str_c(cases[i].out));
            decode(cases[i].e, buf_str(&b), cut, &back);
            CHECK_STR(buf_str(&back), str_c(cases[i].in));
            buf_free(&b);
            buf_free(&back);
        }
    CHECK_NUM(mime_base64_size(0), 0);
    CHECK_NUM(mime_base64_size(57), 78);
    CHECK_NUM(mime_base64_size(58), 84);
}

TEST(charsets)
{
    static const struct {
        const char *charset;
        const char *in;
        size_t n;
        const char *out;
        bool known;
    } cases[] = {
        {"utf-8", "\xe2\x82\xac", 3, "\xe2\x82\xac", true},
        {"UTF-8", "a\xe2\x82", 3, "a\xef\xbf\xbd\xef\xbf\xbd", true},
        {"us-ascii", "a\xe4\xc3\xa4", 4, "a\xc3\xa4\xc3\xa4", true},
        {"nonsense", "\xe4", 1, "\xc3\xa4", false},
        {"latin1", "\x80\xe4", 2, "\xe2\x82\xac\xc3\xa4", true},
        {"ISO-8859-15", "\xa4\xbe\xe4", 3, "\xe2\x82\xac\xc5\xb8\xc3\xa4", true},
        {"koi8-r", "\xf0", 1, "\xd0\x9f", true},
        {"shift_jis", "\x82\xa0", 2, "\xe3\x81\x82", true},
        {"gb2312", "\xc4\xe3", 2, "\xe4\xbd\xa0", true},
        {"euc-kr", "\xb0\xa1", 2, "\xea\xb0\x80", true},
        {"iso-2022-jp", "\x1b$B$\"\x1b(B!", 9, "\xe3\x81\x82!", true},
        {"utf-16le", "a\0\xe4\0", 4, "a\xc3\xa4", true},
        {"utf-7", "+AOQ-", 5, "\xc3\xa4", true},
        {"iso-2022-cn-ext", "a", 1, "a", false}, /* never reaches iconv */
    };
    charset_warm();
    charset_seal();
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t cut = 1; cut < 5; cut++) {
            struct charset_decoder d;
            struct str in = str_of(cases[i].in, cases[i].n);
            struct buf b;
            buf_init(&b, 2000);
            CHECK_NUM(charset_decoder_init(&d, str_c(cases[i].charset)), cases[i].known);
            while (in.n > 0) {
                struct str piece = str_head(in, cut);
                in = str_skip(in, piece.n);
                charset_decode(&d, &piece, &b);
                CHECK_NUM(piece.n, 0);
            }
            charset_decode_end(&d, &b);
            CHECK_STR(buf_str(&b), str_c(cases[i].out));
            buf_free(&b);
        }
}
