// SPDX-License-Identifier: ISC
/* Private to src/login. */
#pragma once
#include <unitypes.h>
#include "login/login.h"
#include "login/prepare.h"
#include "tls/digest.h"

enum {
    ARGON2_TIME = 2,                   /* OWASP's second choice: 19 MiB, two passes; 11 ms on the machine that this was measured on */
    ARGON2_MEMORY = 19 * 1024 * 1024,
    SCRAM_ITERATIONS = 10000,          /* RFC 7677 4 asks for 4,096 at least */
    SCRAM_ITERATIONS_LEAST = 4096,     /* as a client: fewer is an attack on the password */
    SCRAM_ITERATIONS_MOST = 1000000,   /* as a client: more is an attack on our time */
    SCRAM_NONCE_MAX = 256,
    SCALARS_MAX = 2048,
};

/* How a server's mechanism stands; struct login_server's phase. */
enum login_phase { PHASE_FIRST, PHASE_LOGIN_USER, PHASE_LOGIN_PASSWORD, PHASE_VERIFIER, PHASE_CHECK, PHASE_SCRAM_FINAL, PHASE_SCRAM_END, PHASE_OVER };

/* PRECIS, RFC 8264. */
enum precis { PRECIS_PVALID, PRECIS_FREE_PVAL, PRECIS_CONTEXTJ, PRECIS_CONTEXTO, PRECIS_DISALLOWED, PRECIS_UNASSIGNED };
enum precis precis_of(ucs4_t c);                                   /* section 8 */
bool precis_class_is(const ucs4_t *s, size_t n, bool freeform);    /* sections 4.2, 4.3, with the context rules */
bool precis_bidi_is(const ucs4_t *s, size_t n);                    /* RFC 5893 2 */

bool login_scalars(struct str s, ucs4_t *to, size_t cap, size_t *n, struct why *why); /* UTF-8 checked */
void login_why(struct why *why, const char *text);

/* SCRAM, both ends (RFC 5802 3). d says which hash. */
void scram_keys(enum tls_digest d, struct str password, struct str salt, uint32_t iterations, unsigned char *stored, unsigned char *server,
                unsigned char *client);
bool scram_attribute(struct str *rest, char name, struct str *value); /* takes "x=value" and the comma behind it */
bool scram_base64(struct str text, unsigned char *to, size_t n);      /* exactly n octets */

/* A verifier for nobody: always the same for a name. */
void login_fake_verifier(struct str user, struct login_verifier *to);
void login_argon2_text(const unsigned char salt[16], const unsigned char hash[32], char *to, size_t cap);

/* The mechanisms, server end. */
enum login_step login_plain(struct login_server *l, bool has_response, struct str response, struct buf *challenge);
enum login_step login_login(struct login_server *l, bool has_response, struct str response, struct buf *challenge);
enum login_step login_scram(struct login_server *l, bool has_response, struct str response, struct buf *challenge);
enum login_step login_scram_verifier(struct login_server *l, struct buf *challenge);
enum login_step login_failed(struct login_server *l);
bool login_is_plus(const struct login_server *l);
enum tls_digest login_digest(struct str mechanism);
