// SPDX-License-Identifier: ISC
/* Two passes over the stream of scan.c. The first notes for every part what is in it; then it is decided what happens to each;
   the second does it.

       LOOK ── convert_looked ──► decided ── convert_feed … convert_end ──► out
                                     ▲───────── convert_rewind ────────────┘        */
#include "message/convert.h"
#include "base/check.h"
#include "message/convert_inside.h"

enum { CHUNK_MIN = 128, ROOM = 2048 };

struct part *convert_part(struct convert *c, uint32_t i)
{
    return i < c->count ? &c->blocks[i / PART_BLOCK][i % PART_BLOCK] : &c->lost;
}

struct part *convert_current(struct convert *c)
{
    return convert_part(c, c->stack[c->depth - 1]);
}

void convert_enter(struct convert *c, uint32_t index)
{
    check(c->depth < countof(c->stack));
    bool root = c->depth == 0 || convert_current(c)->kind == SCAN_MESSAGE;
    c->stack[c->depth++] = index;
    if (index < c->count && !c->writing)
        convert_part(c, index)->root = root;
}

static uint32_t unfit_flags(const struct convert *c)
{
    return HAS_NUL | HAS_BARE | HAS_LONG | (c->to == CONVERT_7BIT ? HAS_HIGH : 0u);
}

static enum action decide(const struct convert *c, const struct part *p, bool any)
{
    bool unfit = (p->flags & unfit_flags(c)) != 0;
    if (p->kind != SCAN_LEAF || !unfit)
        return p->encoding == MIME_BINARY || (any && p->kind != SCAN_LEAF && p->encoding == MIME_8BIT && c->to == CONVERT_7BIT)
                   ? RELABEL
                   : KEEP;
    if (p->encoding == MIME_UNKNOWN_ENCODING)
        return SANITIZE;
    bool dense =
        4 * (uint64_t)p->high > p->size; /* base64 is clearly shorter then; below, a person can still read quoted-printable */
    return p->text && !(p->flags & HAS_NUL) && !dense ? TO_QP : TO_BASE64;
}

bool convert_looked(struct convert *c)
{
    bool any = false, change;
    scan_end(&c->scan);
    for (uint32_t i = 0; i < c->count; i++)
        any = any || (convert_part(c, i)->flags & unfit_flags(c)) != 0;
    change = (c->structure & unfit_flags(c)) != 0 || c->overflow;
    for (uint32_t i = 0; i < c->count; i++) {
        struct part *p = convert_part(c, i);
        p->action = (uint8_t)decide(c, p, any);
        change = change || p->action != KEEP;
    }
    c->lost.action = SANITIZE;
    c->lost.kind = SCAN_LEAF;
    convert_rewind(c);
    return change;
}

struct convert *convert_begin(struct arena *a, enum convert_to to)
{
    struct convert *c = arena_new(a, struct convert);
    if (!c)
        return NULL;
    c->to = to;
    c->arena = a;
    convert_look_begin(c);
    return c;
}

void convert_look(struct convert *c, struct str piece)
{
    scan_feed(&c->scan, piece);
}

void convert_rewind(struct convert *c)
{
    c->writing = true;
    c->begun = false;
    c->next = c->depth = 0;
    c->filter = (struct filter){0};
    buf_fixed(&c->stripped, c->strip_storage, sizeof c->strip_storage);
}

/* The scanner begins its first part at once, and that may write. */
static void begin_writing(struct convert *c, struct buf *out)
{
    c->out = out;
    if (!c->begun)
        convert_write_begin(c);
    c->begun = true;
}

void convert_feed(struct convert *c, struct str *in, struct buf *out)
{
    if (buf_room(out) < ROOM)
        return;
    begin_writing(c, out);
    while (in->n > 0 && buf_room(out) >= ROOM) {
        size_t most = CHUNK_MIN + (buf_room(out) - ROOM) / 4; /* quoted-printable triples, and some; what was held comes on top */
        struct str piece = str_head(*in, most);
        scan_feed(&c->scan, piece);
        *in = str_skip(*in, piece.n);
    }
    c->out = NULL;
}

bool convert_end(struct convert *c, struct buf *out)
{
    if (buf_room(out) < ROOM)
        return false;
    begin_writing(c, out);
    scan_end(&c->scan);
    c->out = NULL;
    return true;
}
