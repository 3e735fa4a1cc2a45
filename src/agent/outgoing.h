// SPDX-License-Identifier: ISC
/* The message that penny send is to write: from options, files and standard input to a composer that is pulled. */
#pragma once
#include "agent/inside.h"
#include "message/address.h"
#include "message/compose.h"

struct outgoing {
    struct compose c;
    struct header_address *to, *cc, *bcc, *reply_to;
    const struct address **envelope; /* every recipient once */
    uint32_t envelope_count;
    struct composer *composer;
    int64_t started_ms, shown_ms; /* progress */
    bool bar;
    uint64_t written;
};
/* from: the account's address; name may be empty. -1: fine. Files are open until the program ends. */
int outgoing_make(struct agent *g, struct outgoing *o, struct str from, struct str name);
/* outgoing_text.c: fills text and html. -1: fine. */
int outgoing_texts(struct agent *g, struct outgoing *o);
/* Anything that is not UTF-8 is taken for windows-1252; NULs are no text. name: for the complaint. */
int outgoing_utf8(struct agent *g, const char *name, struct str *text);
/* After outgoing_make and when the server's abilities are known. */
int outgoing_begin(struct agent *g, struct outgoing *o);
/* For submit and control: 1 more, 0 end, -1 failed (said). Shows progress on standard error. self: struct outgoing. */
int outgoing_body(void *self, struct buf *to);
void outgoing_end_progress(struct outgoing *o);
struct str outgoing_address(struct agent *g, const struct address *a, bool utf8);
