// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/mime.h"

/* The tree as text: "mixed(plain[hello] rfc822(plain[x]))". */
static void show(const struct mime *m, const struct mime_part *p, struct buf *b)
{
    for (; p; p = p->next) {
        buf_add(b, p->subtype);
        if (p->child) {
            buf_add_byte(b, '(');
            show(m, p->child, b);
            buf_add_byte(b, ')');
        } else {
            buf_add_byte(b, '[');
            buf_add(b, mime_body(m, p));
            buf_add_byte(b, ']');
        }
        if (p->unfinished)
            buf_add_byte(b, '!');
        if (p->next)
            buf_add_byte(b, ' ');
    }
}

TEST(trees)
{
    static const struct {
        const char *in, *out;
        uint32_t flaws;
    } cases[] = {
        {"Subject: x\r\n\r\nhello\r\n", "plain[hello\r\n]", 0},
        {"hello", "plain[hello]", 0},
        {"", "plain[]", 0},
        {"Content-Type: text\r\n\r\nx", "plain[x]", 0},
        {"Content-Type: TEXT/Html; charset=x\r\n\r\nx", "html[x]", 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: "
         "text/html\r\n\r\ntwo\r\n--b--\r\nepi\r\n",
         "mixed(plain[one] html[two])", 0},
        {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n\n--b\n\ntwo\n--b--\n", "mixed(plain[one\n] plain[two])", 0},
        {"Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n--b b  \r\n\r\none\r\n--b b-- \r\n", "mixed(plain[one])", 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none", "mixed(plain[one])!", MIME_FLAW_UNFINISHED},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\nX: y\r\n--b--", "mixed(plain[] plain[])", 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nno header here\r\n--b--", "mixed(plain[no header here])", 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--bb\r\n--b-\r\n--b--x\r\n--b\r\n\r\n--bc\r\n--b--",
         "mixed(plain[--bc])", 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\nno part", "mixed[no part]!", MIME_FLAW_UNFINISHED},
        {"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx", "mixed[--b\r\n\r\nx]", MIME_FLAW_NO_BOUNDARY},
        {"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; "
         "boundary=oi\r\n\r\n--oi\r\n\r\na\r\n--oi\r\n\r\nb\r\n--oi--\r\n--o\r\n\r\nc\r\n--o--",
         "mixed(alternative(plain[a] plain[b]) plain[c])", 0},
        /* the inner multipart is never closed: the outer delimiter ends it */
        {"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; "
         "boundary=i\r\n\r\n--i\r\n\r\na\r\n--o\r\n\r\nc\r\n--o--",
         "mixed(alternative(plain[a])! plain[c])", MIME_FLAW_UNFINISHED},
        {"Content-Type: message/rfc822\r\n\r\nSubject: i\r\n\r\nbody", "rfc822(plain[body])", 0},
        {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogaQ==", "rfc822[U3ViamVjdDogaQ==]",
         0},
        {"Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: i\r\n\r\none\r\n--d\r\nContent-Type: "
         "text/plain\r\n\r\ntwo\r\n--d--",
         "digest(rfc822(plain[one]) plain[two])", 0},
        {"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: "
         "multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\na\r\n--o--",
         "mixed(rfc822(mixed(plain[a])!))", MIME_FLAW_UNFINISHED},
        {"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\na\r\n--b--",
         "mixed(plain[a])", 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r--b\r\nb\n--b--\n--b\n", "mixed(plain[a\r--b\r\nb])", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        struct buf b;
        arena_init(&a, 1000000);
        buf_init(&b, 10000);
        const struct mime *m = mime_parse(&a, str_c(cases[i].in));
        show(m, m->root, &b);
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        CHECK_NUM(m->flaws, cases[i].flaws);
        buf_free(&b);
        arena_clear(&a);
    }
}

TEST(limits)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 64 * 1024 * 1024);
    buf_init(&b, 4 * 1024 * 1024);
    for (int i = 0; i < 300; i++)
        buf_add(&b, S("Content-Type: message/rfc822\r\n\r\n"));
    const struct mime *m = mime_parse(&a, buf_str(&b));
    CHECK_NUM(m->flaws, MIME_FLAW_DEPTH);
    CHECK_NUM(m->count, 51);
    buf_clear(&b);
    buf_add(&b, S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 20000; i++)
        buf_add(&b, S("--b\r\n\r\nx\r\n"));
    m = mime_parse(&a, buf_str(&b));
    CHECK_NUM(m->count, 10000);
    CHECK(m->flaws & MIME_FLAW_PARTS);
    arena_clear(&a);
    arena_init(&a, 4000); /* no memory for all parts: what there is can be used */
    m = mime_parse(&a, buf_str(&b));
    CHECK(m && (m->flaws & MIME_FLAW_MEMORY) && m->root && m->count < 30);
    buf_free(&b);
    arena_clear(&a);
}

TEST(fields)
{
    struct arena a;
    arena_init(&a, 100000);
    const struct mime *m = mime_parse(&a, S("Content-Type: image/PNG; name=\"=?utf-8?q?=C3=A4?=.png\"\r\nContent-Disposition: "
                                            "ATTACHMENT; filename*=utf-8''%C3%B6.png\r\n"
                                            "Content-ID: <a@b>\r\nContent-Description: =?utf-8?q?=C3=BC?=\r\nContent-Location: "
                                            "x\r\nContent-Transfer-Encoding: BASE64 (c)\r\n\r\nTWFu"));
    const struct mime_part *p = m->root;
    CHECK(mime_is(p, "image", "png") && mime_is(p, "image", NULL) && !mime_is(p, "text", NULL));
    CHECK_STR(p->disposition, S("attachment"));
    CHECK_STR(p->id, S("a@b"));
    CHECK_STR(p->description, S("\xc3\xbc"));
    CHECK_STR(p->location, S("x"));
    CHECK_NUM(p->encoding, MIME_BASE64);
    CHECK_NUM(mime_part_size(m, p), 3);
    CHECK_STR(mime_file_name(&a, p), S("\xc3\xb6.png"));
    CHECK_STR(header_param(p->params, "name"), S("\xc3\xa4.png"));
    arena_clear(&a);
}

TEST(file_names)
{
    static const struct {
        const char *type, *name, *out;
    } cases[] = {
        {"image/png", "a.png", "a.png"},
        {"image/png", "../../etc/passwd", "passwd.png"},
        {"image/png", "C:\\\\x\\\\y.png", "y.png"},
        {"image/png", ".hidden", "hidden.png"},
        {"image/png", "...", "part-1.png"},
        {"image/png", "", "part-1.png"},
        {"application/x-none", "", "part-1"},
        {"text/plain",
         "a\tb\x01"
         "c",
         "abc.txt"},
        {"text/plain", "con", "_con.txt"},
        {"text/plain", "COM1.txt", "_COM1.txt"},
        {"text/plain", "a:b*c?.txt", "a_b_c_.txt"},
        {"text/plain", "-rf", "rf.txt"},
        {"text/plain",
         "x\xe2\x80\xae"
         "gpj.exe",
         "xgpj.exe"},
        {"text/plain", "name with. dots .", "name with. dots.txt"},
        {"text/plain", "/", "part-1.txt"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        char text[500];
        arena_init(&a, 100000);
        snprintf(text, sizeof text, "Content-Type: %s; name=\"%s\"\r\n\r\n", cases[i].type, cases[i].name);
        const struct mime *m = mime_parse(&a, str_c(text));
        CHECK_STR(mime_file_name(&a, m->root), str_c(cases[i].out));
        arena_clear(&a);
    }
    struct arena a;
    char text[1000] = "Content-Type: text/plain; name=\"";
    arena_init(&a, 100000);
    for (size_t n = strlen(text); n < 800; n += 2)
        memcpy(text + n, "\xc3\xa4", 3);
    strcat(text, ".pdf\"\r\n\r\n");
    struct str name = mime_file_name(&a, mime_parse(&a, str_c(text))->root);
    CHECK(name.n <= 200 && str_ends(name, S("\xc3\xa4.pdf")));
    arena_clear(&a);
}

static const char mixed[] =
    "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=FC=DFe\r\n--a\r\n"
    "Content-Type: text/html\r\n\r\n<p>gr&uuml;&szlig;e\r\n--a--\r\n--m\r\nContent-Type: text/plain\r\nContent-Disposition: "
    "attachment; filename=x.txt\r\n\r\natt\r\n"
    "--m\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: image/png\r\n\r\nX\r\n--m\r\nContent-Type: "
    "image/gif\r\n\r\nG\r\n--m--\r\n";

TEST(reading)
{
    struct arena a;
    size_t n;
    struct buf b;
    arena_init(&a, 100000);
    buf_init(&b, 1000);
    const struct mime *m = mime_parse(&a, str_c(mixed));
    CHECK(mime_is(mime_text_part(m, false), "text", "plain") && mime_is(mime_text_part(m, true), "text", "html"));
    CHECK(mime_preferred_text(m, &b));
    CHECK_STR(buf_str(&b), S("gr\xc3\xbc\xc3\x9f"
                             "e"));
    const struct mime_part **list = mime_attachments(&a, m, &n);
    CHECK_NUM(n, 3);
    CHECK(n == 3 && mime_is(list[0], "text", "plain") && mime_is(list[1], "message", "rfc822") &&
          mime_is(list[2], "image", "gif"));
    CHECK_STR(mime_file_name(&a, list[1]), S("part-3.eml"));
    m = mime_parse(&a, S("Subject: x\r\n\r\nplain"));
    CHECK(mime_attachments(&a, m, &n) == NULL && n == 0);
    m = mime_parse(&a, S("Content-Type: image/png\r\n\r\nx"));
    CHECK(mime_attachments(&a, m, &n) != NULL && n == 1);
    CHECK(mime_text_part(m, false) == NULL);
    buf_free(&b);
    arena_clear(&a);
}

TEST(flowed)
{
    static const struct {
        const char *params, *in, *out;
    } cases[] = {
        {"format=flowed", "a \r\nb\r\nc\r\n", "a b\nc\n"},
        {"format=flowed; delsp=yes", "a \r\nb\r\n", "ab\n"},
        {"format=flowed", "> q \r\n> r\r\n>> s\r\nt\r\n", "> q r\n>> s\nt\n"},
        {"format=flowed", "> q \r\nt\r\n", "> q \nt\n"},
        {"format=flowed", "-- \r\nsig\r\n", "-- \nsig\n"},
        {"format=flowed", " From x\r\n  y\r\n", "From x\n y\n"},
        {"format=flowed", "end ", "end "},
        {"charset=utf-8", "a \r\nb\rc\n", "a \nb\nc\n"},
        {"", "\0", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        char text[500];
        struct buf b;
        arena_init(&a, 100000);
        buf_init(&b, 1000);
        snprintf(text, sizeof text, "Content-Type: text/plain; %s\r\n\r\n%s", cases[i].params, cases[i].in);
        const struct mime *m = mime_parse(&a, str_c(text));
        CHECK(mime_text(m, m->root, &b));
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        buf_free(&b);
        arena_clear(&a);
    }
}

TEST(html)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"<p>one<p>two", "one\n\ntwo\n"},
        {"a<br>b", "a\nb\n"},
        {"  a \n b  ", "a b\n"},
        {"a&amp;&lt;&#228;&#xE4;&nope;&", "a&<\xc3\xa4\xc3\xa4&nope;&\n"},
        {"<style>x</style>a<script>y</script>b", "ab\n"},
        {"<head><title>t</title></head>a", "a\n"},
        {"<!-- c > -->a<!-- open", "a\n"},
        {"<ul><li>a<li>b</ul>", "* a\n* b\n"},
        {"<pre>a\n  b</pre>", "a\n  b\n"},
        {"1 < 2 <b>x</b>", "1 < 2 x\n"},
        {"<a href='x>y'>z</a>", "z\n"},
        {"<td>a<td>b", "a b\n"},
        {"&#27;[31m&#x1b;&#155;", "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd\n"},
        {"", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        char text[500];
        struct buf b;
        arena_init(&a, 100000);
        buf_init(&b, 1000);
        snprintf(text, sizeof text, "Content-Type: text/html\r\n\r\n%s", cases[i].in);
        CHECK(mime_preferred_text(mime_parse(&a, str_c(text)), &b));
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        buf_free(&b);
        arena_clear(&a);
    }
}
