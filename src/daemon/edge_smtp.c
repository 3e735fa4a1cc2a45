// SPDX-License-Identifier: ISC
/* The questions of the SMTP machine as messages to store and keys, and their answers back. */
#include "base/check.h"
#include "base/clock.h"
#include "daemon/edge.h"
#include <stdio.h>

enum { ADDRESS_TEXT = 400 };

static enum smtp_kind kind_of(enum listen_kind kind)
{
    switch (kind) {
    case LISTEN_SUBMISSION:
    case LISTEN_SUBMISSIONS:
        return SMTP_SUBMISSION;
    case LISTEN_LMTP:
        return SMTP_LMTP;
    case LISTEN_SMTP:
    case LISTEN_POP3:
    case LISTEN_POP3S:
    case LISTEN_KIND_COUNT:
        break;
    }
    return SMTP_RELAY;
}

static bool smtp_open(struct conn *c, bool tls)
{
    struct smtp_server *s = &c->smtp;

    *s = (struct smtp_server){
        .settings = &c->settings->smtp[kind_of(c->kind)][c->peer.loopback],
        .body = &c->body,
        .connection = &c->connection,
        .transaction = &c->transaction,
        .scratch = &c->scratch,
        .next_id = edge_next_id,
        .host = c,
    };
    s->m.out = &c->out;
    s->m.tls.active = tls;
    s->m.now_ms = loop_now_ms(c->edge->loop);
    s->m.unix_ms = clock_unix_ms();
    s->client.loopback = c->peer.loopback;
    s->client.trusted = c->kind == LISTEN_SMTP && config_relay_client(c->settings->setup->config, str_c(c->peer.text));
    snprintf(s->client.ip, sizeof s->client.ip, "%s", c->peer.local ? "unix" : c->peer.text);
    snprintf(s->sid, sizeof s->sid, "%s", c->sid);
    if (!smtp_server_init(s))
        return false;
    c->machine = &s->m;
    return true;
}

static void smtp_close(struct conn *c)
{
    smtp_server_clear(&c->smtp);
}

static bool answer_now(struct conn *c, enum outcome outcome, const char *status, const char *text)
{
    struct smtp_ask *ask = &c->smtp.ask;

    ask->outcome = outcome;
    ask->why = (struct why){0};
    snprintf(ask->why.status, sizeof ask->why.status, "%s", status);
    snprintf(ask->why.text, sizeof ask->why.text, "%s", text);
    ask->answer_data = STR_NONE;
    ask->rcpt_outcome = NULL;
    ask->rcpt_why = NULL;
    return true;
}

static bool not_now(struct conn *c)
{
    return answer_now(c, RETRY, "4.3.0", "part of this server is restarting, try again in a moment");
}

static struct str address_text(struct buf *to, const struct address *adr)
{
    address_print(to, adr, false);
    return buf_str(to);
}

static bool ask_auth(struct conn *c)
{
    const struct smtp_ask *ask = &c->smtp.ask;
    const struct tls_facts *tls = &c->machine->tls;
    struct message m = MSG(login_step, .session = c->session, .mechanism = ask->mechanism, .has_response = ask->has_data,
                           .response = ask->data, .tls = tls->active, .has_exporter = tls->has_exporter,
                           .exporter = tls->has_exporter ? str_of(tls->exporter, sizeof tls->exporter) : STR_NONE,
                           .client_ip = str_c(c->peer.text), .protocol = str_c("submission"));

    if (c->edge->actor->type->who != ROLE_EDGE_USER || ask->mechanism.n > 24 || ask->data.n > 9216) {
        c->smtp.ask.auth = SMTP_AUTH_FAILED;
        return answer_now(c, DONE, "5.7.8", "no such login");
    }
    if (!conn_send(c, ROLE_KEYS, &m))
        return not_now(c);
    c->login_open = true;
    return false;
}

static bool ask_mail(struct conn *c)
{
    const struct smtp_envelope *env = c->smtp.ask.envelope;
    char text[ADDRESS_TEXT];
    struct buf from;

    if (!edge_has_ids(c->edge)) {
        edge_lease(c->edge);
        if (!c->edge->lease_asked)
            return not_now(c);
        c->asked_of = ROLE_STORE;
        c->waits_ids = true;
        return false;
    }
    if (c->handle == 0) /* strangers may call themselves as they like here; who they are is the sender issue's business */
        return answer_now(c, DONE, "", "");
    buf_fixed(&from, text, sizeof text);
    return conn_send(c, ROLE_STORE,
                     &MSG(mail, .session = c->session, .handle = c->handle, .from = address_text(&from, &env->from),
                          .size = env->size_declared))
               ? false
               : not_now(c);
}

static bool ask_rcpt(struct conn *c)
{
    const struct smtp_ask *ask = &c->smtp.ask;
    char from_text[ADDRESS_TEXT], to_text[ADDRESS_TEXT];
    struct buf from, to;

    buf_fixed(&from, from_text, sizeof from_text);
    buf_fixed(&to, to_text, sizeof to_text);
    return conn_send(c, ROLE_STORE,
                     &MSG(rcpt, .session = c->session, .handle = c->handle, .from = address_text(&from, &ask->envelope->from),
                          .to = address_text(&to, &ask->rcpt->adr), .size = ask->envelope->size_declared, .client_ip = str_c(c->peer.text)))
               ? false
               : not_now(c);
}

static bool send_rcpts(struct conn *c, const struct smtp_envelope *env)
{
    struct peer *store = actor_peer(c->edge->actor, ROLE_STORE);
    char text[ADDRESS_TEXT];
    struct buf to;

    for (uint32_t i = 0; i < env->rcpt_count; i++) {
        buf_fixed(&to, text, sizeof text);
        struct str adr = address_text(&to, &env->rcpt[i].adr);
        if (!peer_send(store, &MSG(commit_rcpt, .session = c->session, .to = adr, .orcpt = str_head(env->rcpt[i].orcpt, 1024),
                                   .notify = env->rcpt[i].notify)))
            return false;
    }
    return true;
}

static bool lmtp_results(struct conn *c, const struct smtp_envelope *env)
{
    c->lmtp.count = 0;
    if (c->smtp.settings->kind != SMTP_LMTP)
        return true;
    c->lmtp.outcome = arena_array(&c->transaction, env->rcpt_count, sizeof *c->lmtp.outcome);
    c->lmtp.why = arena_array(&c->transaction, env->rcpt_count, sizeof *c->lmtp.why);
    if (!c->lmtp.outcome || !c->lmtp.why)
        return false;
    c->lmtp.count = env->rcpt_count;
    return true;
}

static bool ask_commit(struct conn *c)
{
    const struct smtp_ask *ask = &c->smtp.ask;
    const struct smtp_envelope *env = ask->envelope;
    struct peer *store = actor_peer(c->edge->actor, ROLE_STORE);
    char from_text[ADDRESS_TEXT], tls[128] = "";
    struct buf from;

    bool lost = c->body_lost;
    c->body_lost = false;
    if (lost || ask->id == 0 || !lmtp_results(c, env))
        return not_now(c);
    if (!c->body_open && !peer_send(store, &MSG(body_begin, .session = c->session)))
        return not_now(c);
    c->body_open = false;
    if (c->machine->tls.active)
        snprintf(tls, sizeof tls, "%s %s", c->machine->tls.version, c->machine->tls.cipher);
    buf_fixed(&from, from_text, sizeof from_text);
    struct message m =
        MSG(commit, .session = c->session, .handle = c->handle, .id = ask->id, .kind = (uint8_t)c->smtp.settings->kind,
            .from = address_text(&from, &env->from), .envid = str_head(env->envid, 256), .auth = str_head(env->auth, 512),
            .ret = (uint8_t)env->ret, .body = (uint8_t)env->body, .smtputf8 = env->smtputf8, .requiretls = env->requiretls,
            .priority = env->priority, .header_8bit = ask->header_8bit, .body_8bit = ask->body_8bit, .esmtp = c->smtp.esmtp,
            .rcpt_count = env->rcpt_count, .size = ask->size, .received_count = ask->received_count,
            .connected_ms = ask->connected_ms, .mail_ms = ask->mail_ms, .data_ms = ask->data_ms, .end_ms = ask->end_ms,
            .client_ip = str_c(c->smtp.client.ip), .client_name = str_c(c->smtp.client.name), .helo = str_head(c->smtp.helo, 512),
            .tls = str_c(tls), .header_from = str_head(ask->header_from, 2048), .trace = ask->trace);
    if (ask->trace.n > 65536)
        return answer_now(c, REFUSE, "5.6.0", "the header of this message needs more additions than fit");
    return send_rcpts(c, env) && conn_send(c, ROLE_STORE, &m) ? false : not_now(c);
}

static bool ask_text(struct conn *c, bool vrfy)
{
    struct str argument = c->smtp.ask.data;
    struct message v = MSG(vrfy, .session = c->session, .handle = c->handle, .argument = argument);
    struct message x = MSG(expn, .session = c->session, .handle = c->handle, .argument = argument);

    if (argument.n > 2048)
        return answer_now(c, REFUSE, "5.1.3", "that is too long for an address");
    return conn_send(c, ROLE_STORE, vrfy ? &v : &x) ? false : not_now(c);
}

static bool smtp_ask(struct conn *c)
{
    switch (c->smtp.ask.kind) {
    case SMTP_ASK_AUTH:
        return ask_auth(c);
    case SMTP_ASK_MAIL:
        return ask_mail(c);
    case SMTP_ASK_RCPT:
        return ask_rcpt(c);
    case SMTP_ASK_COMMIT:
        return ask_commit(c);
    case SMTP_ASK_VRFY:
        return ask_text(c, true);
    case SMTP_ASK_EXPN:
        return ask_text(c, false);
    case SMTP_ASK_NONE:
        break;
    }
    unreachable();
}

static void on_login(struct conn *c, const struct msg_login_answer *m)
{
    struct smtp_ask *ask = &c->smtp.ask;

    ask->outcome = DONE;
    ask->why = m->why;
    ask->answer_data = m->challenge;
    switch ((enum login_answer_step)m->step) {
    case LOGIN_ANSWER_MORE:
        ask->auth = SMTP_AUTH_MORE;
        break;
    case LOGIN_ANSWER_OK:
        ask->auth = SMTP_AUTH_OK;
        c->smtp.user = c->user;
        break;
    case LOGIN_ANSWER_FAILED:
        ask->auth = SMTP_AUTH_FAILED;
        break;
    case LOGIN_ANSWER_RETRY:
        ask->outcome = RETRY;
        break;
    }
}

static void take(struct conn *c, enum outcome outcome, const struct why *why, struct str data)
{
    struct smtp_ask *ask = &c->smtp.ask;

    ask->outcome = outcome;
    ask->why = *why;
    ask->answer_data = data;
    ask->rcpt_outcome = NULL;
    ask->rcpt_why = NULL;
}

static void on_committed_rcpt(struct conn *c, const struct msg_committed_rcpt *m)
{
    if (m->index >= c->lmtp.count)
        return;
    c->lmtp.outcome[m->index] = m->outcome;
    c->lmtp.why[m->index] = m->why;
}

static void on_committed(struct conn *c, const struct msg_committed *m)
{
    take(c, m->outcome, &m->why, STR_NONE);
    for (uint32_t i = 0; i < c->lmtp.count; i++)
        if (c->lmtp.outcome[i] == 0) {
            c->lmtp.outcome[i] = m->outcome;
            c->lmtp.why[i] = m->why;
        }
    if (c->lmtp.count) {
        c->smtp.ask.rcpt_outcome = c->lmtp.outcome;
        c->smtp.ask.rcpt_why = c->lmtp.why;
    }
    c->accepted += m->outcome == DONE;
}

/* Which answer fits the open question; anything else is an answer to nothing and is dropped. */
static bool fits(const struct conn *c, enum message_kind kind)
{
    switch (c->smtp.ask.kind) {
    case SMTP_ASK_AUTH:
        return kind == MSG_login_answer;
    case SMTP_ASK_MAIL:
    case SMTP_ASK_RCPT:
        return kind == MSG_answer;
    case SMTP_ASK_COMMIT:
        return kind == MSG_committed || kind == MSG_committed_rcpt;
    case SMTP_ASK_VRFY:
    case SMTP_ASK_EXPN:
        return kind == MSG_answer_text;
    case SMTP_ASK_NONE:
        break;
    }
    return false;
}

static void smtp_message(struct conn *c, const struct message *m)
{
    if (!c->asked || !fits(c, m->kind))
        return;
    if (m->kind == MSG_committed_rcpt) {
        on_committed_rcpt(c, &m->committed_rcpt);
        return;
    }
    if (m->kind == MSG_login_answer)
        on_login(c, &m->login_answer);
    else if (m->kind == MSG_committed)
        on_committed(c, &m->committed);
    else if (m->kind == MSG_answer_text)
        take(c, m->answer_text.outcome, &m->answer_text.why, m->answer_text.text);
    else
        take(c, m->answer.outcome, &m->answer.why, STR_NONE);
    conn_answered(c);
}

/* A commit that store had and did not answer may be durable or not: nobody here knows, so neither 250 nor 451 would be true. The client reads no reply, as if
   the connection had broken, and tries again (RFC 1047). */
static void smtp_lost(struct conn *c)
{
    if (c->smtp.ask.kind == SMTP_ASK_COMMIT) {
        conn_end(c, "the store ended before it answered a message");
        return;
    }
    not_now(c);
}

const struct protocol protocol_smtp = {smtp_open, smtp_close, smtp_ask, smtp_message, smtp_lost};
