// SPDX-License-Identifier: ISC
/* Parameters: any field can be read, and what was read, written with RFC 2231, is read again. */
#include "base/check.h"
#include "base/utf8.h"
#include "message/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str head;
    arena_init(&a, 4 * 1024 * 1024);
    const struct header_param *first = header_params(&a, str_of(data, size), &head);
    size_t n = 0;
    for (const struct header_param *p = first; p; p = p->next) {
        check(utf8_is_valid(p->value) && p->name.n > 0 && ++n <= 200);
        struct buf b;
        struct header_writer w;
        buf_init(&b, 64 * 1024 + 12 * p->value.n);
        header_write_begin(&w, &b, "X", false);
        header_write_atom(&w, S("attachment"));
        header_write_param(&w, "filename", p->value);
        header_write_param_2047(&w, "name", p->value);
        header_write_end(&w);
        check(!b.full);
        const struct header_param *again = header_params(&a, str_skip(buf_str(&b), 2), &head);
        check(str_eq(head, S("attachment")) || a.used > a.max / 2);
        struct str value = header_param(again, "filename");
        bool clean = p->value.n > 0;
        for (size_t i = 0; i < p->value.n; i++)
            clean = clean && (unsigned char)p->value.p[i] >= ' ' && p->value.p[i] != 0x7f;
        check(!clean || a.used > a.max / 2 || str_eq(value, p->value) || str_find_str(p->value, S("=?")) < p->value.n ||
              p->value.n > 2000);
        buf_free(&b);
    }
    arena_clear(&a);
    return 0;
}
