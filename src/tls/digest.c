// SPDX-License-Identifier: ISC
#include "tls/digest.h"
#include "base/check.h"
#include "base/fail.h"
#include "tls/inside.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static const EVP_MD *md(enum tls_digest d)
{
    return d == TLS_SHA1 ? EVP_sha1() : EVP_sha256();
}

size_t tls_digest_size(enum tls_digest d)
{
    return d == TLS_SHA1 ? 20 : 32;
}

void tls_hash(enum tls_digest d, struct str bytes, unsigned char *out)
{
    unsigned n = 0;
    check(tls_warm() && EVP_Digest(bytes.p, bytes.n, out, &n, md(d), NULL) == 1 && n == tls_digest_size(d));
}

void tls_hmac(enum tls_digest d, struct str key, struct str bytes, unsigned char *out)
{
    unsigned n = 0;
    check(key.n <= INT32_MAX);
    check(tls_warm() && HMAC(md(d), key.n ? key.p : "", (int)key.n, (const unsigned char *)bytes.p, bytes.n, out, &n) &&
          n == tls_digest_size(d));
}

void tls_pbkdf2(enum tls_digest d, struct str password, struct str salt, uint32_t iterations, unsigned char *out)
{
    check(iterations >= 1 && iterations <= 10000000 && password.n <= INT32_MAX && salt.n <= INT32_MAX);
    check(tls_warm() && PKCS5_PBKDF2_HMAC(password.n ? password.p : "", (int)password.n, (const unsigned char *)salt.p,
                                          (int)salt.n, (int)iterations, md(d), (int)tls_digest_size(d), out) == 1);
}

struct tls_hash {
    EVP_MD_CTX *ctx;
    enum tls_digest digest;
};

struct tls_hash *tls_hash_new(enum tls_digest d)
{
    struct tls_hash *h = tls_warm() ? fail_calloc(1, sizeof *h) : NULL;
    EVP_MD_CTX *ctx = h ? EVP_MD_CTX_new() : NULL;
    if (!ctx) {
        free(h);
        return NULL;
    }
    check(EVP_DigestInit_ex2(ctx, md(d), NULL) == 1);
    *h = (struct tls_hash){ctx, d};
    return h;
}

void tls_hash_add(struct tls_hash *h, struct str bytes)
{
    check(bytes.n == 0 || EVP_DigestUpdate(h->ctx, bytes.p, bytes.n) == 1);
}

void tls_hash_end(struct tls_hash *h, unsigned char *out)
{
    unsigned n = 0;
    check(EVP_DigestFinal_ex(h->ctx, out, &n) == 1 && n == tls_digest_size(h->digest));
    tls_hash_free(h);
}

void tls_hash_free(struct tls_hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}
