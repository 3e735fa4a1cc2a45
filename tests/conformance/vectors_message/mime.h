// SPDX-License-Identifier: ISC
/* Structure and content of whole messages: jsmime, mail-parser, mime4j, the corpora through the converter, bounces. */
#pragma once
#include "base/encode.h"
#include "message/convert.h"
#include "message/dsn.h"
#include "message/mime.h"
#include "support.h"

/* ---- jsmime: which lines are the body of which part ---- */

static void add_parts(struct buf *b, const struct mime *m, const struct mime_part *p, struct str number)
{
    char text[400];
    struct buf n;
    if (!p->child && !mime_is(p, "multipart", NULL)) {
        buf_add(b, number);
        buf_add(b, S(": "));
        for (size_t i = 0; i < mime_body(m, p).n; i++)
            if (mime_body(m, p).p[i] != '\r')
                buf_add_byte(b, mime_body(m, p).p[i]);
        while (b->n && buf_str(b).p[b->n - 1] == '\n')
            b->n--;
        buf_add_byte(b, '\n');
        return;
    }
    bool message = mime_is(p, "message", NULL);
    for (const struct mime_part *c = p->child; c; c = c->next) {
        buf_fixed(&n, text, sizeof text);
        buf_add(&n, number);
        if (message)
            buf_add_byte(&n, '$');
        else
            buf_printf(&n, "%s%u", number.n ? "." : "", (unsigned)c->index);
        add_parts(b, m, c, buf_str(&n));
    }
}

static struct str lines_between(struct str text, long long from, long long to)
{
    const char *start = text.p;
    for (long long line = 1; line < to && text.n > 0; line++) {
        if (line == from)
            start = text.p;
        text = str_skip(text, str_find(text, '\n') + 1);
    }
    return str_of(start, (size_t)(text.p - start));
}

static void jsmime_tree(void)
{
    struct suite s;
    suite_begin(&s, "mime/jsmime-tree");
    const struct json *file = read_json("mime/transcribed/jsmime-tree.json"), *cases = file ? json_get(file, "cases") : NULL;
    for (const struct json *c = cases ? cases->child : NULL; c; c = c->next) {
        const struct json *opts = json_get(c, "opts");
        char path[200];
        if (!str_eq(json_get_str(c, "kind"), S("parts")) || json_get(opts, "pruneat") || json_get(opts, "bodyformat"))
            continue;
        struct str name = json_get_str(c, "file");
        snprintf(path, sizeof path, "mime/jsmime/%.*s", STR_ARG(name));
        struct str text = read_vector_if_there(path);
        if (!text.n)
            continue; /* the folder holds a sample */
        struct buf got, want;
        buf_init(&got, 8 * 1024 * 1024);
        buf_init(&want, 8 * 1024 * 1024);
        const struct mime *m = mime_parse(&memory, text);
        add_parts(&got, m, m->root, S(""));
        for (const struct json *p = json_get(c, "parts")->child; p; p = p->next) {
            buf_add(&want, p->child->str);
            buf_add(&want, S(": "));
            struct str body = lines_between(text, p->child->next->num, p->child->next->next->num);
            for (size_t i = 0; i < body.n; i++)
                if (body.p[i] != '\r')
                    buf_add_byte(&want, body.p[i]);
            while (want.n && buf_str(&want).p[want.n - 1] == '\n')
                want.n--;
            buf_add_byte(&want, '\n');
        }
        size_t same = 0;
        while (same < got.n && same < want.n && buf_str(&got).p[same] == buf_str(&want).p[same])
            same++;
        suite_case(&s, str_eq(buf_str(&got), buf_str(&want)), json_get_str(c, "test"),
                   str_skip(buf_str(&got), same > 40 ? same - 40 : 0));
        buf_free(&got);
        buf_free(&want);
    }
    suite_end(&s);
}

/* ---- mail-parser: kind and place of every part ---- */

static void describe_ours(struct buf *b, const struct mime *m, const struct mime_part *p)
{
    for (; p; p = p->next) {
        const char *kind = p->child && mime_is(p, "message", NULL)     ? "message"
                           : p->child || mime_is(p, "multipart", NULL) ? "multipart"
                                                                       : "leaf";
        buf_printf(b, "%s", kind);
        if (kind[0] == 'l')
            buf_printf(b, " %zu", p->body);
        buf_add(b, S("\n"));
        if (p->child)
            describe_ours(b, m, p->child);
    }
}

static void describe_theirs(struct buf *b, const struct json *message, int64_t base)
{
    const struct json *parts = json_get(message, "parts");
    for (const struct json *p = parts ? parts->child : NULL; p; p = p->next) {
        const struct json *body = json_get(p, "body");
        const struct json *inside = body ? json_get(body, "Message") : NULL;
        const char *kind = inside ? "message" : body && json_get(body, "Multipart") ? "multipart" : "leaf";
        buf_printf(b, "%s", kind);
        if (kind[0] == 'l')
            buf_printf(b, " %lld", (long long)(base + json_get_num(p, "offset_body", -1)));
        buf_add(b, S("\n"));
        if (inside)
            describe_theirs(b, inside, base);
    }
}

static struct str with_lf(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++)
        if (s.p[i] != '\r' || i + 1 == s.n || s.p[i + 1] != '\n')
            p[n++] = s.p[i];
    return str_of(p, n);
}

static void mail_parser_file(void *self, const char *path, struct str text)
{
    char json_path[4096];
    snprintf(json_path, sizeof json_path, "%.*sjson", (int)strlen(path) - 3, path);
    struct str expected = read_vector_if_there(json_path);
    if (!expected.n)
        return;
    struct arena a;
    struct buf got, want;
    arena_init(&a, 64 * 1024 * 1024);
    buf_init(&got, 1024 * 1024);
    buf_init(&want, 1024 * 1024);
    const struct json *j = json_parse(&a, expected);
    if (j)
        describe_theirs(&want, j, 0);
    for (int lf = 0; j && lf < 2 && !str_eq(buf_str(&got), buf_str(&want));
         lf++) { /* most expectations count LF line ends, whatever the file has */
        struct str t = lf ? with_lf(&a, text) : text;
        const struct mime *m = mime_parse(&a, t);
        buf_clear(&got);
        describe_ours(&got, m, m->root);
    }
    suite_case(self, j && str_eq(buf_str(&got), buf_str(&want)), str_c(path), buf_str(&got));
    buf_free(&got);
    buf_free(&want);
    arena_clear(&a);
}

/* ---- mime4j: leaves in order, each with its decoded content in a file ---- */

static void mime4j_file(void *self, const char *path, struct str text)
{
    char xml_path[4096];
    snprintf(xml_path, sizeof xml_path, "%.*s_decoded.xml", (int)strlen(path) - 4, path);
    struct str xml = read_vector(xml_path), dir = str_head(str_c(path), str_find_last(str_c(path), '/') + 1);
    if (!xml.n)
        return;
    const struct mime *m = mime_parse(&memory, text);
    const struct mime_part *p = m->root;
    bool good = true;
    struct buf got;
    buf_init(&got, 4 * 1024 * 1024);
    for (size_t at; good && (at = str_find_str(xml, S("-body name=\""))) < xml.n;) {
        char content_path[4096];
        xml = str_skip(xml, at + 12);
        snprintf(content_path, sizeof content_path, "%.*s%.*s", STR_ARG(dir), STR_ARG(str_head(xml, str_find(xml, '"'))));
        while (p && (p->child || mime_is(p, "multipart", NULL)))
            p = mime_next(p);
        struct str want = read_vector_if_there(content_path);
        if (!want.n) {
            buf_free(&got);
            return; /* the folder holds the structure without the content */
        }
        struct buf decoded;
        buf_init(&decoded, 4 * 1024 * 1024);
        good = p && mime_part_decode(m, p, &decoded) && str_eq(str_trim(buf_str(&decoded)), str_trim(want));
        if (!good) {
            buf_add(&got, buf_str(&decoded));
            buf_add(&got, S(" instead of "));
            buf_add(&got, str_head(want, 100));
        }
        buf_free(&decoded);
        p = p ? mime_next(p) : NULL;
    }
    suite_case(self, good, str_c(path), buf_str(&got));
    buf_free(&got);
}

/* ---- every message there is, made 7bit and read again: the same leaves ---- */

static void converted(struct str text, struct buf *out)
{
    struct arena a;
    arena_init(&a, 8 * 1024 * 1024);
    struct convert *c = convert_begin(&a, CONVERT_7BIT);
    convert_look(c, text);
    convert_looked(c);
    char storage[16384];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    while (text.n > 0) {
        convert_feed(c, &text, &b);
        buf_add(out, buf_str(&b));
        buf_clear(&b);
    }
    convert_end(c, &b);
    buf_add(out, buf_str(&b));
    arena_clear(&a);
}

static bool same_leaves(const struct mime *a, const struct mime *b)
{
    const struct mime_part *p = a->root, *q = b->root;
    for (; p && q; p = mime_next(p), q = mime_next(q)) {
        struct buf x, y;
        if (!p->child != !q->child)
            return false;
        if (p->child || mime_is(p, "multipart", NULL) || p->encoding == MIME_UNKNOWN_ENCODING)
            continue;
        buf_init(&x, 32 * 1024 * 1024);
        buf_init(&y, 32 * 1024 * 1024);
        bool same = mime_part_decode(a, p, &x) && mime_part_decode(b, q, &y) && str_eq(buf_str(&x), buf_str(&y));
        buf_free(&x);
        buf_free(&y);
        if (!same)
            return false;
    }
    return !p && !q;
}

static void corpus_file(void *self, const char *path, struct str text)
{
    struct arena a;
    struct buf out;
    if (str_find_str(str_head(text, 4000), S(": ")) == str_head(text, 4000).n)
        return; /* no message */
    arena_init(&a, 256 * 1024 * 1024);
    buf_init(&out, 64 * 1024 * 1024);
    converted(text, &out);
    struct str s = buf_str(&out);
    bool fit = true;
    for (size_t i = 0, column = 0; i < s.n; i++) {
        column = s.p[i] == '\n' ? 0 : column + 1;
        fit = fit && s.p[i] != 0 && column <= 999 && (s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r')) &&
              (s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
    }
    const struct mime *before = mime_parse(&a, text), *after = mime_parse(&a, s);
    suite_case(self, fit && before && after && same_leaves(before, after), str_c(path), S(""));
    buf_free(&out);
    arena_clear(&a);
}

/* ---- bounces: those that hold a report can be read ---- */

static void bounce_file(void *self, const char *path, struct str text)
{
    struct arena a;
    arena_init(&a, 64 * 1024 * 1024);
    struct dsn_report r = {0};
    const struct mime *m = mime_parse(&a, text);
    const struct mime_part *p = m->root;
    while (p && !(mime_is(p, "message", "delivery-status") &&
                  str_find_str(mime_body(m, p), S("Final-Recipient:")) < mime_body(m, p).n))
        p = mime_next(p);
    if (p) {
        bool good = dsn_parse(&a, text, &r) && r.count > 0 && r.recipients[0].final.n > 0;
        suite_case(self, good, str_c(path), r.count ? r.recipients[0].status : S("nothing"));
    }
    arena_clear(&a);
}

static void mime_suites(void)
{
    struct suite s;
    jsmime_tree();
    suite_begin(&s, "mime/mail-parser-trees");
    each_file("mime/mail-parser", ".eml", mail_parser_file, &s);
    suite_end(&s);
    suite_begin(&s, "mime/mime4j-content");
    each_file("mime/mime4j-testmsgs", ".msg", mime4j_file, &s);
    each_file("mime/mime4j-mimetools", ".msg", mime4j_file, &s);
    suite_end(&s);
    static const char *const endings[] = {".eml", ".msg", ".txt"};
    suite_begin(&s, "mime/every-message-made-7bit");
    for (size_t i = 0; i < countof(endings); i++) {
        each_file("mime", endings[i], corpus_file, &s);
        each_file("dsn-arf", endings[i], corpus_file, &s);
    }
    suite_end(&s);
    suite_begin(&s, "dsn/sisimai-reports");
    each_file("dsn-arf", ".eml", bounce_file, &s);
    suite_end(&s);
}
