// SPDX-License-Identifier: ISC
/* RCPT, RFC 5321 4.1.1.3: one recipient. Who may receive here is the host's to say, for every spelling of an address. */
#include "smtp/inside.h"

enum { FIRST_RCPTS = 4 };

static bool make_room(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    uint32_t n = t->env.rcpt_count, cap = t->rcpt_cap ? t->rcpt_cap * 2 : FIRST_RCPTS;
    if (n < t->rcpt_cap)
        return true;
    struct smtp_rcpt *more = arena_array(s->transaction, cap, sizeof *more);
    if (!more)
        return false;
    if (n)
        memcpy(more, t->env.rcpt, n * sizeof *more);
    if (s->settings->kind == SMTP_LMTP) { /* room for the replies now: after COMMIT it would be too late to lack it */
        t->rcpt_outcome = arena_array(s->transaction, cap, sizeof *t->rcpt_outcome);
        t->rcpt_why = arena_array(s->transaction, cap, sizeof *t->rcpt_why);
        if (!t->rcpt_outcome || !t->rcpt_why)
            return false;
    }
    t->env.rcpt = more;
    t->rcpt_cap = cap;
    return true;
}

static enum next rcpt_answered(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    if (s->ask.outcome == DONE) {
        t->env.rcpt_count++;
        s->state->accepted++;
        s->state->phase = PHASE_RCPT;
        return smtp_answer(s, 250, "2.1.5", "Recipient ok");
    }
    if (s->ask.outcome == REFUSE && ++s->state->refused > s->state->accepted + s->settings->error_max)
        return smtp_goodbye(s, 421, "4.7.0", "Too many unknown recipients");
    uint32_t errors = s->state->errors;
    s->state->errors = 0; /* counted above, by its own measure */
    enum next next = smtp_refuse(s, smtp_why(s->ask.outcome, &s->ask.why, 450, 550));
    s->state->errors = errors;
    return next;
}

enum next smtp_cmd_rcpt(struct smtp_server *s, struct str arg)
{
    static const struct smtp_refusal too_many = {452, "4.5.3", "Too many recipients; send this message again for the others"};
    struct transaction *t = s->state->t;
    struct smtp_caps caps = {0};
    if (s->esmtp)
        smtp_offers(s, &caps);
    if (t->env.rcpt_count >= s->settings->rcpt_max || !make_room(s))
        return smtp_refuse(s, too_many);
    struct smtp_rcpt *rcpt = &t->env.rcpt[t->env.rcpt_count];
    *rcpt = (struct smtp_rcpt){0};
    struct smtp_refusal r = smtp_take_path(s, &arg, S("TO:"), false, t->env.smtputf8, &rcpt->adr);
    if (r.code == 0)
        r = smtp_rcpt_params(s->transaction, arg, &caps, t->env.smtputf8, rcpt);
    if (r.code)
        return smtp_refuse(s, r);
    s->ask.rcpt = rcpt;
    s->ask.envelope = &t->env;
    return smtp_ask_host(s, SMTP_ASK_RCPT, rcpt_answered);
}
