/* SPDX-License-Identifier: ISC */
/* A queue of any size in the engine: how long it takes to fill, to open, to find what is due, to list, to change all of it; and how much memory. By hand:

       make && cc -O2 -std=c17 -D_GNU_SOURCE -Isrc -o queue_bench tools/bench/queue_bench.c build/release/lib/store.a \
           build/release/lib/os.a build/release/lib/base.a -lsqlite3 -lsodium -lseccomp -lunistring -lidn2 -lpthread
       ./queue_bench DIR ENTRIES [DOMAINS] */
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "store/inside.h"

enum { SLOTS = 2048 };
static struct engine *engine;
static unsigned long finished, seen;
static struct slot {
    struct op op;
    struct op_queued q;
    char address[64];
    bool busy;
} slots[SLOTS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static unsigned long resident_kb(void)
{
    unsigned long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4;
}

static void say(const char *what, double since) { printf("%-44s %9.3f s   %8lu kB resident\n", what, now() - since, resident_kb()); }

static void on_done(struct op *op)
{
    struct slot *s = op->owner;
    s->busy = false;
    finished++;
    if (op->outcome != DONE)
        fprintf(stderr, "%s\n", op->why.text);
}

static void turn(void)
{
    struct pollfd p = {.fd = engine_fd(engine), .events = POLLIN};
    poll(&p, 1, 100);
    engine_turn(engine);
}

static void put(struct slot *s, unsigned long n, unsigned long domains)
{
    struct why why;
    int a = snprintf(s->address, sizeof s->address, "user%lu@d%lu.bench.example", n, n % domains);
    struct body_writer *w = engine_body_begin(engine);
    char body[300];
    memset(body, 'x', sizeof body);
    int h = snprintf(body, sizeof body, "Subject: %lu\r\n\r\n", n);
    body[h] = 'x';
    engine_body_add(engine, w, str_of(body, sizeof body), &why);
    s->q = (struct op_queued){.address = str_of(s->address, (size_t)a)};
    s->op = (struct op){.kind = OP_ACCEPT, .done = on_done, .owner = s};
    s->op.accept = (struct op_accept){.id = engine_lease_ids(engine, 1), .received_ms = clock_unix_ms(), .from = S("sender@bench.example"), .kind = S("smtp"),
                                      .trace = S("Received: from client.bench.example by mail.bench.example; now\r\n"), .body = engine_body_end(engine, w),
                                      .queued = &s->q, .queued_count = 1};
    s->busy = true;
    engine_submit(engine, &s->op);
}

static void run(struct op *op)
{
    static struct slot s;
    unsigned long before = finished;
    s.op = *op;
    s.op.done = on_done;
    s.op.owner = &s;
    engine_submit(engine, &s.op);
    while (finished == before)
        turn();
}

static void count_due(void *to, const struct engine_queued *q) { (void)to, (void)q, seen++; }
static bool count_one(void *to, const struct engine_queued *q)
{
    (void)q;
    seen++;
    return --*(unsigned *)to > 0;
}
static void count_shape(void *to, const struct engine_shape *s) { (void)to, (void)s, seen++; }
static bool reopen(const char *dir)
{
    struct why why;
    engine = engine_open(dir, -1, &(struct engine_options){.threads = true}, &why);
    if (!engine)
        fprintf(stderr, "%s\n", why.text);
    return engine != NULL;
}

static void fill(unsigned long entries, unsigned long domains)
{
    for (unsigned long n = 0; finished < entries;) {
        for (unsigned i = 0; i < SLOTS && n < entries; i++)
            if (!slots[i].busy)
                put(&slots[i], n++, domains);
        turn();
    }
}

int main(int argc, char **argv)
{
    unsigned long entries = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, domains = argc > 3 ? strtoul(argv[3], NULL, 10) : 10000;
    struct engine_due due = {0};
    struct engine_queue_cursor cursor = {0};
    struct engine_filter filter = {0};
    if (argc < 3 || !entries || !domains || !reopen(argv[1]))
        return 64;
    double t = now();
    fill(entries, domains);
    say("filled", t);
    t = now();
    engine_close(engine);
    say("closed", t);
    t = now();
    if (!reopen(argv[1]))
        return 1;
    say("opened", t);
    t = now();
    while (engine_queue_due(engine, INT64_MAX, &due, 500, count_due, NULL)) {
    }
    say("looked at all that is due", t);
    t = now();
    due = (struct engine_due){0};
    for (unsigned i = 0; i < 1000; i++, due = (struct engine_due){0}) {
        char domain[64];
        int n = snprintf(domain, sizeof domain, "d%lu.bench.example", i % domains);
        engine_queue_due_of(engine, str_of(domain, (size_t)n), INT64_MAX, &due, 100, count_due, NULL);
    }
    say("a page of each of 1,000 domains", t);
    t = now();
    unsigned left = 100;
    engine_queue_filter(engine, &filter, &cursor, 100000000, count_one, &left);
    say("the first 100 listed", t);
    t = now();
    left = 100, cursor = (struct engine_queue_cursor){0}, filter.domain = S("d7.bench.example");
    engine_queue_filter(engine, &filter, &cursor, 100000000, count_one, &left);
    say("the first 100 of a domain", t);
    t = now();
    engine_queue_shape(engine, (int64_t[]){1, 2, 3}, 50, count_shape, NULL);
    say("shape", t);
    t = now();
    run(&(struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.what = QUEUE_NEXT, .next_ms = 5}});
    say("all to be tried now: durable", t);
    engine_queue_count(engine, STR_NONE);
    say("  and in the index", t);
    due = (struct engine_due){0};
    seen = 0;
    t = now();
    while (engine_queue_due(engine, 5, &due, 500, count_due, NULL)) {
    }
    say("looked at all that is due", t);
    printf("%lu of %lu are due\n", seen, entries);
    t = now();
    left = UINT32_MAX, cursor = (struct engine_queue_cursor){0}, filter = (struct engine_filter){.from = S("nobody@bench.example")};
    while (engine_queue_filter(engine, &filter, &cursor, 2000, count_one, &left)) {
    }
    say("all looked through for a sender", t);
    engine_close(engine);
    return 0;
}
