/* SPDX-License-Identifier: ISC */
/* Our own bugs. A failed check prints where and ends the role; its parent starts it anew. Always compiled in:
   a wrong answer to a stranger is worse than a lost session. Never use it for what a peer or the world did. */
#pragma once
#include "base/compiler.h"

#define check(cond) ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond))
#define unreachable() check_failed(__FILE__, __LINE__, "unreachable")

NORETURN void check_failed(const char *file, int line, const char *what);
