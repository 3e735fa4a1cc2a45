/* SPDX-License-Identifier: ISC */
#include "base/random.h"
#include "base/test.h"

TEST(a_seed_repeats)
{
    uint64_t first[100];
    random_seed(42);
    for (int i = 0; i < 100; i++)
        first[i] = random_u64();
    random_seed(42);
    for (int i = 0; i < 100; i++)
        CHECK(random_u64() == first[i]);
    random_seed(43);
    CHECK(random_u64() != first[0]);
    random_seed(0);
    uint64_t a = random_u64(), b = random_u64();
    CHECK(a != b && a != first[0]);
}

TEST(all_bytes_are_written)
{
    for (size_t n = 0; n < 70; n++) { /* a byte that is left out stays equal in 30 tries once in 2^240 */
        unsigned char p[72], changed[72] = {0};
        for (int round = 0; round < 30; round++) {
            memset(p, round, sizeof p);
            random_bytes(p, n);
            for (size_t i = 0; i < n; i++)
                changed[i] |= p[i] != round;
            CHECK(p[n] == round && p[n + 1] == round);
        }
        for (size_t i = 0; i < n; i++)
            CHECK(changed[i]);
    }
}

TEST(below_is_even)
{
    unsigned seen[7] = {0};
    random_seed(1);
    CHECK_NUM(random_below(1), 0);
    for (int i = 0; i < 70000; i++) {
        uint64_t v = random_below(7);
        CHECK(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++)
        CHECK(seen[i] > 9500 && seen[i] < 10500);
    for (int i = 0; i < 100; i++)
        CHECK(random_below(((uint64_t)1 << 63) + 1) <= (uint64_t)1 << 63);
    random_seed(0);
}
