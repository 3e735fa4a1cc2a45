// SPDX-License-Identifier: ISC
/* What the store keeps of a password: an argon2id hash for mechanisms that send it, and SCRAM's keys (RFC 5802 3) for those that do not. Neither
   gives the password back; the SCRAM keys are the cheaper to guess at, which is why nobody but the keys role sees them. */
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include "base/check.h"
#include "base/random.h"
#include "login/inside.h"
#include "tls/tls.h"

static unsigned char fake_secret[32];
static bool fake_secret_set;
static pthread_once_t warm_once = PTHREAD_ONCE_INIT;

static void warm(void)
{
    check(sodium_init() >= 0);
    check(tls_warm());
    if (!fake_secret_set)
        random_bytes(fake_secret, sizeof fake_secret);
}

void login_warm(void)
{
    pthread_once(&warm_once, warm);
}

void login_fake_secret(const unsigned char secret[32])
{
    memcpy(fake_secret, secret, sizeof fake_secret);
    fake_secret_set = true;
}

/* SaltedPassword = Hi(password, salt, i); ClientKey, StoredKey = H(ClientKey), ServerKey. Any of the three may be NULL. */
void scram_keys(enum tls_digest d, struct str password, struct str salt, uint32_t iterations, unsigned char *stored, unsigned char *server,
                unsigned char *client)
{
    unsigned char salted[TLS_DIGEST_MAX], key[TLS_DIGEST_MAX];
    size_t n = tls_digest_size(d);
    tls_pbkdf2(d, password, salt, iterations, salted);
    tls_hmac(d, str_of(salted, n), S("Client Key"), key);
    if (client)
        memcpy(client, key, n);
    if (stored)
        tls_hash(d, str_of(key, n), stored);
    if (server)
        tls_hmac(d, str_of(salted, n), S("Server Key"), server);
    sodium_memzero(salted, sizeof salted);
    sodium_memzero(key, sizeof key);
}

/* The same text as libsodium's crypto_pwhash_str makes, with a salt of our own drawing. */
void login_argon2_text(const unsigned char salt[16], const unsigned char hash[32], char *to, size_t cap)
{
    char salt_text[32], hash_text[64];
    sodium_bin2base64(salt_text, sizeof salt_text, salt, 16, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    sodium_bin2base64(hash_text, sizeof hash_text, hash, 32, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    int n = snprintf(to, cap, "$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", ARGON2_MEMORY / 1024, ARGON2_TIME, salt_text, hash_text);
    check(n > 0 && (size_t)n < cap);
}

enum outcome login_verifier_make(struct str password, struct login_verifier *to, struct why *why)
{
    char text[LOGIN_PASSWORD_MAX];
    struct buf prepared;
    unsigned char salt[16], hash[32];
    login_warm();
    buf_fixed(&prepared, text, sizeof text);
    memset(to, 0, sizeof *to);
    if (!login_prepare_password(password, &prepared, why)) {
        sodium_memzero(text, sizeof text);
        return REFUSE;
    }
    random_bytes(salt, sizeof salt);
    bool hashed = crypto_pwhash(hash, sizeof hash, prepared.p, prepared.n, salt, ARGON2_TIME, ARGON2_MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0;
    if (hashed) {
        to->version = 1;
        login_argon2_text(salt, hash, to->argon2id, sizeof to->argon2id);
        to->scram_iterations = SCRAM_ITERATIONS;
        random_bytes(to->scram_salt, sizeof to->scram_salt);
        struct str scram_salt = str_of(to->scram_salt, sizeof to->scram_salt);
        scram_keys(TLS_SHA256, buf_str(&prepared), scram_salt, SCRAM_ITERATIONS, to->sha256_stored, to->sha256_server, NULL);
        scram_keys(TLS_SHA1, buf_str(&prepared), scram_salt, SCRAM_ITERATIONS, to->sha1_stored, to->sha1_server, NULL);
    } else {
        login_why(why, "not enough memory to hash a password");
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(hash, sizeof hash);
    return hashed ? DONE : RETRY;
}

/* A password that cannot be prepared costs a hash, too: its answer must not come sooner. */
enum outcome login_password_check(struct str password, const struct login_verifier *v)
{
    char text[LOGIN_PASSWORD_MAX], known[sizeof v->argon2id + 1];
    struct buf prepared;
    login_warm();
    buf_fixed(&prepared, text, sizeof text);
    bool fits = login_prepare_password(password, &prepared, NULL);
    memcpy(known, v->argon2id, sizeof v->argon2id);
    known[sizeof v->argon2id] = '\0';
    errno = 0;
    bool equal = crypto_pwhash_str_verify(known, prepared.n ? prepared.p : "", fits ? prepared.n : 0) == 0;
    int error = errno;
    sodium_memzero(text, sizeof text);
    if (equal && fits && v->version == 1)
        return DONE;
    return !equal && error == ENOMEM ? RETRY : REFUSE;
}

bool login_password_is(struct str password, const struct login_verifier *v)
{
    return login_password_check(password, v) == DONE;
}

/* Salt and keys of somebody who does not exist, derived from the name and the secret: whoever asks twice sees the same salt twice. */
void login_fake_verifier(struct str user, struct login_verifier *to)
{
    unsigned char of_user[32], octets[32];
    login_warm();
    memset(to, 0, sizeof *to);
    crypto_generichash(of_user, sizeof of_user, (const unsigned char *)user.p, user.n, fake_secret, sizeof fake_secret);
    to->version = 1;
    to->scram_iterations = SCRAM_ITERATIONS;
    memcpy(to->scram_salt, of_user, sizeof to->scram_salt);
    crypto_generichash(octets, sizeof octets, (const unsigned char *)"keys", 4, of_user, sizeof of_user);
    memcpy(to->sha256_stored, octets, 32);
    memcpy(to->sha256_server, octets, 32);
    memcpy(to->sha1_stored, octets, 20);
    memcpy(to->sha1_server, octets, 20);
    login_argon2_text(of_user, octets, to->argon2id, sizeof to->argon2id);
    sodium_memzero(of_user, sizeof of_user);
    sodium_memzero(octets, sizeof octets);
}
