/* SPDX-License-Identifier: ISC */
/* epoll behind the loop. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/check.h"
#include "os/fail.h"
#include "os/inside.h"

struct poller {
    int epoll;
    struct epoll_event events[LOOP_BATCH];
};

static struct epoll_event event_of(struct loop_io *io)
{
    struct epoll_event e = {.events = 0, .data.ptr = io};
    e.events |= io->interest & LOOP_READ ? (uint32_t)EPOLLIN : 0;
    e.events |= io->interest & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0;
    /* Hang-ups are reported whatever was asked for. A paused watcher gets them once, by edge, and not in every turn. */
    e.events |= io->interest == 0 ? (uint32_t)EPOLLET : 0;
    return e;
}

static bool poller_add(void *self, struct loop_io *io)
{
    struct poller *p = self;
    struct epoll_event e = event_of(io);
    return OS_CALL(epoll_ctl(p->epoll, EPOLL_CTL_ADD, io->fd, &e)) == 0;
}

static void poller_modify(void *self, struct loop_io *io)
{
    struct poller *p = self;
    struct epoll_event e = event_of(io);
    check(epoll_ctl(p->epoll, EPOLL_CTL_MOD, io->fd, &e) == 0); /* fails only when the descriptor was closed under the watcher */
}

static void poller_remove(void *self, struct loop_io *io)
{
    struct poller *p = self;
    struct epoll_event none = {0};
    check(epoll_ctl(p->epoll, EPOLL_CTL_DEL, io->fd, &none) == 0);
}

static size_t poller_wait(void *self, struct loop *loop, int64_t timeout_ms)
{
    struct poller *p = self;
    int n = epoll_wait(p->epoll, p->events, LOOP_BATCH, timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms);
    check(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        uint32_t e = p->events[i].events, ready = 0;
        if (e & (uint32_t)(EPOLLERR | EPOLLHUP))
            ready = LOOP_READ | LOOP_WRITE;
        ready |= e & (uint32_t)EPOLLIN ? LOOP_READ : 0;
        ready |= e & (uint32_t)EPOLLOUT ? LOOP_WRITE : 0;
        loop->batch[i].io = p->events[i].data.ptr;
        loop->batch[i].ready = ready;
    }
    return n > 0 ? (size_t)n : 0;
}

static void poller_free(void *self)
{
    struct poller *p = self;
    close(p->epoll);
    free(p);
}

struct loop *(*loop_twin)(void);

struct loop *loop_new(void)
{
    static const struct loop_poller epoll = {poller_add, poller_modify, poller_remove, poller_wait, poller_free};
    if (loop_twin)
        return loop_twin();
    struct poller *p = fail_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->epoll = OS_CALL(epoll_create1(EPOLL_CLOEXEC));
    struct loop *loop = p->epoll < 0 ? NULL : loop_new_on(&epoll, p);
    if (!loop) {
        if (p->epoll >= 0)
            close(p->epoll);
        free(p);
    }
    return loop;
}
