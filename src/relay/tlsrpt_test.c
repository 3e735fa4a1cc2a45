// SPDX-License-Identifier: ISC
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "base/test.h"
#include "message/header.h"
#include "message/mime.h"
#include "relay/tlsrpt.h"
#include <zlib.h>

static const struct {
    const char *text;
    const char *rua[3];
    bool ok;
} records[] = {
    {"v=TLSRPTv1;rua=mailto:reports@example.com", {"m reports@example.com"}, true}, /* the RFC's */
    {"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", {"h https://reporting.example.com/v1/tlsrpt"}, true},
    {"v=TLSRPTv1; rua=mailto:tlsrpt@mydomain.com,https://tlsrpt.mydomain.com/v1",
     {"m tlsrpt@mydomain.com", "h https://tlsrpt.mydomain.com/v1"},
     true},
    {"v=TLSRPTv1; rua=mailto:a@x.test \t,\t mailto:b@x.test;", {"m a@x.test", "m b@x.test"}, true},
    {"v=TLSRPTv1; ext=1; rua=MAILTO:a@x.test; other=y", {"m a@x.test"}, true},
    {"v=TLSRPTv1; rua=mailto:%22a%2Cb%22@x.test", {"m \"a,b\"@x.test"}, true},
    {"v=TLSRPTv1; rua=mailto:a@x.test?subject=x", {"m a@x.test"}, true},
    {"v=TLSRPTv1; rua=mailto:a@x.test;rua=mailto:b@x.test", {"m a@x.test"}, true},
    {"v=TLSRPTv1; rua=http://x.test/,mailto:a@x.test", {"m a@x.test"}, true},
    {"v=TLSRPTv1; rua=ftp://x.test/", {NULL}, false},
    {"v=TLSRPTv1; rua=https://", {NULL}, false},
    {"v=TLSRPTv1; rua=noscheme", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:no-at", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:x@x.example; more=", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:x@x.example other", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:x@x.example!10m", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:x%0d%0ay@x.example", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:x%4@x.example", {NULL}, false},
    {"v=TLSRPTv1; rua=mailto:x@x.example,", {"m x@x.example"}, true},
    {"v=TLSRPTv1; rua=,mailto:x@x.example", {NULL}, false},
    {"v=TLSRPTv1;", {NULL}, false},
    {"v=TLSRPTv1", {NULL}, false},
    {"v=TLSRPTv1; ext=1", {NULL}, false},
    {"v=TLSRPTv0; rua=mailto:x@x.example", {NULL}, false},
    {"v=TLSRPTv2; rua=mailto:x@x.example", {NULL}, false},
    {"rua=mailto:x@x.example; v=TLSRPTv1", {NULL}, false},
};

TEST(records_by_the_table)
{
    for (size_t i = 0; i < countof(records); i++) {
        struct arena a;
        struct tlsrpt_record r;
        arena_init(&a, 1 << 16);
        unsigned long before = test_failures;
        CHECK_NUM(tlsrpt_record_parse(&a, str_c(records[i].text), &r), records[i].ok);
        for (size_t k = 0; k < 3 && records[i].ok; k++) {
            CHECK((k < r.count) == (records[i].rua[k] != NULL));
            if (k < r.count && records[i].rua[k]) {
                CHECK_NUM(r.rua[k].https, records[i].rua[k][0] == 'h');
                CHECK_STR(r.rua[k].to, str_c(records[i].rua[k] + 2));
            }
        }
        if (before != test_failures)
            fprintf(stderr, "  %s\n", records[i].text);
        arena_clear(&a);
    }
}

TEST(one_record_counts)
{
    struct dns_record record[2] = {{.type = DNS_TXT, .txt = S("v=TLSRPTv1;rua=mailto:a@x.test")},
                                   {.type = DNS_TXT, .txt = S("v=TLSRPTv1;rua=mailto:a@x.test")}};
    struct dns_answer a = {.status = DNS_OK, .records = record, .count = 1};
    struct tlsrpt_record r;
    struct arena arena;
    bool unknown;
    arena_init(&arena, 1 << 16);
    CHECK(tlsrpt_record_choose(&arena, &a, &r, &unknown) && !unknown && r.count == 1);
    a.count = 2;
    CHECK(!tlsrpt_record_choose(&arena, &a, &r, &unknown) && !unknown);
    a.status = DNS_SERVFAIL;
    CHECK(!tlsrpt_record_choose(&arena, &a, &r, &unknown) && unknown);
    a.status = DNS_NXDOMAIN;
    a.count = 0;
    CHECK(!tlsrpt_record_choose(&arena, &a, &r, &unknown) && !unknown);
    arena_clear(&arena);
}

/* --- counters --- */

enum { DAY = 16892 }; /* 2016-04-01 */
static const struct str lines[] = {S_INIT("version: STSv1"), S_INIT("mode: testing"), S_INIT("mx: *.mail.company-y.example"),
                                   S_INIT("max_age: 86400")};
static const struct str patterns[] = {S_INIT("*.mail.company-y.example")};

static struct tlsrpt_event event(enum tlsrpt_policy_type type, enum tlsrpt_result result, const char *mx, const char *reason)
{
    bool sts = type == TLSRPT_STS;
    return (struct tlsrpt_event){.type = type,
                                 .line = sts ? lines : NULL,
                                 .lines = sts ? countof(lines) : 0,
                                 .mx_pattern = sts ? patterns : NULL,
                                 .mx_patterns = sts ? 1 : 0,
                                 .result = result,
                                 .mx_host = str_c(mx),
                                 .reason = str_c(reason)};
}

/* RFC 8460 appendix B. */
static void rfc_day(struct tlsrpt_day *d, struct arena *a)
{
    struct tlsrpt_event e = event(TLSRPT_STS, TLSRPT_SUCCESS, "", "");
    CHECK(tlsrpt_begin(d, a, S("company-y.example"), DAY));
    for (int i = 0; i < 5326; i++)
        CHECK(tlsrpt_add(d, &e));
    e = event(TLSRPT_STS, TLSRPT_CERTIFICATE_EXPIRED, "mx1.mail.company-y.example", "");
    e.sending_ip = S("2001:db8:abcd:0012::1");
    for (int i = 0; i < 100; i++)
        CHECK(tlsrpt_add(d, &e));
    e = event(TLSRPT_STS, TLSRPT_STARTTLS_NOT_SUPPORTED, "mx2.mail.company-y.example", "");
    e.sending_ip = S("2001:db8:abcd:0013::1");
    e.receiving_ip = S("203.0.113.56");
    for (int i = 0; i < 200; i++)
        CHECK(tlsrpt_add(d, &e));
    e = event(TLSRPT_STS, TLSRPT_VALIDATION_FAILURE, "mx-backup.mail.company-y.example", "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED");
    e.sending_ip = S("198.51.100.62");
    e.receiving_ip = S("203.0.113.58");
    for (int i = 0; i < 3; i++)
        CHECK(tlsrpt_add(d, &e));
}

static const struct tlsrpt_sender company_x = {S_INIT("Company-X"), S_INIT("sts-reporting@company-x.example"),
                                               S_INIT("5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x.example")};

TEST(json_of_the_rfc)
{
    static const char want[] =
        "{\"organization-name\":\"Company-X\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\",\"end-datetime\":"
        "\"2016-04-01T23:59:59Z\"},"
        "\"contact-info\":\"sts-reporting@company-x.example\",\"report-id\":\"5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x."
        "example\",\"policies\":[{"
        "\"policy\":{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: "
        "*.mail.company-y.example\",\"max_age: 86400\"],"
        "\"policy-domain\":\"company-y.example\",\"mx-host\":[\"*.mail.company-y.example\"]},"
        "\"summary\":{\"total-successful-session-count\":5326,\"total-failure-session-count\":303},\"failure-details\":["
        "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"2001:db8:abcd:0012::1\",\"receiving-mx-hostname\":\"mx1."
        "mail.company-y.example\",\"failed-session-count\":100},"
        "{\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"2001:db8:abcd:0013::1\",\"receiving-mx-hostname\":"
        "\"mx2.mail.company-y.example\",\"receiving-ip\":\"203.0.113.56\",\"failed-session-count\":200},"
        "{\"result-type\":\"validation-failure\",\"sending-mta-ip\":\"198.51.100.62\",\"receiving-mx-hostname\":\"mx-backup.mail."
        "company-y.example\",\"receiving-ip\":\"203.0.113.58\",\"failed-session-count\":3,\"failure-reason-code\":\"X509_V_ERR_"
        "PROXY_PATH_LENGTH_EXCEEDED\"}]}]}";
    struct tlsrpt_day d;
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, 1 << 16);
    rfc_day(&d, &a);
    tlsrpt_json(&b, &company_x, &d);
    CHECK_STR(buf_str(&b), str_c(want));
    CHECK(json_parse(&a, buf_str(&b)) != NULL);
    /* other policies beside it */
    struct tlsrpt_event e = event(TLSRPT_NO_POLICY, TLSRPT_SUCCESS, "", "");
    struct str tlsa = S("3 1 1 00AA");
    CHECK(tlsrpt_add(&d, &e));
    e = (struct tlsrpt_event){.type = TLSRPT_TLSA,
                              .line = &tlsa,
                              .lines = 1,
                              .result = TLSRPT_TLSA_INVALID,
                              .mx_helo = S("he\xffllo\r\n\"x"),
                              .reason = S("\xc3\xa4")};
    CHECK(tlsrpt_add(&d, &e));
    buf_clear(&b);
    tlsrpt_json(&b, &company_x, &d);
    CHECK(json_parse(&a, buf_str(&b)) != NULL);
    CHECK(str_find_str(buf_str(&b), S("{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"company-y.example\"},"
                                      "\"summary\":{\"total-successful-session-count\":1,"
                                      "\"total-failure-session-count\":0},\"failure-details\":[]}")) < b.n);
    CHECK(str_find_str(buf_str(&b), S("\"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 00AA\"],\"policy-domain\"")) < b.n);
    CHECK(str_find_str(buf_str(&b), S("\"receiving-mx-helo\":\"he\xef\xbf\xbdllo\xef\xbf\xbd\xef\xbf\xbd\\\"x\"")) < b.n);
    buf_free(&b);
    arena_clear(&a);
}

static struct str encoded(struct buf *to, const struct tlsrpt_day *d)
{
    buf_clear(to);
    tlsrpt_encode(to, d);
    CHECK(!to->full && to->n <= d->size);
    return buf_str(to);
}

TEST(notes_and_merging)
{
    struct tlsrpt_day d, back, other, both;
    struct arena a;
    struct buf b, again;
    arena_init(&a, 8 << 20);
    buf_init(&b, TLSRPT_NOTE_MAX);
    buf_init(&again, TLSRPT_NOTE_MAX);
    rfc_day(&d, &a);
    struct str bytes = encoded(&b, &d);
    CHECK(tlsrpt_decode(&a, bytes, &back));
    CHECK_STR(encoded(&again, &back), bytes);
    CHECK(back.size == d.size && back.policy->failure == 303 && back.policy->success == 5326);
    for (size_t n = 0; n < bytes.n; n++)
        CHECK(!tlsrpt_decode(&a, str_head(bytes, n), &other));
    /* twice the same day: counts add, nothing else grows */
    CHECK(tlsrpt_merge(&back, &d));
    CHECK(back.policies == 1 && back.policy->details == 3 && back.policy->failure == 606 && back.policy->success == 2 * 5326);
    /* order does not change sums */
    CHECK(tlsrpt_begin(&other, &a, S("company-y.example"), DAY) && tlsrpt_begin(&both, &a, S("company-y.example"), DAY));
    struct tlsrpt_event e = event(TLSRPT_NO_POLICY, TLSRPT_STARTTLS_NOT_SUPPORTED, "mx", "");
    CHECK(tlsrpt_add(&other, &e));
    CHECK(tlsrpt_merge(&both, &other) && tlsrpt_merge(&both, &d) && tlsrpt_merge(&d, &other));
    CHECK(both.policies == 2 && d.policies == 2 && both.policy->failure == d.policy->next->failure &&
          both.policy->next->failure == d.policy->failure);
    /* counts do not wrap */
    both.policy->detail->count = (UINT64_C(1) << 53) - 2;
    CHECK(tlsrpt_merge(&both, &other) && tlsrpt_merge(&both, &other) && tlsrpt_merge(&both, &other));
    CHECK(both.policy->detail->count == (UINT64_C(1) << 53) - 1);
    CHECK(tlsrpt_decode(&a, encoded(&b, &both), &back));
    buf_free(&b);
    buf_free(&again);
    arena_clear(&a);
}

/* A peer that says something else each time: bounded, nothing uncounted, and the note can be read. */
TEST(floods)
{
    for (int kind = 0; kind < 3; kind++) {
        struct tlsrpt_day d, back;
        struct arena a;
        struct buf b, again;
        uint64_t failures = 0;
        arena_init(&a, 4 << 20);
        buf_init(&b, TLSRPT_NOTE_MAX);
        CHECK(tlsrpt_begin(&d, &a, S("flood.test"), DAY));
        for (int i = 0; i < 3000; i++) {
            char text[600], more[20000];
            memset(text, 'a' + i % 26, sizeof text);
            snprintf(text, 20, "%d", i);
            text[strlen(text)] = 'x';
            memset(more, 'b', sizeof more);
            snprintf(more, 20, "%d", i);
            struct str line = str_of(more, kind == 2 ? sizeof more : 20);
            struct tlsrpt_event e = {.type = (enum tlsrpt_policy_type)(i % 3), .result = (enum tlsrpt_result)(1 + i % 11)};
            if (kind > 0)
                e.line = &line, e.lines = 1;
            e.mx_helo = e.reason = e.mx_host = str_of(text, sizeof text);
            CHECK(tlsrpt_add(&d, &e));
        }
        CHECK(d.policies <= TLSRPT_POLICIES_MAX && d.size <= TLSRPT_NOTE_MAX);
        for (struct tlsrpt_policy *p = d.policy; p; p = p->next) {
            uint64_t sum = 0;
            CHECK(p->details <= TLSRPT_DETAILS_MAX);
            for (struct tlsrpt_detail *e = p->detail; e; e = e->next)
                sum += e->count;
            CHECK_NUM(sum, p->failure);
            failures += p->failure;
        }
        CHECK_NUM(failures, 3000);
        CHECK(tlsrpt_decode(&a, encoded(&b, &d), &back));
        CHECK(tlsrpt_merge(&back, &d));
        buf_init(&again, TLSRPT_NOTE_MAX);
        encoded(&again, &back);
        buf_free(&again);
        buf_free(&b);
        arena_clear(&a);
    }
}

TEST(memory_ends)
{
    bool ok = false;
    for (size_t room = 0; room < 1 << 16 && !ok; room += 64) {
        struct arena a;
        struct tlsrpt_day d;
        arena_init(&a, room);
        struct tlsrpt_event e = event(TLSRPT_STS, TLSRPT_CERTIFICATE_EXPIRED, "mx", "x");
        ok = tlsrpt_begin(&d, &a, S("x.test"), 1) && tlsrpt_add(&d, &e);
        CHECK(!ok || d.policy->failure == 1);
        arena_clear(&a);
    }
    CHECK(ok);
}

TEST(gzip_and_names)
{
    struct buf b;
    unsigned char text[1000];
    z_stream z = {0};
    buf_init(&b, 1 << 16);
    CHECK(tlsrpt_gzip(&b, S("hello hello hello")));
    z.next_in = (unsigned char *)b.p;
    z.avail_in = (uInt)b.n;
    z.next_out = text;
    z.avail_out = sizeof text;
    CHECK(inflateInit2(&z, 31) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END);
    CHECK_STR(str_of(text, z.total_out), S("hello hello hello"));
    inflateEnd(&z);
    buf_clear(&b);
    CHECK(tlsrpt_gzip(&b, STR_NONE));
    struct buf small;
    char cell[10];
    buf_fixed(&small, cell, sizeof cell);
    CHECK(!tlsrpt_gzip(&small, S("hello")));
    struct tlsrpt_day d = {.day = 17014, .domain = S("example.net")};
    buf_clear(&b);
    tlsrpt_file_name(&b, S("mail.sndr.example.com"), &d, S("001"));
    CHECK_STR(buf_str(&b), S("mail.sndr.example.com!example.net!1470009600!1470095999!001.json.gz"));
    buf_clear(&b);
    struct tlsrpt_sender s = {S("x"), S("tlsrpt@mail.sender.example.com"), S("735ff.e317+bf22029@mailexample.net")};
    tlsrpt_subject(&b, &s, &d);
    CHECK_STR(buf_str(&b),
              S("Report Domain: example.net Submitter: mail.sender.example.com Report-ID: <735ff.e317+bf22029@mailexample.net>"));
    buf_clear(&b);
    tlsrpt_report_id(&b, 17014, 5, S("example.org"));
    CHECK(str_starts(buf_str(&b), S("20160801.")) && str_ends(buf_str(&b), S("@example.org")));
    CHECK_NUM(tlsrpt_day_of(0), 0);
    CHECK_NUM(tlsrpt_day_of(86399999), 0);
    CHECK_NUM(tlsrpt_day_of(86400000), 1);
    CHECK_NUM(tlsrpt_day_of(-1), -1);
    int64_t due = tlsrpt_due_ms(S("example.net"), 17014), end = INT64_C(17015) * 86400000;
    CHECK(due > end && due <= end + 5 * 3600 * 1000 && due == tlsrpt_due_ms(S("example.net"), 17014) &&
          due != tlsrpt_due_ms(S("example.com"), 17014));
    buf_free(&b);
}

TEST(the_message)
{
    struct tlsrpt_day d;
    struct arena a;
    struct buf b, json, zipped, content;
    arena_init(&a, 4 << 20);
    buf_init(&b, 1 << 18);
    buf_init(&json, 1 << 16);
    buf_init(&zipped, 1 << 16);
    buf_init(&content, 1 << 16);
    rfc_day(&d, &a);
    tlsrpt_json(&json, &company_x, &d);
    CHECK(tlsrpt_gzip(&zipped, buf_str(&json)));
    tlsrpt_message(&b, &company_x, &d, S("tlsrpt@company-y.example"), buf_str(&zipped), INT64_C(1459555200000));
    struct str m = buf_str(&b);
    CHECK(!b.full);
    static const struct {
        const char *name, *value;
    } fields[] = {
        {"From", "sts-reporting@company-x.example"},
        {"To", "tlsrpt@company-y.example"},
        {"Subject", "Report Domain: company-y.example Submitter: company-x.example Report-ID: "
                    "<5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x.example>"},
        {"Message-ID", "<5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x.example>"},
        {"TLS-Report-Domain", "company-y.example"},
        {"TLS-Report-Submitter", "company-x.example"},
        {"TLS-Required", "No"},
        {"Auto-Submitted", "auto-generated"},
        {"Date", "Sat, 2 Apr 2016 00:00:00 +0000"},
        {"MIME-Version", "1.0"},
    };
    for (size_t i = 0; i < countof(fields); i++)
        CHECK_STR(header_value(&a, m, fields[i].name), str_c(fields[i].value));
    struct str head, raw = header_value(&a, m, "Content-Type");
    const struct header_param *params = header_params(&a, raw, &head);
    CHECK_STR(head, S("multipart/report"));
    CHECK_STR(header_param(params, "report-type"), S("tlsrpt"));
    for (struct str rest = m; rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        CHECK(line.n && line.p[line.n - 1] == '\r' && line.n <= 79 + 30);
    }
    /* the file comes out as it went in */
    size_t at = str_find_str(m, S("filename=\"company-x.example!company-y.example!1459468800!1459555199.json.gz\""));
    CHECK(at < m.n);
    struct str part = str_skip(m, at);
    part = str_skip(part, str_find_str(part, S("\r\n\r\n")) + 4);
    part = str_head(part, str_find_str(part, S("\r\n\r\n--")));
    struct buf flat;
    buf_init(&flat, 1 << 16);
    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] != '\r' && part.p[i] != '\n')
            buf_add_byte(&flat, part.p[i]);
    CHECK(base64_decode(&content, buf_str(&flat)));
    CHECK_STR(buf_str(&content), buf_str(&zipped));
    CHECK(str_find_str(m, S("Content-Type: application/tlsrpt+gzip\r\n")) < m.n);
    CHECK(str_find_str(m, S("Failures: 303\r\n    100 certificate-expired\r\n")) < m.n);
    buf_free(&flat);
    buf_free(&b);
    buf_free(&json);
    buf_free(&zipped);
    buf_free(&content);
    arena_clear(&a);
}
