// SPDX-License-Identifier: ISC
#include "base/random.h"
#include "base/test.h"
#include "relay/mtasts.h"
#include "relay/note.h"

static const struct {
    const char *text, *id;
} records[] = {
    {"v=STSv1; id=20160831085700Z;", "20160831085700Z"}, /* the RFC's */
    {"v=STSv1; id=a", "a"},
    {"v=STSv1;id=a", "a"},
    {"v=STSv1 \t;\t id=a \t; \t", "a"},
    {"v=STSv1; id=a; more=a; ext=2", "a"},
    {"v=STSv1; first=x; id=a;", "a"},
    {"v=STSv1; id=a; id=b;", "a"}, /* of two the first */
    {"v=STSv1; id=12345678901234567890123456789012", "12345678901234567890123456789012"},
    {"v=STSv1; id=123456789012345678901234567890123", NULL},
    {"v=STSv1; a_-.b=!%&/()?", NULL}, /* well-formed, but no id */
    {"v=STSv10", NULL},
    {"v=STSv1", NULL},
    {"v=STSv1;", NULL},
    {"v=STSv1; ext=1", NULL},
    {"v=STSv1; id=", NULL},
    {"v=STSv1; id=a; more=", NULL},
    {"v=STSv1; id=a; a12345678901234567890123456789012=1", NULL},
    {"v=STSv1; id=a; 1%=a", NULL},
    {"v=STSv1; id=a; _x=a", NULL},
    {"v=STSv1; id=a; x=a=b", NULL},
    {"v=STSv1; id=a; x=a b", NULL},
    {"v=STSv1; id=a;;", NULL},
    {"v=STSv1; id=a-b", NULL},
    {"v=STSv1; id=a id=b", NULL},
    {"v=STSv1; ID=a", NULL},
    {"v=stsv1; id=a", NULL},
    {"V=STSv1; id=a", NULL},
    {" v=STSv1; id=a", NULL},
    {"v=STSv1 id=a", NULL},
    {"id=20180907T090909; v=STSv1;", NULL},
    {"v=STSv12;id=20180907T090909;", NULL},
    {"v=STSv1; id=\xc3\xa4", NULL},
    {"", NULL},
};

TEST(records_by_the_table)
{
    for (size_t i = 0; i < countof(records); i++) {
        struct str id;
        bool ok = mtasts_record_parse(str_c(records[i].text), &id);
        CHECK_NUM(ok, records[i].id != NULL);
        if (ok && records[i].id)
            CHECK_STR(id, str_c(records[i].id));
    }
}

static enum mtasts_seen choose(enum dns_status status, const char *a, const char *b, const char *c, struct str *id)
{
    const char *text[] = {a, b, c};
    struct dns_record record[3];
    struct dns_answer answer = {.status = status, .type = DNS_TXT, .records = record};
    for (; answer.count < 3 && text[answer.count]; answer.count++)
        record[answer.count] = (struct dns_record){.type = DNS_TXT, .txt = str_c(text[answer.count])};
    return mtasts_record_choose(&answer, id);
}

TEST(exactly_one_record)
{
    struct str id;
    CHECK_NUM(choose(DNS_OK, "v=STSv1; id=a;", NULL, NULL, &id), MTASTS_RECORD);
    CHECK_STR(id, S("a"));
    CHECK_NUM(choose(DNS_OK, "v=spf1 -all", "v=STSv1; id=a;", "v=STSv12; id=c", &id), MTASTS_RECORD);
    CHECK_NUM(choose(DNS_OK, "v=STSv1; id=a;", "v=STSv1; id=a;", NULL, &id), MTASTS_NO_RECORD);
    CHECK_NUM(choose(DNS_OK, "v=STSv1; id=a;", "v=STSv1; broken", NULL, &id), MTASTS_NO_RECORD);
    CHECK_NUM(choose(DNS_OK, "v=STSv1; broken", NULL, NULL, &id), MTASTS_NO_RECORD);
    CHECK_NUM(choose(DNS_OK, "v=spf1 -all", NULL, NULL, &id), MTASTS_NO_RECORD);
    CHECK_NUM(choose(DNS_NODATA, NULL, NULL, NULL, &id), MTASTS_NO_RECORD);
    CHECK_NUM(choose(DNS_NXDOMAIN, NULL, NULL, NULL, &id), MTASTS_NO_RECORD);
    CHECK_NUM(choose(DNS_SERVFAIL, NULL, NULL, NULL, &id), MTASTS_UNKNOWN);
    CHECK_NUM(choose(DNS_TIMEOUT, NULL, NULL, NULL, &id), MTASTS_UNKNOWN);
    CHECK_NUM(choose(DNS_BOGUS, NULL, NULL, NULL, &id), MTASTS_UNKNOWN);
    CHECK(id.n == 0);
}

static const struct {
    const char *text;
    bool ok;
    enum mtasts_mode mode;
    uint32_t max_age;
    size_t mx;
    const char *why;
} policies[] = {
    {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: "
     "604800\r\n",
     true, MTASTS_ENFORCE, 604800, 3, ""},
    {"version: STSv1\nmode: enforce\nmx: mail.loc\nmax_age: 86400", true, MTASTS_ENFORCE, 86400, 1, ""},
    {"version: STSv1\nmode: enforce\t\nmx: *.example.com \nmax_age: 0 \n", true, MTASTS_ENFORCE, 0, 1, ""},
    {"version:STSv1\r\nmode:\tenforce\r\nmx:  \t\t *.example.com\nmax_age: 1\nmore:ext e  ns ion", true, MTASTS_ENFORCE, 1, 1,
     ""},
    {"max_age: 5\nmx: A.Example\nmode: testing\nversion: STSv1\n\n \n", true, MTASTS_TESTING, 5, 1, ""},
    {"version: STSv1\nmode: none\nmax_age: 86400", true, MTASTS_NONE, 86400, 0, ""},
    {"version: STSv1\nmode: none\nmode: enforce\nmax_age: 1\nmax_age: x\nversion: 2\n", true, MTASTS_NONE, 1, 0,
     ""}, /* the first counts */
    {"version: STSv1\nmode: none\nmax_age: 31557600", true, MTASTS_NONE, 31557600, 0, ""},
    {"version: STSv1\nmode: none\nmax_age: 9999999999", true, MTASTS_NONE, 31557600, 0, ""},
    {"version: STSv1\nmode: none\nmax_age: 1\nx: \xc3\xa4 y", true, MTASTS_NONE, 1, 0, ""},
    {"version:STSv1\nmode:none\nmax_age:01234567890", false, 0, 0, 0, "line 3"},
    {"version:STSv0\nmode:none\nmax_age:0", false, 0, 0, 0, "version"},
    {"version:STSv10\nmode:none\nmax_age:0", false, 0, 0, 0, "version"},
    {"version:stsv1\nmode:none\nmax_age:0", false, 0, 0, 0, "version"},
    {"version:STSv1\nmode:none", false, 0, 0, 0, "max_age"},
    {"max_age:0\nmode:none", false, 0, 0, 0, "version"},
    {"version:STSv1\nmax_age:0", false, 0, 0, 0, "mode"},
    {"version:STSv1\nmode:bad\nmax_age:1", false, 0, 0, 0, "mode"},
    {"version:STSv1\nmode:Enforce\nmx:a.b\nmax_age:1", false, 0, 0, 0, "mode"},
    {"version:STSv1\nmode:enforce\nmax_age:0", false, 0, 0, 0, "no mx"},
    {"version:STSv1\nmode:testing\nmax_age:0", false, 0, 0, 0, "no mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:", false, 0, 0, 0, "line 4"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:*.*.example", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:**.example", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:*", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:*.", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:test.example-", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:m\xc3\xb8x.example", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:[192.0.2.1]", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:a b.example", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:enforce\nmax_age:0\nmx:a..example", false, 0, 0, 0, "mx"},
    {"version:STSv1\nmode:none\nmax_age:0\na12345678901234567890123456789012:123", false, 0, 0, 0, "line 4"},
    {"version:STSv1\nmode:none\nmax_age:0\n_bad:test", false, 0, 0, 0, "line 4"},
    {"version:STSv1\nmode:none\nmax_age:0\nx:\x01y", false, 0, 0, 0, "line 4"},
    {"version:STSv1\nmode:none\nmax_age:0\nx:\xff", false, 0, 0, 0, "line 4"},
    {"version:STSv1\nmode:none\nmax_age:-1", false, 0, 0, 0, "max_age"},
    {"version:STSv1\nmode:none\nmax_age:xxx", false, 0, 0, 0, "max_age"},
    {"version :STSv1\nmode:none\nmax_age:1", false, 0, 0, 0, "line 1"},
    {"garbage", false, 0, 0, 0, "line 1 of the policy: there is no colon"},
    {"<html><body>404</body></html>", false, 0, 0, 0, "colon"},
    {"", false, 0, 0, 0, "version"},
};

TEST(policies_by_the_table)
{
    for (size_t i = 0; i < countof(policies); i++) {
        struct arena a;
        struct mtasts_policy p;
        struct why why = {"", ""};
        arena_init(&a, 1 << 18);
        unsigned long before = test_failures;
        bool ok = mtasts_policy_parse(&a, str_c(policies[i].text), &p, &why);
        CHECK_NUM(ok, policies[i].ok);
        CHECK(strstr(why.text, policies[i].why) != NULL && (ok || why.text[0]));
        if (ok)
            CHECK(p.mode == policies[i].mode && p.max_age_s == policies[i].max_age && p.mx_count == policies[i].mx);
        if (before != test_failures)
            fprintf(stderr, "  policy %zu: %s\n", i, why.text);
        arena_clear(&a);
    }
}

TEST(sizes_of_policies)
{
    struct arena a;
    struct buf b;
    struct mtasts_policy p;
    struct why why;
    arena_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    buf_add(&b, S("version: STSv1\nmode: enforce\nmax_age: 1\n"));
    for (int i = 0; i < MTASTS_MX_MAX; i++)
        buf_printf(&b, "mx: mx%d.example.com\n", i);
    CHECK(mtasts_policy_parse(&a, buf_str(&b), &p, &why) && p.mx_count == MTASTS_MX_MAX);
    buf_add(&b, S("mx: one.more.example.com\n"));
    CHECK(!mtasts_policy_parse(&a, buf_str(&b), &p, &why));
    buf_clear(&b);
    buf_add(&b, S("version: STSv1\nmode: none\nmax_age: 1\n"));
    while (b.n + 100 < MTASTS_POLICY_MAX)
        buf_add(&b, S("x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n"));
    CHECK(mtasts_policy_parse(&a, buf_str(&b), &p, &why));
    while (b.n <= MTASTS_POLICY_MAX)
        buf_add_byte(&b, '\n');
    CHECK(!mtasts_policy_parse(&a, buf_str(&b), &p, &why));
    CHECK(strstr(why.text, "64 kB") != NULL);
    arena_clear(&a);
    arena_init(&a, 100);
    CHECK(!mtasts_policy_parse(&a, S("version: STSv1\nmode: none\nmax_age: 1\n"), &p, &why));
    arena_clear(&a);
    buf_free(&b);
}

TEST(hosts_that_are_let_in)
{
    struct str mx[] = {S_INIT("mail.example.com"), S_INIT("*.example.net")};
    struct mtasts_policy p = {.mode = MTASTS_ENFORCE, .mx = mx, .mx_count = 2};
    static const struct {
        const char *host;
        bool ok;
    } hosts[] = {
        {"mail.example.com", true},
        {"MAIL.Example.COM.", true},
        {"mail2.example.com", false},
        {"a.mail.example.com", false},
        {"a.example.net", true},
        {"a.example.net.", true},
        {"A.EXAMPLE.NET", true},
        {"example.net", false},
        {"a.b.example.net", false},
        {".example.net", false},
        {"badexample.net", false},
        {"", false},
        {".", false},
        {"net", false},
        {"example.com", false},
        {"a.example.net.evil.test", false},
    };
    for (size_t i = 0; i < countof(hosts); i++)
        CHECK_NUM(mtasts_mx_match(&p, str_c(hosts[i].host)), hosts[i].ok);
    struct arena a;
    size_t n = 0;
    arena_init(&a, 4096);
    p.max_age_s = 86400;
    struct str *line = mtasts_policy_lines(&a, &p, &n);
    CHECK_NUM(n, 5);
    CHECK(line && str_eq(line[0], S("version: STSv1")) && str_eq(line[1], S("mode: enforce")) &&
          str_eq(line[3], S("mx: *.example.net")) && str_eq(line[4], S("max_age: 86400")));
    arena_clear(&a);
}

TEST(names_and_types)
{
    char text[200];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    mtasts_url(&b, S("example.com"));
    CHECK_STR(buf_str(&b), S("https://mta-sts.example.com/.well-known/mta-sts.txt"));
    buf_clear(&b);
    mtasts_record_name(&b, S("example.com"));
    CHECK_STR(buf_str(&b), S("_mta-sts.example.com"));
    CHECK(mtasts_media_type_is_ok(S("text/plain")) && mtasts_media_type_is_ok(S("Text/Plain ; charset=iso-8859-1")));
    CHECK(!mtasts_media_type_is_ok(S("text/html")) && !mtasts_media_type_is_ok(S("")) &&
          !mtasts_media_type_is_ok(S("text/plainx")));
}

/* --- the life of an entry --- */

enum { HOUR = 3600 * 1000 };
static const int64_t T0 = INT64_C(1700000000000);

TEST(from_nothing_to_expiry)
{
    struct arena a;
    struct mtasts_entry e = {0};
    struct why why;
    int64_t t = T0;
    arena_init(&a, 1 << 20);
    CHECK(mtasts_policy_now(NULL, t) == NULL && mtasts_policy_now(&e, t) == NULL);
    CHECK_NUM(mtasts_plan(NULL, MTASTS_NO_RECORD, STR_NONE, t), MTASTS_GO_ON);
    CHECK_NUM(mtasts_plan(NULL, MTASTS_UNKNOWN, STR_NONE, t), MTASTS_GO_ON);
    CHECK_NUM(mtasts_plan(NULL, MTASTS_RECORD, S("a"), t), MTASTS_FETCH_FIRST);
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t), MTASTS_FETCH_FIRST);
    CHECK_NUM(mtasts_fetched(&a, &e, S("a"), S("version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: 172800\n"), t, &why),
              MTASTS_FINE);
    CHECK(mtasts_policy_now(&e, t) == &e.policy);
    CHECK_NUM(mtasts_expires_ms(&e), t + 48 * HOUR);
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + HOUR), MTASTS_GO_ON);
    CHECK_NUM(mtasts_plan(&e, MTASTS_NO_RECORD, STR_NONE, t + HOUR),
              MTASTS_GO_ON); /* a record that is gone takes nothing back, 3.1 */
    CHECK(mtasts_policy_now(&e, t + HOUR) != NULL);
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("b"), t + HOUR), MTASTS_FETCH_BESIDE);
    CHECK(!mtasts_wants_refresh(&e, t + 23 * HOUR) && mtasts_wants_refresh(&e, t + 24 * HOUR));
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + 24 * HOUR), MTASTS_FETCH_BESIDE);
    CHECK(mtasts_policy_now(&e, t + 48 * HOUR - 1) != NULL && mtasts_policy_now(&e, t + 48 * HOUR) == NULL);
    CHECK(!mtasts_wants_refresh(&e, t + 48 * HOUR));
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + 48 * HOUR), MTASTS_FETCH_FIRST);
    /* a refresh without a record keeps the id and starts the time anew */
    CHECK_NUM(mtasts_fetched(&a, &e, STR_NONE, S("version: STSv1\nmode: none\nmax_age: 60\n"), t + 24 * HOUR, &why), MTASTS_FINE);
    CHECK_STR(str_c(e.id), S("a"));
    CHECK(mtasts_policy_now(&e, t + 24 * HOUR)->mode == MTASTS_NONE);
    arena_clear(&a);
}

TEST(fetches_that_fail)
{
    struct arena a;
    struct mtasts_entry e = {0};
    struct why why;
    int64_t t = T0, wait = MTASTS_BACKOFF_MS;
    arena_init(&a, 1 << 20);
    mtasts_failed(&e, S("a"), MTASTS_FETCH_ERROR, t);
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + wait - 1), MTASTS_GO_ON); /* as though there were no MTA-STS, 3.3 */
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("b"), t + 1), MTASTS_FETCH_FIRST);  /* another version is another try */
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + wait), MTASTS_FETCH_FIRST);
    for (int i = 0; i < 20; i++) {
        t += wait;
        mtasts_failed(&e, S("a"), MTASTS_WEBPKI_INVALID, t);
        wait = wait * 2 < MTASTS_BACKOFF_MAX_MS ? wait * 2 : MTASTS_BACKOFF_MAX_MS;
        CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + wait - 1), MTASTS_GO_ON);
        CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), t + wait), MTASTS_FETCH_FIRST);
        CHECK_NUM(mtasts_expires_ms(&e), t + wait);
    }
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("a"), T0 - 48 * HOUR), MTASTS_FETCH_FIRST); /* the clock was set back */
    /* while a policy is kept it goes on to hold, whatever fails */
    CHECK_NUM(mtasts_fetched(&a, &e, S("a"), S("version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: 864000\n"), t, &why),
              MTASTS_FINE);
    CHECK(e.failures == 0 && e.failed_ms == 0);
    CHECK_NUM(mtasts_fetched(&a, &e, S("b"), S("version: 2"), t + HOUR, &why), MTASTS_POLICY_INVALID);
    CHECK(why.text[0] && e.trouble == MTASTS_POLICY_INVALID);
    CHECK_STR(str_c(e.id), S("a"));
    CHECK(mtasts_policy_now(&e, t + HOUR)->mode == MTASTS_ENFORCE);
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("b"), t + HOUR + 1), MTASTS_GO_ON);
    CHECK_NUM(mtasts_plan(&e, MTASTS_RECORD, S("b"), t + 2 * HOUR), MTASTS_FETCH_BESIDE);
    mtasts_failed(&e, STR_NONE, MTASTS_FETCH_ERROR, t + 25 * HOUR);
    CHECK_STR(str_c(e.tried_id), S("a"));
    CHECK(!mtasts_wants_refresh(&e, t + 25 * HOUR + 1) && mtasts_wants_refresh(&e, t + 26 * HOUR));
    arena_clear(&a);
}

TEST(notes)
{
    struct arena a;
    struct mtasts_entry e = {0}, back;
    struct why why;
    struct buf b, again;
    arena_init(&a, 8 << 20);
    buf_init(&b, MTASTS_NOTE_MAX);
    buf_init(&again, MTASTS_NOTE_MAX);
    for (int kind = 0; kind < 4; kind++) {
        if (kind == 1)
            mtasts_failed(&e, S("zz9"), MTASTS_FETCH_ERROR, T0);
        if (kind == 2)
            CHECK_NUM(mtasts_fetched(&a, &e, S("a"), S("version: STSv1\nmode: testing\nmx: mx.test\nmx: *.x.test\nmax_age: 5\n"),
                                     T0 + 1, &why),
                      MTASTS_FINE);
        if (kind == 3)
            mtasts_failed(&e, S("b"), MTASTS_WEBPKI_INVALID, T0 + 2);
        buf_clear(&b);
        buf_clear(&again);
        mtasts_encode(&b, &e);
        CHECK(mtasts_decode(&a, buf_str(&b), &back));
        mtasts_encode(&again, &back);
        CHECK_STR(buf_str(&again), buf_str(&b));
        CHECK(back.has_policy == e.has_policy && back.failed_ms == e.failed_ms && back.policy.mx_count == e.policy.mx_count);
        for (size_t n = 0; n < b.n; n++)
            CHECK(!mtasts_decode(&a, str_head(buf_str(&b), n), &back));
        buf_add_byte(&b, 0);
        CHECK(!mtasts_decode(&a, buf_str(&b), &back));
    }
    /* the largest policy fits */
    struct mtasts_policy *p = &e.policy;
    char name[254];
    memset(name, 'a', sizeof name);
    for (int i = 63; i < 253; i += 64)
        name[i] = '.';
    name[253] = '\0';
    p->mx = arena_array(&a, MTASTS_MX_MAX, sizeof *p->mx);
    for (p->mx_count = 0; (p->mx_count + 1) * 260 < MTASTS_POLICY_MAX; p->mx_count++)
        p->mx[p->mx_count] = str_c(name);
    buf_clear(&b);
    mtasts_encode(&b, &e);
    CHECK(!b.full && mtasts_decode(&a, buf_str(&b), &back) && back.policy.mx_count == p->mx_count);
    buf_free(&b);
    buf_free(&again);
    arena_clear(&a);
}

TEST(numbers_of_notes)
{
    static const int64_t values[] = {0, 1, 63, 127, 128, INT64_C(1700000000000), 1ll << 52};
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < countof(values); i++)
        note_put_time(&b, values[i]);
    note_put_time(&b, -5);
    note_put_u64(&b, UINT64_MAX);
    note_put_str(&b, S("x"));
    struct note_reader r = {buf_str(&b), false};
    for (size_t i = 0; i < countof(values); i++)
        CHECK_NUM(note_get_time(&r), values[i]);
    CHECK_NUM(note_get_time(&r), 0);
    CHECK(note_get_u64(&r, UINT64_MAX) == UINT64_MAX);
    CHECK_STR(note_get_str(&r, 1), S("x"));
    CHECK(!r.broken && r.rest.n == 0);
    CHECK(note_get_u64(&r, 1) == 0 && r.broken);
    static const struct {
        const char *octets;
        size_t n;
    } bad[] = {{"\x80", 1},
               {"\x80\x00", 2},
               {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},
               {"\x05", 1},
               {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}};
    for (size_t i = 0; i < countof(bad); i++) {
        r = (struct note_reader){str_of(bad[i].octets, bad[i].n), false};
        CHECK(note_get_u64(&r, i == 3 ? 4 : UINT64_MAX) == 0 && r.broken);
    }
    buf_free(&b);
}
