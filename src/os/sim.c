/* SPDX-License-Identifier: ISC */
/* The simulated loop: a turn works off what is ready now; only when nothing is, the clock jumps to the next arrival or timer. */
#include "os/sim.h"
#include <poll.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "os/sim_inside.h"

enum { IOS_MAX = 16384 };

struct sim_world sim;

struct sim_poller {
    struct loop_io *ios[IOS_MAX];
    size_t n;
};

static bool sim_add(void *self, struct loop_io *io)
{
    struct sim_poller *p = self;
    check(p->n < IOS_MAX);
    p->ios[p->n++] = io;
    return true;
}

static void sim_modify(void *self, struct loop_io *io)
{
    (void)self;
    (void)io; /* interest is looked at in each turn */
}

static void sim_remove(void *self, struct loop_io *io)
{
    struct sim_poller *p = self;
    size_t i = 0;
    while (i < p->n && p->ios[i] != io)
        i++;
    check(i < p->n);
    p->ios[i] = p->ios[--p->n];
}

static uint32_t kernel_ready(const struct loop_io *io)
{
    struct pollfd f = {.fd = io->fd,
                       .events = (short)((io->interest & LOOP_READ ? POLLIN : 0) | (io->interest & LOOP_WRITE ? POLLOUT : 0))};
    if (io->interest == 0 || poll(&f, 1, 0) <= 0)
        return 0;
    return f.revents & (POLLERR | POLLHUP)
               ? io->interest
               : (f.revents & POLLIN ? (uint32_t)LOOP_READ : 0U) | (f.revents & POLLOUT ? (uint32_t)LOOP_WRITE : 0U);
}

static size_t collect(struct sim_poller *p, struct loop *loop)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n && n < LOOP_BATCH; i++) {
        struct loop_io *io = p->ios[i];
        uint32_t ready = (io->fd >= SIM_FD_FIRST ? sim_net_ready(io->fd) : kernel_ready(io)) & io->interest;
        if (!ready)
            continue;
        loop->batch[n].io = io;
        loop->batch[n++].ready = ready;
    }
    for (size_t i = n; i > 1; i--) { /* the kernel promises no order either */
        size_t other = random_below(i);
        struct loop_io *io = loop->batch[i - 1].io;
        uint32_t ready = loop->batch[i - 1].ready;
        loop->batch[i - 1] = loop->batch[other];
        loop->batch[other].io = io;
        loop->batch[other].ready = ready;
    }
    return n;
}

static void set_clock(int64_t us)
{
    sim.now_us = us;
    clock_simulate(us, sim.unix_begin_ms + us / 1000);
}

static size_t sim_wait(void *self, struct loop *loop, int64_t timeout_ms)
{
    struct sim_poller *p = self;
    sim.counts.turns++;
    for (;;) {
        size_t n = collect(p, loop);
        if (n > 0 || timeout_ms == 0)
            return n;
        int64_t until = timeout_ms < 0 ? -1 : (loop->now_ms + timeout_ms) * 1000;
        int64_t next = sim_net_next_us();
        if (next < 0 && until < 0) { /* only a thread or a signal could change anything, and there are none here */
            sim.stuck = loop->stopping = true;
            return 0;
        }
        if (next < 0 || (until >= 0 && until < next)) {
            set_clock(until);
            return collect(p, loop);
        }
        set_clock(next);
    }
}

static void sim_poller_free(void *self)
{
    check(((struct sim_poller *)self)->n == 0);
    free(self);
}

static struct loop *sim_loop_new(void)
{
    static const struct loop_poller poller = {sim_add, sim_modify, sim_remove, sim_wait, sim_poller_free};
    struct sim_poller *p = calloc(1, sizeof *p);
    struct loop *loop = p ? loop_new_on(&poller, p) : NULL;
    if (loop)
        loop->simulated = true;
    else
        free(p);
    return loop;
}

void sim_begin(const struct sim_options *o)
{
    const int64_t first_of_2026 = 1767225600000;
    check(!sim.running && o->seed != 0 && o->latency_max_us >= o->latency_min_us && o->latency_min_us >= 0);
    sim = (struct sim_world){.o = *o, .running = true, .unix_begin_ms = o->unix_ms ? o->unix_ms : first_of_2026};
    if (sim.o.latency_max_us == 0) {
        sim.o.latency_min_us = 100;
        sim.o.latency_max_us = 30000;
    }
    sim.o.window = o->window ? o->window : 64 * 1024;
    sim.o.piece_max = o->piece_max ? o->piece_max : 1500;
    random_seed(o->seed);
    set_clock(1000000);
    net_twin = &sim_net_twin;
    loop_twin = sim_loop_new;
}

void sim_end(struct sim_counts *counts)
{
    check(sim.running);
    sim.counts.simulated_ms = sim.now_us / 1000 - 1000;
    if (counts)
        *counts = sim.counts;
    net_twin = NULL;
    loop_twin = NULL;
    sim.running = false;
    random_seed(0);
    clock_simulate(0, 0);
    check(sim_net_clear() == 0); /* descriptors were left open */
}

bool sim_is_stuck(void)
{
    return sim.stuck;
}
