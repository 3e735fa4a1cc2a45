/* SPDX-License-Identifier: ISC */
/* The server machine's own: what the verbs (cmd_*.c) and the data phase share. */
#pragma once
#include "message/header.h"
#include "smtp/codec.h"
#include "smtp/server.h"

enum phase { /* bits, so that the verb table can name several */
    PHASE_NEW = 1,   /* greeted; no HELO yet */
    PHASE_READY = 2, /* HELO, EHLO or LHLO was accepted; no transaction */
    PHASE_MAIL = 4,  /* MAIL was accepted, no recipient yet */
    PHASE_RCPT = 8,  /* at least one recipient was accepted */
    PHASE_BDAT = 16, /* chunks have begun */
};

enum {
    SERVER_OUT_ROOM = 3072,          /* the longest answer that one step writes (HELP, EHLO) */
    LOGIN_FAILURES_MAX = 3,          /* then 421 */
    LOGIN_DELAY_MS = 1000,           /* times the number of failures, before 535 */
    TRACE_MAX = 3072,                /* Received with three names of 255 octets, TLS and one recipient; Date, From, Message-ID */
    DATA_PROGRESS = 512,             /* octets that earn another data_timeout */
    DISCARD_SPARE = 1024 * 1024,     /* a message that is refused is read up to twice message_max and this, then we hang up */
};

/* The message under way; lives in the transaction arena. */
struct transaction {
    struct smtp_envelope env;
    uint32_t rcpt_cap;
    enum outcome *rcpt_outcome;      /* LMTP: for each recipient, copied from the host's answer */
    struct why *rcpt_why;
    uint32_t replied;                /* LMTP: recipients answered */
    struct smtp_data_reader reader;
    struct header_scan scan;
    struct buf from_field;           /* submission: the From field as it came */
    uint64_t octets;                 /* of the message, as RFC 1870 counts them */
    uint64_t stored;                 /* appended to s->body */
    uint64_t chunk_left;             /* BDAT */
    bool chunk_last;
    uint64_t chunk_size;
    bool body_8bit;
    bool lowered;                    /* its priority was: RFC 6710 4.1 */
    bool begun;                      /* octets may have gone to s->body */
    struct smtp_refusal failed;      /* code: the message is refused at its end, what comes is thrown away */
    uint64_t progress;               /* octets since the deadline was moved */
    int64_t mail_ms, data_ms;
    char trace[TRACE_MAX];           /* from the beginning, so that a full arena cannot cost a message that was read to its end */
};

struct smtp_state {
    enum next (*then)(struct smtp_server *s); /* what an answer is for */
    const struct verb *verb;         /* of the command under way */
    struct transaction *t;
    int64_t deadline_ms;             /* of the present wait; 0: not begun */
    int64_t connected_ms;
    uint64_t skip;                   /* BDAT: octets of a refused chunk that are still to be thrown away */
    struct smtp_refusal after_skip;  /* and the reply then */
    bool skip_last;                  /* it was the last chunk */
    struct str lines;                /* EXPN: what is still to be sent */
    uint32_t errors, refused, accepted, mails, login_failures;
    uint16_t phase;
    bool in_long_line;               /* the rest of a line that was too long comes */
    bool login_first;                /* the mechanism's first answer is awaited */
};

struct verb {
    const char *name;
    uint8_t phases;                  /* where it is legal */
    uint8_t kinds;                   /* bits 1 << enum smtp_kind */
    uint8_t flags;
    enum next (*run)(struct smtp_server *s, struct str arg); /* NULL: known, not implemented (502) */
    const char *out_of_order;        /* what 503 says */
    const char *help;
};
enum { VERB_LAST = 1 /* nothing may be pipelined behind it */, VERB_NO_ARG = 2, VERB_LOGIN = 4 /* needs a login where one is
                        required */,
       VERB_FOREIGN = 8 /* another protocol's: hang up */ };
extern const struct verb smtp_verbs[];
extern const size_t smtp_verb_count;

/* server.c */
enum next smtp_step_command(struct machine *m);
/* Writes a reply and goes on with the next command; 5yz are counted and end the session when there are too many. */
enum next smtp_answer(struct smtp_server *s, unsigned code, const char *status, const char *text);
enum next smtp_answer_str(struct smtp_server *s, unsigned code, const char *status, struct str text);
enum next smtp_refuse(struct smtp_server *s, struct smtp_refusal r);
/* Writes a reply and hangs up. */
enum next smtp_goodbye(struct smtp_server *s, unsigned code, const char *status, const char *text);
/* The host's refusal or delay as a reply: code and status by class, why.text. retry and refuse are the codes when the status
   tells nothing better. */
struct smtp_refusal smtp_why(enum outcome outcome, const struct why *why, unsigned retry, unsigned refuse);
/* Parks until the host answers s->ask (kind and in members set), then runs then. */
enum next smtp_ask_host(struct smtp_server *s, enum smtp_ask_kind kind, enum next (*then)(struct smtp_server *s));
/* Parks for ms, then runs then; hangs up when the peer does meanwhile. */
enum next smtp_delay(struct smtp_server *s, int64_t ms, enum next (*then)(struct smtp_server *s));
/* Input that came before the reply that it must wait for, RFC 2920 3.1. */
enum next smtp_premature(struct smtp_server *s, const char *what);
/* Gives the message under way up, if there is one, and all memory of it. */
void smtp_transaction_drop(struct smtp_server *s);
void smtp_transaction_end(struct smtp_server *s); /* the same after a COMMIT: its octets are the store's */
enum next smtp_hang_up(struct smtp_server *s);
/* What we offer on this channel now. */
void smtp_offers(const struct smtp_server *s, struct smtp_caps *to);

/* server_data.c */
/* The octets of a message: DATA (until CRLF.CRLF) or a chunk of s->state->t->chunk_left octets. */
enum next smtp_data_begin(struct smtp_server *s);
enum next smtp_step_data(struct machine *m);
enum next smtp_step_chunk(struct machine *m);
/* server_commit.c: the octets are complete; asks COMMIT and replies. */
enum next smtp_commit(struct smtp_server *s);

/* cmd_*.c */
enum next smtp_cmd_helo(struct smtp_server *s, struct str arg);
enum next smtp_cmd_ehlo(struct smtp_server *s, struct str arg);
enum next smtp_cmd_lhlo(struct smtp_server *s, struct str arg);
enum next smtp_cmd_mail(struct smtp_server *s, struct str arg);
enum next smtp_cmd_rcpt(struct smtp_server *s, struct str arg);
enum next smtp_cmd_data(struct smtp_server *s, struct str arg);
enum next smtp_cmd_bdat(struct smtp_server *s, struct str arg);
enum next smtp_cmd_rset(struct smtp_server *s, struct str arg);
enum next smtp_cmd_vrfy(struct smtp_server *s, struct str arg);
enum next smtp_cmd_expn(struct smtp_server *s, struct str arg);
enum next smtp_cmd_help(struct smtp_server *s, struct str arg);
enum next smtp_cmd_noop(struct smtp_server *s, struct str arg);
enum next smtp_cmd_quit(struct smtp_server *s, struct str arg);
enum next smtp_cmd_starttls(struct smtp_server *s, struct str arg);
enum next smtp_cmd_auth(struct smtp_server *s, struct str arg);
/* cmd_helo.c: takes the peer's name for HELO, EHLO, LHLO; code 0 when it is fine. */
struct smtp_refusal smtp_take_helo(struct smtp_server *s, struct str arg, bool esmtp);
/* cmd_ehlo.c: the list of extensions, for EHLO and LHLO. */
enum next smtp_answer_ehlo(struct smtp_server *s);
/* cmd_mail.c: the path behind "FROM:" or "TO:" and the code for a broken one. */
struct smtp_refusal smtp_take_path(struct smtp_server *s, struct str *arg, struct str keyword, bool sender, bool utf8,
                                   struct address *to);
/* cmd_vrfy.c: takes a trailing SMTPUTF8 off the argument of VRFY and EXPN (RFC 6531 3.7.4.2). */
bool smtp_take_utf8_flag(struct str *arg);
