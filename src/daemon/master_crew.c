// SPDX-License-Identifier: ISC
/* One role, seen from master.

     DOWN ──crew_start──► SPAWNED ──setup_result──► PREPARED ──setup_commit──► COMMITTED ──ready──► READY ──stopped──► STOPPED
       ▲                     │            │                                        │                  │
       └──── back-off ◄──────┴────────────┴──────────── the process ended ◄────────┴──────────────────┘ */
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/master.h"
#include "os/net.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

bool crew_send(struct crew *c, const struct message *m, int fd)
{
    check(message_may(m->kind, ROLE_MASTER, c->who));
    if (!c->link)
        return false;
    if (message_send(c->link, &c->master->scratch, m, fd)) {
        if (fd >= 0)
            link_flush(c->link); /* few descriptors may wait */
        return true;
    }
    fact(FACT_ERROR, "role.deaf", fact_c("peer", role_name(c->who)), fact_c("message", message_name(m->kind)));
    crew_kill(c);
    return false;
}

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct crew *c = self;
    struct message m;

    if (l != c->link)
        return;
    if (!message_may(f->type, c->who, ROLE_MASTER) || f->fd >= 0 || !message_read(f->type, f->payload, &m)) {
        fact(FACT_ERROR, "role.breach", fact_c("peer", role_name(c->who)), fact_c("message", message_name(f->type)),
             fact_num("kind", f->type));
        crew_kill(c);
        return;
    }
    master_message(c, &m);
}

static void on_close(void *self, struct link *l, const char *why)
{
    struct crew *c = self;

    if (l != c->link)
        return;
    fact(FACT_DEBUG, "role.link-closed", fact_c("peer", role_name(c->who)), fact_c("why", why));
    if (c->state != CREW_STOPPED)
        crew_kill(c); /* a role without master is no use; its end is seen by SIGCHLD */
}

static const struct link_handler crew_handler = {on_frame, on_close, NULL};

/* ---- wiring ---- */

static bool is_up(const struct crew *c)
{
    return c->link != NULL && c->state != CREW_DOWN && c->state != CREW_STOPPED;
}

/* A new link between two roles, each of which forgets the old one. */
static void wire(struct crew *a, struct crew *b)
{
    int fds[2];

    if (!role_linked(a->who, b->who) || !is_up(a) || !is_up(b))
        return;
    if (a->actor && b->actor) {
        struct link *ends[2];
        struct peer *pa = actor_peer(a->actor, b->who), *pb = actor_peer(b->actor, a->who);
        if (link_new_pair(a->master->loop, role_name(b->who), &peer_handler, pa, role_name(a->who), &peer_handler, pb,
                          LINK_QUEUE_MAX, ends)) {
            actor_link(a->actor, b->who, b->incarnation, ends[0]);
            actor_link(b->actor, a->who, a->incarnation, ends[1]);
        }
        return;
    }
    if (!net_pair(fds)) {
        fact(FACT_ERROR, "role.no-link", fact_c("from", role_name(a->who)), fact_c("to", role_name(b->who)));
        return;
    }
    net_buffers(fds[0], LINK_STREAM_MAX / 2, LINK_STREAM_MAX / 2);
    net_buffers(fds[1], LINK_STREAM_MAX / 2, LINK_STREAM_MAX / 2);
    crew_send(a, &MSG(peer, .who = b->who, .incarnation = b->incarnation), fds[0]);
    crew_send(b, &MSG(peer, .who = a->who, .incarnation = a->incarnation), fds[1]);
    net_close(fds[0]);
    net_close(fds[1]);
}

void crew_sign_channel(struct master *m, struct crew *edge)
{
    struct crew *keys = &m->crew[ROLE_KEYS];
    int fds[2];

    if (!is_up(edge) || !is_up(keys) || !net_pair(fds))
        return;
    crew_send(edge, &MSG(sign_channel, .who = ROLE_KEYS, .incarnation = keys->incarnation), fds[0]);
    crew_send(keys, &MSG(sign_channel, .who = edge->who, .incarnation = edge->incarnation), fds[1]);
    net_close(fds[0]);
    net_close(fds[1]);
}

static void wire_all(struct crew *c)
{
    struct master *m = c->master;

    for (int i = 1; i < ROLE_COUNT; i++)
        if (&m->crew[i] != c)
            wire(c, &m->crew[i]);
    for (int i = ROLE_EDGE_MX; i <= ROLE_EDGE_USER; i++)
        if (c->who == ROLE_KEYS || c == &m->crew[i])
            for (int n = 0; n < 2; n++)
                crew_sign_channel(m, &m->crew[i]);
}

void crew_tell_store(struct master *m, const struct crew *c)
{
    struct crew *store = &m->crew[ROLE_STORE];

    if (is_up(store))
        crew_send(store,
                  &MSG(role_state, .who = c->who, .pid = (uint32_t)(m->single ? getpid() : c->pid), .restarts = c->restarts,
                       .since_ms = c->since_unix_ms, .up = is_up(c)),
                  -1);
}

/* ---- life ---- */

static bool spawn(struct crew *c, int link_fd, struct why *why)
{
    struct master *m = c->master;
    char number[16];
    const char *argv[] = {"penny", "role", role_name(c->who), number, NULL};
    struct process_fd fds[] = {{link_fd, 3}};
    struct process_spec spec = {
        .argv = argv,
        .fds = fds,
        .fd_count = 1,
        .uid = m->uid,
        .gid = m->gid,
        .change_user = m->root,
        .no_new_privs = true,
        .session = !m->own_session,
        .death_signal = SIGKILL,
    };

    snprintf(number, sizeof number, "%u", c->incarnation);
    c->pid = process_spawn(&spec, why);
    return c->pid > 0;
}

static void actor_ended(void *to, struct actor *a, int status)
{
    struct crew *c = to;

    (void)a;
    if (status != 0 || !c->master->stopping) {
        if (!c->master->why.text[0])
            c->master->why = (struct why){"", "a role failed, and in one process the others cannot go on without it"};
        master_fail(c->master, status ? status : 70, role_name(c->who), &c->master->why);
    }
    c->state = CREW_STOPPED;
    loop_defer_start(&c->master->sweep);
}

static bool start_actor(struct crew *c, struct why *why)
{
    struct link *ends[2];
    struct peer *peer;

    *why = (struct why){"", "no memory for a role"};
    c->actor = actor_new(role_type_of(c->who), c->master->loop, c->incarnation, true, actor_ended, c);
    if (!c->actor)
        return false;
    peer = actor_peer(c->actor, ROLE_MASTER);
    if (!link_new_pair(c->master->loop, role_name(c->who), &crew_handler, c, "master", &peer_handler, peer, LINK_QUEUE_MAX, ends))
        return false;
    c->link = ends[0];
    actor_link(c->actor, ROLE_MASTER, 0, ends[1]);
    return true;
}

static bool start_process(struct crew *c, struct why *why)
{
    int fds[2];

    if (!net_pair(fds)) {
        *why = (struct why){"", "no descriptors for a link"};
        return false;
    }
    bool ok = spawn(c, fds[1], why);
    net_close(fds[1]);
    c->link = ok ? link_new(c->master->loop, fds[0], role_name(c->who), &crew_handler, c, LINK_QUEUE_MAX) : NULL;
    if (!c->link) {
        net_close(fds[0]);
        if (ok)
            *why = (struct why){"", "no memory for a link"};
        return false;
    }
    return true;
}

bool crew_start(struct crew *c, struct why *why)
{
    struct master *m = c->master;

    c->incarnation = ++m->incarnations;
    c->since_ms = loop_now_ms(m->loop);
    c->since_unix_ms = clock_unix_ms();
    if (m->single ? !start_actor(c, why) : !start_process(c, why))
        return false;
    c->state = CREW_SPAWNED;
    master_setup_send(c, m->site, m->generation, true);
    wire_all(c); /* behind it: a role takes what belongs to a link when it knows what it is */
    crew_tell_store(m, c);
    if (c->who == ROLE_STORE)
        for (int i = 1; i < ROLE_COUNT; i++)
            crew_tell_store(m, &m->crew[i]);
    return true;
}

void crew_commit(struct crew *c)
{
    c->state = CREW_COMMITTED;
    crew_send(c, &MSG(setup_commit, .generation = c->master->generation), -1);
}

void crew_kill(struct crew *c)
{
    if (c->pid > 0)
        process_kill(c->pid, SIGKILL);
}

void crew_down(struct crew *c)
{
    struct master *m = c->master;
    bool stopped = c->state == CREW_STOPPED;

    if (c->link)
        link_free(c->link);
    c->link = NULL;
    c->pid = 0;
    c->state = CREW_DOWN;
    crew_tell_store(m, c);
    master_reload_gone(c);
    if (m->stopping || stopped) {
        master_sweep(m);
        return;
    }
    c->restarts++;
    if (loop_now_ms(m->loop) - c->since_ms > RESTART_FORGET_MS || c->delay_ms == 0)
        c->delay_ms = RESTART_FIRST_MS;
    else
        c->delay_ms = c->delay_ms * 2 < RESTART_MOST_MS ? c->delay_ms * 2 : RESTART_MOST_MS;
    fact(FACT_WARN, "role.restart", fact_c("peer", role_name(c->who)), fact_num("in-ms", c->delay_ms),
         fact_num("restarts", c->restarts));
    loop_timer_in(&c->again, c->delay_ms);
}

void crew_free(struct crew *c)
{
    loop_timer_stop(&c->again);
    if (c->link)
        link_free(c->link);
    c->link = NULL;
    actor_free(c->actor);
    c->actor = NULL;
}
