// SPDX-License-Identifier: ISC
/* The asking end: to a running server over its socket, or to a session in this process over an engine that this process opened.
 * Blocking: for commands. */
#pragma once
#include "control/control.h"

struct control_client;

/* Path of the socket of the server that holds dir: RUN_DIR/control, or DIR/run/control. */
bool control_socket_path(struct buf *to, struct str run_dir, struct str dir);

/* Connects. NULL with why: nobody answers there. */
struct control_client *control_client_connect(const char *path, struct why *why);
/* Works on the directory itself: c->engine was opened without threads; hooks.verifier, next_id and wake are filled in here. c
 * must live as long. NULL: no memory. */
struct control_client *control_client_direct(struct control_context *c);
void control_client_free(struct control_client *cl);

/* What comes back, in order. Any member may be NULL. */
struct control_replies {
    void *self;
    void (*line)(void *self, struct str json); /* without its LF */
    void (*bytes)(void *self, struct str piece);
    void (*progress)(void *self, uint32_t permille);
};
/* Until the other end closes, at most so long: after STOP. False: it is still there. */
bool control_client_wait_end(struct control_client *cl, int64_t timeout_ms);
/* Asks and reads until DONE. body (may be NULL) hands in the message of MAIL_SEND piece by piece: it appends to to and returns 1
   for more, 0 at the end, -1 when it cannot go on (then the connection is of no more use). False: the connection broke; end says
   so (code 69). */
bool control_client_ask(struct control_client *cl, const struct control_request *r, int (*body)(void *self, struct buf *to),
                        void *body_self, const struct control_replies *replies, struct control_end *end);
