// SPDX-License-Identifier: ISC
/* UIDL, RFC 1939 7: UIDVALIDITY.UID of the mailbox, which no other message ever gets. */
#include "pop3/inside.h"

void pop3_uidl_add(const struct pop3_server *s, const struct pop3_message *m)
{
    buf_printf(s->m.out, "%lu.%lu", (unsigned long)s->uidvalidity, (unsigned long)m->uid);
}

enum next pop3_cmd_uidl(struct pop3_server *s, struct str arg)
{
    enum next next = AGAIN;
    if (arg.n == 0)
        return pop3_list_all(s, true);
    const struct pop3_message *m = pop3_find(s, arg, &next);
    if (!m)
        return next;
    buf_printf(s->m.out, "+OK %lu ", (unsigned long)(m - s->messages) + 1);
    pop3_uidl_add(s, m);
    buf_add(s->m.out, S("\r\n"));
    return pop3_next(s);
}
