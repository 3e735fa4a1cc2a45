// SPDX-License-Identifier: ISC
/* Private keys that are not in this process: an OpenSSL 3 provider with keys that hold the public half, and signatures that are asked for by a
   function. Three kinds: EC (ECDSA), RSA (PSS for TLS 1.3, PSS or PKCS#1 1.5 for TLS 1.2), Ed25519. The library hands over the bytes to be signed,
   not yet hashed, so whoever holds the key sees what it signs. Nothing else can be done with these keys: no export, no decryption. */
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/fail.h"
#include "tls/remote_key.h"

struct signature {
    struct remote_key *key;
    char digest[16]; /* as tls_sign_fn wants it; empty for Ed25519 */
    bool pss;
};

static void *signature_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return fail_calloc(1, sizeof(struct signature));
}

static void signature_free(void *signature)
{
    free(signature);
}

static void *signature_dup(void *signature)
{
    struct signature *to = fail_malloc(sizeof *to);
    if (to)
        memcpy(to, signature, sizeof *to);
    return to;
}

/* The library knows each digest by several names; the signing function is promised one. */
static const char *digest_name(const char *name)
{
    static const char *const names[][2] = {{"SHA256", "SHA2-256"}, {"SHA384", "SHA2-384"}, {"SHA512", "SHA2-512"}};
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_icase(str_c(name), str_c(names[i][0])) || str_eq_icase(str_c(name), str_c(names[i][1])))
            return names[i][0];
    return NULL;
}

static int signature_set_params(void *signature, const OSSL_PARAM params[])
{
    struct signature *s = signature;
    const OSSL_PARAM *p = params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;
    if (p && p->data_type == OSSL_PARAM_UTF8_STRING) {
        struct str mode = str_c(p->data);
        if (!str_eq(mode, S(OSSL_PKEY_RSA_PAD_MODE_PSS)) && !str_eq(mode, S(OSSL_PKEY_RSA_PAD_MODE_PKCSV15)))
            return 0;
        s->pss = str_eq(mode, S(OSSL_PKEY_RSA_PAD_MODE_PSS));
    } else if (p) {
        int mode = 0;
        if (OSSL_PARAM_get_int(p, &mode) != 1 || (mode != RSA_PKCS1_PSS_PADDING && mode != RSA_PKCS1_PADDING))
            return 0;
        s->pss = mode == RSA_PKCS1_PSS_PADDING;
    }
    /* TLS salts PSS with as many octets as the digest has (RFC 8446 4.2.3): the only length that is promised to the signing function. */
    p = params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN) : NULL;
    if (p && p->data_type == OSSL_PARAM_UTF8_STRING)
        return str_eq(str_c(p->data), S(OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST));
    int salt = RSA_PSS_SALTLEN_DIGEST;
    return !p || (OSSL_PARAM_get_int(p, &salt) == 1 && salt == RSA_PSS_SALTLEN_DIGEST);
}

static const OSSL_PARAM *signature_settable_params(void *signature, void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)signature;
    (void)provider;
    return types;
}

static int signature_init(void *signature, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct signature *s = signature;
    if (key)
        s->key = key;
    if (!s->key)
        return 0;
    if (s->key->kind == KIND_ED25519) {
        if (digest && *digest)
            return 0;
        s->digest[0] = '\0';
    } else {
        const char *name = digest_name(digest && *digest ? digest : "SHA256");
        if (!name)
            return 0; /* SHA-1 and its like: the hand-shake chooses another */
        snprintf(s->digest, sizeof s->digest, "%s", name);
    }
    return signature_set_params(s, params);
}

static int signature_sign(void *signature, unsigned char *to, size_t *n, size_t room, const unsigned char *tbs, size_t tbs_n)
{
    const struct signature *s = signature;
    const struct remote_key *k = s->key;
    if (!to) {
        *n = (size_t)k->sizes[2];
        return k->sizes[2] > 0;
    }
    if (!k->signer || !k->signer->sign)
        return 0;
    static const char *const names[] = {[KIND_EC] = "ECDSA", [KIND_RSA] = "RSA-PKCS1", [KIND_ED25519] = "ED25519"};
    struct buf out;
    buf_fixed(&out, to, room);
    if (!k->signer->sign(k->signer->to, k->key, s->pss ? "RSA-PSS" : names[k->kind], s->digest, str_of(tbs, tbs_n), &out) ||
        out.full || out.n == 0)
        return 0;
    *n = out.n;
    return 1;
}

static const OSSL_DISPATCH signature_table[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
    ENTRY(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dup),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_init),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_sign),
    ENTRY(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signature_set_params),
    ENTRY(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signature_settable_params),
    {0, NULL},
};

static const OSSL_ALGORITHM key_algorithms[] = {
    {"EC:id-ecPublicKey", "provider=" PROVIDER_NAME, remote_key_table_ec, NULL},
    {"RSA:rsaEncryption", "provider=" PROVIDER_NAME, remote_key_table_rsa, NULL},
    {"ED25519", "provider=" PROVIDER_NAME, remote_key_table_ed25519, NULL},
    {NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signature_algorithms[] = {
    {"ECDSA", "provider=" PROVIDER_NAME, signature_table, NULL},
    {"RSA:rsaEncryption", "provider=" PROVIDER_NAME, signature_table, NULL},
    {"ED25519", "provider=" PROVIDER_NAME, signature_table, NULL},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_KEYMGMT ? key_algorithms : operation == OSSL_OP_SIGNATURE ? signature_algorithms : NULL;
}

static const OSSL_DISPATCH provider_table[] = {ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query), {0, NULL}};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
    static char self;
    (void)handle;
    (void)in;
    *out = provider_table;
    *provider = &self;
    return 1;
}

bool tls_provider_load(void)
{
    return OSSL_PROVIDER_add_builtin(NULL, PROVIDER_NAME, provider_init) == 1 && OSSL_PROVIDER_load(NULL, PROVIDER_NAME) != NULL;
}
