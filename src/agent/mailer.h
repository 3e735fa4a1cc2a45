// SPDX-License-Identifier: ISC
/* The two client machines with their hosts: hand a message in, and take messages out. */
#pragma once
#include "agent/account.h"
#include "pop3/client.h"
#include "smtp/client.h"

/* The message of an SMTP session. */
struct submission {
    struct smtp_client_message *message;                       /* NULL: only log in and say goodbye */
    bool (*begin)(void *self, const struct smtp_caps *offers); /* the session is ready: compose. NULL allowed */
    /* Appends the next piece: 1 more, 0 end, -1 failed. */
    int (*body)(void *self, struct buf *to);
    void *self;
};
/* -1: the session ran to its end (look at message); else the exit status, said. */
int submit(struct agent *g, struct account *a, struct trust *t, struct submission *s);

struct pop3_work {
    /* The maildrop is listed: jobs (in g->a) and their number. NULL: none, say goodbye. */
    struct pop3_job *(*choose)(void *self, const struct pop3_client *c, uint32_t *count);
    void (*octets)(void *self, struct str piece); /* of the running job */
    void (*done)(void *self, const struct pop3_job *job);
    void *self;
};
int pop3_run(struct agent *g, struct account *a, struct trust *t, struct pop3_work *w);
