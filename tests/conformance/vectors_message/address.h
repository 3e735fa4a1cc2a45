// SPDX-License-Identifier: ISC
/* Addresses: isemail, python-email-validator, jakarta-mail, mail-parser, dovecot, chasquid. */
#pragma once
#include "base/utf8.h"
#include "message/address.h"
#include "message/header.h"
#include "support.h"

static struct str value_of(struct str block, const char *tag)
{
    char open[32], close[32];
    snprintf(open, sizeof open, "<%s>", tag);
    snprintf(close, sizeof close, "</%s>", tag);
    size_t at = str_find_str(block, str_c(open));
    struct str rest = at < block.n ? str_skip(block, at + strlen(open)) : S("");
    size_t end = str_find_str(rest, str_c(close));
    return end < rest.n ? str_head(rest, end) : S("");
}

/* XML entities; U+2400 and the next 31 stand for the control characters (the file says so). */
static struct str xml_text(struct str s)
{
    struct buf b;
    buf_init(&b, s.n + 10);
    for (size_t i = 0; i < s.n;) {
        size_t n = 1, end = str_find(str_skip(s, i), ';');
        uint32_t c = utf8_next(str_skip(s, i), &n);
        struct str name = str_of(s.p + i + 1, s.p[i] == '&' && end > 0 && end < s.n - i ? end - 1 : 0);
        if (name.n) {
            c = str_eq(name, S("amp"))    ? '&'
                : str_eq(name, S("lt"))   ? '<'
                : str_eq(name, S("gt"))   ? '>'
                : str_eq(name, S("quot")) ? '"'
                                          : '\'';
            if (name.p[0] == '#') {
                c = 0;
                bool hex = name.n > 1 && name.p[1] == 'x';
                for (size_t k = hex ? 2 : 1; k < name.n; k++) {
                    char d = ascii_lower(name.p[k]);
                    c = c * (hex ? 16 : 10) + (uint32_t)(d >= 'a' ? d - 'a' + 10 : d - '0');
                }
            }
            n = end + 1;
        }
        utf8_add(&b, c >= 0x2400 && c < 0x2420 ? c - 0x2400 : c);
        i += n;
    }
    struct str t = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return t;
}

static void count_one(void *to, const struct header_address *h)
{
    if (!h->group_start && !h->group_end)
        *(struct address *)to = h->adr;
}

/* VALID, DNSWARN and RFC5321 are envelope addresses; CFWS, DEPREC and RFC5322 may stand in a header only; ERR nowhere (a header
 * is read liberally, so not held against it). */
static void isemail(void)
{
    struct suite s;
    for (int header = 0; header < 2; header++) {
        suite_begin(&s, header ? "address/isemail-header" : "address/isemail-envelope");
        struct str rest = read_vector("address/isemail/tests.xml");
        for (size_t at; (at = str_find_str(rest, S("<test id="))) < rest.n;) {
            rest = str_skip(rest, at + 5);
            struct str block = str_head(rest, str_find_str(rest, S("</test>")));
            struct str category = value_of(block, "category"), text = xml_text(value_of(block, "address"));
            bool error = str_eq(category, S("ISEMAIL_ERR"));
            bool envelope = str_eq(category, S("ISEMAIL_VALID_CATEGORY")) || str_eq(category, S("ISEMAIL_DNSWARN")) ||
                            str_eq(category, S("ISEMAIL_RFC5321"));
            struct address adr;
            if (!header) {
                enum address_error e = address_parse(&memory, text, false, &adr);
                suite_case(&s, (e == ADDRESS_OK) == envelope, text, str_c(address_error_text(e)));
            } else if (!error) {
                size_t n = address_list_parse(&memory, text, count_one, &adr);
                suite_case(&s, n == 1, text, decimal((long long)n));
            }
        }
        suite_end(&s);
    }
}

static void email_validator(void)
{
    struct suite s;
    suite_begin(&s, "address/python-email-validator");
    const struct json *list = read_json("address/transcribed/python-email-validator.json");
    for (const struct json *c = list ? list->child : NULL; c; c = c->next) {
        struct str group = json_get_str(c, "group");
        const struct json *values = json_get(c, "values");
        const struct json *first = values && values->kind == JSON_ARRAY ? values->child : values;
        struct str text = text_of(first);
        struct address adr = {0};
        bool valid = str_starts(group, S("test_email_valid")), off = str_ends(group, S("smtputf8_off"));
        if (!text.p || !(valid || off || str_starts(group, S("test_email_invalid_syntax"))))
            continue;
        enum address_error e = address_parse(&memory, text, !off, &adr);
        bool good = (e == ADDRESS_OK) == valid;
        if (good && valid && first->next) {
            char normal[600];
            struct address want = {0};
            struct str n = first->next->kind == JSON_OBJECT ? json_get_str(first->next, "normalized") : text_of(first->next);
            snprintf(normal, sizeof normal, "%.*s%s", STR_ARG(n), first->next->kind == JSON_OBJECT ? "" : "@example.com");
            good = address_parse(&memory, str_c(normal), true, &want) == ADDRESS_OK &&
                   str_eq(address_key(&memory, &adr), address_key(&memory, &want));
            if (good && first->next->kind == JSON_OBJECT)
                good = str_eq_icase(adr.domain.ascii, json_get_str(first->next, "ascii_domain"));
        }
        suite_case(&s, good, text, str_c(address_error_text(e)));
    }
    suite_end(&s);
}

/* Keys: what chasquid makes equal, we make equal. */
static void chasquid(void)
{
    struct suite s;
    suite_begin(&s, "address/chasquid-normalize");
    const struct json *file = read_json("address/transcribed/chasquid-normalize.json"),
                      *tables = file ? json_get(file, "tables") : NULL;
    for (const struct json *t = tables ? tables->child : NULL; t; t = t->next) {
        bool domain = str_eq(json_get_str(t, "where"), S("TestDomain")), whole = str_eq(json_get_str(t, "where"), S("TestAddr"));
        const struct json *rows = json_get(t, "rows");
        if (!rows || (!domain && !whole) || !str_starts(json_get_str(t, "fields"), S("user, norm")))
            continue;
        for (const struct json *row = rows->child; row; row = row->next) {
            struct str a = text_of(row->child), b = row->child ? text_of(row->child->next) : STR_NONE;
            struct domain x, y;
            struct address v, w;
            bool good = false;
            if (domain)
                good = domain_parse(&memory, a, true, &x) == ADDRESS_OK && domain_parse(&memory, b, true, &y) == ADDRESS_OK &&
                       str_eq(x.ascii, y.ascii);
            else
                good = address_parse(&memory, a, true, &v) == ADDRESS_OK && address_parse(&memory, b, true, &w) == ADDRESS_OK &&
                       str_eq(address_key(&memory, &v), address_key(&memory, &w));
            suite_case(&s, good, a, b);
        }
    }
    suite_end(&s);
}

/* Lists as text: name <address>, one a line; group names end in ":". */
static void add_line(void *to, const struct header_address *h)
{
    struct buf *b = to;
    if (h->group_end)
        return;
    if (h->group_start) {
        buf_add(b, h->name);
        buf_add(b, S(":\n"));
        return;
    }
    buf_add(b, h->name);
    buf_add(b, S(" <"));
    address_print(b, &h->adr, false);
    buf_add(b, S(">\n"));
}

static struct str listed(struct str header)
{
    struct buf b;
    buf_init(&b, 1024 * 1024);
    address_list_parse(&memory, header, add_line, &b);
    struct str s = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return s;
}

static void add_expected(struct buf *b, const struct json *list, const char *address)
{
    for (const struct json *e = list ? list->child : NULL; e; e = e->next) {
        const struct json *inside = json_get(e, "addresses") ? json_get(e, "addresses") : json_get(e, "group");
        struct str name = json_get_str(e, "name");
        if (inside) {
            if (name.n) { /* without a name it is no group, but what stands outside of one */
                buf_add(b, name);
                buf_add(b, S(":\n"));
            }
            add_expected(b, inside, address);
            continue;
        }
        if (str_find(json_get_str(e, address), '@') == json_get_str(e, address).n)
            continue; /* no address: we skip it */
        buf_add(b, name);
        buf_add(b, S(" <"));
        buf_add(b, json_get_str(e, address));
        buf_add(b, S(">\n"));
    }
}

static void json_lists(const char *name, const char *path, bool jsmime)
{
    struct suite s;
    suite_begin(&s, name);
    const struct json *file = read_json(path), *cases = jsmime && file ? json_get(file, "cases") : file;
    for (const struct json *c = cases ? cases->child : NULL; c; c = c->next) {
        struct str header = json_get_str(c, "header");
        const struct json *expected = json_get(c, "expected");
        if (jsmime) {
            const struct json *data = json_get(c, "data");
            if (str_find_str(json_get_str(c, "suite"), S("parseAddressingHeader")) == json_get_str(c, "suite").n)
                continue;
            header = text_of(data->child);
            expected = data->child->next;
        } else if (expected && expected->kind == JSON_OBJECT) {
            expected = json_get(expected, "List") ? json_get(expected, "List") : json_get(expected, "Group");
        }
        if (str_find_str(header, S("<mailto:")) < header.n || str_find_str(header, S("://")) < header.n)
            continue; /* List-… fields hold URIs, no addresses */
        struct buf b;
        buf_init(&b, 1024 * 1024);
        add_expected(&b, expected, jsmime ? "email" : "address");
        struct str got = listed(header);
        suite_case(&s, str_eq(got, buf_str(&b)), header, got);
        buf_free(&b);
    }
    suite_end(&s);
}

/* addrlist: "To: …" with folded lines, then "Expect: n" and n addresses. Entries without "@" are local names, and some are
 * broken: they are no addresses here. */
static void jakarta(void)
{
    struct suite s;
    suite_begin(&s, "address/jakarta-mail-addrlist");
    struct str rest = read_vector("address/jakarta-mail/addrlist"), header = S("");
    while (rest.n > 0) {
        struct str line = str_cut(rest, '\n', &rest);
        if (!str_starts(line, S("To: ")) && !str_starts(line, S("From: ")) && !str_starts(line, S("Expect: ")))
            continue;
        while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t') && !str_starts(line, S("Expect"))) {
            struct str more = str_cut(rest, '\n', &rest);
            line = str_of(line.p, (size_t)(more.p + more.n - line.p));
        }
        if (!str_starts(line, S("Expect"))) {
            header = str_skip(line, str_find(line, ':') + 1);
            continue;
        }
        uint64_t count = 0, want = 0;
        if (!str_to_u64(str_skip(line, 8), &count))
            continue; /* an exception: strictness of a library, not of a format */
        struct address adr;
        bool group = false;
        for (uint64_t i = 0; i < count; i++) {
            struct str item = str_trim(str_cut(rest, '\n', &rest));
            want += address_list_parse(&memory, item, count_one, &adr) == 1; /* what is no address by itself is none in a list */
            group = group || str_find(item, ':') < item.n;
        }
        struct address last;
        size_t found = address_list_parse(&memory, header, count_one, &last);
        suite_case(&s, group ? found >= want : found == want, header, decimal((long long)found));
    }
    suite_end(&s);
}

/* [text, …, [_, _, name, _, mailbox, domain, broken], …] */
static void dovecot(void)
{
    struct suite s;
    suite_begin(&s, "address/dovecot-message-address");
    const struct json *file = read_json("address/transcribed/dovecot-message-address.json");
    const struct json *tables = file ? json_get(file, "tables") : NULL, *tests = tables ? json_get(tables, "tests") : NULL;
    for (const struct json *row = tests ? tests->child : NULL; row; row = row->next) {
        const struct json *parts = row->child && row->child->next && row->child->next->next ? row->child->next->next->next : NULL,
                          *field[7] = {NULL};
        int n = 0;
        for (const struct json *f = parts && parts->kind == JSON_ARRAY ? parts->child : NULL; f && n < 7; f = f->next)
            field[n++] = f;
        if (n != 7 || field[6]->num || !text_of(field[4]).n || !text_of(field[5]).n)
            continue;
        struct address adr = {.local = S("")};
        size_t found = address_list_parse(&memory, text_of(row->child), count_one, &adr);
        suite_case(&s, found == 1 && str_eq(adr.local, text_of(field[4])) && str_eq(adr.domain.text, text_of(field[5])),
                   text_of(row->child), adr.local);
    }
    suite_end(&s);
}

static void address_suites(void)
{
    isemail();
    email_validator();
    chasquid();
    json_lists("address/mail-parser-lists", "address/mail-parser/address.json", false);
    json_lists("address/jsmime-lists", "mime/transcribed/jsmime-header.json", true);
    jakarta();
    dovecot();
}
