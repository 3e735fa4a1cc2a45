// SPDX-License-Identifier: ISC
/* Parameters of structured fields: RFC 2045 5.1, continuations and charsets of RFC 2231, and what mailers write instead. */
#include "base/utf8.h"
#include "message/header.h"
#include "message/inside.h"
#include "message/mime.h"

enum { PARAMS_MAX = 200, SECTION_MAX = 9999 };

/* One "name=value" as written: title*1*="…" is name title, section 1, extended. */
struct section {
    struct str name, value; /* value: without quotes */
    int number;             /* -1: not a continuation */
    bool extended, used;
};

/* title*0* → title, 0, extended. */
static bool split_name(struct arena *a, struct str raw, struct section *s)
{
    int number = -1;
    bool extended = raw.n > 0 && raw.p[raw.n - 1] == '*';
    if (extended)
        raw.n--;
    size_t star = str_find_last(raw, '*');
    uint64_t v;
    if (star < raw.n && raw.n - star <= 5 && str_to_u64(str_skip(raw, star + 1), &v) && v <= SECTION_MAX) {
        number = (int)v;
        raw = str_head(raw, star);
    }
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] == '*')
            return false; /* neither a plain name nor RFC 2231 */
    struct str name = arena_str(a, raw);
    for (size_t i = 0; name.p && i < name.n; i++)
        ((char *)(uintptr_t)name.p)[i] = ascii_lower(name.p[i]);
    s->name = name;
    s->number = number;
    s->extended = extended;
    return name.p && name.n > 0;
}

/* "a b=c": where the blank stands that should have been a ";". The whole length when there is none. */
static size_t missing_semicolon(struct str value)
{
    for (size_t i = 1; i < value.n; i++) {
        size_t at = i;
        if (!is_fws(value.p[i]))
            continue;
        while (at < value.n && is_fws(value.p[at]))
            at++;
        size_t name = at;
        while (at < value.n && is_token(value.p[at]))
            at++;
        if (at > name && at < value.n && value.p[at] == '=')
            return i;
        i = name - 1;
    }
    return value.n;
}

/* An unquoted value ends at ";". Mailers leave out quotes around blanks; a comment behind the value is dropped. */
static struct str take_bare_value(struct lexer *l)
{
    struct str value = str_head(l->rest, str_find(l->rest, ';'));
    for (size_t i = 1; i < value.n; i++)
        if (value.p[i] == '(' && is_fws(value.p[i - 1])) {
            struct lexer tail = {.rest = str_skip(l->rest, i)};
            lex_cfws(&tail);
            if (tail.rest.n == 0 || tail.rest.p[0] == ';') {
                value = str_head(value, i);
                l->rest = tail.rest;
                return str_trim(value);
            }
            break;
        }
    size_t next = missing_semicolon(value);
    value = str_head(value, next);
    l->rest = str_skip(l->rest, next);
    return str_trim(value);
}

static bool take_section(struct arena *a, struct lexer *l, struct section *s)
{
    size_t n = 0;
    lex_cfws(l);
    while (n < l->rest.n && l->rest.p[n] != '=' && l->rest.p[n] != ';' && !is_fws(l->rest.p[n]) && l->rest.p[n] != '"')
        n++;
    struct str name = str_head(l->rest, n);
    l->rest = str_skip(l->rest, n);
    lex_cfws(l);
    if (l->rest.n == 0 || l->rest.p[0] != '=')
        return false;
    l->rest = str_skip(l->rest, 1);
    lex_cfws(l);
    if (l->rest.n > 0 && l->rest.p[0] == '"') {
        struct lexeme t = lex_next(l);
        struct buf b;
        buf_init(&b, t.raw.n);
        lex_unquote(&b, t.raw);
        s->value = arena_buf(a, &b);
    } else {
        s->value = arena_str(a, take_bare_value(l));
    }
    return s->value.p && split_name(a, name, s);
}

static void add_percent_decoded(struct buf *to, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        int high = i + 2 < s.n && s.p[i] == '%' ? hex_value(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
        char c = s.p[i];
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        }
        buf_add_byte(to, c);
    }
}

static struct str convert(struct arena *a, struct str bytes, struct str charset)
{
    struct charset_decoder d;
    struct buf out;
    buf_init(&out, bytes.n * 4 + 512);
    charset_decoder_init(&d, charset);
    charset_decode(&d, &bytes, &out);
    charset_decode_end(&d, &out);
    return arena_buf(a, &out);
}

/* charset'language'text of the first extended section; without quotes all is text. */
static struct str split_charset(struct str value, struct str *charset, struct str *language)
{
    struct str rest, text;
    *charset = *language = S("");
    struct str first = str_cut(value, '\'', &rest);
    if (first.n == value.n)
        return value;
    struct str second = str_cut(rest, '\'', &text);
    if (second.n == rest.n)
        return value;
    *charset = first;
    *language = second;
    return text;
}

/* The section with that number; all sections of one name become one value. Numbers that are missing end it. */
static struct section *find_section(struct section *s, size_t count, struct str name, int number)
{
    for (size_t i = 0; i < count; i++)
        if (!s[i].used && s[i].number == number && str_eq(s[i].name, name))
            return &s[i];
    return NULL;
}

static bool join_sections(struct arena *a, struct section *s, size_t count, struct section *first, struct header_param *p)
{
    struct buf bytes;
    struct str charset = S(""), text = first->value;
    buf_init(&bytes, 1024 * 1024);
    if (first->extended)
        text = split_charset(first->value, &charset, &p->language);
    for (struct section *x = first; x; x = first->number < 0 ? NULL : find_section(s, count, p->name, x->number + 1)) {
        if (x != first)
            text = x->value;
        if (x->extended)
            add_percent_decoded(&bytes, text);
        else
            buf_add(&bytes, text);
        x->used = true;
    }
    p->value = convert(a, buf_str(&bytes), charset);
    buf_free(&bytes);
    p->language = arena_str(a, p->language);
    return p->value.p && p->language.p;
}

/* A plain value: raw UTF-8 or windows-1252, or encoded words in the quotes, which RFC 2047 5 forbids and mailers write. */
static bool plain_value(struct arena *a, struct section *x, struct header_param *p)
{
    struct buf b;
    x->used = true;
    if (str_find_str(x->value, S("=?")) == x->value.n) {
        p->value = convert(a, x->value, S("us-ascii"));
        return p->value.p != NULL;
    }
    buf_init(&b, x->value.n * 4 + 512);
    header_decode(&b, x->value);
    p->value = arena_buf(a, &b);
    return p->value.p != NULL;
}

static bool is_well_formed(struct str extended) /* two quotes */
{
    struct str rest, text, first = str_cut(extended, '\'', &rest);
    return first.n < extended.n && str_cut(rest, '\'', &text).n < rest.n;
}

static bool has_plain(const struct section *s, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (s[i].number < 0 && !s[i].extended && str_eq(s[i].name, name))
            return true;
    return false;
}

/* Of several spellings of a name the extended one wins, then the continued one, then the first plain one (RFC 6266 4.3 says so of
 * filename). */
static bool make_param(struct arena *a, struct section *s, size_t count, struct str name, struct header_param *p)
{
    struct section *first = NULL;
    p->name = name;
    p->language = S("");
    for (size_t i = 0; i < count && !first; i++)
        if (s[i].number < 0 && s[i].extended && str_eq(s[i].name, name) &&
            (is_well_formed(s[i].value) || !has_plain(s, count, name)))
            first = &s[i];
    if (!first)
        first = find_section(s, count, name, 0);
    bool good = false;
    if (first) {
        good = join_sections(a, s, count, first, p);
    } else {
        for (size_t i = 0; i < count && !first; i++)
            if (s[i].number < 0 && str_eq(s[i].name, name))
                first = &s[i];
        good = first && plain_value(a, first, p);
    }
    for (size_t i = 0; i < count; i++)
        s[i].used = s[i].used || str_eq(s[i].name, name);
    return good;
}

/* What stands before the first ";": comments and blanks around and within "type / subtype" go. */
static struct str take_head(struct arena *a, struct lexer *l)
{
    struct buf b;
    buf_init(&b, l->rest.n);
    for (;;) {
        lex_cfws(l);
        if (l->rest.n == 0 || l->rest.p[0] == ';')
            break;
        size_t n = 0;
        while (n < l->rest.n && !is_fws(l->rest.p[n]) && l->rest.p[n] != ';' && l->rest.p[n] != '(')
            n++;
        if (n == 0)
            n = 1;
        bool glue = b.n > 0 && buf_str(&b).p[b.n - 1] != '/' && l->rest.p[0] != '/';
        if (glue)
            buf_add_byte(&b, ' ');
        buf_add(&b, str_head(l->rest, n));
        l->rest = str_skip(l->rest, n);
    }
    struct str s = arena_buf(a, &b);
    return s.p ? s : S("");
}

const struct header_param *header_params(struct arena *a, struct str raw, struct str *head)
{
    struct header_param *first = NULL, *last = NULL;
    struct section sections[PARAMS_MAX];
    size_t count = 0;
    struct lexer l = {.rest = raw};
    struct str before = take_head(a, &l);
    if (head)
        *head = before;
    while (l.rest.n > 0 && count < PARAMS_MAX) {
        if (l.rest.p[0] == ';') {
            l.rest = str_skip(l.rest, 1);
            continue;
        }
        struct section s = {0};
        struct lexer start = l;
        bool fresh = take_section(a, &l, &s); /* then another may follow at once, without its ";" */
        if (fresh)
            sections[count++] = s;
        else if (start.rest.n == l.rest.n)
            l.rest = str_skip(l.rest, l.rest.n > 0 && l.rest.p[0] != ';');
        lex_cfws(&l);
        while (!fresh && l.rest.n > 0 && l.rest.p[0] != ';')
            l.rest = str_skip(l.rest, 1);
    }
    for (size_t i = 0; i < count; i++) {
        struct header_param *p = sections[i].used ? NULL : arena_new(a, struct header_param);
        if (!p || !make_param(a, sections, count, sections[i].name, p))
            continue;
        if (last)
            last->next = p;
        else
            first = p;
        last = p;
    }
    return first;
}

struct str header_param(const struct header_param *first, const char *name)
{
    for (const struct header_param *p = first; p; p = p->next)
        if (str_eq(p->name, str_c(name)))
            return p->value;
    return STR_NONE;
}
