/* SPDX-License-Identifier: ISC */
/* A protocol end without I/O. Bytes, answers, events and the time go in; bytes, one question and a reason to wait come out.
   The host (daemon, unit test, fuzzer, simulator) fills, drains and answers; a step runs to completion and never calls
   the host, so nothing can free a session under it.

       for (;;) switch (machine_run(m)) {
       case WAIT:     drain out (always flush before waiting); if ANSWER is wanted, see to the question;
                      come back when one of the wants came true or the deadline passed (then set timed_out)
       case NEED_TLS: drain out, throw away what is left of the input, hand-shake, set m->tls, come back
       case HANG_UP:  drain out, close }                                                                              */
#pragma once
#include "base/buf.h"
#include "base/str.h"

enum next { AGAIN, WAIT, NEED_TLS, HANG_UP };

enum want { /* bits */
    WANT_INPUT = 1,  /* more bytes than now, or the end of input */
    WANT_ROOM = 2,   /* the peer (out) or the store (body) has to take something first */
    WANT_ANSWER = 4, /* the question in the session's ask */
    WANT_EVENT = 8,  /* something that the session subscribed to (IDLE) */
};

/* What the channel is, as far as the protocol may know; filled by the host after a handshake. */
struct tls_facts {
    bool active;
    char version[12];       /* "TLSv1.3" */
    char cipher[48];        /* OpenSSL's name */
    unsigned char exporter[32]; /* tls-exporter channel binding, RFC 9266 */
    bool has_exporter;
    char sni[256];          /* the server name that the client asked for; empty if none */
};

struct machine {
    enum next (*step)(struct machine *m); /* where we are; written by steps only */
    struct str in;         /* unread input: the step advances it; the host refills it behind the same bytes */
    bool in_end;           /* the peer sends no more */
    struct buf *out;       /* bytes for the peer, in order; the host drains it */
    size_t out_room;       /* a step is only called while out has at least this much room (largest reply) */
    int64_t now_ms;        /* monotonic; set by the host before each run */
    int64_t unix_ms;       /* civil time; set by the host before each run */
    uint32_t wants;        /* enum want; valid after WAIT */
    int64_t deadline_ms;   /* monotonic; valid after WAIT; 0: none */
    bool answered;         /* set by the host together with the session's answer; cleared by the step that takes it */
    bool event;            /* set by the host; cleared by the step */
    bool timed_out;        /* set by the host when the deadline passed; cleared by the step */
    bool stopping;         /* the server stops: say so (421, BYE) at the next command boundary and hang up */
    struct tls_facts tls;
};

/* Runs steps until one needs something. When out has no room, returns WAIT for ROOM without calling the step. */
enum next machine_run(struct machine *m);
/* For steps: remember what to wait for and return WAIT. deadline in monotonic ms, 0 for none. */
enum next machine_wait(struct machine *m, uint32_t wants, int64_t deadline_ms);
/* For steps: takes a line ended by CRLF (or, if lf_ends, by a bare LF too) from in, without its end. False when none is whole. */
bool machine_take_line(struct machine *m, struct str *line, bool lf_ends);
