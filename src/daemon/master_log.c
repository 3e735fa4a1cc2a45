// SPDX-License-Identifier: ISC
/* Lines of all roles to standard error. A reader that does not read must not hold the server up: so many bytes wait, then lines
   are dropped and counted. */
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/master.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4096 /* PIPE_BUF: what poll promises that a pipe takes at once */ };

/* True: all has left. */
static bool drain(struct log_queue *q)
{
    while (q->waiting.n > 0) {
        struct pollfd p = {.fd = 2, .events = POLLOUT};
        struct str rest = buf_str(&q->waiting);
        if (!q->direct && (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT)))
            return false;
        ssize_t n = write(2, rest.p, q->direct || rest.n < PIECE ? rest.n : PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        buf_consume(&q->waiting, n <= 0 ? rest.n : (size_t)n); /* the reader is gone: nobody misses it */
    }
    return true;
}

static void say_dropped(struct log_queue *q)
{
    if (q->dropped == 0 || q->waiting.n > 0)
        return;
    buf_printf(&q->waiting, "level=warn event=log.dropped lines=%llu\n", (unsigned long long)q->dropped);
    q->dropped = 0;
}

static void on_writable(void *self, uint32_t ready)
{
    struct log_queue *q = self;

    (void)ready;
    if (!drain(q))
        return;
    say_dropped(q);
    if (drain(q))
        loop_io_interest(&q->io, 0);
}

bool log_start(struct log_queue *q, struct loop *loop)
{
    struct stat st;

    *q = (struct log_queue){.loop = loop};
    buf_init(&q->waiting, LOG_QUEUE_MAX);
    loop_io_init(&q->io, loop, on_writable, q);
    q->direct = fstat(2, &st) != 0 || S_ISREG(st.st_mode); /* a file does not block, and cannot be watched */
    q->watching = !q->direct && loop_io_start(&q->io, 2, LOOP_WRITE);
    if (q->watching)
        loop_io_interest(&q->io, 0); /* only while lines wait */
    return true;
}

bool log_add(void *queue, struct str line)
{
    struct log_queue *q = queue;

    if (line.n > buf_room(&q->waiting)) {
        q->dropped++;
        return false;
    }
    buf_add(&q->waiting, line);
    if (!drain(q) && q->watching)
        loop_io_interest(&q->io, LOOP_WRITE);
    return true;
}

void log_flush(struct log_queue *q, int64_t within_ms)
{
    int64_t until = clock_mono_ms() + within_ms;

    while (!drain(q) && clock_mono_ms() < until) {
        struct pollfd p = {.fd = 2, .events = POLLOUT};
        poll(&p, 1, 50);
    }
}

void log_stop(struct log_queue *q)
{
    if (q->watching)
        loop_io_stop(&q->io);
    buf_free(&q->waiting);
}
