// SPDX-License-Identifier: ISC
/* The two edges as roles: set-ups, links, stopping. Sessions: conn.c. */
#include "daemon/edge.h"
#include "base/check.h"
#include "base/facts.h"
#include "base/random.h"
#include <stdlib.h>

/* ---- ids: a range leased from store, and the next one ahead ---- */

static uint64_t lease_left(const struct edge *e, size_t i)
{
    return e->lease[i].end - e->lease[i].next;
}

bool edge_has_ids(const struct edge *e)
{
    return lease_left(e, 0) + lease_left(e, 1) > e->open;
}

void edge_lease(struct edge *e)
{
    if (e->lease_asked || lease_left(e, 1) > 0)
        return;
    e->lease_asked = peer_send(actor_peer(e->actor, ROLE_STORE), &MSG(id_lease, .count = LEASE_COUNT));
}

uint64_t edge_next_id(void *conn)
{
    struct edge *e = ((struct conn *)conn)->edge;

    if (lease_left(e, 0) == 0) {
        e->lease[0] = e->lease[1];
        e->lease[1].next = e->lease[1].end = 0;
        edge_lease(e);
    }
    return lease_left(e, 0) ? e->lease[0].next++ : 0; /* 0: the commit gets a RETRY */
}

/* Right after a start sessions may be faster than the first lease: their MAIL waits for it. */
static void ask_again(struct edge *e)
{
    for (uint32_t i = 0; i < e->slot_max; i++) {
        struct conn *c = e->slots[i];
        if (!c || !c->waits_ids)
            continue;
        c->waits_ids = false;
        if (!edge_has_ids(e))
            c->protocol->lost(c);
        else if (!c->asked || !c->protocol->ask(c))
            continue;
        conn_answered(c);
    }
}

static void on_range(struct edge *e, const struct msg_id_range *m)
{
    size_t to = lease_left(e, 0) == 0 ? 0 : 1;

    e->lease_asked = false;
    if (m->count > 0 && m->first > 0 && m->first <= UINT64_MAX - m->count) {
        e->lease[to].next = m->first;
        e->lease[to].end = m->first + m->count;
        if (to == 0)
            edge_lease(e);
    }
    ask_again(e);
}

/* ---- sessions ---- */

struct conn *edge_conn(struct edge *e, uint64_t session)
{
    uint32_t slot = (uint32_t)(session & ((1u << SLOT_BITS) - 1));
    struct conn *c = slot < e->slot_max ? e->slots[slot] : NULL;

    return c && c->session == session ? c : NULL;
}

bool conn_send(struct conn *c, enum role to, const struct message *m)
{
    c->asked_of = to;
    return peer_send(actor_peer(c->edge->actor, to), m);
}

/* The answer of keys that ends a login leaves the user and the handle here, so that the protocols need not know. */
static void on_login(struct conn *c, const struct msg_login_answer *m)
{
    if (!c->login_open)
        return;
    c->login_open = m->step == LOGIN_ANSWER_MORE;
    if (m->step == LOGIN_ANSWER_OK) {
        c->handle = m->handle;
        c->user = arena_str(&c->connection, m->user);
        fact(FACT_INFO, "session.login", fact_c("sid", c->sid), fact_str("user", c->user), fact_c("client", c->peer.text));
        fact_count("edge.logins", 1);
    } else if (m->step == LOGIN_ANSWER_FAILED) {
        fact(FACT_WARN, "session.login-failed", fact_c("sid", c->sid), fact_str("user", m->user), fact_c("client", c->peer.text));
        fact_count("edge.logins-failed", 1);
    }
}

static void to_session(struct edge *e, uint64_t session, const struct message *m)
{
    struct conn *c = edge_conn(e, session);

    if (m->kind == MSG_login_answer && m->login_answer.step == LOGIN_ANSWER_OK && (!c || !c->login_open)) {
        /* it left in the meantime: store should not keep what keys had made for it */
        peer_send(actor_peer(e->actor, ROLE_STORE), &MSG(session_end, .session = session, .handle = m->login_answer.handle));
        return;
    }
    if (!c)
        return;
    if (m->kind == MSG_session_kick) {
        fact(FACT_INFO, "session.kicked", fact_c("sid", c->sid), fact_str("user", c->user));
        conn_stop(c);
        return;
    }
    if (m->kind == MSG_login_answer)
        on_login(c, &m->login_answer);
    c->protocol->message(c, m);
}

static void edge_message(struct actor *a, struct peer *from, const struct message *m)
{
    struct edge *e = a->self;

    if (m->kind == MSG_login_answer && m->login_answer.step > LOGIN_ANSWER_RETRY) {
        peer_breach(from, "an unknown step of a login");
        return;
    }
    switch ((int)m->kind) {
    case MSG_id_range:
        on_range(e, &m->id_range);
        break;
    case MSG_ticket_key:
        edge_settings_ticket_key(e, m->ticket_key.key);
        break;
#define TO_SESSION(kind)                                                                                                         \
    case MSG_##kind:                                                                                                             \
        to_session(e, m->kind.session, m);                                                                                       \
        break
        TO_SESSION(answer);
        TO_SESSION(answer_text);
        TO_SESSION(committed);
        TO_SESSION(committed_rcpt);
        TO_SESSION(session_kick);
        TO_SESSION(maildrop_list);
        TO_SESSION(maildrop_opened);
        TO_SESSION(maildrop_piece);
        TO_SESSION(login_answer);
#undef TO_SESSION
    default:
        break;
    }
}

static void edge_peer_up(struct actor *a, struct peer *p)
{
    struct edge *e = a->self;

    if (e && p->who == ROLE_STORE && a->setup && e->pool)
        edge_lease(e);
}

static void edge_peer_down(struct actor *a, struct peer *p)
{
    struct edge *e = a->self;

    if (!e)
        return;
    if (p->who == ROLE_STORE) {
        e->lease_asked = false;
        memset(e->lease, 0, sizeof e->lease); /* the next store knows nothing of what this one leased */
    }
    for (uint32_t i = 0; i < e->slot_max; i++)
        if (e->slots[i])
            conn_lost(e->slots[i], p->who);
}

static void edge_room(struct actor *a, struct peer *p)
{
    struct edge *e = a->self;
    struct conn *c = e->blocked;

    (void)p;
    e->blocked = NULL; /* who does not get through blocks itself again, on the new list */
    while (c) {
        struct conn *next = c->blocked_next;
        c->blocked = false;
        c->blocked_next = c->blocked_prev = NULL;
        conn_run(c);
        c = next;
    }
}

static void edge_sign_channel(struct actor *a, enum role who, uint32_t incarnation, int fd)
{
    struct edge *e = a->self;

    (void)who;
    if (e)
        signers_add(&e->signers, fd, incarnation);
    else
        net_close(fd);
}

/* ---- set-ups ---- */

static bool no_memory(struct why *why)
{
    *why = (struct why){"", "no memory for the edge"};
    return false;
}

static bool scratch(struct edge *e)
{
    e->scratch_in = malloc(CONN_IN_MAX);
    e->scratch_out = malloc(CONN_OUT_MAX);
    e->scratch_body = malloc(CONN_BODY_MAX);
    e->scratch_wire_in = malloc(CONN_WIRE_MAX);
    e->scratch_wire_out = malloc(CONN_WIRE_MAX);
    return e->scratch_in && e->scratch_out && e->scratch_body && e->scratch_wire_in && e->scratch_wire_out;
}

static void edge_free(struct edge *e)
{
    edge_listen_stop(e);
    pool_free(e->pool); /* done of every hand-shake is called from here */
    e->pool = NULL;
    conn_bury(e);
    loop_timer_stop(&e->stop_timer);
    loop_defer_stop(&e->burial);
    signers_clear(&e->signers);
    clients_close(&e->clients);
    edge_settings_drop(e->settings);
    edge_settings_drop(e->coming);
    net_close(e->spare_fd);
    free(e->slots);
    free(e->free_slots);
    free(e->scratch_in);
    free(e->scratch_out);
    free(e->scratch_body);
    free(e->scratch_wire_in);
    free(e->scratch_wire_out);
    free(e);
}

static void end_all(struct edge *e, const char *why)
{
    for (uint32_t i = 0; i < e->slot_max; i++)
        if (e->slots[i]) {
            e->cut++;
            conn_end(e->slots[i], why);
        }
}

static void on_stop_time(void *self)
{
    end_all(self, "the server stops");
    edge_maybe_stopped(self);
}

static bool first_prepare(struct actor *a, const struct setup *s, struct why *why)
{
    struct edge *e = calloc(1, sizeof *e);
    unsigned column = a->type->who == ROLE_EDGE_MX ? 0 : 1;

    if (!e)
        return no_memory(why);
    e->actor = a;
    e->loop = a->loop;
    e->spare_fd = -1;
    e->serial = random_below(1u << 22);
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        e->listeners[i].fd = -1;
    loop_timer_init(&e->stop_timer, e->loop, on_stop_time, e);
    loop_defer_init(&e->burial, e->loop, conn_bury, e);
    bool ok = signers_init(&e->signers);
    check(ok);
    if (!scratch(e) || !clients_open(&e->clients, s->clients_fd, s->clients_slots ? s->clients_slots : CLIENTS_SLOTS, column)) {
        edge_free(e);
        return no_memory(why);
    }
    e->settings = edge_settings_new(e, s, why);
    if (!e->settings) {
        edge_free(e);
        return false;
    }
    a->self = e;
    return true;
}

static bool edge_prepare(struct actor *a, const struct setup *next, struct why *why)
{
    struct edge *e = a->self;

    if (!tls_warm()) {
        *why = (struct why){"", "the TLS library does not work"};
        return false;
    }
    if (!e)
        return first_prepare(a, next, why);
    e->coming = edge_settings_new(e, next, why);
    return e->coming != NULL;
}

static bool edge_begin(struct actor *a, const struct setup *now, struct why *why)
{
    struct edge *e = a->self;

    e->pool = pool_new(e->loop, "hand-shakes", HANDSHAKE_THREADS, HANDSHAKE_QUEUE, 0);
    if (!e->pool)
        return no_memory(why);
    edge_lease(e);
    edge_listen_apply(e, now);
    e->spare_fd = edge_spare();
    return true;
}

static void edge_commit(struct actor *a, const struct setup *now)
{
    struct edge *e = a->self;

    edge_settings_drop(e->settings);
    e->settings = e->coming;
    e->coming = NULL;
    if (!a->stopping)
        edge_listen_apply(e, now);
}

static void edge_abandon(struct actor *a)
{
    struct edge *e = a->self;

    edge_settings_drop(e->coming);
    e->coming = NULL;
}

/* ---- */

static void edge_second(struct actor *a)
{
    struct edge *e = a->self;
    const char *name = a->type->who == ROLE_EDGE_MX ? "edge-mx.sessions" : "edge-user.sessions";

    if (e->open != e->told_open && peer_send(actor_peer(a, ROLE_STORE), &MSG(gauge, .name = str_c(name), .value = e->open)))
        e->told_open = e->open;
    if (signers_wants_more(&e->signers))
        peer_send(actor_peer(a, ROLE_MASTER), &MSG(sign_wish, .incarnation = a->incarnation));
    if (!edge_has_ids(e))
        edge_lease(e);
}

void edge_maybe_stopped(struct edge *e)
{
    if (!e->stopping || e->open > 0 || e->told_stopped)
        return;
    e->told_stopped = true;
    loop_timer_stop(&e->stop_timer);
    actor_stopped(e->actor, e->cut);
}

static void edge_stop(struct actor *a, uint32_t within_ms)
{
    struct edge *e = a->self;

    e->stopping = true;
    edge_listen_stop(e);
    for (uint32_t i = 0; i < e->slot_max; i++)
        if (e->slots[i])
            conn_stop(e->slots[i]);
    loop_timer_in(&e->stop_timer, within_ms);
    loop_defer_start(&e->burial); /* looks whether nobody is left, too */
}

static void edge_clear(struct actor *a)
{
    struct edge *e = a->self;

    if (!e)
        return;
    end_all(e, "the server stops");
    edge_free(e);
    a->self = NULL;
}

#define EDGE_ROLE(role)                                                                                                          \
    {                                                                                                                            \
        .who = role, .prepare = edge_prepare, .begin = edge_begin, .commit = edge_commit, .abandon = edge_abandon,               \
        .message = edge_message, .peer_up = edge_peer_up, .peer_down = edge_peer_down, .room = edge_room,                        \
        .sign_channel = edge_sign_channel, .second = edge_second, .stop = edge_stop, .clear = edge_clear,                        \
    }
const struct role_type role_edge_mx = EDGE_ROLE(ROLE_EDGE_MX);
const struct role_type role_edge_user = EDGE_ROLE(ROLE_EDGE_USER);
