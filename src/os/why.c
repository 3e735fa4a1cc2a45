/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include "os/inside.h"

void why_errno(struct why *why, const char *what, int error)
{
    if (!why)
        return;
    char words[64];
    *why = (struct why){{0}, {0}};
    snprintf(why->text, sizeof why->text, "%.100s: %s", what, strerror_r(error, words, sizeof words));
}

void why_text(struct why *why, const char *text)
{
    if (!why)
        return;
    *why = (struct why){{0}, {0}};
    snprintf(why->text, sizeof why->text, "%s", text);
}
