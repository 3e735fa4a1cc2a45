// SPDX-License-Identifier: ISC
/* The resolver that asks the world: its two files among themselves. */
#pragma once
#include "dns/inside.h"
#include "dns/unbound_library.h"

struct unbound;
struct asked { struct unbound *u; uint32_t slot; enum dns_type type; char *held; }; /* what the library gives back with an answer; held: a question that waits for the check */
enum unbound_state { IDLE, CHECKING, RUNNING };

struct unbound {
    const struct unbound_library *lib;
    struct ub_ctx *ctx;     /* NULL: nothing was asked yet */
    struct dns_plan *plan;  /* how to make it; its anchors point into anchors */
    char *anchors;
    bool allow_loopback, may_give_up;
    enum unbound_state state;
    bool unvalidated;       /* given up for now */
    bool doubt;             /* bogus answers, and the check found nothing out */
    int64_t check_again_ms; /* 0: not */
    enum dns_status checked; /* what the check found; 0: it is not over */
    int epoll;              /* stands for the library's descriptor, which changes with its context */
    uint32_t in_library;    /* questions that it works on */
    struct dns_resolver *r;
    struct arena answer;    /* of the answer that is being handed out */
    struct asked *asked;    /* one a slot */
    uint32_t slots;
    char text[512];
};

/* unbound_context.c: the library's context, made from the plan. */
bool unbound_is_validating(const struct unbound *u);
bool unbound_open(struct unbound *u);
void unbound_close(struct unbound *u);
void unbound_describe(struct unbound *u); /* fills text */
