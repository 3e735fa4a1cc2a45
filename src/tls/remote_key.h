// SPDX-License-Identifier: ISC
/* Private to the signing provider: keys (remote_key.c) and signatures (provider.c). */
#pragma once
#include <openssl/core_dispatch.h>
#include "tls/inside.h"

#define PROVIDER_NAME "penny-sign"
#define ENTRY(id, function) {(id), (void (*)(void))(function)}

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

extern const OSSL_DISPATCH remote_key_table_ec[], remote_key_table_rsa[], remote_key_table_ed25519[];
