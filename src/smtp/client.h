/* SPDX-License-Identifier: ISC */
/* The client end of SMTP (RFC 5321), submission (6409) and LMTP (2033): a machine without I/O. It greets, secures and
   authenticates the connection, then asks the host for one message after the other, until the host has none left, and says
   QUIT. See client.c for the states.

       SMTP_CLIENT_ASK_MESSAGE   what came of c->message (if there was one) stands in it now; set c->message to the next one, or
                                 to NULL: QUIT
       SMTP_CLIENT_ASK_DATA      the octets of c->message from ask.offset on: set ask.data (any length, empty: the end) and leave
                                 it alone until the next question

   On HANG_UP a message that is still in c->message and not finished gets its results from the machine too (RETRY, or REFUSE
   when the greeting, TLS or the login were refused for good): look at c->failure for the reason. Nothing is sent twice and
   nothing is forgotten: each recipient has an outcome. The peer's answers are sanitised (one line, printable) before they stand
   anywhere here. */
#pragma once
#include "base/arena.h"
#include "base/machine.h"
#include "base/outcome.h"
#include "smtp/codec.h"

enum smtp_tls_policy { SMTP_TLS_NEVER, SMTP_TLS_OPPORTUNISTIC, SMTP_TLS_REQUIRED };

/* Lives longer than the session. Time-outs in ms; 0: as RFC 5321 4.5.3.2 says. */
struct smtp_client_settings {
    struct str helo;               /* our name, or an address literal */
    bool lmtp;
    enum smtp_tls_policy tls;      /* STARTTLS; with implicit TLS set m.tls.active before init */
    struct str user, password;     /* user.n == 0: no login. Otherwise a login is required */
    bool scram_sha1;
    bool cleartext_login;          /* log in without TLS, too (loopback, local socket) */
    bool prefer_chunking;          /* BDAT also for text, where offered; binary bodies always use it */
    bool eight_bit_anyway;         /* send 8-bit text to a peer without 8BITMIME (else REFUSE 5.6.3: the host re-encodes) */
    int64_t greeting_timeout_ms;   /* 4.5.3.2.1: 5 min */
    int64_t command_timeout_ms;    /* 4.5.3.2.2, .3: 5 min (EHLO, MAIL, RCPT, AUTH, QUIT …) */
    int64_t data_start_timeout_ms; /* 4.5.3.2.4: 2 min */
    int64_t data_block_timeout_ms; /* 4.5.3.2.5: 3 min */
    int64_t data_end_timeout_ms;   /* 4.5.3.2.6: 10 min */
};

/* What the peer said, or why we never asked it. */
struct smtp_result {
    enum outcome outcome;          /* 0: not known yet; DONE 2yz, RETRY 4yz or no answer, REFUSE 5yz or cannot be sent there */
    uint16_t code;                 /* 250, 550 …; 0: the machine's own verdict, nothing was answered */
    char status[12];               /* enhanced status code, the peer's or ours; empty if none */
    struct str text;               /* the reply's text, lines joined by spaces, at most 512 octets; in the transaction arena or
                                      static */
};

struct smtp_client_rcpt {
    struct str address;            /* as it goes between < and >: canonical, A-labels unless smtputf8 */
    struct str orcpt;              /* decoded, "rfc822;bob@example.org"; empty: none */
    uint32_t notify;               /* enum smtp_notify bits; 0: not given */
    struct smtp_result result;     /* of this recipient: RCPT, or in LMTP the reply after the data; DONE only after the message
                                      was accepted */
};

struct smtp_client_message {
    struct str from;               /* without <>; empty: null reverse-path */
    enum smtp_body body;
    bool smtputf8;
    bool requiretls;               /* RFC 8689: only over TLS to a peer that offers it; with the null reverse-path where it does */
    int priority;                  /* MT-PRIORITY, -9 … 9 */
    bool has_priority;             /* it is said where the peer takes it (RFC 6710 4.2), 0 too */
    enum smtp_ret ret;
    struct str envid;              /* decoded; empty: none */
    struct str auth;               /* AUTH= of MAIL, decoded; empty: not sent */
    uint64_t size;                 /* octets, CRLF counted as two; 0: unknown */
    struct smtp_client_rcpt *rcpt;
    uint32_t rcpt_count;
    /* results */
    bool finished;                 /* every recipient has its outcome */
    struct smtp_result result;     /* of the message as a whole: MAIL refused, DATA refused, or the last reply */
};

enum smtp_client_ask_kind { SMTP_CLIENT_ASK_NONE, SMTP_CLIENT_ASK_MESSAGE, SMTP_CLIENT_ASK_DATA };
struct smtp_client_ask {
    enum smtp_client_ask_kind kind;
    uint64_t offset;               /* DATA: octets of the message given so far */
    struct str data;               /* DATA, out */
    enum outcome outcome;          /* DATA, out: DONE; RETRY: the message cannot be read now: the transaction is broken off (the
                                      connection too) */
};

struct smtp_client {
    struct machine m;              /* first: the host runs &c->m */
    const struct smtp_client_settings *settings;
    struct arena *connection, *transaction; /* the host's; the machine clears transaction when it asks for the next message has
                                               been answered */
    struct smtp_client_ask ask;
    struct smtp_client_message *message;    /* the host's */
    struct smtp_caps offers;       /* what the peer offers, from its last EHLO answer; valid when a message is asked for */
    struct str peer;               /* the name in the peer's greeting; connection arena */
    bool logged_in;
    struct smtp_result failure;    /* why the session ended early; outcome 0: it did not */
    const char *failed_at;         /* "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL" …; a literal */
    struct smtp_client_state *state;        /* the machine's own */
};

/* Before the first run. settings, arenas, m.out (at least SMTP_CLIENT_OUT_MIN octets; unread input: SMTP_CLIENT_IN_MIN), for
   implicit TLS m.tls have been set by the host. False: no memory. */
enum { SMTP_CLIENT_OUT_MIN = 4096, SMTP_CLIENT_IN_MIN = SMTP_REPLY_READ_MAX + 16 };
bool smtp_client_init(struct smtp_client *c) MUST_USE;
void smtp_client_clear(struct smtp_client *c);
