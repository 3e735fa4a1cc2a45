// SPDX-License-Identifier: ISC
/* The decision: rows that say what is wanted, then every combination against rules that stand in the RFCs. */
#include "base/test.h"
#include "relay/security.h"

static struct str mx_listed[] = {S_INIT("mx.test"), S_INIT("*.x.test")}, mx_other[] = {S_INIT("other.test")};
static struct mtasts_policy policies[] = {
    {MTASTS_NONE, 1, mx_listed, 2},   {MTASTS_TESTING, 1, mx_listed, 2}, {MTASTS_ENFORCE, 1, mx_listed, 2},
    {MTASTS_TESTING, 1, mx_other, 1}, {MTASTS_ENFORCE, 1, mx_other, 1},
};
enum sts { STS_NULL, STS_NONE, STS_TESTING, STS_ENFORCE, STS_TESTING_OTHER, STS_ENFORCE_OTHER, STS_COUNT };
static struct tls_tlsa record = {3, 1, 1, S_INIT("01234567890123456789012345678901")};
static struct dane_facts facts[] = {
    {.status = DANE_ABSENT},
    {.status = DANE_UNUSABLE, .base = S_INIT("base.test"), .unusable = 2},
    {.status = DANE_USABLE, .base = S_INIT("base.test"), .record = &record, .count = 1},
    {.status = DANE_FAILED, .why = {"4.7.5", "no answer"}},
};
/* From where the host comes. */
enum from { MX_PLAIN, MX_SECURE, DOMAIN_ITSELF, CONFIGURED, LITERAL, FROM_COUNT };
enum wish { WISH_NONE, WISH_OPTIONAL, WISH_REQUIRE, WISH_REQUIRE_NULL, WISH_BOTH, WISH_COUNT };

static struct security_question question(enum config_tls_word word, enum from from, enum dane_status dane, enum sts sts,
                                         enum wish wish)
{
    struct security_question q = {.word = word,
                                  .domain = S("dest.test"),
                                  .host = from == LITERAL         ? S("[192.0.2.1]")
                                          : from == DOMAIN_ITSELF ? S("dest.test")
                                                                  : S("mx.test"),
                                  .literal = from == LITERAL,
                                  .used_mx = from == MX_PLAIN || from == MX_SECURE,
                                  .mx_secure = from == MX_SECURE,
                                  .configured = from == CONFIGURED,
                                  .dane = &facts[dane],
                                  .mtasts = sts == STS_NULL ? NULL : &policies[sts - 1],
                                  .requiretls = wish >= WISH_REQUIRE,
                                  .null_sender = wish == WISH_REQUIRE_NULL,
                                  .tls_optional = wish == WISH_OPTIONAL || wish == WISH_BOTH,
                                  .have_authorities = true};
    return q;
}

enum { GO = SECURITY_GO, SKIP = SECURITY_SKIP, REFUSE_IT = SECURITY_REFUSE };
enum { NEVER = SMTP_TLS_NEVER, MAY = SMTP_TLS_OPPORTUNISTIC, MUST = SMTP_TLS_REQUIRED };
enum { ANY = TLS_TRUST_ANY, PKIX = TLS_TRUST_PKIX, DANE = TLS_TRUST_DANE };

static const struct row {
    enum config_tls_word word;
    enum from from;
    enum dane_status dane;
    enum sts sts;
    enum wish wish;
    int verdict, tls, trust;
    bool enforce;
    const char *names, *status;
    enum tlsrpt_policy_type policy;
    bool report;
} rows[] = {
    /* nothing said, nothing published */
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_NULL, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, true},
    {CONFIG_TLS_AUTO, LITERAL, DANE_ABSENT, STS_NULL, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_AUTO, CONFIGURED, DANE_ABSENT, STS_NULL, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_NONE, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, true},
    /* DANE */
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "", TLSRPT_TLSA,
     true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test", "", TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, DOMAIN_ITSELF, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "",
     TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, CONFIGURED, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "", TLSRPT_TLSA,
     false},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_UNUSABLE, STS_NULL, WISH_NONE, GO, MUST, ANY, false, "", "", TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_FAILED, STS_NULL, WISH_NONE, SKIP, MAY, ANY, false, "", "4.7.5", TLSRPT_NO_POLICY, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_FAILED, STS_ENFORCE, WISH_NONE, SKIP, MAY, ANY, false, "", "4.7.5", TLSRPT_NO_POLICY, true},
    /* MTA-STS, behind DANE */
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_ENFORCE, WISH_NONE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_ENFORCE_OTHER, WISH_NONE, SKIP, MAY, ANY, false, "", "4.7.5", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_TESTING, WISH_NONE, GO, MAY, PKIX, false, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_TESTING_OTHER, WISH_NONE, GO, MAY, PKIX, false, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_USABLE, STS_ENFORCE, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "",
     TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_USABLE, STS_ENFORCE_OTHER, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "",
     TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_UNUSABLE, STS_ENFORCE, WISH_NONE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_UNUSABLE, STS_TESTING, WISH_NONE, GO, MUST, PKIX, false, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, CONFIGURED, DANE_ABSENT, STS_ENFORCE, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_AUTO, LITERAL, DANE_USABLE, STS_ENFORCE, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    /* the administrator */
    {CONFIG_TLS_NEVER, MX_SECURE, DANE_USABLE, STS_ENFORCE, WISH_NONE, GO, NEVER, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_OPPORTUNISTIC, MX_SECURE, DANE_USABLE, STS_ENFORCE, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY,
     false},
    {CONFIG_TLS_OPPORTUNISTIC, MX_SECURE, DANE_FAILED, STS_NULL, WISH_NONE, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_REQUIRED, MX_PLAIN, DANE_ABSENT, STS_NULL, WISH_NONE, GO, MUST, ANY, false, "", "", TLSRPT_NO_POLICY, true},
    {CONFIG_TLS_REQUIRED, MX_SECURE, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "",
     TLSRPT_TLSA, true},
    {CONFIG_TLS_REQUIRED, MX_PLAIN, DANE_ABSENT, STS_TESTING, WISH_NONE, GO, MUST, PKIX, false, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_VERIFY, MX_PLAIN, DANE_ABSENT, STS_NULL, WISH_NONE, GO, MUST, PKIX, true, "mx.test dest.test", "",
     TLSRPT_NO_POLICY, true},
    {CONFIG_TLS_VERIFY, MX_SECURE, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "", TLSRPT_TLSA,
     true},
    {CONFIG_TLS_VERIFY, MX_SECURE, DANE_USABLE, STS_NULL, WISH_OPTIONAL, GO, MUST, DANE, true, "base.test dest.test", "",
     TLSRPT_TLSA, false},
    {CONFIG_TLS_VERIFY, MX_PLAIN, DANE_ABSENT, STS_ENFORCE, WISH_NONE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_VERIFY, MX_PLAIN, DANE_ABSENT, STS_TESTING, WISH_NONE, GO, MUST, PKIX, true, "mx.test dest.test", "", TLSRPT_STS,
     true},
    {CONFIG_TLS_VERIFY, LITERAL, DANE_ABSENT, STS_NULL, WISH_NONE, GO, MUST, PKIX, true, "192.0.2.1 dest.test", "",
     TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_DANE, MX_SECURE, DANE_USABLE, STS_NULL, WISH_NONE, GO, MUST, DANE, true, "base.test dest.test", "", TLSRPT_TLSA,
     true},
    {CONFIG_TLS_DANE, MX_PLAIN, DANE_USABLE, STS_NULL, WISH_NONE, SKIP, MUST, DANE, true, "base.test", "4.7.5", TLSRPT_TLSA,
     true},
    {CONFIG_TLS_DANE, MX_SECURE, DANE_ABSENT, STS_ENFORCE, WISH_NONE, SKIP, MUST, PKIX, true, "mx.test", "4.7.5", TLSRPT_STS,
     true},
    {CONFIG_TLS_DANE, MX_SECURE, DANE_UNUSABLE, STS_NULL, WISH_NONE, SKIP, MUST, ANY, false, "", "4.7.5", TLSRPT_TLSA, true},
    {CONFIG_TLS_DANE, MX_SECURE, DANE_FAILED, STS_NULL, WISH_OPTIONAL, SKIP, MUST, ANY, false, "", "4.7.5", TLSRPT_NO_POLICY,
     false},
    {CONFIG_TLS_DANE, MX_SECURE, DANE_USABLE, STS_NULL, WISH_OPTIONAL, GO, MUST, DANE, true, "base.test dest.test", "",
     TLSRPT_TLSA, false},
    /* the sender would do without */
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_USABLE, STS_NULL, WISH_OPTIONAL, GO, MAY, DANE, false, "base.test dest.test", "",
     TLSRPT_TLSA, false},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_FAILED, STS_NULL, WISH_OPTIONAL, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_ENFORCE_OTHER, WISH_OPTIONAL, GO, MAY, PKIX, false, "mx.test", "", TLSRPT_STS,
     false},
    {CONFIG_TLS_REQUIRED, MX_PLAIN, DANE_ABSENT, STS_ENFORCE, WISH_OPTIONAL, GO, MUST, PKIX, false, "mx.test", "", TLSRPT_STS,
     false},
    /* the sender insists */
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_ABSENT, STS_NULL, WISH_REQUIRE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_NO_POLICY,
     true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_NULL, WISH_REQUIRE, REFUSE_IT, MAY, ANY, false, "", "5.7.10", TLSRPT_NO_POLICY,
     true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_USABLE, STS_NULL, WISH_REQUIRE, REFUSE_IT, MUST, DANE, true, "base.test", "5.7.10",
     TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_USABLE, STS_ENFORCE, WISH_REQUIRE, GO, MUST, DANE, true, "base.test", "", TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_TESTING, WISH_REQUIRE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_TESTING_OTHER, WISH_REQUIRE, REFUSE_IT, MAY, PKIX, false, "mx.test", "5.7.10",
     TLSRPT_STS, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_UNUSABLE, STS_NULL, WISH_REQUIRE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_TLSA, true},
    {CONFIG_TLS_AUTO, MX_SECURE, DANE_USABLE, STS_NULL, WISH_BOTH, GO, MUST, DANE, true, "base.test dest.test", "", TLSRPT_TLSA,
     true},
    {CONFIG_TLS_AUTO, CONFIGURED, DANE_ABSENT, STS_NULL, WISH_REQUIRE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_NO_POLICY,
     false},
    {CONFIG_TLS_AUTO, LITERAL, DANE_ABSENT, STS_NULL, WISH_REQUIRE, GO, MUST, PKIX, true, "192.0.2.1", "", TLSRPT_NO_POLICY,
     false},
    {CONFIG_TLS_VERIFY, MX_SECURE, DANE_ABSENT, STS_NULL, WISH_REQUIRE, GO, MUST, PKIX, true, "mx.test", "", TLSRPT_NO_POLICY,
     true},
    {CONFIG_TLS_NEVER, MX_SECURE, DANE_ABSENT, STS_NULL, WISH_REQUIRE, REFUSE_IT, NEVER, ANY, false, "", "5.7.10",
     TLSRPT_NO_POLICY, false},
    {CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_NULL, WISH_REQUIRE_NULL, GO, MAY, ANY, false, "", "", TLSRPT_NO_POLICY, true},
    {CONFIG_TLS_NEVER, MX_PLAIN, DANE_ABSENT, STS_NULL, WISH_REQUIRE_NULL, GO, NEVER, ANY, false, "", "", TLSRPT_NO_POLICY,
     false},
};

static void names_print(struct buf *to, const struct security *s)
{
    for (size_t i = 0; i < s->names; i++) {
        buf_add_c(to, i ? " " : "");
        buf_add(to, s->name[i]);
    }
}

TEST(rows_by_the_table)
{
    for (size_t i = 0; i < countof(rows); i++) {
        const struct row *r = &rows[i];
        struct security_question q = question(r->word, r->from, r->dane, r->sts, r->wish);
        struct security s;
        char text[200];
        struct buf names;
        unsigned long before = test_failures;
        buf_fixed(&names, text, sizeof text);
        security_decide(&q, &s);
        names_print(&names, &s);
        CHECK_NUM(s.verdict, r->verdict);
        CHECK_NUM(s.tls, r->tls);
        CHECK_NUM(s.trust, r->trust);
        CHECK_NUM(s.enforce, r->enforce);
        CHECK_STR(buf_str(&names), str_c(r->names));
        CHECK_STR(str_c(s.why.status), str_c(r->status));
        CHECK_NUM(s.policy, r->policy);
        CHECK_NUM(s.report, r->report);
        if (before != test_failures) {
            char words[2000];
            struct buf b;
            buf_fixed(&b, words, sizeof words);
            security_explain(&q, &s, &b);
            fprintf(stderr, "  row %zu\n%.*s", i, STR_ARG(buf_str(&b)));
        }
    }
}

/* What must hold whatever the words: each rule is one sentence of an RFC. */
static void rules(const struct security_question *q, const struct security *s)
{
    bool looks = q->word != CONFIG_TLS_NEVER && q->word != CONFIG_TLS_OPPORTUNISTIC, insists = q->requiretls && !q->null_sender;
    bool would_do_without = q->tls_optional && !q->requiretls;
    bool dns = !q->literal, sts_counts = q->mtasts && q->mtasts->mode == MTASTS_ENFORCE && dns && !(q->configured && !q->used_mx);
    CHECK((s->verdict == SECURITY_GO) == (s->why.text[0] == '\0'));
    CHECK((s->verdict == SECURITY_GO) == (s->skipped == TLSRPT_SUCCESS));
    if (s->verdict != SECURITY_GO)
        CHECK(s->why.status[0] == (s->verdict == SECURITY_SKIP ? '4' : '5'));
    if (s->verdict == SECURITY_REFUSE) /* only a sender's own demand refuses; what receivers publish is tried again */
        CHECK(insists);
    if (s->verdict != SECURITY_GO)
        return;
    /* RFC 7672 2.1.2, 2.2 */
    if (looks && dns && !would_do_without && q->dane) {
        CHECK(q->dane->status != DANE_FAILED);
        if (q->dane->status == DANE_USABLE)
            CHECK(s->tls == SMTP_TLS_REQUIRED && s->trust == TLS_TRUST_DANE && s->enforce && !s->retry_clear);
        if (q->dane->status == DANE_UNUSABLE)
            CHECK(s->tls == SMTP_TLS_REQUIRED && !s->retry_clear);
    }
    /* RFC 8461 5 */
    if (looks && sts_counts && !would_do_without && !(q->dane && q->dane->status == DANE_USABLE))
        CHECK(s->tls == SMTP_TLS_REQUIRED && s->trust == TLS_TRUST_PKIX && s->enforce && !s->retry_clear &&
              mtasts_mx_match(q->mtasts, q->host));
    /* RFC 8689 4.2.1, 4.2.2 */
    if (insists)
        CHECK(s->requiretls && s->tls == SMTP_TLS_REQUIRED && s->enforce && s->trust != TLS_TRUST_ANY && !s->retry_clear &&
              (!q->used_mx || q->mx_secure || q->mtasts));
    CHECK(s->requiretls == insists && s->requiretls_if_offered == (q->requiretls && q->null_sender));
    if (would_do_without && q->word == CONFIG_TLS_AUTO)
        CHECK(s->tls == SMTP_TLS_OPPORTUNISTIC && s->retry_clear && !s->enforce);
    /* the administrator's floor */
    if (q->word >= CONFIG_TLS_REQUIRED)
        CHECK(s->tls == SMTP_TLS_REQUIRED && !s->retry_clear);
    if (q->word >= CONFIG_TLS_VERIFY)
        CHECK(s->enforce && s->trust != TLS_TRUST_ANY);
    if (q->word == CONFIG_TLS_DANE)
        CHECK(s->trust == TLS_TRUST_DANE);
    if (q->word == CONFIG_TLS_NEVER)
        CHECK(s->tls == SMTP_TLS_NEVER);
    /* what tls_client_open will need */
    CHECK(s->trust == TLS_TRUST_ANY || s->names > 0);
    CHECK((s->trust == TLS_TRUST_DANE) == (s->dane != NULL));
    CHECK(s->trust != TLS_TRUST_PKIX || !s->enforce || q->have_authorities);
    CHECK(!s->enforce || s->tls == SMTP_TLS_REQUIRED);
    CHECK(s->retry_clear == (s->tls == SMTP_TLS_OPPORTUNISTIC));
    CHECK(!s->report || (looks && dns && !q->configured && !would_do_without));
    CHECK(!s->authenticated_means_secure || s->enforce);
}

TEST(every_combination)
{
    unsigned long played = 0;
    for (int word = 0; word < CONFIG_TLS_WORDS; word++)
        for (int from = 0; from < FROM_COUNT; from++)
            for (int dane = -1; dane < 4; dane++)
                for (int sts = 0; sts < STS_COUNT; sts++)
                    for (int wish = 0; wish < WISH_COUNT; wish++)
                        for (int authorities = 0; authorities < 2; authorities++) {
                            struct security_question q =
                                question((enum config_tls_word)word, (enum from)from,
                                         dane < 0 ? DANE_ABSENT : (enum dane_status)dane, (enum sts)sts, (enum wish)wish);
                            char text[4000];
                            struct security s;
                            struct buf b;
                            struct tls_client_options o;
                            unsigned long before = test_failures;
                            if (dane < 0)
                                q.dane = NULL;
                            q.have_authorities = authorities != 0;
                            security_decide(&q, &s);
                            rules(&q, &s);
                            buf_fixed(&b, text, sizeof text);
                            security_explain(&q, &s, &b);
                            CHECK(!b.full && str_find_str(buf_str(&b), S("result: ")) < b.n && str_ends(buf_str(&b), S("\n")));
                            security_tls_options(&s, &o);
                            CHECK(o.name_count == s.names && (o.tlsa_count > 0) == (s.trust == TLS_TRUST_DANE));
                            if (before != test_failures && played < 100000) {
                                fprintf(stderr, "  word %d from %d dane %d sts %d wish %d authorities %d\n%.*s", word, from, dane,
                                        sts, wish, authorities, STR_ARG(buf_str(&b)));
                                played = 100000; /* one is enough */
                            }
                            played++;
                        }
    CHECK(played > 8000);
}

TEST(in_words)
{
    struct security_question q = question(CONFIG_TLS_REQUIRED, MX_SECURE, DANE_USABLE, STS_ENFORCE, WISH_REQUIRE);
    struct security s;
    char text[2000];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    security_decide(&q, &s);
    security_explain(&q, &s, &b);
    CHECK_STR(
        buf_str(&b),
        S("tls-policy: required\nMX: proved by DNSSEC\nREQUIRETLS: the sender insists on TLS all the way\n"
          "DANE: 1 usable TLSA records at base.test: TLS, authenticated by them\nMTA-STS: mode enforce, which DANE precedes\n"
          "result: only with TLS, certificate by TLSA records for base.test or dest.test, and REQUIRETLS has to be offered\n"));
    q = question(CONFIG_TLS_AUTO, MX_PLAIN, DANE_ABSENT, STS_ENFORCE_OTHER, WISH_NONE);
    buf_clear(&b);
    security_decide(&q, &s);
    security_explain(&q, &s, &b);
    CHECK_STR(
        buf_str(&b),
        S("MX: not proved by DNSSEC\nDANE: no secure TLSA records for mx.test\nMTA-STS: mode enforce, does not list mx.test\n"
          "result: not to this host now: the destination's MTA-STS policy does not list this host\n"));
}

TEST(what_a_report_says)
{
    static const struct {
        enum dane_status dane;
        enum sts sts;
        bool starttls, done;
        enum tls_failure_kind kind;
        enum tlsrpt_result want;
    } cases[] = {
        {DANE_ABSENT, STS_NULL, true, true, TLS_FINE, TLSRPT_SUCCESS},
        {DANE_ABSENT, STS_NULL, false, false, TLS_FINE, TLSRPT_STARTTLS_NOT_SUPPORTED},
        {DANE_ABSENT, STS_NULL, true, false, TLS_HANDSHAKE, TLSRPT_VALIDATION_FAILURE},
        {DANE_ABSENT, STS_NULL, true, false, TLS_FINE, TLSRPT_VALIDATION_FAILURE},
        {DANE_USABLE, STS_NULL, true, true, TLS_FINE, TLSRPT_SUCCESS},
        {DANE_USABLE, STS_NULL, true, false, TLS_NO_TLSA_MATCH, TLSRPT_TLSA_INVALID},
        {DANE_USABLE, STS_NULL, true, false, TLS_WRONG_NAME, TLSRPT_CERTIFICATE_HOST_MISMATCH},
        {DANE_UNUSABLE, STS_NULL, true, true, TLS_FINE, TLSRPT_TLSA_INVALID},
        {DANE_FAILED, STS_NULL, true, true, TLS_FINE, TLSRPT_DNSSEC_INVALID},
        {DANE_ABSENT, STS_ENFORCE, true, false, TLS_EXPIRED, TLSRPT_CERTIFICATE_EXPIRED},
        {DANE_ABSENT, STS_ENFORCE, true, false, TLS_NOT_TRUSTED, TLSRPT_CERTIFICATE_NOT_TRUSTED},
        {DANE_ABSENT, STS_ENFORCE_OTHER, true, true, TLS_FINE, TLSRPT_VALIDATION_FAILURE},
        {DANE_ABSENT, STS_TESTING, true, true, TLS_FINE, TLSRPT_SUCCESS},
        {DANE_ABSENT, STS_TESTING, true, true, TLS_WRONG_NAME, TLSRPT_CERTIFICATE_HOST_MISMATCH},
        {DANE_ABSENT, STS_TESTING_OTHER, true, true, TLS_FINE, TLSRPT_VALIDATION_FAILURE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct security_question q = question(CONFIG_TLS_AUTO, MX_SECURE, cases[i].dane, cases[i].sts, WISH_NONE);
        struct security s;
        struct tls_failure f = {cases[i].kind, "X"};
        struct tlsrpt_event e;
        struct arena a;
        arena_init(&a, 1 << 16);
        security_decide(&q, &s);
        CHECK_NUM(security_result(&s, cases[i].starttls, cases[i].done, &f), cases[i].want);
        CHECK(security_event(&a, &q, &s, &e));
        CHECK(e.type == s.policy && str_eq(e.mx_host, S("mx.test")));
        CHECK_NUM(e.lines, s.policy == TLSRPT_TLSA && cases[i].dane == DANE_USABLE ? 1
                           : s.policy != TLSRPT_STS                                ? 0
                                                                                   : q.mtasts->mx_count + 3);
        CHECK_NUM(e.mx_patterns, s.policy == TLSRPT_STS ? q.mtasts->mx_count : 0);
        if (e.type == TLSRPT_TLSA && e.lines)
            CHECK(str_starts(e.line[0], S("3 1 1 3031323334")));
        arena_clear(&a);
        arena_init(&a, 8);
        CHECK(security_event(&a, &q, &s, &e) == (s.policy == TLSRPT_NO_POLICY));
        arena_clear(&a);
    }
}

TEST(the_header_field)
{
    CHECK(security_tls_required_no(S(" No")) && security_tls_required_no(S("no")) && security_tls_required_no(S("\r\n NO ")));
    CHECK(!security_tls_required_no(S(" Yes")) && !security_tls_required_no(S("")) && !security_tls_required_no(S("No, really")));
}
