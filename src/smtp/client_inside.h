/* SPDX-License-Identifier: ISC */
/* The client machine's own. */
#pragma once
#include "login/login.h"
#include "smtp/client.h"

enum { REPLY_TEXT_MAX = 1024, RESULT_TEXT_MAX = 512, CHUNK_MAX = 16 * 1024, COMMAND_ROOM = 3072 };

struct smtp_client_state {
    enum next (*then)(struct smtp_client *c, unsigned code); /* what a reply is for */
    struct smtp_reply_reader reader;
    struct buf reply;                /* text of the reply being read, lines by \n */
    char reply_text[REPLY_TEXT_MAX];
    struct str pending;              /* a command line that waits for room; connection arena */
    const char *at;                  /* the command whose reply is awaited, for failed_at */
    int64_t deadline_ms;
    bool ehlo;                       /* the lines of this reply are keywords */
    bool helo_only, tls_refused, reset_first, closing;
    struct login_client *login;
    /* the transaction: commands 0 MAIL, 1 … n RCPT, n + 1 DATA; two cursors over one list */
    uint32_t send_at, recv_at, last; /* last: the number of commands to be sent */
    uint32_t accepted, lmtp_at;
    bool bdat, mail_failed;
    struct smtp_data_writer writer;
    struct buf chunk;                /* BDAT: octets of the chunk being filled or sent */
    uint32_t chunks_out;             /* BDAT commands without reply */
    bool chunk_sending, body_ended, last_sent;
    struct str piece;                /* what is left of ask.data */
    size_t room_seen;                /* progress of the peer's reading */
};

/* client.c */
enum smtp_got { SMTP_GOT_NOTHING, SMTP_GOT_REPLY, SMTP_GOT_RUBBISH, SMTP_GOT_END };
enum smtp_got smtp_client_take_reply(struct smtp_client *c, unsigned *code);
/* The reply just taken as a result; its text lives in the transaction arena. */
struct smtp_result smtp_client_result(struct smtp_client *c, unsigned code);
struct smtp_result smtp_client_verdict(enum outcome outcome, const char *status, const char *text); /* ours; text is a literal */
/* Sends a line (without CRLF) and waits for its reply. timeout 0: command_timeout. */
enum next smtp_client_send(struct smtp_client *c, const char *at, struct str line, int64_t timeout_ms,
                           enum next (*then)(struct smtp_client *c, unsigned code));
enum next smtp_client_wait_reply(struct smtp_client *c, const char *at, int64_t timeout_ms,
                                 enum next (*then)(struct smtp_client *c, unsigned code));
/* The session cannot go on: every recipient without outcome gets this one. polite: QUIT first. */
enum next smtp_client_fail(struct smtp_client *c, const char *at, struct smtp_result why, bool polite);
/* Reading ended with what, which is not a reply: fails accordingly. */
enum next smtp_client_lost(struct smtp_client *c, enum smtp_got what);
bool smtp_client_timed_out(struct smtp_client *c);
int64_t smtp_client_timeout(int64_t setting, int64_t standard);
enum next smtp_client_next_message(struct smtp_client *c);

/* client_login.c */
enum next smtp_client_login(struct smtp_client *c);

/* client_envelope.c */
enum next smtp_client_begin(struct smtp_client *c);
/* Gives r to every recipient that has no outcome yet, and to the message if it has none. */
void smtp_client_settle(struct smtp_client *c, struct smtp_result r);
enum next smtp_client_finish(struct smtp_client *c, bool reset_first);

/* client_body.c */
enum next smtp_client_data(struct smtp_client *c);
enum next smtp_client_chunks(struct smtp_client *c);
enum next smtp_client_lone_dot(struct smtp_client *c);
