// SPDX-License-Identifier: ISC
/* Private keys that are not in this process: an OpenSSL 3 provider with keys that hold the public half, and signatures that are asked for by a
   function. Three kinds: EC (ECDSA), RSA (PSS for TLS 1.3, PSS or PKCS#1 1.5 for TLS 1.2), Ed25519. The library hands over the bytes to be signed,
   not yet hashed, so whoever holds the key sees what it signs. Nothing else can be done with these keys: no export, no decryption. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/fail.h"
#include "tls/inside.h"

#define PROVIDER_NAME "penny-sign"
#define PARAM_SIGNER "penny-signer" /* the address of a struct tls_signer, as octets */
#define PARAM_KEY "penny-key"
#define PARAM_SIZES "penny-sizes"   /* int bits, security bits, longest signature */

enum kind { KIND_EC, KIND_RSA, KIND_ED25519 };

struct remote_key {
    enum kind kind;
    struct tls_signer *signer; /* NULL: only a public key, made for comparison */
    uint32_t key;
    int sizes[3];
    char group[64];            /* EC */
    unsigned char public[1024 + 8]; /* EC: the point; RSA: the modulus, big-endian; Ed25519: 32 octets */
    size_t public_n;
};

struct signature {
    struct remote_key *key;
    char digest[16]; /* as tls_sign_fn wants it; empty for Ed25519 */
    bool pss;
};

/* Keys. */

static struct remote_key *key_new(enum kind kind)
{
    struct remote_key *k = fail_calloc(1, sizeof *k);
    if (k)
        k->kind = kind;
    return k;
}

static void *key_new_ec(void *provider)
{
    (void)provider;
    return key_new(KIND_EC);
}

static void *key_new_rsa(void *provider)
{
    (void)provider;
    return key_new(KIND_RSA);
}

static void *key_new_ed25519(void *provider)
{
    (void)provider;
    return key_new(KIND_ED25519);
}

static void key_free(void *key)
{
    free(key);
}

static int key_has(const void *key, int selection)
{
    const struct remote_key *k = key;
    if (!k || k->public_n == 0)
        return 0;
    return !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || k->signer != NULL;
}

static bool key_import_modulus(struct remote_key *k, const OSSL_PARAM *p)
{
    BIGNUM *n = NULL;
    bool ok = OSSL_PARAM_get_BN(p, &n) == 1 && BN_num_bytes(n) > 0 && (size_t)BN_num_bytes(n) <= sizeof k->public;
    if (ok)
        k->public_n = (size_t)BN_bn2bin(n, k->public);
    BN_free(n);
    return ok;
}

static int key_import(void *key, int selection, const OSSL_PARAM params[])
{
    struct remote_key *k = key;
    const OSSL_PARAM *p;
    (void)selection;
    if (k->kind == KIND_RSA) {
        if ((p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_N)) == NULL || !key_import_modulus(k, p))
            return 0;
    } else {
        void *to = k->public;
        if ((p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY)) == NULL ||
            OSSL_PARAM_get_octet_string(p, &to, sizeof k->public, &k->public_n) != 1)
            return 0;
    }
    char *group = k->group;
    if (k->kind == KIND_EC && (p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME)) != NULL &&
        OSSL_PARAM_get_utf8_string(p, &group, sizeof k->group) != 1)
        return 0;
    void *signer = &k->signer, *sizes = k->sizes;
    if ((p = OSSL_PARAM_locate_const(params, PARAM_SIGNER)) != NULL &&
        (p->data_size != sizeof k->signer || OSSL_PARAM_get_octet_string(p, &signer, sizeof k->signer, NULL) != 1))
        return 0;
    if ((p = OSSL_PARAM_locate_const(params, PARAM_SIZES)) != NULL &&
        (p->data_size != sizeof k->sizes || OSSL_PARAM_get_octet_string(p, &sizes, sizeof k->sizes, NULL) != 1))
        return 0;
    if ((p = OSSL_PARAM_locate_const(params, PARAM_KEY)) != NULL && OSSL_PARAM_get_uint32(p, &k->key) != 1)
        return 0;
    return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_octet_string(PARAM_SIGNER, NULL, 0),
        OSSL_PARAM_octet_string(PARAM_SIZES, NULL, 0),
        OSSL_PARAM_uint32(PARAM_KEY, NULL),
        OSSL_PARAM_END,
    };
    (void)selection;
    return types;
}

static int key_match(const void *one, const void *two, int selection)
{
    const struct remote_key *a = one, *b = two;
    (void)selection;
    return a->kind == b->kind && a->public_n > 0 && a->public_n == b->public_n && memcmp(a->public, b->public, a->public_n) == 0;
}

static int key_get_params(void *key, OSSL_PARAM params[])
{
    const struct remote_key *k = key;
    static const char *const size_names[3] = {OSSL_PKEY_PARAM_BITS, OSSL_PKEY_PARAM_SECURITY_BITS, OSSL_PKEY_PARAM_MAX_SIZE};
    OSSL_PARAM *p;
    for (size_t i = 0; i < 3; i++)
        if ((p = OSSL_PARAM_locate(params, size_names[i])) != NULL && OSSL_PARAM_set_int(p, k->sizes[i]) != 1)
            return 0;
    if (k->kind == KIND_EC && (p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_GROUP_NAME)) != NULL &&
        OSSL_PARAM_set_utf8_string(p, k->group) != 1)
        return 0;
    if (k->kind == KIND_ED25519) { /* hashes on its own */
        if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MANDATORY_DIGEST)) != NULL && OSSL_PARAM_set_utf8_string(p, "") != 1)
            return 0;
    } else if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST)) != NULL &&
               OSSL_PARAM_set_utf8_string(p, "SHA256") != 1) {
        return 0;
    }
    return 1;
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider;
    return types;
}

static const char *key_operation_ec(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

static const char *key_operation_rsa(int operation)
{
    (void)operation;
    return "RSA";
}

static const char *key_operation_ed25519(int operation)
{
    (void)operation;
    return "ED25519";
}

/* Signatures. */

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

/* The tables that the library asks for. */

#define ENTRY(id, function) {(id), (void (*)(void))(function)}
#define KEY_TABLE(kind)                                                                                        \
    {                                                                                                          \
        ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new_##kind), ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),                 \
        ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has), ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),                    \
        ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types), ENTRY(OSSL_FUNC_KEYMGMT_MATCH, key_match),    \
        ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                                                   \
        ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),                                         \
        ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_##kind), {0, NULL},                        \
    }

static const OSSL_DISPATCH key_table_ec[] = KEY_TABLE(ec);
static const OSSL_DISPATCH key_table_rsa[] = KEY_TABLE(rsa);
static const OSSL_DISPATCH key_table_ed25519[] = KEY_TABLE(ed25519);

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
    {"EC:id-ecPublicKey", "provider=" PROVIDER_NAME, key_table_ec, NULL},
    {"RSA:rsaEncryption", "provider=" PROVIDER_NAME, key_table_rsa, NULL},
    {"ED25519", "provider=" PROVIDER_NAME, key_table_ed25519, NULL},
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

EVP_PKEY *tls_remote_key(X509 *leaf, struct tls_signer *signer, uint32_t key, struct why *why)
{
    EVP_PKEY *public = X509_get0_pubkey(leaf), *made = NULL;
    static const char *const kinds[] = {"EC", "RSA", "ED25519"};
    const char *kind = NULL;
    for (size_t i = 0; public && i < countof(kinds); i++)
        if (EVP_PKEY_is_a(public, kinds[i]))
            kind = kinds[i];
    if (!kind) {
        tls_why(why, "the certificate's key is of a kind that cannot be used (EC, RSA and Ed25519 can)");
        return NULL;
    }
    int sizes[3] = {EVP_PKEY_get_bits(public), EVP_PKEY_get_security_bits(public), EVP_PKEY_get_size(public)};
    OSSL_PARAM own[] = {
        OSSL_PARAM_construct_octet_string(PARAM_SIGNER, (void *)&signer, sizeof signer),
        OSSL_PARAM_construct_octet_string(PARAM_SIZES, sizes, sizeof sizes),
        OSSL_PARAM_construct_uint32(PARAM_KEY, &key),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM *from_public = NULL, *all = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=" PROVIDER_NAME);
    if (!ctx || EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &from_public) != 1 || (all = OSSL_PARAM_merge(from_public, own)) == NULL ||
        EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_KEYPAIR, all) != 1)
        tls_why(why, "the certificate's key cannot be used");
    OPENSSL_free(all);
    OSSL_PARAM_free(from_public);
    EVP_PKEY_CTX_free(ctx);
    return made;
}
