// SPDX-License-Identifier: ISC
/* What is inside a message, RFC 2045-2049: a tree of parts as offsets over the message's bytes; nothing is copied but parameters.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "message/header.h"

enum mime_encoding {
    MIME_7BIT,
    MIME_8BIT,
    MIME_BINARY,
    MIME_QUOTED_PRINTABLE,
    MIME_BASE64,
    MIME_UUENCODE,
    MIME_UNKNOWN_ENCODING
};

struct mime_part {
    struct mime_part *parent, *child,
        *next;                /* child: first of a multipart, or the message inside message/rfc822 and message/global */
    uint32_t index;           /* among its siblings, from 1 */
    uint32_t depth;           /* 0: the message itself */
    size_t head, body, end;   /* header [head, body) with its empty line, content [body, end) as transferred */
    struct str type, subtype; /* lower case; "text" "plain" when absent or broken (RFC 2045 5.2); the default in multipart/digest
                                 is message/rfc822 */
    const struct header_param *params; /* of Content-Type */
    enum mime_encoding encoding;
    struct str disposition; /* lower case: "inline", "attachment", …; empty when absent */
    const struct header_param *disposition_params;
    struct str id, description, location; /* Content-ID without <>, Content-Description decoded, Content-Location */
    bool typed;                           /* a Content-Type field was there and could be read */
    bool unfinished;                      /* a multipart without its closing boundary */
};
enum mime_flaw {
    MIME_FLAW_DEPTH = 1,
    MIME_FLAW_PARTS = 2,
    MIME_FLAW_UNFINISHED = 4,
    MIME_FLAW_NO_BOUNDARY = 8,
    MIME_FLAW_MEMORY = 16
};
struct mime {
    struct str message;
    struct mime_part *root;
    uint32_t count; /* parts in the tree */
    uint32_t flaws; /* bits: what was cut or tolerated */
};
/* Never fails on content: what is deeper than MIME_DEPTH_MAX or beyond MIME_PARTS_MAX stays inside its parent as bytes. NULL only
   when the arena cannot hold one part. The message must outlive the tree. */
const struct mime *mime_parse(struct arena *a, struct str message);
/* The next part in document order, NULL behind the last. */
const struct mime_part *mime_next(const struct mime_part *p);
static inline struct str mime_header(const struct mime *m, const struct mime_part *p)
{
    return str_of(m->message.p + p->head, p->body - p->head);
}
static inline struct str mime_body(const struct mime *m, const struct mime_part *p)
{
    return str_of(m->message.p + p->body, p->end - p->body);
}
bool mime_is(const struct mime_part *p, const char *type, const char *subtype); /* NULL: any */

/* ---- transfer encodings as streams ---- */
struct mime_decoder {
    enum mime_encoding encoding;
    uint32_t bits, count; /* base64: what waits */
    uint32_t held;        /* quoted-printable: blanks and "=" that wait for what follows; uuencode: the line */
    char hold[128];
    bool started, ended, broken; /* broken: something was skipped or guessed */
};
void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding);
/* Takes from the front of *in as far as out has room, appends decoded octets. Call again when *in is not empty and out was
 * drained. */
void mime_decode(struct mime_decoder *d, struct str *in, struct buf *out);
void mime_decode_end(struct mime_decoder *d, struct buf *out); /* needs 128 octets of room */
/* Whole content of a part; false when it did not fit. */
bool mime_part_decode(const struct mime *m, const struct mime_part *p, struct buf *out);
/* Octets of the decoded content. */
uint64_t mime_part_size(const struct mime *m, const struct mime_part *p);

struct mime_encoder {
    enum mime_encoding encoding; /* MIME_BASE64 or MIME_QUOTED_PRINTABLE */
    bool text;                   /* quoted-printable: CRLF is a line end, else it is encoded */
    uint32_t column, held;
    unsigned char hold[60];
};
void mime_encoder_init(struct mime_encoder *e, enum mime_encoding encoding, bool text);
void mime_encode(struct mime_encoder *e, struct str *in,
                 struct buf *out); /* lines of at most 76, CRLF; takes what fits (out needs 256 free to go on) */
void mime_encode_end(struct mime_encoder *e,
                     struct buf *out); /* base64: ends with CRLF when anything was written; quoted-printable: no line end added */
uint64_t mime_base64_size(uint64_t octets); /* with line ends */

/* ---- charsets ---- */
/* US-ASCII, UTF-8, ISO-8859-1, -15 and windows-1252 are ours; the rest is the C library's iconv, which loads files: warm opens
   the usual ones, and after seal no other is tried. Not for more than one thread. */
void charset_warm(void);
void charset_seal(void);
struct charset_decoder {
    int kind;
    int slot;
    uint32_t held;
    char hold[16];
    bool broken;
};
/* False: not known; the decoder then takes bytes as UTF-8 or else windows-1252. */
bool charset_decoder_init(struct charset_decoder *d, struct str charset);
void charset_decode(struct charset_decoder *d, struct str *in,
                    struct buf *out); /* goes on while out has 16 octets of room; broken bytes become U+FFFD */
void charset_decode_end(struct charset_decoder *d, struct buf *out);

/* ---- what a reader wants ---- */
/* The part to be read: the first text/plain (html: text/html) that is not an attachment, alternatives chosen as RFC 2046 5.1.4
 * says; NULL when there is none. */
const struct mime_part *mime_text_part(const struct mime *m, bool html);
/* Its text as UTF-8 with LF line ends, transfer encoding and charset undone, format=flowed (RFC 3676) lines joined, NULs dropped.
 * False when out was too small (what fits is there). */
bool mime_text(const struct mime *m, const struct mime_part *p, struct buf *out);
/* The preferred text whatever it is: text/plain, else text/html reduced to its words. */
bool mime_preferred_text(const struct mime *m, struct buf *out);
/* Every leaf that a reader would save: disposition attachment, or a name, or no text; attached messages as a whole. Array in a;
 * *count 0 and NULL when none. */
const struct mime_part **mime_attachments(struct arena *a, const struct mime *m, size_t *count);
/* A file name that is safe to create: from filename*, filename, name (RFC 2231, 2047, raw), without path, control characters,
   leading dots, reserved names, 200 octets at most, an extension by type when there is none. Never empty ("part-2.png"). */
struct str mime_file_name(struct arena *a, const struct mime_part *p);
