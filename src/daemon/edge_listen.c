// SPDX-License-Identifier: ISC
/* Listening sockets, which master bound, and who may come in. */
#include "base/facts.h"
#include "daemon/edge.h"
#include <fcntl.h>

enum { PAUSE_MS = 100, LOOPBACK_MORE = 10 };
static const uint64_t all_clients = 0xfffffffffffffff0u; /* counts every connection of every edge; no client has that key */

void edge_uncount(struct edge *e, uint64_t client_key)
{
    clients_leave(&e->clients, client_key);
    clients_leave(&e->clients, all_clients);
}

static void refuse(struct edge *e, int fd, enum listen_kind kind, const struct net_peer *peer, const char *why)
{
    struct buf out;
    char storage[512];

    fact(FACT_WARN, "session.refused", fact_c("service", config_listen_word(kind)), fact_c("client", peer->text),
         fact_c("why", why));
    fact_count("edge.refused", 1);
    buf_fixed(&out, storage, sizeof storage);
    if (kind == LISTEN_POP3)
        pop3_server_refuse(&out, why);
    else if (kind != LISTEN_POP3S && kind != LISTEN_SUBMISSIONS) /* there they could not read it */
        smtp_server_refuse(&out, e->settings->setup->config->hostname, why);
    net_write(fd, &out); /* a new socket's buffer is empty: it all goes, or the peer is gone */
    net_shutdown(fd);
    net_close(fd);
}

static const char *may_enter(struct edge *e, const struct net_peer *peer, bool *counted)
{
    const struct config *c = e->settings->setup->config;
    uint64_t more = peer->loopback ? LOOPBACK_MORE : 1;

    if (clients_enter(&e->clients, all_clients, c->connections_max, 0, loop_now_ms(e->loop)) != CLIENTS_OK)
        return "too many connections, try again later";
    *counted = true;
    switch (clients_enter(&e->clients, peer->key, c->connections_per_client_max * more, c->rate_per_client_max * more,
                          loop_now_ms(e->loop))) {
    case CLIENTS_OK:
        return NULL;
    case CLIENTS_TOO_MANY:
        clients_leave(&e->clients, all_clients);
        return "too many connections from your address";
    case CLIENTS_TOO_FAST:
        clients_leave(&e->clients, all_clients);
        return "too many connections a minute from your address";
    }
    return NULL;
}

int edge_spare(void)
{
    return fcntl(0, F_DUPFD_CLOEXEC, 3); /* /dev/null */
}

/* Out of descriptors: one was kept for this, so that the client hears why instead of nothing, and the loop does not spin. */
static void no_descriptors(struct listener *l)
{
    struct edge *e = l->edge;
    struct net_peer peer;
    enum net_result result;
    int fd;

    fact(FACT_ERROR, "edge.no-descriptors", fact_num("sessions", e->open));
    fact_count("edge.no-descriptors", 1);
    net_close(e->spare_fd);
    fd = net_accept(l->fd, &peer, &result);
    if (fd >= 0)
        refuse(e, fd, l->kind, &peer, "too many connections, try again later");
    e->spare_fd = edge_spare();
    loop_io_interest(&l->io, 0);
    loop_timer_in(&l->again, PAUSE_MS);
}

static void on_again(void *self)
{
    struct listener *l = self;

    loop_io_interest(&l->io, LOOP_READ);
}

static void on_connection(void *self, uint32_t ready)
{
    struct listener *l = self;
    struct edge *e = l->edge;

    (void)ready;
    for (int i = 0; i < ACCEPT_BATCH && l->fd >= 0; i++) {
        struct net_peer peer;
        enum net_result result;
        bool counted = false;
        int fd = net_accept(l->fd, &peer, &result);
        if (fd < 0) {
            if (result == NET_FULL)
                no_descriptors(l);
            else if (result == NET_ERROR)
                fact(FACT_ERROR, "edge.listener-broken", fact_c("service", config_listen_word(l->kind)));
            return;
        }
        const char *why = may_enter(e, &peer, &counted);
        if (why)
            refuse(e, fd, l->kind, &peer, why);
        else
            conn_open(e, fd, l->kind, &peer, counted);
    }
}

static void close_listener(struct listener *l)
{
    if (l->fd < 0)
        return;
    loop_io_stop(&l->io);
    loop_timer_stop(&l->again);
    net_close(l->fd);
    l->fd = -1;
}

/* Takes the descriptor: a listening socket that anybody else kept would go on taking connections that nobody accepts. */
static void open_listener(struct edge *e, struct setup_listener *s)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct listener *l = &e->listeners[i];
        if (l->fd >= 0)
            continue;
        *l = (struct listener){.edge = e, .kind = s->kind, .index = s->index, .fd = s->fd};
        s->fd = -1;
        loop_io_init(&l->io, e->loop, on_connection, l);
        loop_timer_init(&l->again, e->loop, on_again, l);
        if (!loop_io_start(&l->io, l->fd, LOOP_READ)) {
            fact(FACT_ERROR, "edge.listener-broken", fact_c("service", config_listen_word(s->kind)));
            close_listener(l);
        }
        return;
    }
}

static bool is_kept(const struct listener *l, const struct setup *s)
{
    for (const struct setup_listener *n = s->listeners; n; n = n->next)
        if (n->fd < 0 && n->index == l->index && n->kind == l->kind)
            return true;
    return false;
}

void edge_listen_apply(struct edge *e, const struct setup *s)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        if (e->listeners[i].fd >= 0 && !is_kept(&e->listeners[i], s))
            close_listener(&e->listeners[i]);
    for (struct setup_listener *n = s->listeners; n; n = n->next)
        if (n->fd >= 0)
            open_listener(e, n);
}

void edge_listen_stop(struct edge *e)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        close_listener(&e->listeners[i]);
}
