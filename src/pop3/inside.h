// SPDX-License-Identifier: ISC
/* The server machine's own: what the commands (cmd_*.c) share. */
#pragma once
#include "login/login.h"
#include "pop3/server.h"

enum phase { PHASE_AUTHORIZATION = 1, PHASE_TRANSACTION = 2, PHASE_BOTH = 3 }; /* RFC 1939 4, 5; its UPDATE state is QUIT's business alone */

enum {
    SERVER_OUT_ROOM = 1024,      /* the longest answer that one step writes (CAPA) */
    COMMAND_MAX = 2048,          /* RFC 2449 4 asks 255; a user name of 320 octets, a password of 1,000 and short initial responses fit */
    USER_MAX = 320,
    PASSWORD_MAX = 1000,
    LOGIN_FAILURES_MAX = 3,      /* then the session ends */
    LOGIN_DELAY_MS = 1000,       /* times the number of failures, before the answer */
    FIELD_MAX = 32 * 1024,       /* downgrading: a header field that is longer is not rewritten but dropped */
};

/* Rewrites a header with UTF-8 for a client that did not ask for it: downgrade.c. */
struct downgrade {
    enum { DOWNGRADE_FIELD, DOWNGRADE_PASS, DOWNGRADE_DROP, DOWNGRADE_BODY } mode;
    bool line_start;
    struct buf field;            /* the field as it comes */
    struct buf made;             /* what is to be sent instead */
};

/* A message on its way out: send.c. */
struct sender {
    struct pop3_message *message;
    uint64_t offset;             /* of the next octet to be asked for */
    uint64_t lines_left;         /* TOP */
    bool top, begun, in_header, line_start, cr, done, ended, downgrading;
    struct downgrade downgrade;
};

struct verb;
struct pop3_state {
    enum next (*then)(struct pop3_server *s);    /* what an answer is for */
    enum phase phase;
    int64_t deadline_ms;         /* of the present wait; 0: not begun */
    uint32_t errors, login_failures;
    char name[USER_MAX];         /* of USER */
    size_t name_n;               /* 0: PASS is out of order */
    bool utf8, in_long_line;
    char *secret;                /* of an AUTH question; wiped as soon as it was answered */
    size_t secret_n;
    uint32_t listed;             /* LIST, UIDL: messages that were written */
    bool uidl;
    struct sender send;
};

struct verb {
    const char *name;
    enum phase phases;           /* where it is legal */
    enum { ARG_NONE, ARG_MAY, ARG_MUST } arg;
    enum next (*run)(struct pop3_server *s, struct str arg);
    const char *usage;
};
extern const struct verb pop3_verbs[];
extern const size_t pop3_verb_count;

/* server.c */
enum next pop3_step_command(struct machine *m);
/* Each writes one line and goes on with the next command. code: "IN-USE", "SYS/TEMP" …, NULL for none. */
enum next pop3_ok(struct pop3_server *s, const char *text);
enum next pop3_err(struct pop3_server *s, const char *code, const char *text);   /* the client's mistake: counted, too many end the session */
enum next pop3_fail(struct pop3_server *s, const char *code, const char *text);  /* ours, or the world's: not counted */
/* The host's reason as [SYS/TEMP] or [SYS/PERM]. */
enum next pop3_fail_why(struct pop3_server *s, enum outcome outcome, const struct why *why, const char *otherwise);
enum next pop3_next(struct pop3_server *s);                                      /* the answer has been written: the next command */
enum next pop3_goodbye(struct pop3_server *s, const char *code, const char *text);
enum next pop3_hang_up(struct pop3_server *s);
/* Parks until the host answers s->ask (kind and in members set), then runs then. */
enum next pop3_ask_host(struct pop3_server *s, enum pop3_ask_kind kind, enum next (*then)(struct pop3_server *s));
enum next pop3_delay(struct pop3_server *s, int64_t ms, enum next (*then)(struct pop3_server *s));
void pop3_count(const struct pop3_server *s, uint32_t *count, uint64_t *octets); /* of messages without a mark */
/* The message that arg names. NULL: the answer has been written. */
struct pop3_message *pop3_find(struct pop3_server *s, struct str arg, enum next *next);
bool pop3_may_login(const struct pop3_server *s);

/* cmd_auth.c: the same end for AUTH and PASS. */
enum next pop3_ask_login(struct pop3_server *s, bool has_data, char *secret, size_t n);
/* cmd_list.c: LIST and UIDL without an argument. */
enum next pop3_list_all(struct pop3_server *s, bool uidl);
void pop3_uidl_add(const struct pop3_server *s, const struct pop3_message *m);
/* send.c */
enum next pop3_send(struct pop3_server *s, struct pop3_message *message, bool top, uint64_t lines);
void pop3_send_clear(struct pop3_server *s);
/* downgrade.c */
void pop3_downgrade_init(struct downgrade *d);
/* Takes octets of the message, but stops as soon as something was made. scratch is cleared. Gives the number of octets taken. */
size_t pop3_downgrade_feed(struct downgrade *d, struct str piece, struct arena *scratch);
void pop3_downgrade_end(struct downgrade *d, struct arena *scratch); /* the message ends here */
void pop3_downgrade_clear(struct downgrade *d);

/* cmd_*.c */
enum next pop3_cmd_auth(struct pop3_server *s, struct str arg);
enum next pop3_cmd_capa(struct pop3_server *s, struct str arg);
enum next pop3_cmd_dele(struct pop3_server *s, struct str arg);
enum next pop3_cmd_lang(struct pop3_server *s, struct str arg);
enum next pop3_cmd_list(struct pop3_server *s, struct str arg);
enum next pop3_cmd_noop(struct pop3_server *s, struct str arg);
enum next pop3_cmd_pass(struct pop3_server *s, struct str arg);
enum next pop3_cmd_quit(struct pop3_server *s, struct str arg);
enum next pop3_cmd_retr(struct pop3_server *s, struct str arg);
enum next pop3_cmd_rset(struct pop3_server *s, struct str arg);
enum next pop3_cmd_stat(struct pop3_server *s, struct str arg);
enum next pop3_cmd_stls(struct pop3_server *s, struct str arg);
enum next pop3_cmd_top(struct pop3_server *s, struct str arg);
enum next pop3_cmd_uidl(struct pop3_server *s, struct str arg);
enum next pop3_cmd_user(struct pop3_server *s, struct str arg);
enum next pop3_cmd_utf8(struct pop3_server *s, struct str arg);
