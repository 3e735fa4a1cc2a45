/* SPDX-License-Identifier: ISC */
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

NORETURN void check_failed(const char *file, int line, const char *what)
{
    /* No heap, no stdio buffer, no fact: whatever is broken may be any of them. The parent sees the signal and says which role it
       was. */
    char text[512];
    int n = snprintf(text, sizeof text, "penny: bug: %s:%d: check failed: %s\n", file, line, what);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    ssize_t wrote = write(STDERR_FILENO, text, length);
    (void)wrote;
    abort();
}
