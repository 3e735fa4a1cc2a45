/* SPDX-License-Identifier: ISC */
/* What both ends of SMTP share: replies, extension keywords, the parameters of MAIL and RCPT, xtext, and the data phase. Pure
   functions over slices. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "smtp/envelope.h"

/* --- replies (codec_reply.c) --------------------------------------------- */

/* Appends s fit for a reply, log or report: control characters become a space, broken UTF-8 and, unless utf8, everything above
   127 becomes '?'; at most max octets, never half a character. */
void smtp_text_add(struct buf *to, struct str s, bool utf8, size_t max);
/* Appends a whole reply (RFC 5321 4.2): one line for each line of text (split at '\n'), code and status on each (RFC 2034 4),
   no line longer than SMTP_REPLY_LINE_MAX with its CRLF. status NULL or "": none (greeting, HELO and EHLO, 3yz). The text is
   sanitised. */
void smtp_reply_add(struct buf *to, unsigned code, const char *status, struct str text, bool utf8);
/* "5.1.1" at the front of text, of the class of the code: copied to status (12 bytes) and taken off *text; else false, status
   empty. */
bool smtp_status_take(unsigned code, struct str *text, char status[12]);

/* Reads a peer's reply line by line. MORE: there are further lines. BROKEN: not a reply at all (then code is 0). The text of
   all lines, joined by '\n' and sanitised, at most max octets, is appended to text. Init with {0}. */
enum smtp_reply_step { SMTP_REPLY_MORE, SMTP_REPLY_DONE, SMTP_REPLY_BROKEN };
struct smtp_reply_reader { uint16_t code; uint16_t lines; };
enum { SMTP_REPLY_LINES_MAX = 200, SMTP_REPLY_READ_MAX = 4096 /* longest line taken from a peer; RFC 5321 4.5.3.1.5 says 512 */ };
enum smtp_reply_step smtp_reply_feed(struct smtp_reply_reader *r, struct str line, struct buf *text);

/* --- extensions (codec_ehlo.c) ------------------------------------------- */

struct smtp_caps {               /* what one end offers (RFC 5321 4.1.1.1) */
    bool esmtp;                  /* answered EHLO at all */
    bool pipelining, size, eightbitmime, smtputf8, enhancedstatuscodes, chunking, binarymime, dsn, starttls, auth, requiretls,
        mt_priority;
    uint64_t size_max;           /* 0: no fixed limit */
    uint32_t rcpt_max, mail_max; /* LIMITS, RFC 9422; 0: not said */
    char mechanisms[128];        /* AUTH's, separated by a space */
};
/* One keyword line of an EHLO answer, without code. Unknown and broken ones are passed over. */
void smtp_caps_line(struct smtp_caps *c, struct str line);

/* --- parameters of MAIL and RCPT (codec_params.c) ------------------------ */

/* A refusal: code, status and words. code 0: none. */
struct smtp_refusal { unsigned code; const char *status; const char *text; };
/* rest: what follows the path (" SIZE=5 BODY=8BITMIME"). Only what offered holds is known: 555 5.5.4 otherwise, 501 5.5.4 when
   a value is broken or given twice. Strings live in a (NULL memory: 452 4.3.1). Fills body, smtputf8, requiretls, priority,
   ret, envid, auth, size_declared of *to. */
struct smtp_refusal smtp_mail_params(struct arena *a, struct str rest, const struct smtp_caps *offered, struct smtp_envelope *to);
struct smtp_refusal smtp_rcpt_params(struct arena *a, struct str rest, const struct smtp_caps *offered, bool smtputf8,
                                     struct smtp_rcpt *to);

/* --- xtext (codec_xtext.c) ----------------------------------------------- */

/* RFC 3461 4: "+2B" for '+', '=', and all but 33 … 126. Decode is strict (upper-case hex); false, to unchanged, when broken. */
void smtp_xtext_encode(struct buf *to, struct str s);
bool smtp_xtext_decode(struct buf *to, struct str s);
/* The address of an ORCPT: "rfc822;" in xtext, "utf-8;" in utf-8-addr-xtext or, if utf8, unitext (RFC 6533 3). Decoded to
   "type;address". */
bool smtp_orcpt_decode(struct buf *to, struct str s, bool utf8);
/* The way back: rfc822 as xtext, utf-8 as unitext when the peer takes UTF-8, else with \x{…}. */
void smtp_orcpt_encode(struct buf *to, struct str orcpt, bool utf8);

/* --- the data phase (codec_data.c) --------------------------------------- */

/* Reads message octets off the wire. DATA: dots are removed and CRLF.CRLF, nothing else, ends it (RFC 5321 4.1.1.4, 4.5.2; a
   lone first line "." too). BDAT text: no dots, no end but the count. Either way a CR or LF that stands alone becomes CRLF
   (NORMALISE) or is noted (REFUSE; what comes out is normalised, too). Constant memory, pieces of any size. Init with {.dots =
   …}. */
struct smtp_data_reader {
    bool dots;          /* DATA; false: BDAT */
    bool bare;          /* a CR or LF stood alone */
    bool eight_bit;     /* an octet above 127 was seen */
    bool ended;         /* CRLF.CRLF came */
    unsigned char at;   /* state, see codec_data.c; 0: at the start of a line */
};
/* Takes octets from *in, appends at most buf_room(to) octets to to. Stops when in is empty, room ends (a few octets may stay
   free), or the end of data came (the rest stays in *in). */
void smtp_data_read(struct smtp_data_reader *r, struct str *in, struct buf *to);
/* BDAT after its last chunk: ends an unfinished line, so that a message always ends with CRLF. At most 2 octets. */
void smtp_data_read_end(struct smtp_data_reader *r, struct buf *to);
bool smtp_has_8bit(struct str s); /* an octet above 127 */
/* Room that the reader wants before it does anything. */
enum { SMTP_DATA_ROOM = 8 };

/* Writes message octets to the wire: dots doubled afresh, bare CR and LF become CRLF (dots false: for BDAT, no doubling). Init
   with {.dots = …}. */
struct smtp_data_writer { bool dots; unsigned char at; };
void smtp_data_write(struct smtp_data_writer *w, struct str *in, struct buf *to); /* takes from *in what fits */
/* Ends an unfinished line and, with dots, sends the final dot: at most 5 octets. False: no room yet, nothing done. */
bool smtp_data_write_end(struct smtp_data_writer *w, struct buf *to);
