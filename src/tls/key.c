// SPDX-License-Identifier: ISC
/* Private keys, where they live: read from PEM, sign. */
#include "base/fail.h"
#include "tls/inside.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

/* Never ask a terminal: a key with a pass phrase is a mistake that the administrator must hear of. */
static int no_phrase(char *to, int room, int writing, void *encrypted)
{
    (void)to;
    (void)room;
    (void)writing;
    *(bool *)encrypted = true;
    return -1;
}

struct tls_key *tls_key_read(struct str pem, struct why *why)
{
    bool encrypted = false;
    BIO *bio = tls_warm() && pem.n > 0 && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, &encrypted) : NULL;
    BIO_free(bio);
    struct tls_key *k = NULL;
    if (!key) {
        tls_why(why, encrypted ? "the key has a pass phrase; store it without one" : "no private key in PEM form");
    } else if (!EVP_PKEY_is_a(key, "EC") && !EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "ED25519")) {
        tls_why(why, "a key of this kind cannot be used (EC, RSA and Ed25519 can)");
    } else if ((k = fail_calloc(1, sizeof *k)) != NULL) {
        k->key = key;
        return k;
    }
    EVP_PKEY_free(key);
    return NULL;
}

void tls_key_free(struct tls_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->key);
    free(k);
}

/* Only the combinations that TLS uses: whoever asks may be a process that strangers took over. */
static bool alg_fits(EVP_PKEY *key, struct str alg, struct str digest)
{
    if (str_eq(alg, S("ED25519")))
        return EVP_PKEY_is_a(key, "ED25519") && digest.n == 0;
    if (!str_eq(digest, S("SHA256")) && !str_eq(digest, S("SHA384")) && !str_eq(digest, S("SHA512")))
        return false;
    if (str_eq(alg, S("ECDSA")))
        return EVP_PKEY_is_a(key, "EC");
    return (str_eq(alg, S("RSA-PSS")) || str_eq(alg, S("RSA-PKCS1"))) && EVP_PKEY_is_a(key, "RSA");
}

bool tls_key_sign(struct tls_key *k, const char *alg, const char *digest, struct str tbs, struct buf *signature)
{
    if (!alg_fits(k->key, str_c(alg), str_c(digest)))
        return false;
    bool pss = str_eq(str_c(alg), S("RSA-PSS"));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    size_t n = 0;
    char *to;
    bool ok = ctx && EVP_DigestSignInit_ex(ctx, &options, *digest ? digest : NULL, NULL, NULL, k->key, NULL) == 1 &&
              (!pss || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0)) &&
              EVP_DigestSign(ctx, NULL, &n, (const unsigned char *)tbs.p, tbs.n) == 1 &&
              (to = buf_reserve(signature, n)) != NULL &&
              EVP_DigestSign(ctx, (unsigned char *)to, &n, (const unsigned char *)tbs.p, tbs.n) == 1;
    if (ok)
        buf_wrote(signature, n);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

bool tls_key_fits(struct tls_key *k, struct str chain_pem)
{
    STACK_OF(X509) *chain = tls_chain_read(chain_pem, NULL);
    bool fits = chain && X509_check_private_key(sk_X509_value(chain, 0), k->key) == 1;
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return fits;
}
