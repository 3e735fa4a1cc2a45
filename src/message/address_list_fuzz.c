// SPDX-License-Identifier: ISC
/* Address lists: anything may come; what is found can be written as a header field of sound lines and is found again. */
#include "base/check.h"
#include "base/utf8.h"
#include "message/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct header_address list[64];
    size_t n;
    struct arena *a;
};

static void keep(void *to, const struct header_address *h)
{
    struct seen *s = to;
    check(utf8_is_valid(h->name));
    if (s->n < 64 && !h->group_start && !h->group_end)
        s->list[s->n++] = *h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct seen first = {.a = &a}, second = {.a = &a};
    struct buf b;
    arena_init(&a, 4 * 1024 * 1024);
    size_t found = address_list_parse(&a, str_of(data, size), keep, &first);
    check(found >= first.n);
    buf_init(&b, 1024 * 1024);
    header_write_addresses(&b, "To", first.list, first.n, true);
    struct str text = buf_str(&b);
    size_t column = 0;
    for (size_t i = 0; i < text.n && !b.full; i++) {
        column = text.p[i] == '\n' ? 0 : column + 1;
        check(column <= 999);
        check(text.p[i] != 0 && (text.p[i] != '\r' || text.p[i + 1] == '\n'));
        check(text.p[i] != '\n' || (text.p[i - 1] == '\r' && (i + 1 == text.n || text.p[i + 1] == ' ')));
    }
    address_list_parse(&a, str_skip(text, 3), keep, &second);
    bool cut = b.full || a.used > a.max / 2;
    for (size_t i = 0; i < first.n; i++)
        cut = cut || first.list[i].adr.local.n > 300 || first.list[i].adr.domain.text.n > 300;
    check(cut || second.n == first.n);
    for (size_t i = 0; i < first.n && !cut; i++)
        check(str_eq(address_key(&a, &first.list[i].adr), address_key(&a, &second.list[i].adr)));
    buf_free(&b);
    arena_clear(&a);
    return 0;
}
