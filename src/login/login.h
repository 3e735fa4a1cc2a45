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
/* Once per process, before its sandbox closes: the libraries load what they need. Called by the functions below when it was forgotten. */
void login_warm(void);
/* What the salts of users that do not exist are derived from; drawn afresh per process unless set. A secret that outlives the process keeps such
   salts steady over a restart, as those of real users are. Set before threads start. */
void login_fake_secret(const unsigned char secret[32]);
/* Prepares (SASLprep / RFC 8265 OpaqueString) and derives; 11 ms and 19 MiB: on a worker thread in keys, or in a command.
   REFUSE with why: empty, longer than 1,000 octets, forbidden characters. */
enum outcome login_verifier_make(struct str password, struct login_verifier *to, struct why *why) MUST_USE; /* RETRY: no memory */
/* Same cost. DONE: it is; REFUSE: it is not; RETRY: no memory for the hash. */
enum outcome login_password_check(struct str password, const struct login_verifier *v) MUST_USE;
bool login_password_is(struct str password, const struct login_verifier *v);   /* login_password_check == DONE */

/* The mechanisms to advertise, best first, separated by spaces: "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN". */
void login_mechanisms(struct buf *to, bool tls, bool exporter, bool scram_sha1);

enum login_step { LOGIN_MORE, LOGIN_NEED_VERIFIER, LOGIN_NEED_PASSWORD_CHECK, LOGIN_OK, LOGIN_FAILED,
    LOGIN_RETRY /* memory ended in login_server_check: 454, [SYS/TEMP] */ };

/* Server end. Feed a response, get what is next: MORE (send challenge), NEED_VERIFIER (look up user, then login_server_verifier;
   known false lets it run on with a fake verifier so that unknown users look alike), NEED_PASSWORD_CHECK (call login_server_check on a worker thread:
   the slow part), OK, FAILED. SCRAM's last challenge (the server's signature) is answered by the client with an empty response, then comes OK. */
struct login_server {
    char mechanism[24];
    char user[321];                    /* authentication identity, prepared (login/prepare.h); valid from NEED_VERIFIER on */
    /* the rest is login's own */
    unsigned phase;
    bool tls, has_exporter;
    unsigned char exporter[32];
    char password[1025];               /* wiped by login_server_clear, like everything else */
    size_t password_n;
    struct login_verifier verifier;
    bool known, authzid_ok;
    char scram[2048];                  /* AuthMessage as it grows: client-first-bare, server-first, client-final-without-proof (RFC 5802 3) */
    size_t scram_n, nonce_at, nonce_n;
    char gs2[1024];                    /* the header that "c=" must repeat */
    size_t gs2_n;
};
/* False: no such mechanism, or not allowed on this channel. */
bool login_server_init(struct login_server *l, struct str mechanism, const struct tls_facts *tls, bool scram_sha1);
enum login_step login_server_feed(struct login_server *l, bool has_response, struct str response, struct buf *challenge);
enum login_step login_server_verifier(struct login_server *l, bool known, const struct login_verifier *v, struct buf *challenge);
enum login_step login_server_check(struct login_server *l);
void login_server_clear(struct login_server *l);

/* Client end (penny send, smart hosts): picks the best of what the server offers. */
struct login_client;
/* offered: mechanism names separated by spaces. NULL: nothing that we know, or no memory. PLAIN and LOGIN are taken on any channel: whether the password may
   travel in the clear is the caller's decision, before this. user and password are copied into a; UTF-8 as typed. */
struct login_client *login_client_new(struct arena *a, struct str offered, struct str user, struct str password, const struct tls_facts *tls, bool scram_sha1);
struct str login_client_mechanism(const struct login_client *c);
/* first: no challenge yet; an empty response then means: send no initial response. challenge and response are plain octets (base64 is the protocol's).
   False: the server's proof is wrong or its challenge broken: cancel ("*") and give up. */
bool login_client_step(struct login_client *c, bool first, struct str challenge, struct buf *response);
bool login_client_done(const struct login_client *c); /* the server proved that it knows the password, or the mechanism cannot prove it */
void login_client_clear(struct login_client *c);      /* wipes the password; NULL is fine */
