/* SPDX-License-Identifier: ISC */
/* Jobs go from the waiting list to a worker to the done list; both lists stand under one lock, an eventfd tells the loop. */
#include "os/thread.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/fail.h"
#include "os/inside.h"

enum { STACK_DEFAULT = 256 * 1024, THREADS_MAX = 64 };

struct list { struct job *first, **last; };

struct pool {
    struct loop *loop;
    const char *name;
    size_t queue_max, out;      /* out: submitted and not done; the loop's thread only */
    pthread_mutex_t lock;       /* over what follows */
    pthread_cond_t work;
    struct list waiting, done;
    size_t waiting_n;
    bool ending;
    struct loop_wake wake;
    struct loop_defer inline_run; /* simulated: instead of threads */
    unsigned thread_n;
    pthread_t threads[];
};

static void list_init(struct list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

static void list_add(struct list *l, struct job *j)
{
    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
}

static struct job *list_take(struct list *l)
{
    struct job *j = l->first;
    if (j && !(l->first = j->next))
        l->last = &l->first;
    return j;
}

static void *worker(void *self)
{
    struct pool *p = self;
    pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->waiting.first && !p->ending)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->ending)
            break;
        struct job *j = list_take(&p->waiting);
        p->waiting_n--;
        pthread_mutex_unlock(&p->lock);
        j->run(j);
        pthread_mutex_lock(&p->lock);
        bool first = !p->done.first;
        list_add(&p->done, j);
        if (first)
            loop_wake_send(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void finish(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct list done = p->done;
    if (done.first)
        list_init(&p->done);
    pthread_mutex_unlock(&p->lock);
    for (struct job *j = done.first, *next; j; j = next) {
        next = j->next;
        p->out--;
        p->loop->ios--;
        j->done(j);
    }
}

static void finish_wake(void *self)
{
    finish(self);
}

/* In a simulation there are no threads, whose order no seed could repeat: jobs run at the end of the turn. */
static void run_inline(void *self)
{
    struct pool *p = self;
    for (struct job *j; (j = list_take(&p->waiting));) {
        p->waiting_n--;
        j->run(j);
        list_add(&p->done, j);
    }
    finish(p);
}

static void end_threads(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->thread_n; i++)
        check(pthread_join(p->threads[i], NULL) == 0);
}

static void release(struct pool *p)
{
    loop_wake_stop(&p->wake);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static bool start_threads(struct pool *p, unsigned threads, size_t stack)
{
    pthread_attr_t attr;
    sigset_t all, before;
    if (pthread_attr_init(&attr) != 0)
        return false;
    bool ok = pthread_attr_setstacksize(&attr, stack ? stack : STACK_DEFAULT) == 0;
    sigfillset(&all); /* signals are for the loop's signalfd */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (; ok && p->thread_n < threads; p->thread_n += ok)
        ok = pthread_create(&p->threads[p->thread_n], &attr, worker, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return ok;
}

struct pool *pool_new(struct loop *loop, const char *name, unsigned threads, size_t queue_max, size_t stack)
{
    check(threads > 0 && threads <= THREADS_MAX);
    struct pool *p = fail_calloc(1, sizeof *p + threads * sizeof p->threads[0]);
    if (!p)
        return NULL;
    p->loop = loop;
    p->name = name;
    p->queue_max = queue_max;
    list_init(&p->waiting);
    list_init(&p->done);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    loop_defer_init(&p->inline_run, loop, run_inline, p);
    p->wake.fd = -1;
    if (loop->simulated)
        return p;
    if (!loop_wake_start(&p->wake, loop, finish_wake, p) || !start_threads(p, threads, stack)) {
        end_threads(p);
        release(p);
        return NULL;
    }
    return p;
}

bool pool_submit(struct pool *p, struct job *j)
{
    pthread_mutex_lock(&p->lock);
    bool room = p->waiting_n < p->queue_max && !p->ending;
    if (room) {
        list_add(&p->waiting, j);
        p->waiting_n++;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    if (room && p->loop->simulated)
        loop_defer_start(&p->inline_run);
    p->out += room;
    p->loop->ios += room; /* a job on its way keeps the loop running */
    return room;
}

size_t pool_waiting(const struct pool *p)
{
    return p->out;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    end_threads(p);
    finish(p);
    for (struct job *j; (j = list_take(&p->waiting));) {
        p->out--;
        p->loop->ios--;
        j->done(j);
    }
    check(p->out == 0);
    loop_defer_stop(&p->inline_run);
    release(p);
}
