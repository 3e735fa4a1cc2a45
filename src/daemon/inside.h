/* SPDX-License-Identifier: ISC */
/* Private to the folder: how an actor is made and fed. */
#pragma once
#include "daemon/actor.h"
#include "os/link.h"
#include "os/loop.h"

enum {
    LINK_STREAM_MAX = 1 << 20, /* bytes of bodies that may wait on a link */
    LINK_QUEUE_MAX = 16 << 20, /* with questions and answers, whose number is bounded by that of the sessions */
    COUNTERS_MAX = 256,        /* names that a role may count */
};

/* What came of a setup so far; see setup.c. */
struct setup_receiver {
    struct setup *setup;        /* being received; NULL: none */
    char *data;                 /* where setup_bytes go */
    size_t wanted, got;
    struct setup_file *files;   /* in the order in which they came */
    struct setup_file **last_file;
    struct str *pem;            /* of the chain or key that is being filled */
    bool broken;
    struct str run_dir, hostname;
};
/* Takes any setup_ message but commit, abandon, result; fd: of the message, taken (set to -1) when it is kept. */
void setup_receive(struct setup_receiver *r, const struct message *m, int *fd);
/* After setup_end: the setup, or NULL with why. */
struct setup *setup_take(struct setup_receiver *r, struct why *why);
void setup_receiver_clear(struct setup_receiver *r);

struct sent_counter { const char *name; uint64_t value; };
struct actor_inside {
    struct buf scratch;             /* the payload being written */
    struct setup_receiver receiver;
    struct setup *coming;           /* prepared, waits for commit or abandon */
    struct loop_timer second;
    struct loop_defer reaper;       /* ends broken links outside of anybody's call */
    struct sent_counter sent[COUNTERS_MAX];
    size_t sent_count;
    bool begun, ended;
    void (*on_end)(void *to, struct actor *a, int status);
    void *on_end_to;
};

/* single: others share the process, so no sandbox and no counters from here. on_end: the actor has nothing more to do (stopped:
   0, or it failed); it may be freed from there on, not within. NULL: no memory. */
struct actor *actor_new(const struct role_type *type, struct loop *loop, uint32_t incarnation, bool single,
                        void (*on_end)(void *to, struct actor *a, int status), void *to) MUST_USE;
void actor_free(struct actor *a);
/* A link to who is there now; an older one is ended first. */
void actor_link(struct actor *a, enum role who, uint32_t incarnation, struct link *l);
extern const struct link_handler peer_handler; /* self: struct peer */
void actor_from_master(struct actor *a, const struct message *m, int *fd);
const struct role_type *role_type_of(enum role who); /* NULL for master */

/* peer.c */
bool message_send(struct link *l, struct buf *scratch, const struct message *m, int fd);
