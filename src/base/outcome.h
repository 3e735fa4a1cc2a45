/* SPDX-License-Identifier: ISC */
/* What the world did. Decided where the cause is known and passed upward unchanged. Unknown means RETRY:
   never lose a message, never return one wrongly. */
#pragma once

enum outcome {
    DONE = 1, /* it happened, and is on stable storage if it had to be */
    RETRY,    /* not now: disk full, time-out, no descriptors, a role is restarting → 4yz */
    REFUSE,   /* never: no such mailbox, not allowed → 5yz */
};

/* Why, in words for a person and an enhanced status code for a machine (RFC 3463). Fixed size, copied by value. */
struct why {
    char status[12]; /* "5.1.1"; empty when no code fits */
    char text[160];  /* one line of printable text, UTF-8 allowed, never peer data unescaped */
};
