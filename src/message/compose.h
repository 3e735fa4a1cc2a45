// SPDX-License-Identifier: ISC
/* Writing a message as a user agent does: pulled in pieces, attachments read from sources as they are needed, never the whole in
 * memory. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "message/address.h"
#include "message/header.h"
#include "message/source.h"

struct compose_attachment {
    struct str name;       /* UTF-8; a path is cut to its last component; may be empty */
    struct str type;       /* "image/png"; empty: found from the contents and the name */
    struct str content_id; /* without <>; empty: none */
    bool show;             /* disposition inline instead of attachment (images a reader may show) */
    struct source source;
};
struct compose_field {
    struct str name, value;
}; /* unstructured text; the ones that compose writes itself are refused */

struct compose { /* all strings UTF-8 and the caller's, until the composer is done */
    struct header_address from;
    const struct header_address *sender; /* NULL: none */
    const struct header_address *to, *cc, *bcc, *reply_to;
    size_t to_count, cc_count, bcc_count, reply_to_count;
    struct str subject;
    int64_t unix_ms;
    int32_t offset_min;    /* Date */
    struct str message_id; /* without <>; empty: made from random and message_id_domain */
    struct str message_id_domain;
    struct str text; /* LF or CRLF line ends; written as format=flowed; empty: no text part unless nothing else is there */
    bool no_flowed;  /* keep lines as they are */
    struct str html; /* empty: none */
    const struct compose_attachment *attachments;
    size_t attachment_count;
    struct str in_reply_to; /* "<a@b>" */
    struct str references;  /* "<a@b> <c@d>" */
    const struct compose_field *extra;
    size_t extra_count;
    struct str user_agent; /* empty: none */
    bool utf8;             /* SMTPUTF8: headers may hold raw UTF-8 */
    bool eight_bit;        /* 8BITMIME: text may go as 8bit */
};
/* Bcc is for the envelope only: nothing here writes it into the message. */

enum compose_result {
    COMPOSE_MORE /* drain out, call again */,
    COMPOSE_END,
    COMPOSE_LATER /* a source has nothing now */,
    COMPOSE_FAILED
};
struct composer;
/* NULL when what is asked cannot be written (why says it: no From, a bad header name, …) or a is full. About 64 KiB from a. */
struct composer *compose_begin(struct arena *a, const struct compose *c, const char **why);
/* Appends as much as out has room for (at least 4 KiB of room needed to go on): CRLF line ends, lines of at most 998 octets, no
 * bare CR or LF, no NUL unless 8-bit text holds one (never). */
enum compose_result compose_pull(struct composer *w, struct buf *out);
/* All of it into a sink (SOURCE_LATER counts as a failure). COMPOSE_END or COMPOSE_FAILED. */
enum compose_result compose_write(struct composer *w, struct sink to);
struct str compose_message_id(const struct composer *w); /* without <> */
struct compose_progress {
    uint64_t done, total;
    bool total_known;
    size_t attachment; /* index being written; count when none */
};
struct compose_progress compose_progress(const struct composer *w);
const char *
compose_failure(const struct composer *w); /* after COMPOSE_FAILED: what and which attachment, static or in the arena */
/* Must the envelope ask for SMTPUTF8, whatever c->utf8 says: an address that has no ASCII form is there. */
bool compose_needs_utf8(const struct compose *c);

/* Type of a file: by its first octets (512 suffice), then by the name's extension. Never NULL. *text: it is text in UTF-8 or
 * ASCII as far as seen. */
const char *compose_sniff(struct str first, struct str name, bool *text);
/* Extension for a type, without dot: "png" for image/png; NULL if not known. */
const char *compose_extension(struct str type, struct str subtype);
