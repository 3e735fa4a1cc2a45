// SPDX-License-Identifier: ISC
/* VRFY, RFC 5321 3.5 and 4.1.1.6: 252 unless the administrator wants the truth told. */
#include "base/utf8.h"
#include "smtp/inside.h"

bool smtp_take_utf8_flag(struct str *arg)
{
    size_t space = str_find_last(*arg, ' ');
    if (space == arg->n || !str_eq_icase(str_skip(*arg, space + 1), S("SMTPUTF8")))
        return false;
    *arg = str_trim(str_head(*arg, space));
    return true;
}

static enum next verified(struct smtp_server *s)
{
    struct str text = str_c(s->ask.why.text);
    bool utf8 = s->ask.has_data; /* the client takes UTF-8 */
    if (s->ask.outcome != DONE)
        return smtp_refuse(s, smtp_why(s->ask.outcome, &s->ask.why, 451, 550));
    if (!utf8_is_ascii(text) && !utf8)
        return smtp_answer(s, 252, "2.6.8", "The answer needs SMTPUTF8; the recipient is fine");
    smtp_reply_add(s->m.out, 250, "2.1.5", text, utf8);
    s->m.step = smtp_step_command;
    s->state->deadline_ms = 0;
    return AGAIN;
}

enum next smtp_cmd_vrfy(struct smtp_server *s, struct str arg)
{
    bool utf8 = smtp_take_utf8_flag(&arg);
    if (arg.n == 0)
        return smtp_answer(s, 501, "5.5.4", "Say whom: VRFY address");
    if (!utf8 && !utf8_is_ascii(arg))
        return smtp_answer(s, 501, "5.6.7", "This name needs the parameter SMTPUTF8");
    if (!s->settings->vrfy_allowed)
        return smtp_answer(s, 252, "2.5.0", "Send some mail, it will be tried");
    s->ask.data = arena_str(s->scratch, arg);
    s->ask.has_data = utf8;
    if (!s->ask.data.p)
        return smtp_answer(s, 451, "4.3.1", "No memory, try again later");
    return smtp_ask_host(s, SMTP_ASK_VRFY, verified);
}
