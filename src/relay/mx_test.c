// SPDX-License-Identifier: ISC
/* Each case is a world (dns/script.h), a domain, settings, and what comes of it; played with answers at once, in reverse, and in random order: with the same result. */
#include "base/test.h"
#include "base/compiler.h"
#include "base/fail.h"
#include "dns/script.h"
#include "relay/mx.h"

enum { ALLOW_PRIVATE = 1, ALLOW_OWN = 2, IS_HOST = 4, NO_V4 = 8, NO_V6 = 16, NO_TLSA = 32, ONE_GROUP = 64, PORT_2525 = 128, THREE_HOSTS = 256 };

static const struct { const char *name, *world, *domain; unsigned how; const char *want; } cases[] = {
    {"plain", "a.test MX 20 m2.test\na.test MX 10 m1.test\nm1.test A 192.0.2.1\nm2.test A 192.0.2.2\n", "a.test", 0,
     "done | site m1.test,m2.test | 10 m1.test ready 192.0.2.1 | 20 m2.test ready 192.0.2.2"},
    {"the next group is not asked for before it is wanted", "a.test MX 20 m2.test\na.test MX 10 m1.test\nm1.test A 192.0.2.1\n", "a.test", ONE_GROUP,
     "hosts | site m1.test,m2.test | 10 m1.test ready 192.0.2.1 | 20 m2.test waiting"},
    {"families take turns", "a.test MX 1 m.test\nm.test A 192.0.2.1\nm.test AAAA 2001:db8::1\n", "a.test", 0, "done | site m.test | 1 m.test ready 2001:db8::1 192.0.2.1"},
    {"IPv4 only", "a.test MX 1 m.test\nm.test A 192.0.2.1\nm.test AAAA 2001:db8::1\n", "a.test", NO_V6, "done | site m.test | 1 m.test ready 192.0.2.1"},
    {"IPv6 only, of which there is none", "a.test MX 1 m.test\nm.test A 192.0.2.1\n", "a.test", NO_V4, "refuse 5.4.4 | site m.test | 1 m.test unusable"},
    {"neither", "a.test MX 1 m.test\nm.test A 192.0.2.1\n", "a.test", NO_V4 | NO_V6, "retry 4.4.1 | site m.test | 1 m.test failed"},
    {"implicit", "a.test A 192.0.2.1\n", "a.test", 0, "done | implicit | site a.test | 0 a.test ready 192.0.2.1"},
    {"implicit, nothing at all", "a.test TXT x\n", "a.test", 0, "refuse 5.4.4 | implicit | site a.test | 0 a.test unusable"},
    {"implicit, own", "mail.own.test A 192.0.2.1\n", "mail.own.test", 0, "refuse 5.4.6 | implicit | site mail.own.test | 0 mail.own.test own"},
    {"no such domain", "b.test A 192.0.2.1\n", "a.test", 0, "refuse 5.1.2"},
    {"null MX", "a.test MX 0 .\na.test A 192.0.2.1\n", "a.test", 0, "refuse 5.1.10"},
    {"null MX beside others counts for nothing", "a.test MX 0 .\na.test MX 5 m.test\nm.test A 192.0.2.1\n", "a.test", 0, "done | site m.test | 5 m.test ready 192.0.2.1"},
    {"servfail", "a.test MX SERVFAIL\n", "a.test", 0, "retry 4.4.3"},
    {"timeout", "a.test MX TIMEOUT\na.test A 192.0.2.1\n", "a.test", 0, "retry 4.4.3"},
    {"bogus", "a.test MX BOGUS\n", "a.test", 0, "retry 4.4.3"},
    {"one host fails, the next is used", "a.test MX 1 m1.test\na.test MX 2 m2.test\nm1.test * SERVFAIL\nm2.test A 192.0.2.2\n", "a.test", 0,
     "done | site m1.test,m2.test | 1 m1.test failed | 2 m2.test ready 192.0.2.2"},
    {"one host fails, the others are unusable", "a.test MX 1 m1.test\na.test MX 2 m2.test\nm1.test * TIMEOUT\nm2.test A 10.0.0.1\n", "a.test", 0,
     "retry 4.4.3 | site m1.test,m2.test | 1 m1.test failed | 2 m2.test unusable"},
    {"half an answer is used", "a.test MX 1 m.test\nm.test AAAA SERVFAIL\nm.test A 192.0.2.1\n", "a.test", 0, "done | site m.test | 1 m.test ready 192.0.2.1"},
    {"half an answer that is nothing is none", "a.test MX 1 m.test\nm.test AAAA BOGUS\nm.test TXT x\n", "a.test", 0, "retry 4.4.3 | site m.test | 1 m.test failed"},
    {"hosts without address", "a.test MX 1 m1.test\na.test MX 2 m2.test\nm1.test TXT x\n", "a.test", 0,
     "refuse 5.4.4 | site m1.test,m2.test | 1 m1.test unusable | 2 m2.test unusable"},
    {"alias of the domain", "a.test CNAME b.test\nb.test MX 1 m.test\nm.test A 192.0.2.1\n", "a.test", 0, "done | = b.test | site m.test | 1 m.test ready 192.0.2.1"},
    {"alias of a host", "a.test MX 1 m.test\nm.test CNAME x.test\nx.test A 192.0.2.1\n", "a.test", 0, "done | site m.test | 1 m.test=x.test ready 192.0.2.1"},
    {"aliases in a circle", "a.test CNAME b.test\nb.test CNAME a.test\n", "a.test", 0, "retry 4.4.3"},
    {"named twice", "a.test MX 5 m.test\na.test MX 1 M.test\nm.test A 192.0.2.1\n", "a.test", 0, "done | site m.test | 1 m.test ready 192.0.2.1"},
    {"an address for a name", "a.test MX 1 192.0.2.1\na.test MX 2 m.test\nm.test A 192.0.2.2\n", "a.test", 0,
     "done | site 192.0.2.1,m.test | 1 192.0.2.1 unusable | 2 m.test ready 192.0.2.2"},
    {"no host's name", "a.test MX 1 a\\032b.test\n", "a.test", 0, "refuse 5.4.4 | site a\\032b.test | 1 a\\032b.test unusable"},
    {"own name: it and what is worse is cut", "a.test MX 1 m1.test\na.test MX 2 mail.own.test\na.test MX 2 m2.test\na.test MX 3 m3.test\nm1.test A 192.0.2.1\nm2.test A 192.0.2.2\nm3.test A 192.0.2.3\n",
     "a.test", THREE_HOSTS, "done | site m1.test,m2.test,mail.own.test | cut | 1 m1.test ready 192.0.2.1 | 2 mail.own.test own | 2 m2.test cut"},
    {"own name is best: a loop", "a.test MX 1 Mail.Own.test\na.test MX 2 m2.test\nm2.test A 192.0.2.2\n", "a.test", 0,
     "refuse 5.4.6 | site m2.test,mail.own.test | 1 mail.own.test own | 2 m2.test cut"},
    {"own by address", "a.test MX 1 m1.test\na.test MX 2 m2.test\na.test MX 3 m3.test\nm1.test A 192.0.2.1\nm2.test A 192.0.2.77\nm3.test A 192.0.2.3\n", "a.test", 0,
     "done | site m1.test,m2.test,m3.test | 1 m1.test ready 192.0.2.1 | 2 m2.test own | 3 m3.test cut"},
    {"own by address beside an equal", "a.test MX 2 m1.test\na.test MX 2 m2.test\nm1.test A 192.0.2.1\nm2.test AAAA 2001:db8::77\n", "a.test", 0,
     "refuse 5.4.6 | site m1.test,m2.test | 2 m2.test own | 2 m1.test cut"},
    {"own is backup, the best is down", "a.test MX 1 m1.test\na.test MX 2 mail.own.test\nm1.test * SERVFAIL\n", "a.test", 0,
     "retry 4.4.3 | site m1.test,mail.own.test | 1 m1.test failed | 2 mail.own.test own"},
    {"own is backup, the best is nothing", "a.test MX 1 m1.test\na.test MX 2 mail.own.test\nm1.test TXT x\n", "a.test", 0,
     "refuse 5.4.6 | site m1.test,mail.own.test | 1 m1.test unusable | 2 mail.own.test own"},
    {"own is allowed by a route", "mail.own.test A 192.0.2.77\n", "mail.own.test", ALLOW_OWN | IS_HOST | PORT_2525, "done | site mail.own.test:2525 | 0 mail.own.test ready 192.0.2.77"},
    {"loopback", "a.test MX 1 m.test\nm.test A 127.0.0.1\n", "a.test", 0, "refuse 5.4.4 | site m.test | 1 m.test unusable"},
    {"loopback beside a good one", "a.test MX 1 m.test\nm.test A 127.0.0.1\nm.test A 192.0.2.1\nm.test AAAA ::1\n", "a.test", 0, "done | site m.test | 1 m.test ready 192.0.2.1 (2 avoided)"},
    {"loopback, allowed", "a.test MX 1 m.test\nm.test A 127.0.0.1\n", "a.test", ALLOW_PRIVATE, "done | site m.test | 1 m.test ready 127.0.0.1"},
    {"a host by decree", "a.test MX 1 m.test\na.test A 192.0.2.9\n", "a.test", IS_HOST, "done | site a.test | 0 a.test ready 192.0.2.9"},
    {"a host by decree that is not there", "b.test A 192.0.2.9\n", "a.test", IS_HOST, "refuse 5.4.4 | site a.test | 0 a.test unusable"},
    {"literal", "", "[192.0.2.1]", 0, "done | site [192.0.2.1] | 0 [192.0.2.1] ready 192.0.2.1"},
    {"literal, IPv6", "", "[IPv6:2001:DB8::1]", PORT_2525, "done | site [IPv6:2001:db8::1]:2525 | 0 [IPv6:2001:db8::1] ready 2001:db8::1"},
    {"literal, private", "", "[10.1.2.3]", 0, "refuse 5.4.4 | site [10.1.2.3] | 0 [10.1.2.3] unusable"},
    {"literal, own", "", "[192.0.2.77]", 0, "refuse 5.4.6 | site [192.0.2.77] | 0 [192.0.2.77] own"},
    {"literal, of another kind", "", "[x400:c=de]", 0, "refuse 5.1.2"},
    {"no more than three hosts", "a.test MX 1 m1.test\na.test MX 2 m2.test\na.test MX 3 m3.test\na.test MX 4 m4.test\nm1.test A 192.0.2.1\nm2.test A 192.0.2.2\nm3.test A 192.0.2.3\n", "a.test",
     THREE_HOSTS, "done | site m1.test,m2.test,m3.test | cut | 1 m1.test ready 192.0.2.1 | 2 m2.test ready 192.0.2.2 | 3 m3.test ready 192.0.2.3"},
    /* DANE */
    {"tlsa", "$SECURE test\na.test MX 1 m.test\nm.test A 192.0.2.1\n_25._tcp.m.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "a.test", 0,
     "done | secure | site m.test | 1 m.test ready 192.0.2.1 secure usable at m.test"},
    {"tlsa of another port", "$SECURE test\nm.test A 192.0.2.1\n_2525._tcp.m.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "m.test", PORT_2525 | IS_HOST,
     "done | secure | site m.test:2525 | 0 m.test ready 192.0.2.1 secure usable at m.test"},
    {"tlsa not wanted", "$SECURE test\na.test MX 1 m.test\nm.test A 192.0.2.1\n_25._tcp.m.test TLSA BOGUS\n", "a.test", NO_TLSA, "done | secure | site m.test | 1 m.test ready 192.0.2.1 secure"},
    {"tlsa absent", "$SECURE test\na.test MX 1 m.test\nm.test A 192.0.2.1\n", "a.test", 0, "done | secure | site m.test | 1 m.test ready 192.0.2.1 secure"},
    {"tlsa in an unsigned zone is not asked for", "a.test MX 1 m.test\nm.test A 192.0.2.1\n_25._tcp.m.test * SERVFAIL\n", "a.test", 0, "done | site m.test | 1 m.test ready 192.0.2.1"},
    {"tlsa fails", "$SECURE test\na.test MX 1 m.test\nm.test A 192.0.2.1\n_25._tcp.m.test * SERVFAIL\n", "a.test", 0, "done | secure | site m.test | 1 m.test ready 192.0.2.1 secure failed"},
    {"tlsa bogus", "$SECURE test\na.test MX 1 m.test\nm.test A 192.0.2.1\n_25._tcp.m.test * BOGUS\n", "a.test", 0, "done | secure | site m.test | 1 m.test ready 192.0.2.1 secure failed"},
    {"tlsa unusable", "$SECURE test\na.test MX 1 m.test\nm.test A 192.0.2.1\n_25._tcp.m.test TLSA 0 0 1 00\n", "a.test", 0,
     "done | secure | site m.test | 1 m.test ready 192.0.2.1 secure unusable at m.test"},
    {"tlsa at the end of aliases", "$SECURE test\na.test MX 1 m.test\nm.test CNAME x.test\nx.test A 192.0.2.1\n_25._tcp.x.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
     "_25._tcp.m.test TLSA 3 0 1 00\n", "a.test", 0, "done | secure | site m.test | 1 m.test=x.test ready 192.0.2.1 secure usable at x.test"},
    {"tlsa at the name itself", "$SECURE test\na.test MX 1 m.test\nm.test CNAME x.test\nx.test A 192.0.2.1\n_25._tcp.m.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
     "a.test", 0, "done | secure | site m.test | 1 m.test=x.test ready 192.0.2.1 secure usable at m.test"},
    {"tlsa at a signed alias that leads out", "$SECURE test\n$INSECURE out.test\na.test MX 1 m.test\nm.test CNAME x.out.test\nx.out.test A 192.0.2.1\n"
     "_25._tcp.m.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "a.test", 0,
     "done | secure | site m.test | 1 m.test=x.out.test ready 192.0.2.1 usable at m.test"},
    {"unsigned alias", "$SECURE in.test\na.test MX 1 m.test\nm.test CNAME x.in.test\nx.in.test A 192.0.2.1\n_25._tcp.m.test TLSA 3 1 1 00\n", "a.test", 0,
     "done | site m.test | 1 m.test=x.in.test ready 192.0.2.1"},
    {"implicit and signed", "$SECURE test\na.test A 192.0.2.1\n_25._tcp.a.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "a.test", 0,
     "done | implicit | secure | site a.test | 0 a.test ready 192.0.2.1 secure usable at a.test"},
};

static const struct str own_names[] = {S_INIT("own.test"), S_INIT("mail.own.test")};

static struct relay_mx_settings settings_of(unsigned how, struct dns_ip own[2])
{
    CHECK(dns_ip_parse(S("192.0.2.77"), &own[0]) && dns_ip_parse(S("2001:db8::77"), &own[1]));
    return (struct relay_mx_settings){
        .own_names = own_names, .own_name_count = 2, .own_addresses = own, .own_address_count = 2, .port = how & PORT_2525 ? 2525 : 0, .is_host = how & IS_HOST,
        .allow_private = how & ALLOW_PRIVATE, .allow_own = how & ALLOW_OWN, .no_ipv4 = how & NO_V4, .no_ipv6 = how & NO_V6, .no_tlsa = how & NO_TLSA, .seed = 7,
        .hosts_max = how & THREE_HOSTS ? 3 : 0};
}

static void describe(const struct relay_mx *m, struct buf *b)
{
    static const char *const outcomes[] = {"hosts", "done", "retry", "refuse"};
    buf_add_c(b, outcomes[m->outcome]);
    if (m->why.status[0])
        buf_printf(b, " %s", m->why.status);
    if (!str_eq(m->canonical, m->domain))
        buf_printf(b, " | = %.*s", STR_ARG(m->canonical));
    if (m->implicit)
        buf_add_c(b, " | implicit");
    if (m->mx_secure && m->host_count > 0)
        buf_add_c(b, m->settings->is_host && !(m->hosts[0].secure) ? "" : " | secure");
    if (m->site[0])
        buf_printf(b, " | site %s", m->site);
    if (m->cut)
        buf_add_c(b, " | cut");
    for (size_t i = 0; i < m->host_count; i++) {
        const struct relay_mx_host *h = &m->hosts[i];
        buf_printf(b, " | %u %.*s", h->preference, STR_ARG(h->name));
        if (!str_eq(h->canonical, h->name))
            buf_printf(b, "=%.*s", STR_ARG(h->canonical));
        buf_printf(b, " %s", relay_mx_host_text(h->state));
        for (size_t k = 0; h->state == RELAY_HOST_READY && k < h->address_count; k++)
            buf_printf(b, " %s", dns_ip_text(&h->addresses[k]).c);
        if (h->state == RELAY_HOST_READY && h->avoided)
            buf_printf(b, " (%u avoided)", h->avoided);
        if (h->state == RELAY_HOST_READY && h->secure)
            buf_add_c(b, " secure");
        if (h->state == RELAY_HOST_READY && h->dane.status != DANE_ABSENT)
            buf_printf(b, " %s", dane_status_text(h->dane.status));
        if (h->state == RELAY_HOST_READY && h->dane.base.n > 0)
            buf_printf(b, " at %.*s", STR_ARG(h->dane.base));
        if ((h->state == RELAY_HOST_FAILED || h->state == RELAY_HOST_UNUSABLE) && (h->why.text[0] == '\0' || h->why.status[0] == '\0'))
            buf_add_c(b, " without a reason");
    }
}

static uint64_t random_state;
static size_t dice(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % n;
}

/* order 0: each question at once; 1: all questions, answers in reverse; 2 …: random. */
static void play(struct relay_mx *m, const struct dns_script *world, unsigned order, bool one_group)
{
    struct relay_mx_question asked[64];
    struct arena scratch;
    size_t count = 0;
    random_state = order;
    for (int turn = 0; turn < 1000 && m->state != RELAY_MX_END; turn++) {
        if (m->state == RELAY_MX_HOSTS) {
            CHECK(!relay_mx_question(m, &asked[0]));
            if (one_group)
                return;
            relay_mx_more(m);
            continue;
        }
        while (count < 64 && relay_mx_question(m, &asked[count])) {
            count++;
            if (order == 0)
                break;
        }
        CHECK(count > 0);
        if (count == 0)
            return;
        struct dns_answer answer;
        size_t at = order == 0 ? 0 : order == 1 ? count - 1 : dice(count);
        struct relay_mx_question q = asked[at];
        asked[at] = asked[--count];
        arena_init(&scratch, DNS_ANSWER_MEM);
        if (dns_script_answer(world, &scratch, str_c(q.name), q.type, &answer))
            relay_mx_answer(m, q.id, &answer);
        else
            relay_mx_unanswered(m, q.id, S("no memory"));
        relay_mx_unanswered(m, q.id, S("twice: ignored"));
        relay_mx_unanswered(m, 100000, S("unknown: ignored"));
        arena_clear(&scratch);
    }
}

TEST(cases)
{
    for (size_t i = 0; i < countof(cases); i++) {
        struct why why;
        struct dns_ip own[2];
        struct dns_script *world = dns_script_new(str_c(cases[i].world), &why);
        struct relay_mx_settings settings = settings_of(cases[i].how, own);
        CHECK(world != NULL);
        for (unsigned order = 0; world && order < 8; order++) {
            struct arena a;
            struct domain domain;
            struct relay_mx m;
            struct buf b, explained;
            char text[2048];
            arena_init(&a, RELAY_MX_MEM);
            CHECK_NUM(domain_parse(&a, str_c(cases[i].domain), true, &domain), ADDRESS_OK);
            relay_mx_init(&m, &a, &settings, &domain);
            play(&m, world, order, cases[i].how & ONE_GROUP);
            buf_fixed(&b, text, sizeof text);
            describe(&m, &b);
            test_checks++;
            if (!str_eq(buf_str(&b), str_c(cases[i].want)))
                test_fail(__FILE__, __LINE__, "%s (%u):\n   got    <%.*s>\n   wanted <%s>", cases[i].name, order, STR_ARG(buf_str(&b)), cases[i].want);
            buf_init(&explained, 1 << 16);
            relay_mx_explain(&m, &explained);
            CHECK(explained.n > 0 && buf_str(&explained).p[explained.n - 1] == '\n');
            buf_free(&explained);
            arena_clear(&a);
        }
        dns_script_free(world);
    }
}

static void explain(const char *world_text, const char *name, unsigned how, struct buf *to)
{
    struct why why;
    struct dns_ip own[2];
    struct arena a;
    struct domain domain;
    struct relay_mx m;
    struct relay_mx_settings settings = settings_of(how, own);
    struct dns_script *world = dns_script_new(str_c(world_text), &why);
    arena_init(&a, RELAY_MX_MEM);
    CHECK_NUM(domain_parse(&a, str_c(name), true, &domain), ADDRESS_OK);
    relay_mx_init(&m, &a, &settings, &domain);
    play(&m, world, 0, how & ONE_GROUP);
    relay_mx_explain(&m, to);
    dns_script_free(world);
    arena_clear(&a);
}

TEST(explained)
{
    char text[2048];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    explain("$TTL 60\n$SECURE test\nb.test CNAME a.test\na.test MX 10 m1.test\na.test MX 20 m2.test\na.test MX 30 mail.own.test\nm1.test A 192.0.2.1\nm1.test A 10.0.0.1\n"
            "_25._tcp.m1.test TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n_25._tcp.m1.test TLSA 1 1 1 00\nm2.test * SERVFAIL\n",
            "b.test", 0, &b);
    CHECK_STR(buf_str(&b), S("b.test (alias of a.test): MX found, secure, good for 60 s\n"
                             "   10 m1.test: 192.0.2.1, secure, 1 address left out that DNS may not lead to, DANE usable (1 of 2 TLSA records) at m1.test\n"
                             "   20 m2.test: 4.4.3 the addresses of a mail exchanger cannot be looked up now (servfail): m2.test\n"
                             "   30 mail.own.test: this machine itself\n"));
    buf_clear(&b);
    explain("a.test MX 10 m1.test\nm1.test A 127.0.0.1\n", "a.test", 0, &b);
    CHECK_STR(buf_str(&b), S("a.test: MX found, insecure, good for 3600 s\n"
                             "   10 m1.test: 5.4.4 DNS leads to a loopback address (127.0.0.1), where only a route may lead: m1.test\n"
                             "refused: 5.4.4 DNS leads to a loopback address (127.0.0.1), where only a route may lead: m1.test\n"));
    buf_clear(&b);
    explain("a.test MX 10 m1.test\na.test MX 20 m2.test\nm1.test A 192.0.2.1\n", "a.test", ONE_GROUP, &b);
    CHECK_STR(buf_str(&b), S("a.test: MX found, insecure, good for 3600 s\n   10 m1.test: 192.0.2.1, insecure\n   20 m2.test: asked for only when the hosts above do not do\n"));
    buf_clear(&b);
    explain("", "[10.0.0.1]", 0, &b);
    CHECK_STR(buf_str(&b), S("[10.0.0.1]: MX does not matter here\n    0 [10.0.0.1]: 5.4.4 DNS leads to a private address (10.0.0.1), where only a route may lead: [10.0.0.1]\n"
                             "refused: 5.4.4 DNS leads to a private address (10.0.0.1), where only a route may lead: [10.0.0.1]\n"));
}

/* Equal hosts and addresses: every order comes up, and a seed repeats it. */
TEST(shuffled)
{
    struct why why;
    struct dns_script *world = dns_script_new(S("a.test MX 1 m1.test\na.test MX 1 m2.test\na.test MX 1 m3.test\nm1.test A 192.0.2.1\nm1.test A 192.0.2.2\nm2.test A 192.0.2.3\nm3.test A 192.0.2.4\n"
                                                "m1.test AAAA 2001:db8::1\nm1.test AAAA 2001:db8::2\n"), &why);
    unsigned first[3] = {0}, address[2] = {0};
    char site[RELAY_SITE_MAX] = "";
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct relay_mx_settings settings = {.seed = seed};
        char names[2][64];
        for (int again = 0; again < 2; again++) {
            struct arena a;
            struct domain domain;
            struct relay_mx m;
            arena_init(&a, RELAY_MX_MEM);
            CHECK_NUM(domain_parse(&a, S("a.test"), true, &domain), ADDRESS_OK);
            relay_mx_init(&m, &a, &settings, &domain);
            play(&m, world, again ? 5 : 0, false);
            CHECK(m.outcome == DONE && m.host_count == 3);
            snprintf(names[again], sizeof names[again], "%.*s %.*s %.*s", STR_ARG(m.hosts[0].name), STR_ARG(m.hosts[1].name), STR_ARG(m.hosts[2].name));
            if (!again)
                first[m.hosts[0].name.p[1] - '1']++;
            for (size_t i = 0; i < 3; i++)
                if (m.hosts[i].address_count == 4) {
                    CHECK(m.hosts[i].addresses[0].v6 && !m.hosts[i].addresses[1].v6 && m.hosts[i].addresses[2].v6 && !m.hosts[i].addresses[3].v6);
                    if (!again)
                        address[m.hosts[i].addresses[1].b[3] - 1]++;
                }
            if (seed > 1)
                CHECK_STR(str_c(m.site), str_c(site));
            snprintf(site, sizeof site, "%s", m.site);
            arena_clear(&a);
        }
        CHECK_STR(str_c(names[0]), str_c(names[1]));
    }
    for (int i = 0; i < 3; i++)
        CHECK(first[i] > 140 && first[i] < 260);
    CHECK(address[0] > 240 && address[0] < 360);
    dns_script_free(world);
}

TEST(limits)
{
    struct buf world_text;
    struct why why;
    struct relay_mx_settings settings = {.seed = 1};
    buf_init(&world_text, 1 << 20);
    for (int i = 0; i < 40; i++)
        buf_printf(&world_text, "a.test MX %d host-number-%d.with-a-long-name.test\n", i, i);
    for (int i = 1; i < 60; i++)
        buf_printf(&world_text, "host-number-0.with-a-long-name.test A 192.0.2.%d\nhost-number-0.with-a-long-name.test AAAA 2001:db8::%d\n", i, i);
    struct dns_script *world = dns_script_new(buf_str(&world_text), &why);
    struct arena a;
    struct domain domain;
    struct relay_mx m;
    arena_init(&a, RELAY_MX_MEM);
    CHECK_NUM(domain_parse(&a, S("a.test"), true, &domain), ADDRESS_OK);
    relay_mx_init(&m, &a, &settings, &domain);
    play(&m, world, 0, false);
    CHECK(m.host_count == RELAY_MX_HOSTS_MAX && m.cut);
    CHECK_NUM(m.hosts[0].address_count, RELAY_MX_ADDRESSES_MAX);
    CHECK(m.hosts[0].addresses[0].v6 && !m.hosts[0].addresses[1].v6);
    CHECK(strlen(m.site) < RELAY_SITE_MAX && strstr(m.site, ",~"));
    arena_clear(&a);
    /* The n-th allocation fails: a reason, never a wrong refusal. */
    for (uint64_t n = 1; n < 30; n++) {
        struct arena b;
        bool happened = false;
        arena_init(&a, RELAY_MX_MEM);
        arena_init(&b, RELAY_MX_MEM);
        CHECK_NUM(domain_parse(&b, S("a.test"), true, &domain), ADDRESS_OK);
        for (size_t max = 0; max < 2; max++) {
            arena_clear(&a);
            arena_init(&a, max ? 64 * n : RELAY_MX_MEM);
            if (!max)
                fail_alloc_at(n);
            relay_mx_init(&m, &a, &settings, &domain);
            play(&m, world, 0, false);
            happened = happened || fail_alloc_happened();
            fail_alloc_at(0);
            CHECK_NUM(m.state, RELAY_MX_END);
            if (m.outcome != DONE)
                CHECK_STR(str_c(m.outcome == RETRY ? "" : m.why.text), S(""));
        }
        arena_clear(&a);
        arena_clear(&b);
    }
    dns_script_free(world);
    buf_free(&world_text);
}

TEST(not_answered)
{
    struct arena a;
    struct domain domain;
    struct relay_mx m;
    struct relay_mx_question q;
    struct relay_mx_settings settings = {.seed = 1};
    arena_init(&a, RELAY_MX_MEM);
    CHECK_NUM(domain_parse(&a, S("b\xc3\xbc" "cher.example"), true, &domain), ADDRESS_OK);
    relay_mx_init(&m, &a, &settings, &domain);
    CHECK(relay_mx_question(&m, &q) && !relay_mx_question(&m, &(struct relay_mx_question){0}));
    CHECK_STR(str_c(q.name), S("xn--bcher-kva.example"));
    relay_mx_unanswered(&m, q.id, S("too many questions at once"));
    CHECK(m.state == RELAY_MX_END && m.outcome == RETRY && strstr(m.why.text, "too many questions"));
    arena_clear(&a);
}

TEST(addresses)
{
    static const struct { const char *ip; bool avoided; } table[] = {
        {"0.0.0.0", true}, {"0.1.2.3", true}, {"9.255.255.255", false}, {"10.0.0.0", true}, {"10.255.255.255", true}, {"11.0.0.0", false}, {"100.63.255.255", false},
        {"100.64.0.0", true}, {"100.127.255.255", true}, {"100.128.0.0", false}, {"127.0.0.1", true}, {"127.255.0.1", true}, {"128.0.0.1", false}, {"169.254.169.254", true},
        {"172.15.255.255", false}, {"172.16.0.1", true}, {"172.31.255.255", true}, {"172.32.0.0", false}, {"192.0.0.8", true}, {"192.0.2.1", false}, {"192.168.1.1", true},
        {"192.169.0.0", false}, {"198.17.255.255", false}, {"198.18.0.1", true}, {"198.19.255.255", true}, {"198.20.0.0", false}, {"223.255.255.255", false}, {"224.0.0.1", true},
        {"255.255.255.255", true}, {"8.8.8.8", false}, {"::", true}, {"::1", true}, {"::2", true}, {"::10.0.0.1", true}, {"::ffff:127.0.0.1", true}, {"::ffff:8.8.8.8", true},
        {"fe80::1", true}, {"febf::1", true}, {"fec0::1", true}, {"fc00::1", true}, {"fdff::1", true}, {"fe00::1", false}, {"ff02::1", true}, {"2001:db8::1", false},
        {"2a00:1450::1", false}, {"64:ff9b::7f00:1", true}, {"64:ff9b::808:808", false}, {"2002:7f00:1::", true}, {"2002:808:808::1", false},
    };
    for (size_t i = 0; i < countof(table); i++) {
        struct dns_ip ip;
        CHECK(dns_ip_parse(str_c(table[i].ip), &ip));
        test_checks++;
        if ((relay_address_avoided(&ip) != NULL) != table[i].avoided)
            test_fail(__FILE__, __LINE__, "%s", table[i].ip);
    }
}
