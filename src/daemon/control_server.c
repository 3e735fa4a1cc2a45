// SPDX-License-Identifier: ISC
/* The control socket: AF_UNIX, the peer's uid from the kernel (SO_PEERCRED). Frames in, frames out; what they mean is control's
   business. A slow reader holds up only itself: a session whose out is full is not run again before it was drained. */
#include <stdlib.h>
#include "base/facts.h"
#include "daemon/store_inside.h"
#include "os/net.h"

enum {
    CONNECTIONS_MAX = 64,
    CONNECTIONS_OF_USERS = 32,
    CONNECTIONS_OF_A_USER = 8,
    READ_MOST = 64 * 1024,
    RETRY_ACCEPT_MS = 200,
    SILENT_MS = 10 * 60 * 1000
};

struct control_connection {
    struct control_connection *next, **back;
    struct control_server *server;
    struct control_session *session;
    struct loop_io io;
    struct loop_defer run;
    struct loop_timer silent;
    uint32_t uid;
    int fd;
    bool ended; /* the peer sends no more */
};

struct control_server {
    struct store *store;
    struct loop_io io;
    struct loop_timer again;
    int fd;
    size_t count;
    struct control_connection *connections;
};

static void close_connection(struct control_connection *c)
{
    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    c->server->count--;
    loop_io_stop(&c->io);
    loop_defer_stop(&c->run);
    loop_timer_stop(&c->silent);
    net_close(c->fd);
    control_session_free(c->session);
    free(c);
}

static void run(void *self)
{
    struct control_connection *c = self;
    struct store *st = c->server->store;
    struct buf *out = control_session_out(c->session), *in = control_session_in(c->session);
    enum control_next next;
    uint32_t interest = 0;

    do {
        next = control_session_run(c->session);
        if (st->engine)
            loop_defer_start(&st->turn); /* it may have submitted something */
        if (out->n && net_write(c->fd, out) == NET_ERROR) {
            close_connection(c);
            return;
        }
    } while (next == CONTROL_WANTS_ROOM && out->n == 0);
    if ((next == CONTROL_WANTS_CLOSE || (next == CONTROL_WANTS_INPUT && c->ended)) && out->n == 0) {
        close_connection(c);
        return;
    }
    if (out->n)
        interest |= LOOP_WRITE;
    if (next == CONTROL_WANTS_INPUT && !c->ended && buf_room(in))
        interest |= LOOP_READ;
    loop_io_interest(&c->io, interest);
    loop_timer_in(&c->silent, SILENT_MS);
}

static void on_ready(void *self, uint32_t ready)
{
    struct control_connection *c = self;

    if (ready & LOOP_READ)
        switch (net_read(c->fd, control_session_in(c->session), READ_MOST)) {
        case NET_ERROR:
            close_connection(c);
            return;
        case NET_END:
            c->ended = true;
            break;
        case NET_OK:
        case NET_AGAIN:
        case NET_FULL:
            break;
        }
    run(c);
}

static void on_silent(void *self)
{
    struct control_connection *c = self;

    if (c->io.interest & (LOOP_READ | LOOP_WRITE))
        close_connection(c); /* it neither asks nor takes */
    else
        loop_timer_in(&c->silent, SILENT_MS);
}

/* Root and the server's own user always find room: others have half of it, and one of them not more than a few. */
static bool is_room(const struct control_server *cs, uint32_t uid)
{
    uint32_t owner = cs->store->control.owner_uid;
    size_t same = 0, others = 0;

    for (const struct control_connection *c = cs->connections; c; c = c->next) {
        same += c->uid == uid;
        others += c->uid != 0 && c->uid != owner;
    }
    if (uid == 0 || uid == owner)
        return cs->count < CONNECTIONS_MAX;
    return others < CONNECTIONS_OF_USERS && same < CONNECTIONS_OF_A_USER;
}

static void take(struct control_server *cs, int fd)
{
    struct control_connection *c = calloc(1, sizeof *c);
    uint32_t uid = UINT32_MAX, gid;
    int32_t pid;

    if (!c || !net_peer_process(fd, &uid, &gid, &pid)) {
        free(c);
        net_close(fd);
        return;
    }
    c->session = is_room(cs, uid) ? control_session_new(&cs->store->control, uid) : NULL;
    if (!c->session) {
        free(c);
        net_close(fd);
        return;
    }
    c->server = cs;
    c->uid = uid;
    c->fd = fd;
    c->next = cs->connections;
    c->back = &cs->connections;
    if (c->next)
        c->next->back = &c->next;
    cs->connections = c;
    cs->count++;
    loop_io_init(&c->io, cs->store->loop, on_ready, c);
    loop_defer_init(&c->run, cs->store->loop, run, c);
    loop_timer_init(&c->silent, cs->store->loop, on_silent, c);
    loop_timer_in(&c->silent, SILENT_MS);
    if (!loop_io_start(&c->io, fd, LOOP_READ))
        close_connection(c);
}

static void on_accept(void *self, uint32_t ready)
{
    struct control_server *cs = self;
    struct net_peer peer;
    enum net_result r;
    int fd;

    (void)ready;
    while ((fd = net_accept(cs->fd, &peer, &r)) >= 0)
        take(cs, fd);
    if (r == NET_FULL) {
        loop_io_interest(&cs->io, 0);
        loop_timer_in(&cs->again, RETRY_ACCEPT_MS);
    }
}

static void on_again(void *self)
{
    struct control_server *cs = self;

    loop_io_interest(&cs->io, LOOP_READ);
}

struct control_server *control_server_open(struct store *st, const char *path, struct why *why)
{
    struct control_server *cs = calloc(1, sizeof *cs);

    if (!cs) {
        *why = store_why("4.3.0", "no memory");
        return NULL;
    }
    cs->store = st;
    loop_io_init(&cs->io, st->loop, on_accept, cs);
    loop_timer_init(&cs->again, st->loop, on_again, cs);
    cs->fd = net_listen_unix(path, 0666, why); /* who may do what is decided by uid */
    if (cs->fd < 0) {
        free(cs);
        return NULL;
    }
    return cs;
}

void control_server_begin(struct control_server *cs)
{
    loop_io_start(&cs->io, cs->fd, LOOP_READ);
}

void control_server_wake(struct control_server *cs, struct control_session *s)
{
    for (struct control_connection *c = cs ? cs->connections : NULL; c; c = c->next)
        if (c->session == s)
            loop_defer_start(&c->run);
}

void control_server_flush(struct control_server *cs, struct control_session *s)
{
    for (struct control_connection *c = cs->connections; c; c = c->next)
        if (c->session == s)
            (void)net_write(c->fd, control_session_out(s)); /* an error shows again at the next turn */
}

void control_server_close(struct control_server *cs)
{
    if (!cs)
        return;
    while (cs->connections)
        close_connection(cs->connections);
    loop_io_stop(&cs->io);
    loop_timer_stop(&cs->again);
    net_close(cs->fd);
    free(cs);
}
