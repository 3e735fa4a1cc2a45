// SPDX-License-Identifier: ISC
/* The resolver against a real name server that signs its zones. */
#include "base/test.h"
#include <poll.h>
#include "base/clock.h"
#include "dns/inside.h"
#include "dns/knot_rig.h"

static const struct knot_zone zones[] = {
    {"one.test",
     "@ MX 10 mx1.one.test.\n@ MX 20 mx2.one.test.\n@ TXT \"v=spf1 \" \"mx -all\"\nmx1 A 192.0.2.1\nmx1 A 192.0.2.2\nmx1 AAAA 2001:db8::1\nmx2 A 192.0.2.3\n"
     "_25._tcp.mx1 TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\nwww CNAME web\nweb CNAME mx1\nout CNAME mx.plain.test.\n"
     "_submission._tcp SRV 5 6 587 mx1\nnull MX 0 .\nxn--bcher-kva A 192.0.2.9\nloop1 CNAME loop2\nloop2 CNAME loop1\n1.2.0.192.in-addr PTR mx1\n*.wild A 192.0.2.44\n",
     true},
    {"bad.test", "@ MX 10 mx.bad.test.\nmx A 192.0.2.5\n", true},
    {"plain.test", "@ MX 10 mx.plain.test.\nmx A 192.0.2.6\nmx AAAA 2001:db8::6\n", false},
    {"test", "@DS one.test\n@WRONGDS bad.test\nplain NS ns.plain\nns.one A 127.0.0.1\nns.bad A 127.0.0.1\nns.plain A 127.0.0.1\n"
             "gone NS ns.gone\nns.gone A 127.0.0.1\n", true},
};

struct got { bool done; unsigned times; struct dns_answer answer; struct arena a; };

static void on_answer(void *self, const struct dns_answer *answer)
{
    struct got *g = self;
    g->done = true;
    g->times++;
    arena_clear(&g->a);
    arena_init(&g->a, DNS_ANSWER_MEM);
    CHECK(dns_answer_copy(&g->a, answer, &g->answer));
}

static bool drive(struct dns_resolver *r, const bool *done, int64_t most_ms)
{
    for (int64_t end = clock_mono_ms() + most_ms; !*done && clock_mono_ms() < end;) {
        int64_t left = dns_resolver_deadline_ms(r) - clock_mono_ms();
        struct pollfd p = {.fd = dns_resolver_fd(r), .events = POLLIN};
        poll(&p, 1, left < 0 ? 0 : left > 100 ? 100 : (int)left);
        dns_resolver_turn(r);
    }
    return *done;
}

/* One question, its answer as text: "ok secure canonical | record | record". */
static const char *ask(struct dns_resolver *r, struct got *g, const char *name, enum dns_type type)
{
    static char text[4096];
    struct buf b;
    g->done = false;
    if (dns_ask(r, str_c(name), type, on_answer, g) == 0)
        return "not asked";
    if (!drive(r, &g->done, 30000))
        return "never answered";
    buf_fixed(&b, text, sizeof text - 1);
    buf_add_c(&b, dns_status_text(g->answer.status));
    buf_add_c(&b, g->answer.secure ? " secure" : " insecure");
    if (!str_eq(g->answer.canonical, g->answer.name)) {
        buf_add_c(&b, " = ");
        buf_add(&b, g->answer.canonical);
    }
    for (size_t i = 0; i < g->answer.count; i++) {
        buf_add_c(&b, " | ");
        dns_record_text(&b, &g->answer.records[i]);
    }
    text[b.n] = '\0';
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Records come in any order. */
static void check_like(const char *name, const char *got, const char *want)
{
    char a[4096], b[4096], *parts_a[32], *parts_b[32];
    size_t na = 0, nb = 0;
    snprintf(a, sizeof a, "%s", got);
    snprintf(b, sizeof b, "%s", want);
    for (char *p = strtok(a, "|"); p && na < 32; p = strtok(NULL, "|"))
        parts_a[na++] = p;
    for (char *p = strtok(b, "|"); p && nb < 32; p = strtok(NULL, "|"))
        parts_b[nb++] = p;
    bool same = na == nb;
    for (size_t i = 0; i < na; i++)
        parts_a[i] = (char *)str_trim(str_c(parts_a[i])).p, parts_a[i][str_trim(str_c(parts_a[i])).n] = '\0';
    for (size_t i = 0; i < nb; i++)
        parts_b[i] = (char *)str_trim(str_c(parts_b[i])).p, parts_b[i][str_trim(str_c(parts_b[i])).n] = '\0';
    if (same && na > 1) {
        qsort(parts_a + 1, na - 1, sizeof *parts_a, by_text);
        qsort(parts_b + 1, nb - 1, sizeof *parts_b, by_text);
    }
    for (size_t i = 0; same && i < na; i++)
        same = strcmp(parts_a[i], parts_b[i]) == 0;
    test_checks++;
    if (!same)
        test_fail(__FILE__, __LINE__, "%s: got <%s>, wanted <%s>", name, got, want);
}

static const struct { const char *name; enum dns_type type; const char *want; } cases[] = {
    {"one.test", DNS_MX, "ok secure | 10 mx1.one.test | 20 mx2.one.test"},
    {"ONE.Test.", DNS_MX, "ok secure | 10 mx1.one.test | 20 mx2.one.test"},
    {"one.test", DNS_TXT, "ok secure | \"v=spf1 mx -all\""},
    {"mx1.one.test", DNS_A, "ok secure | 192.0.2.1 | 192.0.2.2"},
    {"mx1.one.test", DNS_AAAA, "ok secure | 2001:db8::1"},
    {"mx2.one.test", DNS_AAAA, "nodata secure"},
    {"_25._tcp.mx1.one.test", DNS_TLSA, "ok secure | 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {"_25._tcp.mx2.one.test", DNS_TLSA, "nxdomain secure"},
    {"nope.one.test", DNS_A, "nxdomain secure"},
    {"_submission._tcp.one.test", DNS_SRV, "ok secure | 5 6 587 mx1.one.test"},
    {"1.2.0.192.in-addr.one.test", DNS_PTR, "ok secure | mx1.one.test"},
    {"null.one.test", DNS_MX, "ok secure | 0 ."},
    {"xn--bcher-kva.one.test", DNS_A, "ok secure | 192.0.2.9"},
    {"a.b.wild.one.test", DNS_A, "ok secure | 192.0.2.44"},
    {"www.one.test", DNS_A, "ok secure = mx1.one.test | 192.0.2.1 | 192.0.2.2"},
    {"www.one.test", DNS_CNAME, "ok secure | web.one.test"},
    {"www.one.test", DNS_TLSA, "nodata secure = mx1.one.test"},
    {"out.one.test", DNS_A, "ok insecure = mx.plain.test | 192.0.2.6"},
    {"out.one.test", DNS_CNAME, "ok secure | mx.plain.test"},
    {"loop1.one.test", DNS_A, "servfail insecure"},
    {"plain.test", DNS_MX, "ok insecure | 10 mx.plain.test"},
    {"nope.plain.test", DNS_MX, "nxdomain insecure"},
    {"mx.plain.test", DNS_TLSA, "nodata insecure"},
    {"bad.test", DNS_MX, "bogus insecure"},
    {"nope.bad.test", DNS_A, "bogus insecure"},
    {"elsewhere.invalid", DNS_A, "nxdomain insecure"},
    {"outside.example", DNS_A, "servfail insecure"},
    {"a..b", DNS_A, "nxdomain insecure"},
};

static void all_cases(struct dns_resolver *r)
{
    struct got g = {0};
    for (size_t i = 0; i < countof(cases); i++) {
        const char *got = ask(r, &g, cases[i].name, cases[i].type);
        if (strstr(got, "servfail") == got)
            got = "servfail insecure"; /* whether a CNAME is reported with it is the library's business */
        check_like(cases[i].name, got, cases[i].want);
        if (g.answer.status == DNS_BOGUS || g.answer.status == DNS_SERVFAIL)
            CHECK(g.answer.why.n > 0);
        CHECK_NUM(g.answer.type, cases[i].type);
    }
    /* All at once, twice: every callback once. */
    static struct got many[2 * countof(cases)];
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < countof(many); i++)
        CHECK(dns_ask(r, str_c(cases[i / 2].name), cases[i / 2].type, on_answer, &many[i]) != 0);
    CHECK_NUM(dns_resolver_outstanding(r), countof(many));
    for (size_t i = 0; i < countof(many); i++)
        CHECK(drive(r, &many[i].done, 20000));
    for (size_t i = 0; i < countof(many); i++) {
        CHECK_NUM(many[i].times, 1);
        arena_clear(&many[i].a);
    }
    CHECK_NUM(dns_resolver_outstanding(r), 0);
    arena_clear(&g.a);
}

static void refused_by_bounds(struct knot_rig *k)
{
    struct dns_server server = {.address = S("127.0.0.1"), .port = k->port};
    struct dns_settings settings = {.servers = &server, .server_count = 1, .anchors = str_c(k->anchors), .outstanding_max = 2};
    struct got g[3] = {0};
    struct why why;
    struct dns_resolver *r = dns_resolver_new(&settings, &why);
    CHECK(r != NULL);
    uint64_t first = dns_ask(r, S("one.test"), DNS_MX, on_answer, &g[0]), second = dns_ask(r, S("a..b"), DNS_A, on_answer, &g[1]);
    CHECK(first != 0 && second != 0 && first != second);
    CHECK(dns_ask(r, S("one.test"), DNS_A, on_answer, &g[2]) == 0);
    dns_cancel(r, first);
    dns_cancel(r, first);
    dns_cancel(r, 0);
    dns_cancel(r, UINT64_MAX);
    CHECK_NUM(dns_resolver_outstanding(r), 1);
    CHECK(!g[1].done);
    CHECK(dns_ask(r, S("mx1.one.test"), DNS_A, on_answer, &g[2]) != 0);
    CHECK(drive(r, &g[2].done, 10000) && g[1].done && !g[0].done);
    CHECK_NUM(g[1].answer.status, DNS_NXDOMAIN);
    CHECK_STR(g[1].answer.name, S("a..b"));
    dns_resolver_free(r);
    arena_clear(&g[1].a);
    arena_clear(&g[2].a);
}

/* A forwarder that leaves signatures out: everything is bogus, or, where that was allowed, nothing is validated. The zone plain.test stands for all that it hands on. */
static void without_signatures(struct knot_rig *k)
{
    struct dns_server server = {.address = S("127.0.0.1"), .port = k->port};
    struct dns_settings settings = {.servers = &server, .server_count = 1, .anchors = S("plain.test. DS 1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF")};
    struct got g = {0};
    struct why why;
    struct dns_resolver *r = dns_resolver_new(&settings, &why);
    check_like("must", ask(r, &g, "mx.plain.test", DNS_A), "bogus insecure");
    dns_resolver_free(r);
    settings.may_give_up_validation = true;
    r = dns_resolver_new(&settings, &why);
    int fd = dns_resolver_fd(r);
    static struct got many[20];
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < countof(many); i++)
        CHECK(dns_ask(r, S("mx.plain.test"), i % 2 ? DNS_A : DNS_AAAA, on_answer, &many[i]) != 0);
    uint64_t id = dns_ask(r, S("mx.plain.test"), DNS_MX, on_answer, &g);
    g.times = 0;
    dns_cancel(r, id);
    for (size_t i = 0; i < countof(many); i++)
        CHECK(drive(r, &many[i].done, 10000) && many[i].answer.status == DNS_OK && !many[i].answer.secure);
    CHECK(strstr(dns_resolver_text(r), "nothing can be validated"));
    CHECK_NUM(dns_resolver_fd(r), fd);
    CHECK_NUM(g.times, 0);
    for (size_t i = 0; i < countof(many); i++)
        arena_clear(&many[i].a);
    dns_resolver_free(r);
    settings.anchors = S("elsewhere.example. DS 1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n" /* refused: the check learns nothing */
                         "plain.test. DS 1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF");
    r = dns_resolver_new(&settings, &why);
    check_like("doubt", ask(r, &g, "mx.plain.test", DNS_A), "bogus insecure");
    check_like("doubt", ask(r, &g, "mx.plain.test", DNS_A), "ok insecure | 192.0.2.6");
    dns_resolver_free(r);
    settings.anchors = str_c(k->anchors); /* one that is good: validation stays */
    r = dns_resolver_new(&settings, &why);
    check_like("good", ask(r, &g, "mx2.one.test", DNS_A), "ok secure | 192.0.2.3");
    check_like("good", ask(r, &g, "bad.test", DNS_MX), "bogus insecure");
    CHECK(strstr(dns_resolver_text(r), "1 trust anchor"));
    dns_resolver_free(r);
    server.port = 1; /* nobody there: no reason to give up */
    settings.timeout_ms = 3000;
    r = dns_resolver_new(&settings, &why);
    CHECK(strncmp(ask(r, &g, "mx2.one.test", DNS_A), "ok", 2) != 0);
    CHECK(strstr(dns_resolver_text(r), "1 trust anchor"));
    CHECK(dns_ask(r, S("mx2.one.test"), DNS_A, on_answer, &g) != 0); /* open when it ends */
    dns_resolver_free(r);
    arena_clear(&g.a);
}

/* Somebody listens and never answers. */
static void time_out(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int silent = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(silent, (struct sockaddr *)&a, n) == 0 && getsockname(silent, (struct sockaddr *)&a, &n) == 0);
    struct dns_server server = {.address = S("127.0.0.1"), .port = ntohs(a.sin_port)};
    struct dns_settings settings = {.servers = &server, .server_count = 1, .no_validation = true, .timeout_ms = 300};
    struct got g = {0};
    struct why why;
    struct dns_resolver *r = dns_resolver_new(&settings, &why);
    int64_t start = clock_mono_ms();
    CHECK(r != NULL);
    check_like("silent", ask(r, &g, "one.test", DNS_MX), "timeout insecure");
    CHECK(clock_mono_ms() - start >= 300 && clock_mono_ms() - start < 3000);
    CHECK(g.answer.why.n > 0);
    CHECK_NUM(dns_resolver_outstanding(r), 0);
    CHECK_NUM(dns_resolver_deadline_ms(r), 0);
    dns_resolver_free(r);
    arena_clear(&g.a);
    close(silent);
}

TEST(real_server)
{
    struct knot_rig k;
    struct got g = {0};
    struct why why;
    CHECK(true);
    if (!knot_installed()) {
        printf("unbound_test: skipped, knotd (Debian: knot) is not installed\n");
        return;
    }
    bool started = knot_start(&k, zones, countof(zones));
    CHECK(started);
    if (started) {
        struct dns_server server = {.address = S("127.0.0.1"), .port = k.port};
        struct dns_settings settings = {.servers = &server, .server_count = 1, .anchors = str_c(k.anchors)};
        struct dns_resolver *r = dns_resolver_new(&settings, &why);
        CHECK_STR(r ? S("") : str_c(why.text), S(""));
        all_cases(r);
        CHECK(strstr(dns_resolver_text(r), "forwards to 127.0.0.1@") && strstr(dns_resolver_text(r), "1 trust anchor"));
        dns_resolver_free(r);
        /* No anchor that fits: nothing is proved, nothing is bogus. */
        settings.no_validation = true;
        r = dns_resolver_new(&settings, &why);
        check_like("unvalidated", ask(r, &g, "bad.test", DNS_MX), "ok insecure | 10 mx.bad.test");
        check_like("unvalidated", ask(r, &g, "one.test", DNS_TXT), "ok insecure | \"v=spf1 mx -all\"");
        dns_resolver_free(r);
        /* A zone's own server beside a general one that is silent. */
        struct dns_server two[] = {{.zone = S("one.test"), .address = S("127.0.0.1"), .port = k.port}, {.address = S("127.0.0.1"), .port = 1}};
        settings = (struct dns_settings){.servers = two, .server_count = 2, .no_validation = true, .timeout_ms = 3000};
        r = dns_resolver_new(&settings, &why);
        check_like("stub", ask(r, &g, "mx2.one.test", DNS_A), "ok insecure | 192.0.2.3");
        CHECK(strstr(ask(r, &g, "mx.plain.test", DNS_A), "ok") == NULL && g.answer.status >= DNS_SERVFAIL);
        dns_resolver_free(r);
        refused_by_bounds(&k);
        without_signatures(&k);
        time_out();
    }
    arena_clear(&g.a);
    knot_stop(&k);
}

static struct why refuses(struct dns_settings s)
{
    struct why why = {0};
    struct dns_resolver *r = dns_resolver_new(&s, &why);
    CHECK(r == NULL);
    dns_resolver_free(r);
    return why;
}

TEST(settings_that_make_no_sense)
{
    struct dns_server name = {.address = S("ns.example.org")}, zone = {.address = S("192.0.2.1"), .zone = S("a..b")};
    CHECK(strstr(refuses((struct dns_settings){.servers = &name, .server_count = 1}).text, "ns.example.org"));
    CHECK(strstr(refuses((struct dns_settings){.servers = &zone, .server_count = 1}).text, "a..b"));
    CHECK(strstr(refuses((struct dns_settings){.anchors = S("; nothing\n. IN DS 1 2\n")}).text, ". IN DS 1 2"));
    CHECK(strstr(refuses((struct dns_settings){.anchors = S("; nothing\n")}).text, "no valid key"));
    static const char *const wrong[] = {". IN DS 1 8 2 nonsense", ". IN DS 65536 8 2 00112233445566778899AABBCCDDEEFF00112233", ". IN DS 1 8 2 00112233", ". DS", ". IN MX 1 8 2 3",
                                        ". IN DNSKEY 257 2 8 AwEAAaz/AwEAAaz/AwEAAaz/", ". IN DNSKEY 257 3 8 AwEAAaz", "a..b DS 1 8 2 00112233445566778899AABBCCDDEEFF00112233", "x"};
    for (size_t i = 0; i < countof(wrong); i++)
        CHECK(strstr(refuses((struct dns_settings){.anchors = str_c(wrong[i])}).text, "trust anchor"));
}

TEST(plans)
{
    static struct dns_plan p;
    struct why why;
    struct str conf = S("# a comment\nsearch example.org\nnameserver 192.0.2.53\n nameserver\tfe80::1%eth0\nnameserver 2001:db8::53\nnameserver bad\noptions edns0\n"
                        "nameserver 127.0.0.1\nnameserver 192.0.2.99");
    CHECK(dns_plan_make(&(struct dns_settings){.resolv_conf = conf}, &p, &why));
    CHECK_NUM(p.forwarder_count, 3);
    CHECK_STR(str_c(p.servers[0].address), S("192.0.2.53@53"));
    CHECK_STR(str_c(p.servers[1].address), S("2001:db8::53@53"));
    CHECK_STR(str_c(p.servers[2].address), S("127.0.0.1@53"));
    CHECK(p.from_system && p.loopback && p.root_anchors);
    CHECK_NUM(p.anchor_count, 2);

    struct dns_server own = {.address = S("::1"), .port = 5353};
    CHECK(dns_plan_make(&(struct dns_settings){.resolv_conf = conf, .servers = &own, .server_count = 1}, &p, &why));
    CHECK_NUM(p.forwarder_count, 1);
    CHECK_STR(str_c(p.servers[0].address), S("::1@5353"));
    CHECK(!p.from_system && p.loopback);

    struct dns_server stub = {.zone = S("Example.ORG."), .address = S("192.0.2.1")};
    CHECK(dns_plan_make(&(struct dns_settings){.servers = &stub, .server_count = 1}, &p, &why));
    CHECK_NUM(p.forwarder_count, 0);
    CHECK_STR(str_c(p.servers[0].zone), S("example.org"));

    struct str anchors = S("; autotrust\n;;id: . 1\n.\t172800\tIN\tDNSKEY\t257 3 8 AwEAAaz/AwEAAaz/AwEAAaz/ ;{id = 20326} ;;state=2 [ VALID ] ;;count=0\n"
                           ".\t172800\tIN\tDNSKEY\t257 3 8 AwEAAax= ;{id = 1} ;;state=1 [ ADDPEND ]\ntest. DS 1 13 2 00112233445566778899 AABBCCDDEEFF00112233\r\n");
    CHECK(dns_plan_make(&(struct dns_settings){.anchors = anchors}, &p, &why));
    CHECK_NUM(p.anchor_count, 2);
    CHECK_STR(p.anchors[1], S("test. DS 1 13 2 00112233445566778899 AABBCCDDEEFF00112233"));
    CHECK(!p.root_anchors);
}
