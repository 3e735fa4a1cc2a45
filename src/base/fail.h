/* SPDX-License-Identifier: ISC */
/* Fault injection for tests: the n-th allocation, or the n-th kernel call made through os (os/fail.h), fails. Compiled in always,
   so that what is tested is what is shipped: off, the price is one load and one branch beside a malloc or a kernel call. Counts
   are atomic; with threads their order is the scheduler's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/compiler.h"

extern bool fail_alloc_armed, fail_os_armed; /* read by the macros only */
bool fail_alloc_hit(void);
bool fail_os_hit(void);                      /* sets errno */

/* The n-th allocation from now on (1: the next) fails, those after it succeed again. 0: off. Starts counting anew. */
void fail_alloc_at(uint64_t n);
uint64_t fail_alloc_calls(void);             /* allocations since then */
bool fail_alloc_happened(void);

void fail_os_at(uint64_t n, int error);      /* the same for kernel calls: the n-th fails with error */
uint64_t fail_os_calls(void);
bool fail_os_happened(void);

/* malloc and calloc for all of the tree: what takes heap takes it here. */
void *fail_malloc(size_t n) MUST_USE;
void *fail_calloc(size_t count, size_t size) MUST_USE;
