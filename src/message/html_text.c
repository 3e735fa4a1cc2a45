// SPDX-License-Identifier: ISC
/* The words of an HTML mail, for a terminal: tags go, blocks become lines, the usual entities characters, links keep their
 * address. No renderer. */
#include "message/html_text.h"
#include "base/utf8.h"
#include "message/inside.h"
#include <stdlib.h>

static bool name_in(struct str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_icase(name, str_c(list[i])))
            return true;
    return false;
}

static void new_line(struct html_text *h)
{
    if (h->out->n > h->start && buf_str(h->out).p[h->out->n - 1] != '\n')
        buf_add_byte(h->out, '\n');
    h->space = false;
}

static void add_char(struct html_text *h, uint32_t c)
{
    bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    if (blank && !h->preformatted) {
        h->space = true;
        return;
    }
    bool at_start = h->out->n == h->start || buf_str(h->out).p[h->out->n - 1] == '\n';
    if (h->space && !at_start)
        buf_add_byte(h->out, ' ');
    h->space = false;
    if (c != 0 && c != '\r')
        utf8_add(h->out, c);
}

/* "&name;" at the front: its octets (0: none) and the character. */
static size_t entity(struct str s, uint32_t *c)
{
    static const struct {
        const char *name;
        uint32_t c;
    } names[] = {
        {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},    {"nbsp", ' '},
        {"shy", 0},        {"copy", 0xa9},    {"reg", 0xae},     {"trade", 0x2122},  {"euro", 0x20ac},  {"pound", 0xa3},
        {"laquo", 0xab},   {"raquo", 0xbb},   {"ndash", 0x2013}, {"mdash", 0x2014},  {"lsquo", 0x2018}, {"rsquo", 0x2019},
        {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bdquo", 0x201e}, {"hellip", 0x2026}, {"bull", 0x2022},  {"middot", 0xb7},
        {"auml", 0xe4},    {"ouml", 0xf6},    {"uuml", 0xfc},    {"Auml", 0xc4},     {"Ouml", 0xd6},    {"Uuml", 0xdc},
        {"szlig", 0xdf},   {"eacute", 0xe9},  {"egrave", 0xe8},  {"agrave", 0xe0},   {"aacute", 0xe1},  {"ccedil", 0xe7},
        {"ntilde", 0xf1},  {"iacute", 0xed},  {"oacute", 0xf3},  {"uacute", 0xfa},   {"deg", 0xb0},     {"sect", 0xa7},
        {"times", 0xd7},   {"clubs", 0x2663}, {"zwnj", 0},       {"zwj", 0},         {"ensp", ' '},     {"emsp", ' '},
        {"thinsp", ' '},
    };
    size_t end = str_find(str_head(s, 12), ';');
    if (end >= 12 || end == s.n || end < 2)
        return 0;
    struct str name = str_of(s.p + 1, end - 1);
    if (name.p[0] == '#') {
        bool hex = name.n > 1 && (name.p[1] == 'x' || name.p[1] == 'X');
        uint32_t v = 0;
        for (size_t i = hex ? 2 : 1; i < name.n; i++) {
            int digit = hex_value(name.p[i]);
            if (digit < 0 || (!hex && digit > 9) || v > 0x110000)
                return 0;
            v = v * (hex ? 16 : 10) + (uint32_t)digit;
        }
        bool bad = v > 0x10ffff || (v >= 0xd800 && v < 0xe000) || v < 0x20 || (v >= 0x7f && v < 0xa0);
        *c = bad ? 0xfffd : v == 0xa0 ? ' ' : v;
        return end + 1;
    }
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq(name, str_c(names[i].name))) {
            *c = names[i].c;
            return end + 1;
        }
    return 0;
}

/* Past the ">" that ends a tag, quotes respected; all when there is none. */
static size_t tag_size(struct str s)
{
    char quote = 0;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if ((c == '"' || c == '\'') && s.p[i - 1] == '=')
            quote = c;
        else if (c == '>')
            return i + 1;
    }
    return s.n;
}

/* Past the end tag of an element whose content is no text. */
static size_t skip_element(struct str s, struct str name)
{
    for (size_t i = 0; i < s.n; i++) {
        const char *lt = memchr(s.p + i, '<', s.n - i);
        if (!lt)
            return s.n;
        i = (size_t)(lt - s.p);
        if (i + 1 < s.n && s.p[i + 1] == '/' && str_starts_icase(str_skip(s, i + 2), name))
            return i;
    }
    return s.n;
}

static size_t take_tag(struct html_text *h, struct str s)
{
    static const char *const blocks[] = {"p",       "div",    "br",     "tr", "li", "ul",         "ol",   "table",   "h1",
                                         "h2",      "h3",     "h4",     "h5", "h6", "blockquote", "hr",   "pre",     "section",
                                         "article", "header", "footer", "dt", "dd", "title",      "form", "address", "center"};
    static const char *const hidden[] = {"script", "style", "head", "title", "template", "svg", "noscript"};
    if (str_starts(s, S("<!--"))) {
        size_t end = str_find_str(s, S("-->"));
        return end < s.n ? end + 3 : s.n;
    }
    size_t at = 1, from;
    bool closing = at < s.n && s.p[at] == '/';
    at += closing;
    for (from = at; at < s.n && ascii_is_alnum(s.p[at]); at++)
        ;
    struct str name = str_of(s.p + from, at - from);
    if (name.n == 0 && !closing && !(s.n > 1 && (s.p[1] == '!' || s.p[1] == '?'))) {
        add_char(h, '<');
        return 1;
    }
    size_t n = tag_size(s);
    if (!closing && name_in(name, hidden, countof(hidden)))
        return n + skip_element(str_skip(s, n), name);
    if (name_in(name, blocks, countof(blocks))) {
        if (str_eq_icase(name, S("br")))
            buf_add_byte(h->out, '\n');
        else
            new_line(h);
        h->space = false;
        if (!closing && str_eq_icase(name, S("p")) && h->out->n > h->start)
            buf_add_byte(h->out, '\n');
        if (!closing && str_eq_icase(name, S("li")))
            buf_add(h->out, S("* "));
        if (str_eq_icase(name, S("pre")))
            h->preformatted = !closing;
    } else if (str_eq_icase(name, S("td")) || str_eq_icase(name, S("th"))) {
        h->space = true;
    }
    return n;
}

void html_text(struct buf *out, struct str html)
{
    struct html_text h = {.out = out, .start = out->n};
    while (html.n > 0 && !out->full) {
        uint32_t c = 0;
        size_t n = 0;
        if (html.p[0] == '<')
            n = take_tag(&h, html);
        else if (html.p[0] == '&' && (n = entity(html, &c)) > 0)
            add_char(&h, c);
        if (n == 0) {
            c = utf8_next(html, &n);
            add_char(&h, c);
        }
        html = str_skip(html, n);
    }
    new_line(&h);
}

bool mime_preferred_text(const struct mime *m, struct buf *out)
{
    const struct mime_part *p = mime_text_part(m, false);
    if (p)
        return mime_text(m, p, out);
    p = mime_text_part(m, true);
    if (!p)
        return true;
    struct buf html;
    buf_init(&html, out->max);
    bool good = mime_text(m, p, &html);
    html_text(out, buf_str(&html));
    buf_free(&html);
    return good && !out->full;
}
