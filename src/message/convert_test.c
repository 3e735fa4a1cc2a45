// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/convert.h"

static bool convert(struct str in, enum convert_to to, size_t cut, struct buf *out)
{
    struct arena a;
    arena_init(&a, 200000);
    struct convert *c = convert_begin(&a, to);
    for (struct str rest = in; rest.n > 0;) {
        struct str piece = str_head(rest, cut);
        convert_look(c, piece);
        rest = str_skip(rest, piece.n);
    }
    bool changed = convert_looked(c);
    for (struct str rest = in; rest.n > 0;) {
        char storage[3000];
        struct buf b;
        struct str piece = str_head(rest, cut), left = piece;
        buf_fixed(&b, storage, sizeof storage);
        convert_feed(c, &left, &b);
        buf_add(out, buf_str(&b));
        rest = str_skip(rest, piece.n - left.n);
    }
    char storage[3000];
    struct buf b;
    buf_fixed(&b, storage, 100);
    CHECK(!convert_end(c, &b)); /* no room */
    buf_fixed(&b, storage, sizeof storage);
    CHECK(convert_end(c, &b));
    buf_add(out, buf_str(&b));
    arena_clear(&a);
    return changed;
}

TEST(conversions)
{
    static const struct {
        enum convert_to to;
        const char *in;
        size_t n;
        const char *out;
    } cases[] = {
#define IN(s) s, sizeof(s) - 1
        {CONVERT_7BIT, IN("Subject: x\r\n\r\nplain\r\n"), NULL},
        {CONVERT_8BIT, IN("Subject: x\r\n\r\n\xc3\xa4\r\n"), NULL},
        {CONVERT_7BIT,
         IN("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
            "8bit\r\n\r\ngr\xc3\xbc\xc3\x9f"
            "e an alle\r\n"),
         "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
         "quoted-printable\r\n\r\ngr=C3=BC=C3=9Fe an alle\r\n"},
        {CONVERT_7BIT,
         IN("Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9f"
            "e an euch alle\r\n"),
         "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
         "quoted-printable\r\n\r\ngr=C3=BC=C3=9Fe an euch alle\r\n"},
        {CONVERT_7BIT,
         IN("Subject: x\r\n\r\nlatin gr\xfc\xdf"
            "e an euch alle\r\n"),
         "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: "
         "quoted-printable\r\n\r\nlatin gr=FC=DFe an euch alle\r\n"},
        /* a binary part among others: only it changes, and the labels above it */
        {CONVERT_8BIT,
         IN("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "
            "binary\r\n\r\npre\r\n--b\r\n\r\n\xc3\xa4 stays\r\n"
            "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nX: y\r\n\r\n\x89\0\n\r\xff\r\n--b--\r\n"),
         "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "
         "8bit\r\n\r\npre\r\n--b\r\n\r\n\xc3\xa4 stays\r\n"
         "--b\r\nContent-Type: image/png\r\nX: y\r\nContent-Transfer-Encoding: base64\r\n\r\niQAKDf8=\r\n\r\n--b--\r\n"},
        /* binary in name only */
        {CONVERT_8BIT, IN("MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\nplain\r\n"),
         "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\nplain\r\n"},
        /* an encoded part with raw octets in it is decoded and encoded again */
        {CONVERT_7BIT, IN("MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nContent-Type: x/y\r\n\r\nTW\nFu\r\n"),
         "MIME-Version: 1.0\r\nContent-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\nTWFu\r\n"},
        /* bare line ends around parts */
        {CONVERT_7BIT, IN("A: b\nContent-Type: multipart/mixed; boundary=b\n\n\xe4pre\rx\n--b\n\none\n--b--\n"),
         "A: b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n?pre\r\nx\r\n--b\r\n\r\none\r\n--b--\r\n"},
        {CONVERT_7BIT, IN("A: b\0c\rd\r\n\r\nx\r\n"), "A: b?c?d\r\n\r\nx\r\n"},
        /* a message inside that is 8-bit */
        {CONVERT_7BIT,
         IN("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nMIME-Version: "
            "1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa4 and more text\r\n"),
         "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nMIME-Version: "
         "1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4 and more text\r\n"},
        /* signed parts that need nothing are not touched, whatever stands beside them */
        {CONVERT_7BIT,
         IN("Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Type: text/plain\r\n\r\nsigned  "
            "\r\n--s\r\nContent-Type: application/x-sig\r\n\r\nsig\r\n--s--\r\n"),
         NULL},
        {CONVERT_7BIT,
         IN("Content-Transfer-Encoding: x-strange\r\n\r\nab\xe4"
            "c\rd\r\n"),
         "Content-Transfer-Encoding: x-strange\r\n\r\nab?c\r\nd\r\n"},
#undef IN
    };
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t cut = 1; cut < 400; cut += cut < 12 ? 1 : 97) {
            struct buf out;
            struct str in = str_of(cases[i].in, cases[i].n);
            buf_init(&out, 100000);
            bool changed = convert(in, cases[i].to, cut, &out);
            CHECK_NUM(changed, cases[i].out != NULL);
            CHECK_STR(buf_str(&out), cases[i].out ? str_c(cases[i].out) : in);
            buf_free(&out);
        }
}

TEST(long_lines)
{
    char text[6000] = "Subject: ";
    struct buf out;
    size_t n = strlen(text);
    memset(text + n, 'x', 1500);
    memcpy(text + n + 1500, "\r\n\r\n", 4);
    memset(text + n + 1504, 'y', 3000);
    buf_init(&out, 100000);
    CHECK(convert(str_of(text, n + 4504), CONVERT_8BIT, 100, &out));
    size_t column = 0;
    for (size_t i = 0; i < out.n; i++) {
        column = buf_str(&out).p[i] == '\n' ? 0 : column + 1;
        CHECK(column <= 999);
    }
    CHECK(str_find_str(buf_str(&out), S("Content-Transfer-Encoding: quoted-printable\r\n\r\nyyyy")) < out.n);
    buf_free(&out);
}

/* Many parts, and an arena that is too small for them: fit all the same. */
TEST(parts)
{
    struct buf in, out;
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_add(&in, S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 3000; i++)
        buf_add(&in, S("--b\r\n\r\n\xc3\xa4 and text\r\n"));
    for (size_t room = 60000; room <= 200000; room += 140000) {
        struct arena a;
        char storage[4096];
        struct buf b;
        struct str rest = buf_str(&in);
        arena_init(&a, room);
        struct convert *c = convert_begin(&a, CONVERT_7BIT);
        CHECK(c != NULL);
        convert_look(c, rest);
        CHECK(convert_looked(c));
        buf_clear(&out);
        buf_fixed(&b, storage, sizeof storage);
        while (rest.n > 0) {
            convert_feed(c, &rest, &b);
            buf_add(&out, buf_str(&b));
            buf_clear(&b);
        }
        CHECK(convert_end(c, &b));
        buf_add(&out, buf_str(&b));
        CHECK_NUM(str_find_str(buf_str(&out), S("\xc3")), out.n);
        CHECK_NUM(str_find_str(buf_str(&out), S("?? and text")) < out.n, room == 60000);
        CHECK(str_find_str(buf_str(&out), S("=C3=A4 and text")) < out.n);
        arena_clear(&a);
    }
    buf_free(&in);
    buf_free(&out);
}
