// SPDX-License-Identifier: ISC
/* Remembered accounts: one JSON object a line in ~/.config/penny/accounts, which only its owner may read. */
#pragma once
#include "agent/net_host.h"

struct account {
    struct str address, name, login;
    struct str password; /* empty: ask */
    bool has_submission, has_pop3;
    struct endpoint submission, pop3;
    struct str submission_pin, pop3_pin; /* fingerprints */
    struct str trust_file;
    struct account *next;
};

/* -1: fine; an empty list when there is no file. */
int agent_account_load(struct agent *g, struct account **first);
int agent_account_save(struct agent *g, const struct account *first);
/* The one that --account, --from or (if none) the first; says why when there is none. -1: fine. */
int account_choose(struct agent *g, struct account *to);
/* Asks when it is not kept. -1: fine. */
int account_password(struct agent *g, struct account *a);
struct trust account_trust(struct agent *g, struct str pin, struct str file);
/* Says why a connection failed, and what to do. */
int account_failed(struct agent *g, const struct net_host *h, const struct endpoint *to, int status);
