/* SPDX-License-Identifier: ISC */
/* Who a user is: SASL mechanisms, both ends, as machines (RFC 4422, 4616, 5802, 7677, 9266), and password verifiers.
   The server end runs in the keys role only; an edge passes responses through and never sees a verifier. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/machine.h"
#include "base/outcome.h"

/* Derived together when a password is set. Kept by the store, read by keys only. Versioned, fixed size, no pointers. */
struct login_verifier {
    uint32_t version;                  /* 1 */
    char argon2id[128];                /* libsodium's string, t=2 m=19 MiB */
    uint32_t scram_iterations;         /* 4096 or more, RFC 7677 4 */
    unsigned char scram_salt[16];
    unsigned char sha256_stored[32], sha256_server[32];
    unsigned char sha1_stored[20], sha1_server[20];
};
/* Prepares (SASLprep / RFC 8265 OpaqueString) and derives; 11 ms and 19 MiB: on a worker thread in keys, or in a command.
   REFUSE with why: empty, longer than 1,000 octets, forbidden characters. */
enum outcome login_verifier_make(struct str password, struct login_verifier *to, struct why *why) MUST_USE;
bool login_password_is(struct str password, const struct login_verifier *v);   /* same cost */

/* The mechanisms to advertise, best first, separated by spaces: "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN". */
void login_mechanisms(struct buf *to, bool tls, bool exporter, bool scram_sha1);

enum login_step { LOGIN_MORE, LOGIN_NEED_VERIFIER, LOGIN_NEED_PASSWORD_CHECK, LOGIN_OK, LOGIN_FAILED };

/* Server end. Feed a response, get what is next: MORE (challenge in out), NEED_VERIFIER (look up user, then login_server_verifier;
   known false lets it run on with a fake verifier so that unknown users look alike), NEED_PASSWORD_CHECK (call login_server_check on a worker thread:
   the slow part), OK, FAILED. */
struct login_server {
    char mechanism[24];
    char user[321];                    /* authentication identity, prepared; valid from NEED_VERIFIER on */
    unsigned phase;
    bool tls, has_exporter; unsigned char exporter[32];
    char password[1025]; size_t password_n; /* wiped by login_server_clear */
    struct login_verifier verifier; bool known;
    char scram[2048]; size_t scram_n, scram_bare, scram_first_n;
    char nonce[64]; char gs2[16]; char authzid[321]; char server_signature[64];
};
/* False: no such mechanism, or not allowed on this channel. */
bool login_server_init(struct login_server *l, struct str mechanism, const struct tls_facts *tls, bool scram_sha1);
enum login_step login_server_feed(struct login_server *l, bool has_response, struct str response, struct buf *challenge);
enum login_step login_server_verifier(struct login_server *l, bool known, const struct login_verifier *v, struct buf *challenge);
enum login_step login_server_check(struct login_server *l);
void login_server_clear(struct login_server *l);

/* Client end (penny send, smart hosts): picks the best of what the server offers. */
struct login_client;
struct login_client *login_client_new(struct arena *a, struct str offered, struct str user, struct str password, const struct tls_facts *tls, bool scram_sha1);
struct str login_client_mechanism(const struct login_client *c);
/* first: no challenge yet. False: the server's proof is wrong or its challenge broken. */
bool login_client_step(struct login_client *c, bool first, struct str challenge, struct buf *response);
bool login_client_done(const struct login_client *c); /* the server proved that it knows the password, or the mechanism cannot prove it */
