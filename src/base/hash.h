/* SPDX-License-Identifier: ISC */
/* Checksums (find rot) and keyed hashes (name content, fill tables that strangers feed). */
#pragma once
#include "base/str.h"

/* CRC-32C (Castagnoli), continued from crc (0 to start). Uses the processor's instruction where there is one. */
uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n);
/* Without the instruction, for tests. */
uint32_t hash_crc32c_by_table(uint32_t crc, const void *p, size_t n);
/* SipHash-2-4 with a key drawn once per process: for hash tables. */
uint64_t hash_table(struct str s);
/* Keyed BLAKE2b, 32 bytes: the address of a body. Incremental. */
struct hash_body { _Alignas(64) unsigned char state[384]; };
void hash_body_init(struct hash_body *h, const unsigned char key[32]);
void hash_body_add(struct hash_body *h, const void *p, size_t n);
void hash_body_end(struct hash_body *h, unsigned char out[32]);
