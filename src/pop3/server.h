/* SPDX-License-Identifier: ISC */
/* The server end of POP3 (RFC 1939, 2449, 2595, 3206, 5034, 6856): a machine without I/O; one file per command. */
#pragma once
#include "base/arena.h"
#include "base/machine.h"
#include "base/outcome.h"

struct pop3_settings {
    struct str hostname;
    bool offer_tls, login_needs_tls, scram_sha1;
    int64_t idle_timeout_ms;      /* RFC 1939 3: at least 10 minutes */
    uint32_t error_max;
    int32_t expire_days;          /* CAPA EXPIRE: -1 NEVER */
    uint32_t login_delay_s;       /* CAPA LOGIN-DELAY; 0: not offered */
};

struct pop3_message {
    uint32_t uid;
    uint64_t size;                /* octets as RETR will send them, before dot-stuffing (RFC 1939 11) */
    bool utf8;                    /* has raw UTF-8 in its header: a client that did not say UTF8 gets it downgraded (RFC 6856 2.1) */
    bool deleted;                 /* the machine's mark */
};

enum pop3_ask_kind {
    POP3_ASK_NONE,
    POP3_ASK_AUTH,   /* as SMTP_ASK_AUTH; USER/PASS arrive as mechanism PLAIN with "\0user\0pass" */
    POP3_ASK_OPEN,   /* lock the maildrop, list it.  out: outcome (RETRY with why.status "in-use" → [IN-USE], "login-delay" → [LOGIN-DELAY],
                        other → [SYS/TEMP]; REFUSE → [SYS/PERM]), s->messages, message_count, uidvalidity. A session that ends without COMMIT:
                        the host unlocks, and nothing is deleted */
    POP3_ASK_READ,   /* in: uid, offset, room. out: outcome, why, answer_data (a piece from offset; more than room is not used and asked for again;
                        empty at the end), last when this piece ends the message; 7-bit-clean or 8-bit lines, never binary. Need live only
                        until machine_run returns. RETRY, REFUSE: before the first octet -ERR [SYS/TEMP], [SYS/PERM]; behind it the session ends */
    POP3_ASK_COMMIT, /* in: messages with deleted marks. Expunge durably, unlock.  out: outcome, why. Asked at QUIT even
                        when nothing is marked (the lock is given back) */
};

struct pop3_ask {
    enum pop3_ask_kind kind;
    struct str mechanism, data; bool has_data;
    uint32_t uid; uint64_t offset;
    size_t room;                      /* READ: octets that are useful now, at most BODY_PIECE_MAX */
    bool last;                        /* READ, out: behind this piece comes nothing */
    enum outcome outcome; struct why why;
    enum { POP3_AUTH_MORE, POP3_AUTH_OK, POP3_AUTH_FAILED } auth;
    struct str answer_data;
};

struct pop3_server {
    struct machine m;
    const struct pop3_settings *settings;
    char ip[64]; bool loopback;
    struct pop3_ask ask;
    struct arena *connection, *scratch;
    struct str user;                  /* set by the host with POP3_AUTH_OK */
    struct pop3_message *messages;    /* the host's (connection lifetime), set with the answer to OPEN */
    uint32_t message_count, uidvalidity;
    struct pop3_state *state;
};

bool pop3_server_init(struct pop3_server *s) MUST_USE;
void pop3_server_clear(struct pop3_server *s);
void pop3_server_refuse(struct buf *out, const char *why);
