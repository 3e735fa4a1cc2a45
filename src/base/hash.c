/* SPDX-License-Identifier: ISC */
#include "base/hash.h"
#include <pthread.h>
#include <sodium.h>
#include "base/check.h"
#include "base/random.h"

_Static_assert(sizeof(crypto_generichash_blake2b_state) <= sizeof(struct hash_body), "room for libsodium's state");
_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "SipHash-2-4 gives 64 bits");

/* ---- CRC-32C, reflected polynomial 0x82f63b78 ---- */

static uint32_t crc_table[8][256];
static uint32_t (*crc_update)(uint32_t crc, const unsigned char *p, size_t n);

static uint64_t load_u64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Eight tables, so that eight bytes cost eight look-ups that do not wait for each other. */
static uint32_t crc_by_table(uint32_t crc, const unsigned char *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v = crc;
        for (unsigned i = 0; i < 8; i++)
            v ^= (uint64_t)p[i] << 8 * i;
        crc = 0;
        for (unsigned i = 0; i < 8; i++)
            crc ^= crc_table[7 - i][v >> 8 * i & 255];
    }
    while (n-- > 0)
        crc = crc_table[0][(crc ^ *p++) & 255] ^ crc >> 8;
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8)
        c = __builtin_ia32_crc32di(c, load_u64(p));
    crc = (uint32_t)c;
    while (n-- > 0)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}
#endif

__attribute__((constructor)) static void crc_choose(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0x82f63b78U : 0);
        crc_table[0][i] = c;
    }
    for (unsigned t = 1; t < 8; t++)
        for (unsigned i = 0; i < 256; i++)
            crc_table[t][i] = crc_table[0][crc_table[t - 1][i] & 255] ^ crc_table[t - 1][i] >> 8;
    crc_update = crc_by_table;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2"))
        crc_update = crc_by_instruction;
#endif
    (void)load_u64;
}

uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n)
{
    return ~crc_update(~crc, p, n);
}

uint32_t hash_crc32c_by_table(uint32_t crc, const void *p, size_t n)
{
    return ~crc_by_table(~crc, p, n);
}

/* ---- libsodium: sodium_init chooses the fastest code for this processor ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned char table_key[crypto_shorthash_KEYBYTES];

static void set_up(void)
{
    check(sodium_init() >= 0);
    random_bytes(table_key, sizeof table_key);
}

uint64_t hash_table(struct str s)
{
    pthread_once(&once, set_up);
    unsigned char out[crypto_shorthash_BYTES];
    crypto_shorthash(out, (const unsigned char *)s.p, s.n, table_key);
    return load_u64(out);
}

static crypto_generichash_blake2b_state *state_of(struct hash_body *h)
{
    return (crypto_generichash_blake2b_state *)(void *)h->state;
}

void hash_body_init(struct hash_body *h, const unsigned char key[32])
{
    pthread_once(&once, set_up);
    crypto_generichash_blake2b_init(state_of(h), key, 32, 32);
}

void hash_body_add(struct hash_body *h, const void *p, size_t n)
{
    crypto_generichash_blake2b_update(state_of(h), p, n);
}

void hash_body_end(struct hash_body *h, unsigned char out[32])
{
    crypto_generichash_blake2b_final(state_of(h), out, 32);
}
