/* SPDX-License-Identifier: ISC */
/* Private to the keys role: private keys of TLS, and who may log in. It sees no message, opens no file, and what it holds is
   not dumped. Signing and hashing have threads and queues of their own, so that a flood of logins does not hold up hand-shakes.
   */
#pragma once
#include "daemon/actor.h"
#include "login/login.h"
#include "os/link.h"
#include "os/loop.h"
#include "os/thread.h"
#include "tls/tls.h"

enum {
    KEYS_LOGINS_MAX = 2048,       /* logins in work */
    KEYS_BUCKETS = 256,
    KEYS_HASH_QUEUE = 128,        /* passwords that wait for a thread: 0.7 s on two processors; more get "try later" */
    KEYS_SIGN_QUEUE = 256,
    KEYS_CHANNELS_MAX = 64,
    KEYS_CACHE = 1024,            /* passwords checked a moment ago */
    KEYS_CACHE_MS = 60 * 1000,
    SLOW_SLOTS = 4096, SLOW_WAYS = 4,
    SLOW_WAIT_MAX_MS = 10 * 1000, /* who would wait longer is told to come later */
};

/* ---- keys of TLS: one generation of a set-up; a signing job holds it ---- */
struct keys_table {
    unsigned holders;
    size_t count;
    struct { uint32_t number; struct tls_key *key; } key[];
};
struct keys_table *keys_table_new(const struct setup *s, struct why *why);
struct keys_table *keys_table_hold(struct keys_table *t);
void keys_table_drop(struct keys_table *t);

/* ---- failures, slowed ---- */
/* A failure costs time, not access: attempts from one client follow each other ever more slowly, attempts on one account from
   clients that never got in are each held back, and a client that got into that account before waits only for its own mistakes.
   Scores halve every five minutes. */
struct slow_slot { uint64_t key; uint32_t score; int64_t at_ms, next_ms, good_ms; };
struct keys_slow { struct slow_slot client[SLOW_SLOTS], account[SLOW_SLOTS], pair[SLOW_SLOTS]; };
/* Milliseconds that this attempt has to wait; -1: more than SLOW_WAIT_MAX_MS: come later. client 0: unknown. */
int64_t keys_slow_wait(struct keys_slow *s, uint64_t client, uint64_t account, int64_t now_ms);
void keys_slow_failed(struct keys_slow *s, uint64_t client, uint64_t account, int64_t now_ms);
void keys_slow_good(struct keys_slow *s, uint64_t client, uint64_t account, int64_t now_ms);

/* ---- passwords that were right a moment ago ---- */
/* Keyed hashes of (verifier, password), for a minute: a telephone that comes back every few seconds costs one argon2 a minute.
   Another password or another verifier gives another hash, so nothing has to be told to forget. */
struct keys_cache { unsigned char secret[32]; struct { unsigned char tag[32]; int64_t until_ms; } slot[KEYS_CACHE]; };
struct cache_tag { unsigned char b[32]; };
void keys_cache_init(struct keys_cache *c);
struct cache_tag keys_cache_tag(const struct keys_cache *c, struct str password, const struct login_verifier *v);
bool keys_cache_has(const struct keys_cache *c, const struct cache_tag *tag, int64_t now_ms);
void keys_cache_put(struct keys_cache *c, const struct cache_tag *tag, int64_t now_ms);

struct keys {
    struct actor *actor;
    const struct setup *setup;
    struct keys_table *table, *before, *coming; /* before: hand-shakes that began under the last set-up */
    struct pool *sign, *hash;
    struct sign_channel *channels;
    size_t channel_count;
    struct keys_login *logins[KEYS_BUCKETS];
    size_t login_count;
    struct derivation *derivations;
    struct keys_slow slow;
    struct keys_cache cache;
    uint64_t next_query;
    bool stopping;
};

/* keys_sign.c */
void keys_sign_channel(struct keys *k, enum role who, uint32_t incarnation, int fd);
void keys_sign_begin(struct keys *k);                      /* the pool and the keys are there */
void keys_sign_close(struct keys *k); /* all channels; before the pool goes: jobs in work come back to nobody */
/* keys_login.c */
void keys_login_step(struct keys *k, struct peer *edge, const struct msg_login_step *m);
void keys_login_end(struct keys *k, uint64_t session);
void keys_login_verifier(struct keys *k, const struct msg_verifier *m);
void keys_login_granted(struct keys *k, const struct msg_granted *m);
void keys_login_edge_down(struct keys *k);
void keys_login_store_down(struct keys *k);
/* keys_derive.c */
void keys_derive(struct keys *k, const struct msg_verifier_make *m);
void keys_derive_forget(struct keys *k);
