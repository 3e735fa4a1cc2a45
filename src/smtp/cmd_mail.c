// SPDX-License-Identifier: ISC
/* MAIL, RFC 5321 4.1.1.2: begins a transaction. */
#include "smtp/inside.h"

enum { FROM_FIELD_MAX = 2048 };

static struct smtp_refusal path_refusal(enum address_error e, bool sender)
{
    if (e == ADDRESS_NO_MEMORY)
        return (struct smtp_refusal){452, "4.3.1", "No memory for the address, try again later"};
    return (struct smtp_refusal){501, sender ? "5.1.7" : "5.1.3", address_error_text(e)};
}

struct smtp_refusal smtp_take_path(struct smtp_server *s, struct str *arg, struct str keyword, bool sender, bool utf8,
                                   struct address *to)
{
    if (!str_starts_icase(*arg, keyword))
        return (struct smtp_refusal){501, "5.5.4", sender ? "Write MAIL FROM:<address>" : "Write RCPT TO:<address>"};
    *arg = str_skip(*arg, keyword.n);
    while (arg->n && arg->p[0] == ' ') /* RFC 5321 3.3 forbids it to clients; many send it all the same */
        *arg = str_skip(*arg, 1);
    if (arg->n == 0 || arg->p[0] != '<')
        return (struct smtp_refusal){501, sender ? "5.1.7" : "5.1.3", "The address must stand between < and >"};
    enum address_error e = address_parse_path(s->transaction, arg, sender, !sender, true, to);
    if (e != ADDRESS_OK)
        return path_refusal(e, sender);
    if (to->utf8 && !utf8) /* RFC 6531 3.5 */
        return (struct smtp_refusal){sender ? 550 : 553, "5.6.7", "This address needs SMTPUTF8 at MAIL"};
    return (struct smtp_refusal){0, NULL, NULL};
}

/* RFC 6710 4.1: strangers may lower their mail, not raise it. */
static void lower_priority(const struct smtp_server *s, struct transaction *t)
{
    int max = s->user.n || s->client.trusted ? s->settings->priority_max : 0;
    t->lowered = t->env.priority > max;
    if (t->lowered)
        t->env.priority = max;
}

/* Whether SMTPUTF8 stands among the parameters has to be known while the path is judged, so both are read before either is
   refused. */
static struct smtp_refusal read_mail(struct smtp_server *s, struct str arg, struct transaction *t)
{
    struct smtp_caps caps = {0};
    if (s->esmtp)
        smtp_offers(s, &caps);
    caps.auth = s->esmtp && s->settings->login_offered; /* RFC 4954 3: AUTH= is taken from anyone, and believed of no one who did
                                                           not log in */
    struct smtp_refusal r = smtp_take_path(s, &arg, S("FROM:"), true, true, &t->env.from);
    if (r.code)
        return r;
    r = smtp_mail_params(s->transaction, arg, &caps, &t->env);
    if (r.code)
        return r;
    if (t->env.from.utf8 && !t->env.smtputf8)
        return (struct smtp_refusal){550, "5.6.7", "This address needs the parameter SMTPUTF8"};
    if (s->settings->message_max && t->env.size_declared > s->settings->message_max)
        return (struct smtp_refusal){552, "5.3.4", "The message is larger than this server takes"};
    if (t->env.auth.n && s->user.n == 0)
        t->env.auth = S("<>");
    lower_priority(s, t);
    return r;
}

static enum next mail_answered(struct smtp_server *s)
{
    if (s->ask.outcome != DONE) {
        struct smtp_refusal r = smtp_why(s->ask.outcome, &s->ask.why, 451, 550);
        enum next next = smtp_refuse(s, r);
        smtp_transaction_drop(s);
        return next;
    }
    s->state->phase = PHASE_MAIL;
    s->state->mails++;
    if (s->state->t->lowered) {
        char text[] = "0 is the new priority: a higher one is not for this sender";
        text[0] = (char)('0' + s->state->t->env.priority);
        return smtp_answer(s, 250, "2.3.6", text);
    }
    return smtp_answer(s, 250, "2.1.0", "Sender ok");
}

enum next smtp_cmd_mail(struct smtp_server *s, struct str arg)
{
    if (s->settings->transaction_max && s->state->mails >= s->settings->transaction_max)
        return smtp_goodbye(s, 421, "4.5.3", "Enough messages for one connection, please open another");
    struct transaction *t = arena_new(s->transaction, struct transaction);
    char *from_field = t && s->settings->add_missing ? arena_alloc(s->transaction, FROM_FIELD_MAX) : NULL;
    struct smtp_refusal r = {452, "4.3.1", "No memory for a transaction, try again later"};
    if (t)
        r = read_mail(s, arg, t);
    if (r.code) {
        enum next next = smtp_refuse(s, r);
        arena_clear(s->transaction);
        return next;
    }
    if (from_field)
        buf_fixed(&t->from_field, from_field, FROM_FIELD_MAX);
    t->mail_ms = s->m.unix_ms;
    s->state->t = t;
    s->ask.envelope = &t->env;
    return smtp_ask_host(s, SMTP_ASK_MAIL, mail_answered);
}
