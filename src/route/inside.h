// SPDX-License-Identifier: ISC
#pragma once
#include "base/limits.h"
#include "route/route.h"

struct item { /* an address on its way */
    struct address adr;
    struct item *parent; /* the one whose alias led here */
    struct item *next;   /* on the stack */
    struct str alias;    /* key of the alias that this one was expanded by; empty: none */
    uint32_t depth;
};

struct set {
    struct str *slot;
    size_t cap, n;
};

struct work {
    struct arena *a;
    const struct route_facts *f;
    bool may_relay, any_state; /* any_state: suspended and full accounts count, too (who owns an address) */
    uint64_t size;
    struct buf *steps;
    struct item *stack;
    struct set seen; /* aliases expanded, accounts and remote addresses found */
    struct route_result result;
    struct route_target **last;
    struct route_failure **last_failure;
    uint32_t expanded; /* addresses that aliases led to */
    bool stop;         /* result is final */
};

enum set_result { SET_NEW, SET_OLD, SET_NO_MEMORY };
enum set_result route_set_add(struct work *w, char kind, struct str key);

void route_run(struct work *w, const struct address *rcpt);
/* What an address of this machine is: expands, adds a target or fails. */
void route_local(struct work *w, struct item *it, struct str domain);

/* work.c */
void route_stop(struct work *w, enum outcome o, const char *status, const char *before, struct str what, const char *after);
void route_fail(struct work *w, const struct item *it, enum outcome o, const char *status, const char *before, struct str what,
                const char *after);
void route_target(struct work *w, enum route_kind kind, const struct item *it, uint64_t account, struct str key,
                  struct str folder);
struct str route_text(struct work *w, const struct address *adr); /* canonical; p NULL: no memory, stopped */
/* "  ADDRESS  what  (where)" for penny explain. */
void route_step(struct work *w, struct str who, const char *what, struct str detail, struct str file, uint32_t line);
