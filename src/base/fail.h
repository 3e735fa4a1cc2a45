/* SPDX-License-Identifier: ISC */
/* Fault injection, base's part: the n-th allocation fails. See os/fail.h for kernel calls. Off, it is one load and one branch. */
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

/* malloc and calloc for all of the tree: what takes heap takes it here. */
void *fail_malloc(size_t n) MUST_USE;
void *fail_calloc(size_t count, size_t size) MUST_USE;
