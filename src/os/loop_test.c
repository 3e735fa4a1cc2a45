/* SPDX-License-Identifier: ISC */
#include "os/loop.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/random.h"
#include "base/test.h"
#include "os/fail.h"
#include "os/net.h"

/* ---- timers ---- */

enum { TIMERS = 200 };
struct many {
    struct loop *loop;
    struct { struct loop_timer t; struct many *all; int64_t due; unsigned fired; } at[TIMERS];
    int64_t last;
};

static struct many many;

static void many_fired(void *self)
{
    struct loop_timer *t = self;
    size_t i = (size_t)((char *)t - (char *)&many.at[0]) / sizeof many.at[0];
    CHECK(many.at[i].due == loop_now_ms(many.loop));
    CHECK(!loop_timer_is_active(t));
    many.at[i].fired++;
    many.at[i].due = 0;
}

/* Against a plain array: random starts, moves and stops under a clock that the test turns. */
TEST(timers_fire_when_due_and_only_then)
{
    unsigned fired = 0, expected = 0;
    random_seed(11);
    clock_simulate(1000000, 1);
    many.loop = loop_new();
    for (size_t i = 0; i < TIMERS; i++)
        loop_timer_init(&many.at[i].t, many.loop, many_fired, &many.at[i].t);
    for (int64_t now = 1000; now < 6000; now++) {
        clock_simulate(now * 1000, 1);
        for (size_t i = 0; i < TIMERS; i++)
            expected += many.at[i].due == now;
        loop_turn(many.loop, 0);
        for (int n = 0; n < 20; n++) {
            size_t i = random_below(TIMERS);
            if (random_below(5) == 0) {
                loop_timer_stop(&many.at[i].t);
                many.at[i].due = 0;
            } else {
                many.at[i].due = now + 1 + (int64_t)random_below(random_below(3) ? 30 : 2000);
                loop_timer_at(&many.at[i].t, many.at[i].due);
            }
            CHECK(loop_timer_is_active(&many.at[i].t) == (many.at[i].due != 0));
        }
    }
    for (size_t i = 0; i < TIMERS; i++) {
        fired += many.at[i].fired;
        loop_timer_stop(&many.at[i].t);
    }
    CHECK(fired > 1000);
    CHECK_NUM(fired, expected);
    loop_free(many.loop);
    clock_simulate(0, 0);
    random_seed(0);
}

static struct loop_timer first, second;
static unsigned calls;

static void again(void *self)
{
    calls++;
    loop_timer_in(self, 0); /* would run for ever if it were due in this turn */
}

static void stop_second(void *self)
{
    (void)self;
    calls++;
    loop_timer_stop(&second);
}

TEST(timers_may_restart_and_stop_each_other)
{
    clock_simulate(1000000, 1);
    struct loop *loop = loop_new();
    loop_timer_init(&first, loop, again, &first);
    loop_timer_in(&first, 0);
    calls = 0;
    CHECK(loop_turn(loop, 0));
    CHECK_NUM(calls, 1);
    loop_turn(loop, 0);
    CHECK_NUM(calls, 1);
    clock_simulate(1001000, 1);
    loop_turn(loop, 0);
    CHECK_NUM(calls, 2);
    loop_timer_stop(&first);
    CHECK(!loop_turn(loop, 0)); /* nothing is watched */

    loop_timer_init(&first, loop, stop_second, NULL);
    loop_timer_init(&second, loop, stop_second, NULL);
    loop_timer_in(&first, 5);
    loop_timer_in(&second, 5);
    calls = 0;
    clock_simulate(1100000, 1);
    loop_turn(loop, 0);
    CHECK_NUM(calls, 1);
    loop_timer_stop(&first);
    loop_free(loop);
    clock_simulate(0, 0);
}

TEST(real_time_wakes_the_loop)
{
    struct loop *loop = loop_new();
    int64_t from = clock_mono_ms();
    calls = 0;
    loop_timer_init(&first, loop, stop_second, NULL);
    loop_timer_init(&second, loop, stop_second, NULL);
    loop_timer_in(&first, 20);
    loop_run(loop); /* ends by itself: nothing is left */
    CHECK_NUM(calls, 1);
    CHECK(clock_mono_ms() - from >= 20 && clock_mono_ms() - from < 5000);
    loop_free(loop);
}

/* ---- descriptors ---- */

struct end { struct loop_io io; int fd; uint32_t seen; unsigned calls; struct end *stops; };

static void end_ready(void *self, uint32_t ready)
{
    struct end *e = self;
    e->seen |= ready;
    e->calls++;
    if (e->stops) {
        loop_io_stop(&e->stops->io);
        close(e->stops->fd);
        e->stops->fd = -1;
    }
}

static void pair(struct loop *loop, struct end *a, struct end *b)
{
    int fds[2];
    CHECK(net_pair(fds));
    *a = (struct end){.fd = fds[0]};
    *b = (struct end){.fd = fds[1]};
    loop_io_init(&a->io, loop, end_ready, a);
    loop_io_init(&b->io, loop, end_ready, b);
}

TEST(readiness_follows_interest)
{
    struct loop *loop = loop_new();
    struct end a, b;
    pair(loop, &a, &b);
    CHECK(loop_io_start(&a.io, a.fd, LOOP_READ));
    loop_turn(loop, 0);
    CHECK_NUM(a.calls, 0);
    CHECK(write(b.fd, "x", 1) == 1);
    loop_turn(loop, 0);
    CHECK_NUM(a.seen, LOOP_READ);
    loop_io_interest(&a.io, LOOP_READ | LOOP_WRITE);
    a.seen = 0;
    loop_turn(loop, 0);
    CHECK_NUM(a.seen, LOOP_READ | LOOP_WRITE);
    loop_io_interest(&a.io, 0); /* paused */
    a.calls = 0;
    CHECK(loop_turn(loop, 0)); /* but still there */
    CHECK_NUM(a.calls, 0);
    loop_io_interest(&a.io, LOOP_READ);
    loop_io_interest(&a.io, LOOP_WRITE); /* the last word counts */
    a.seen = 0;
    loop_turn(loop, 0);
    CHECK_NUM(a.seen, LOOP_WRITE);
    loop_io_stop(&a.io);
    loop_io_stop(&a.io);
    a.calls = 0;
    CHECK(!loop_turn(loop, 0));
    CHECK_NUM(a.calls, 0);
    CHECK(loop_io_start(&a.io, a.fd, LOOP_READ)); /* again */
    loop_turn(loop, 0);
    CHECK_NUM(a.calls, 1);
    CHECK(loop_io_start(&a.io, a.fd, 0));
    close(a.fd);
    close(b.fd);
    loop_free(loop);
}

TEST(a_hang_up_reaches_readers_and_does_not_spin_the_paused)
{
    struct loop *loop = loop_new();
    struct end a, b;
    pair(loop, &a, &b);
    CHECK(loop_io_start(&a.io, a.fd, LOOP_READ));
    loop_io_interest(&a.io, 0);
    loop_turn(loop, 0);
    close(b.fd);
    int64_t from = clock_mono_ms();
    loop_turn(loop, 0); /* may see the hang-up once */
    loop_turn(loop, 30);
    CHECK(clock_mono_ms() - from >= 29);
    CHECK_NUM(a.calls, 0);
    loop_io_interest(&a.io, LOOP_READ);
    loop_turn(loop, 0);
    CHECK_NUM(a.seen, LOOP_READ);
    loop_io_stop(&a.io);
    close(a.fd);
    loop_free(loop);
}

TEST(a_watcher_may_stop_another_of_the_same_batch)
{
    for (int order = 0; order < 2; order++) {
        struct loop *loop = loop_new();
        struct end a, b, c, d;
        pair(loop, &a, &b);
        pair(loop, &c, &d);
        a.stops = &c;
        c.stops = &a;
        CHECK(loop_io_start(&a.io, a.fd, LOOP_READ) && loop_io_start(&c.io, c.fd, LOOP_READ));
        CHECK(write(b.fd, "x", 1) == 1 && write(d.fd, "x", 1) == 1);
        loop_turn(loop, 0);
        CHECK_NUM(a.calls + c.calls, 1);
        struct end *left = a.fd >= 0 ? &a : &c;
        loop_io_stop(&left->io);
        close(left->fd);
        close(b.fd);
        close(d.fd);
        loop_free(loop);
    }
}

/* A watcher that lives on the heap and frees itself, with a new descriptor of the same number behind it. */
static struct end *heap_end;
static void free_self(void *self, uint32_t ready)
{
    struct end *e = self;
    (void)ready;
    calls++;
    loop_io_stop(&e->io);
    close(e->fd);
    free(e);
    heap_end = NULL;
}

TEST(a_watcher_may_free_itself)
{
    struct loop *loop = loop_new();
    int fds[2];
    CHECK(net_pair(fds));
    heap_end = calloc(1, sizeof *heap_end);
    heap_end->fd = fds[0];
    loop_io_init(&heap_end->io, loop, free_self, heap_end);
    CHECK(loop_io_start(&heap_end->io, fds[0], LOOP_READ));
    CHECK(write(fds[1], "x", 1) == 1);
    calls = 0;
    loop_turn(loop, 0);
    CHECK(calls == 1 && !heap_end);
    CHECK(!loop_turn(loop, 0));
    close(fds[1]);
    loop_free(loop);
}

TEST(more_descriptors_than_a_batch)
{
    enum { N = 300 };
    static struct end a[N], b[N];
    struct loop *loop = loop_new();
    for (int i = 0; i < N; i++) {
        pair(loop, &a[i], &b[i]);
        CHECK(loop_io_start(&a[i].io, a[i].fd, LOOP_READ) && write(b[i].fd, "x", 1) == 1);
    }
    for (int turn = 0; turn < 3; turn++)
        loop_turn(loop, 0);
    for (int i = 0; i < N; i++) {
        CHECK(a[i].calls > 0);
        loop_io_stop(&a[i].io);
        close(a[i].fd);
        close(b[i].fd);
    }
    loop_free(loop);
}

/* ---- deferred ---- */

static char trace[20];
static struct loop_defer da, db, dc;
static void run_a(void *self)
{
    (void)self;
    strcat(trace, "a");
    loop_defer_start(&da); /* next turn */
    loop_defer_stop(&db);
}
static void run_b(void *self)
{
    (void)self;
    strcat(trace, "b");
}
static void run_c(void *self)
{
    (void)self;
    strcat(trace, "c");
}

TEST(deferred_work)
{
    struct loop *loop = loop_new();
    trace[0] = 0;
    loop_defer_init(&da, loop, run_a, NULL);
    loop_defer_init(&db, loop, run_b, NULL);
    loop_defer_init(&dc, loop, run_c, NULL);
    loop_defer_start(&dc);
    loop_defer_start(&da);
    loop_defer_start(&db);
    loop_defer_start(&dc); /* stays where it is */
    CHECK(loop_turn(loop, 10000)); /* does not wait */
    CHECK_STR(str_c(trace), S("ca"));
    loop_defer_start(&db);
    loop_turn(loop, 10000);
    CHECK_STR(str_c(trace), S("caa"));
    loop_defer_stop(&da);
    loop_defer_stop(&da);
    CHECK(!loop_turn(loop, 0));
    loop_free(loop);
}

/* ---- signals and threads ---- */

static int last_signal;
static struct loop *signal_loop;
static void on_signal(void *self, int signal)
{
    (void)self;
    last_signal = signal;
    calls++;
    loop_stop(signal_loop);
}

TEST(signals_come_through_the_loop)
{
    const int signals[] = {SIGUSR1, SIGHUP, 0};
    struct loop_signals s;
    struct loop_timer keep;
    signal_loop = loop_new();
    CHECK(loop_signals_start(&s, signal_loop, signals, on_signal, NULL));
    loop_run(signal_loop); /* signals alone do not keep it running */
    loop_timer_init(&keep, signal_loop, stop_second, NULL);
    loop_timer_in(&keep, 10000);
    calls = 0;
    CHECK(kill(getpid(), SIGUSR1) == 0);
    loop_run(signal_loop);
    CHECK_NUM(last_signal, SIGUSR1);
    CHECK(kill(getpid(), SIGHUP) == 0);
    loop_run(signal_loop);
    CHECK_NUM(last_signal, SIGHUP);
    CHECK_NUM(calls, 2);
    loop_timer_stop(&keep);
    loop_signals_stop(&s);
    loop_signals_stop(&s);
    loop_free(signal_loop);
}

static void woken(void *self)
{
    calls++;
    loop_stop(self);
}

static void *wake_thread(void *w)
{
    for (int i = 0; i < 100; i++)
        loop_wake_send(w);
    return NULL;
}

TEST(another_thread_wakes_the_loop)
{
    struct loop_wake w;
    struct loop_timer keep;
    pthread_t t;
    struct loop *loop = loop_new();
    CHECK(loop_wake_start(&w, loop, woken, loop));
    loop_timer_init(&keep, loop, stop_second, NULL);
    loop_timer_in(&keep, 10000);
    calls = 0;
    CHECK(pthread_create(&t, NULL, wake_thread, &w) == 0);
    loop_run(loop);
    pthread_join(t, NULL);
    loop_turn(loop, 0);
    CHECK(calls >= 1 && calls <= 100);
    loop_timer_stop(&keep);
    loop_wake_stop(&w);
    loop_free(loop);
}

TEST(every_failing_call_is_reported_and_leaks_nothing)
{
    const int signals[] = {SIGUSR1, 0};
    for (uint64_t n = 1;; n++) {
        struct loop_signals s = {.fd = -1};
        struct loop_wake w = {.fd = -1};
        os_fail_at(n, EMFILE);
        struct loop *loop = loop_new();
        bool ok = loop && loop_signals_start(&s, loop, signals, on_signal, NULL) && loop_wake_start(&w, loop, woken, NULL);
        CHECK(ok != os_fail_happened());
        loop_signals_stop(&s);
        loop_wake_stop(&w);
        loop_free(loop);
        if (ok)
            break;
    }
    CHECK(os_fail_calls() >= 5);
    os_fail_at(0, 0);
    for (uint64_t n = 1; n <= 2; n++) {
        fail_alloc_at(n);
        CHECK(loop_new() == NULL);
    }
    fail_alloc_at(0);
    int fd = dup(0);
    CHECK(fd < 20); /* nothing stayed open */
    close(fd);
}
