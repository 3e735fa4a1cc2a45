// SPDX-License-Identifier: ISC
/* Private to src/sender. */
#pragma once
#include "sender/dkim.h"

/* A field name that is signed, and how often it stands in h=. One more than there are of them means that nobody can add another
 * without breaking the signature. */
enum dkim_often { DKIM_EACH, DKIM_ONE_MORE /* if there are any */, DKIM_ALWAYS_ONE_MORE };
struct dkim_name {
    const char *name; /* lower case */
    enum dkim_often often;
};
enum { DKIM_NAMES = 27 };
extern const struct dkim_name dkim_names[DKIM_NAMES];
