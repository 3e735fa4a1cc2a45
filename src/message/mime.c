// SPDX-License-Identifier: ISC
/* The tree of a message's parts: the stream of scan.c, remembered as offsets. */
#include "message/mime.h"
#include "message/inside.h"
#include "message/scan.h"
#include <stdlib.h>

struct builder {
    struct arena *arena;
    struct mime *mime;
    struct mime_part *at;                       /* the innermost part that is open */
    struct mime_part *last[MIME_DEPTH_MAX + 3]; /* by depth: the newest child there */
    bool full;
    uint32_t skipped; /* open parts for which there was no memory */
};

static void on_begin(void *self, uint64_t offset)
{
    struct builder *b = self;
    struct mime_part *p = b->skipped ? NULL : arena_new(b->arena, struct mime_part);
    if (!p) {
        b->skipped++;
        b->mime->flaws |= MIME_FLAW_MEMORY;
        return;
    }
    p->parent = b->at;
    p->depth = b->at ? b->at->depth + 1 : 0;
    p->head = p->body = p->end = (size_t)offset;
    p->index = 1;
    p->type = S("text");
    p->subtype = S("plain");
    p->id = p->description = p->location = p->disposition = S("");
    if (!b->at) {
        b->mime->root = p;
    } else if (!b->at->child) {
        b->at->child = p;
    } else {
        struct mime_part *before = b->last[p->depth];
        before->next = p;
        p->index = before->index + 1;
    }
    b->last[p->depth] = p;
    b->at = p;
    b->mime->count++;
}

static void on_headed(void *self, uint64_t offset, const struct scan_facts *f)
{
    struct builder *b = self;
    if (b->skipped)
        return;
    b->at->body = (size_t)offset;
    b->at->encoding = f->encoding;
    b->at->typed = f->typed;
    b->at->type = arena_str(b->arena, str_c(f->type));
    b->at->subtype = arena_str(b->arena, str_c(f->subtype));
    if (!b->at->type.p || !b->at->subtype.p) {
        b->at->type = S("application");
        b->at->subtype = S("octet-stream");
        b->mime->flaws |= MIME_FLAW_MEMORY;
    }
}

static void on_end(void *self, uint64_t offset, bool unfinished)
{
    struct builder *b = self;
    if (b->skipped) {
        b->skipped--;
        return;
    }
    b->at->end = (size_t)offset;
    b->at->unfinished = unfinished;
    b->at = b->at->parent;
}

static struct str lower_head(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        ((char *)(uintptr_t)s.p)[i] = ascii_lower(s.p[i]); /* header_params made it for us */
    return s;
}

/* The fields of one part that a reader asks for. */
static void read_fields(struct arena *a, const struct mime *m, struct mime_part *p)
{
    struct str header = mime_header(m, p), head;
    struct header_reader r;
    struct header_field f;
    bool typed = false, disposed = false;
    header_reader_init(&r, header);
    while (header_next(&r, &f)) {
        if (!str_starts_icase(f.name, S("Content-")))
            continue;
        struct str what = str_skip(f.name, 8);
        if (str_eq_icase(what, S("Type")) && !typed) {
            p->params = header_params(a, f.value, &head);
            typed = true;
        } else if (str_eq_icase(what, S("Disposition")) && !disposed) {
            p->disposition_params = header_params(a, f.value, &head);
            p->disposition = lower_head(head);
            disposed = true;
        } else if (str_eq_icase(what, S("ID")) && p->id.n == 0) {
            struct str id = header_value(a, header, "Content-ID");
            p->id = id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>' ? str_of(id.p + 1, id.n - 2) : id;
        } else if (str_eq_icase(what, S("Description")) && p->description.n == 0) {
            p->description = header_text(a, header, "Content-Description");
        } else if (str_eq_icase(what, S("Location")) && p->location.n == 0) {
            p->location = header_value(a, header, "Content-Location");
        }
    }
}

const struct mime *mime_parse(struct arena *a, struct str message)
{
    struct builder b = {.arena = a};
    const struct scan_watch watch = {.begin = on_begin, .headed = on_headed, .end = on_end, .self = &b};
    struct mime_scan *s = malloc(sizeof *s); /* 32 kB, for this call only */
    b.mime = arena_new(a, struct mime);
    if (b.mime && s) {
        b.mime->message = message;
        scan_init(s, &watch);
        scan_feed(s, message);
        scan_end(s);
        b.mime->flaws |= s->flaws;
    }
    free(s);
    if (!b.mime || !b.mime->root)
        return NULL;
    for (struct mime_part *p = b.mime->root; p; p = (struct mime_part *)(uintptr_t)mime_next(p))
        read_fields(a, b.mime, p);
    return b.mime;
}

const struct mime_part *mime_next(const struct mime_part *p)
{
    if (p->child)
        return p->child;
    while (p && !p->next)
        p = p->parent;
    return p ? p->next : NULL;
}

bool mime_is(const struct mime_part *p, const char *type, const char *subtype)
{
    return (!type || str_eq(p->type, str_c(type))) && (!subtype || str_eq(p->subtype, str_c(subtype)));
}

bool mime_part_decode(const struct mime *m, const struct mime_part *p, struct buf *out)
{
    struct mime_decoder d;
    struct str in = mime_body(m, p);
    mime_decoder_init(&d, p->child ? MIME_BINARY : p->encoding);
    while (in.n > 0) {
        size_t before = in.n;
        mime_decode(&d, &in, out);
        if (in.n == before)
            return false;
    }
    mime_decode_end(&d, out);
    return !out->full;
}

uint64_t mime_part_size(const struct mime *m, const struct mime_part *p)
{
    char storage[4096];
    struct buf b;
    struct mime_decoder d;
    struct str in = mime_body(m, p);
    uint64_t size = 0;
    if (p->child || mime_encoding_is_identity(p->encoding))
        return in.n;
    buf_fixed(&b, storage, sizeof storage);
    mime_decoder_init(&d, p->encoding);
    while (in.n > 0) {
        mime_decode(&d, &in, &b);
        size += b.n;
        buf_clear(&b);
    }
    mime_decode_end(&d, &b);
    return size + b.n;
}
