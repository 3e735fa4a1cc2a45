/* SPDX-License-Identifier: ISC */
/* The server end of SMTP (RFC 5321), submission (6409) and LMTP (2033): a machine without I/O. See server.c for the states. */
#pragma once
#include "base/arena.h"
#include "base/limits.h"
#include "base/machine.h"
#include "base/outcome.h"
#include "smtp/envelope.h"

enum smtp_kind { SMTP_RELAY, SMTP_SUBMISSION, SMTP_LMTP };
enum smtp_bare { SMTP_BARE_NORMALISE, SMTP_BARE_REFUSE }; /* a CR or LF that stands alone */

/* From the configuration; shared by all sessions of a listener, lives longer than they do. */
struct smtp_settings {
    enum smtp_kind kind;
    struct str hostname;         /* of the greeting and the Received field */
    uint64_t message_max;        /* octets; 50 MB by default */
    uint32_t rcpt_max;           /* 1,000 */
    uint32_t error_max;          /* bad commands before 421; 20 */
    uint32_t transaction_max;    /* MAIL commands a session (LIMITS MAILMAX); 0: none */
    enum smtp_bare bare;
    bool offer_tls;              /* a certificate is there and TLS is not yet active */
    bool login_needs_tls;        /* AUTH only under TLS; false only by cleartext-login loopback from loopback */
    bool login_offered;          /* AUTH at all; whether it is offered on this channel follows from login_needs_tls */
    bool scram_sha1;             /* only if configured */
    bool expn_allowed, vrfy_allowed; /* vrfy_allowed: answer truthfully, else 252 */
    bool require_login;          /* submission: MAIL only after AUTH */
    bool add_missing;            /* submission: complete the message (Date, Message-ID, From check) */
    int priority_max;            /* the highest MT-PRIORITY for who is trusted; 0 for everybody else */
    int64_t command_timeout_ms;  /* RFC 5321 4.5.3.2: 5 min */
    int64_t data_timeout_ms;     /* 4.5.3.2.5: 3 min between blocks (we give 5) */
    int64_t greet_delay_ms;      /* early talkers are refused during it; 0: only what is there at once counts */
};

struct smtp_client_facts { /* the peer, as far as the host knows it */
    char ip[64];           /* "192.0.2.1", "2001:db8::1", "unix" */
    bool loopback;
    bool trusted;          /* without a login, too: its network is relayed for */
    char name[256];        /* from reverse DNS; empty if unknown */
};

/* What the machine asks; → what the host answers in struct smtp_ask. envelope is set in MAIL, RCPT and COMMIT. */
enum smtp_ask_kind {
    SMTP_ASK_NONE,
    SMTP_ASK_AUTH,    /* mechanism (first step only, else empty), data (decoded response), has_data → auth, answer_data (challenge) */
    SMTP_ASK_MAIL,    /* envelope.from, size_declared: may this session (user) send as this address? → outcome, why */
    SMTP_ASK_RCPT,    /* rcpt: is there such a recipient, may it be relayed, is there room? → outcome, why */
    SMTP_ASK_COMMIT,  /* envelope, trace, size; all of the body has been drained → outcome (DONE: it is durable), why; LMTP:
                         rcpt_outcome and rcpt_why for each recipient when the host sets them, else outcome for all */
    SMTP_ASK_VRFY,    /* data (the argument) → outcome, why (text) */
    SMTP_ASK_EXPN,    /* data (the argument) → outcome, why, answer_data (lines split by \n) */
};

struct smtp_ask {
    enum smtp_ask_kind kind;
    /* in: set by the machine, valid until answered */
    struct str mechanism, data;
    bool has_data;                       /* AUTH: an initial or later response was given (an empty one is one) */
    const struct smtp_rcpt *rcpt;
    const struct smtp_envelope *envelope;
    struct str trace;                    /* COMMIT: what to put before the body (Received, added Date …), CRLF ended; with an
                                            empty line at its end when the body does not begin with a header field */
    uint64_t size;                       /* COMMIT: octets drained through body */
    uint32_t received_count;             /* COMMIT: Received fields that the message came with */
    bool header_8bit, body_8bit;         /* COMMIT: octets above 127 are in the header (a peer needs SMTPUTF8) or in the body
                                            (8BITMIME), whatever MAIL said */
    struct str header_from;              /* COMMIT of a submission: the From field as it came (name to line end, at most 2 KiB),
                                            to compare with the user; else empty */
    uint64_t id;                         /* COMMIT: this message's id; taken from the session's next_id */
    int64_t connected_ms, mail_ms, data_ms, end_ms; /* civil times of the steps, for the trace */
    /* out: set by the host before answered */
    enum outcome outcome;
    struct why why;
    enum { SMTP_AUTH_MORE, SMTP_AUTH_OK, SMTP_AUTH_FAILED } auth; /* AUTH; outcome RETRY: 454 */
    struct str answer_data;              /* challenge, or EXPN lines; copied by the machine at once */
    const enum outcome *rcpt_outcome;    /* LMTP, may be NULL */
    const struct why *rcpt_why;
};

struct smtp_server {
    struct machine m;                    /* first: the host runs &s->m */
    const struct smtp_settings *settings;
    struct smtp_client_facts client;
    struct buf *body;                    /* message octets for the store, CRLF line ends, dots removed; the host drains it */
    bool body_aborted;                   /* the octets drained since the last COMMIT belong to a message that was given up: forget
                                            them. Set by the machine, cleared by the host, which looks after every run and
                                            before it drains */
    struct smtp_ask ask;
    struct arena *connection, *transaction, *scratch; /* the host's; the machine clears transaction and scratch */
    uint64_t (*next_id)(void *host);     /* a fresh message id; the only call-back, pure for the machine: a counter leased from
                                            the store */
    void *host;
    struct str user;                     /* who logged in; empty: nobody. Set by the host with SMTP_AUTH_OK (memory: the
                                            connection arena) */
    struct str helo;                     /* the name of the last HELO, EHLO or LHLO; set by the machine */
    bool esmtp;                          /* it was EHLO or LHLO */
    char sid[16];                        /* the session's id in facts; empty: the machine writes none. Set by the host */
    /* the rest is the machine's own (inside.h) */
    struct smtp_state *state;
};

/* m.out must hold at least SMTP_SERVER_OUT_MIN octets, body at least SMTP_SERVER_BODY_MIN; of unread input the host must be
   able to hold SMTP_SERVER_IN_MIN (the longest line). A wait for ROOM has no deadline of the machine's: a peer that never reads
   is the host's to give up. */
enum { SMTP_SERVER_OUT_MIN = 4096, SMTP_SERVER_BODY_MIN = 512, SMTP_SERVER_IN_MIN = SMTP_AUTH_LINE_MAX + 16 };

/* Before the first run. All pointers in s (settings, body, arenas, next_id, m.out, client) have been set by the host;
   m.tls.active for implicit TLS. False: no memory. The session has sent nothing yet; the first run gives the greeting. */
bool smtp_server_init(struct smtp_server *s) MUST_USE;
/* After the last run and before the arenas are cleared; frees nothing that belongs to the host. */
void smtp_server_clear(struct smtp_server *s);
/* A session that the host will not serve: writes "421 4.7.0 why" to out; then close. */
void smtp_server_refuse(struct buf *out, struct str hostname, const char *why);
