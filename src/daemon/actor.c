// SPDX-License-Identifier: ISC
/* An actor's life. States and arrows: actor.h. */
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/inside.h"
#include "os/sandbox.h"
#include <malloc.h>
#include <stdlib.h>

const struct role_type *role_type_of(enum role who)
{
    static const struct role_type *const types[ROLE_COUNT] = {
        [ROLE_EDGE_MX] = &role_edge_mx,
        [ROLE_EDGE_USER] = &role_edge_user,
        [ROLE_STORE] = &role_store,
        [ROLE_KEYS] = &role_keys,
        [ROLE_DNS] = &role_dns, [ROLE_RELAY] = &role_relay,
    };
    return who < ROLE_COUNT ? types[who] : NULL;
}

struct peer *actor_peer(struct actor *a, enum role who)
{
    check(who < ROLE_COUNT);
    return &a->peers[who];
}

static void end(struct actor *a, int status)
{
    if (a->inside->ended)
        return;
    a->inside->ended = true;
    a->inside->on_end(a->inside->on_end_to, a, status);
}

static void drop_link(struct peer *p)
{
    struct actor *a = p->actor;

    if (!p->link)
        return;
    fact(a->stopping ? FACT_DEBUG : FACT_INFO, "link.down", fact_c("peer", role_name(p->who)),
         fact_num("incarnation", p->incarnation), fact_c("why", p->broken ? p->broken : "replaced"));
    link_free(p->link);
    p->link = NULL;
    p->broken = NULL;
    p->wants_room = false;
    if (a->type->peer_down && a->setup)
        a->type->peer_down(a, p);
}

static void reap(void *self)
{
    struct actor *a = self;

    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (!a->peers[i].broken)
            continue;
        drop_link(&a->peers[i]);
        if (i == ROLE_MASTER)
            end(a, 1); /* nobody would restart, stop or hear us */
    }
}

void actor_link(struct actor *a, enum role who, uint32_t incarnation, struct link *l)
{
    struct peer *p = &a->peers[who];

    drop_link(p);
    link_room_at(l, LINK_STREAM_MAX);
    link_pause(l, who != ROLE_MASTER && !a->inside->begun); /* questions wait until there is somebody to answer them */
    p->link = l;
    p->incarnation = incarnation;
    if (a->type->peer_up && who != ROLE_MASTER)
        a->type->peer_up(a, p);
}

/* ---- once a second ---- */

static void send_counter(void *to, const char *name, uint64_t value)
{
    struct actor *a = to;
    struct actor_inside *in = a->inside;
    size_t i = 0;

    while (i < in->sent_count && in->sent[i].name != name)
        i++;
    if (i == COUNTERS_MAX || (i < in->sent_count && in->sent[i].value == value))
        return;
    if (!peer_send(&a->peers[ROLE_STORE], &MSG(counter, .name = str_head(str_c(name), 64), .value = value)))
        return;
    in->sent[i] = (struct sent_counter){name, value};
    in->sent_count += i == in->sent_count;
}

static void on_second(void *self)
{
    struct actor *a = self;

    loop_timer_in(&a->inside->second, 1000);
    if (a->type->second)
        a->type->second(a);
    if (!a->single && a->type->who != ROLE_STORE && a->peers[ROLE_STORE].link)
        fact_counters(send_counter, a);
}

/* ---- what master says ---- */

static bool sandbox(struct actor *a, struct why *why)
{
    static const enum sandbox_role profiles[ROLE_COUNT] = {
        [ROLE_EDGE_MX] = SANDBOX_EDGE,
        [ROLE_EDGE_USER] = SANDBOX_EDGE,
        [ROLE_STORE] = SANDBOX_STORE,
        [ROLE_KEYS] = SANDBOX_KEYS,
        [ROLE_DNS] = SANDBOX_DNS, [ROLE_RELAY] = SANDBOX_RELAY,
    };
    enum { PORTS_MAX = 1024 };
    uint16_t ports[PORTS_MAX];
    char dir[1024], run[1024];
    struct sandbox_path paths[2] = {{dir, true}, {run, true}};
    struct sandbox_profile profile = {.role = profiles[a->type->who], .paths = paths};

    if (a->single)
        return true; /* master closes one for all */
    if (a->type->ports) {
        profile.ports = ports;
        profile.port_count = a->type->ports(a->setup, ports, PORTS_MAX);
    }
    if (a->type->who == ROLE_STORE) {
        profile.path_count = 2;
        if (!str_to_c(a->setup->dir, dir, sizeof dir) || !str_to_c(a->setup->run_dir, run, sizeof run)) {
            *why = (struct why){"", "the data directory's path is too long"};
            return false;
        }
    }
    return sandbox_enter(&profile, NULL, why);
}

static void result(struct actor *a, uint64_t generation, enum outcome outcome, const struct why *why)
{
    peer_send(&a->peers[ROLE_MASTER], &MSG(setup_result, .generation = generation, .outcome = outcome, .why = *why));
}

static void setup_end(struct actor *a, uint64_t generation)
{
    struct why why = {0};
    struct setup *s = setup_take(&a->inside->receiver, &why);

    if (!s) {
        result(a, generation, REFUSE, &why);
        return;
    }
    if (a->inside->coming) {
        a->type->abandon(a);
        setup_drop(a->inside->coming);
        a->inside->coming = NULL;
    }
    fact_level_max(a->setup ? a->setup->config->log_level : s->config->log_level);
    if (!a->type->prepare(a, s, &why)) {
        setup_drop(s);
        result(a, generation, REFUSE, &why);
        return;
    }
    if (!a->setup)
        a->setup = s; /* also before begin: a role's own call-backs may look at it */
    else
        a->inside->coming = s;
    result(a, generation, DONE, &why);
}

static void first_commit(struct actor *a)
{
    struct why why = {0};

    if (!sandbox(a, &why) || !a->type->begin(a, a->setup, &why)) {
        result(a, a->setup->generation, REFUSE, &why);
        link_flush(a->peers[ROLE_MASTER].link);
        end(a, 1);
        return;
    }
    a->inside->begun = true;
    for (int i = 1; i < ROLE_COUNT; i++)
        if (a->peers[i].link)
            link_pause(a->peers[i].link, false);
    malloc_trim(0); /* what loading libraries and reading the set-up took for a moment */
    loop_timer_in(&a->inside->second, 1000);
    peer_send(&a->peers[ROLE_MASTER], &MSG(ready, .incarnation = a->incarnation));
}

static void commit(struct actor *a, uint64_t generation)
{
    const struct setup *old = a->setup;

    if (a->setup && !a->inside->begun && a->setup->generation == generation) {
        first_commit(a);
    } else if (a->inside->coming && a->inside->coming->generation == generation) {
        a->setup = a->inside->coming;
        a->inside->coming = NULL;
        fact_level_max(a->setup->config->log_level);
        a->type->commit(a, a->setup);
        setup_drop(old);
    }
}

static void abandon(struct actor *a, uint64_t generation)
{
    if (a->inside->coming && a->inside->coming->generation == generation) {
        a->type->abandon(a);
        setup_drop(a->inside->coming);
        a->inside->coming = NULL;
    }
    setup_receiver_clear(&a->inside->receiver);
}

static void on_peer(struct actor *a, const struct msg_peer *m, int *fd)
{
    struct link *l;

    if (!role_linked(a->type->who, m->who) || m->who == ROLE_MASTER)
        return;
    l = link_new(a->loop, *fd, role_name(m->who), &peer_handler, &a->peers[m->who], LINK_QUEUE_MAX);
    if (!l)
        return;
    *fd = -1;
    actor_link(a, m->who, m->incarnation, l);
}

static void stop(struct actor *a, uint32_t within_ms)
{
    if (a->stopping)
        return;
    a->stopping = true;
    if (a->inside->begun)
        a->type->stop(a, within_ms);
    else
        actor_stopped(a, 0);
}

void actor_from_master(struct actor *a, const struct message *m, int *fd)
{
    switch ((int)m->kind) {
    case MSG_setup_end:
        setup_end(a, m->setup_end.generation);
        break;
    case MSG_setup_commit:
        commit(a, m->setup_commit.generation);
        break;
    case MSG_setup_abandon:
        abandon(a, m->setup_abandon.generation);
        break;
    case MSG_peer:
        on_peer(a, &m->peer, fd);
        break;
    case MSG_sign_channel:
        if (a->type->sign_channel) {
            a->type->sign_channel(a, m->sign_channel.who, m->sign_channel.incarnation, *fd);
            *fd = -1;
        }
        break;
    case MSG_stop:
        stop(a, m->stop.within_ms);
        break;
    case MSG_reloaded:
    case MSG_role_state:
    case MSG_ticket_key:
        a->type->message(a, &a->peers[ROLE_MASTER], m);
        break;
    default:
        setup_receive(&a->inside->receiver, m, fd);
    }
}

void actor_stopped(struct actor *a, uint32_t sessions_cut)
{
    peer_send(&a->peers[ROLE_MASTER], &MSG(stopped, .sessions_cut = sessions_cut));
    if (a->peers[ROLE_MASTER].link)
        link_flush(a->peers[ROLE_MASTER].link);
    end(a, 0);
}

void actor_failed(struct actor *a, int status)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (a->peers[i].link)
            link_flush(a->peers[i].link);
    end(a, status);
}

/* ---- */

struct actor *actor_new(const struct role_type *type, struct loop *loop, uint32_t incarnation, bool single,
                        void (*on_end)(void *to, struct actor *a, int status), void *to)
{
    struct actor *a = calloc(1, sizeof *a);
    struct actor_inside *in = calloc(1, sizeof *in);

    if (!a || !in) {
        free(a);
        free(in);
        return NULL;
    }
    *a = (struct actor){.type = type, .loop = loop, .incarnation = incarnation, .single = single, .inside = in};
    for (size_t i = 0; i < ROLE_COUNT; i++)
        a->peers[i] = (struct peer){.actor = a, .who = (enum role)i};
    in->on_end = on_end;
    in->on_end_to = to;
    buf_init(&in->scratch, FRAME_MAX);
    loop_timer_init(&in->second, loop, on_second, a);
    loop_defer_init(&in->reaper, loop, reap, a);
    if (!buf_reserve(&in->scratch, FRAME_MAX)) {
        actor_free(a);
        return NULL;
    }
    return a;
}

void actor_free(struct actor *a)
{
    if (!a)
        return;
    if (a->setup && a->type->clear)
        a->type->clear(a);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (a->peers[i].link)
            link_free(a->peers[i].link);
    loop_timer_stop(&a->inside->second);
    loop_defer_stop(&a->inside->reaper);
    setup_receiver_clear(&a->inside->receiver);
    setup_drop(a->inside->coming);
    setup_drop(a->setup);
    buf_free(&a->inside->scratch);
    free(a->inside);
    free(a);
}
