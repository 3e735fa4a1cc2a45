/* SPDX-License-Identifier: ISC */
/* Turns, descriptors and deferred work. Timers are in timer.c, signals and wake-ups in signals.c; what calls epoll is poller.c.
 */
#include "os/loop.h"
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "base/fail.h"
#include "os/inside.h"
#include "os/timer.h"

struct loop *loop_new_on(const struct loop_poller *poller, void *self)
{
    struct loop *loop = fail_calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->poller = poller;
    loop->poller_self = self;
    loop->changed.next = loop->changed.prev = &loop->changed;
    loop->deferred.next = loop->deferred.prev = &loop->deferred;
    loop->running.next = loop->running.prev = &loop->running;
    loop->now_ms = clock_mono_ms();
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    check(loop->ios == 0 && loop->background == 0 && !loop->timers);
    check(loop->deferred.next == &loop->deferred && loop->running.next == &loop->running);
    loop->poller->free(loop->poller_self);
    free(loop);
}

/* ---- descriptors ---- */

void loop_io_init(struct loop_io *io, struct loop *loop, void (*on_ready)(void *self, uint32_t ready), void *self)
{
    *io = (struct loop_io){.loop = loop, .on_ready = on_ready, .self = self, .fd = -1};
}

static void unmark_changed(struct loop_io *io)
{
    if (!io->changed)
        return;
    io->next->prev = io->prev;
    io->prev->next = io->next;
    io->changed = false;
}

static void mark_changed(struct loop_io *io)
{
    if (io->changed)
        return;
    struct loop_io *end = &io->loop->changed;
    io->prev = end->prev;
    io->next = end;
    end->prev->next = io;
    end->prev = io;
    io->changed = true;
}

bool loop_io_start(struct loop_io *io, int fd, uint32_t interest)
{
    check(fd >= 0);
    if (io->started && io->fd != fd)
        loop_io_stop(io);
    if (io->started) {
        if (interest == 0)
            loop_io_stop(io);
        else
            loop_io_interest(io, interest);
        return true;
    }
    if (interest == 0)
        return true;
    io->fd = fd;
    io->interest = io->registered = interest;
    if (!io->loop->poller->add(io->loop->poller_self, io)) {
        io->fd = -1;
        io->interest = io->registered = 0;
        return false;
    }
    io->started = true;
    *(io->background ? &io->loop->background : &io->loop->ios) += 1;
    return true;
}

void loop_io_interest(struct loop_io *io, uint32_t interest)
{
    check(io->started);
    io->interest = interest;
    if (interest == io->registered)
        unmark_changed(io);
    else
        mark_changed(io);
}

void loop_io_stop(struct loop_io *io)
{
    if (!io->started)
        return;
    struct loop *loop = io->loop;
    unmark_changed(io);
    if (io->pending)
        loop->batch[io->pending - 1].io = NULL;
    loop->poller->remove(loop->poller_self, io);
    *(io->background ? &loop->background : &loop->ios) -= 1;
    io->pending = 0;
    io->started = false;
    io->interest = io->registered = 0;
    io->fd = -1;
}

static void apply_changes(struct loop *loop)
{
    while (loop->changed.next != &loop->changed) {
        struct loop_io *io = loop->changed.next;
        unmark_changed(io);
        loop->poller->modify(loop->poller_self, io);
        io->registered = io->interest;
    }
}

static void dispatch(struct loop *loop, size_t n)
{
    for (size_t i = 0; i < n; i++)
        loop->batch[i].io->pending = (uint32_t)i + 1;
    for (size_t i = 0; i < n; i++) {
        struct loop_io *io = loop->batch[i].io;
        if (!io) /* stopped by a callback before it */
            continue;
        io->pending = 0;
        uint32_t ready = loop->batch[i].ready & io->interest;
        if (ready)
            io->on_ready(io->self, ready);
    }
}

/* ---- deferred work ---- */

void loop_defer_init(struct loop_defer *d, struct loop *loop, void (*run)(void *self), void *self)
{
    *d = (struct loop_defer){.loop = loop, .run = run, .self = self};
}

void loop_defer_start(struct loop_defer *d)
{
    if (d->active)
        return;
    struct loop_defer *end = &d->loop->deferred;
    d->prev = end->prev;
    d->next = end;
    end->prev->next = d;
    end->prev = d;
    d->active = true;
}

void loop_defer_stop(struct loop_defer *d)
{
    if (!d->active)
        return;
    d->next->prev = d->prev;
    d->prev->next = d->next;
    d->active = false;
}

static void run_deferred(struct loop *loop)
{
    struct loop_defer *run = &loop->running, *new = &loop->deferred;
    if (new->next == new)
        return;
    run->next = new->next; /* what is there now runs now; what it defers waits for the next turn */
    run->prev = new->prev;
    run->next->prev = run->prev->next = run;
    new->next = new->prev = new;
    while (run->next != run) {
        struct loop_defer *d = run->next;
        loop_defer_stop(d);
        d->run(d->self);
    }
}

/* ---- turns ---- */

static int64_t wait_time(const struct loop *loop, int64_t most)
{
    if (loop->deferred.next != &loop->deferred)
        return 0;
    int64_t due = timer_wait(loop->timers, loop->now_ms);
    return due < 0 ? most : most < 0 || due < most ? due : most;
}

static bool is_alive(const struct loop *loop)
{
    return loop->ios > 0 || loop->timers || loop->deferred.next != &loop->deferred;
}

bool loop_turn(struct loop *loop, int64_t wait_ms)
{
    apply_changes(loop);
    loop->now_ms = clock_mono_ms();
    size_t n = loop->poller->wait(loop->poller_self, loop, wait_time(loop, wait_ms));
    loop->now_ms = clock_mono_ms();
    dispatch(loop, n);
    timer_run_due(loop);
    run_deferred(loop);
    fact_flush(); /* what other threads wrote */
    return is_alive(loop);
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping && is_alive(loop))
        loop_turn(loop, -1);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}
