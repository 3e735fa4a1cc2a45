// SPDX-License-Identifier: ISC
/* How a message is laid out before it is written: a list of steps. Shared by compose.c (the list), compose_text.c (lines of
 * text), compose_pull.c (writing). */
#pragma once
#include "message/compose.h"
#include "message/mime.h"

enum { COMPOSE_LINE = 76, COMPOSE_LINE_MAX = 998, COMPOSE_RAW = 16 * 1024, BOUNDARY_TEXT = 40 };

/* The lines of a text, one after the other, ready for a 7bit or 8bit body: at most 998 octets, line ends CRLF, soft ones with a
 * space before. */
struct text_lines {
    struct str rest; /* not written yet */
    bool flowed;
    struct str line;    /* what is left of the line that is being wrapped */
    uint32_t quote;     /* its depth */
    bool wrapping, cut; /* cut: in the middle of a word */
};
void text_lines_init(struct text_lines *t, struct str text, bool flowed);
bool text_lines_next(struct text_lines *t, struct buf *line); /* false: that was all */

enum step_kind { STEP_LITERAL, STEP_TEXT, STEP_ATTACHMENT_HEAD, STEP_ATTACHMENT_BODY };
struct compose_step {
    enum step_kind kind;
    struct str text;
    bool flowed;
    enum mime_encoding encoding;
    size_t attachment;
};

struct composer {
    struct compose c;
    struct arena *arena;
    struct str message_id;
    struct compose_step *steps;
    size_t step_count, step_max, at;
    struct compose_progress progress;
    const char *failure;
    /* the step being written */
    bool begun;
    struct str literal;
    struct text_lines lines;
    struct mime_encoder encoder;
    struct buf line; /* fixed: one line of text */
    struct str line_left;
    struct buf raw; /* fixed: octets of an attachment that were read */
    struct str raw_left;
    uint64_t offset;
    bool source_ended, plain; /* plain: an attached message goes as it is, LF made CRLF */
    bool last_cr;
};

/* Makes the steps; what header holds is the start of the first. False: no memory. */
bool compose_lay_out(struct composer *w, struct buf *header);
/* How a text is to be encoded: MIME_7BIT, MIME_8BIT, MIME_QUOTED_PRINTABLE or MIME_BASE64. */
enum mime_encoding compose_text_encoding(struct str text, bool flowed, bool eight_bit);
