// SPDX-License-Identifier: ISC
#include "tls/digest.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "base/check.h"
#include "tls/inside.h"

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
    check(tls_warm() && PKCS5_PBKDF2_HMAC(password.n ? password.p : "", (int)password.n, (const unsigned char *)salt.p, (int)salt.n,
                                          (int)iterations, md(d), (int)tls_digest_size(d), out) == 1);
}
