// SPDX-License-Identifier: ISC
/* MIME structure as a stream, for this folder only: which bytes are header, content of a leaf, or glue. Memory does not grow with
   the message. The tree (mime.c) and the conversion (convert.c) both stand on it, so that they can never see different parts. */
#pragma once
#include "base/limits.h"
#include "message/header.h"
#include "message/mime.h"

enum { SCAN_BOUNDARY_MAX = 200 /* RFC 2046 5.1.1 says 70 */, SCAN_CAPTURE = 16 * 1024, SCAN_TYPE_MAX = 64 };

enum scan_kind { SCAN_LEAF, SCAN_MULTIPART, SCAN_MESSAGE };
struct scan_facts {                                   /* of an entity whose header has ended */
    char type[SCAN_TYPE_MAX], subtype[SCAN_TYPE_MAX]; /* lower case, NUL-terminated */
    enum mime_encoding encoding;
    enum scan_kind kind;
    bool typed;
    uint32_t seen;   /* enum header_bit of its header */
    uint32_t broken; /* lines of its header that are no field */
    uint32_t flaws;  /* enum mime_flaw */
};
struct scan_watch { /* what happens, in order; any may be NULL. Every byte of the message is reported once as header, body or
                       glue. */
    void (*begin)(void *self, uint64_t offset); /* an entity inside the current one */
    void (*header)(void *self, struct str bytes);
    void (*headed)(void *self, uint64_t offset, const struct scan_facts *f);
    void (*body)(void *self, struct str bytes);                /* of a leaf, as transferred */
    void (*glue)(void *self, struct str bytes);                /* preamble, epilogue */
    void (*delimiter)(void *self, struct str bytes);           /* line end, "--boundary", and the rest of that line */
    void (*end)(void *self, uint64_t offset, bool unfinished); /* the current entity */
    void *self;
};
struct scan_entity {
    enum scan_kind kind;
    bool in_header, digest, closed; /* closed: its last delimiter was seen */
    uint32_t boundary_n;
    char boundary[SCAN_BOUNDARY_MAX];
};
struct mime_scan {
    struct scan_watch watch;
    struct scan_entity open[MIME_DEPTH_MAX + 2]; /* from the message down */
    uint32_t depth;                              /* how many are open */
    uint32_t multiparts;                         /* how many of them have a boundary that can still come */
    uint32_t parts;                              /* begun so far */
    uint32_t flaws;
    uint64_t alive;                    /* bit i: the line start may be the delimiter of open[i] */
    uint32_t found, found_level;       /* … while open[found_level]'s already is there */
    uint64_t offset;                   /* of the next byte to be reported */
    bool line_start, delimiter, opens; /* delimiter: the rest of its line goes by; opens: then a part begins */
    uint32_t pend_n, hold_n;           /* a line end that may belong to a delimiter; a line start that may be one */
    char pend[2], hold[SCAN_BOUNDARY_MAX + 8];
    struct header_scan header;
    struct buf captured, passed; /* in the storage below */
    struct arena scratch;        /* empty between calls */
    char capture_storage[SCAN_CAPTURE], pass_storage[2048];
};
void scan_init(struct mime_scan *s, const struct scan_watch *watch);
void scan_feed(struct mime_scan *s, struct str piece);
void scan_end(struct mime_scan *s); /* the message is over; closes what is open. Nothing is left to be freed */
/* Type, encoding and boundary from the two fields that were captured; decides whether the entity has others inside. */
void scan_read_facts(struct mime_scan *s, struct scan_entity *e, struct scan_facts *f);
enum mime_encoding mime_encoding_of(struct str name);
bool mime_encoding_is_identity(enum mime_encoding e);
/* "type/subtype" into two; false when it is none. */
bool mime_split_type(struct str head, struct str *type, struct str *subtype);
