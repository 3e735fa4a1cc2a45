// SPDX-License-Identifier: ISC
/* The converter: what the two passes share. */
#pragma once
#include "message/convert.h"
#include "message/inside.h"
#include "message/scan.h"

enum { HAS_HIGH = 1, HAS_NUL = 2, HAS_BARE = 4, HAS_LONG = 8, HAS_BAD_UTF8 = 16 };

enum action {
    KEEP,    /* byte for byte */
    RELABEL, /* the content is fit, only its label promises more */
    TO_QP,
    TO_BASE64,
    SANITIZE, /* cannot be decoded, so cannot be encoded anew: unfit octets become "?" */
};

enum { PART_BLOCK = 64 };

/* 16 octets: a message may have MIME_PARTS_MAX of them. */
struct part {
    uint32_t high, size;
    uint8_t flags, action, encoding, kind;
    bool text : 1, root : 1, mime_version : 1, typed : 1, fields_first : 1;
};

/* Octets that go through as they are, made fit one by one. */
struct filter {
    size_t column;
    bool cr, dropping;
};

struct convert {
    struct mime_scan scan;
    enum convert_to to;
    struct arena *arena;
    struct part *blocks[MIME_PARTS_MAX / PART_BLOCK + 1]; /* of PART_BLOCK each */
    uint32_t count;
    uint32_t stack[MIME_DEPTH_MAX + 3], depth; /* parts that are open */
    uint32_t structure;                        /* flags of headers and glue */
    bool overflow;                             /* no memory for a part: it is sanitized */
    struct part lost;                          /* stands for such a part */
    /* first pass: the leaf that is open */
    struct utf8_watch utf8;
    size_t column;
    bool cr;
    /* second pass */
    bool writing, begun;
    uint32_t next;
    struct buf *out;
    struct filter filter;
    struct header_scan strip;
    struct buf stripped;
    struct mime_decoder decoder;
    struct mime_encoder encoder;
    char strip_storage[2048];
};

struct part *convert_part(struct convert *c, uint32_t i); /* one that there was no memory for: the lost one */
struct part *convert_current(struct convert *c);          /* the innermost part that is open */
void convert_enter(struct convert *c, uint32_t index);    /* it opens; UINT32_MAX: one that there was no memory for */
void convert_look_begin(struct convert *c);               /* the scanner watches for the first pass … */
void convert_write_begin(struct convert *c);              /* … and for the second */
