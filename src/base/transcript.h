/* SPDX-License-Identifier: ISC */
/* Dialogues as test cases: a file of lines that is played against a machine (base/machine.h) whole, byte by byte, in random
   pieces, cut short, with late answers and hardly any room for output; each way must give the same octets. For tests only;
   nothing in the product links it.

       # a comment                      blank lines and comments are skipped
       SET kind=relay                   a directive: a word without colon, the rest is its text; the host knows what it means
       S: 220 mail.demo.test ESMTP...   a line that the machine must send next ("..." stands for any octets, also none)
       S* 250 ...                       skip lines until one fits
       C: EHLO client.test              a line that the peer sends, CRLF is added; \r \n \t \0 \\ \xNN are octets
       C~ half a line                   the same without CRLF
       WAIT 300000                      so many ms pass; a deadline that lies within comes true
       TLS                              the machine asked for TLS (NEED_TLS): hand-shake done
       STOP                             the server is told to stop
       END                              the peer sends no more
       CLOSED                           the machine must have hung up
       RESULT                           the session is over; what close() appends can be matched by further lines of ours

   Consecutive lines of the peer are one group: played whole they arrive together, as a client that pipelines sends them. For a
   client machine the two letters change places (peer 'S'). */
#pragma once
#include "base/arena.h"
#include "base/machine.h"

struct transcript_step { struct str word, text; uint32_t line; }; /* word: "C:", "S:", "WAIT" …; text of C: and S: with escapes
                                                                     resolved (and CRLF) */
struct transcript {
    const char *name;
    struct transcript_step *steps;
    size_t count;
};
/* False with "name:line: what" in error (at most size bytes) when a line is broken. Everything lives in a, text must too. */
bool transcript_parse(struct arena *a, const char *name, struct str text, struct transcript *to, char *error, size_t size);
/* Does line fit pattern, where "..." stands for any octets? */
bool transcript_fits(struct str pattern, struct str line);

struct transcript_host {
    void *self;
    char peer;                                                     /* 'C': we test a server; 'S': a client */
    size_t out_min;                                                /* room that the machine needs at least in out */
    /* A fresh session with out for its output; NULL: cannot. Directives that stand before the first line of either side have been
       given already. */
    struct machine *(*open)(void *self, struct buf *out);
    bool (*directive)(void *self, struct str word, struct str text); /* false: no such directive, or broken */
    void (*answer)(void *self);                                    /* the machine wants an answer: give it and set answered */
    void (*ran)(void *self, bool tiny);                            /* after every run: take what else the machine made; tiny: only
                                                                      a few octets of it */
    void (*close)(void *self, struct buf *result);                 /* the session ends; what came of it (messages …) is appended:
                                                                      it is compared, too */
};

enum transcript_pieces { TRANSCRIPT_WHOLE, TRANSCRIPT_LINES, TRANSCRIPT_BYTES, TRANSCRIPT_RANDOM };
struct transcript_way {
    enum transcript_pieces pieces;
    uint64_t seed;        /* RANDOM */
    bool late;            /* answers come only after the whole group has arrived */
    bool tiny;            /* out has the smallest size and is drained by a few octets */
    uint32_t cut;         /* not 0: the peer's input ends for good behind its cut-th line; then nothing is compared with the file
                             */
    bool no_match;        /* play only: results are wanted, not a verdict */
};
/* Plays t one way. The machine's whole output, then what close added, go to result. False with error when a line differs, the
   machine hangs, or more or less comes than the file says. */
bool transcript_play(const struct transcript *t, const struct transcript_host *h, struct transcript_way way, struct buf *result,
                     char *error, size_t size);
/* All ways: whole, lines, bytes, seeded pieces, each with and without late answers and tiny output, and cut behind every line;
   the results must be the same (cut: a prefix of the output, and the machine must hang up). A file with the directive
   WHOLE-ONLY tells of octets that come too early: it is played whole only. */
bool transcript_play_all(const struct transcript *t, const struct transcript_host *h, uint32_t seeds, char *error, size_t size);
