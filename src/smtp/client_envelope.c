// SPDX-License-Identifier: ISC
/* The envelope of one message: one list of commands (MAIL, each RCPT, DATA) and two cursors over it. send_at runs ahead as far
   as PIPELINING and room allow (RFC 2920), recv_at takes the replies in order; DATA is always the last of its group.

     smtp_client_begin --> step_envelope --recv_at == last--+-- DATA: 354 --> client_body.c --> smtp_client_finish
                                                            +-- BDAT: somebody accepted --> client_body.c
                                                            +-- nobody accepted, refused --> smtp_client_finish (RSET first) */
#include "smtp/client_inside.h"
#include "base/check.h"

static bool pending(const struct smtp_client_rcpt *r)
{
    return r->result.outcome == 0;
}

void smtp_client_settle(struct smtp_client *c, struct smtp_result r)
{
    struct smtp_client_message *msg = c->message;
    for (uint32_t i = 0; i < msg->rcpt_count; i++)
        if (pending(&msg->rcpt[i]))
            msg->rcpt[i].result = r;
    if (msg->result.outcome == 0)
        msg->result = r;
    msg->finished = true;
}

static enum next reset_done(struct smtp_client *c, unsigned code)
{
    if (code >= 400) /* a server that refuses RSET is in no state that we know */
        return smtp_client_fail(c, "RSET", smtp_client_result(c, code), true);
    return smtp_client_next_message(c);
}

enum next smtp_client_finish(struct smtp_client *c, bool reset_first)
{
    check(c->message->finished);
    if (reset_first)
        return smtp_client_send(c, "RSET", S("RSET"), 0, reset_done);
    return smtp_client_next_message(c);
}

/* --- writing the commands ------------------------------------------------ */

static void write_mail(const struct smtp_client *c, struct buf *b)
{
    const struct smtp_client_message *msg = c->message;
    const struct smtp_caps *o = &c->offers;
    buf_add(b, S("MAIL FROM:<"));
    buf_add(b, msg->from);
    buf_add_byte(b, '>');
    if (o->size && msg->size) {
        buf_add(b, S(" SIZE="));
        buf_add_u64(b, msg->size);
    }
    if (msg->body == SMTP_BODY_BINARY)
        buf_add(b, S(" BODY=BINARYMIME"));
    else if (msg->body == SMTP_BODY_8BIT && o->eightbitmime)
        buf_add(b, S(" BODY=8BITMIME"));
    if (msg->smtputf8)
        buf_add(b, S(" SMTPUTF8"));
    if (msg->requiretls && o->requiretls && c->m.tls.active)
        buf_add(b, S(" REQUIRETLS"));
    if (o->mt_priority && msg->has_priority)
        buf_printf(b, " MT-PRIORITY=%d", msg->priority);
    if (o->dsn && msg->ret != SMTP_RET_NONE)
        buf_add_c(b, msg->ret == SMTP_RET_FULL ? " RET=FULL" : " RET=HDRS");
    if (o->dsn && msg->envid.n) {
        buf_add(b, S(" ENVID="));
        smtp_xtext_encode(b, msg->envid);
    }
    if (o->auth && msg->auth.n) {
        buf_add(b, S(" AUTH="));
        smtp_xtext_encode(b, msg->auth);
    }
}

static void write_rcpt(const struct smtp_client *c, const struct smtp_client_rcpt *r, struct buf *b)
{
    static const struct { uint32_t bit; const char *name; } names[] = {
        {SMTP_NOTIFY_NEVER, "NEVER"}, {SMTP_NOTIFY_SUCCESS, "SUCCESS"}, {SMTP_NOTIFY_FAILURE, "FAILURE"},
        {SMTP_NOTIFY_DELAY, "DELAY"}};
    buf_add(b, S("RCPT TO:<"));
    buf_add(b, r->address);
    buf_add_byte(b, '>');
    if (!c->offers.dsn)
        return;
    const char *separator = " NOTIFY=";
    for (size_t i = 0; i < countof(names); i++) {
        if (!(r->notify & names[i].bit))
            continue;
        buf_add_c(b, separator);
        buf_add_c(b, names[i].name);
        separator = ",";
    }
    if (r->orcpt.n) {
        buf_add(b, S(" ORCPT="));
        smtp_orcpt_encode(b, r->orcpt, c->message->smtputf8);
    }
}

/* Sends command send_at. False: no room for it now. */
static bool send_next(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    char storage[COMMAND_ROOM];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    if (st->send_at == 0)
        write_mail(c, &b);
    else if (st->send_at <= c->message->rcpt_count)
        write_rcpt(c, &c->message->rcpt[st->send_at - 1], &b);
    else
        buf_add(&b, S("DATA"));
    buf_add(&b, S("\r\n"));
    check(!b.full); /* judge() has seen to the lengths */
    if (buf_room(c->m.out) < b.n)
        return false;
    buf_add(c->m.out, buf_str(&b));
    st->send_at++;
    return true;
}

/* --- taking the replies -------------------------------------------------- */

static enum next all_answered(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    struct smtp_client_message *msg = c->message;
    if (st->mail_failed || st->accepted == 0) {
        smtp_client_settle(c, msg->result.outcome ? msg->result : msg->rcpt[0].result);
        return smtp_client_finish(c, !st->mail_failed);
    }
    return smtp_client_chunks(c);
}

static enum next data_answered(struct smtp_client *c, unsigned code)
{
    struct smtp_client_state *st = c->state;
    struct smtp_result r = smtp_client_result(c, code);
    if (code >= 300 && code < 400)
        return st->accepted ? smtp_client_data(c) : smtp_client_lone_dot(c); /* RFC 2920 3.1: nobody accepted, all the same 354 */
    if (code < 300)
        return smtp_client_fail(
            c, "DATA", smtp_client_verdict(RETRY, "4.5.0", "The server answered DATA with success before the message was sent"),
            false);
    bool none = st->accepted == 0;
    smtp_client_settle(c, none && c->message->rcpt_count ? c->message->rcpt[0].result : r);
    if (code == 421)
        return smtp_client_fail(c, "DATA", r, false);
    return smtp_client_finish(c, !st->mail_failed);
}

static void mail_answered(struct smtp_client *c, unsigned code)
{
    struct smtp_client_state *st = c->state;
    if (code >= 200 && code < 300)
        return;
    struct smtp_result r = smtp_client_result(c, code);
    r.outcome = r.outcome == DONE ? RETRY : r.outcome;
    st->mail_failed = true;
    c->message->result = r;
    for (uint32_t i = 0; i < c->message->rcpt_count; i++)
        c->message->rcpt[i].result = r;
    st->last = st->send_at; /* what is under way gets its replies, nothing more is sent */
}

static void rcpt_answered(struct smtp_client *c, unsigned code)
{
    struct smtp_client_rcpt *r = &c->message->rcpt[c->state->recv_at - 1];
    if (c->state->mail_failed)
        return; /* MAIL's refusal stands */
    if (code >= 200 && code < 300)
        c->state->accepted++;
    else
        r->result = smtp_client_result(c, code);
    /* RFC 5321 4.5.3.1.10: 552 to RCPT means too many recipients; it is a 452 */
    if (code == 552 && !str_starts(str_c(r->result.status), S("5.")))
        r->result.outcome = RETRY;
}

static enum next take_reply(struct smtp_client *c, unsigned code)
{
    struct smtp_client_state *st = c->state;
    uint32_t at = st->recv_at;
    if (code == 421) /* RFC 5321 3.8: the server goes away; whatever has no answer yet is tried later */
        return smtp_client_fail(c, st->at, smtp_client_result(c, code), false);
    if (at == c->message->rcpt_count + 1) {
        st->recv_at++;
        return data_answered(c, code);
    }
    if (at == 0)
        mail_answered(c, code);
    else
        rcpt_answered(c, code);
    st->recv_at++;
    if (st->recv_at <= c->message->rcpt_count || st->mail_failed || st->accepted || st->bdat || st->send_at > st->recv_at)
        return AGAIN;
    st->last = st->recv_at; /* all are refused and DATA is not under way: it will not be sent */
    return AGAIN;
}

static bool may_send(const struct smtp_client *c)
{
    const struct smtp_client_state *st = c->state;
    return st->send_at < st->last && (c->offers.pipelining || st->send_at == st->recv_at);
}

static int64_t reply_timeout(const struct smtp_client *c)
{
    bool data = c->state->recv_at > c->message->rcpt_count;
    return data ? smtp_client_timeout(c->settings->data_start_timeout_ms, 2 * 60 * 1000)
                : smtp_client_timeout(c->settings->command_timeout_ms, 5 * 60 * 1000);
}

static enum next step_envelope(struct machine *m)
{
    struct smtp_client *c = (struct smtp_client *)(void *)m;
    struct smtp_client_state *st = c->state;
    unsigned code;
    if (st->recv_at < st->send_at) {
        st->at = st->recv_at == 0 ? "MAIL" : st->recv_at <= c->message->rcpt_count ? "RCPT" : "DATA";
        enum smtp_got got = smtp_client_take_reply(c, &code);
        if (got == SMTP_GOT_REPLY) {
            m->timed_out = false;
            st->deadline_ms = m->now_ms + reply_timeout(c);
            return take_reply(c, code);
        }
        if (got != SMTP_GOT_NOTHING || smtp_client_timed_out(c))
            return smtp_client_lost(c, got);
    }
    if (st->recv_at == st->last)
        return all_answered(c);
    if (may_send(c)) {
        if (st->recv_at == st->send_at)
            st->deadline_ms = m->now_ms + reply_timeout(c);
        if (send_next(c))
            return AGAIN;
    } else {
        return machine_wait(m, WANT_INPUT, st->deadline_ms);
    }
    if (st->recv_at == st->send_at && smtp_client_timed_out(c))
        return smtp_client_lost(c, SMTP_GOT_NOTHING);
    return machine_wait(m, WANT_INPUT | WANT_ROOM, st->deadline_ms);
}

/* --- before anything is sent --------------------------------------------- */

static bool address_ok(struct smtp_client *c, struct str text, bool null_ok, bool utf8)
{
    struct address adr;
    if (text.n == 0)
        return null_ok;
    if (!null_ok && str_eq_icase(text, S("postmaster")))
        return true;
    return address_parse(c->transaction, text, utf8, &adr) == ADDRESS_OK;
}

/* What this peer cannot be sent at all. */
static struct smtp_result judge(struct smtp_client *c)
{
    const struct smtp_client_message *msg = c->message;
    const struct smtp_caps *o = &c->offers;
    if (msg->rcpt_count == 0)
        return smtp_client_verdict(REFUSE, "5.5.1", "The message has no recipient");
    if (!address_ok(c, msg->from, true, msg->smtputf8))
        return smtp_client_verdict(REFUSE, "5.1.7", "The sender's address is broken");
    if (msg->smtputf8 && !o->smtputf8)
        return smtp_client_verdict(REFUSE, "5.6.7", "The receiving server does not take internationalised addresses (SMTPUTF8)");
    bool insists = msg->requiretls && msg->from.n; /* RFC 8689 5: a notification is not lost for it */
    if (insists && !c->m.tls.active)
        return smtp_client_verdict(REFUSE, "5.7.10", "The sender requires TLS, and there is none to the receiving server");
    if (insists && !o->requiretls)
        return smtp_client_verdict(REFUSE, "5.7.30", "REQUIRETLS support required: the receiving server does not offer it");
    if (msg->body == SMTP_BODY_BINARY && !(o->binarymime && o->chunking))
        return smtp_client_verdict(REFUSE, "5.6.3", "The receiving server does not take binary messages (BINARYMIME)");
    if (msg->body == SMTP_BODY_8BIT && !o->eightbitmime && !c->settings->eight_bit_anyway)
        return smtp_client_verdict(REFUSE, "5.6.3", "The receiving server does not take 8-bit text (8BITMIME)");
    if (o->size && o->size_max && msg->size > o->size_max)
        return smtp_client_verdict(REFUSE, "5.3.4", "The message is larger than the receiving server takes");
    if (msg->envid.n > 100 || msg->auth.n > 500)
        return smtp_client_verdict(REFUSE, "5.5.4", "The envelope id or the AUTH parameter is too long");
    return (struct smtp_result){0};
}

enum next smtp_client_begin(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    struct smtp_client_message *msg = c->message;
    msg->finished = false;
    msg->result = (struct smtp_result){0};
    for (uint32_t i = 0; i < msg->rcpt_count; i++)
        msg->rcpt[i].result = (struct smtp_result){0};
    struct smtp_result r = judge(c);
    for (uint32_t i = 0; r.outcome == 0 && i < msg->rcpt_count; i++)
        if (!address_ok(c, msg->rcpt[i].address, false, msg->smtputf8) || msg->rcpt[i].orcpt.n > 500)
            r = smtp_client_verdict(REFUSE, "5.1.3", "A recipient's address is broken");
    if (r.outcome) {
        smtp_client_settle(c, r);
        return smtp_client_finish(c, false);
    }
    st->bdat = c->offers.chunking && (msg->body == SMTP_BODY_BINARY || c->settings->prefer_chunking);
    st->send_at = st->recv_at = st->accepted = st->lmtp_at = 0;
    st->last = msg->rcpt_count + (st->bdat ? 1 : 2);
    st->mail_failed = false;
    st->deadline_ms = c->m.now_ms + reply_timeout(c);
    c->m.step = step_envelope;
    return AGAIN;
}
