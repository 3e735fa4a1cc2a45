/* SPDX-License-Identifier: ISC */
/* What parses is written again and must parse to the same text. */
#include "base/check.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct json_writer *w, const struct json *v, const char *name)
{
    const struct json *stack[20], *at = v;
    size_t depth = 0;
    for (;;) {
        char member[64];
        if (depth > 0 && stack[depth - 1]->kind == JSON_OBJECT) {
            if (!str_to_c(at->name, member, sizeof member)) /* too long, or holds a NUL */
                strcpy(member, "?");
            name = member;
        } else {
            name = depth > 0 ? NULL : name;
        }
        switch (at->kind) {
        case JSON_NULL: json_null(w, name); break;
        case JSON_BOOL: json_bool(w, name, at->num); break;
        case JSON_NUM: json_num(w, name, at->num); break;
        case JSON_STR: json_str(w, name, at->str); break;
        case JSON_ARRAY: json_array(w, name); break;
        case JSON_OBJECT: json_object(w, name); break;
        default: unreachable();
        }
        bool level = at->kind == JSON_ARRAY || at->kind == JSON_OBJECT;
        if (level && at->child) {
            check(depth < 20);
            stack[depth++] = at;
            at = at->child;
            continue;
        }
        if (level)
            json_end(w);
        for (; depth > 0 && !at->next; depth--) {
            json_end(w);
            at = stack[depth - 1];
        }
        if (depth == 0)
            return;
        at = at->next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf first, second;
    struct json_writer w;
    arena_init(&a, 4 << 20);
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    const struct json *j = json_parse(&a, str_of(data, size));
    if (j) {
        json_begin(&w, &first);
        write_value(&w, j, NULL);
        const struct json *again = first.full ? NULL : json_parse(&a, buf_str(&first));
        check(again || first.full || a.used > 1 << 20);
        if (again) {
            json_begin(&w, &second);
            write_value(&w, again, NULL);
            check(str_eq(buf_str(&first), buf_str(&second)));
        }
    }
    buf_free(&first);
    buf_free(&second);
    arena_clear(&a);
    return 0;
}
