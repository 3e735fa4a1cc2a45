// SPDX-License-Identifier: ISC
/* Private to src/tls: what the crypto library's objects hang on. */
#pragma once
#include "base/compiler.h"
#include "tls/tls.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

enum { TICKET_KEY_SIZE = 80, TICKET_KEYS = 2, CERTIFICATES_MAX = 1000, CHAIN_MAX = 20 };

/* Where a remote key is signed with. Lives in the server context, which outlives all keys made for it. */
struct tls_signer {
    tls_sign_fn *sign;
    void *to;
};

/* One set of names: an SSL_CTX that may hold one chain for each kind of key. */
struct tls_entry {
    SSL_CTX *ctx;
    X509 *leaf; /* of the first chain: its names choose */
};

struct tls_server_context {
    atomic_uint references;
    struct tls_signer signer;
    struct tls_entry *entry;
    size_t entry_count;
    pthread_mutex_t lock; /* around ticket and ticket_count: the keys change while threads shake hands */
    unsigned char ticket[TICKET_KEYS][TICKET_KEY_SIZE]; /* newest first */
    unsigned ticket_count;
};

struct tls_client_context {
    atomic_uint references;
    SSL_CTX *ctx;
};

struct tls {
    SSL *ssl;
    struct tls_server_context *server; /* one of these two */
    struct tls_client_context *client;
    struct buf *in, *out; /* of the call that runs now; NULL between calls */
    bool failed;          /* after a fatal error the library must not be called again for this session */
    bool done;            /* the hand-shake */
    /* of the client end */
    enum tls_trust trust; /* what is really checked: DANE without usable records is ANY */
    bool enforce;
    unsigned char demands[32]; /* hash of all that a session depends on: resumed is only what was made under the same */
    char reason[64];           /* of a failed hand-shake, in the library's words */
};

struct tls_key {
    EVP_PKEY *key;
};

/* What both kinds of context have in common: versions, ciphers, modes. NULL: no memory. */
SSL_CTX *tls_ctx_new(const SSL_METHOD *method);
/* A session without role. NULL: no memory. */
struct tls *tls_session_new(SSL_CTX *ctx);
/* Remembers the library's reason before the error queue is cleared. */
void tls_failure_keep(struct tls *t);
/* Takes up a session that was exported under the demands of t; anything else is left alone. */
void tls_session_import(struct tls *t, struct str bytes);
/* The BIO type over struct tls. */
BIO *tls_bio_new(struct tls *t);
/* Takes the library's error queue down to one line. */
void tls_why(struct why *why, const char *what);
/* A PEM chain, leaf first. NULL with why when it holds no certificate, or a broken one. */
STACK_OF(X509) * tls_chain_read(struct str pem, struct why *why);
/* A key whose public half is that of the certificate and whose private half is elsewhere. */
EVP_PKEY *tls_remote_key(X509 *leaf, struct tls_signer *signer, uint32_t key, struct why *why);
/* Adds the signing provider to the library; false: it refused. */
bool tls_provider_load(void);
void tls_server_context_ref(struct tls_server_context *c);
void tls_client_context_ref(struct tls_client_context *c);
