// SPDX-License-Identifier: ISC
/* NOOP, RFC 1939 5. */
#include "pop3/inside.h"

enum next pop3_cmd_noop(struct pop3_server *s, struct str arg)
{
    (void)arg;
    return pop3_ok(s, "Still here");
}
