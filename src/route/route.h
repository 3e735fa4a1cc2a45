// SPDX-License-Identifier: ISC
/* Where a recipient leads: a pure function of facts (who has an account, which aliases exist) and configuration, so that it can
 * be explained and replayed. */
#pragma once
#include "base/arena.h"
#include "base/outcome.h"
#include "config/config.h"
#include "message/address.h"

struct route_account {
    uint64_t id;
    uint64_t used, quota; /* 0: what the configuration says; UINT64_MAX: none */
    bool suspended;
};

/* The facts, asked for through functions so that the store's tables, a test's table, or a recording can answer. Keys are
   canonical (address_key). What the configuration says is looked up in config by route itself, first: these functions need not
   know it. Answers are good until the next call. */
struct route_facts {
    void *self;
    bool (*domain)(void *self, struct str domain); /* a local domain? (store or configuration) */
    bool (*account)(void *self, struct str key, struct route_account *to);
    /* Targets of an alias "name@domain" or "*@domain": addresses as text; count 0: no such alias. line: of the configuration
     * file, 0: the store. */
    uint32_t (*alias)(void *self, struct str key, const struct str **targets, uint32_t *line);
    const struct config *config;
    /* Optional (NULL): who reads postmaster's mail when nobody was named: the oldest account, of this domain or, if that has
     * none, of all. */
    bool (*first_account)(void *self, struct str domain, struct str *key);
    /* Optional (NULL): is "[192.0.2.1]" (canonical text of a literal) an address of this machine? Those that it listens on are
     * known anyhow. */
    bool (*own_literal)(void *self, struct str literal);
};

enum route_kind { ROUTE_LOCAL, ROUTE_REMOTE };
struct route_target {
    enum route_kind kind;
    uint64_t account;   /* LOCAL */
    struct str key;     /* LOCAL: the account's name */
    struct str folder;  /* LOCAL: "INBOX", or the sub-address' folder if it exists (the caller decides), as given by the detail */
    struct str address; /* canonical text of the final address */
    struct route_target *next;
};
/* One address of an expansion that cannot be reached while others can: the host owes the sender a DSN for it once the message was
 * accepted. */
struct route_failure {
    struct str address;
    enum outcome outcome;
    struct why why;
    struct route_failure *next;
};
struct route_result {
    enum outcome outcome; /* DONE: targets; REFUSE/RETRY: why */
    struct why why;
    struct route_target *targets;
    uint32_t target_count;
    struct route_failure *failures; /* only with targets; without any, outcome and why say it */
    bool expanded;                  /* through an alias with more than one target (DSN action "expanded") */
};
/* Refusals: 5.1.1 unknown user, 5.7.1 not ours, 5.2.1 suspended, 4.2.2 full (a single message may overshoot a quota), 5.2.3
   larger than the whole quota, 5.4.6 aliases in a circle or nested deeper than ALIAS_DEPTH_MAX, 5.3.5 more than ALIAS_TARGETS_MAX
   addresses, 4.3.0 no memory in a. may_relay: submitted by a logged-in user, or by a client that is relayed for (mail for a domain
   that is relayed for is taken from anybody). size: octets declared (0 unknown), for the quota of
   a single local target. steps, if not NULL, gets a line for each decision with its configuration line (penny explain). */
struct route_result route_resolve(struct arena *a, const struct route_facts *f, const struct address *rcpt, bool may_relay,
                                  uint64_t size, struct buf *steps);
/* May this account send as this address: its own name, its sub-addresses, an alias that leads to it. */
bool route_owns(struct arena *a, const struct route_facts *f, struct str account_key, const struct address *from);
