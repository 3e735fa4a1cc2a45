// SPDX-License-Identifier: ISC
/* One session: fills the machine, drains it, sees to its questions. The same for every protocol.

     conn_open ──► shaking (implicit TLS) ──► running ◄──► parked: input │ room │ answer │ time
                        ▲                       │
                        └──────NEED_TLS─────────┤
                                                └─HANG_UP──► ending: replies leave ──► lingering: the peer's FIN ──► doomed

     conn_end leads from everywhere to doomed, and at the end of the turn the doomed are freed. */
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/facts.h"
#include "daemon/edge.h"
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MS = 600 * 1000 }; /* a question that nobody answers: RFC 5321 4.5.3.2.6 gives clients ten minutes */

/* ---- buffers: octets that stay get storage of their own, octets that pass use the edge's ---- */

static void borrow(struct buf *b, char *scratch, size_t size)
{
    if (b->n > 0 || b->fixed)
        return;
    buf_free(b);
    buf_fixed(b, scratch, size);
}

static bool give_back(struct buf *b, size_t max)
{
    struct buf own;

    if (!b->fixed) {
        buf_shrink(b, 0);
        return true;
    }
    buf_init(&own, max);
    buf_add(&own, buf_str(b));
    bool kept = !own.full;
    *b = own;
    return kept;
}

static void borrow_all(struct conn *c)
{
    struct edge *e = c->edge;

    borrow(&c->in, e->scratch_in, CONN_IN_MAX);
    borrow(&c->out, e->scratch_out, CONN_OUT_MAX);
    borrow(&c->body, e->scratch_body, CONN_BODY_MAX);
    if (c->tls) {
        borrow(&c->wire_in, e->scratch_wire_in, CONN_WIRE_MAX);
        borrow(&c->wire_out, e->scratch_wire_out, CONN_WIRE_MAX);
    }
}

static bool give_back_all(struct conn *c)
{
    bool kept = give_back(&c->in, CONN_IN_MAX);

    kept = give_back(&c->out, CONN_OUT_MAX) && kept;
    kept = give_back(&c->body, CONN_BODY_MAX) && kept;
    kept = give_back(&c->wire_in, CONN_WIRE_MAX) && kept;
    return give_back(&c->wire_out, CONN_WIRE_MAX) && kept;
}

/* ---- the wire ---- */

/* What waits for the peer leaves as far as the socket takes it. False: the conn has ended. */
static bool flush(struct conn *c)
{
    for (;;) {
        struct buf *wire = c->tls ? &c->wire_out : &c->out;
        enum tls_result sealed = c->tls && c->out.n > 0 ? tls_write(c->tls, &c->out, &c->wire_out) : TLS_OK;

        switch (wire->n > 0 ? net_write(c->fd, wire) : NET_OK) {
        case NET_OK:
            break;
        case NET_AGAIN:
            return true;
        case NET_END:
        case NET_FULL:
        case NET_ERROR:
            conn_end(c, "connection lost");
            return false;
        }
        if (sealed == TLS_FAILED || sealed == TLS_CLOSED) {
            conn_end(c, "tls failed");
            return false;
        }
        if (sealed == TLS_OK)
            return true;
    }
}

static bool has_output(const struct conn *c)
{
    return c->out.n > 0 || c->wire_out.n > 0;
}

/* Decrypts what has come. False: the conn has ended. */
static bool unseal(struct conn *c)
{
    switch (tls_read(c->tls, &c->wire_in, &c->in, &c->wire_out)) {
    case TLS_OK:
        c->tls_more = true;
        return true;
    case TLS_MORE:
        c->tls_more = false;
        return true;
    case TLS_CLOSED:
        c->tls_more = false;
        c->in_end = true;
        return true;
    case TLS_FAILED:
        break;
    }
    flush(c); /* the alert */
    conn_end(c, "tls failed");
    return false;
}

/* Takes from the socket what is there. False: the conn has ended. */
static bool fill(struct conn *c)
{
    struct buf *to = c->tls ? &c->wire_in : &c->in;

    switch (net_read(c->fd, to, CONN_IN_MAX)) {
    case NET_OK:
        break;
    case NET_AGAIN:
    case NET_FULL:
        return true;
    case NET_END:
        c->in_end = true;
        if (c->tls)
            c->cut =
                /* no close_notify; the machine learns of the end all the same and treats what is unfinished as unfinished */
                true;
        break;
    case NET_ERROR:
        conn_end(c, "connection reset");
        return false;
    }
    return !c->tls || unseal(c);
}

/* ---- what happens next ---- */

static void arm(struct conn *c, int64_t at_ms)
{
    if (at_ms)
        loop_timer_at(&c->timer, at_ms);
    else
        loop_timer_stop(&c->timer);
}

static void update(struct conn *c)
{
    uint32_t interest = 0;
    int64_t now = loop_now_ms(c->edge->loop);

    if (c->closing)
        return;
    if (!c->in_end && c->in.n < CONN_IN_MAX && c->wire_in.n < CONN_WIRE_MAX / 2)
        interest |= LOOP_READ;
    if (has_output(c))
        interest |= LOOP_WRITE;
    loop_io_interest(&c->io, interest);
    if (c->lingering || c->handshaking)
        return;
    if (c->ending || (has_output(c) && c->machine->deadline_ms == 0)) {
        if (!loop_timer_is_active(&c->timer) || !c->stalled)
            arm(c, now + STALL_MS);
        c->stalled = true;
        return;
    }
    c->stalled = false;
    arm(c, c->asked || c->blocked ? now + ANSWER_MS : c->machine->deadline_ms);
}

static void ending(struct conn *c)
{
    if (c->closing || !flush(c) || has_output(c))
        return;
    if (c->tls && !c->said_close) {
        c->said_close = true;
        tls_close(c->tls, &c->wire_out);
        if (!flush(c) || has_output(c))
            return;
    }
    if (c->in_end) {
        conn_end(c, NULL);
        return;
    }
    net_shutdown(c->fd);
    buf_clear(&c->in);
    c->lingering = true;
    arm(c, loop_now_ms(c->edge->loop) + (c->edge->stopping ? LINGER_STOPPING_MS : LINGER_MS));
}

/* ---- the body: to store, as fast as its link takes it ---- */

static void block(struct conn *c)
{
    struct edge *e = c->edge;

    if (c->blocked)
        return;
    c->blocked = true;
    c->blocked_prev = NULL;
    c->blocked_next = e->blocked;
    if (e->blocked)
        e->blocked->blocked_prev = c;
    e->blocked = c;
}

void conn_unblock(struct conn *c)
{
    if (!c->blocked)
        return;
    c->blocked = false;
    if (c->blocked_prev)
        c->blocked_prev->blocked_next = c->blocked_next;
    else
        c->edge->blocked = c->blocked_next;
    if (c->blocked_next)
        c->blocked_next->blocked_prev = c->blocked_prev;
}

static bool send_piece(struct conn *c, struct peer *store)
{
    struct str piece = str_head(buf_str(&c->body), BODY_PIECE_MAX);

    if (!c->body_open && !peer_send(store, &MSG(body_begin, .session = c->session)))
        return false;
    c->body_open = true;
    if (!peer_send(store, &MSG(body_piece, .session = c->session, .data = piece)))
        return false;
    buf_consume(&c->body, piece.n);
    return true;
}

/* True: something moved. */
static bool drain_body(struct conn *c)
{
    struct peer *store = actor_peer(c->edge->actor, ROLE_STORE);
    bool moved = false;

    if (c->protocol != &protocol_smtp)
        return false;
    if (c->smtp.body_aborted) {
        c->smtp.body_aborted = false;
        if (c->body_open)
            peer_send(store, &MSG(body_abort, .session = c->session));
        c->body_open = c->body_lost = false;
    }
    while (c->body.n > 0) {
        if (!c->body_lost && store->link && !store->broken && peer_room(store) == 0) {
            block(c);
            return moved;
        }
        if (c->body_lost || !send_piece(c, store)) { /* nobody takes it: the commit gets a RETRY, until then it is thrown away */
            c->body_lost = true;
            c->body_open = false;
            buf_clear(&c->body);
        }
        moved = true;
    }
    return moved;
}

/* ---- the machine ---- */

/* It waits: can something that it waits for be had at once? False: no, or the conn has ended. */
static bool go_on(struct conn *c, bool moved)
{
    struct machine *m = c->machine;
    size_t before = c->in.n;

    if (m->wants & WANT_ANSWER && !c->asked && c->body.n == 0) {
        c->asked = true;
        if (c->protocol->ask(c)) {
            c->asked = false;
            m->answered = true;
            return true;
        }
    }
    if (c->asked && c->in.n > 0 && c->out.n < CONN_OUT_MAX / 2)
        return false; /* the client sent more commands with this one: their replies leave together (RFC 2920 3.2) */
    if (!flush(c))
        return false;
    if (m->wants & WANT_ROOM && (moved || (c->out.n == 0 && c->body.n == 0)))
        return true;
    if (m->wants & WANT_INPUT && c->tls && (c->tls_more || c->wire_in.n > 0) && !c->in_end) {
        if (!unseal(c))
            return false;
        return c->in.n > before || c->in_end;
    }
    return false;
}

static void need_tls(struct conn *c)
{
    if (!flush(c))
        return;
    buf_clear(&c->in); /* what came in clear behind STARTTLS was never said (RFC 3207 6) */
    handshake_start(c);
}

static void steps(struct conn *c)
{
    struct machine *m = c->machine;

    m->now_ms = loop_now_ms(c->edge->loop);
    m->unix_ms = clock_unix_ms();
    for (;;) {
        m->in = buf_str(&c->in);
        m->in_end = c->in_end;
        enum next next = machine_run(m);
        buf_consume(&c->in, c->in.n - m->in.n);
        bool moved = drain_body(c);
        if (next == WAIT && go_on(c, moved))
            continue;
        if (next == NEED_TLS)
            need_tls(c);
        if (next == HANG_UP) {
            c->ending = true;
            ending(c);
        }
        return;
    }
}

void conn_run(struct conn *c)
{
    if (c->closing || c->ending || c->handshaking)
        return;
    check(!c->running);
    c->running = true;
    borrow_all(c);
    steps(c);
    c->running = false;
    if (!give_back_all(c))
        conn_end(c, "no memory");
    update(c);
}

void conn_answered(struct conn *c)
{
    if (!c->asked)
        return;
    c->asked = false;
    c->machine->answered = true;
    conn_run(c);
}

static void on_ready(void *self, uint32_t ready)
{
    struct conn *c = self;

    if (c->lingering) {
        enum net_result r = net_discard(c->fd);
        if (r == NET_END || r == NET_ERROR)
            conn_end(c, NULL);
        return;
    }
    if (c->handshaking) {
        handshake_ready(c, ready);
        return;
    }
    borrow_all(c);
    if (c->ending)
        ending(c);
    else if (!(ready & LOOP_READ) || c->in_end || fill(c)) {
        bool wanted = c->machine->wants & WANT_INPUT && ready & LOOP_READ;
        if (ready & LOOP_WRITE && flush(c))
            wanted |= (c->machine->wants & WANT_ROOM) != 0 && c->out.n == 0;
        if (wanted && !c->closing) {
            conn_run(c);
            return;
        }
    }
    if (!give_back_all(c))
        conn_end(c, "no memory");
    update(c);
}

static void on_time(void *self)
{
    struct conn *c = self;

    if (c->lingering)
        conn_end(c, NULL);
    else if (c->handshaking)
        conn_end(c, "hand-shake took too long");
    else if (c->ending || c->stalled)
        conn_end(c, "the peer takes no replies");
    else if (c->asked || c->blocked)
        conn_end(c, "no answer from within");
    else {
        c->machine->timed_out = true;
        conn_run(c);
    }
}

/* ---- beginning and end ---- */

static const struct protocol *protocol_of(enum listen_kind kind)
{
    return kind == LISTEN_POP3 || kind == LISTEN_POP3S ? &protocol_pop3 : &protocol_smtp;
}

static bool take_slot(struct conn *c)
{
    struct edge *e = c->edge;

    if (e->free_count == 0) {
        uint32_t more = e->slot_max ? e->slot_max * 2 : 256;
        if (more > 1u << SLOT_BITS)
            return false;
        struct conn **slots = realloc(e->slots, more * sizeof *slots);
        if (slots)
            e->slots = slots;
        uint32_t *frees = realloc(e->free_slots, more * sizeof *frees);
        if (frees)
            e->free_slots = frees;
        if (!slots || !frees)
            return false;
        for (uint32_t i = more; i-- > e->slot_max;) {
            e->slots[i] = NULL;
            e->free_slots[e->free_count++] = i;
        }
        e->slot_max = more;
    }
    uint32_t slot = e->free_slots[--e->free_count];
    e->slots[slot] = c;
    c->session = ++e->serial << SLOT_BITS | slot;
    e->open++;
    return true;
}

void conn_open(struct edge *e, int fd, enum listen_kind kind, const struct net_peer *peer, bool counted)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c || (c->edge = e, !take_slot(c))) {
        free(c);
        net_close(fd);
        if (counted)
            edge_uncount(e, peer->key);
        return;
    }
    c->fd = fd;
    c->kind = kind;
    c->peer = *peer;
    c->counted = counted;
    c->protocol = protocol_of(kind);
    c->settings = edge_settings_hold(e->settings);
    c->began_ms = loop_now_ms(e->loop);
    loop_io_init(&c->io, e->loop, on_ready, c);
    loop_timer_init(&c->timer, e->loop, on_time, c);
    buf_init(&c->in, CONN_IN_MAX);
    buf_init(&c->out, CONN_OUT_MAX);
    buf_init(&c->body, CONN_BODY_MAX);
    buf_init(&c->wire_in, CONN_WIRE_MAX);
    buf_init(&c->wire_out, CONN_WIRE_MAX);
    arena_init(&c->connection, SESSION_CONNECTION_MEM);
    arena_init(&c->transaction, (size_t)c->settings->setup->config->recipients_max * 1024 + SESSION_TRANSACTION_MEM);
    arena_init(&c->scratch, SESSION_SCRATCH_MEM);
    snprintf(c->sid, sizeof c->sid, "%s", id_text(c->session >> SLOT_BITS).c);
    fact(FACT_INFO, "session.open", fact_c("sid", c->sid), fact_c("service", config_listen_word(kind)),
         fact_c("client", c->peer.text), fact_num("port", c->peer.port));
    fact_count("edge.sessions", 1);
    bool tls = kind == LISTEN_SUBMISSIONS || kind == LISTEN_POP3S;
    if (!loop_io_start(&c->io, fd, LOOP_READ) || !c->protocol->open(c, tls)) {
        conn_end(c, "no memory");
        return;
    }
    if (tls) {
        handshake_start(c);
        return;
    }
    conn_run(c);
}

/* The machine is only made when the channel is what it will be: implicit TLS comes first. */
void conn_shaken(struct conn *c)
{
    c->handshaking = false;
    tls_facts_get(c->tls, &c->machine->tls);
    fact(FACT_INFO, "session.tls", fact_c("sid", c->sid), fact_c("version", c->machine->tls.version),
         fact_c("cipher", c->machine->tls.cipher));
    fact_count("edge.tls", 1);
    borrow_all(c);
    if (c->wire_in.n > 0 && !unseal(c)) {
        give_back_all(c);
        return;
    }
    conn_run(c);
}

void conn_end(struct conn *c, const char *why)
{
    struct edge *e = c->edge;
    struct actor *a = e->actor;

    if (c->closing)
        return;
    c->closing = true;
    fact(FACT_INFO, "session.close", fact_c("sid", c->sid), fact_str("user", c->user), fact_num("accepted", c->accepted),
         fact_num("ms", loop_now_ms(e->loop) - c->began_ms), fact_c("why", why ? why : "done"));
    conn_unblock(c);
    loop_io_stop(&c->io);
    loop_timer_stop(&c->timer);
    net_close(c->fd);
    c->fd = -1;
    if (c->counted)
        edge_uncount(e, c->peer.key);
    if (c->body_open || c->handle)
        peer_send(actor_peer(a, ROLE_STORE), &MSG(session_end, .session = c->session, .handle = c->handle));
    if (c->login_open)
        peer_send(actor_peer(a, ROLE_KEYS), &MSG(login_end, .session = c->session));
    e->slots[c->session & ((1u << SLOT_BITS) - 1)] = NULL;
    e->free_slots[e->free_count++] = (uint32_t)(c->session & ((1u << SLOT_BITS) - 1));
    e->open--;
    if (!handshake_busy(c))
        conn_doom(c);
}

void conn_doom(struct conn *c)
{
    c->doomed_next = c->edge->doomed;
    c->edge->doomed = c;
    loop_defer_start(&c->edge->burial);
}

static void conn_free(struct conn *c)
{
    handshake_forget(c);
    if (c->machine)
        c->protocol->close(c);
    tls_free(c->tls);
    give_back_all(c); /* a borrowed buffer is not to be freed */
    buf_free(&c->in);
    buf_free(&c->out);
    buf_free(&c->body);
    buf_free(&c->wire_in);
    buf_free(&c->wire_out);
    arena_clear(&c->connection);
    arena_clear(&c->transaction);
    arena_clear(&c->scratch);
    free(c->maildrop);
    edge_settings_drop(c->settings);
    free(c);
}

void conn_bury(void *edge)
{
    struct edge *e = edge;

    while (e->doomed) {
        struct conn *c = e->doomed;
        e->doomed = c->doomed_next;
        conn_free(c);
    }
    edge_maybe_stopped(e);
}

/* ---- from within ---- */

void conn_lost(struct conn *c, enum role who)
{
    if (c->closing)
        return;
    bool run = c->blocked;
    if (who == ROLE_STORE) {
        conn_unblock(c);
        c->body_lost |= c->body_open;
        c->body_open = false;
        if (c->handle) { /* it died with store; the user has to log in again */
            c->handle = 0;
            c->machine->stopping = run = true;
        }
    } else {
        c->login_open = false;
    }
    if (c->asked && c->asked_of == who) {
        c->waits_ids = false;
        c->protocol->lost(c);
        if (!c->closing)
            conn_answered(c);
    } else if (run && !c->asked) {
        conn_run(c);
    }
}

void conn_stop(struct conn *c)
{
    if (c->closing || !c->machine)
        return;
    if (c->lingering)
        arm(c, loop_now_ms(c->edge->loop) + LINGER_STOPPING_MS);
    c->machine->stopping = true;
    if (!c->asked)
        conn_run(c);
}
