// SPDX-License-Identifier: ISC
/* Public vectors against the relay folder: records and policies of MTA-STS and TLS-RPT, usable TLSA records, the shape of TLS
   reports. relay_conformance VECTORS; excuses in tests/conformance/excuses-relay.txt. Run from the top of the tree. */
#pragma GCC diagnostic ignored "-Wunused-function" /* not all of the shared helpers are wanted here */
#include "base/check.h"
#include "base/encode.h"
#include "relay/dane.h"
#include "relay/mtasts.h"
#include "relay/tlsrpt.h"
#include "vectors_message/support.h"

#define FOLDER "mtasts-tlsrpt-dane/"

static bool policy_is_ok(struct str text)
{
    struct mtasts_policy p;
    struct why why;
    return mtasts_policy_parse(&memory, text, &p, &why);
}

/* The string that a transcribed object holds under name, wherever it is. */
static struct str find_text(const struct json *j, const char *name)
{
    struct str found = text_of(j && str_eq(j->name, str_c(name)) ? j : NULL);
    for (const struct json *c = j ? j->child : NULL; c && !found.n; c = c->next)
        found = find_text(c, name);
    return found;
}

static void mox(struct suite *s, const char *path, const char *test, bool (*is_ok)(struct str text, const struct json *wanted))
{
    const struct json *j = read_json(path);
    for (const struct json *c = j ? json_get(j, "cases")->child : NULL; c; c = c->next) {
        if (!str_eq(json_get_str(c, "test"), str_c(test)))
            continue;
        const struct json *args = json_get(c, "args")->child;
        bool good = str_eq(json_get_str(c, "kind"), S("good"));
        suite_case(s, is_ok(text_of(args), args->next) == good, text_of(args), json_get_str(c, "comment"));
    }
}

static bool mtasts_record(struct str text, const struct json *wanted)
{
    struct str id;
    return mtasts_record_parse(text, &id) && (!wanted || str_eq(id, find_text(wanted, "ID")));
}

static bool mtasts_policy(struct str text, const struct json *wanted)
{
    (void)wanted;
    return policy_is_ok(text);
}

static bool tlsrpt_record(struct str text, const struct json *wanted)
{
    struct tlsrpt_record r;
    (void)wanted;
    return tlsrpt_record_parse(&memory, text, &r);
}

static void transcribed(void)
{
    struct suite s;
    suite_begin(&s, "relay/mox-mtasts-record");
    mox(&s, FOLDER "transcribed/mox-mtasts.json", "TestRecord", mtasts_record);
    suite_end(&s);
    suite_begin(&s, "relay/mox-mtasts-policy");
    mox(&s, FOLDER "transcribed/mox-mtasts.json", "TestParsePolicy", mtasts_policy);
    suite_end(&s);
    suite_begin(&s, "relay/mox-tlsrpt-record");
    mox(&s, FOLDER "transcribed/mox-tlsrpt-record.json", "TestRecord", tlsrpt_record);
    suite_end(&s);
    suite_begin(&s, "relay/mailauth-rs-records");
    const struct json *j = read_json(FOLDER "transcribed/mailauth-rs-records.json");
    for (const struct json *t = j ? json_get(j, "tables")->child : NULL; t; t = t->next)
        for (const struct json *row = json_get(t, "rows")->child; row; row = row->next) {
            struct str text = text_of(row->child), id;
            struct tlsrpt_record r;
            bool sts = str_starts(json_get_str(t, "test"), S("mta_sts"));
            suite_case(&s, sts ? mtasts_record_parse(text, &id) : tlsrpt_record_parse(&memory, text, &r) && r.count > 0, text,
                       STR_NONE);
        }
    suite_end(&s);
}

/* --- DANE: which records can be used (the certificates are not among the vectors) --- */

static bool tlsa_of(struct str text, struct tls_tlsa *to)
{
    uint64_t n[3];
    struct buf b;
    for (int i = 0; i < 3; i++)
        if (!str_to_u64(str_word(&text), &n[i]) || n[i] > 255)
            return false;
    buf_init(&b, 1 << 16);
    bool ok = hex_decode(&b, str_trim(text));
    *to = (struct tls_tlsa){(unsigned char)n[0], (unsigned char)n[1], (unsigned char)n[2], arena_str(&memory, buf_str(&b))};
    buf_free(&b);
    return ok;
}

static void dane(void)
{
    struct suite s;
    struct tls_tlsa r;
    suite_begin(&s, "relay/dane-usable");
    const struct json *j = read_json(FOLDER "dane-derived.json");
    for (const struct json *c = j ? json_get(j, "cases")->child : NULL; c; c = c->next) {
        struct str text = json_get_str(c, "tlsa");
        bool usable = !str_starts(json_get_str(c, "expect"), S("unusable"));
        if (json_get_num(c, "matching", 0) == 0) /* the vectors hold only the beginning of these */
            continue;
        suite_case(&s, tlsa_of(text, &r) && tls_tlsa_usable(&r) == usable, text, json_get_str(c, "note"));
    }
    for (const struct json *c = j ? json_get(j, "upstream_records")->child : NULL; c; c = c->next) {
        struct str text = json_get_str(c, "record"), name = str_word(&text),
                   host = str_skip(name, str_find_str(name, S("_tcp.")) + 5);
        char space[300], back[300];
        struct buf query, print;
        buf_fixed(&query, space, sizeof space);
        buf_fixed(&print, back, sizeof back);
        dane_query_name(&query, host, 25);
        bool ok = str_eq(buf_str(&query), name) && tlsa_of(text, &r) && tls_tlsa_usable(&r);
        if (ok)
            dane_record_text(&print, &r);
        suite_case(&s, ok && str_eq(buf_str(&print), str_trim(text)), text, buf_str(&print));
    }
    suite_end(&s);
}

/* --- a zone and a web server's files, and what a resolver of policies must say --- */

/* What stands between two texts, behind from. */
static struct str between(struct str text, struct str before, struct str after)
{
    size_t at = str_find_str(text, before);
    struct str rest = str_skip(text, at + before.n);
    return at == text.n ? STR_NONE : str_head(rest, str_find_str(rest, after));
}

static struct str prefixed(const char *a, struct str domain, const char *b)
{
    struct str s[3] = {str_c(a), domain, str_c(b)};
    char text[400];
    struct buf to;
    buf_fixed(&to, text, sizeof text);
    for (int i = 0; i < 3; i++)
        buf_add(&to, s[i]);
    return arena_str(&memory, buf_str(&to));
}

/* "\n" as two characters, as the web server's configuration writes it. */
static struct str unescaped(struct str s)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < s.n; i++) {
        bool end = s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'n';
        buf_add_byte(&b, end ? '\n' : s.p[i]);
        i += end;
    }
    struct str copy = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return copy;
}

static struct str zone, server;

static bool secured(struct str domain)
{
    struct str id, quoted = between(zone, prefixed("txt-record=_mta-sts.", domain, ",\""), S("\""));
    struct dns_record record = {.type = DNS_TXT, .txt = quoted};
    struct dns_answer answer = {
        .status = quoted.p ? DNS_OK : DNS_NXDOMAIN, .type = DNS_TXT, .records = &record, .count = quoted.p ? 1 : 0};
    struct mtasts_policy p;
    struct why why;
    if (domain.n == 0 || domain.p[0] == '.' || mtasts_record_choose(&answer, &id) != MTASTS_RECORD)
        return false;
    struct str block = between(server, prefixed("server_name mta-sts.", domain, ";"), S("server_name"));
    struct str text = unescaped(between(block, S("return 200 \""), S("\"")));
    return text.n && mtasts_media_type_is_ok(str_find_str(block, S("text/html")) < block.n ? S("text/html") : S("text/plain")) &&
           mtasts_policy_parse(&memory, text, &p, &why) && p.mode == MTASTS_ENFORCE;
}

static void resolver(void)
{
    struct suite s;
    suite_begin(&s, "relay/mtasts-postfix-resolver");
    zone = read_vector(FOLDER "mtasts-postfix-resolver/dnsmasq.conf.appendix");
    server = read_vector(FOLDER "mtasts-postfix-resolver/nginx.conf");
    struct str rest = read_vector(FOLDER "mtasts-postfix-resolver/refdata.tsv");
    while (rest.n) {
        struct str want, line = str_cut(rest, '\n', &rest), key = str_cut(line, '\t', &want);
        str_word(&key);
        struct str domain = str_trim(key);
        if (str_find_str(domain, S("bad-cert")) < domain.n || domain.n == 0) /* TLS to the web server: not of this folder */
            continue;
        if (domain.p[0] == '[')
            domain = str_head(str_skip(domain, 1), str_find(domain, ']') - 1);
        else
            domain = str_head(domain, str_find(domain, ':'));
        if (domain.n && domain.p[domain.n - 1] == '.')
            domain.n--;
        suite_case(&s, secured(domain) == str_starts(want, S("OK secure")), line, domain);
    }
    suite_end(&s);
}

/* --- reports: what others wrote, counted here and written anew, says the same --- */

static bool same(const struct json *a, const struct json *b);

static bool members_same(const struct json *a, const struct json *b)
{
    size_t an = 0, bn = 0;
    for (const struct json *c = b->child; c; c = c->next)
        bn++;
    for (const struct json *c = a->child; c; c = c->next, an++) {
        char name[100];
        const struct json *other = str_to_c(c->name, name, sizeof name) ? json_get(b, name) : NULL;
        if (!other || !same(c, other))
            return false;
    }
    return an == bn;
}

static bool same(const struct json *a, const struct json *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == JSON_OBJECT)
        return members_same(a, b);
    const struct json *x = a->child, *y = b->child;
    for (; a->kind == JSON_ARRAY && x && y; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return a->kind == JSON_ARRAY ? !x && !y : a->kind == JSON_NUM ? a->num == b->num : str_eq(a->str, b->str);
}

static struct str *list_of(const struct json *array, size_t *n)
{
    struct str *s = arena_array(&memory, 100, sizeof *s);
    *n = 0;
    for (const struct json *c = array ? array->child : NULL; c && *n < 100; c = c->next)
        s[(*n)++] = c->str;
    return s;
}

static enum tlsrpt_result result_of(struct str text)
{
    enum tlsrpt_result r = TLSRPT_SUCCESS;
    while (r < TLSRPT_RESULTS && !str_eq(text, str_c(tlsrpt_result_text(r))))
        r++;
    return r < TLSRPT_RESULTS ? r : TLSRPT_VALIDATION_FAILURE;
}

static void count(struct tlsrpt_day *d, const struct json *policy)
{
    struct tlsrpt_event e = {.type = TLSRPT_NO_POLICY, .result = TLSRPT_SUCCESS};
    const struct json *p = json_get(policy, "policy"), *sum = json_get(policy, "summary"),
                      *details = json_get(policy, "failure-details");
    while (e.type < TLSRPT_POLICY_TYPES && !str_eq(json_get_str(p, "policy-type"), str_c(tlsrpt_policy_text(e.type))))
        e.type++;
    e.line = list_of(json_get(p, "policy-string"), &e.lines);
    for (int64_t i = json_get_num(sum, "total-successful-session-count", 0); i > 0; i--)
        check(tlsrpt_add(d, &e));
    for (const struct json *f = details ? details->child : NULL; f; f = f->next) {
        e.result = result_of(json_get_str(f, "result-type"));
        e.sending_ip = json_get_str(f, "sending-mta-ip");
        e.receiving_ip = json_get_str(f, "receiving-ip");
        e.mx_host = json_get_str(f, "receiving-mx-hostname");
        for (int64_t i = json_get_num(f, "failed-session-count", 0); i > 0; i--)
            check(tlsrpt_add(d, &e));
    }
}

static void reports(void)
{
    struct suite s;
    suite_begin(&s, "relay/tlsrpt-report");
    const struct json *j = read_json(FOLDER "tlsrpt-stalwart/rpt02.json");
    for (const struct json *p = j ? json_get(j, "policies")->child : NULL; p; p = p->next) {
        struct tlsrpt_sender sender = {json_get_str(j, "organization-name"), json_get_str(j, "contact-info"),
                                       json_get_str(j, "report-id")};
        struct tlsrpt_day d;
        struct buf b;
        buf_init(&b, 1 << 20);
        check(tlsrpt_begin(&d, &memory, json_get_str(json_get(p, "policy"), "policy-domain"), 18262));
        count(&d, p);
        tlsrpt_json(&b, &sender, &d);
        const struct json *ours = json_parse(&memory, buf_str(&b));
        suite_case(&s, ours && same(json_get(ours, "policies")->child, p), json_get_str(j, "report-id"), buf_str(&b));
        static const char *const names[] = {"organization-name", "contact-info", "report-id"};
        bool head = ours != NULL;
        for (int i = 0; ours && i < 3; i++)
            head &= str_eq(json_get_str(ours, names[i]), json_get_str(j, names[i]));
        suite_case(&s,
                   head && str_eq(json_get_str(json_get(ours, "date-range"), "start-datetime"),
                                  json_get_str(json_get(j, "date-range"), "start-datetime")),
                   S("head"), buf_str(&b));
        buf_free(&b);
    }
    suite_end(&s);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s VECTORS (run from the top of the tree)\n", argv[0]);
        return 2;
    }
    vectors = argv[1];
    arena_init(&memory, 64 << 20);
    arena_init(&lasting, FILE_MAX);
    read_excuses("tests/conformance/excuses-relay.txt");
    transcribed();
    dane();
    resolver();
    reports();
    unused_excuses();
    arena_clear(&memory);
    arena_clear(&lasting);
    return failed_suites != 0;
}
