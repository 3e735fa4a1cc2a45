// SPDX-License-Identifier: ISC
/* RETR, RFC 1939 5. The octets: send.c. */
#include "pop3/inside.h"

enum next pop3_cmd_retr(struct pop3_server *s, struct str arg)
{
    enum next next = AGAIN;
    struct pop3_message *m = pop3_find(s, arg, &next);
    return m ? pop3_send(s, m, false, 0) : next;
}
