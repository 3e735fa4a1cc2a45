/* SPDX-License-Identifier: ISC */
#include "base/random.h"
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "base/check.h"

static uint64_t seeded; /* state of the repeatable generator; 0: the kernel's randomness */

static uint64_t seeded_next(void) /* splitmix64: any seed is a good one, and the state is one number */
{
    uint64_t z = seeded += 0x9e3779b97f4a7c15;
    if (seeded == 0)
        seeded = 1;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void random_bytes(void *to, size_t n)
{
    unsigned char *p = to;
    while (n > 0) {
        size_t took;
        if (seeded != 0) {
            uint64_t v = seeded_next();
            took = n < sizeof v ? n : sizeof v;
            memcpy(p, &v, took);
        } else {
            ssize_t got = getrandom(p, n, 0);
            check(got > 0 || errno == EINTR); /* nothing safe can be done without randomness */
            took = got > 0 ? (size_t)got : 0;
        }
        p += took;
        n -= took;
    }
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof v);
    return v;
}

uint64_t random_below(uint64_t limit)
{
    check(limit > 0);
    uint64_t biased = -limit % limit; /* 2^64 mod limit: the lowest so many values would come up once too often */
    uint64_t v;
    do
        v = random_u64();
    while (v < biased);
    return v % limit;
}

void random_seed(uint64_t seed)
{
    seeded = seed;
}
