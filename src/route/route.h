/* SPDX-License-Identifier: ISC */
/* Where a recipient leads: a pure function of facts (who has an account, which aliases exist) and configuration, so that it can be explained and replayed. */
#pragma once
#include "base/arena.h"
#include "base/outcome.h"
#include "config/config.h"
#include "message/address.h"

struct route_account { uint64_t id; uint64_t used, quota; bool suspended; };

/* The facts, asked for through functions so that the store's tables, a test's table, or a recording can answer. Keys are canonical (address_key). */
struct route_facts {
    void *self;
    bool (*domain)(void *self, struct str domain);                              /* a local domain? (store or configuration) */
    bool (*account)(void *self, struct str key, struct route_account *to);
    /* Targets of an alias "name@domain" or "*@domain": addresses as text; count 0: no such alias. from_config says who made it; line its line. */
    uint32_t (*alias)(void *self, struct str key, const struct str **targets, uint32_t *line);
    const struct config *config;
};

enum route_kind { ROUTE_LOCAL, ROUTE_REMOTE };
struct route_target {
    enum route_kind kind;
    uint64_t account;            /* LOCAL */
    struct str folder;           /* LOCAL: "INBOX", or the sub-address' folder if it exists (the caller decides), as given by the detail */
    struct str address;          /* canonical text of the final address */
    struct route_target *next;
};
struct route_result {
    enum outcome outcome;        /* DONE: targets; REFUSE/RETRY: why */
    struct why why;
    struct route_target *targets;
    uint32_t target_count;
    bool expanded;               /* through an alias with more than one target (DSN action "expanded") */
};
/* may_relay: submitted by a logged-in user. size: octets declared (0 unknown), for the quota of a single local target. steps, if not NULL,
   gets a line for each decision with its configuration line (penny explain). */
struct route_result route_resolve(struct arena *a, const struct route_facts *f, const struct address *rcpt, bool may_relay, uint64_t size, struct buf *steps);
/* May this account send as this address: its own name, its sub-addresses, an alias that leads to it. */
bool route_owns(struct arena *a, const struct route_facts *f, struct str account_key, const struct address *from);
