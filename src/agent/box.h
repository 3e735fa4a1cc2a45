// SPDX-License-Identifier: ISC
/* A mailbox that a user agent reads: over POP3 with an account, or a user's folder in the store of this machine (--as). Messages
 * are numbered from 1, oldest first. */
#pragma once
#include "agent/mailer.h"

struct box_message {
    uint32_t number;
    uint64_t size;
    struct str id;       /* stable: unique id of POP3, or "uid:N" */
    int64_t received_ms; /* 0: not known (POP3) */
    bool has_flags, seen, answered, flagged;
};

/* What the arguments of ls, read and save choose: 3  3-7  3-  last  all. */
struct range {
    uint32_t from, to;
}; /* to 0: the last */
enum { RANGES_MAX = 200 };
struct choice {
    struct range range[RANGES_MAX];
    uint32_t count;
    uint32_t newest; /* with no ranges: only so many of the newest; 0: all */
};
int box_choice(struct agent *g, struct choice *c); /* from g->arg; -1: fine */

struct box_work {
    const struct choice *choice;
    bool whole; /* the whole message, else its header alone */
    /* In order of number. content is good until it returns. False: stop. */
    bool (*each)(struct agent *g, void *self, const struct box_message *m, struct str content);
    void *self;
    uint32_t total, shown; /* results: messages in the box; how many each was called for */
};
/* The exit status; -1: fine. No message chosen is there: 1, said. */
int box_run(struct agent *g, struct box_work *w);
