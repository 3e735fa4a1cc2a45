// SPDX-License-Identifier: ISC
/* UTF8, RFC 6856 2.1: from now on messages come as they are. Without it their headers are rewritten: downgrade.c. */
#include "pop3/inside.h"

enum next pop3_cmd_utf8(struct pop3_server *s, struct str arg)
{
    (void)arg;
    s->state->utf8 = true;
    return pop3_ok(s, "UTF-8 it is");
}
