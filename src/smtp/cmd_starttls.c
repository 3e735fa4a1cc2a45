// SPDX-License-Identifier: ISC
/* STARTTLS, RFC 3207. */
#include "smtp/inside.h"

/* 4.2: as after the greeting; nothing that was said in the clear is remembered. */
static enum next step_secured(struct machine *m)
{
    struct smtp_server *s = (struct smtp_server *)(void *)m;
    if (!m->tls.active)
        return smtp_hang_up(s);
    s->helo = s->user = STR_NONE;
    s->esmtp = false;
    s->state->phase = PHASE_NEW;
    s->state->deadline_ms = 0;
    m->step = smtp_step_command;
    return AGAIN;
}

enum next smtp_cmd_starttls(struct smtp_server *s, struct str arg)
{
    (void)arg;
    if (s->m.tls.active)
        return smtp_answer(s, 503, "5.5.1", "TLS is active already");
    if (!s->settings->offer_tls)
        return smtp_answer(s, 502, "5.5.1", "TLS is not offered here");
    smtp_transaction_drop(s);
    smtp_reply_add(s->m.out, 220, "2.0.0", S("Go ahead"), false);
    s->m.step = step_secured;
    s->m.in = STR_NONE;
    return NEED_TLS;
}
