// SPDX-License-Identifier: ISC
#include <stdlib.h>
#include "control/client.h"
#include "base/clock.h"
#include "control/inside.h"
#include "os/net.h"

enum { ANSWER_TIMEOUT_MS = 3600 * 1000 }; /* a backup of a large store is one answer */

struct control_client {
    int fd; /* -1: direct */
    struct control_session *session;
    struct control_context *context;
    struct buf in, out;
};

bool control_socket_path(struct buf *to, struct str run_dir, struct str dir)
{
    buf_add(to, run_dir.n ? run_dir : dir);
    if (!run_dir.n)
        buf_add(to, S("/" CONTROL_RUN_DIR));
    buf_add(to, S("/" CONTROL_SOCKET));
    return !to->full;
}

static struct control_client *client_new(void)
{
    struct control_client *cl = calloc(1, sizeof *cl);
    if (!cl)
        return NULL;
    cl->fd = -1;
    buf_init(&cl->in, CONTROL_FRAME_MAX * 2);
    buf_init(&cl->out, CONTROL_FRAME_MAX * 2);
    return cl;
}

struct control_client *control_client_connect(const char *path, struct why *why)
{
    struct control_client *cl = client_new();
    if (!cl) {
        (void)str_to_c(S("no memory"), why->text, sizeof why->text);
        return NULL;
    }
    cl->fd = net_connect_unix(path, why);
    if (cl->fd < 0) {
        control_client_free(cl);
        return NULL;
    }
    return cl;
}

static void direct_verifier(void *self, struct control_session *s, struct str password)
{
    struct login_verifier v;
    struct why why = {"", ""};
    (void)self;
    memset(&v, 0, sizeof v);
    enum outcome o = login_verifier_make(password, &v, &why);
    control_session_answer(s, o, &why, o == DONE ? str_of(&v, sizeof v) : STR_NONE);
    control_wipe(&v, sizeof v);
}

static uint64_t direct_id(void *self)
{
    struct control_client *cl = self;
    return engine_lease_ids(cl->context->engine, 1);
}

static void direct_wake(void *self, struct control_session *s)
{
    (void)self, (void)s;
}

struct control_client *control_client_direct(struct control_context *c)
{
    struct control_client *cl = client_new();
    if (!cl)
        return NULL;
    cl->context = c;
    c->direct = true;
    c->hooks.self = cl;
    c->hooks.verifier = direct_verifier;
    c->hooks.next_id = direct_id;
    c->hooks.wake = direct_wake;
    cl->session = control_session_new(c, 0);
    if (!cl->session) {
        control_client_free(cl);
        return NULL;
    }
    return cl;
}

void control_client_free(struct control_client *cl)
{
    if (!cl)
        return;
    net_close(cl->fd);
    if (cl->session)
        control_session_free(cl->session);
    control_wipe(cl->out.p, cl->out.p ? cl->out.cap : 0);
    buf_free(&cl->in);
    buf_free(&cl->out);
    free(cl);
}

static bool broken(struct control_end *end, const char *text)
{
    *end = (struct control_end){.code = EXIT_NOT_RUNNING};
    (void)str_to_c(str_c(text), end->text, sizeof end->text);
    (void)str_to_c(S("penny status says whether it runs"), end->hint, sizeof end->hint);
    return false;
}

/* Moves bytes: out to the session or socket, theirs to in. Blocks until something moved, unless there is more to hand in (busy).
 * False: the other end is gone. */
static bool exchange(struct control_client *cl, bool busy)
{
    if (cl->fd < 0) {
        struct buf *to = control_session_in(cl->session), *from = control_session_out(cl->session);
        size_t n = cl->out.n < buf_room(to) ? cl->out.n : buf_room(to);
        buf_add(to, str_head(buf_str(&cl->out), n));
        buf_consume(&cl->out, n);
        enum control_next next = control_session_run(cl->session);
        if (next == CONTROL_WANTS_ANSWER)
            engine_turn(cl->context->engine);
        if (next == CONTROL_WANTS_CLOSE && from->n == 0)
            return false;
        n = from->n < buf_room(&cl->in) ? from->n : buf_room(&cl->in);
        buf_add(&cl->in, str_head(buf_str(from), n));
        buf_consume(from, n);
        return true;
    }
    if (cl->out.n && net_write(cl->fd, &cl->out) == NET_ERROR)
        return false;
    enum net_result r = net_read(cl->fd, &cl->in, CONTROL_FRAME_MAX);
    if (r == NET_AGAIN)
        return (busy && cl->out.n == 0) || net_wait(cl->fd, true, cl->out.n > 0, ANSWER_TIMEOUT_MS);
    return r == NET_OK || r == NET_FULL;
}

/* Hands everything that came to replies. True: DONE was among it. */
static bool deliver(struct control_client *cl, const struct control_replies *to, struct control_end *end, bool *bad)
{
    enum control_frame kind;
    struct str payload;
    uint32_t permille;
    for (;;) {
        enum control_take t = control_frame_take(&cl->in, &kind, &payload);
        if (t == CONTROL_TAKE_MORE)
            return false;
        if (t == CONTROL_TAKE_BROKEN || (kind == CONTROL_FRAME_DONE && payload.n != sizeof *end)) {
            *bad = true;
            return false;
        }
        if (kind == CONTROL_FRAME_DONE) {
            memcpy(end, payload.p, sizeof *end);
            end->text[sizeof end->text - 1] = end->hint[sizeof end->hint - 1] = 0;
            return true;
        }
        if (kind == CONTROL_FRAME_LINE && to->line)
            to->line(to->self, str_trim(payload));
        if (kind == CONTROL_FRAME_BYTES && to->bytes)
            to->bytes(to->self, payload);
        if (kind == CONTROL_FRAME_PROGRESS && to->progress && payload.n == sizeof permille) {
            memcpy(&permille, payload.p, sizeof permille);
            to->progress(to->self, permille);
        }
    }
}

/* Puts the next piece of the message into out. False: it cannot be read. */
static bool feed(struct control_client *cl, int (*body)(void *self, struct buf *to), void *self, bool *more)
{
    struct buf piece;
    if (buf_room(&cl->out) < PIECE_MAX + 16)
        return true;
    buf_init(&piece, PIECE_MAX);
    int n = body(self, &piece);
    if (n >= 0 && piece.n)
        control_frame_add(&cl->out, CONTROL_FRAME_DATA, buf_str(&piece));
    if (n == 0) {
        control_frame_add(&cl->out, CONTROL_FRAME_END, STR_NONE);
        *more = false;
    }
    buf_free(&piece);
    return n >= 0;
}

bool control_client_wait_end(struct control_client *cl, int64_t timeout_ms)
{
    int64_t until = clock_mono_ms() + timeout_ms;
    for (;;) {
        buf_clear(&cl->in);
        enum net_result r = net_read(cl->fd, &cl->in, CONTROL_FRAME_MAX);
        if (r == NET_END || r == NET_ERROR)
            return true;
        int64_t left = until - clock_mono_ms();
        if (left <= 0 || (r == NET_AGAIN && !net_wait(cl->fd, true, false, left)))
            return false;
    }
}

bool control_client_ask(struct control_client *cl, const struct control_request *r, int (*body)(void *self, struct buf *to),
                        void *body_self, const struct control_replies *replies, struct control_end *end)
{
    bool more = body != NULL, bad = false;
    control_frame_request(&cl->out, r);
    if (cl->out.full)
        return broken(end, "the request is too large");
    for (;;) {
        if (more && !feed(cl, body, body_self, &more))
            return broken(end, "the message cannot be read");
        if (!exchange(cl, more))
            return broken(end, "the server ended the connection");
        if (deliver(cl, replies, end, &bad))
            break;
        if (bad)
            return broken(end, "the server's answer cannot be read");
    }
    while (more &&
           feed(cl, body, body_self, &more)) /* refused before all of it was taken: the rest is thrown away at the other end */
        if (!exchange(cl, more))
            return true;
    return true;
}
