// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/address.h"

#define X10 "aaaaaaaaaa"
#define X60 X10 X10 X10 X10 X10 X10

static struct arena arena;

static struct str shown(const struct address *adr, bool ascii)
{
    struct buf b;
    buf_init(&b, 2000);
    address_print(&b, adr, ascii);
    struct str s = arena_str(&arena, buf_str(&b));
    buf_free(&b);
    return s;
}

TEST(path)
{
    static const struct {
        const char *in;
        enum address_error e;
        const char *out, *rest;
    } cases[] = {
        {"<a@b>", ADDRESS_OK, "a@b", ""},
        {"<user@example.org> SIZE=5", ADDRESS_OK, "user@example.org", " SIZE=5"},
        {"<@one.example,@two.example:joe@three.example>", ADDRESS_OK, "joe@three.example", ""},
        {"<@one.example:joe@three.example>x", ADDRESS_OK, "joe@three.example", "x"},
        {"<>", ADDRESS_OK, "", ""},
        {"<> BODY=8BITMIME", ADDRESS_OK, "", " BODY=8BITMIME"},
        {"<postmaster>", ADDRESS_OK, "postmaster", ""},
        {"<PostMaster>", ADDRESS_OK, "PostMaster", ""},
        {"<\"postmaster\">", ADDRESS_OK, "postmaster", ""},
        {"<\"a b\"@c>", ADDRESS_OK, "\"a b\"@c", ""},
        {"<\"ab\"@c>", ADDRESS_OK, "ab@c", ""},
        {"<\"a\\@\\\"\"@c>", ADDRESS_OK, "\"a@\\\"\"@c", ""},
        {"<\"a>b\"@c>", ADDRESS_OK, "\"a>b\"@c", ""},
        {"<\"\"@c>", ADDRESS_OK, "\"\"@c", ""},
        {"<a.b+c@d-e.f>", ADDRESS_OK, "a.b+c@d-e.f", ""},
        {"<user%host@relay.example>", ADDRESS_OK, "user%host@relay.example", ""},
        {"<host!user@relay.example>", ADDRESS_OK, "host!user@relay.example", ""},
        {"<a@[192.0.2.1]>", ADDRESS_OK, "a@[192.0.2.1]", ""},
        {"<a@[IPv6:2001:DB8::1]> X", ADDRESS_OK, "a@[IPv6:2001:DB8::1]", " X"},
        {"<a@[tag:some.thing]>", ADDRESS_OK, "a@[tag:some.thing]", ""},
        {"<m\xc3\xbcller@example.org>", ADDRESS_OK, "m\xc3\xbcller@example.org", ""},
        {"", ADDRESS_EMPTY, NULL, NULL},
        {"a@b", ADDRESS_SYNTAX, NULL, NULL},
        {"<a@b", ADDRESS_SYNTAX, NULL, NULL},
        {"<a>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a@>", ADDRESS_SYNTAX, NULL, NULL},
        {"<@b>", ADDRESS_SYNTAX, NULL, NULL},
        {"<@b:>", ADDRESS_SYNTAX, NULL, NULL},
        {"<@b:@c:x@y>", ADDRESS_SYNTAX, NULL, NULL},
        {"<@b,:x@y>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a b@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"< a@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a@c >", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<.a@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a.@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a..b@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a@b@c>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<\"a\"b@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<\"a@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<\"a\\\">", ADDRESS_SYNTAX, NULL, NULL},
        {"<\"a\tb\"@c>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a(c)@d>", ADDRESS_SYNTAX, NULL, NULL},
        {"<a@-b>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@b->", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@b-.c>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@b..c>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@b.>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@.b>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@b_c>", ADDRESS_BAD_DOMAIN, NULL, NULL},
        {"<a@[192.0.2.256]>", ADDRESS_BAD_LITERAL, NULL, NULL},
        {"<a@[192.0.2]>", ADDRESS_BAD_LITERAL, NULL, NULL},
        {"<a@[]>", ADDRESS_BAD_LITERAL, NULL, NULL},
        {"<a@[1.2.3.4>", ADDRESS_BAD_LITERAL, NULL, NULL},
        {"<a@[1.2.3.4]x>", ADDRESS_SYNTAX, NULL, NULL},
        {"<" X60 "aaaa@b>", ADDRESS_OK, X60 "aaaa@b", ""},
        {"<" X60 "aaaaa@b>", ADDRESS_LOCAL_TOO_LONG, NULL, NULL},
        {"<\"" X60 "aaa\"@b>", ADDRESS_LOCAL_TOO_LONG, NULL, NULL},
        {"<a@" X60 "aaa.b>", ADDRESS_OK, "a@" X60 "aaa.b", ""},
        {"<a@" X60 "aaaa.b>", ADDRESS_DOMAIN_TOO_LONG, NULL, NULL},
        {"<a@" X60 "." X60 "." X60 "." X60 "." X10 ".a>", ADDRESS_DOMAIN_TOO_LONG, NULL, NULL},
        {"<\xff@b>", ADDRESS_BAD_UTF8, NULL, NULL},
        {"<a@\xff>", ADDRESS_BAD_UTF8, NULL, NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct address adr;
        arena_init(&arena, 100000);
        struct str rest = str_c(cases[i].in);
        enum address_error e = address_parse_path(&arena, &rest, true, true, true, &adr);
        if (e != cases[i].e)
            fprintf(stderr, "%s: %s\n", cases[i].in, address_error_text(e));
        CHECK_NUM(e, cases[i].e);
        if (e == ADDRESS_OK && cases[i].out) {
            CHECK_STR(shown(&adr, false), str_c(cases[i].out));
            CHECK_STR(rest, str_c(cases[i].rest));
        }
        arena_clear(&arena);
    }
}

TEST(choices)
{
    struct address adr;
    arena_init(&arena, 100000);
    struct str s = S("<>");
    CHECK_NUM(address_parse_path(&arena, &s, false, true, true, &adr), ADDRESS_EMPTY);
    s = S("<postmaster>");
    CHECK_NUM(address_parse_path(&arena, &s, true, false, true, &adr), ADDRESS_SYNTAX);
    s = S("<m\xc3\xbcller@example.org>");
    CHECK_NUM(address_parse_path(&arena, &s, true, true, false, &adr), ADDRESS_NEEDS_UTF8);
    CHECK_NUM(address_parse(&arena,
                            S("a@b\xc3\xbc"
                              "cher.example"),
                            false, &adr),
              ADDRESS_NEEDS_UTF8);
    CHECK_NUM(address_parse(&arena, S("a@b>"), true, &adr), ADDRESS_BAD_DOMAIN);
    CHECK_NUM(address_parse(&arena, S(""), true, &adr), ADDRESS_EMPTY);
    CHECK_NUM(address_parse(&arena, S("postmaster"), true, &adr), ADDRESS_SYNTAX);
    CHECK_NUM(address_parse(&arena, (struct str){"a\0b@c", 5}, true, &adr), ADDRESS_SYNTAX);
    CHECK_NUM(address_parse(&arena, (struct str){"a@b\0c", 5}, true, &adr), ADDRESS_BAD_DOMAIN);
    struct arena tiny;
    arena_init(&tiny, 8);
    CHECK_NUM(address_parse(&tiny, S("a@b.example"), true, &adr), ADDRESS_NO_MEMORY);
    arena_clear(&tiny);
    arena_clear(&arena);
}

TEST(domains)
{
    static const struct {
        const char *in, *ascii;
    } cases[] = {
        {"Example.ORG", "example.org"},
        {"B\xc3\x9c"
         "cher.example",
         "xn--bcher-kva.example"},
        {"bu\xcc\x88"
         "cher.example",
         "xn--bcher-kva.example"}, /* decomposed */
        {"stra\xc3\x9f"
         "e.example",
         "xn--strae-oqa.example"}, /* not transitional */
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"[192.0.2.1]", "[192.0.2.1]"},
        {"[192.000.002.001]", "[192.0.2.1]"},
        {"[IPv6:2001:DB8:0:0:0:0:0:1]", "[IPv6:2001:db8::1]"},
        {"[ipv6:::1]", "[IPv6:::1]"},
        {"[IPv6:::]", "[IPv6:::]"},
        {"[IPv6:1::]", "[IPv6:1::]"},
        {"[IPv6:0:0:1:0:0:0:0:1]", "[IPv6:0:0:1::1]"},
        {"[IPv6:1:0:2:3:4:5:6:7]", "[IPv6:1:0:2:3:4:5:6:7]"},
        {"[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:c000:201]"},
        {"[IPv6:1:2:3:4:5:6:192.0.2.1]", "[IPv6:1:2:3:4:5:6:c000:201]"},
        {"[IPv6:1:2:3:4:5:6:7]", NULL},
        {"[IPv6:1:2:3:4:5:6:7:8:9]", NULL},
        {"[IPv6:1::2::3]", NULL},
        {"[IPv6:1:2:3:4:5:6::7]", NULL},
        {"[IPv6:1:2:3::4:5:6:7]", NULL}, /* "::" would be one group */
        {"[IPv6:12345::]", NULL},
        {"[IPv6:1.2.3.4::1]", NULL},
        {"[IPv6::1]", NULL},
        {"[IPv6:1:]", NULL},
        {"[IPv6:g::]", NULL},
        {"[2001:db8::1]", NULL}, /* the tag is missing */
        {"xn--.example", NULL},
        {"\xe2\x99\xa5.example", NULL}, /* a symbol is no letter, IDNA 2008 */
        {"[IPv6:1:2:3:4:5::7]", "[IPv6:1:2:3:4:5::7]"},
        {"a b", NULL},
        {"\xc3\xbc-.example", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct domain d;
        arena_init(&arena, 100000);
        enum address_error e = domain_parse(&arena, str_c(cases[i].in), true, &d);
        if ((e == ADDRESS_OK) != (cases[i].ascii != NULL))
            fprintf(stderr, "%s: %s\n", cases[i].in, address_error_text(e));
        CHECK_NUM(e == ADDRESS_OK, cases[i].ascii != NULL);
        if (e == ADDRESS_OK && cases[i].ascii)
            CHECK_STR(d.ascii, str_c(cases[i].ascii));
        arena_clear(&arena);
    }
}

TEST(keys)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"User@Example.org", "user@example.ORG", true},
        {"\"user\"@example.org", "user@example.org", true},
        {"\"a\\b\"@example.org", "ab@example.org", true},
        {"Jos\xc3\x89@example.org", "jose\xcc\x81@example.org", true},
        {"a@b\xc3\xbc"
         "cher.example",
         "a@xn--bcher-kva.example", true},
        {"a@[192.0.2.1]", "a@[192.0.2.001]", true},
        {"a.b@example.org", "ab@example.org", false},
        {"a@example.org", "a@example.com", false},
        {"\"a@b\"@c", "a@c", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct address x, y;
        arena_init(&arena, 100000);
        CHECK_NUM(address_parse(&arena, str_c(cases[i].a), true, &x), ADDRESS_OK);
        CHECK_NUM(address_parse(&arena, str_c(cases[i].b), true, &y), ADDRESS_OK);
        CHECK_NUM(str_eq(address_key(&arena, &x), address_key(&arena, &y)), cases[i].same);
        arena_clear(&arena);
    }
    struct address adr;
    struct str base, detail, path = S("<PostMaster>");
    arena_init(&arena, 100000);
    CHECK_NUM(address_parse_path(&arena, &path, false, true, false, &adr), ADDRESS_OK);
    CHECK_STR(address_key(&arena, &adr), S("postmaster"));
    CHECK(address_is_postmaster(&adr) && !address_is_null(&adr));
    CHECK_NUM(address_parse(&arena, S("bob+lists+x@example.org"), false, &adr), ADDRESS_OK);
    CHECK(address_split(&adr, '+', &base, &detail));
    CHECK_STR(base, S("bob"));
    CHECK_STR(detail, S("lists+x"));
    CHECK(!address_split(&adr, '-', &base, &detail) && !address_split(&adr, 0, &base, &detail));
    CHECK_NUM(address_parse(&arena, S("+x@example.org"), false, &adr), ADDRESS_OK);
    CHECK(!address_split(&adr, '+', &base, &detail));
    CHECK_NUM(address_parse(&arena,
                            S("\xc3\xbc@b\xc3\xbc"
                              "cher.example"),
                            true, &adr),
              ADDRESS_OK);
    CHECK(adr.utf8);
    CHECK_STR(shown(&adr, true), S("\xc3\xbc@xn--bcher-kva.example"));
    arena_clear(&arena);
}

static void add_list(void *to, const struct header_address *h)
{
    struct buf *b = to;
    if (h->group_start)
        buf_add(b, S("{"));
    buf_add(b, h->name);
    if (h->group_end)
        buf_add(b, S("}"));
    if (h->adr.domain.text.n) {
        buf_add(b, S("<"));
        address_print(b, &h->adr, false);
        buf_add(b, S(">"));
    }
}

TEST(lists)
{
    static const struct {
        const char *in, *out;
        size_t found;
    } cases[] = {
        {"a@b", "<a@b>", 1},
        {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
         "Mary Smith<mary@x.test><jdoe@example.org>Who?<one@y.test>", 3},
        {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
         "<boss@nil.test>Giant; \"Big\" Box<sysservices@example.net>", 2},
        {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
         "{A GroupEd Jones<c@a.test><joe@where.test>John<jdoe@one.test>}", 3},
        {"Undisclosed recipients:;", "{Undisclosed recipients}", 0},
        {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete<pete@silly.test>", 1},
        {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n  joe@example.org,\r\n  John "
         "<jdoe@one.test> (my dear friend); (the end of the group)",
         "{A GroupChris Jones<c@public.example><joe@example.org>John<jdoe@one.test>}", 3},
        {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "{Hidden recipients}", 0},
        {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public<john.q.public@example.com>", 1},
        {"Mary Smith <@node.test:mary@example.net>, , jdoe@test . example", "Mary Smith<mary@example.net><jdoe@test.example>", 2},
        {"John Doe <jdoe@machine(comment).  example>", "John Doe<jdoe@machine.example>", 1},
        {"jdoe@example.org (John Doe)", "John Doe<jdoe@example.org>", 1},
        {"\"a b\"@example.org", "<\"a b\"@example.org>", 1},
        {"=?utf-8?q?J=C3=B6rg?= Doe <j@d.test>", "J\xc3\xb6rg Doe<j@d.test>", 1},
        {"\"=?utf-8?b?SsO2cmc=?=\" <j@d.test>", "J\xc3\xb6rg<j@d.test>", 1},
        {"J\xc3\xb6rg <j\xc3\xb6@d\xc3\xb6.test>", "J\xc3\xb6rg<j\xc3\xb6@d\xc3\xb6.test>", 1},
        {"broken, a@b", "<a@b>", 1},
        {"broken <broken>, a@b", "<a@b>", 1},
        {"a@b c@d, e@f", "<e@f>", 1},
        {"a b@c, d@e", "<d@e>", 1},
        {"name@example.com <receiver@example.com>", "name@example.com<receiver@example.com>", 1},
        {"=?UTF-8?Q?a@b.c,?= <b@b.c>", "a@b.c,<b@b.c>", 1},
        {"\"  James \" <a@b>", "  James <a@b>", 1},
        {"test@[ a b ]", "<test@[ab]>", 1},
        {"a@under_score.test", "<a@under_score.test>", 1},
        {"a@[10.0.0.1]", "<a@[10.0.0.1]>", 1},
        {"X: a@b, Y: c@d;, e@f", "{X<a@b>}<e@f>", 2},
        {"X: a@b", "{X<a@b>}", 1},
        {"<a@b", "<a@b>", 1},
        {"\"unclosed <a@b>", "", 0},
        {"(unclosed <a@b>", "", 0},
        {",,, ;; <>, <@>, @, :", "", 0},
        {"", "", 0},
        {"\"\" <a@b>", "<a@b>", 1},
        {"a.b.c@d.e.f, <g@h>", "<a.b.c@d.e.f><g@h>", 2},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct buf b;
        arena_init(&arena, 100000);
        buf_init(&b, 10000);
        CHECK_NUM(address_list_parse(&arena, str_c(cases[i].in), add_list, &b), cases[i].found);
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
        buf_free(&b);
        arena_clear(&arena);
    }
}
