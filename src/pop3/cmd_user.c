// SPDX-License-Identifier: ISC
/* USER, RFC 1939 7. Says nothing about who exists (RFC 3206 5). */
#include "pop3/inside.h"

enum next pop3_cmd_user(struct pop3_server *s, struct str arg)
{
    s->state->name_n = 0;
    if (!pop3_may_login(s))
        return pop3_err(s, NULL, "Logging in needs TLS here; send STLS first");
    if (arg.n > sizeof s->state->name)
        return pop3_err(s, NULL, "A user name has at most 320 octets");
    memcpy(s->state->name, arg.p, arg.n);
    s->state->name_n = arg.n;
    return pop3_ok(s, "Now the password: PASS");
}
