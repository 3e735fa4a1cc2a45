// SPDX-License-Identifier: ISC
/* Makes the crypto library ready, once a process. No configuration file is read: what we negotiate is decided here and in context.c, the same on
   every machine. After this nothing in the library opens a file: algorithms come from the built-in provider, seeds from getrandom(2). */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdio.h>
#include "base/check.h"
#include "tls/inside.h"

static pthread_once_t warm_once = PTHREAD_ONCE_INIT;
static bool warm_ok;

static void warm(void)
{
    const uint64_t options = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_SSL_STRINGS |
                             OPENSSL_INIT_NO_ATEXIT;
    unsigned char seed[16];
    if (OPENSSL_init_ssl(options, NULL) != 1 || !OSSL_PROVIDER_load(NULL, "default") || !tls_provider_load() ||
        EVP_set_default_properties(NULL, "?provider=default") != 1 || RAND_bytes(seed, sizeof seed) != 1 ||
        RAND_priv_bytes(seed, sizeof seed) != 1)
        return;
    /* The first context makes the library look up every cipher and group that it knows. */
    SSL_CTX *ctx = tls_ctx_new(TLS_method());
    warm_ok = ctx != NULL;
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

bool tls_warm(void)
{
    pthread_once(&warm_once, warm);
    return warm_ok;
}

void tls_why(struct why *why, const char *what)
{
    unsigned long cause = ERR_get_error(); /* the oldest; those behind it only say where it led */
    ERR_clear_error();
    if (!why)
        return;
    const char *reason = cause ? ERR_reason_error_string(cause) : NULL;
    why->status[0] = '\0';
    if (reason)
        snprintf(why->text, sizeof why->text, "%s: %s", what, reason);
    else
        snprintf(why->text, sizeof why->text, "%s", what);
}
