/* SPDX-License-Identifier: ISC */
/* The event loop: epoll, one timer heap, and what runs at the end of a turn. Watchers are embedded in their owners and call back
   with self. One loop belongs to one thread; only loop_wake_send may be called from others. Every stop is synchronous: when it
   has returned, no callback of that watcher runs any more and its memory may go, also from within its own callback and for events
   that the kernel has already reported.

   A turn:  wait (or not, if something is due) → descriptors → due timers → deferred work, in the order of loop_defer, until there
   is none (what a deferred function defers runs in the next turn, which then does not wait). */
#pragma once
#include "base/compiler.h"
#include "base/str.h"

struct loop;
struct loop *loop_new(void) MUST_USE;       /* NULL: no memory or descriptors */
void loop_free(struct loop *loop);          /* every watcher must be stopped (checked) */
void loop_run(struct loop *loop);           /* until loop_stop, or until nothing but background watchers is active */
void loop_stop(struct loop *loop);          /* loop_run returns after this turn */
/* One turn that waits at most this long (0: not at all, -1: as long as it takes). False: nothing is being watched. For tests. */
bool loop_turn(struct loop *loop, int64_t wait_ms);
/* Monotonic milliseconds, read once per turn after waiting: cheap, and the same for everything in a turn. */
int64_t loop_now_ms(const struct loop *loop);

/* ---- descriptors ---- */
enum loop_interest { LOOP_READ = 1, LOOP_WRITE = 2 }; /* bits */
struct loop_io {
    struct loop *loop;
    /* ready: enum loop_interest that was asked for and came true; errors and hang-ups make all of it true. */
    void (*on_ready)(void *self, uint32_t ready);
    void *self;
    int fd;
    uint32_t interest;   /* what is wanted; 0: stopped */
    uint32_t registered; /* what the poller was told */
    uint32_t pending;    /* place in the batch that is being worked off, from 1; 0: none */
    struct loop_io *next, *prev; /* in the list of those whose interest changed in this turn */
    bool started, changed;
    bool background;     /* set by the owner between init and start: does not keep loop_run alive */
};
void loop_io_init(struct loop_io *io, struct loop *loop, void (*on_ready)(void *self, uint32_t ready), void *self);
/* Starts or modifies; interest 0 is stop. Changes reach the kernel once per turn, so toggling is free. Level-triggered. The
   descriptor must not be closed before loop_io_stop. False: the kernel has no room (ENOSPC, ENOMEM) or cannot watch that kind of
   file; then it is stopped. */
bool loop_io_start(struct loop_io *io, int fd, uint32_t interest);
void loop_io_interest(struct loop_io *io, uint32_t interest); /* of a started one; 0 only pauses */
void loop_io_stop(struct loop_io *io);

/* ---- timers: one shot ---- */
/* Moving a deadline to a later time writes one number (the heap is put right when the old time comes), so sessions may re-arm
   their idle time-out at each event. */
struct loop_timer {
    struct loop *loop;
    void (*on_time)(void *self);
    void *self;
    int64_t key_ms;      /* place in the heap; never later than at_ms */
    int64_t at_ms;       /* when it is due */
    struct loop_timer *child, *next, *prev; /* pairing heap */
    bool active;
};
void loop_timer_init(struct loop_timer *t, struct loop *loop, void (*on_time)(void *self), void *self);
/* Starts or moves. A past time is due in the next turn, or, when set from a timer's callback, a millisecond later. */
void loop_timer_at(struct loop_timer *t, int64_t mono_ms);
void loop_timer_in(struct loop_timer *t, int64_t ms);           /* from loop_now_ms */
void loop_timer_stop(struct loop_timer *t);
static inline bool loop_timer_is_active(const struct loop_timer *t) { return t->active; }

/* ---- once, at the end of this turn ---- */
struct loop_defer {
    struct loop *loop;
    void (*run)(void *self);
    void *self;
    struct loop_defer *next, *prev;
    bool active;
};
void loop_defer_init(struct loop_defer *d, struct loop *loop, void (*run)(void *self), void *self);
void loop_defer_start(struct loop_defer *d); /* already started: stays where it is */
void loop_defer_stop(struct loop_defer *d);

/* ---- signals, by signalfd: blocked for the whole process, so call it before any thread is started ---- */
struct loop_signals {
    struct loop_io io;
    void (*on_signal)(void *self, int signal);
    void *self;
    int fd;
};
/* signals: numbers, ended by 0. False: no descriptors. Does not keep loop_run alive. */
bool loop_signals_start(struct loop_signals *s, struct loop *loop, const int *signals, void (*on_signal)(void *self, int signal),
                        void *self);
void loop_signals_stop(struct loop_signals *s); /* signals stay blocked */

/* ---- wake from other threads, by eventfd ---- */
struct loop_wake {
    struct loop_io io;
    void (*on_wake)(void *self);
    void *self;
    int fd;
};
bool loop_wake_start(struct loop_wake *w, struct loop *loop, void (*on_wake)(void *self), void *self);
void loop_wake_send(struct loop_wake *w); /* any thread; many calls may become one on_wake. Does not keep loop_run alive. */
void loop_wake_stop(struct loop_wake *w);
