// SPDX-License-Identifier: ISC
/* What both ends agree to: TLS 1.2 and 1.3, forward secrecy only, no compression, no renegotiation. Client contexts live here,
 * too. */
#include "base/fail.h"
#include "tls/inside.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

/* TLS 1.2: authenticated encryption first; the CBC suites with SHA-2 stay for senders of the Windows 2012 age, which otherwise
 * send in the clear. */
#define CIPHERS_12                                                                                                               \
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"                                             \
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:!aNULL"
#define CIPHERS_13 "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define GROUPS     "X25519:P-256:P-384:P-521"

SSL_CTX *tls_ctx_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* sessions are kept in tickets, by the clients */
    SSL_CTX_set_security_level(ctx, 2);                      /* RSA from 2,048 bits, no SHA-1 signatures */
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(ctx, CIPHERS_12) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) != 1 || SSL_CTX_set1_groups_list(ctx, GROUPS) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* A bundle as distributions ship it: hundreds of certificates with comments between them. Doubles are no error. */
static int store_fill(X509_STORE *store, struct str pem)
{
    int added = 0;
    BIO *bio = pem.n > 0 && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *x;
    while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, "")) != NULL) {
        added += X509_STORE_add_cert(store, x) == 1;
        X509_free(x);
    }
    ERR_clear_error();
    BIO_free(bio);
    return added;
}

struct tls_client_context *tls_client_context_new(struct str ca_pem, bool verify)
{
    struct tls_client_context *c = NULL;
    SSL_CTX *ctx = tls_warm() ? tls_ctx_new(TLS_client_method()) : NULL;
    if (!ctx || (store_fill(SSL_CTX_get_cert_store(ctx), ca_pem) == 0 && verify) || (c = fail_calloc(1, sizeof *c)) == NULL) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    if (SSL_CTX_dane_enable(ctx) != 1) { /* costs a table; what a session does with it is its own business */
        SSL_CTX_free(ctx);
        free(c);
        return NULL;
    }
    SSL_CTX_dane_set_flags(ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7672 3.2.1 */
    SSL_CTX_set_verify(ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    atomic_init(&c->references, 1);
    c->ctx = ctx;
    return c;
}

void tls_client_context_ref(struct tls_client_context *c)
{
    atomic_fetch_add(&c->references, 1);
}

void tls_client_context_free(struct tls_client_context *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) != 1)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}
