/* SPDX-License-Identifier: ISC */
/* The one random function. From the kernel (getrandom) unless a seed was set, then from the seed: a run can be repeated. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void random_bytes(void *to, size_t n); /* cryptographically strong unless seeded */
uint64_t random_u64(void);
uint64_t random_below(uint64_t limit); /* 0 … limit-1, without bias; limit > 0 */
void random_seed(uint64_t seed);       /* tests and the simulator only; 0: back to the kernel */
