// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/header.h"

TEST(params)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"text/plain", "text/plain"},
        {" text / plain ", "text/plain"},
        {"text/plain; charset=us-ascii (Plain text)", "text/plain|charset=us-ascii"},
        {"text/plain; charset = \"us-ascii\"", "text/plain|charset=us-ascii"},
        {"text/plain (c) ; (d) charset (e) = (f) utf-8 (g); x=y", "text/plain|charset=utf-8|x=y"},
        {"a; b=\"c;d\\\"e\"; F=g", "a|b=c;d\"e|f=g"},
        {"a;;; b=c ;", "a|b=c"},
        {"a; b; c=d", "a|c=d"},
        {"a; b=1; b=2", "a|b=1"},
        {"attachment; filename=my file.pdf; x=y", "attachment|filename=my file.pdf|x=y"},
        {"attachment; filename=a(1).pdf", "attachment|filename=a(1).pdf"},
        {"attachment; filename=", "attachment|filename="},
        {"attachment; filename=\"unclosed", "attachment|filename=unclosed"},
        /* RFC 2231 3 and 4 */
        {"message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"",
         "message/external-body|access-type=URL|url=ftp://cs.utk.edu/pub"},
        {"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
         "application/x-stuff|title=This is ***fun***"},
        {"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; "
         "title*2=\"isn't it!\"",
         "application/x-stuff|title=This is even more ***fun*** isn't it!"},
        {"a; t*1=b; t*0=a; t*2=c", "a|t=abc"},
        {"a; t*0=a; t*2=c", "a|t=a"},
        {"a; t*1=b", "a"},
        {"a; t*0*=utf-8''%e2; t*1*=%82%ac", "a|t=\xe2\x82\xac"},
        {"a; t*=utf-8''%zz%4", "a|t=%zz%4"},
        {"a; t*=nothing%20here", "a|t=nothing here"},
        {"a; t*=iso-8859-15''%A4", "a|t=\xe2\x82\xac"},
        {"a; filename=plain; filename*=utf-8''ext", "a|filename=ext"},
        {"a; filename=\"=?utf-8?Q?=C3=A4.txt?=\"", "a|filename=\xc3\xa4.txt"},
        {"a; filename=\"\xe4.txt\"", "a|filename=\xc3\xa4.txt"},
        {"a; filename=\"\xc3\xa4.txt\"", "a|filename=\xc3\xa4.txt"},
        {"a; b=\"folded\r\n value\"", "a|b=folded value"},
        {"; b=c", "|b=c"},
        {"", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        struct buf b;
        struct str head;
        arena_init(&a, 100000);
        buf_init(&b, 1000);
        const struct header_param *p = header_params(&a, str_c(cases[i].in), &head);
        buf_add(&b, head);
        for (; p; p = p->next) {
            buf_add_byte(&b, '|');
            buf_add(&b, p->name);
            buf_add_byte(&b, '=');
            buf_add(&b, p->value);
        }
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        buf_free(&b);
        arena_clear(&a);
    }
}

TEST(written_and_read)
{
    static const char *const values[] = {
        "x",
        "plain name.txt",
        "",
        "a\"b\\c",
        "\xc3\xa4.txt",
        "100%*'.bin",
        ("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe3\x81\xa8\xe3\x81\xa6\xe3\x82\x82\xe9\x95\xb7\xe3\x81\x84\xe4\xbb\xb6"
        "\xe5\x90\x8d.pdf"),
        "a rather long name of a file that somebody once thought would be helpful to have, version 2 (final).pdf"};
    for (size_t i = 0; i < countof(values); i++) {
        struct arena a;
        struct buf b;
        struct header_writer w;
        struct str head, v = str_c(values[i]);
        arena_init(&a, 100000);
        buf_init(&b, 4000);
        header_write_begin(&w, &b, "Content-Disposition", false);
        header_write_atom(&w, S("attachment"));
        header_write_param(&w, "filename", v);
        header_write_param_2047(&w, "name", v);
        header_write_end(&w);
        for (size_t k = 0, column = 0; k < b.n; k++) {
            column = buf_str(&b).p[k] == '\n' ? 0 : column + 1;
            CHECK(column <= 79 && (unsigned char)buf_str(&b).p[k] < 0x80);
        }
        const struct header_param *p = header_params(&a, str_skip(buf_str(&b), 20), &head);
        CHECK_STR(head, S("attachment"));
        CHECK_STR(header_param(p, "filename"), v);
        CHECK_STR(header_param(p, "name"), v);
        CHECK(header_param(p, "other").p == NULL);
        buf_free(&b);
        arena_clear(&a);
    }
}
