// SPDX-License-Identifier: ISC
/* Conversion: no NUL, no bare CR or LF, no line above 998 octets, no 8-bit content for 7bit; what comes out has the same leaves
 * with the same decoded content. */
#include "base/check.h"
#include "message/convert.h"
#include "message/mime.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void convert(struct str in, enum convert_to to, struct buf *out, bool *changed, uint32_t seed)
{
    struct arena a;
    arena_init(&a, 4 * 1024 * 1024);
    struct convert *c = convert_begin(&a, to);
    check(c);
    for (struct str left = in; left.n > 0;) {
        seed = seed * 1664525 + 1013904223;
        struct str piece = str_head(left, 1 + (seed >> 16) % 50);
        convert_look(c, piece);
        left = str_skip(left, piece.n);
    }
    *changed = convert_looked(c);
    for (int pass = 0; pass < 2; pass++) {
        buf_clear(out);
        convert_rewind(c);
        for (struct str left = in; left.n > 0;) {
            char small[6000];
            struct buf b;
            seed = seed * 1664525 + 1013904223;
            struct str piece = str_head(left, 1 + (seed >> 16) % 300), rest = piece;
            buf_fixed(&b, small, 2048 + (seed >> 8) % 3900);
            convert_feed(c, &rest, &b);
            check(!b.full);
            buf_add(out, buf_str(&b));
            left = str_skip(left, piece.n - rest.n);
        }
        char small[2048];
        struct buf b;
        buf_fixed(&b, small, sizeof small);
        check(convert_end(c, &b) && !b.full);
        buf_add(out, buf_str(&b));
    }
    check(!out->full);
    arena_clear(&a);
}

static void is_fit(struct str s)
{
    for (size_t i = 0, column = 0; i < s.n; i++) {
        column = s.p[i] == '\n' ? 0 : column + 1;
        check(s.p[i] != 0 && column <= 999);
        check(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
        check(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
    }
}

/* Headers with what had to be mended may read differently afterwards; then only the lines are checked. */
static bool mended_header(const struct mime *m)
{
    for (const struct mime_part *p = m->root; p; p = mime_next(p)) {
        struct str h = mime_header(m, p);
        for (size_t i = 0, column = 0; i < h.n; i++) {
            column = h.p[i] == '\n' ? 0 : column + 1;
            if (h.p[i] == 0 || column > 990 || (h.p[i] == '\r' && (i + 1 == h.n || h.p[i + 1] != '\n')))
                return true;
        }
    }
    return false;
}

static void compare(const struct mime *a, const struct mime *b, enum convert_to to)
{
    const struct mime_part *p = a->root, *q = b->root;
    struct buf x, y;
    buf_init(&x, 4 * a->message.n + 100);
    buf_init(&y, 4 * b->message.n + 100);
    for (; p && q; p = mime_next(p), q = mime_next(q)) {
        check(!p->child == !q->child && p->depth == q->depth);
        if (p->child || mime_is(p, "multipart", NULL))
            continue; /* glue may be mended */
        check(p->depth == 0 || (str_eq(p->type, q->type) && str_eq(p->subtype, q->subtype)));
        struct str raw = mime_body(b, q);
        for (size_t i = 0; i < raw.n; i++)
            check(to == CONVERT_8BIT || (unsigned char)raw.p[i] < 0x80);
        if (p->encoding == MIME_UNKNOWN_ENCODING)
            continue;
        buf_clear(&x);
        buf_clear(&y);
        check(mime_part_decode(a, p, &x) && mime_part_decode(b, q, &y));
        check(str_eq(buf_str(&x), buf_str(&y)));
    }
    check(!p && !q);
    buf_free(&x);
    buf_free(&y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    for (enum convert_to to = CONVERT_7BIT; to <= CONVERT_8BIT; to++) {
        struct arena a;
        struct buf out, again;
        bool changed, twice;
        buf_init(&out, 16 * size + 8192);
        buf_init(&again, 64 * size + 65536);
        convert(in, to, &out, &changed, (uint32_t)size);
        if (!changed)
            check(str_eq(buf_str(&out), in));
        is_fit(buf_str(&out));
        arena_init(&a, 64 * 1024 * 1024);
        const struct mime *before = mime_parse(&a, in), *after = mime_parse(&a, buf_str(&out));
        check(before && after);
        if (!mended_header(before)) {
            compare(before, after, to);
            convert(buf_str(&out), to, &again, &twice, 7);
            check(!twice && str_eq(buf_str(&again), buf_str(&out)));
        }
        arena_clear(&a);
        buf_free(&out);
        buf_free(&again);
    }
    return 0;
}
