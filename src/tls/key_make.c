// SPDX-License-Identifier: ISC
/* Keys made here, and their public halves as others want them: in the DNS for DKIM. */
#include "tls/inside.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

bool tls_key_generate(enum tls_key_kind kind, struct buf *key_pem, struct why *why)
{
    EVP_PKEY *key = NULL;
    if (tls_warm() && kind == TLS_KEY_ED25519)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else if (tls_warm() && kind == TLS_KEY_RSA)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    else if (tls_warm() && kind == TLS_KEY_EC)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    BIO *bio = key ? BIO_new(BIO_s_secmem()) : NULL;
    char *p = NULL;
    long n = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 ? BIO_get_mem_data(bio, &p) : 0;
    bool ok = n > 0;
    if (ok) {
        buf_add(key_pem, str_of(p, (size_t)n));
        ok = !key_pem->full;
    }
    if (!ok)
        tls_why(why, "no key could be made");
    BIO_free(bio);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

enum tls_key_kind tls_key_kind(const struct tls_key *k)
{
    return EVP_PKEY_is_a(k->key, "ED25519") ? TLS_KEY_ED25519
           : EVP_PKEY_is_a(k->key, "RSA")   ? TLS_KEY_RSA
           : EVP_PKEY_is_a(k->key, "EC")    ? TLS_KEY_EC
                                            : TLS_KEY_OTHER;
}

bool tls_key_public(const struct tls_key *k, struct buf *to)
{
    size_t n = 32;
    char *p;
    bool ok = false;
    if (tls_key_kind(k) == TLS_KEY_ED25519) {
        p = buf_reserve(to, n);
        ok = p && EVP_PKEY_get_raw_public_key(k->key, (unsigned char *)p, &n) == 1 && n == 32;
        if (ok)
            buf_wrote(to, n);
    } else {
        unsigned char *der = NULL;
        int size = i2d_PUBKEY(k->key, &der);
        if (size > 0)
            buf_add(to, str_of(der, (size_t)size));
        ok = size > 0 && !to->full;
        OPENSSL_free(der);
    }
    ERR_clear_error();
    return ok;
}

static bool sign_ed25519(EVP_PKEY *key, const unsigned char sha256[32], struct buf *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 64;
    char *to = buf_reserve(signature, n);
    bool ok = ctx && to && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
              EVP_DigestSign(ctx, (unsigned char *)to, &n, sha256, 32) == 1;
    if (ok)
        buf_wrote(signature, n);
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool rsa_ready(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0;
}

static bool sign_rsa(EVP_PKEY *key, const unsigned char sha256[32], struct buf *signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t n = 0;
    char *to = NULL;
    bool ok = ctx && EVP_PKEY_sign_init(ctx) > 0 && rsa_ready(ctx) && EVP_PKEY_sign(ctx, NULL, &n, sha256, 32) > 0 &&
              (to = buf_reserve(signature, n)) != NULL && EVP_PKEY_sign(ctx, (unsigned char *)to, &n, sha256, 32) > 0;
    if (ok)
        buf_wrote(signature, n);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

bool tls_key_sign_hash(struct tls_key *k, const unsigned char sha256[32], struct buf *signature)
{
    enum tls_key_kind kind = tls_key_kind(k);
    bool ok = kind == TLS_KEY_ED25519 ? sign_ed25519(k->key, sha256, signature)
              : kind == TLS_KEY_RSA   ? sign_rsa(k->key, sha256, signature)
                                      : false;
    ERR_clear_error();
    return ok;
}

bool tls_public_verify_hash(struct str public_key, const unsigned char sha256[32], struct str signature)
{
    const unsigned char *p = (const unsigned char *)public_key.p, *given = (const unsigned char *)signature.p;
    EVP_PKEY *key = NULL;
    bool ok = false;
    if (!tls_warm() || public_key.n == 0 || public_key.n > UINT16_MAX)
        return false;
    if (public_key.n == 32) {
        key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, p, 32);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        ok = key && ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(ctx, given, signature.n, sha256, 32) == 1;
        EVP_MD_CTX_free(ctx);
    } else {
        key = d2i_PUBKEY(NULL, &p, (long)public_key.n);
        EVP_PKEY_CTX *ctx = key && EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
        ok = ctx && EVP_PKEY_verify_init(ctx) > 0 && rsa_ready(ctx) && EVP_PKEY_verify(ctx, given, signature.n, sha256, 32) == 1;
        EVP_PKEY_CTX_free(ctx);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}
