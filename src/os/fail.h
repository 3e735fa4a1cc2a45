/* SPDX-License-Identifier: ISC */
/* The n-th kernel call made through os fails: see base/fail.h for how and why, and for allocations. */
#pragma once
#include <errno.h>
#include "base/fail.h"

/* The n-th call from now on (1: the next) fails with error, those after it succeed again. 0: off. Starts counting anew. */
static inline void os_fail_at(uint64_t n, int error) { fail_os_at(n, error); }
/* Kernel calls since then (also since os_fail_at(0, 0)): a test sweeps n from 1 to this. */
static inline uint64_t os_fail_calls(void) { return fail_os_calls(); }
static inline bool os_fail_happened(void) { return fail_os_happened(); }

/* For the files of os: OS_CALL(read(fd, p, n)) is -1 with errno when this one has to fail. */
#define OS_CALL(call) (fail_os_armed && fail_os_hit() ? -1 : (call))
