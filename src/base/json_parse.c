/* SPDX-License-Identifier: ISC */
/* The reader: no recursion, a stack of open arrays and objects.

       value ──scalar──► after ──","──► value (array) | name (object)
         └──"[" "{"──► value | name | close        └──close──► after of the parent, or the end */
#include "base/json.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 16 };

struct reader {
    struct arena *arena;
    struct str rest;
    struct json *open[DEPTH_MAX];   /* arrays and objects that are not closed yet */
    struct json **tail[DEPTH_MAX];  /* where each one's next child goes */
    size_t depth;
};

static char peek(struct reader *r) /* behind white space; NUL at the end (a NUL in the text is refused by whoever sees it) */
{
    while (r->rest.n > 0 && strchr(" \t\r\n", r->rest.p[0]) && r->rest.p[0] != 0)
        r->rest = str_skip(r->rest, 1);
    return r->rest.n > 0 ? r->rest.p[0] : 0;
}

static bool take(struct reader *r, char c)
{
    if (peek(r) != c || r->rest.n == 0)
        return false;
    r->rest = str_skip(r->rest, 1);
    return true;
}

static bool take_word(struct reader *r, struct str word)
{
    if (!str_starts(r->rest, word))
        return false;
    r->rest = str_skip(r->rest, word.n);
    return true;
}

static bool hex4(struct str s, uint32_t *v)
{
    if (s.n < 4)
        return false;
    *v = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = ascii_lower(s.p[i]);
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        *v = *v << 4 | (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* s stands behind a backslash; appends what the escape means, *n gets its length. */
static bool unescape(struct buf *to, struct str s, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (s.n == 0)
        return false;
    const char *at = s.p[0] == 0 ? NULL : strchr(from, s.p[0]);
    *n = 1;
    if (at) {
        buf_add_byte(to, into[at - from]);
        return true;
    }
    uint32_t high, low;
    if (s.p[0] != 'u' || !hex4(str_skip(s, 1), &high))
        return false;
    *n = 5;
    if (high >= 0xdc00 && high <= 0xdfff)
        return false;
    if (high >= 0xd800 && high <= 0xdbff) { /* RFC 8259 7: a pair of surrogates, or nothing that could be UTF-8 */
        if (!str_starts(str_skip(s, 5), S("\\u")) || !hex4(str_skip(s, 7), &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        *n = 11;
    }
    utf8_add(to, high);
    return true;
}

static bool take_string(struct reader *r, struct str *out)
{
    if (!take(r, '"'))
        return false;
    size_t n = 0;
    bool escaped = false;
    for (; n < r->rest.n && r->rest.p[n] != '"'; n++) {
        if ((unsigned char)r->rest.p[n] < 0x20)
            return false;
        if (r->rest.p[n] == '\\') {
            escaped = true;
            n++;
        }
    }
    if (n >= r->rest.n)
        return false;
    struct str raw = str_head(r->rest, n);
    r->rest = str_skip(r->rest, n + 1);
    if (!utf8_is_valid(raw))
        return false;
    *out = raw;
    if (!escaped)
        return true;
    char *storage = arena_alloc(r->arena, raw.n); /* an escape is never shorter than what it stands for */
    if (!storage)
        return false;
    struct buf to;
    buf_fixed(&to, storage, raw.n);
    while (raw.n > 0) {
        size_t plain = str_find(raw, '\\'), used = 0;
        buf_add(&to, str_head(raw, plain));
        raw = str_skip(raw, plain);
        if (raw.n > 0 && !unescape(&to, str_skip(raw, 1), &used))
            return false;
        raw = str_skip(raw, raw.n > 0 ? used + 1 : 0);
    }
    *out = buf_str(&to);
    return true;
}

static bool take_number(struct reader *r, int64_t *v)
{
    bool minus = take_word(r, S("-"));
    size_t n = 0;
    while (n < r->rest.n && ascii_is_digit(r->rest.p[n]))
        n++;
    uint64_t size;
    if (!str_to_u64(str_head(r->rest, n), &size) || (n > 1 && r->rest.p[0] == '0') || size > (uint64_t)INT64_MAX + minus)
        return false;
    r->rest = str_skip(r->rest, n);
    if (r->rest.n > 0 && strchr(".eE", r->rest.p[0]) && r->rest.p[0] != 0)
        return false;
    *v = minus ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

static bool take_scalar(struct reader *r, struct json *v)
{
    char c = peek(r);
    if (c == '"') {
        v->kind = JSON_STR;
        return take_string(r, &v->str);
    }
    if (c == '-' || ascii_is_digit(c)) {
        v->kind = JSON_NUM;
        return take_number(r, &v->num);
    }
    v->kind = c == 'n' ? JSON_NULL : JSON_BOOL;
    v->num = c == 't';
    return take_word(r, c == 'n' ? S("null") : c == 't' ? S("true") : S("false"));
}

/* Behind a value: closes what closes here. False: broken. *done: the outermost value is whole. */
static bool close_levels(struct reader *r, bool *done)
{
    for (*done = false; r->depth > 0; r->depth--) {
        bool object = r->open[r->depth - 1]->kind == JSON_OBJECT;
        if (take(r, ','))
            return true;
        if (!take(r, object ? '}' : ']'))
            return false;
    }
    *done = true;
    return true;
}

/* A name (in an object) and a value, or the opening of one. *opened: a level was opened that is not empty. */
static struct json *take_value(struct reader *r, bool *opened)
{
    struct json *v = arena_new(r->arena, struct json);
    bool member = r->depth > 0 && r->open[r->depth - 1]->kind == JSON_OBJECT;
    if (!v || (member && (!take_string(r, &v->name) || !take(r, ':'))))
        return NULL;
    if (r->depth > 0) {
        *r->tail[r->depth - 1] = v;
        r->tail[r->depth - 1] = &v->next;
    }
    char c = peek(r);
    *opened = false;
    if (c != '[' && c != '{')
        return take_scalar(r, v) ? v : NULL;
    if (r->depth == DEPTH_MAX)
        return NULL;
    v->kind = c == '[' ? JSON_ARRAY : JSON_OBJECT;
    r->rest = str_skip(r->rest, 1);
    if (take(r, c == '[' ? ']' : '}'))
        return v;
    r->open[r->depth] = v;
    r->tail[r->depth++] = &v->child;
    *opened = true;
    return v;
}

const struct json *json_parse(struct arena *a, struct str text)
{
    struct reader r = {.arena = a, .rest = text};
    struct json *top = NULL;
    for (bool done = false; !done;) {
        bool opened;
        struct json *v = take_value(&r, &opened);
        if (!v)
            return NULL;
        top = top ? top : v;
        if (!opened && !close_levels(&r, &done))
            return NULL;
    }
    peek(&r);
    return r.rest.n == 0 ? top : NULL;
}
