// SPDX-License-Identifier: ISC
/* RSET, RFC 1939 5. */
#include "pop3/inside.h"

enum next pop3_cmd_rset(struct pop3_server *s, struct str arg)
{
    (void)arg;
    for (uint32_t i = 0; i < s->message_count; i++)
        s->messages[i].deleted = false;
    return pop3_ok(s, "No message is marked as deleted");
}
