/* SPDX-License-Identifier: ISC */
#include "base/encode.h"
#include "base/random.h"
#include "base/test.h"

static char storage[4096];
static struct buf out;

static struct buf *fresh(void)
{
    buf_fixed(&out, storage, sizeof storage);
    return &out;
}

TEST(base64_vectors) /* RFC 4648 10 */
{
    const struct { struct str plain, coded;
    } cases[] = {
        {S(""), S("")},
        {S("f"), S("Zg==")},
        {S("fo"), S("Zm8=")},
        {S("foo"), S("Zm9v")},
        {S("foob"), S("Zm9vYg==")},
        {S("fooba"), S("Zm9vYmE=")},
        {S("foobar"), S("Zm9vYmFy")},
        {S("\0\xff\xfe"), S("AP/+")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        base64_encode(fresh(), cases[i].plain);
        CHECK_STR(buf_str(&out), cases[i].coded);
        CHECK(base64_decode(fresh(), cases[i].coded));
        CHECK_STR(buf_str(&out), cases[i].plain);
    }
}

TEST(base64_is_strict)
{
    const struct str broken[] = {
        S("Z"),    S("Zg"),   S("Zg="),  S("Zg==="), S("Zh=="), S("Zm9="),  S("Zm8=Zm8="),         S("Zm 8"), S("Zm8=\n"),
        S("===="), S("Z==="), S("=Zg="), S("Zm8-"),  S("Zm8_"), S("Zm8\0"), S("\xff\xff\xff\xff"), S("Zg=g"), S("Zm9vZ===")};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        buf_add_c(fresh(), "kept");
        CHECK(!base64_decode(&out, broken[i]));
        CHECK_STR(buf_str(&out), S("kept"));
    }
    char small[2];
    struct buf b;
    buf_fixed(&b, small, sizeof small);
    CHECK(!base64_decode(&b, S("Zm9v")) && b.n == 0 && b.full);
    buf_fixed(&b, small, sizeof small);
    base64_encode(&b, S("f"));
    CHECK(b.n == 0 && b.full);
}

TEST(hex)
{
    hex_encode(fresh(), S("\0\x7f\xff"));
    CHECK_STR(buf_str(&out), S("007fff"));
    CHECK(hex_decode(fresh(), S("007fFF")));
    CHECK_STR(buf_str(&out), S("\0\x7f\xff"));
    CHECK(hex_decode(fresh(), S("")) && out.n == 0);
    CHECK(!hex_decode(fresh(), S("0")) && !hex_decode(fresh(), S("0g")) && !hex_decode(fresh(), S("0 ")) &&
          !hex_decode(fresh(), S("g0")) && out.n == 0);
}

TEST(id_lengths)
{
    static const struct { uint64_t id; size_t length;
    } cases[] = {
        {0, 5},
        {1, 5},
        {(1 << 24) - 1, 5},
        {1 << 24, 6},
        {(1 << 30) - 1, 6},
        {1 << 30, 8},
        {((uint64_t)1 << 40) - 1, 8},
        {(uint64_t)1 << 40, 13},
        {UINT64_MAX, 13},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t back = 99;
        struct id_text t = id_text(cases[i].id);
        CHECK_NUM(strlen(t.c), cases[i].length);
        CHECK(id_parse(str_c(t.c), &back) && back == cases[i].id);
    }
}

TEST(id_is_a_bijection)
{
    static unsigned char seen[1 << 21]; /* a bit for each five-character text that begins with 0 … F */
    size_t wrong = 0;
    for (uint64_t id = 0; id < 1 << 24; id++) {
        static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        struct id_text t = id_text(id);
        uint64_t v = 0;
        for (int i = 0; i < 5; i++)
            v = v << 5 | (uint64_t)((const char *)memchr(digits, t.c[i], 32) - digits);
        wrong += v >> 24 != 0 || (seen[v >> 3] >> (v & 7) & 1);
        seen[v >> 3 & ((1 << 21) - 1)] |= (unsigned char)(1 << (v & 7));
        if (id % 61 == 0) {
            uint64_t back;
            wrong += !id_parse(str_c(t.c), &back) || back != id;
        }
    }
    CHECK_NUM(wrong, 0);
    random_seed(9);
    for (int i = 0; i < 100000; i++) {
        uint64_t id = random_u64() >> random_below(64), back;
        CHECK(id_parse(str_c(id_text(id).c), &back) && back == id);
    }
    random_seed(0);
}

TEST(id_spelling)
{
    uint64_t a = 1, b = 2;
    struct id_text t = id_text(123456);
    char other[ID_TEXT_MAX];
    for (size_t i = 0; i <= strlen(t.c); i++)
        other[i] = ascii_lower(t.c[i]) == '1' ? 'l' : ascii_lower(t.c[i]) == '0' ? 'o' : ascii_lower(t.c[i]);
    CHECK(id_parse(str_c(t.c), &a) && id_parse(str_c(other), &b) && a == b);
    const struct str broken[] = {S(""),       S("0"),        S("1234"),          S("1234567"),        S("ZZZZZ"),
                                 S("0000U"),  S("00 00"),    S("0000!"),         S("000\0000"),       S("ZZZZZZZZZZZZZ"),
                                 S("000000"), S("00000000"), S("0000000000000"), S("00000000000000"), S("G0000000000000")};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK(!id_parse(broken[i], &a));
    /* Neighbours differ in at least two places, so that a slip of one key is another message only by chance. */
    for (uint64_t id = 1000; id < 2000; id++) {
        struct id_text x = id_text(id), y = id_text(id + 1);
        int differ = 0;
        for (int i = 0; i < 5; i++)
            differ += x.c[i] != y.c[i];
        CHECK(differ >= 2);
    }
}
