// SPDX-License-Identifier: ISC
/* Structure: whole and in pieces the same; a tree whose parts lie inside each other in order; every byte reported once; texts and
 * names fit to be shown. */
#include "base/check.h"
#include "base/utf8.h"
#include "message/scan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the scanner says, with neighbouring bytes of one kind put together. */
struct story {
    struct buf text;
    char kind;
    uint64_t offset;
    struct str message;
};

static void bytes(struct story *s, char kind, struct str b)
{
    check(str_eq(b, str_of(s->message.p + s->offset, b.n)));
    s->offset += b.n;
    if (kind != s->kind)
        buf_printf(&s->text, "%llu%c ", (unsigned long long)(s->offset - b.n), kind);
    s->kind = kind;
}
static void on_header(void *self, struct str b)
{
    bytes(self, 'h', b);
}
static void on_body(void *self, struct str b)
{
    bytes(self, 'b', b);
}
static void on_glue(void *self, struct str b)
{
    bytes(self, 'g', b);
}
static void on_delimiter(void *self, struct str b)
{
    bytes(self, 'd', b);
}
static void event(struct story *s, char what, uint64_t offset)
{
    check(offset == s->offset);
    buf_printf(&s->text, "%c%llu ", what, (unsigned long long)offset);
    s->kind = 0;
}
static void on_begin(void *self, uint64_t offset)
{
    event(self, 'B', offset);
}
static void on_headed(void *self, uint64_t offset, const struct scan_facts *f)
{
    (void)f;
    event(self, 'H', offset);
}
static void on_end(void *self, uint64_t offset, bool unfinished)
{
    event(self, unfinished ? 'U' : 'E', offset);
}

static void tell(struct story *s, struct str in, uint32_t seed)
{
    struct scan_watch watch = {on_begin, on_header, on_headed, on_body, on_glue, on_delimiter, on_end, s};
    struct mime_scan *scan = malloc(sizeof *scan);
    check(scan);
    *s = (struct story){.message = in};
    buf_init(&s->text, in.n * 64 + 1000);
    scan_init(scan, &watch);
    while (in.n > 0) {
        seed = seed * 1664525 + 1013904223;
        struct str piece = str_head(in, seed < 1000 ? in.n : 1 + (seed >> 16) % 7);
        scan_feed(scan, piece);
        in = str_skip(in, piece.n);
    }
    scan_end(scan);
    check(s->offset == s->message.n && !s->text.full);
    free(scan);
}

static void look_at(const struct mime *m, struct arena *a)
{
    struct buf b;
    size_t n;
    buf_init(&b, 4 * m->message.n + 4096);
    uint32_t count = 0;
    for (const struct mime_part *p = m->root; p; p = mime_next(p), count++) {
        check(p->head <= p->body && p->body <= p->end && p->end <= m->message.n);
        check(!p->parent || (p->head >= p->parent->body && p->end <= p->parent->end && p->depth == p->parent->depth + 1));
        check(!p->next || p->next->head >= p->end);
        check(p->depth <= MIME_DEPTH_MAX + 1);
        buf_clear(&b);
        check(mime_part_decode(m, p, &b));
        check(mime_part_size(m, p) == b.n);
        if (mime_is(p, "text", NULL)) {
            buf_clear(&b);
            check(mime_text(m, p, &b));
            check(utf8_is_valid(buf_str(&b)));
        }
        struct str name = mime_file_name(a, p);
        check(name.n > 0 && name.n <= 200 && utf8_is_valid(name) && name.p[0] != '.');
        for (size_t i = 0; i < name.n; i++)
            check((unsigned char)name.p[i] >= ' ' && name.p[i] != '/' && name.p[i] != '\\' && name.p[i] != 0x7f);
    }
    check(count == m->count);
    mime_attachments(a, m, &n);
    check(n <= count);
    buf_clear(&b);
    mime_preferred_text(m, &b);
    check(utf8_is_valid(buf_str(&b)));
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct story whole, pieces;
    struct str in = str_of(data, size);
    tell(&whole, in, 0);
    for (uint32_t seed = 1; seed < 4; seed++) {
        tell(&pieces, in, seed * 123456789);
        check(str_eq(buf_str(&whole.text), buf_str(&pieces.text)));
        buf_free(&pieces.text);
    }
    buf_free(&whole.text);
    arena_init(&a, 16 * 1024 * 1024);
    const struct mime *m = mime_parse(&a, in);
    check(m);
    look_at(m, &a);
    arena_clear(&a);
    return 0;
}
