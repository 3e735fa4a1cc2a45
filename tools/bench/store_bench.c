/* SPDX-License-Identifier: ISC */
/* What the engine does without a network: messages a second, and CPU a message, for groups of a size. Built by hand:

       make && cc -O2 -std=c17 -D_GNU_SOURCE -Isrc -o store_bench tools/bench/store_bench.c build/release/lib/store.a \
           build/release/lib/os.a build/release/lib/base.a -lsqlite3 -lsodium -lev -lseccomp -lunistring -lidn2 -lpthread
       ./store_bench DIR GROUP SECONDS [BYTES] [ACCOUNTS] */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "store/inside.h"

static struct engine *engine;
static unsigned long finished, failed;
static struct slot {
    struct op op;
    struct op_delivery d;
    struct op_rcpt r;
    char prefix[96], trace[400], from[64];
    bool busy;
} * slots;

static double now(clockid_t c)
{
    struct timespec t;
    clock_gettime(c, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void on_done(struct op *op)
{
    struct slot *s = op->owner;
    s->busy = false;
    finished++;
    failed += op->outcome != DONE;
}

static void send_one(struct slot *s, unsigned long n, unsigned accounts, char *body, size_t size)
{
    struct why why;
    memcpy(body + 64, &n, sizeof n);
    int p = snprintf(s->prefix, sizeof s->prefix,
                     "Return-Path: <sender%lu@bench.example>\r\nDelivered-To: user%lu@bench.example\r\n", n % 997, n % accounts);
    int t =
        snprintf(s->trace, sizeof s->trace,
                 "Received: from client.bench.example (client.bench.example [192.0.2.%lu])\r\n by mail.bench.example with ESMTPS "
                 "(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n id %lu for <user%lu@bench.example>; Tue, 24 Nov 2026 19:00:00 +0000\r\n",
                 n % 250, n, n % accounts);
    int f = snprintf(s->from, sizeof s->from, "sender%lu@bench.example", n % 997);
    s->r = (struct op_rcpt){.address = S("user@bench.example")};
    s->d = (struct op_delivery){
        .account = 1 + (n * 2654435761u) % accounts, .folder = S("INBOX"), .prefix = str_of(s->prefix, (size_t)p)};
    s->op = (struct op){.kind = OP_ACCEPT,
                        .done = on_done,
                        .owner = s,
                        .accept = {.id = engine_lease_ids(engine, 1),
                                   .received_ms = clock_unix_ms(),
                                   .from = str_of(s->from, (size_t)f),
                                   .client = S("192.0.2.1"),
                                   .helo = S("client.bench.example"),
                                   .tls = S("TLSv1.3 TLS_AES_256_GCM_SHA384"),
                                   .kind = S("smtp"),
                                   .trace = str_of(s->trace, (size_t)t),
                                   .rcpts = &s->r,
                                   .rcpt_count = 1,
                                   .deliveries = &s->d,
                                   .delivery_count = 1}};
    struct body_writer *w = engine_body_begin(engine);
    engine_body_add(engine, w, str_of(body, size), &why);
    s->op.accept.body = engine_body_end(engine, w);
    s->busy = true;
    engine_submit(engine, &s->op);
}

static void make_accounts(unsigned n)
{
    struct engine_account a;
    for (unsigned i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "user%u@bench.example", i);
        if (engine_account_by_name(engine, str_c(name), &a))
            continue;
        struct slot s = {.op = {.kind = OP_ACCOUNT_ADD, .account_add = {.name = str_c(name)}, .done = on_done}, .busy = true};
        s.op.owner = &s;
        engine_submit(engine, &s.op);
        while (s.busy)
            engine_turn(engine);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fprintf(stderr, "store_bench DIR GROUP SECONDS [BYTES] [ACCOUNTS]\n"), 2;
    unsigned group = (unsigned)atoi(argv[2]), accounts = argc > 5 ? (unsigned)atoi(argv[5]) : 1000;
    double seconds = atof(argv[3]);
    size_t size = argc > 4 ? (size_t)atol(argv[4]) : 4096;
    struct why why;
    engine = engine_open(argv[1], -1, &(struct engine_options){.threads = true}, &why);
    if (!engine)
        return fprintf(stderr, "%s\n", why.text), 1;
    make_accounts(accounts);
    char *body = malloc(size + 128);
    memset(body, 'x', size);
    memcpy(body, "From: a@bench.example\r\nMessage-ID: <", 36);
    memcpy(body + 80, "@bench>\r\nSubject: a quick look at things\r\n\r\n", 44);
    slots = calloc(group, sizeof *slots);
    struct engine_stat before, after;
    engine_stat(engine, &before);
    unsigned long sent = 0;
    finished = failed = 0;
    double start = now(CLOCK_MONOTONIC), owner = now(CLOCK_THREAD_CPUTIME_ID), all = now(CLOCK_PROCESS_CPUTIME_ID);
    while (now(CLOCK_MONOTONIC) - start < seconds) {
        for (unsigned i = 0; i < group; i++)
            if (!slots[i].busy)
                send_one(&slots[i], sent++, accounts, body, size);
        engine_turn(engine);
        struct pollfd p = {engine_fd(engine), POLLIN, 0};
        if (sent > finished) /* some are under way */
            poll(&p, 1, 100);
    }
    double took = now(CLOCK_MONOTONIC) - start, owner_cpu = now(CLOCK_THREAD_CPUTIME_ID) - owner;
    unsigned long n = finished;
    struct engine_stat mid;
    engine_stat(engine, &mid);
    double caught_up = now(CLOCK_MONOTONIC) - start, all_cpu = now(CLOCK_PROCESS_CPUTIME_ID) - all;
    after = mid;
    printf("group %3u: %8.0f msg/s, %5.1f a commit, fdatasync %4.0f us; CPU a message: owner %4.1f us, all %4.1f us; index "
           "caught up after %.2f s; failed %lu\n",
           group, (double)n / took, (double)n / (double)(after.commits - before.commits),
           (double)(after.fdatasync_us_total - before.fdatasync_us_total) / (double)(after.fdatasyncs - before.fdatasyncs),
           owner_cpu * 1e6 / (double)n, all_cpu * 1e6 / (double)n, caught_up - took, failed);
    while (engine_turn(engine), finished < sent)
        usleep(1000);
    engine_close(engine);
    return 0;
}
