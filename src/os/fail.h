/* SPDX-License-Identifier: ISC */
/* Fault injection for tests: the n-th kernel call made through os, or the n-th allocation of buf, arena and os, fails. Compiled in always, so that what is tested is what
   is shipped: the price is one load and one branch that is never taken, beside a kernel call or a malloc. Not for threads: counts are atomic, order is theirs. */
#pragma once
#include <errno.h>
#include "base/fail.h"

/* The n-th call from now on (1: the next) fails with error, those after it succeed again. 0: off. Starts counting anew. */
void os_fail_at(uint64_t n, int error);
uint64_t os_fail_calls(void);    /* kernel calls since os_fail_at (also since os_fail_at(0)) was called: sweep n from 1 to this */
bool os_fail_happened(void);

/* For the files of os: OS_CALL(read(fd, p, n)) is -1 with errno when this one has to fail. */
#define OS_CALL(call) (fail_os_armed && fail_os_hit() ? -1 : (call))
