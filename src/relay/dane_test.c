// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "dns/script.h"
#include "relay/dane.h"

/* RFC 7672 3.2.2's example, and what it leaves out. Digests are short for 32 octets of one value. */
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 D1 D1
static const char zone[] =
    "$SECURE example.com\n$SECURE example.net\n$SECURE example.org\n$INSECURE plain.example.com\n$INSECURE weak.example.net\n"
    "mx10.example.com A 192.0.2.10\n"
    "_25._tcp.mx10.example.com TLSA 2 0 1 " D1 "\n"
    "mx15.example.com CNAME mxbackup.example.com\n"
    "mxbackup.example.com A 192.0.2.15\n"
    "_25._tcp.mx15.example.com TLSA 2 0 1 " D1 "\n"
    "mx20.example.com CNAME mxbackup.example.net\n"
    "mxbackup.example.net A 198.51.100.20\n"
    "_25._tcp.mxbackup.example.net TLSA 2 0 1 " D1 "\n"
    "bare.example.com A 192.0.2.1\n"
    "mx.plain.example.com A 192.0.2.2\n"
    "_25._tcp.mx.plain.example.com TLSA 3 1 1 " D1 "\n"
    "hosted.example.com CNAME host.weak.example.net\n" /* signed alias to an unsigned host */
    "host.weak.example.net A 192.0.2.3\n"
    "_25._tcp.hosted.example.com TLSA 3 1 1 " D1 "\n"
    "both.plain.example.com CNAME host.weak.example.net\n"
    "broken.example.com A 192.0.2.4\n"
    "_25._tcp.broken.example.com TLSA SERVFAIL lame\n"
    "bogus.example.com A 192.0.2.4\n"
    "_25._tcp.bogus.example.com TLSA BOGUS no signature\n"
    "unusable.example.com A 192.0.2.5\n"
    "_25._tcp.unusable.example.com TLSA 1 1 1 " D1 "\n"
    "_25._tcp.unusable.example.com TLSA 0 0 1 " D1 "\n"
    "_25._tcp.unusable.example.com TLSA 3 1 1 1111\n"
    "mixed.example.com A 192.0.2.6\n"
    "mixed.example.com AAAA 2001:db8::6\n"
    "_25._tcp.mixed.example.com TLSA 1 1 1 " D1 "\n"
    "_25._tcp.mixed.example.com TLSA 3 1 1 " D1 "\n"
    "_25._tcp.mixed.example.com TLSA 3 1 2 " D2 "\n"
    "_25._tcp.mixed.example.com TLSA 3 9 1 " D1 "\n"
    "shared.example.com A 192.0.2.7\n"
    "_25._tcp.shared.example.com CNAME tlsa._dane.example.com\n"
    "tlsa._dane.example.com TLSA 3 1 1 " D1 "\n"
    "lent.example.com A 192.0.2.8\n"
    "_25._tcp.lent.example.com CNAME tlsa.plain.example.com\n" /* a secure name that leads to insecure records */
    "tlsa.plain.example.com TLSA 3 1 1 " D1 "\n"
    "cname.example.com CNAME SERVFAIL x\n"
    "other.example.com A 192.0.2.9\n"
    "_2525._tcp.other.example.com TLSA 3 1 1 " D1 "\n";

static struct arena memory;
static struct dns_script *script;

static const struct dns_answer *ask(struct str name, enum dns_type type)
{
    struct dns_answer *a = arena_new(&memory, struct dns_answer);
    CHECK(a && dns_script_answer(script, &memory, name, type, a));
    return a;
}

/* What a host does: addresses, candidates, TLSA. */
static struct dane_facts look(const char *host, uint16_t port)
{
    struct str base[2], name = str_c(host);
    bool ask_cname = false, failed = false;
    struct dane_facts f = {.status = DANE_ABSENT};
    const struct dns_answer *a = ask(name, DNS_A), *aaaa = ask(name, DNS_AAAA), *tlsa = NULL;
    size_t n = dane_candidates(name, a, aaaa, base, &ask_cname), i = 0;
    if (ask_cname && dane_candidate_alias(ask(name, DNS_CNAME), &failed)) {
        base[0] = name;
        n = 1;
    }
    CHECK(!failed);
    for (; i < n; i++) {
        char text[300];
        struct buf b;
        buf_fixed(&b, text, sizeof text);
        dane_query_name(&b, base[i], port);
        tlsa = ask(buf_str(&b), DNS_TLSA);
        if (dane_judge(tlsa) != DANE_NEXT)
            break;
        tlsa = NULL;
    }
    CHECK(dane_take(&memory, i < n ? base[i] : STR_NONE, tlsa, &f));
    return f;
}

static const struct {
    const char *host;
    uint16_t port;
    enum dane_status status;
    const char *base;
    size_t count, unusable;
} hosts[] = {
    {"mx10.example.com", 25, DANE_USABLE, "mx10.example.com", 1, 0},
    {"mx15.example.com", 25, DANE_USABLE, "mx15.example.com", 1, 0},     /* nothing at the expanded name: the name itself */
    {"mx20.example.com", 25, DANE_USABLE, "mxbackup.example.net", 1, 0}, /* the expanded name first */
    {"bare.example.com", 25, DANE_ABSENT, "", 0, 0},
    {"mx.plain.example.com", 25, DANE_ABSENT, "", 0, 0},                 /* never asked for: the zone is not signed */
    {"hosted.example.com", 25, DANE_USABLE, "hosted.example.com", 1, 0}, /* the CNAME is signed */
    {"both.plain.example.com", 25, DANE_ABSENT, "", 0, 0},
    {"broken.example.com", 25, DANE_FAILED, "", 0, 0},
    {"bogus.example.com", 25, DANE_FAILED, "", 0, 0},
    {"unusable.example.com", 25, DANE_UNUSABLE, "unusable.example.com", 0, 3},
    {"mixed.example.com", 25, DANE_USABLE, "mixed.example.com", 2, 2},
    {"shared.example.com", 25, DANE_USABLE, "shared.example.com", 1,
     0}, /* 2.2.3: a CNAME of TLSA does not move the base domain */
    {"lent.example.com", 25, DANE_ABSENT, "", 0, 0},
    {"other.example.com", 25, DANE_ABSENT, "", 0, 0},
    {"other.example.com", 2525, DANE_USABLE, "other.example.com", 1, 0},
    {"nowhere.example.com", 25, DANE_ABSENT, "", 0, 0},
    {"192.0.2.1", 25, DANE_ABSENT, "", 0, 0},
    {"[192.0.2.1]", 25, DANE_ABSENT, "", 0, 0},
    {"2001:db8::1", 25, DANE_ABSENT, "", 0, 0},
};

TEST(hosts_by_the_table)
{
    struct why why;
    arena_init(&memory, 16 << 20);
    script = dns_script_new(str_c(zone), &why);
    CHECK(script != NULL);
    if (!script)
        fprintf(stderr, "%s\n", why.text);
    for (size_t i = 0; script && i < countof(hosts); i++) {
        unsigned long before = test_failures;
        struct dane_facts f = look(hosts[i].host, hosts[i].port);
        CHECK_NUM(f.status, hosts[i].status);
        CHECK_STR(f.base, str_c(hosts[i].base));
        CHECK_NUM(f.count, hosts[i].count);
        CHECK_NUM(f.unusable, hosts[i].unusable);
        CHECK((f.status == DANE_FAILED) == (f.why.text[0] != '\0'));
        if (before != test_failures)
            fprintf(stderr, "  host %s\n", hosts[i].host);
    }
    bool failed = false;
    CHECK(!dane_candidate_alias(ask(S("cname.example.com"), DNS_CNAME), &failed) && failed);
    dns_script_free(script);
    arena_clear(&memory);
}

TEST(names_a_certificate_may_have)
{
    static const struct {
        const char *base;
        bool mx, secure;
        const char *hop, *canonical;
        const char *want[3];
    } cases[] = {
        {"mx10.example.com",
         true,
         true,
         "exchange.example.org",
         "example.com",
         {"mx10.example.com", "exchange.example.org", "example.com"}},
        {"mx10.example.com", true, true, "example.com", "example.com", {"mx10.example.com", "example.com"}},
        {"mx10.example.com", true, true, "example.com", "", {"mx10.example.com", "example.com"}},
        {"mx10.example.com", true, false, "example.com", "", {"mx10.example.com"}}, /* insecure MX */
        {"example.com", false, false, "example.com", "", {"example.com"}},          /* no MX: the domain is the host */
        {"host.example.net", false, false, "example.com", "host.example.net", {"host.example.net", "example.com"}},
        {"EXAMPLE.com", true, true, "example.com.", "Example.COM", {"EXAMPLE.com"}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str name[DANE_NAMES_MAX];
        struct dane_facts f = {.status = DANE_USABLE, .base = str_c(cases[i].base)};
        size_t n = dane_names(&f, cases[i].mx, cases[i].secure, str_c(cases[i].hop), str_c(cases[i].canonical), name);
        for (size_t k = 0; k < 3; k++)
            CHECK(k < n ? cases[i].want[k] && str_eq(name[k], str_c(cases[i].want[k])) : !cases[i].want[k]);
    }
}

TEST(records_as_text)
{
    char text[200];
    struct buf b;
    struct tls_tlsa r = {3, 1, 1, S("\x1f\x85\x00\xff")};
    buf_fixed(&b, text, sizeof text);
    dane_record_text(&b, &r);
    CHECK_STR(buf_str(&b), S("3 1 1 1F8500FF"));
    buf_clear(&b);
    dane_query_name(&b, S("mail.example.org."), 465);
    CHECK_STR(buf_str(&b), S("_465._tcp.mail.example.org"));
    CHECK_STR(str_c(dane_status_text(DANE_UNUSABLE)), S("unusable"));
}

/* No room: said, not half done. */
TEST(memory_ends)
{
    static unsigned char octets[40000];
    struct dns_record records[2] = {{.type = DNS_TLSA}, {.type = DNS_TLSA}};
    records[0].tlsa.usage = records[1].tlsa.usage = 3;
    records[0].tlsa.matching = records[1].tlsa.matching = 1;
    records[0].tlsa.data = records[1].tlsa.data = str_of(octets, 32);
    struct dns_answer a = {.status = DNS_OK, .secure = true, .records = records, .count = 2, .name = S("x")};
    bool ok = false;
    for (size_t room = 0; room < 4096 && !ok; room += 16) {
        struct arena small;
        struct dane_facts f;
        arena_init(&small, room);
        ok = dane_take(&small, S("mx.example.org"), &a, &f);
        CHECK(!ok || (f.count == 2 && f.status == DANE_USABLE));
        arena_clear(&small);
    }
    CHECK(ok);
}
