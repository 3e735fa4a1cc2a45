// SPDX-License-Identifier: ISC
/* PASS, RFC 1939 7: all behind the first space is the password. Goes on as AUTH PLAIN with an initial response. */
#include "pop3/inside.h"

enum next pop3_cmd_pass(struct pop3_server *s, struct str arg)
{
    struct pop3_state *st = s->state;
    size_t n = st->name_n;
    st->name_n = 0; /* another try begins with USER */
    if (!pop3_may_login(s))
        return pop3_err(s, NULL, "Logging in needs TLS here; send STLS first");
    if (n == 0)
        return pop3_err(s, NULL, "Send USER first");
    if (arg.n > PASSWORD_MAX)
        return pop3_err(s, NULL, "A password has at most 1,000 octets");
    char *data = arena_alloc(s->scratch, n + arg.n + 2); /* NUL, user, NUL, password: RFC 4616 2 */
    if (!data)
        return pop3_fail(s, "SYS/TEMP", "No memory, try again later");
    memcpy(data + 1, st->name, n);
    memcpy(data + n + 2, arg.p, arg.n);
    s->ask.mechanism = S("PLAIN");
    return pop3_ask_login(s, true, data, n + arg.n + 2);
}
