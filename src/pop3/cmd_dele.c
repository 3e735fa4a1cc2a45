// SPDX-License-Identifier: ISC
/* DELE, RFC 1939 5: a mark, no more. */
#include "pop3/inside.h"

enum next pop3_cmd_dele(struct pop3_server *s, struct str arg)
{
    enum next next = AGAIN;
    struct pop3_message *m = pop3_find(s, arg, &next);
    if (!m)
        return next;
    m->deleted = true;
    return pop3_ok(s, "Marked; QUIT deletes it, RSET takes the mark away");
}
