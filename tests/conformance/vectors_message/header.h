// SPDX-License-Identifier: ISC
/* Dates, encoded words, parameters, transfer encodings; examples of RFC 5322 and 2047. */
#pragma once
#include "base/utf8.h"
#include "message/date.h"
#include "message/header.h"
#include "message/mime.h"
#include "support.h"

static long long day_number(long long y, long long m, long long d)
{
    y -= m <= 2;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1 - 719468;
}

static void mail_parser_dates(void)
{
    struct suite s;
    suite_begin(&s, "date/mail-parser");
    const struct json *list = read_json("address/mail-parser/date.json");
    for (const struct json *c = list ? list->child : NULL; c; c = c->next) {
        const struct json *e = json_get(c, "expected");
        struct date d = {0};
        bool parsed = date_parse_loose(json_get_str(c, "header"), &d);
        if (!e || e->kind != JSON_OBJECT) {
            suite_case(&s, !parsed, json_get_str(c, "header"), S("a date"));
            continue;
        }
        long long offset = json_get_num(e, "tz_hour", 0) * 60 + json_get_num(e, "tz_minute", 0);
        offset = json_get_num(e, "tz_before_gmt", 0) ? -offset : offset;
        long long want =
            (day_number(json_get_num(e, "year", 0), json_get_num(e, "month", 0), json_get_num(e, "day", 0)) * 86400 +
             json_get_num(e, "hour", 0) * 3600 + json_get_num(e, "minute", 0) * 60 + json_get_num(e, "second", 0) - offset * 60) *
            1000;
        suite_case(&s, parsed && d.unix_ms == want, json_get_str(c, "header"), decimal(parsed ? d.unix_ms - want : -1));
    }
    suite_end(&s);
}

static void dovecot_dates(void)
{
    struct suite s;
    suite_begin(&s, "date/dovecot");
    const struct json *file = read_json("address/transcribed/dovecot-date.json"),
                      *tables = file ? json_get(file, "tables") : NULL;
    const struct json *tests = tables ? json_get(tables, "tests") : NULL;
    for (const struct json *row = tests ? tests->child : NULL; row; row = row->next) {
        const struct json *in = row->child, *when = in->next, *good = when->next->next;
        struct date d = {0};
        bool parsed = date_parse_loose(in->str, &d);
        suite_case(&s, parsed == (good->num != 0) && (!parsed || d.unix_ms == when->num * 1000), in->str,
                   decimal(d.unix_ms / 1000));
    }
    suite_end(&s);
}

/* "2012-09-06T08:08:21-0700" → milliseconds. */
static bool iso(struct str s, long long *ms)
{
    struct date d;
    char with_colon[40];
    if (s.n == 24 && str_to_c(s, with_colon, sizeof with_colon)) {
        memmove(with_colon + 23, with_colon + 22, 3);
        with_colon[22] = ':';
        s = str_c(with_colon);
    }
    if (!date_parse_loose(s, &d))
        return false;
    *ms = d.unix_ms;
    return true;
}

static void jsmime_dates(void)
{
    struct suite s;
    suite_begin(&s, "date/jsmime");
    const struct json *file = read_json("mime/transcribed/jsmime-header.json"), *cases = file ? json_get(file, "cases") : NULL;
    for (const struct json *c = cases ? cases->child : NULL; c; c = c->next) {
        const struct json *data = json_get(c, "data");
        long long want;
        struct date d = {0};
        if (!str_ends(json_get_str(c, "suite"), S("parseDateHeader")) || !iso(text_of(data->child->next), &want))
            continue;
        bool good = date_parse_loose(text_of(data->child), &d) && d.unix_ms == want;
        suite_case(&s, good, text_of(data->child), decimal((d.unix_ms - want) / 1000));
    }
    suite_end(&s);
}

static struct str decoded(struct str raw)
{
    struct buf b;
    buf_init(&b, raw.n * 4 + 100);
    header_decode(&b, raw);
    struct str s = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return s;
}

static void words(void)
{
    struct suite s;
    suite_begin(&s, "words/jsmime");
    const struct json *file = read_json("mime/transcribed/jsmime-header.json"), *cases = file ? json_get(file, "cases") : NULL;
    for (const struct json *c = cases ? cases->child : NULL; c; c = c->next) {
        const struct json *data = json_get(c, "data");
        if (!str_ends(json_get_str(c, "suite"), S("decodeRFC2047Words")))
            continue;
        struct str got = decoded(text_of(data->child));
        suite_case(&s, str_eq(got, text_of(data->child->next)), text_of(data->child), got);
    }
    suite_end(&s);

    suite_begin(&s, "words/mail-parser");
    file = read_json("mime/transcribed/mail-parser-encoded_word.json");
    const struct json *tables = file ? json_get(file, "tables") : NULL;
    for (const struct json *row = tables && tables->child ? json_get(tables->child, "rows")->child : NULL; row; row = row->next) {
        char word[1000];
        if (row->kind != JSON_ARRAY || !text_of(row->child).p || !text_of(row->child->next).p)
            continue;
        struct str in = text_of(row->child), want = text_of(row->child->next);
        word[0] = '=';
        if (in.n + 1 > sizeof word || in.n == 0 || want.n == 0)
            continue;
        memcpy(word + 1, in.p, in.n);
        struct str got = decoded(str_of(word, in.n + 1));
        suite_case(&s, str_eq(got, want), in, got);
    }
    suite_end(&s);

    suite_begin(&s, "words/mail-parser-unstructured");
    const struct json *list = read_json("address/mail-parser/unstructured.json");
    for (const struct json *c = list ? list->child : NULL; c; c = c->next) {
        struct header_field f;
        char text[4000];
        int n = snprintf(text, sizeof text, "X: %.*s", STR_ARG(json_get_str(c, "header")));
        if (n < 0 || !header_find(str_of(text, (size_t)n), "X", &f))
            continue;
        struct str got = str_trim(decoded(f.value));
        suite_case(&s, str_eq(got, json_get_str(c, "expected")), f.value, got);
    }
    suite_end(&s);
}

static bool same_params(const struct header_param *p, const struct json *object, bool pairs)
{
    size_t n = 0, want = 0;
    for (const struct header_param *i = p; i; i = i->next)
        n++;
    for (const struct json *j = object ? object->child : NULL; j; j = j->next, want++) {
        struct str name = pairs ? j->child->str : j->name, value = pairs ? j->child->next->str : j->str;
        char c[200];
        char lower[200];
        size_t i = 0;
        if (!str_to_c(name, c, sizeof c))
            return false;
        if (str_ends(name, S("-language"))) { /* theirs for the language of RFC 2231 */
            const struct header_param *of = p;
            while (of && !str_eq(of->name, str_head(name, name.n - 9)))
                of = of->next;
            if (!of || !str_eq(of->language, value))
                return false;
            want--;
            continue;
        }
        for (; c[i]; i++)
            lower[i] = ascii_lower(c[i]);
        lower[i] = 0;
        if (!str_eq(header_param(p, lower), value))
            return false;
    }
    return n == want;
}

static struct str shown_params(struct str head, const struct header_param *p)
{
    struct buf b;
    buf_init(&b, 100000);
    buf_add(&b, head);
    for (; p; p = p->next) {
        buf_add(&b, S(" | "));
        buf_add(&b, p->name);
        buf_add(&b, S("="));
        buf_add(&b, p->value);
    }
    struct str s = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return s;
}

static void params(void)
{
    struct suite s;
    struct str head;
    suite_begin(&s, "params/jsmime");
    const struct json *file = read_json("mime/transcribed/jsmime-header.json"), *cases = file ? json_get(file, "cases") : NULL;
    for (const struct json *c = cases ? cases->child : NULL; c; c = c->next) {
        const struct json *data = json_get(c, "data"), *want = data->child->next;
        if (str_find_str(json_get_str(c, "suite"), S("parseParameterHeader")) == json_get_str(c, "suite").n || !want ||
            want->kind != JSON_ARRAY)
            continue;
        const struct header_param *p = header_params(&memory, text_of(data->child), &head);
        suite_case(&s, str_eq_icase(head, text_of(want->child)) && same_params(p, want->child->next, false), text_of(data->child),
                   shown_params(head, p));
    }
    suite_end(&s);

    suite_begin(&s, "params/mail-parser-content_type");
    const struct json *list = read_json("address/mail-parser/content_type.json");
    for (const struct json *c = list ? list->child : NULL; c; c = c->next) {
        const struct json *want = json_get(c, "expected");
        struct str text = json_get_str(c, "header");
        struct header_field f = {.value = text};
        char field[4000];
        int n = snprintf(field, sizeof field, "X: %.*s", STR_ARG(text));
        header_find(str_of(field, (size_t)n), "X", &f);
        const struct header_param *p = header_params(&memory, f.value, &head);
        const struct json *attributes = json_get(want, "attributes");
        struct str rest, type = str_cut(head, '/', &rest);
        bool none = !want || want->kind != JSON_OBJECT; /* no type at all */
        bool good = none ? type.n == 0 || rest.n == 0
                         : str_eq_icase(type, json_get_str(want, "c_type")) &&
                               str_eq_icase(rest, json_get_str(want, "c_subtype")) &&
                               same_params(p, attributes && attributes->kind == JSON_ARRAY ? attributes : NULL, true);
        suite_case(&s, good, text, shown_params(head, p));
    }
    suite_end(&s);
}

static struct str transfer_decoded(enum mime_encoding e, struct str in)
{
    struct mime_decoder d;
    struct buf b;
    mime_decoder_init(&d, e);
    buf_init(&b, in.n + 1000);
    mime_decode(&d, &in, &b);
    mime_decode_end(&d, &b);
    struct str s = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str without_cr(struct str s)
{
    struct str copy = arena_str(&memory, s);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r')
            ((char *)(uintptr_t)copy.p)[n++] = s.p[i];
    return str_head(copy, n);
}

static void transfer(void)
{
    struct suite s;
    for (int i = 0; i < 2; i++) {
        suite_begin(&s, i ? "transfer/mail-parser-quoted-printable" : "transfer/mail-parser-base64");
        const struct json *file =
            read_json(i ? "mime/transcribed/mail-parser-quoted_printable.json" : "mime/transcribed/mail-parser-base64.json");
        const struct json *table = file ? json_get(file, "tables")->child : NULL;
        for (const struct json *row = table ? json_get(table, "rows")->child : NULL; row; row = row->next) {
            if (row->kind != JSON_ARRAY || !text_of(row->child).p || !text_of(row->child->next).p)
                continue;
            struct str got = transfer_decoded(i ? MIME_QUOTED_PRINTABLE : MIME_BASE64, text_of(row->child));
            suite_case(&s, str_eq(got, text_of(row->child->next)), text_of(row->child), got);
        }
        suite_end(&s);
    }
    suite_begin(&s, "transfer/dovecot-quoted-printable");
    const struct json *file = read_json("mime/transcribed/dovecot-qp-decoder.json");
    const struct json *tests = file ? json_get(json_get(file, "tables"), "tests") : NULL;
    for (const struct json *row = tests ? tests->child : NULL; row; row = row->next) {
        const struct json *in = row->child, *want = in->next;
        if (!text_of(in).p || !text_of(want).p || want->next->next->num != 0)
            continue; /* what it calls broken is compared by nobody */
        struct str got = transfer_decoded(MIME_QUOTED_PRINTABLE, text_of(in));
        struct str a = without_cr(got), b = without_cr(text_of(want)); /* it makes LF CRLF on the way */
        suite_case(&s, str_eq(a, b), text_of(in), got);
    }
    suite_end(&s);
}

static void ignore(void *to, const struct header_address *h)
{
    (void)to;
    (void)h;
}

/* RFC 5322 appendix A: messages between lines of dashes. Each has fields only, one date that the strict grammar takes, and
 * addresses. */
static void rfc5322(void)
{
    struct suite s;
    suite_begin(&s, "rfc-examples/rfc5322-messages");
    struct str rest = read_vector("rfc-examples/sections/rfc5322.txt");
    bool inside = false;
    struct buf b;
    buf_init(&b, 100000);
    while (rest.n > 0) {
        struct str line = str_cut(rest, '\n', &rest);
        if (!str_starts(str_trim(line), S("----"))) {
            if (inside && !str_starts(line, S("Resnick")) && !str_starts(line, S("RFC 5322")) && str_find(line, '\f') == line.n) {
                line = str_starts(line, S("   ")) ? str_skip(line, 3) : line;
                buf_add(&b, str_eq(line, S("__")) ? S("  ") : line); /* the text shows blanks so */
                buf_add(&b, S("\r\n"));
            }
            continue;
        }
        struct header_field f;
        struct str m = buf_str(&b);
        while (str_starts(m, S("\r\n")))
            m = str_skip(m, 2);
        if (inside && str_find(m, ':') < m.n) {
            struct header_reader r;
            struct date d;
            header_reader_init(&r, m);
            bool good = true, date = false, from = false;
            while (header_next(&r, &f)) {
                if (str_eq_icase(f.name, S("Date"))) {
                    date = true;
                    good = good && date_parse(f.value, &d);
                }
                if (str_eq_icase(f.name, S("From")))
                    from = address_list_parse(&memory, f.value, ignore, NULL) > 0;
            }
            suite_case(&s, good && date && from && r.broken == 0, m, S("see above"));
        }
        inside = !inside;
        buf_clear(&b);
    }
    buf_free(&b);
    suite_end(&s);
}

static void header_suites(void)
{
    mail_parser_dates();
    dovecot_dates();
    jsmime_dates();
    words();
    params();
    transfer();
    rfc5322();
}
