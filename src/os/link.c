/* SPDX-License-Identifier: ISC */
/* Links on a loop. A link has a queue out and a queue in; in a local pair the other end's queue in is our queue out.

   alive ──the other end closed, or broke the rules──► dying ──end of turn──► on_close ──► dead ──link_free──► gone
     └──a write failed──► mute (reads what is still there) ──end of input──► dying                                        */
#include "os/link.h"
#include <errno.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/facts.h"
#include "base/fail.h"
#include "os/link_wire.h"
#include "os/net.h"

enum {
    READ_PIECE = 64 * 1024,
    READS_PER_TURN = 8, /* then the other descriptors have their turn */
};

struct link {
    struct loop *loop;
    const char *name;
    struct link_handler handler;
    void *self;
    int fd;                    /* -1: one end of a local pair */
    struct link *peer;         /* the other end of a local pair; NULL: gone */
    struct loop_io io;
    struct loop_defer flush;   /* sends what was queued in this turn */
    struct loop_defer input;   /* delivers what has come already */
    struct loop_defer news;    /* calls on_room or on_close */
    struct buf in;   /* what came; at most one frame that is not whole, or all that the other end of a pair has queued */
    struct buf work; /* local pair: what is being delivered, apart from in, to which the other end may append meanwhile */
    struct buf out;            /* sockets only */
    struct wire_fds fds_in, fds_out;
    size_t out_max;
    size_t room_at;            /* on_room comes when no more than half of this waits */
    uint64_t out_position;     /* bytes that have left, ever: where in the stream a descriptor belongs */
    const char *why;           /* not NULL: dying or dead */
    bool told, mute, paused, wants_room;
    bool *freed;               /* set when the link goes away under a function that still works on it */
};

static void die(struct link *l, const char *why)
{
    if (l->why)
        return;
    l->why = why;
    loop_io_stop(&l->io);
    loop_defer_stop(&l->flush);
    loop_defer_stop(&l->input);
    loop_defer_start(&l->news);
}

static void break_off(struct link *l, const char *why)
{
    die(l, why);
    fact(FACT_WARN, "os.link", fact_c("link", l->name), fact_c("why", why));
}

/* ---- out ---- */

static bool can_send(const struct link *l)
{
    return !l->why && !l->mute && (l->fd >= 0 || (l->peer && !l->peer->why));
}

static size_t queued(const struct link *l)
{
    return l->fd >= 0 ? l->out.n : l->peer ? l->peer->in.n + l->peer->work.n : 0;
}

size_t link_room(struct link *l)
{
    if (!can_send(l))
        return 0;
    size_t used = queued(l) + LINK_HEADER;
    size_t room = used < l->out_max ? l->out_max - used : 0;
    room = room < FRAME_MAX ? room : FRAME_MAX;
    l->wants_room = l->wants_room || room < FRAME_MAX;
    return room;
}

size_t link_queued(struct link *l)
{
    if (!can_send(l))
        return 0;
    l->wants_room = l->wants_room || queued(l) >= l->room_at;
    return queued(l);
}

void link_room_at(struct link *l, size_t bytes)
{
    l->room_at = bytes;
}

static bool fits(const struct link *l, size_t n)
{
    return n <= FRAME_MAX && can_send(l) && queued(l) + LINK_HEADER + n <= l->out_max;
}

static void tell_room(struct link *l)
{
    if (l->wants_room && can_send(l) && queued(l) <= l->room_at / 2)
        loop_defer_start(&l->news);
}

static void update_interest(struct link *l)
{
    if (l->io.started)
        loop_io_interest(&l->io, (l->paused ? 0U : (uint32_t)LOOP_READ) | (l->out.n > 0 ? (uint32_t)LOOP_WRITE : 0U));
}

static void flush_out(struct link *l)
{
    while (l->out.n > 0) {
        ssize_t n = wire_send(l->fd, buf_str(&l->out), l->out_position, &l->fds_out);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) { /* the end of input will say so, behind what the other end still sent */
            l->mute = true;
            wire_fds_close(&l->fds_out);
            buf_clear(&l->out);
            break;
        }
        l->out_position += (uint64_t)n;
        buf_consume(&l->out, (size_t)n);
    }
    buf_shrink(&l->out, 0);
    update_interest(l);
    tell_room(l);
}

static void run_flush(void *self)
{
    flush_out(self);
}

void link_flush(struct link *l)
{
    if (l->fd >= 0 && !l->why)
        flush_out(l);
}

bool link_send_parts(struct link *l, uint16_t type, uint64_t id, const struct str *parts, size_t count, int fd)
{
    size_t n = 0;
    check(count <= LINK_PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        n += parts[i].n;
    l->wants_room = l->wants_room || !fits(l, n);
    if (!fits(l, n))
        return false;
    struct buf *out = l->fd >= 0 ? &l->out : &l->peer->in;
    struct wire_fds *fds = l->fd >= 0 ? &l->fds_out : &l->peer->fds_in;
    if ((fd >= 0 && fds->n == LINK_FDS_MAX) || !buf_reserve(out, LINK_HEADER + n)) {
        out->full = false; /* memory ended: nothing was appended, and what waits is whole */
        l->wants_room = true;
        loop_defer_start(&l->news); /* nothing may be queued that would bring on_room about later */
        return false;
    }
    struct wire_header h = {.length = (uint32_t)n, .type = type, .flags = fd >= 0 ? WIRE_HAS_FD : 0, .id = id};
    if (fd >= 0)
        wire_fds_add(fds, fd, l->out_position + out->n);
    buf_add(out, str_of(&h, sizeof h));
    for (size_t i = 0; i < count; i++)
        buf_add(out, parts[i]);
    loop_defer_start(l->fd >= 0 ? &l->flush : &l->peer->input);
    return true;
}

bool link_send(struct link *l, uint16_t type, uint64_t id, struct str payload)
{
    return link_send_parts(l, type, id, &payload, 1, -1);
}

/* ---- in ---- */

/* Calls on_frame for every whole frame in from. False: the link is gone from memory. */
static bool deliver(struct link *l, struct buf *from)
{
    bool freed = false;
    l->freed = &freed;
    while (!l->paused && !l->why) {
        struct frame f;
        size_t size;
        const char *broken = wire_take(buf_str(from), &l->fds_in, &f, &size);
        if (broken)
            break_off(l, broken);
        if (broken || size == 0)
            break;
        l->handler.on_frame(l->self, l, &f);
        if (f.fd >= 0)
            net_close(f.fd);
        if (freed)
            return false;
        buf_consume(from, size);
    }
    l->freed = NULL;
    return true;
}

static void deliver_local(struct link *l)
{
    if (l->work.n == 0) {
        struct buf swap = l->work;
        l->work = l->in;
        l->in = swap;
    }
    if (!deliver(l, &l->work))
        return;
    buf_shrink(&l->work, 0);
    if (l->peer)
        tell_room(l->peer);
    if (!l->paused && l->in.n > 0)
        loop_defer_start(&l->input);
    else if (!l->paused && !l->peer)
        die(l, "closed");
}

static void run_input(void *self)
{
    struct link *l = self;
    if (l->why || l->paused)
        return;
    if (l->fd < 0)
        deliver_local(l);
    else if (deliver(l, &l->in))
        buf_shrink(&l->in, 0);
}

static void read_some(struct link *l)
{
    for (int i = 0; i < READS_PER_TURN && !l->paused && !l->why; i++) {
        char *to = buf_reserve(&l->in, READ_PIECE);
        if (!to) { /* no memory now: what was sent stays with the sender; the loop comes back */
            l->in.full = false;
            return;
        }
        ssize_t n = wire_receive(l->fd, to, READ_PIECE, &l->fds_in);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno == EPROTO) {
            break_off(l, "too many descriptors");
        } else if (n <= 0) {
            die(l, l->in.n > 0 ? "closed in the middle of a frame" : "closed");
        } else {
            buf_wrote(&l->in, (size_t)n);
            if (!deliver(l, &l->in))
                return;
            if (n < READ_PIECE)
                break;
        }
    }
    buf_shrink(&l->in, 0); /* when it is empty: a quiet link keeps nothing */
}

static void socket_ready(void *self, uint32_t ready)
{
    struct link *l = self;
    if (ready & LOOP_WRITE)
        flush_out(l);
    if (ready & LOOP_READ)
        read_some(l);
}

void link_pause(struct link *l, bool paused)
{
    if (l->paused == paused)
        return;
    l->paused = paused;
    update_interest(l);
    if (!paused && !l->why && (l->in.n > 0 || l->work.n > 0 || (l->fd < 0 && !l->peer)))
        loop_defer_start(&l->input);
}

static void run_news(void *self)
{
    struct link *l = self;
    if (l->why) {
        if (!l->told) {
            l->told = true;
            l->handler.on_close(l->self, l, l->why);
        }
        return;
    }
    if (l->wants_room && can_send(l) && queued(l) <= l->room_at / 2) {
        l->wants_room = false;
        if (l->handler.on_room)
            l->handler.on_room(l->self, l);
    }
}

/* ---- life ---- */

static struct link *make(struct loop *loop, const char *name, const struct link_handler *handler, void *self, size_t out_max)
{
    struct link *l = fail_calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->loop = loop;
    l->name = name;
    l->handler = *handler;
    l->self = self;
    l->fd = -1;
    l->out_max = out_max ? out_max : LINK_OUT_MAX;
    l->room_at = l->out_max;
    loop_io_init(&l->io, loop, socket_ready, l);
    loop_defer_init(&l->flush, loop, run_flush, l);
    loop_defer_init(&l->input, loop, run_input, l);
    loop_defer_init(&l->news, loop, run_news, l);
    buf_init(&l->out, l->out_max);
    buf_init(&l->in, LINK_HEADER + FRAME_MAX + READ_PIECE);
    return l;
}

struct link *link_new(struct loop *loop, int fd, const char *name, const struct link_handler *handler, void *self, size_t out_max)
{
    struct link *l = make(loop, name, handler, self, out_max);
    if (!l)
        return NULL;
    net_blocking(fd, false);
    if (!loop_io_start(&l->io, fd, LOOP_READ)) {
        free(l);
        return NULL;
    }
    l->fd = fd;
    return l;
}

bool link_new_pair(struct loop *loop, const char *name_a, const struct link_handler *a, void *self_a, const char *name_b,
                   const struct link_handler *b, void *self_b, size_t out_max, struct link *ends[2])
{
    ends[0] = make(loop, name_a, a, self_a, out_max);
    ends[1] = make(loop, name_b, b, self_b, out_max);
    if (!ends[0] || !ends[1]) {
        free(ends[0]);
        free(ends[1]);
        ends[0] = ends[1] = NULL;
        return false;
    }
    for (int i = 0; i < 2; i++) {
        ends[i]->peer = ends[1 - i];
        buf_init(&ends[i]->in, ends[i]->out_max);
        buf_init(&ends[i]->work, ends[i]->out_max);
    }
    return true;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    link_flush(l);
    if (l->freed)
        *l->freed = true;
    if (l->peer) {
        l->peer->peer = NULL;
        if (!l->peer->why)
            loop_defer_start(&l->peer->input); /* delivers what we said last, then closes */
    }
    loop_io_stop(&l->io);
    loop_defer_stop(&l->flush);
    loop_defer_stop(&l->input);
    loop_defer_stop(&l->news);
    wire_fds_close(&l->fds_in);
    wire_fds_close(&l->fds_out);
    net_close(l->fd);
    buf_free(&l->in);
    buf_free(&l->work);
    buf_free(&l->out);
    free(l);
}

bool link_is_dead(const struct link *l)
{
    return l->why != NULL || l->mute;
}

const char *link_name(const struct link *l)
{
    return l->name;
}
