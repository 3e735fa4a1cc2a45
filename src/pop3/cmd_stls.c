// SPDX-License-Identifier: ISC
/* STLS, RFC 2595 4. Nothing that was said in the clear is remembered, and nothing that came behind STLS is read. */
#include "pop3/inside.h"

static enum next step_secured(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    return m->tls.active ? pop3_next(s) : pop3_hang_up(s);
}

enum next pop3_cmd_stls(struct pop3_server *s, struct str arg)
{
    (void)arg;
    if (s->m.tls.active)
        return pop3_err(s, NULL, "TLS is active already");
    if (!s->settings->offer_tls)
        return pop3_err(s, NULL, "TLS is not offered here");
    if (s->state->utf8)
        return pop3_err(s, NULL, "STLS comes before UTF8"); /* RFC 6856 2.1 */
    if (s->m.in.n > 0)
        return pop3_goodbye(s, NULL, "Input came before the answer to STLS");
    s->state->name_n = 0;
    buf_add(s->m.out, S("+OK Begin TLS\r\n"));
    s->m.step = step_secured;
    return NEED_TLS;
}
