// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "base/compiler.h"
#include "base/fail.h"
#include "dns/inside.h"


static struct str normal(struct str name)
{
    static char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    return dns_name_normal(name, &b) ? buf_str(&b) : S("-");
}

TEST(names_in_text)
{
    static const struct { const char *in, *want; } cases[] = {
        {"Example.ORG", "example.org"}, {"example.org.", "example.org"}, {".", "."}, {"", "-"}, {"..", "-"}, {".a", "-"}, {"a..b", "-"}, {"a", "a"},
        {"_25._tcp.mx.example", "_25._tcp.mx.example"}, {"a\\.b.c", "a\\046b.c"}, {"a\\046b.c", "a\\046b.c"}, {"\\065\\066", "ab"}, {"a\\", "-"}, {"a\\25", "-"},
        {"a\\256", "-"}, {"a b", "a\\032b"}, {"\\\\x", "\\092x"}, {"*.wild", "*.wild"}, {"128/25.2.0.192.in-addr.arpa", "128/25.2.0.192.in-addr.arpa"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        CHECK_STR(normal(str_c(cases[i].in)), str_c(cases[i].want));
    char label[300];
    memset(label, 'x', sizeof label);
    CHECK_NUM(normal(str_of(label, 63)).n, 63);
    CHECK_STR(normal(str_of(label, 64)), S("-"));
    label[63] = label[127] = label[191] = '.'; /* 64 + 64 + 64 + n + 1 octets and the root */
    CHECK_NUM(normal(str_of(label, 192 + 61)).n, 253);
    CHECK_STR(normal(str_of(label, 192 + 62)), S("-"));
    for (int i = 0; i < 256; i++) { /* every octet there and back */
        char wire[] = {1, (char)i, 0}, text[64];
        struct str rest = str_of(wire, 3);
        struct buf b;
        buf_fixed(&b, text, sizeof text);
        CHECK(dns_name_from_wire(&rest, &b) && rest.n == 0);
        CHECK_STR(normal(buf_str(&b)), buf_str(&b));
    }
}

TEST(names_on_the_wire)
{
    static const struct { struct str in; const char *want; } cases[] = {
        {{"\1a\2BC\0", 6}, "a.bc"}, {{"\0", 1}, "."}, {{"", 0}, "-"}, {{"\1a", 2}, "-"}, {{"\300\14", 2}, "-"}, {{"\1a\300\14", 4}, "-"}, {{"\100", 1}, "-"},
        {{"\2a", 2}, "-"}, {{"\3a.b\1c\0", 7}, "a\\046b.c"}, {{"\2\0\377\0", 4}, "\\000\\255"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[DNS_NAME_MAX];
        struct buf b;
        struct str rest = cases[i].in;
        buf_fixed(&b, text, sizeof text);
        CHECK_STR(dns_name_from_wire(&rest, &b) ? buf_str(&b) : S("-"), str_c(cases[i].want));
    }
    char wire[300], text[DNS_NAME_MAX];
    struct buf b;
    memset(wire, 1, sizeof wire);
    wire[0] = wire[64] = wire[128] = 63;
    wire[192] = 61; /* 192 + 62 + 1 = 255 */
    wire[254] = 0;
    struct str rest = str_of(wire, 255);
    buf_fixed(&b, text, sizeof text);
    CHECK(dns_name_from_wire(&rest, &b)); /* all of it \001: the longest text */
    CHECK(b.n > 990 && b.n < DNS_NAME_MAX);
    wire[192] = 62;
    wire[255] = 0;
    rest = str_of(wire, 256);
    buf_clear(&b);
    CHECK(!dns_name_from_wire(&rest, &b));
}

TEST(hosts)
{
    static const char *const good[] = {"a", "mx1.example.org", "xn--bcher-kva.example", "3com.example", "_x.example", "a-b.c"},
                            *const bad[] = {"", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b", "a b", "a\\046b", "b\xc3\xbc.example", "a/b", "*.a"};
    for (size_t i = 0; i < countof(good); i++)
        CHECK(dns_is_host(str_c(good[i])));
    for (size_t i = 0; i < countof(bad); i++)
        CHECK(!dns_is_host(str_c(bad[i])));
    CHECK(dns_name_eq(S("A.b."), S("a.B")) && !dns_name_eq(S("a.b"), S("a.c")) && dns_name_eq(S("."), S(".")));
}

TEST(addresses)
{
    static const struct { const char *in, *text, *reverse; } cases[] = {
        {"192.0.2.1", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"2001:DB8::1", "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    struct dns_ip ip, other;
    for (size_t i = 0; i < countof(cases); i++) {
        char text[128];
        struct buf b;
        buf_fixed(&b, text, sizeof text);
        CHECK(dns_ip_parse(str_c(cases[i].in), &ip));
        CHECK_STR(str_c(dns_ip_text(&ip).c), str_c(cases[i].text));
        dns_reverse_name(&b, &ip);
        CHECK_STR(buf_str(&b), str_c(cases[i].reverse));
        CHECK(dns_ip_parse(str_c(cases[i].text), &other) && dns_ip_eq(&ip, &other));
    }
    static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "[::1]", "fe80::1%eth0", "a", "1.2.3.4 ", "::g", "256.1.1.1"};
    for (size_t i = 0; i < countof(bad); i++)
        CHECK(!dns_ip_parse(str_c(bad[i]), &ip));
}

static const struct { enum dns_type type; struct str rdata; const char *want; } rdatas[] = {
    {DNS_A, S_INIT("\300\0\2\1"), "192.0.2.1"},
    {DNS_A, S_INIT("\300\0\2"), NULL},
    {DNS_A, S_INIT("\300\0\2\1\1"), NULL},
    {DNS_AAAA, S_INIT("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:db8::1"},
    {DNS_AAAA, S_INIT("\300\0\2\1"), NULL},
    {DNS_MX, S_INIT("\0\12\2mx\1A\0"), "10 mx.a"},
    {DNS_MX, S_INIT("\0\0\0"), "0 ."},
    {DNS_MX, S_INIT("\0\12\2mx\1A\0x"), NULL},
    {DNS_MX, S_INIT("\0\12\2mx\300\14"), NULL},
    {DNS_MX, S_INIT("\0\12"), NULL},
    {DNS_MX, S_INIT("\0"), NULL},
    {DNS_CNAME, S_INIT("\1a\0"), "a"},
    {DNS_PTR, S_INIT("\1a\1b\0"), "a.b"},
    {DNS_PTR, S_INIT(""), NULL},
    {DNS_TXT, S_INIT("\3abc\0\2de"), "\"abcde\""},
    {DNS_TXT, S_INIT("\0"), "\"\""},
    {DNS_TXT, S_INIT("\4abc"), NULL},
    {DNS_TXT, S_INIT(""), NULL},
    {DNS_TXT, S_INIT("\3a\1b"), "\"a\xef\xbf\xbd" "b\""},
    {DNS_SRV, S_INIT("\0\1\0\2\0\31\1h\0"), "1 2 25 h"},
    {DNS_SRV, S_INIT("\0\1\0\2\0\31"), NULL},
    {DNS_SRV, S_INIT("\0\1\0\2\0"), NULL},
    {DNS_TLSA, S_INIT("\3\1\1\xab\xcd"), "3 1 1 abcd"},
    {DNS_TLSA, S_INIT("\377\376\375\0"), "255 254 253 00"},
    {DNS_TLSA, S_INIT("\3\1\1"), NULL},
};

TEST(rdata)
{
    struct arena a;
    arena_init(&a, DNS_ANSWER_MEM);
    for (size_t i = 0; i < countof(rdatas); i++) {
        struct dns_record r;
        char text[300];
        struct buf b;
        buf_fixed(&b, text, sizeof text);
        enum dns_rdata got = dns_rdata_parse(&a, rdatas[i].type, rdatas[i].rdata, &r);
        CHECK_NUM(got, rdatas[i].want ? DNS_RDATA_OK : DNS_RDATA_BROKEN);
        if (got == DNS_RDATA_OK) {
            dns_record_text(&b, &r);
            CHECK_STR(buf_str(&b), str_c(rdatas[i].want));
        }
    }
    arena_clear(&a);
}

/* An answer of each kind from the table above, broken ones among them. */
static bool make(struct arena *a, enum dns_type type, struct dns_answer *to)
{
    size_t sum = 0;
    *to = (struct dns_answer){.status = DNS_OK, .type = type, .secure = true, .ttl_s = 300, .name = S("example.org"), .canonical = S("www.example.org")};
    if (!dns_answer_room(a, to, 20))
        return false;
    for (size_t i = 0; i < countof(rdatas); i++)
        if (rdatas[i].type == type && !dns_answer_add(a, to, rdatas[i].rdata, &sum))
            return false;
    return true;
}

static const enum dns_type all_types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_SRV, DNS_TLSA};

TEST(there_and_back)
{
    struct arena a, b;
    struct buf bytes, again;
    arena_init(&a, DNS_ANSWER_MEM);
    arena_init(&b, DNS_ANSWER_MEM);
    buf_init(&bytes, DNS_ANSWER_MAX);
    buf_init(&again, DNS_ANSWER_MAX);
    for (size_t i = 0; i < countof(all_types); i++) {
        struct dns_answer made, copy, got;
        CHECK(make(&a, all_types[i], &made) && made.count > 0);
        buf_clear(&bytes);
        dns_answer_encode(&bytes, &made);
        CHECK(!bytes.full);
        CHECK(dns_answer_copy(&b, &made, &copy));
        CHECK(dns_answer_decode(&b, buf_str(&bytes), &got));
        for (int side = 0; side < 2; side++) {
            buf_clear(&again);
            dns_answer_encode(&again, side ? &got : &copy);
            CHECK_STR(buf_str(&again), buf_str(&bytes));
        }
        /* Cut anywhere, or longer: refused. */
        for (size_t n = 0; n < bytes.n; n++)
            CHECK(!dns_answer_decode(&b, str_head(buf_str(&bytes), n), &got));
        buf_add_byte(&bytes, 'x');
        CHECK(!dns_answer_decode(&b, buf_str(&bytes), &got));
        arena_clear(&b);
    }
    arena_clear(&a);
    buf_free(&bytes);
    buf_free(&again);
}

TEST(no_sense_is_refused)
{
    struct arena a;
    struct buf bytes;
    arena_init(&a, DNS_ANSWER_MEM);
    buf_init(&bytes, DNS_ANSWER_MAX);
    struct dns_answer base = {.status = DNS_NODATA, .type = DNS_MX, .secure = true, .name = S("a"), .canonical = S("a")}, got;
    struct { enum dns_status status; enum dns_type type; bool secure; struct str why; size_t count; bool good; } cases[] = {
        {DNS_NODATA, DNS_MX, true, STR_NONE, 0, true},      {DNS_NODATA, DNS_MX, false, S("why"), 0, false},  {DNS_OK, DNS_MX, true, STR_NONE, 0, false},
        {(enum dns_status)0, DNS_MX, false, STR_NONE, 0, false}, {(enum dns_status)7, DNS_MX, false, STR_NONE, 0, false},
        {DNS_BOGUS, DNS_MX, true, STR_NONE, 0, false},      {DNS_BOGUS, DNS_MX, false, S("why"), 0, true},    {DNS_BOGUS, DNS_MX, false, S("w\nhy"), 0, false},
        {DNS_TIMEOUT, DNS_A, false, STR_NONE, 0, true},     {DNS_NODATA, (enum dns_type)2, false, STR_NONE, 0, false},
        {DNS_NXDOMAIN, DNS_MX, true, STR_NONE, 1, false},
    };
    struct dns_record one = {.type = DNS_MX, .mx = {1, S("Upper.Case")}};
    for (size_t i = 0; i < countof(cases); i++) {
        struct dns_answer x = base;
        x.status = cases[i].status;
        x.type = cases[i].type;
        x.secure = cases[i].secure;
        x.why = cases[i].why;
        x.count = cases[i].count;
        x.records = &one;
        buf_clear(&bytes);
        dns_answer_encode(&bytes, &x);
        CHECK_NUM(dns_answer_decode(&a, buf_str(&bytes), &got), cases[i].good);
    }
    base.status = DNS_OK;
    base.count = 1;
    base.records = &one;
    buf_clear(&bytes);
    dns_answer_encode(&bytes, &base);
    CHECK(!dns_answer_decode(&a, buf_str(&bytes), &got)); /* not our form of a name */
    one.mx.host = S("lower.case");
    buf_clear(&bytes);
    dns_answer_encode(&bytes, &base);
    CHECK(dns_answer_decode(&a, buf_str(&bytes), &got));
    for (uint64_t n = 1; n < 4; n++) { /* without memory it says no */
        struct arena empty;
        arena_init(&empty, DNS_ANSWER_MEM);
        fail_alloc_at(n);
        bool ok = dns_answer_decode(&empty, buf_str(&bytes), &got);
        CHECK(ok != fail_alloc_happened());
        fail_alloc_at(0);
        arena_clear(&empty);
    }
    arena_clear(&a);
    buf_free(&bytes);
}

TEST(too_much_is_cut)
{
    struct arena a, b;
    struct buf bytes;
    struct dns_answer made = {.status = DNS_OK, .type = DNS_MX, .name = S("a"), .canonical = S("a")}, got;
    char wire[2 + 255];
    size_t sum = 0;
    arena_init(&a, DNS_ANSWER_MEM);
    arena_init(&b, DNS_ANSWER_MEM);
    buf_init(&bytes, DNS_ANSWER_MAX);
    memset(wire, 1, sizeof wire);
    wire[2] = wire[66] = wire[130] = 63;
    wire[194] = 61;
    wire[256] = 0;
    CHECK(dns_answer_room(&a, &made, 4000));
    for (int i = 0; i < 4000; i++) {
        wire[0] = (char)(i >> 8);
        wire[1] = (char)i;
        CHECK(dns_answer_add(&a, &made, str_of(wire, sizeof wire), &sum));
    }
    CHECK(made.cut && made.count > 100 && made.count < DNS_RECORDS_MAX);
    dns_answer_encode(&bytes, &made);
    CHECK(!bytes.full);
    CHECK(dns_answer_decode(&b, buf_str(&bytes), &got) && got.cut && got.count == made.count);
    arena_clear(&b);
    arena_init(&b, DNS_ANSWER_MEM);
    CHECK(dns_answer_copy(&b, &made, &got));
    made = (struct dns_answer){.status = DNS_OK, .type = DNS_A, .name = S("a"), .canonical = S("a")};
    sum = 0;
    arena_clear(&a);
    CHECK(dns_answer_room(&a, &made, DNS_RECORDS_MAX + 1) && made.cut);
    for (int i = 0; i < DNS_RECORDS_MAX + 5; i++)
        CHECK(dns_answer_add(&a, &made, S("\1\2\3\4"), &sum));
    CHECK_NUM(made.count, DNS_RECORDS_MAX);
    arena_clear(&a);
    arena_clear(&b);
    buf_free(&bytes);
}

TEST(words)
{
    static const struct { struct dns_answer answer; const char *want; } cases[] = {
        {{.status = DNS_OK, .type = DNS_MX, .count = 1, .secure = true, .ttl_s = 60}, "1 record, secure, ttl 60"},
        {{.status = DNS_OK, .type = DNS_MX, .count = 2, .cut = true, .ttl_s = 60}, "2 records (cut), insecure, ttl 60"},
        {{.status = DNS_NODATA, .type = DNS_AAAA, .secure = true}, "no AAAA record (proved)"},
        {{.status = DNS_NXDOMAIN, .type = DNS_AAAA}, "no such name"},
        {{.status = DNS_BOGUS, .type = DNS_AAAA, .why = S_INIT("signature expired")}, "bogus: signature expired"},
        {{.status = DNS_TIMEOUT, .type = DNS_AAAA}, "timeout"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[200];
        struct buf b;
        buf_fixed(&b, text, sizeof text);
        dns_answer_text(&b, &cases[i].answer);
        CHECK_STR(buf_str(&b), str_c(cases[i].want));
    }
    enum dns_type type;
    for (size_t i = 0; i < countof(all_types); i++)
        CHECK(dns_type_parse(str_c(dns_type_text(all_types[i])), &type) && type == all_types[i] && dns_type_known((uint32_t)all_types[i]));
    CHECK(!dns_type_parse(S("NS"), &type) && !dns_type_known(2) && dns_type_parse(S("tlsa"), &type));
}
