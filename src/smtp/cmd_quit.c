// SPDX-License-Identifier: ISC
/* QUIT, RFC 5321 4.1.1.10: a transaction that is open is given up. */
#include "smtp/inside.h"

enum next smtp_cmd_quit(struct smtp_server *s, struct str arg)
{
    (void)arg;
    smtp_reply_add(s->m.out, 221, "2.0.0", S("Goodbye"), false);
    return smtp_hang_up(s);
}
