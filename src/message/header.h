// SPDX-License-Identifier: ISC
/* Header fields, RFC 5322 2.2: read in place, scanned in a stream, and written. Line ends are CRLF; a bare LF is taken as one
 * when reading, never written. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "message/address.h"

/* ---- reading a header that lies in memory ---- */
struct header_field {
    struct str name;  /* as written, without trailing blanks (obs-optional) */
    struct str value; /* raw behind the colon: folded, without the final line end */
    size_t offset;    /* of the field within the text */
    size_t size;      /* octets, with its line end */
};
struct header_reader {
    struct str text;
    size_t at;       /* next byte to be read; after the last field: start of the body */
    bool end;        /* the empty line (or the end of text) was met */
    uint32_t broken; /* lines that are no field and were skipped */
};
void header_reader_init(struct header_reader *r, struct str message);
/* The next field; false at the end of the header. A line without a colon ends the header if it is the first of the text or
   follows nothing like a field (a message without header); elsewhere it is skipped and counted. mbox "From " lines at the start
   are skipped. */
bool header_next(struct header_reader *r, struct header_field *f);
/* Offset of the body: behind the empty line; message.n when there is none. */
size_t header_body(struct str message);
/* The first field of that name (any case). False when absent. */
bool header_find(struct str message, const char *name, struct header_field *f);
/* Raw value without its folding (RFC 5322 2.2.3: only CRLF before white space goes), trimmed. */
void header_unfold(struct buf *to, struct str raw);
/* First field of that name, unfolded and trimmed; empty when absent or when memory ended. header_text: also RFC 2047 decoded,
 * valid UTF-8, no control characters. */
struct str header_value(struct arena *a, struct str message, const char *name);
struct str header_text(struct arena *a, struct str message, const char *name);

/* ---- scanning a stream, constant memory ---- */
enum header_bit {
    HEADER_DATE = 1 << 0,
    HEADER_MESSAGE_ID = 1 << 1,
    HEADER_FROM = 1 << 2,
    HEADER_SENDER = 1 << 3,
    HEADER_REPLY_TO = 1 << 4,
    HEADER_TO = 1 << 5,
    HEADER_CC = 1 << 6,
    HEADER_BCC = 1 << 7,
    HEADER_SUBJECT = 1 << 8,
    HEADER_RECEIVED = 1 << 9,
    HEADER_RETURN_PATH = 1 << 10,
    HEADER_MIME_VERSION = 1 << 11,
    HEADER_CONTENT_TYPE = 1 << 12,
    HEADER_CONTENT_TRANSFER_ENCODING = 1 << 13,
    HEADER_AUTO_SUBMITTED = 1 << 14,
    HEADER_DELIVERED_TO = 1 << 15,
    HEADER_DKIM_SIGNATURE = 1 << 16,
    HEADER_RESENT_DATE = 1 << 17,
    HEADER_RESENT_FROM = 1 << 18,
    HEADER_RESENT_SENDER = 1 << 19,
    HEADER_RESENT_TO = 1 << 20,
    HEADER_RESENT_CC = 1 << 21,
    HEADER_RESENT_BCC = 1 << 22,
    HEADER_RESENT_MESSAGE_ID = 1 << 23,
    HEADER_IN_REPLY_TO = 1 << 24,
    HEADER_REFERENCES = 1 << 25,
    HEADER_LIST_ID = 1 << 26,
    HEADER_PRECEDENCE = 1 << 27,
};
enum { HEADER_NAME_HOLD = 80 }; /* a name with the blanks behind it; a longer one makes the line none of a header */

struct header_scan {
    /* results; valid at any time for what was fed so far */
    uint32_t seen;     /* enum header_bit */
    uint32_t received; /* Received fields: RFC 5321 6.3 */
    uint32_t from;     /* From fields: more than one is an error, RFC 5322 3.6 */
    bool utf8;         /* a byte above 127 in the header: needs SMTPUTF8 downstream (RFC 6532) */
    bool bad_utf8;     /* and it is not UTF-8 */
    bool ended;        /* the empty line was seen: everything fed later is body */
    bool no_header;    /* the first line is no field: there is no header, all is body */
    uint32_t broken;   /* lines that are no field */
    uint64_t size;     /* octets of the header so far, with the empty line */
    /* choices; set after init and before the first feed */
    uint32_t drop;    /* fields (enum header_bit) that do not go to pass: Bcc on submission */
    uint32_t capture; /* fields whose raw lines (name to line end) are appended to captured, as far as they fit */
    struct buf *captured;
    /* the machine's own */
    int state;
    uint32_t field, utf8_left, utf8_low, utf8_high;
    uint32_t held, blanks;
    bool dropping, capturing, fields;
    char hold[HEADER_NAME_HOLD];
};
void header_scan_init(struct header_scan *s);
/* The next bytes of a message. Everything that is not dropped, header and body, is appended to pass in order (NULL: only look);
   pass needs room for piece.n + HEADER_NAME_HOLD. May be called with bytes of the body, too: they are passed through. */
void header_scan_feed(struct header_scan *s, struct str piece, struct buf *pass);
/* The message ends here: what is held goes to pass; a header without empty line has ended. */
void header_scan_end(struct header_scan *s, struct buf *pass);
/* The bit of a name in any case, 0 if it is none of the above. */
uint32_t header_bit(struct str name);

/* ---- encoded words, RFC 2047 (and 2231 5) ---- */
/* Unstructured text: folds removed, encoded words decoded, adjacent ones joined (a character may be split over them: 6.2 forbids
   it, mailers do it). The result is valid UTF-8; raw 8-bit bytes that are not UTF-8 are taken as windows-1252. Control characters
   become spaces. */
void header_decode(struct buf *to, struct str raw);
/* One phrase or display name: as header_decode, quoted strings unquoted, comments dropped. */
void header_decode_phrase(struct buf *to, struct str raw);

/* ---- parameters, RFC 2045 5.1 with RFC 2231 ---- */
struct header_param {
    struct str name;  /* lower case */
    struct str value; /* UTF-8, decoded */
    struct str language;
    const struct header_param *next;
};
/* What follows the first ';' of a structured field ("text/plain; charset=utf-8"): continuations joined (any order), charsets
   converted, RFC 2047 inside quotes decoded as well since mailers write it. Broken ones are skipped. *head gets what stands
   before the ';', trimmed and without comments. At most 200. */
const struct header_param *header_params(struct arena *a, struct str raw, struct str *head);
struct str header_param(const struct header_param *first, const char *name); /* STR_NONE (p NULL) when absent */

/* ---- writing; each writes "Name: value" CRLF, folded at 78 columns and never above 998 ---- */
/* The value's CR, LF and other control characters become spaces: nothing can be injected. Names are ours or must pass
 * header_name_is_ok. */
bool header_name_is_ok(struct str name);
void header_write_text(struct buf *to, const char *name, struct str utf8); /* unstructured; encoded words where not plain ASCII */
void header_write_raw(struct buf *to, const char *name,
                      struct str value); /* structured, already ASCII (or UTF-8 under SMTPUTF8); folds at spaces */
struct header_writer {
    struct buf *to;
    size_t column;
    bool utf8;
    bool first;
}; /* one field made of atoms, for lists */
void header_write_begin(struct header_writer *w, struct buf *to, const char *name, bool utf8);
void header_write_atom(struct header_writer *w, struct str atom);   /* separated by a space, folded where needed */
void header_write_phrase(struct header_writer *w, struct str utf8); /* atoms, a quoted string, or encoded words */
void header_write_address(struct header_writer *w, const struct header_address *h, bool last); /* adds "," unless last */
void header_write_param(struct header_writer *w, const char *name,
                        struct str utf8); /* "; name=value", quoted, or RFC 2231 name*=, name*0*= … */
void header_write_param_2047(struct header_writer *w, const char *name,
                             struct str utf8); /* "; name=" as encoded words in quotes, for old readers; plain when ASCII */
void header_write_end(struct header_writer *w);
/* From, To, Cc …: count addresses. utf8: names and domains stay UTF-8 (RFC 6532); else names are encoded words, domains A-labels.
 */
void header_write_addresses(struct buf *to, const char *name, const struct header_address *list, size_t count, bool utf8);
