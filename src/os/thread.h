/* SPDX-License-Identifier: ISC */
/* A pool of worker threads beside a loop: run happens on a thread, done on the loop's. Start it after the sandbox. */
#pragma once
#include "os/loop.h"

struct pool;
struct job {
    void (*run)(struct job *j);   /* on a worker: touches nothing but what the job owns */
    void (*done)(struct job *j);  /* on the loop; the job is the caller's again and may be freed or submitted here */
    struct job *next;             /* the pool's, from submit to done */
};

/* queue_max: jobs that may wait (not counting those that run). Stack of each thread in bytes, 0: 256 KiB. NULL: no memory or
   threads. name: static, at most 15 bytes. */
struct pool *pool_new(struct loop *loop, const char *name, unsigned threads, size_t queue_max, size_t stack) MUST_USE;
/* Order is kept for starting. False: the queue is full; answer the peer with a "try later". */
bool pool_submit(struct pool *p, struct job *j) MUST_USE;
size_t pool_waiting(const struct pool *p);   /* jobs not yet done */
/* Jobs that wait are never run and those that run are waited for; done is called for each of them from here, in order of
   submission. */
void pool_free(struct pool *p);
