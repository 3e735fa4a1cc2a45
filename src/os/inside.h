/* SPDX-License-Identifier: ISC */
/* What the files of os share. */
#pragma once
#include "base/outcome.h"
#include "os/loop.h"

enum { LOOP_BATCH = 256 };

/* What stands behind a loop: epoll, or the simulator. */
struct loop_poller {
    bool (*add)(void *self, struct loop_io *io);      /* io->fd with io->interest; false: errno */
    void (*modify)(void *self, struct loop_io *io);   /* to io->interest; 0: report nothing */
    void (*remove)(void *self, struct loop_io *io);
    /* Waits at most timeout_ms (-1: no limit), fills loop->batch from 0, returns how many. */
    size_t (*wait)(void *self, struct loop *loop, int64_t timeout_ms);
    void (*free)(void *self);
};

struct loop {
    const struct loop_poller *poller;
    void *poller_self;
    struct { struct loop_io *io; uint32_t ready; } batch[LOOP_BATCH];
    struct loop_io changed;             /* sentinels of circular lists */
    struct loop_defer deferred, running;
    struct loop_timer *timers;
    size_t ios;                         /* started ones that are not background */
    size_t background;
    int64_t now_ms;
    bool in_timers, stopping;
    bool simulated;                     /* no threads beside it */
};

struct loop *loop_new_on(const struct loop_poller *poller, void *self);

void why_errno(struct why *why, const char *what, int error);  /* "what: words of the error"; why may be NULL */
void why_text(struct why *why, const char *text);

/* Descriptors from here on are the simulator's: net and loop ask the twin instead of the kernel. */
enum { SIM_FD_FIRST = 1 << 24 };
struct net_twin {
    int64_t (*read)(int fd, void *to, size_t n);                  /* as read(2), write(2): -1 with errno */
    int64_t (*write)(int fd, const void *from, size_t n);
    int (*accept)(int fd, char *address, size_t cap, uint16_t *port);
    int (*listen)(const char *host, uint16_t port);
    int (*connect)(const char *host, uint16_t port);
    int (*connected)(int fd);                                     /* 0 or -1 with errno */
    void (*shutdown)(int fd);
    void (*close)(int fd);
    bool (*address)(int fd, bool peer, char *text, size_t cap, uint16_t *port);
};
extern struct loop *(*loop_twin)(void); /* what loop_new gives instead; NULL: epoll */
extern const struct net_twin *net_twin; /* NULL: only the kernel; set by the simulator, which is linked into tests alone */
