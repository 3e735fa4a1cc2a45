/* SPDX-License-Identifier: ISC */
#include "os/thread.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/test.h"
#include "os/fail.h"

struct work { struct job job; int in, out; unsigned done; };
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint running;
static unsigned finished;
static struct pool *pool;
static struct work *follow_up;

static void square(struct job *j)
{
    struct work *w = (struct work *)(void *)j;
    w->out = w->in * w->in;
}

static void wait_at_gate(struct job *j)
{
    atomic_fetch_add(&running, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    square(j);
}

static void done(struct job *j)
{
    struct work *w = (struct work *)(void *)j;
    w->done++;
    finished++;
    if (follow_up) {
        CHECK(pool_submit(pool, &follow_up->job));
        follow_up = NULL;
    }
}

static struct work make(void (*run)(struct job *), int in)
{
    return (struct work){.job = {run, done, NULL}, .in = in};
}

TEST(jobs_run_and_come_back)
{
    enum { N = 500 };
    static struct work w[N];
    struct loop *loop = loop_new();
    pool = pool_new(loop, "squares", 3, N, 0);
    CHECK(pool != NULL);
    finished = 0;
    for (int i = 0; i < N; i++) {
        w[i] = make(square, i);
        CHECK(pool_submit(pool, &w[i].job));
    }
    CHECK_NUM(pool_waiting(pool), N);
    loop_run(loop); /* ends by itself when all are done */
    CHECK_NUM(finished, N);
    CHECK_NUM(pool_waiting(pool), 0);
    for (int i = 0; i < N; i++)
        CHECK(w[i].out == i * i && w[i].done == 1);
    struct work more = make(square, 9), last = make(square, 7);
    follow_up = &last; /* submitted from done */
    CHECK(pool_submit(pool, &more.job));
    loop_run(loop);
    CHECK(more.out == 81 && last.out == 49 && last.done == 1);
    pool_free(pool);
    loop_free(loop);
}

TEST(the_queue_has_an_end)
{
    struct work w[6];
    struct loop *loop = loop_new();
    pool = pool_new(loop, "gate", 2, 3, 0);
    atomic_store(&running, 0);
    pthread_mutex_lock(&gate);
    finished = 0;
    for (int i = 0; i < 6; i++)
        w[i] = make(wait_at_gate, i);
    CHECK(pool_submit(pool, &w[0].job) && pool_submit(pool, &w[1].job));
    while (atomic_load(&running) < 2)
        ;
    CHECK(pool_submit(pool, &w[2].job) && pool_submit(pool, &w[3].job) && pool_submit(pool, &w[4].job));
    CHECK(!pool_submit(pool, &w[5].job));
    pthread_mutex_unlock(&gate);
    loop_run(loop);
    CHECK_NUM(finished, 5);
    pool_free(pool);
    loop_free(loop);
}

TEST(freeing_gives_every_job_back)
{
    struct work w[5];
    struct loop *loop = loop_new();
    pool = pool_new(loop, "gate", 1, 10, 0);
    atomic_store(&running, 0);
    finished = 0;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 5; i++) {
        w[i] = make(wait_at_gate, i + 1);
        CHECK(pool_submit(pool, &w[i].job));
    }
    while (atomic_load(&running) < 1)
        ;
    pthread_mutex_unlock(&gate);
    pool_free(pool);
    CHECK_NUM(finished, 5);
    for (int i = 0; i < 5; i++)
        CHECK_NUM(w[i].done, 1);
    loop_free(loop);
}

TEST(no_pool_when_something_is_missing)
{
    struct loop *loop = loop_new();
    fail_alloc_at(1);
    CHECK(pool_new(loop, "x", 1, 1, 0) == NULL);
    fail_alloc_at(0);
    for (uint64_t n = 1; n <= 2; n++) {
        os_fail_at(n, EMFILE);
        CHECK(pool_new(loop, "x", 1, 1, 0) == NULL);
    }
    os_fail_at(0, 0);
    CHECK(pool_new(loop, "x", 1, 1, 1) == NULL); /* a stack that is too small: no thread */
    pool_free(NULL);
    loop_free(loop);
}
