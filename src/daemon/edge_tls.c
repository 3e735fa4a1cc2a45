// SPDX-License-Identifier: ISC
/* TLS hand-shakes run on a few threads, because each waits for keys to sign. A thread owns the conn's TLS object and two buffers
   while it works; the loop reads on into other buffers meanwhile.

     start ──octets──► busy (a thread) ──MORE──► idle ──octets──► busy … ──OK──► conn_shaken │ ──FAILED──► alert, conn_end */
#include "base/check.h"
#include "base/facts.h"
#include "daemon/edge.h"
#include "os/link.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct handshake {
    struct job job;
    struct conn *c;
    struct tls *tls;
    struct buf in, out;
    enum tls_result result;
    struct why why;
    bool busy;
};

bool handshake_busy(const struct conn *c)
{
    return c->handshake && c->handshake->busy;
}

void handshake_forget(struct conn *c)
{
    struct handshake *h = c->handshake;

    if (!h)
        return;
    check(!h->busy);
    buf_free(&h->in);
    buf_free(&h->out);
    free(h);
    c->handshake = NULL;
}

static void run(struct job *j)
{
    struct handshake *h = (struct handshake *)(void *)j;

    h->result = tls_handshake(h->tls, &h->in, &h->out, &h->why);
}

/* What waits for the peer leaves. False: the conn has ended. */
static bool flush_wire(struct conn *c)
{
    enum net_result r = c->wire_out.n > 0 ? net_write(c->fd, &c->wire_out) : NET_OK;

    if (r != NET_OK && r != NET_AGAIN) {
        conn_end(c, "connection lost");
        return false;
    }
    loop_io_interest(&c->io, (c->in_end || c->wire_in.n >= CONN_WIRE_MAX / 2 ? 0U : (uint32_t)LOOP_READ) |
                                 (c->wire_out.n > 0 ? (uint32_t)LOOP_WRITE : 0U));
    return true;
}

static void move(struct buf *from, struct buf *to)
{
    buf_add(to, buf_str(from));
    buf_clear(from);
    buf_shrink(from, 0);
}

static void done(struct job *j);

static void submit(struct conn *c)
{
    struct handshake *h = c->handshake;

    if (h->busy || (c->wire_in.n == 0 && c->wire_out.n > 0))
        return;
    move(&c->wire_in, &h->in);
    h->busy = true;
    if (!pool_submit(c->edge->pool, &h->job)) {
        h->busy = false;
        conn_end(c, "too many hand-shakes");
    }
}

static void failed(struct conn *c, const char *what)
{
    struct handshake *h = c->handshake;

    fact(FACT_INFO, "session.tls-failed", fact_c("sid", c->sid), fact_c("why", h && h->why.text[0] ? h->why.text : what));
    fact_count("edge.tls-failed", 1);
    conn_end(c, "tls failed");
}

static void done(struct job *j)
{
    struct handshake *h = (struct handshake *)(void *)j;
    struct conn *c = h->c;

    h->busy = false;
    if (c->closing) {
        conn_doom(c);
        return;
    }
    move(&h->out, &c->wire_out);
    if (h->in.n > 0) { /* what the thread did not take stands before what came meanwhile */
        move(&c->wire_in, &h->in);
        move(&h->in, &c->wire_in);
    }
    if (!flush_wire(c))
        return;
    switch (h->result) {
    case TLS_OK:
        handshake_forget(c);
        conn_shaken(c);
        return;
    case TLS_MORE:
        if (c->wire_in.n > 0 && !c->in_end)
            submit(c);
        else if (c->in_end)
            failed(c, "the peer went away");
        return;
    case TLS_CLOSED:
        failed(c, "the peer went away");
        return;
    case TLS_FAILED:
        failed(c, "hand-shake failed");
        return;
    }
}

void handshake_start(struct conn *c)
{
    struct handshake *h = calloc(1, sizeof *h);

    if (h && c->settings->tls)
        c->tls = tls_server_new(c->settings->tls);
    c->handshake = h;
    if (!h || !c->tls) {
        conn_end(c, "no memory");
        return;
    }
    *h = (struct handshake){.job = {.run = run, .done = done}, .c = c, .tls = c->tls};
    buf_init(&h->in, 2 * CONN_WIRE_MAX);
    buf_init(&h->out, CONN_WIRE_MAX);
    c->handshaking = true;
    loop_timer_in(&c->timer, HANDSHAKE_MS);
    loop_io_interest(&c->io, LOOP_READ);
}

void handshake_ready(struct conn *c, uint32_t ready)
{
    if (ready & LOOP_READ && !c->in_end)
        switch (net_read(c->fd, &c->wire_in, 16 * 1024)) {
        case NET_OK:
            submit(c);
            break;
        case NET_AGAIN:
        case NET_FULL:
            break;
        case NET_END:
            c->in_end = true;
            if (!handshake_busy(c))
                failed(c, "the peer went away");
            break;
        case NET_ERROR:
            conn_end(c, "connection reset");
            break;
        }
    if (!c->closing)
        flush_wire(c);
}

/* ---- channels to keys ---- */

bool signers_init(struct signers *s)
{
    pthread_condattr_t attr;

    *s = (struct signers){.idle = 0};
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bool ok = pthread_mutex_init(&s->lock, NULL) == 0 && pthread_cond_init(&s->back, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

/* Channels of a keys process that is gone are closed when they are found. */
void signers_add(struct signers *s, int fd, uint32_t incarnation)
{
    pthread_mutex_lock(&s->lock);
    if (incarnation != s->incarnation) {
        while (s->idle > 0)
            net_close(s->fds[--s->idle]);
        s->incarnation = incarnation;
        s->total = 0;
    }
    if (s->idle < SIGNERS_MAX) {
        s->fds[s->idle] = fd;
        s->incarnations[s->idle++] = incarnation;
        s->total++;
        pthread_cond_signal(&s->back);
    } else {
        net_close(fd);
    }
    pthread_mutex_unlock(&s->lock);
}

bool signers_wants_more(struct signers *s)
{
    pthread_mutex_lock(&s->lock);
    bool wants = s->total < HANDSHAKE_THREADS;
    pthread_mutex_unlock(&s->lock);
    return wants;
}

static void broken_channel(struct signers *s, int fd, uint32_t incarnation)
{
    pthread_mutex_lock(&s->lock);
    s->total -= incarnation == s->incarnation && s->total > 0;
    pthread_mutex_unlock(&s->lock);
    net_close(fd);
}

void signers_clear(struct signers *s)
{
    while (s->idle > 0)
        net_close(s->fds[--s->idle]);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->back);
}

static int take_channel(struct signers *s, uint32_t *incarnation)
{
    struct timespec until;
    int fd = -1;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SIGN_MS / 1000;
    pthread_mutex_lock(&s->lock);
    while (s->idle == 0 && pthread_cond_timedwait(&s->back, &s->lock, &until) != ETIMEDOUT)
        ;
    if (s->idle > 0) {
        fd = s->fds[--s->idle];
        *incarnation = s->incarnations[s->idle];
    }
    pthread_mutex_unlock(&s->lock);
    return fd;
}

static void give_channel(struct signers *s, int fd, uint32_t incarnation)
{
    pthread_mutex_lock(&s->lock);
    if (incarnation == s->incarnation && s->idle < SIGNERS_MAX) {
        s->fds[s->idle] = fd;
        s->incarnations[s->idle++] = incarnation;
        pthread_cond_signal(&s->back);
        fd = -1;
    }
    pthread_mutex_unlock(&s->lock);
    net_close(fd);
}

static bool ask(int fd, const struct message *question, struct buf *signature)
{
    struct buf text, answer;
    struct message m;
    uint16_t type = 0;
    uint64_t id;
    bool ok = false;

    buf_init(&text, 8192);
    buf_init(&answer, 8192);
    message_write(&text, question);
    struct str parts[1] = {buf_str(&text)};
    if (!text.full && link_ask(fd, MSG_sign, 0, parts, 1, &type, &id, &answer, SIGN_MS) && type == MSG_signature &&
        message_read(type, buf_str(&answer), &m)) {
        ok = true;
        if (m.signature.ok)
            buf_add(signature, m.signature.signature);
    }
    buf_free(&text);
    buf_free(&answer);
    return ok;
}

bool signers_sign(void *signers, uint32_t key, const char *alg, const char *digest, struct str tbs, struct buf *signature)
{
    struct signers *s = signers;
    struct message question = MSG(sign, .query = 0, .key = key, .alg = str_c(alg), .digest = str_c(digest), .tbs = tbs);
    size_t before = signature->n;

    for (int tries = 0; tries < 2; tries++) { /* the first channel may be that of a keys process that died */
        uint32_t incarnation = 0;
        int fd = take_channel(s, &incarnation);
        if (fd < 0)
            return false;
        if (ask(fd, &question, signature)) {
            give_channel(s, fd, incarnation);
            return signature->n > before;
        }
        broken_channel(s, fd, incarnation);
    }
    return false;
}
