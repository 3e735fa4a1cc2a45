// SPDX-License-Identifier: ISC
/* The few digests of the crypto library that other folders need: SCRAM's key derivation (RFC 5802 2.2) and SHA-1, which libsodium
 * lacks. */
#pragma once
#include "base/str.h"

enum tls_digest { TLS_SHA1, TLS_SHA256 };
enum { TLS_DIGEST_MAX = 32 };

/* 20 or 32. */
size_t tls_digest_size(enum tls_digest d);
/* Each writes tls_digest_size octets to out. They fail only when the library is broken: then the process ends. */
void tls_hash(enum tls_digest d, struct str bytes, unsigned char *out);
void tls_hmac(enum tls_digest d, struct str key, struct str bytes, unsigned char *out);
/* PBKDF2 with HMAC, one block: SCRAM's Hi(). iterations 1 … 10,000,000. */
void tls_pbkdf2(enum tls_digest d, struct str password, struct str salt, uint32_t iterations, unsigned char *out);
/* The same over pieces. new: NULL: no memory. end writes the digest and frees; free is for one that is not needed any more (NULL
 * allowed). */
struct tls_hash;
struct tls_hash *tls_hash_new(enum tls_digest d);
void tls_hash_add(struct tls_hash *h, struct str bytes);
void tls_hash_end(struct tls_hash *h, unsigned char *out);
void tls_hash_free(struct tls_hash *h);
