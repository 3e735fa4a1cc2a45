// SPDX-License-Identifier: ISC
/* The client machine's own. */
#pragma once
#include "login/login.h"
#include "pop3/client.h"

enum {
    CLIENT_OUT_ROOM = 4096,          /* the longest line that we send: a base64 response */
    REPLY_MAX = 8192,                /* a reply's line; RFC 2449 4 says 512, a challenge may be longer */
    CAPABILITIES_MAX = 200,
    CLIENT_MESSAGES_MAX = 100000,
    PIPELINE_MAX = 64,               /* commands under way at most */
    CLIENT_TIMEOUT_MS = 5 * 60 * 1000,
};

enum capability { HAS_STLS = 1, HAS_USER = 2, HAS_PIPELINING = 4, HAS_UTF8 = 8, HAS_UIDL = 16, HAS_SASL = 32 };

struct pop3_client_state {
    enum next (*then)(struct pop3_client *c, bool ok, struct str text);  /* what a reply is for; text: behind +OK or -ERR, or of "+ " */
    enum next (*line)(struct pop3_client *c, struct str line);           /* multi-line: each line; AGAIN, or what ends the session */
    enum next (*after)(struct pop3_client *c);                           /* multi-line: behind the last; an answer: what comes then */
    int64_t deadline_ms;
    uint32_t capabilities, lines;    /* enum capability */
    char sasl[256];
    bool continuing;                 /* the reply was "+ " */
    struct login_client *login;
    uint32_t listed, uidl_at;
    uint32_t sent, received;         /* of ask.jobs: two cursors over the same list */
    bool line_start, cr, quitting;   /* of a body */
};

/* client.c */
enum next client_end(struct pop3_client *c, enum outcome outcome, const char *status, const char *text);
/* The server said -ERR: its response code (RFC 2449 8) decides between RETRY and REFUSE, else otherwise does. */
void client_why(struct str text, enum outcome otherwise, enum outcome *outcome, struct why *why);
enum next client_end_err(struct pop3_client *c, struct str text, enum outcome otherwise);
/* Waits for a reply's line, then runs then. */
enum next client_expect(struct pop3_client *c, enum next (*then)(struct pop3_client *c, bool ok, struct str text));
/* Takes the lines of a multi-line reply up to ".", then runs after. */
enum next client_lines(struct pop3_client *c, enum next (*line)(struct pop3_client *c, struct str line), enum next (*after)(struct pop3_client *c));
enum next client_ask(struct pop3_client *c, enum pop3_client_ask_kind kind, enum next (*after)(struct pop3_client *c));
enum next client_command(struct pop3_client *c, const char *line, enum next (*then)(struct pop3_client *c, bool ok, struct str text));
/* For a step that needs more input than there is. */
enum next client_wait_input(struct pop3_client *c);
struct pop3_client *client_of(struct machine *m);

enum next client_login(struct pop3_client *c); /* client_login.c */
enum next client_list(struct pop3_client *c);  /* client_list.c */
enum next client_jobs(struct pop3_client *c);  /* client_jobs.c */
