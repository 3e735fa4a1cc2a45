// SPDX-License-Identifier: ISC
/* The client end of POP3 (RFC 1939, 2449, 2595, 5034, 6856): a machine without I/O that logs in, lists the maildrop, then does what its host asks for,
   pipelined when the server allows it (RFC 2449 6.6).

       greeting, CAPA, [STLS, hand-shake, CAPA], [UTF8], AUTH or USER/PASS, STAT, LIST, UIDL
       → ASK_JOBS: messages stand in c->messages; the host answers with jobs (TOP, RETR, DELE, NOOP, RSET)
       → for each TOP and RETR, in order: octets come out of c->body, then ASK_JOB_DONE (c->ask.job); the host drains body, then answers
         (DELE, NOOP, RSET too: their outcome stands in the job)
       → ASK_JOBS again; no jobs: QUIT, HANG_UP

   After HANG_UP c->outcome says how the session ended: DONE: QUIT was accepted, deletions hold; RETRY or REFUSE with why. */
#pragma once
#include "base/arena.h"
#include "base/machine.h"
#include "base/outcome.h"

enum pop3_client_tls {
    POP3_CLIENT_TLS_NEED, /* STLS or implicit TLS, else the session ends before a password was sent */
    POP3_CLIENT_TLS_IF_OFFERED, /* STLS when offered */
    POP3_CLIENT_TLS_NEVER, /* loopback only: the caller's business */
};

struct pop3_client_settings {
    struct str user, password; /* UTF-8, as typed */
    enum pop3_client_tls tls;
    bool scram_sha1;           /* may be used when nothing better is offered */
    int64_t timeout_ms;        /* for a reply; 0: 5 minutes */
    uint32_t message_max;      /* longest maildrop that is listed; 0: 100,000 */
    bool utf8;                 /* ask for UTF8 (RFC 6856) when offered: messages then come with UTF-8 in their headers */
};

struct pop3_client_message {
    uint32_t number;           /* as the server counts, from 1 */
    uint64_t size;             /* octets */
    struct str uidl;           /* unique id (RFC 1939 7); empty when the server has no UIDL */
};

enum pop3_job_kind { POP3_JOB_TOP, POP3_JOB_RETR, POP3_JOB_DELE, POP3_JOB_NOOP, POP3_JOB_RSET };
struct pop3_job {
    enum pop3_job_kind kind;
    uint32_t number;           /* of the message */
    uint32_t lines;            /* TOP: lines of the body; 0: the header alone */
    /* result */
    enum outcome outcome;      /* DONE; RETRY or REFUSE with why (the server's words made printable) */
    struct why why;
    uint64_t octets;           /* that went through body */
};

enum pop3_client_ask_kind {
    POP3_CLIENT_ASK_NONE,
    POP3_CLIENT_ASK_JOBS,     /* out: jobs, job_count. The array is the host's and must live until the next ASK_JOBS. count 0: QUIT */
    POP3_CLIENT_ASK_JOB_DONE, /* in: job: its results are filled and all of its octets are in body or were drained before */
};
struct pop3_client_ask {
    enum pop3_client_ask_kind kind;
    struct pop3_job *job;
    struct pop3_job *jobs;
    uint32_t job_count;
};

struct pop3_client {
    struct machine m;              /* first: the host runs &c->m. m.tls.active before the first run: implicit TLS. m.out: max at least 8 KiB */
    const struct pop3_client_settings *settings;
    struct arena *connection;      /* the host's; holds the list of messages: 64 octets and the unique id each. 16 KiB beside it */
    struct buf *body;              /* octets of the running job, CRLF line ends, dots removed; the host drains it. max at least 4 KiB */
    struct pop3_client_ask ask;
    struct pop3_client_message *messages;
    uint32_t message_count;
    uint64_t octets;               /* the maildrop's, from STAT */
    struct str mechanism;          /* that logged in: "SCRAM-SHA-256-PLUS", …, "USER" */
    enum outcome outcome;          /* valid after HANG_UP */
    struct why why;
    struct pop3_client_state *state;
};

/* Before the first run. settings, connection, body, m.out, m.tls have been set by the host. False: no memory. NEED_TLS as in base/machine.h: the
   hand-shake checks the server's name and certificate as the host sees fit; a failed one is the host's to report. */
bool pop3_client_init(struct pop3_client *c) MUST_USE;
/* After the last run; wipes what it knows of the password. Frees nothing that is the host's. */
void pop3_client_clear(struct pop3_client *c);
