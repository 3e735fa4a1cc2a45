// SPDX-License-Identifier: ISC
/* The store role: opens the engine, hands each message to whoever answers it, gives the engine its turn at the end of each turn
   of the loop (so that what arrived together is committed together), and ends when the engine is dead: everybody who waited has
   then been told RETRY, and master starts it anew. */
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/inside.h"
#include "daemon/store_queue.h"

enum { DEATH_MS = 200 /* for the last answers to leave */ };

struct store_edge *store_edge_of(struct store *st, enum role who)
{
    return who == ROLE_EDGE_MX ? &st->edges[0] : who == ROLE_EDGE_USER ? &st->edges[1] : NULL;
}

static void on_death(void *self)
{
    struct store *st = self;

    actor_failed(st->actor, 74);
}

static void engine_turns(void *self)
{
    struct store *st = self;

    engine_turn(st->engine);
    store_queue_wake(st); /* the index may know more now */
    for (size_t i = 0; i < countof(st->edges); i++)
        if (st->edges[i].paused && engine_body_room(st->engine)) {
            st->edges[i].paused = false;
            if (st->edges[i].peer->link)
                link_pause(st->edges[i].peer->link, false);
        }
    if (engine_is_dead(st->engine) && !st->dying) {
        st->dying = true;
        fact(FACT_ERROR, "store.dead",
             fact_c("what", "the disk failed while writing: nothing that waited was acknowledged; starting anew"));
        loop_timer_in(&st->death, DEATH_MS);
    }
}

static void on_engine(void *self, uint32_t ready)
{
    (void)ready;
    engine_turns(self);
}

void store_submit(struct store *st, struct op *op)
{
    engine_submit(st->engine, op);
    loop_defer_start(&st->turn);
}

uint64_t store_next_id(struct store *st)
{
    enum { LEASE = 64 };

    if (st->ids_left == 0) {
        st->next_id = engine_lease_ids(st->engine, LEASE);
        st->ids_left = st->next_id ? LEASE : 0;
    }
    if (st->ids_left == 0)
        return 0;
    st->ids_left--;
    return st->next_id++;
}

/* ---- life ---- */

static void use(struct store *st, const struct setup *s)
{
    const struct setup *old = st->setup;

    st->setup = setup_hold(s);
    st->config = s->config;
    st->facts.config = s->config;
    st->control.config = s->config;
    st->control.owner_uid = s->owner_uid;
    setup_drop(old);
}

static bool make(struct actor *a)
{
    struct store *st = calloc(1, sizeof *st);

    if (!st)
        return false;
    st->actor = a;
    st->loop = a->loop;
    st->next_query = 1;
    st->engine_options.threads = true;
    st->edges[0] = (struct store_edge){.store = st, .peer = actor_peer(a, ROLE_EDGE_MX)};
    st->edges[1] = (struct store_edge){.store = st, .peer = actor_peer(a, ROLE_EDGE_USER)};
    loop_io_init(&st->engine_io, a->loop, on_engine, st);
    loop_defer_init(&st->turn, a->loop, engine_turns, st);
    loop_timer_init(&st->death, a->loop, on_death, st);
    loop_timer_init(&st->stop_timer, a->loop, on_death, st);
    if (!store_queue_open(st)) {
        free(st);
        return false;
    }
    a->self = st;
    return true;
}

static bool open_sockets(struct store *st, const struct setup *s, struct why *why)
{
    char path[1100];
    struct buf b;

    for (unsigned i = 0; i < 2; i++) {
        buf_fixed(&b, path, sizeof path - 1);
        buf_add(&b, s->run_dir);
        buf_add_c(&b, i == 0 ? "/control" : "/metrics");
        path[b.n] = '\0';
        if (i == 0 ? !(st->control_server = control_server_open(st, path, why)) : !(st->metrics = metrics_open(st, path, why)))
            return false;
    }
    return true;
}

static bool prepare(struct actor *a, const struct setup *next, struct why *why)
{
    struct store *st = a->self;

    if (!st && !make(a)) {
        *why = store_why("4.3.0", "no memory");
        return false;
    }
    st = a->self;
    if (!st->setup) {
        use(st, next);
        if (!str_to_c(next->dir, st->dir, sizeof st->dir)) {
            *why = store_why("", "the data directory's path is too long");
            return false;
        }
        store_directory_init(st);
        store_control_init(st);
        return open_sockets(st, next, why);
    }
    st->coming = next;
    return true;
}

static bool begin(struct actor *a, const struct setup *now, struct why *why)
{
    struct store *st = a->self;

    st->engine = engine_open(st->dir, now->lock_fd, &st->engine_options, why);
    if (!st->engine)
        return false;
    if (engine_fd(st->engine) >= 0 && !loop_io_start(&st->engine_io, engine_fd(st->engine), LOOP_READ)) {
        *why = store_why("4.3.0", "no descriptors");
        return false;
    }
    st->control.engine = st->engine;
    control_server_begin(st->control_server);
    metrics_begin(st->metrics);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (i != ROLE_MASTER && a->peers[i].link)
            link_pause(a->peers[i].link, false);
    loop_defer_start(&st->turn);
    store_queue_begin(st);
    return true;
}

/* What comes before begin waits in the link: who asks for a lease of ids while we start must get one. */
static void peer_up(struct actor *a, struct peer *p)
{
    struct store *st = a->self;

    if (!st || !st->engine)
        link_pause(p->link, true);
}

static void commit(struct actor *a, const struct setup *now)
{
    struct store *st = a->self;

    st->coming = NULL;
    use(st, now);
}

static void abandon(struct actor *a)
{
    struct store *st = a->self;

    if (st)
        st->coming = NULL;
}

static void peer_down(struct actor *a, struct peer *p)
{
    struct store *st = a->self;
    struct store_edge *e = st ? store_edge_of(st, p->who) : NULL;

    if (!st)
        return;
    if (e)
        store_edge_clear(e);
    else if (p->who == ROLE_KEYS)
        store_keys_down(st);
    else if (p->who == ROLE_RELAY)
        queue_all_back(st->queue);
}

static void room(struct actor *a, struct peer *p)
{
    struct store *st = a->self;
    struct store_edge *e = st ? store_edge_of(st, p->who) : NULL;

    if (e)
        store_maildrop_room(e);
    else if (st && p->who == ROLE_RELAY)
        store_queue_wake(st);
}

/* ---- messages ---- */

static void from_edge(struct store_edge *e, const struct message *m)
{
    switch ((int)m->kind) {
    case MSG_body_piece:
        store_body_piece(e, &m->body_piece);
        break;
    case MSG_body_begin:
        store_body_begin(e, &m->body_begin);
        break;
    case MSG_body_abort:
        store_body_abort(e, &m->body_abort);
        break;
    case MSG_commit_rcpt:
        store_commit_rcpt(e, &m->commit_rcpt);
        break;
    case MSG_commit:
        store_commit(e, &m->commit);
        break;
    case MSG_mail:
        store_mail(e, &m->mail);
        break;
    case MSG_rcpt:
        store_rcpt(e, &m->rcpt);
        break;
    case MSG_vrfy:
        store_vrfy(e, &m->vrfy);
        break;
    case MSG_expn:
        store_expn(e, &m->expn);
        break;
    case MSG_id_lease:
        store_id_lease(e, &m->id_lease);
        break;
    case MSG_session_end:
        store_session_end(e, &m->session_end);
        break;
    case MSG_maildrop_open:
        store_maildrop_open(e, &m->maildrop_open);
        break;
    case MSG_maildrop_read:
        store_maildrop_read(e, &m->maildrop_read);
        break;
    case MSG_maildrop_delete:
        store_maildrop_delete(e, &m->maildrop_delete);
        break;
    case MSG_maildrop_commit:
        store_maildrop_commit(e, &m->maildrop_commit);
        break;
    default:
        peer_breach(e->peer, "a message that store does not take");
    }
}

static void message(struct actor *a, struct peer *from, const struct message *m)
{
    struct store *st = a->self;

    if (m->kind == MSG_role_state) { /* the first ones come before prepare */
        if (st || make(a))
            store_role_state(a->self, &m->role_state);
        return;
    }
    if (!st || !st->engine)
        return;
    if (m->kind == MSG_counter)
        store_count(st, from->who, m->counter.name, m->counter.value, false);
    else if (m->kind == MSG_gauge)
        store_count(st, from->who, m->gauge.name, m->gauge.value, true);
    else if (m->kind == MSG_reloaded)
        store_control_reloaded(st, &m->reloaded);
    else if (from->who == ROLE_KEYS)
        store_from_keys(st, from, m);
    else if (from->who == ROLE_RELAY)
        store_from_relay(st, from, m);
    else if (store_edge_of(st, from->who))
        from_edge(store_edge_of(st, from->who), m);
}

/* ---- end ---- */

static bool idle(const struct store *st)
{
    return st->commit_count == 0 && store_queue_is_idle(st);
}

static void second(struct actor *a)
{
    struct store *st = a->self;

    store_queue_second(st);
    if (st->stopping && idle(st))
        actor_stopped(a, (uint32_t)(st->edges[0].sessions + st->edges[1].sessions));
}

static void stop_late(void *self)
{
    struct store *st = self;

    actor_stopped(st->actor, (uint32_t)(st->edges[0].sessions + st->edges[1].sessions));
}

static void stop(struct actor *a, uint32_t within_ms)
{
    struct store *st = a->self;

    st->stopping = true;
    if (idle(st)) {
        actor_stopped(a, (uint32_t)(st->edges[0].sessions + st->edges[1].sessions));
        return;
    }
    loop_timer_init(&st->stop_timer, a->loop, stop_late, st);
    loop_timer_in(&st->stop_timer, within_ms);
}

static void clear(struct actor *a)
{
    struct store *st = a->self;

    if (!st)
        return;
    a->self = NULL;
    st->stopping = st->closing = true;
    store_asks_end(st, ASK_VERIFIER, "the server stops");
    store_asks_end(st, ASK_RELOAD, "the server stops");
    control_server_close(st->control_server);
    metrics_close(st->metrics);
    store_edge_clear(&st->edges[0]);
    store_edge_clear(&st->edges[1]);
    loop_io_stop(&st->engine_io);
    if (st->engine)
        engine_close(st->engine); /* commits what waits: every done has been called */
    check(st->commit_count == 0);
    store_queue_close(st);
    loop_defer_stop(&st->turn);
    loop_timer_stop(&st->death);
    loop_timer_stop(&st->stop_timer);
    for (size_t i = 0; i < STORE_DROPS; i++)
        while (st->logins[i]) {
            struct store_login *l = st->logins[i];
            st->logins[i] = l->next;
            free(l);
        }
    for (size_t i = 0; i < ROLE_COUNT; i++)
        free(st->roles[i].count);
    free(st->edges[0].ranges);
    free(st->edges[1].ranges);
    setup_drop(st->setup);
    free(st);
}

const struct role_type role_store = {
    .who = ROLE_STORE,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .abandon = abandon,
    .message = message,
    .peer_up = peer_up,
    .peer_down = peer_down,
    .room = room,
    .second = second,
    .stop = stop,
    .clear = clear,
};
