// SPDX-License-Identifier: ISC
/* The questions of the POP3 machine as messages to store and keys, and their answers back. */
#include "base/check.h"
#include "base/clock.h"
#include "daemon/edge.h"
#include <stdio.h>
#include <stdlib.h>

static bool pop3_open(struct conn *c, bool tls)
{
    struct pop3_server *s = &c->pop3;

    *s = (struct pop3_server){
        .settings = &c->settings->pop3[c->peer.loopback],
        .loopback = c->peer.loopback,
        .connection = &c->connection,
        .scratch = &c->scratch,
    };
    s->m.out = &c->out;
    s->m.tls.active = tls;
    s->m.now_ms = loop_now_ms(c->edge->loop);
    s->m.unix_ms = clock_unix_ms();
    snprintf(s->ip, sizeof s->ip, "%s", c->peer.text);
    if (!pop3_server_init(s))
        return false;
    c->machine = &s->m;
    return true;
}

static void pop3_close(struct conn *c)
{
    pop3_server_clear(&c->pop3);
}

static bool not_now(struct conn *c)
{
    struct pop3_ask *ask = &c->pop3.ask;

    ask->outcome = RETRY;
    ask->why = (struct why){"4.3.0", "part of this server is restarting, try again in a moment"};
    ask->answer_data = STR_NONE;
    return true;
}

static bool ask_auth(struct conn *c)
{
    const struct pop3_ask *ask = &c->pop3.ask;
    const struct tls_facts *tls = &c->machine->tls;
    struct message m = MSG(login_step, .session = c->session, .mechanism = ask->mechanism, .has_response = ask->has_data,
                           .response = ask->data, .tls = tls->active, .has_exporter = tls->has_exporter,
                           .exporter = tls->has_exporter ? str_of(tls->exporter, sizeof tls->exporter) : STR_NONE,
                           .client_ip = str_c(c->peer.text), .protocol = str_c("pop3"));

    if (ask->mechanism.n > 24 || ask->data.n > 9216) {
        c->pop3.ask.auth = POP3_AUTH_FAILED;
        c->pop3.ask.outcome = DONE;
        return true;
    }
    if (!conn_send(c, ROLE_KEYS, &m))
        return not_now(c);
    c->login_open = true;
    return false;
}

static bool ask_open(struct conn *c)
{
    c->maildrop_count = 0;
    return conn_send(c, ROLE_STORE, &MSG(maildrop_open, .session = c->session, .handle = c->handle)) ? false : not_now(c);
}

static bool ask_read(struct conn *c)
{
    const struct pop3_ask *ask = &c->pop3.ask;
    size_t room = ask->room < BODY_PIECE_MAX ? ask->room : BODY_PIECE_MAX;

    return conn_send(c, ROLE_STORE,
                     &MSG(maildrop_read, .session = c->session, .handle = c->handle, .uid = ask->uid, .offset = ask->offset,
                          .room = (uint32_t)room))
               ? false
               : not_now(c);
}

static bool send_marked(struct conn *c)
{
    struct peer *store = actor_peer(c->edge->actor, ROLE_STORE);
    char piece[4 * 4096];
    struct buf uids;

    buf_fixed(&uids, piece, sizeof piece);
    for (uint32_t i = 0; i <= c->maildrop_count; i++) {
        bool end = i == c->maildrop_count;
        if (!end && c->maildrop[i].deleted)
            wire_add_u32(&uids, c->maildrop[i].uid);
        if (uids.n > 0 && (end || uids.n == sizeof piece)) {
            if (!peer_send(store, &MSG(maildrop_delete, .session = c->session, .handle = c->handle, .uids = buf_str(&uids))))
                return false;
            buf_clear(&uids);
        }
    }
    return true;
}

static bool ask_commit(struct conn *c)
{
    return send_marked(c) && conn_send(c, ROLE_STORE, &MSG(maildrop_commit, .session = c->session, .handle = c->handle))
               ? false
               : not_now(c);
}

static bool pop3_ask(struct conn *c)
{
    switch (c->pop3.ask.kind) {
    case POP3_ASK_AUTH:
        return ask_auth(c);
    case POP3_ASK_OPEN:
        return ask_open(c);
    case POP3_ASK_READ:
        return ask_read(c);
    case POP3_ASK_COMMIT:
        return ask_commit(c);
    case POP3_ASK_NONE:
        break;
    }
    unreachable();
}

static void on_login(struct conn *c, const struct msg_login_answer *m)
{
    struct pop3_ask *ask = &c->pop3.ask;

    ask->outcome = DONE;
    ask->why = m->why;
    ask->answer_data = m->challenge;
    switch ((enum login_answer_step)m->step) {
    case LOGIN_ANSWER_MORE:
        ask->auth = POP3_AUTH_MORE;
        break;
    case LOGIN_ANSWER_OK:
        ask->auth = POP3_AUTH_OK;
        c->pop3.user = c->user;
        break;
    case LOGIN_ANSWER_FAILED:
        ask->auth = POP3_AUTH_FAILED;
        break;
    case LOGIN_ANSWER_RETRY:
        ask->outcome = RETRY;
        break;
    }
}

/* A list that cannot be held is told by its count, which then does not fit maildrop_opened's. */
static void on_list(struct conn *c, struct str entries)
{
    struct maildrop_entry e;

    while (maildrop_entry_take(&entries, &e)) {
        if (c->maildrop_count == c->maildrop_cap) {
            uint32_t cap = c->maildrop_cap ? c->maildrop_cap * 2 : 64;
            if (cap > MAILDROP_MAX)
                cap = MAILDROP_MAX;
            struct pop3_message *more = cap > c->maildrop_cap ? realloc(c->maildrop, cap * sizeof *more) : NULL;
            if (!more)
                return;
            c->maildrop = more;
            c->maildrop_cap = cap;
        }
        c->maildrop[c->maildrop_count++] =
            (struct pop3_message){.uid = e.uid, .size = e.size, .utf8 = (e.flags & MAILDROP_UTF8) != 0};
    }
}

static void on_opened(struct conn *c, const struct msg_maildrop_opened *m)
{
    struct pop3_ask *ask = &c->pop3.ask;

    ask->outcome = m->outcome;
    ask->why = m->why;
    if (m->outcome == DONE && m->count != c->maildrop_count) {
        ask->outcome = RETRY;
        ask->why = (struct why){"4.3.1", "this mailbox has more messages than can be listed now"};
    }
    c->pop3.messages = c->maildrop;
    c->pop3.message_count = ask->outcome == DONE ? c->maildrop_count : 0;
    c->pop3.uidvalidity = m->uidvalidity;
}

static void on_piece(struct conn *c, const struct msg_maildrop_piece *m)
{
    struct pop3_ask *ask = &c->pop3.ask;

    ask->outcome = m->outcome;
    ask->why = m->why;
    ask->last = m->last;
    ask->answer_data = m->data;
}

static bool fits(const struct conn *c, enum message_kind kind)
{
    switch (c->pop3.ask.kind) {
    case POP3_ASK_AUTH:
        return kind == MSG_login_answer;
    case POP3_ASK_OPEN:
        return kind == MSG_maildrop_list || kind == MSG_maildrop_opened;
    case POP3_ASK_READ:
        return kind == MSG_maildrop_piece;
    case POP3_ASK_COMMIT:
        return kind == MSG_answer;
    case POP3_ASK_NONE:
        break;
    }
    return false;
}

static void pop3_message(struct conn *c, const struct message *m)
{
    if (!c->asked || !fits(c, m->kind))
        return;
    if (m->kind == MSG_maildrop_list) {
        on_list(c, m->maildrop_list.entries);
        return;
    }
    if (m->kind == MSG_login_answer) {
        on_login(c, &m->login_answer);
    } else if (m->kind == MSG_maildrop_opened) {
        on_opened(c, &m->maildrop_opened);
    } else if (m->kind == MSG_maildrop_piece) {
        on_piece(c, &m->maildrop_piece);
    } else {
        c->pop3.ask.outcome = m->answer.outcome;
        c->pop3.ask.why = m->answer.why;
    }
    conn_answered(c);
}

static void pop3_lost(struct conn *c)
{
    not_now(c);
}

const struct protocol protocol_pop3 = {pop3_open, pop3_close, pop3_ask, pop3_message, pop3_lost};
