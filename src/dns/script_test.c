// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "dns/inside.h"
#include "dns/script.h"

static const char text[] = "; the world\n"
                           "$SECURE test\n$INSECURE plain.test\n$TTL 60\n"
                           "one.test MX 10 MX1.one.test.   ; the first\n"
                           "one.test MX 20 mx2.one.test\n"
                           "$TTL 30\n"
                           "mx1.one.test A 192.0.2.1\nmx1.one.test AAAA 2001:db8::1\n_25._tcp.mx1.one.test TLSA 3 1 1 00ff\n"
                           "one.test TXT \"v=spf1 -all\"\none.test SRV 1 2 25 mx1.one.test\n"
                           "www.one.test CNAME mx1.one.test\nout.one.test CNAME a.plain.test\na.plain.test A 192.0.2.2\n"
                           "l1.test CNAME l2.test\nl2.test CNAME l1.test\n"
                           "broken.test * SERVFAIL it burns\nslow.test A TIMEOUT\nslow.test MX 1 .\nbad.test MX BOGUS\nno.test * NXDOMAIN\nno.test2 MX NODATA\n";

static const struct { const char *name; enum dns_type type; const char *want; } cases[] = {
    {"One.Test.", DNS_MX, "2 records, secure, ttl 60"},
    {"one.test", DNS_TXT, "1 record, secure, ttl 30"},
    {"one.test", DNS_A, "no A record (proved)"},
    {"_tcp.mx1.one.test", DNS_A, "no A record (proved)"},
    {"nope.test", DNS_A, "no such name (proved)"},
    {"nope.plain.test", DNS_A, "no such name"},
    {"nope.example", DNS_A, "no such name"},
    {"www.one.test", DNS_AAAA, "1 record, secure, ttl 30"},
    {"www.one.test", DNS_CNAME, "1 record, secure, ttl 30"},
    {"www.one.test", DNS_TXT, "no TXT record (proved)"},
    {"out.one.test", DNS_A, "1 record, insecure, ttl 30"},
    {"l1.test", DNS_A, "servfail: CNAMEs lead in a circle or too far"},
    {"broken.test", DNS_TLSA, "servfail: it burns"},
    {"slow.test", DNS_A, "timeout: the script says so"},
    {"slow.test", DNS_MX, "1 record, secure, ttl 30"},
    {"bad.test", DNS_MX, "bogus: the script says so"},
    {"no.test", DNS_MX, "no such name (proved)"},
    {"no.test2", DNS_MX, "no MX record"},
    {"a..b", DNS_MX, "no such name"},
};

TEST(answers)
{
    struct why why;
    struct arena a;
    struct dns_script *s = dns_script_new(str_c(text), &why);
    arena_init(&a, DNS_ANSWER_MEM);
    CHECK_STR(str_c(s ? "" : why.text), S(""));
    for (size_t i = 0; i < countof(cases); i++) {
        struct dns_answer got;
        char said[200];
        struct buf b;
        buf_fixed(&b, said, sizeof said);
        CHECK(dns_script_answer(s, &a, str_c(cases[i].name), cases[i].type, &got));
        dns_answer_text(&b, &got);
        CHECK_STR(buf_str(&b), str_c(cases[i].want));
        CHECK_NUM(got.type, cases[i].type);
    }
    struct dns_answer got;
    CHECK(dns_script_answer(s, &a, S("www.one.test"), DNS_A, &got));
    CHECK_STR(got.canonical, S("mx1.one.test"));
    CHECK_STR(got.name, S("www.one.test"));
    arena_clear(&a);
    dns_script_free(s);
}

TEST(mistakes)
{
    static const struct { const char *text, *want; } wrong[] = {
        {"a.test", "line 1: no such type of record"}, {"\n\na..b A 1.2.3.4", "line 3: this is not a name"}, {"a NS b", "line 1: no such type of record"},
        {"a A 1.2.3", "line 1: these are no data of a record of this type"}, {"a A ::1", "line 1: these are no data of a record of this type"},
        {"a A 1.2.3.4 x", "line 1: these are no data of a record of this type"}, {"a * 1.2.3.4", "line 1: these are no data of a record of this type"},
        {"a MX 65536 b", "line 1: these are no data of a record of this type"}, {"a TLSA 3 1 256 00", "line 1: these are no data of a record of this type"},
        {"a TLSA 3 1 1 0", "line 1: these are no data of a record of this type"}, {"$TTL x", "line 1: $TTL wants seconds"}, {"$ORIGIN a", "line 1: no such directive"},
        {"$SECURE a..b", "line 1: a zone's name is wanted"},
    };
    for (size_t i = 0; i < countof(wrong); i++) {
        struct why why;
        CHECK(dns_script_new(str_c(wrong[i].text), &why) == NULL);
        CHECK_STR(str_c(why.text), str_c(wrong[i].want));
    }
}

struct seen { struct dns_resolver *r; unsigned count; enum dns_status last; uint64_t again; bool ask_again; };
static void on_answer(void *self, const struct dns_answer *answer)
{
    struct seen *s = self;
    s->count++;
    s->last = answer->status;
    if (s->ask_again)
        s->again = dns_ask(s->r, S("a..b"), DNS_A, on_answer, s);
}

TEST(as_resolver)
{
    struct why why;
    struct seen mx = {0}, slow = {0}, gone = {0}, late = {0};
    clock_simulate(1000000, 1700000000000);
    struct dns_resolver *r = dns_script_resolver(dns_script_new(str_c(text), &why), 5, 3, 2000);
    CHECK(r && dns_resolver_fd(r) == -1 && dns_resolver_deadline_ms(r) == 0);
    CHECK(dns_ask(r, S("one.test"), DNS_MX, on_answer, &mx) != 0);
    CHECK(dns_ask(r, S("slow.test"), DNS_A, on_answer, &slow) != 0);
    uint64_t id = dns_ask(r, S("nope.test"), DNS_A, on_answer, &gone);
    CHECK(id != 0 && dns_ask(r, S("one.test"), DNS_A, on_answer, &late) == 0); /* three at most */
    CHECK_NUM(dns_resolver_outstanding(r), 3);
    CHECK_NUM(dns_resolver_deadline_ms(r), 1005);
    dns_resolver_turn(r);
    CHECK_NUM(mx.count, 0);
    clock_simulate(1005000, 1700000000005);
    dns_cancel(r, id);
    dns_resolver_turn(r);
    CHECK(mx.count == 1 && mx.last == DNS_OK && gone.count == 0 && slow.count == 0);
    CHECK_NUM(dns_resolver_deadline_ms(r), 3000);
    dns_script_replace(r, dns_script_new(S("one.test MX NODATA"), &why));
    CHECK(dns_ask(r, S("one.test"), DNS_MX, on_answer, &late) != 0);
    clock_simulate(3000000, 1700000002000);
    dns_resolver_turn(r);
    CHECK(slow.count == 1 && late.last == DNS_NODATA);
    CHECK_NUM(dns_resolver_deadline_ms(r), 0);
    CHECK_NUM(dns_script_asked(r), 4);
    /* Who asks for the impossible again in each callback does not hold the turn. */
    struct seen mad = {.r = r, .ask_again = true};
    CHECK(dns_ask(r, S("a..b"), DNS_A, on_answer, &mad) != 0);
    dns_resolver_turn(r);
    CHECK_NUM(mad.count, 1);
    CHECK(mad.last == DNS_NXDOMAIN && mad.again != 0);
    mad.ask_again = false;
    dns_cancel(r, mad.again);
    dns_resolver_turn(r);
    CHECK_NUM(mad.count, 1);
    dns_resolver_free(r);
    clock_simulate(0, 0);
}
