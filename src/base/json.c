/* SPDX-License-Identifier: ISC */
/* The writer. The reader is json_parse.c. */
#include "base/json.h"
#include "base/check.h"
#include "base/utf8.h"

enum { WRITER_DEPTH_MAX = 60 };

void json_begin(struct json_writer *w, struct buf *to)
{
    *w = (struct json_writer){.to = to};
}

static void add_text(struct buf *to, struct str v)
{
    size_t n;
    buf_add_byte(to, '"');
    for (; v.n > 0; v = str_skip(v, n)) {
        uint32_t c = utf8_next(v, &n);
        if (c == '"' || c == '\\')
            buf_printf(to, "\\%c", (int)c);
        else if (c == '\n')
            buf_add_c(to, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(to, "\\u%04x", (unsigned)c);
        else
            utf8_add(to, c);
    }
    buf_add_byte(to, '"');
}

/* A comma where one is due, and the member's name. */
static void lead_in(struct json_writer *w, const char *name)
{
    uint64_t bit = (uint64_t)1 << w->depth;
    if (w->comma & bit)
        buf_add_byte(w->to, ',');
    w->comma |= w->depth > 0 ? bit : 0; /* at the top, values are lines: the caller ends them */
    bool member = w->depth > 0 && !(w->array & bit);
    check(member == (name != NULL));
    if (name) {
        add_text(w->to, str_c(name));
        buf_add_byte(w->to, ':');
    }
}

static void open_level(struct json_writer *w, const char *name, bool array)
{
    lead_in(w, name);
    buf_add_byte(w->to, array ? '[' : '{');
    check(w->depth < WRITER_DEPTH_MAX);
    uint64_t bit = (uint64_t)1 << ++w->depth;
    w->comma &= ~bit;
    w->array = array ? w->array | bit : w->array & ~bit;
}

void json_object(struct json_writer *w, const char *name)
{
    open_level(w, name, false);
}

void json_array(struct json_writer *w, const char *name)
{
    open_level(w, name, true);
}

void json_end(struct json_writer *w)
{
    check(w->depth > 0);
    buf_add_byte(w->to, w->array >> w->depth & 1 ? ']' : '}');
    w->depth--;
}

void json_str(struct json_writer *w, const char *name, struct str v)
{
    lead_in(w, name);
    add_text(w->to, v);
}

void json_num(struct json_writer *w, const char *name, int64_t v)
{
    lead_in(w, name);
    buf_printf(w->to, "%lld", (long long)v);
}

void json_bool(struct json_writer *w, const char *name, bool v)
{
    lead_in(w, name);
    buf_add_c(w->to, v ? "true" : "false");
}

void json_null(struct json_writer *w, const char *name)
{
    lead_in(w, name);
    buf_add_c(w->to, "null");
}

const struct json *json_get(const struct json *object, const char *name)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *m = object->child; m; m = m->next)
        if (str_eq(m->name, str_c(name)))
            return m;
    return NULL;
}

struct str json_get_str(const struct json *object, const char *name)
{
    const struct json *m = json_get(object, name);
    return m && m->kind == JSON_STR ? m->str : S("");
}

int64_t json_get_num(const struct json *object, const char *name, int64_t otherwise)
{
    const struct json *m = json_get(object, name);
    return m && (m->kind == JSON_NUM || m->kind == JSON_BOOL) ? m->num : otherwise;
}
