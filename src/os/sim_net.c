/* SPDX-License-Identifier: ISC */
/* Streams in memory. An end holds what is on its way to it: pieces with the time of their arrival, in order.

   connect ──latency──► in the listener's queue ──accept──► stream ──shutdown──► END travels ──close──► gone (RESET travels if
   anything was unread) */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/random.h"
#include "os/sim_inside.h"

enum { ENDS_MAX = 16384, BACKLOG_MAX = 1024, PORT_FIRST = 40000 };

enum piece_kind { PIECE_DATA, PIECE_END, PIECE_RESET };
struct piece {
    struct piece *next;
    int64_t at_us;
    enum piece_kind kind;
    size_t n, taken;
    char bytes[];
};

struct end {
    bool used, listens, accepted, wrote_end, silent;
    int error;                 /* what every call says from now on */
    int peer;                  /* index; -1: gone */
    int64_t ready_us;          /* client: when connect is decided. server: when the listener sees it */
    int64_t last_us;           /* arrival of the last piece that is on its way to here */
    struct piece *first, **last;
    size_t waiting;            /* bytes on their way to here or here */
    char host[64], peer_host[64];
    uint16_t port, peer_port;
};

static struct end *ends;
static size_t end_n;
static uint16_t next_port = PORT_FIRST;

static struct end *end_of(int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    check(fd >= SIM_FD_FIRST && i < end_n && ends[i].used); /* a closed descriptor was used */
    return &ends[i];
}

static int fd_of(const struct end *e)
{
    return (int)(e - ends) + SIM_FD_FIRST;
}

static struct end *new_end(void)
{
    if (!ends)
        ends = calloc(ENDS_MAX, sizeof *ends);
    check(ends != NULL);
    size_t i = 0;
    while (i < end_n && ends[i].used)
        i++;
    if (i == ENDS_MAX) {
        errno = EMFILE;
        return NULL;
    }
    end_n = i == end_n ? end_n + 1 : end_n;
    ends[i] = (struct end){.used = true, .peer = -1};
    ends[i].last = &ends[i].first;
    return &ends[i];
}

static int64_t latency(void)
{
    return sim.o.latency_min_us + (int64_t)random_below((uint64_t)(sim.o.latency_max_us - sim.o.latency_min_us) + 1);
}

static bool chance(uint32_t per_million)
{
    return per_million > 0 && random_below(1000000) < per_million;
}

static void send_piece(struct end *to, enum piece_kind kind, const char *bytes, size_t n)
{
    struct piece *p = malloc(sizeof *p + n);
    check(p != NULL);
    int64_t at = sim.now_us + latency();
    to->last_us = at > to->last_us ? at : to->last_us;
    *p = (struct piece){.at_us = to->last_us, .kind = kind, .n = n};
    if (n)
        memcpy(p->bytes, bytes, n);
    *to->last = p;
    to->last = &p->next;
    to->waiting += n;
    sim.counts.pieces++;
    sim.counts.bytes += n;
}

static void drop_pieces(struct end *e)
{
    for (struct piece *p = e->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    e->first = NULL;
    e->last = &e->first;
    e->waiting = 0;
}

static void reset(struct end *e)
{
    drop_pieces(e);
    e->error = ECONNRESET;
    if (e->peer >= 0) {
        drop_pieces(&ends[e->peer]);
        ends[e->peer].error = ECONNRESET;
    }
}

static void silence(struct end *e)
{
    e->silent = true;
    drop_pieces(e);
    if (e->peer >= 0) {
        ends[e->peer].silent = true;
        drop_pieces(&ends[e->peer]);
    }
}

/* The piece that has arrived and is next, or NULL. */
static struct piece *arrived(const struct end *e)
{
    return e->first && e->first->at_us <= sim.now_us ? e->first : NULL;
}

static void take_piece(struct end *e)
{
    struct piece *p = e->first;
    e->first = p->next;
    if (!e->first)
        e->last = &e->first;
    free(p);
}

static int64_t fail(int error)
{
    errno = error;
    return -1;
}

static int64_t sim_read(int fd, void *to, size_t n)
{
    struct end *e = end_of(fd);
    size_t got = 0;
    if (e->error)
        return fail(e->error);
    for (struct piece *p; got < n && (p = arrived(e));) {
        if (p->kind == PIECE_END)
            break;
        if (p->kind == PIECE_RESET) {
            if (got == 0)
                reset(e);
            break;
        }
        size_t some = p->n - p->taken < n - got ? p->n - p->taken : n - got;
        memcpy((char *)to + got, p->bytes + p->taken, some);
        got += some;
        p->taken += some;
        e->waiting -= some;
        if (p->taken == p->n)
            take_piece(e);
    }
    if (e->error)
        return fail(e->error);
    if (got > 0)
        return (int64_t)got;
    return arrived(e) ? 0 : fail(EAGAIN); /* the end stays, to be read again */
}

static int64_t sim_write(int fd, const void *from, size_t n)
{
    struct end *e = end_of(fd);
    if (e->error || e->wrote_end || sim.now_us < e->ready_us)
        return fail(e->error ? e->error : e->wrote_end ? EPIPE : EAGAIN);
    if (e->peer < 0) { /* nobody is there any more: the answer to our bytes will be a reset */
        if (!e->silent)
            send_piece(e, PIECE_RESET, NULL, 0);
        return (int64_t)n;
    }
    struct end *peer = &ends[e->peer];
    size_t room = peer->waiting < sim.o.window ? sim.o.window - peer->waiting : 0, sent = 0;
    n = n < room ? n : room;
    if (n == 0)
        return fail(EAGAIN);
    while (sent < n && !e->silent) {
        size_t some = 1 + random_below(sim.o.piece_max);
        some = some < n - sent ? some : n - sent;
        send_piece(peer, PIECE_DATA, (const char *)from + sent, some);
        sent += some;
        if (chance(sim.o.cut_per_million)) {
            sim.counts.cuts++;
            reset(e);
            return fail(ECONNRESET);
        }
        if (chance(sim.o.silence_per_million)) {
            sim.counts.silences++;
            silence(e);
        }
    }
    if (e->silent) /* the window fills up, as nobody acknowledges */
        peer->waiting += n;
    return (int64_t)n;
}

static void sim_shutdown(int fd)
{
    struct end *e = end_of(fd);
    if (e->wrote_end || e->listens)
        return;
    e->wrote_end = true;
    if (e->peer >= 0 && !e->error && !e->silent)
        send_piece(&ends[e->peer], PIECE_END, NULL, 0);
}

static void sim_close(int fd)
{
    struct end *e = end_of(fd);
    for (size_t i = 0; e->listens && i < end_n; i++)
        if (ends[i].used && !ends[i].listens && !ends[i].accepted && ends[i].port == e->port)
            sim_close((int)i + SIM_FD_FIRST); /* its queue */
    if (e->peer >= 0) {
        struct end *peer = &ends[e->peer];
        bool unread = arrived(e) && arrived(e)->kind == PIECE_DATA;
        if (!e->error && !e->silent && unread)
            send_piece(peer, PIECE_RESET, NULL, 0);
        else
            sim_shutdown(fd);
        peer->peer = -1;
    }
    drop_pieces(e);
    *e = (struct end){.used = false};
}

static int sim_listen(const char *host, uint16_t port)
{
    struct end *e = new_end();
    if (!e)
        return -1;
    e->listens = e->accepted = true;
    snprintf(e->host, sizeof e->host, "%s", host);
    e->port = port ? port : next_port++;
    return fd_of(e);
}

static struct end *listener_of(uint16_t port)
{
    for (size_t i = 0; i < end_n; i++)
        if (ends[i].used && ends[i].listens && ends[i].port == port)
            return &ends[i];
    return NULL;
}

static int sim_connect(const char *host, uint16_t port)
{
    struct end *client = new_end();
    struct end *l = listener_of(port), *server = client && l ? new_end() : NULL;
    if (!client)
        return -1;
    client->accepted = true;
    client->ready_us = sim.now_us + 2 * latency();
    snprintf(client->host, sizeof client->host, "127.0.0.1");
    snprintf(client->peer_host, sizeof client->peer_host, "%s", host);
    client->port = next_port++;
    client->peer_port = port;
    sim.counts.connections++;
    if (!server) {
        client->error = ECONNREFUSED;
        return fd_of(client);
    }
    server->ready_us = sim.now_us + (client->ready_us - sim.now_us) / 2;
    server->port = port;
    server->peer_port = client->port;
    memcpy(server->host, client->peer_host, sizeof server->host);
    memcpy(server->peer_host, client->host, sizeof server->peer_host);
    server->peer = (int)(client - ends);
    client->peer = (int)(server - ends);
    return fd_of(client);
}

static int sim_connected(int fd)
{
    struct end *e = end_of(fd);
    errno = sim.now_us < e->ready_us ? EINPROGRESS : e->error;
    return errno == 0 ? 0 : -1;
}

/* The one that came first of those that wait. */
static struct end *waiting_at(const struct end *l)
{
    struct end *best = NULL;
    for (size_t i = 0; i < end_n; i++) {
        struct end *e = &ends[i];
        if (e->used && !e->accepted && e->port == l->port && (!best || e->ready_us < best->ready_us))
            best = e;
    }
    return best;
}

static int sim_accept(int fd, char *address, size_t cap, uint16_t *port)
{
    struct end *l = end_of(fd), *e = waiting_at(l);
    if (!e || e->ready_us > sim.now_us)
        return (int)fail(EAGAIN);
    e->accepted = true;
    snprintf(address, cap, "%s", e->peer_host);
    *port = e->peer_port;
    return fd_of(e);
}

static bool sim_address(int fd, bool peer, char *text, size_t cap, uint16_t *port)
{
    struct end *e = end_of(fd);
    snprintf(text, cap, "%s", peer ? e->peer_host : strcmp(e->host, "*") == 0 ? "0.0.0.0" : e->host);
    *port = peer ? e->peer_port : e->port;
    return true;
}

uint32_t sim_net_ready(int fd)
{
    struct end *e = end_of(fd);
    if (e->listens) {
        struct end *w = waiting_at(e);
        return w && w->ready_us <= sim.now_us ? LOOP_READ : 0;
    }
    if (sim.now_us < e->ready_us)
        return 0;
    if (e->error)
        return LOOP_READ | LOOP_WRITE;
    bool room = e->peer < 0 || ends[e->peer].waiting < sim.o.window;
    return (arrived(e) ? (uint32_t)LOOP_READ : 0U) | (room ? (uint32_t)LOOP_WRITE : 0U);
}

int64_t sim_net_next_us(void)
{
    int64_t next = -1;
    for (size_t i = 0; i < end_n; i++) {
        const struct end *e = &ends[i];
        int64_t at[2] = {e->used ? e->ready_us : 0, e->used && e->first ? e->first->at_us : 0};
        for (int k = 0; k < 2; k++)
            if (at[k] > sim.now_us && (next < 0 || at[k] < next))
                next = at[k];
    }
    return next;
}

size_t sim_net_clear(void)
{
    size_t open = 0;
    for (size_t i = 0; i < end_n; i++) {
        open += ends[i].used;
        if (ends[i].used)
            drop_pieces(&ends[i]);
    }
    free(ends);
    ends = NULL;
    end_n = 0;
    next_port = PORT_FIRST;
    return open;
}

void sim_cut(int fd)
{
    sim.counts.cuts++;
    reset(end_of(fd));
}

void sim_silence(int fd)
{
    sim.counts.silences++;
    silence(end_of(fd));
}

const struct net_twin sim_net_twin = {
    .read = sim_read,
    .write = sim_write,
    .accept = sim_accept,
    .listen = sim_listen,
    .connect = sim_connect,
    .connected = sim_connected,
    .shutdown = sim_shutdown,
    .close = sim_close,
    .address = sim_address,
};
