/* SPDX-License-Identifier: ISC */
#include "base/hash.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/test.h"

/* Bit by bit, as the definition says. */
static uint32_t slow_crc(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
    }
    return ~crc;
}

TEST(crc32c)
{
    unsigned char p[300];
    memset(p, 0, sizeof p);
    CHECK_NUM(hash_crc32c(0, "", 0), 0);
    CHECK_NUM(hash_crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_NUM(hash_crc32c(0, p, 32), 0x8a9136aa); /* RFC 3720 B.4 */
    memset(p, 0xff, 32);
    CHECK_NUM(hash_crc32c(0, p, 32), 0x62a8ab43);
    random_seed(3);
    random_bytes(p, sizeof p);
    random_seed(0);
    for (size_t from = 0; from < 9; from++)
        for (size_t n = 0; from + n <= sizeof p; n++) {
            uint32_t want = slow_crc(p + from, n);
            CHECK(hash_crc32c(0, p + from, n) == want);
            CHECK(hash_crc32c_by_table(0, p + from, n) == want);
            CHECK(hash_crc32c(hash_crc32c(0, p + from, n / 3), p + from + n / 3, n - n / 3) == want);
        }
}

TEST(table_hash)
{
    CHECK(hash_table(S("a")) == hash_table(S("a")));
    CHECK(hash_table(S("a")) != hash_table(S("b")));
    CHECK(hash_table(STR_NONE) == hash_table(S("")));
}

static void body(const unsigned char key[32], struct str s, size_t piece, unsigned char out[32])
{
    struct hash_body h;
    hash_body_init(&h, key);
    for (; s.n > 0; s = str_skip(s, piece))
        hash_body_add(&h, s.p, s.n < piece ? s.n : piece);
    hash_body_end(&h, out);
}

TEST(body_hash)
{
    unsigned char key[32], one[32], other[32], text[1000];
    char hex_space[100];
    struct buf hex;
    for (unsigned i = 0; i < 32; i++)
        key[i] = (unsigned char)i;
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)i;
    /* Python: hashlib.blake2b(bytes(range(256)), digest_size=32, key=bytes(range(32))).hexdigest() */
    body(key, str_of(text, 256), 256, one);
    buf_fixed(&hex, hex_space, sizeof hex_space);
    hex_encode(&hex, str_of(one, 32));
    CHECK_STR(buf_str(&hex), S("b42be36ea26392f67d1d3706ffa72b6c61c2ff38e1fabd9a49e154d54b967d83"));
    body(key, str_of(text, sizeof text), sizeof text, one);
    for (size_t piece = 1; piece < 300; piece += 13) {
        body(key, str_of(text, sizeof text), piece, other);
        CHECK(memcmp(one, other, 32) == 0);
    }
    key[0] = 1;
    body(key, str_of(text, sizeof text), sizeof text, other);
    CHECK(memcmp(one, other, 32) != 0);
}
