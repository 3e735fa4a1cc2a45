// SPDX-License-Identifier: ISC
/* The first pass of the converter: what is in each part. */
#include "message/convert_inside.h"
#include "message/inside.h"

static void add_part(struct convert *c)
{
    uint32_t block = c->count / PART_BLOCK;
    if (c->count % PART_BLOCK == 0)
        c->blocks[block] = c->count < MIME_PARTS_MAX ? arena_array(c->arena, PART_BLOCK, sizeof(struct part)) : NULL;
    if (c->blocks[block])
        c->count++;
    else
        c->overflow = true;
}

static void look_begin(void *self, uint64_t offset)
{
    struct convert *c = self;
    (void)offset;
    add_part(c);
    convert_enter(c, c->overflow ? UINT32_MAX : c->count - 1);
    c->column = 0;
    c->cr = false;
    c->utf8 = (struct utf8_watch){0};
}

/* Notes what is in bytes: flags of enum HAS_. */
static uint32_t inspect(struct convert *c, struct str bytes, uint32_t *high)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        char x = bytes.p[i];
        if (c->cr != (x == '\n'))
            flags |= HAS_BARE; /* a CR without LF, or an LF without CR */
        c->cr = x == '\r';
        c->column = x == '\n' ? 0 : c->column + 1;
        if (c->column > TEXT_LINE_MAX + (size_t)c->cr)
            flags |= HAS_LONG;
        if (x == 0)
            flags |= HAS_NUL;
        if (is_high(x)) {
            flags |= HAS_HIGH;
            ++*high;
        }
    }
    return flags;
}

static void look_body(void *self, struct str bytes)
{
    struct convert *c = self;
    struct part *p = convert_current(c);
    uint32_t high = 0;
    p->flags |= (uint8_t)inspect(c, bytes, &high);
    if (high || c->utf8.left)
        for (size_t i = 0; i < bytes.n; i++)
            utf8_watch_byte(&c->utf8, (unsigned char)bytes.p[i]);
    p->high = p->high > UINT32_MAX / 4 ? p->high : p->high + high;
    p->size = p->size > UINT32_MAX / 4 ? p->size : p->size + (uint32_t)bytes.n;
}

static void look_structure(void *self, struct str bytes)
{
    struct convert *c = self;
    uint32_t high = 0;
    c->structure |= inspect(c, bytes, &high) & ~(uint32_t)HAS_HIGH;
}

static void look_glue(void *self, struct str bytes)
{
    struct convert *c = self;
    uint32_t high = 0;
    c->structure |= inspect(c, bytes, &high);
}

static void look_headed(void *self, uint64_t offset, const struct scan_facts *f)
{
    struct convert *c = self;
    struct part *p = convert_current(c);
    (void)offset;
    p->encoding = (uint8_t)f->encoding;
    p->kind = (uint8_t)f->kind;
    p->text = strcmp(f->type, "text") == 0 || strcmp(f->type, "message") == 0 || strcmp(f->type, "multipart") == 0;
    p->typed = f->typed;
    p->fields_first = f->broken > 0; /* with its first field gone, such a line could stand first and make the header none */
    p->mime_version = (f->seen & HEADER_MIME_VERSION) != 0;
    if (c->cr)
        c->structure |= HAS_BARE;
    c->column = 0;
    c->cr = false;
}

static void look_end(void *self, uint64_t offset, bool unfinished)
{
    struct convert *c = self;
    struct part *p = convert_current(c);
    (void)offset;
    (void)unfinished;
    if (c->cr)
        p->flags |= HAS_BARE;
    if (c->cr && p->kind != SCAN_LEAF)
        c->structure |= HAS_BARE;
    utf8_watch_end(&c->utf8);
    if (c->utf8.bad)
        p->flags |= HAS_BAD_UTF8;
    c->cr = false;
    c->column = 0;
    c->utf8 = (struct utf8_watch){0};
    c->depth--;
}

void convert_look_begin(struct convert *c)
{
    const struct scan_watch look = {look_begin, look_structure, look_headed, look_body, look_glue, look_structure, look_end, c};
    scan_init(&c->scan, &look);
}
