// SPDX-License-Identifier: ISC
/* Keys whose private half is elsewhere: what the library asks of them. They can be compared and measured; no export, no copy of a secret. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <stdlib.h>
#include "base/fail.h"
#include "tls/remote_key.h"

#define PARAM_SIGNER "penny-signer" /* the address of a struct tls_signer, as octets */
#define PARAM_KEY "penny-key"
#define PARAM_SIZES "penny-sizes"   /* int bits, security bits, longest signature */

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

#define KEY_TABLE(kind)                                                                                        \
    {                                                                                                          \
        ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new_##kind), ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),                 \
        ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has), ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),                    \
        ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types), ENTRY(OSSL_FUNC_KEYMGMT_MATCH, key_match),    \
        ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                                                   \
        ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),                                         \
        ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_##kind), {0, NULL},                        \
    }

const OSSL_DISPATCH remote_key_table_ec[] = KEY_TABLE(ec);
const OSSL_DISPATCH remote_key_table_rsa[] = KEY_TABLE(rsa);
const OSSL_DISPATCH remote_key_table_ed25519[] = KEY_TABLE(ed25519);

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
