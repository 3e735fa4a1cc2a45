// SPDX-License-Identifier: ISC
/* CAPA, RFC 2449 5. */
#include "pop3/inside.h"

enum next pop3_cmd_capa(struct pop3_server *s, struct str arg)
{
    const struct pop3_settings *set = s->settings;
    struct buf *out = s->m.out;
    (void)arg;
    buf_add(out, S("+OK What there is\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"));
    if (pop3_may_login(s)) {
        buf_add(out, S("USER\r\nSASL "));
        login_mechanisms(out, s->m.tls.active, s->m.tls.has_exporter, set->scram_sha1);
        buf_add(out, S("\r\n"));
    }
    if (set->offer_tls && !s->m.tls.active && s->state->phase == PHASE_AUTHORIZATION)
        buf_add(out, S("STLS\r\n"));
    if (set->expire_days < 0)
        buf_add(out, S("EXPIRE NEVER\r\n"));
    else
        buf_printf(out, "EXPIRE %ld\r\n", (long)set->expire_days);
    if (set->login_delay_s > 0)
        buf_printf(out, "LOGIN-DELAY %lu\r\n", (unsigned long)set->login_delay_s);
    buf_add(out, S("UTF8 USER\r\nLANG\r\nIMPLEMENTATION Penny-Post\r\n.\r\n"));
    return pop3_next(s);
}
