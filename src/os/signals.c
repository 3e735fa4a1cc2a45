/* SPDX-License-Identifier: ISC */
/* Signals and other threads, as descriptors. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/check.h"
#include "os/fail.h"
#include "os/loop.h"

static void signals_ready(void *self, uint32_t ready)
{
    struct loop_signals *s = self;
    struct signalfd_siginfo info;
    (void)ready;
    /* One a call: the owner may stop us from within, and what is left is reported again. */
    if (read(s->fd, &info, sizeof info) == (ssize_t)sizeof info)
        s->on_signal(s->self, (int)info.ssi_signo);
}

bool loop_signals_start(struct loop_signals *s, struct loop *loop, const int *signals, void (*on_signal)(void *self, int signal),
                        void *self)
{
    sigset_t set;
    sigemptyset(&set);
    for (; *signals; signals++)
        sigaddset(&set, *signals);
    *s = (struct loop_signals){.on_signal = on_signal, .self = self, .fd = -1};
    loop_io_init(&s->io, loop, signals_ready, s);
    s->io.background = true;
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    s->fd = OS_CALL(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (s->fd >= 0 && loop_io_start(&s->io, s->fd, LOOP_READ))
        return true;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return false;
}

void loop_signals_stop(struct loop_signals *s)
{
    if (s->fd < 0)
        return;
    loop_io_stop(&s->io);
    close(s->fd);
    s->fd = -1;
}

static void wake_ready(void *self, uint32_t ready)
{
    struct loop_wake *w = self;
    uint64_t count;
    (void)ready;
    if (read(w->fd, &count, sizeof count) == (ssize_t)sizeof count)
        w->on_wake(w->self);
}

bool loop_wake_start(struct loop_wake *w, struct loop *loop, void (*on_wake)(void *self), void *self)
{
    *w = (struct loop_wake){.on_wake = on_wake, .self = self};
    loop_io_init(&w->io, loop, wake_ready, w);
    w->io.background = true;
    w->fd = OS_CALL(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (w->fd >= 0 && loop_io_start(&w->io, w->fd, LOOP_READ))
        return true;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    return false;
}

void loop_wake_send(struct loop_wake *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->fd, &one, sizeof one);
    check(n == (ssize_t)sizeof one || errno == EAGAIN); /* EAGAIN: the count is at its end, so a wake-up is on its way */
}

void loop_wake_stop(struct loop_wake *w)
{
    if (w->fd < 0)
        return;
    loop_io_stop(&w->io);
    close(w->fd);
    w->fd = -1;
}
