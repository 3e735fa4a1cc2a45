/* SPDX-License-Identifier: ISC */
/* An echo server and clients that check every byte, under many seeds; the same seed gives the same run. */
#include "os/sim.h"
#include <stdlib.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/test.h"
#include "os/net.h"
#include "os/thread.h"

enum { CLIENTS = 20, BYTES = 20000, TIMEOUT_MS = 60000 };

struct session {
    struct loop_io io;
    struct loop_timer idle;
    struct buf in, out;
    int fd;
    size_t sent, got;      /* client: how far along the pattern */
    bool client, ended;
};

static struct loop *loop;
static struct loop_io listener;
static int listen_fd;
static struct session clients[CLIENTS];
static unsigned whole, cut, timed_out, accepted, closed;
static uint32_t trace; /* of everything that happened, with its time */

static void note(unsigned what, size_t n)
{
    const struct { int64_t at; uint64_t what, n; } event = {clock_mono_us(), what, n};
    trace = hash_crc32c(trace, &event, sizeof event);
}

static void finish(struct session *s, unsigned *count)
{
    *count += s->client;
    closed += !s->client;
    note(s->client ? 1 : 2, s->got);
    loop_io_stop(&s->io);
    loop_timer_stop(&s->idle);
    net_close(s->fd);
    buf_free(&s->in);
    buf_free(&s->out);
    if (!s->client)
        free(s);
}

static void on_idle(void *self)
{
    finish(self, &timed_out);
}

static char pattern(size_t i)
{
    return (char)(i * 31 >> 4);
}

/* True: the session is over. */
static bool client_step(struct session *s)
{
    struct str in = buf_str(&s->in);
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] != pattern(s->got + i)) {
            CHECK_NUM(in.p[i], pattern(s->got + i));
            break;
        }
    s->got += in.n;
    buf_consume(&s->in, in.n);
    while (s->sent < BYTES && buf_room(&s->out) > 0)
        buf_add_byte(&s->out, pattern(s->sent++));
    if (s->got == BYTES)
        finish(s, &whole);
    return s->got == BYTES;
}

static void on_ready(void *self, uint32_t ready)
{
    struct session *s = self;
    (void)ready;
    loop_timer_in(&s->idle, TIMEOUT_MS);
    if (s->client && s->sent == 0 && net_connected(s->fd, NULL) == NET_ERROR) {
        finish(s, &cut);
        return;
    }
    for (bool more = true; more;) {
        enum net_result r = net_read(s->fd, &s->in, 700);
        more = r == NET_OK;
        s->ended = s->ended || r == NET_END;
        if (r == NET_ERROR) {
            finish(s, &cut);
            return;
        }
        if (s->client && client_step(s))
            return;
        if (!s->client) {
            struct str all = buf_str(&s->in), some = str_head(all, buf_room(&s->out));
            buf_add(&s->out, some);
            buf_consume(&s->in, some.n);
        }
        if (net_write(s->fd, &s->out) == NET_ERROR || (s->ended && (s->client || s->out.n == 0))) {
            finish(s, &cut);
            return;
        }
    }
    loop_io_interest(&s->io, (buf_room(&s->in) > 0 ? (uint32_t)LOOP_READ : 0U) |
                                 (s->out.n > 0 || s->in.n > 0 ? (uint32_t)LOOP_WRITE : 0U));
}

static void open_session(struct session *s, int fd, bool client)
{
    *s = (struct session){.fd = fd, .client = client};
    buf_init(&s->in, 1000);
    buf_init(&s->out, 1000);
    loop_io_init(&s->io, loop, on_ready, s);
    loop_timer_init(&s->idle, loop, on_idle, s);
    loop_timer_in(&s->idle, TIMEOUT_MS);
    CHECK(loop_io_start(&s->io, fd, client ? LOOP_READ | LOOP_WRITE : LOOP_READ));
}

static void on_listener(void *self, uint32_t ready)
{
    enum net_result r;
    struct net_peer peer;
    (void)self;
    (void)ready;
    for (int fd; (fd = net_accept(listen_fd, &peer, &r)) >= 0;) {
        CHECK(peer.loopback);
        note(3, accepted++);
        open_session(calloc(1, sizeof(struct session)), fd, false);
    }
    CHECK(r == NET_AGAIN);
}

static uint32_t run(struct sim_options o, struct sim_counts *counts)
{
    struct net_peer local;
    sim_begin(&o);
    whole = cut = timed_out = accepted = closed = 0;
    trace = 0;
    loop = loop_new();
    listen_fd = net_listen("*", 0, NULL);
    CHECK(net_local_of(listen_fd, &local));
    loop_io_init(&listener, loop, on_listener, NULL);
    listener.background = true;
    CHECK(loop_io_start(&listener, listen_fd, LOOP_READ));
    for (int i = 0; i < CLIENTS; i++)
        open_session(&clients[i], net_connect("127.0.0.1", local.port, NULL), true);
    loop_run(loop);
    CHECK(!sim_is_stuck());
    CHECK_NUM(whole + cut + timed_out, CLIENTS);
    CHECK_NUM(closed, accepted);
    loop_io_stop(&listener);
    net_close(listen_fd);
    loop_free(loop);
    sim_end(counts);
    return trace;
}

TEST(without_faults_every_byte_arrives)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_counts c;
        run((struct sim_options){.seed = seed, .window = seed % 3 ? 0 : 10, .piece_max = seed % 2 ? 0 : 7}, &c);
        CHECK_NUM(whole, CLIENTS);
        CHECK(c.connections == CLIENTS && c.bytes >= 2UL * CLIENTS * BYTES && c.cuts == 0 && c.simulated_ms > 0);
    }
}

TEST(cuts_and_silences_end_sessions_and_nothing_else)
{
    unsigned cuts = 0, silences = 0, good = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim_counts c;
        run((struct sim_options){.seed = seed, .cut_per_million = 5000, .silence_per_million = 5000}, &c);
        CHECK(c.simulated_ms >= TIMEOUT_MS || c.silences == 0);
        cuts += cut;
        silences += timed_out;
        good += whole;
    }
    CHECK(cuts > 20 && silences > 20 && good > 20);
}

TEST(a_seed_repeats_a_run)
{
    struct sim_options o = {.seed = 77, .cut_per_million = 3000, .silence_per_million = 3000};
    uint32_t first = run(o, NULL);
    CHECK(run(o, NULL) == first);
    o.seed = 78;
    CHECK(run(o, NULL) != first);
}

static unsigned fired;
static void on_time(void *self)
{
    (void)self;
    fired++;
}

TEST(an_hour_takes_no_time)
{
    struct loop_timer t;
    sim_begin(&(struct sim_options){.seed = 1});
    loop = loop_new();
    int64_t from = clock_unix_ms();
    CHECK_STR(str_c(clock_text(from).c), S("2026-01-01T00:00:01.000Z"));
    loop_timer_init(&t, loop, on_time, NULL);
    loop_timer_in(&t, 3600000);
    loop_run(loop);
    CHECK(fired == 1 && clock_unix_ms() - from == 3600000);
    loop_free(loop);
    sim_end(NULL);
    CHECK(clock_unix_ms() != from + 3600000);
}

TEST(nothing_listens_and_nothing_happens)
{
    struct why why = {{0}, {0}};
    struct session s;
    sim_begin(&(struct sim_options){.seed = 1});
    loop = loop_new();
    int fd = net_connect("127.0.0.1", 4711, &why);
    CHECK(fd >= 0 && net_connected(fd, &why) == NET_AGAIN);
    open_session(&s, fd, true);
    cut = 0;
    loop_run(loop);
    CHECK_NUM(cut, 1);
    int l = net_listen("*", 25, NULL);
    loop_io_init(&listener, loop, on_listener, NULL);
    CHECK(loop_io_start(&listener, l, LOOP_READ));
    loop_run(loop); /* would wait for ever */
    CHECK(sim_is_stuck());
    loop_io_stop(&listener);
    net_close(l);
    loop_free(loop);
    sim_end(NULL);
}

TEST(cut_and_silence_by_hand)
{
    struct net_peer peer;
    enum net_result r;
    char storage[100];
    struct buf b;
    sim_begin(&(struct sim_options){.seed = 3, .latency_min_us = 1000, .latency_max_us = 1000});
    loop = loop_new();
    int l = net_listen("*", 25, NULL), c = net_connect("127.0.0.1", 25, NULL), d = net_connect("127.0.0.1", 25, NULL);
    loop_turn(loop, 5);
    int s = net_accept(l, &peer, &r), t = net_accept(l, &peer, &r);
    CHECK(s >= 0 && t >= 0 && net_connected(c, NULL) == NET_OK);
    buf_fixed(&b, storage, sizeof storage);
    buf_add(&b, S("abc"));
    CHECK(net_write(c, &b) == NET_OK);
    CHECK(net_read(s, &b, 10) == NET_AGAIN); /* still on its way */
    loop_turn(loop, 2);
    CHECK(net_read(s, &b, 10) == NET_OK && b.n == 3);
    sim_cut(c);
    CHECK(net_read(s, &b, 10) == NET_ERROR && net_write(c, &b) == NET_ERROR);
    struct net_peer who;
    CHECK(net_peer_of(s, &who) && who.loopback);
    sim_silence(d);
    buf_clear(&b);
    buf_add(&b, S("abc"));
    int server_of_d = who.port == 0 ? -1 : t;
    CHECK(net_write(d, &b) == NET_OK);
    loop_turn(loop, 100000);
    CHECK(net_read(server_of_d, &b, 10) == NET_AGAIN);
    net_close(c);
    net_close(d);
    net_close(s);
    net_close(t);
    net_close(l);
    loop_free(loop);
    sim_end(NULL);
}

static void job_run(struct job *j)
{
    (void)j;
    fired += 10;
}
static void job_done(struct job *j)
{
    (void)j;
    fired += 100;
}

TEST(pools_have_no_threads)
{
    struct job j = {job_run, job_done, NULL}, k = {job_run, job_done, NULL};
    sim_begin(&(struct sim_options){.seed = 1});
    loop = loop_new();
    struct pool *p = pool_new(loop, "x", 4, 1, 0);
    fired = 0;
    CHECK(pool_submit(p, &j) && !pool_submit(p, &k));
    CHECK_NUM(fired, 0);
    loop_run(loop);
    CHECK_NUM(fired, 110);
    CHECK(pool_submit(p, &k));
    pool_free(p);
    CHECK_NUM(fired, 210); /* given back without having run */
    loop_free(loop);
    sim_end(NULL);
}
