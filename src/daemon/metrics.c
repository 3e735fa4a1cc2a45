// SPDX-License-Identifier: ISC
/* Prometheus text on a local socket. "GET …" gets an HTTP answer; a peer that says nothing for a moment gets the bare text (nc
   -U run/metrics). */
#include <stdlib.h>
#include "daemon/store_inside.h"
#include "os/net.h"

enum { CONNECTIONS_MAX = 16, SILENCE_MS = 200, WHOLE_MS = 10 * 1000, REQUEST_MAX = 8 * 1024, TEXT_MAX = 512 * 1024 };

struct metrics_connection {
    struct metrics_connection *next, **back;
    struct metrics *m;
    struct loop_io io;
    struct loop_timer timer;
    struct buf in, out;
    bool answered;
    int fd;
};

struct metrics {
    struct store *store;
    struct loop_io io;
    struct loop_timer again;
    int fd;
    size_t count;
    struct metrics_connection *connections;
};

static void end(struct metrics_connection *c)
{
    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    c->m->count--;
    loop_io_stop(&c->io);
    loop_timer_stop(&c->timer);
    net_close(c->fd);
    buf_free(&c->in);
    buf_free(&c->out);
    free(c);
}

static void send_out(struct metrics_connection *c)
{
    switch (net_write(c->fd, &c->out)) {
    case NET_AGAIN:
        loop_io_interest(&c->io, LOOP_WRITE);
        return;
    case NET_OK:
    case NET_END:
    case NET_FULL:
    case NET_ERROR:
        end(c);
        return;
    }
}

static void answer(struct metrics_connection *c, bool http)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    store_metrics_text(c->m->store, &text);
    if (http) {
        bool get = str_starts(buf_str(&c->in), S("GET "));
        if (!get)
            buf_clear(&text);
        buf_printf(&c->out,
                   "HTTP/1.0 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\nConnection: "
                   "close\r\n\r\n",
                   get ? "200 OK" : "405 Method Not Allowed", text.n);
    }
    buf_add(&c->out, buf_str(&text));
    buf_free(&text);
    c->answered = true;
    loop_timer_in(&c->timer, WHOLE_MS);
    send_out(c);
}

static void on_ready(void *self, uint32_t ready)
{
    struct metrics_connection *c = self;
    (void)ready;

    if (c->answered) {
        send_out(c);
        return;
    }
    enum net_result r = net_read(c->fd, &c->in, REQUEST_MAX);
    struct str in = buf_str(&c->in);
    if (r == NET_ERROR || r == NET_FULL)
        end(c);
    else if (str_find_str(in, S("\r\n\r\n")) < in.n || str_find_str(in, S("\n\n")) < in.n)
        answer(c, true);
    else if (r == NET_END)
        answer(c, in.n > 0);
    else if (in.n)
        loop_timer_in(&c->timer, WHOLE_MS);
}

static void on_time(void *self)
{
    struct metrics_connection *c = self;

    if (c->answered || c->in.n)
        end(c);
    else
        answer(c, false);
}

static void take(struct metrics *m, int fd)
{
    struct metrics_connection *c = m->count < CONNECTIONS_MAX ? calloc(1, sizeof *c) : NULL;

    if (!c) {
        net_close(fd);
        return;
    }
    *c = (struct metrics_connection){.m = m, .fd = fd, .next = m->connections, .back = &m->connections};
    if (c->next)
        c->next->back = &c->next;
    m->connections = c;
    m->count++;
    buf_init(&c->in, REQUEST_MAX);
    buf_init(&c->out, TEXT_MAX + 1024);
    loop_io_init(&c->io, m->store->loop, on_ready, c);
    loop_timer_init(&c->timer, m->store->loop, on_time, c);
    loop_timer_in(&c->timer, SILENCE_MS);
    if (!loop_io_start(&c->io, fd, LOOP_READ))
        end(c);
}

static void on_accept(void *self, uint32_t ready)
{
    struct metrics *m = self;
    struct net_peer peer;
    enum net_result r;
    int fd;

    (void)ready;
    while ((fd = net_accept(m->fd, &peer, &r)) >= 0)
        take(m, fd);
    if (r == NET_FULL) {
        loop_io_interest(&m->io, 0);
        loop_timer_in(&m->again, SILENCE_MS);
    }
}

static void on_again(void *self)
{
    struct metrics *m = self;

    loop_io_interest(&m->io, LOOP_READ);
}

struct metrics *metrics_open(struct store *st, const char *path, struct why *why)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (!m) {
        *why = store_why("4.3.0", "no memory");
        return NULL;
    }
    m->store = st;
    loop_io_init(&m->io, st->loop, on_accept, m);
    loop_timer_init(&m->again, st->loop, on_again, m);
    m->fd = net_listen_unix(path, 0660, why);
    if (m->fd < 0) {
        free(m);
        return NULL;
    }
    return m;
}

void metrics_begin(struct metrics *m)
{
    loop_io_start(&m->io, m->fd, LOOP_READ);
}

void metrics_close(struct metrics *m)
{
    if (!m)
        return;
    while (m->connections)
        end(m->connections);
    loop_io_stop(&m->io);
    loop_timer_stop(&m->again);
    net_close(m->fd);
    free(m);
}
