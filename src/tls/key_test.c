// SPDX-License-Identifier: ISC
#include "base/clock.h"
#include "base/test.h"
#include "tls/digest.h"
#include "tls/tls.h"

static char key_store[4096], chain_store[4096];
static struct buf key_pem, chain_pem;

static void make(const char *host)
{
    struct why why;
    buf_fixed(&key_pem, key_store, sizeof key_store);
    buf_fixed(&chain_pem, chain_store, sizeof chain_store);
    CHECK(tls_self_signed(str_c(host), &key_pem, &chain_pem, &why));
}

TEST(self_signed)
{
    struct why why;
    char names[512];
    struct buf to;
    int64_t until = 0;
    make("mail.demo.test");
    buf_fixed(&to, names, sizeof names);
    CHECK(tls_certificate_facts(buf_str(&chain_pem), &until, &to, &why));
    CHECK_STR(buf_str(&to), S("mail.demo.test localhost"));
    int64_t days = (until - clock_unix_ms() / 1000) / 86400;
    CHECK(days >= 3648 && days <= 3651);
    struct tls_key *k = tls_key_read(buf_str(&key_pem), &why);
    CHECK(k && tls_key_fits(k, buf_str(&chain_pem)));
    struct str old = buf_str(&chain_pem);
    char copy[4096];
    memcpy(copy, old.p, old.n);
    make("mail.demo.test");
    CHECK(!tls_key_fits(k, buf_str(&chain_pem)));
    CHECK(tls_key_fits(k, str_of(copy, old.n)));
    tls_key_free(k);
    static const char *const bad[] = {"", "a b", "a,IP:1.2.3.4", "a\nb", "\xc3\xa4.test"};
    for (size_t i = 0; i < countof(bad); i++) {
        why.text[0] = '\0';
        CHECK(!tls_self_signed(str_c(bad[i]), &key_pem, &chain_pem, &why) && why.text[0]);
    }
    buf_fixed(&key_pem, key_store, 10);
    buf_fixed(&chain_pem, chain_store, 10);
    CHECK(!tls_self_signed(S("a.test"), &key_pem, &chain_pem, &why));
}

TEST(signatures_only_of_the_right_kind)
{
    struct why why;
    char store[200];
    struct buf to;
    make("a.test");
    struct tls_key *k = tls_key_read(buf_str(&key_pem), &why);
    static const struct { const char *alg, *digest; bool ok; } cases[] = {
        {"ECDSA", "SHA256", true}, {"ECDSA", "SHA384", true},  {"ECDSA", "SHA512", true}, {"ECDSA", "", false},   {"ECDSA", "MD5", false},
        {"ECDSA", "SHA1", false},  {"RSA-PSS", "SHA256", false}, {"ED25519", "", false},  {"nonsense", "SHA256", false}, {"", "", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        buf_fixed(&to, store, sizeof store);
        CHECK(tls_key_sign(k, cases[i].alg, cases[i].digest, S("to be signed"), &to) == cases[i].ok);
        CHECK((to.n > 0) == cases[i].ok);
    }
    buf_fixed(&to, store, 8);
    CHECK(!tls_key_sign(k, "ECDSA", "SHA256", S("x"), &to));
    tls_key_free(k);
}

TEST(broken_pem)
{
    struct why why;
    struct buf names;
    char store[100];
    int64_t until;
    static const char locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                 "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhPGZKUlsgW2QICCAAw\n"
                                 "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENxvHPxaZJUjcAq0t9Gl5f4EQDQb\n"
                                 "-----END ENCRYPTED PRIVATE KEY-----\n";
    static const char *const bad[] = {"", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", locked,
                                      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    for (size_t i = 0; i < countof(bad); i++) {
        why.text[0] = '\0';
        CHECK(tls_key_read(str_c(bad[i]), &why) == NULL && why.text[0]);
        why.text[0] = '\0';
        buf_fixed(&names, store, sizeof store);
        CHECK(!tls_certificate_facts(str_c(bad[i]), &until, &names, &why) && why.text[0]);
        struct tls_server_context *c = tls_server_context_new(&why);
        why.text[0] = '\0';
        CHECK(!tls_server_context_add(c, str_c(bad[i]), 0, &why) && why.text[0]);
        CHECK(tls_server_new(c) == NULL); /* nothing to show */
        tls_server_context_free(c);
    }
    /* A good certificate with a broken one behind it: said, not shortened. */
    make("a.test");
    struct buf both;
    char both_store[8192];
    buf_fixed(&both, both_store, sizeof both_store);
    buf_add(&both, buf_str(&chain_pem));
    buf_add_c(&both, bad[4]);
    buf_fixed(&names, store, sizeof store);
    CHECK(!tls_certificate_facts(buf_str(&both), &until, &names, &why));
    CHECK(strstr(why.text, "broken") != NULL);
}

static void hex_is(const unsigned char *p, size_t n, const char *want)
{
    char text[65];
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", p[i]);
    CHECK_STR(str_c(text), str_c(want));
}

TEST(digests)
{
    unsigned char out[TLS_DIGEST_MAX];
    CHECK_NUM(tls_digest_size(TLS_SHA1), 20);
    tls_hash(TLS_SHA1, S("abc"), out);
    hex_is(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d"); /* FIPS 180-4 */
    tls_hash(TLS_SHA256, S("abc"), out);
    hex_is(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tls_hmac(TLS_SHA1, S("Jefe"), S("what do ya want for nothing?"), out); /* RFC 2202 3 */
    hex_is(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    tls_hmac(TLS_SHA256, S("Jefe"), S("what do ya want for nothing?"), out); /* RFC 4231 4.3 */
    hex_is(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    tls_pbkdf2(TLS_SHA1, S("password"), S("salt"), 4096, out); /* RFC 6070 2 */
    hex_is(out, 20, "4b007901b765489abead49d926f721d065a429c1");
    tls_pbkdf2(TLS_SHA256, S("passwd"), S("salt"), 1, out); /* RFC 7914 11, first half */
    hex_is(out, 32, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    tls_hmac(TLS_SHA256, STR_NONE, STR_NONE, out);
    hex_is(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
