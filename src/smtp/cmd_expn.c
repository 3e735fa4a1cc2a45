// SPDX-License-Identifier: ISC
/* EXPN, RFC 5321 3.5 and 4.1.1.7: off unless allowed. The answer may have many lines: one for each step, if there is room. */
#include "base/utf8.h"
#include "smtp/inside.h"

static enum next step_lines(struct machine *m)
{
    struct smtp_server *s = (struct smtp_server *)(void *)m;
    struct str rest = s->state->lines, line = str_cut(rest, '\n', &rest);
    char storage[SMTP_REPLY_LINE_MAX * 2];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    smtp_reply_add(&b, 250, "2.1.5", line, s->ask.has_data);
    if (rest.n)
        b.p[3] = '-'; /* more lines follow */
    buf_add(m->out, buf_str(&b));
    s->state->lines = rest;
    if (rest.n)
        return AGAIN;
    m->step = smtp_step_command;
    s->state->deadline_ms = 0;
    return AGAIN;
}

static enum next expanded(struct smtp_server *s)
{
    if (s->ask.outcome != DONE)
        return smtp_refuse(s, smtp_why(s->ask.outcome, &s->ask.why, 451, 550));
    struct str lines = str_trim(s->ask.answer_data);
    if (!utf8_is_ascii(lines) && !s->ask.has_data)
        return smtp_answer(s, 252, "2.6.8", "The answer needs SMTPUTF8; the list is fine");
    s->state->lines = arena_str(s->scratch, lines);
    if (!s->state->lines.p)
        return smtp_answer(s, 451, "4.3.1", "The list is too long to be told");
    s->m.step = step_lines;
    return AGAIN;
}

enum next smtp_cmd_expn(struct smtp_server *s, struct str arg)
{
    bool utf8 = smtp_take_utf8_flag(&arg);
    if (arg.n == 0)
        return smtp_answer(s, 501, "5.5.4", "Say which list: EXPN list");
    if (!s->settings->expn_allowed)
        return smtp_answer(s, 502, "5.7.2", "Lists are not told here");
    if (!utf8 && !utf8_is_ascii(arg))
        return smtp_answer(s, 501, "5.6.7", "This name needs the parameter SMTPUTF8");
    s->ask.data = arena_str(s->scratch, arg);
    s->ask.has_data = utf8;
    if (!s->ask.data.p)
        return smtp_answer(s, 451, "4.3.1", "No memory, try again later");
    return smtp_ask_host(s, SMTP_ASK_EXPN, expanded);
}
