// SPDX-License-Identifier: ISC
/* The converted view of a binary message. See store_maildrop.h. */
#include "base/limits.h"
#include "daemon/store_maildrop.h"

enum { VIEW_MEM = 64 * 1024 + 32 * MIME_PARTS_MAX, INBOX = 1, OUT_MAX = 8 * 1024, OUT_NEEDS = 2 * 1024 };

void maildrop_view_clear(struct maildrop_view *v)
{
    arena_clear(&v->arena);
    buf_free(&v->piece);
    buf_free(&v->out);
    *v = (struct maildrop_view){0};
}

static bool start(struct maildrop_view *v, uint32_t uid, struct why *why)
{
    maildrop_view_clear(v);
    arena_init(&v->arena, VIEW_MEM);
    buf_init(&v->piece, BODY_PIECE_MAX);
    buf_init(&v->out, OUT_MAX);
    v->uid = uid;
    v->convert = convert_begin(&v->arena, CONVERT_8BIT);
    if (!v->convert)
        *why = store_why("4.3.0", "no memory to convert a binary message");
    return v->convert != NULL;
}

/* The next octets of the stored message into v->in. False: why, or ended is set. */
static bool refill(struct maildrop_view *v, struct engine *e, account_id account, bool *failed, struct why *why)
{
    bool more = false;

    if (v->ended)
        return false;
    buf_clear(&v->piece);
    if (engine_read(e, account, INBOX, v->uid, v->source_at, &v->piece, &more, why) != DONE) {
        *failed = true;
        return false;
    }
    v->source_at += v->piece.n;
    v->in = buf_str(&v->piece);
    v->ended = !more;
    return true;
}

static enum view_result look(struct maildrop_view *v, struct engine *e, account_id account, struct why *why)
{
    bool failed = false;

    for (uint64_t done = 0; !v->ended && done < STORE_SLICE; done += v->in.n) {
        if (!refill(v, e, account, &failed, why))
            return VIEW_FAILED;
        convert_look(v->convert, v->in);
    }
    if (!v->ended)
        return VIEW_LATER;
    v->looked = true;
    v->changes = convert_looked(v->convert);
    v->ended = false;
    v->source_at = 0;
    v->in = STR_NONE;
    return VIEW_DONE;
}

/* Fills out from the source. VIEW_DONE: out holds something, or all has been given (*end). */
static enum view_result pump(struct maildrop_view *v, struct engine *e, account_id account, bool *end, uint64_t *budget,
                             struct why *why)
{
    bool failed = false;

    *end = v->finished;
    while (v->out.n == 0 && !v->finished) {
        if (*budget == 0)
            return VIEW_LATER;
        if (v->in.n == 0 && !v->ended && !refill(v, e, account, &failed, why))
            return VIEW_FAILED;
        size_t before = v->in.n;
        if (v->in.n)
            convert_feed(v->convert, &v->in, &v->out);
        uint64_t fed = before - v->in.n;
        *budget -= fed < *budget ? fed : *budget;
        if (v->in.n == 0 && v->ended && buf_room(&v->out) >= OUT_NEEDS && convert_end(v->convert, &v->out)) {
            v->finished = true;
            *end = true;
        }
    }
    return VIEW_DONE;
}

static void again(struct maildrop_view *v)
{
    convert_rewind(v->convert);
    buf_clear(&v->out);
    v->in = STR_NONE;
    v->ended = v->finished = false;
    v->source_at = v->out_at = 0;
}

enum view_result maildrop_view_measure(struct maildrop_view *v, struct engine *e, account_id account, uint32_t uid,
                                       uint64_t *size, bool *converts, struct why *why)
{
    uint64_t budget = STORE_SLICE;
    bool end = false;

    if ((!v->convert || v->uid != uid) && !start(v, uid, why))
        return VIEW_FAILED;
    if (!v->looked) {
        enum view_result r = look(v, e, account, why);
        if (r != VIEW_DONE)
            return r;
    }
    *converts = v->changes;
    while (v->changes && !end) {
        enum view_result r = pump(v, e, account, &end, &budget, why);
        if (r != VIEW_DONE)
            return r;
        v->out_at += v->out.n;
        buf_clear(&v->out);
    }
    if (v->changes)
        *size = v->out_at;
    maildrop_view_clear(v);
    return VIEW_DONE;
}

enum view_result maildrop_view_read(struct maildrop_view *v, struct engine *e, account_id account, uint32_t uid, uint64_t offset,
                                    struct buf *to, bool *last, struct why *why)
{
    uint64_t budget = STORE_SLICE;

    *last = false;
    if ((!v->convert || v->uid != uid) && !start(v, uid, why))
        return VIEW_FAILED;
    if (!v->looked) {
        enum view_result r = look(v, e, account, why);
        if (r != VIEW_DONE)
            return r;
    }
    if (offset < v->out_at)
        again(v);
    while (buf_room(to)) {
        bool end = false;
        enum view_result r = pump(v, e, account, &end, &budget, why);
        if (r == VIEW_LATER && to->n)
            return VIEW_DONE; /* a short piece is one */
        if (r != VIEW_DONE)
            return r;
        if (v->out_at < offset) { /* on the way there */
            size_t skip = offset - v->out_at < v->out.n ? (size_t)(offset - v->out_at) : v->out.n;
            v->out_at += skip;
            buf_consume(&v->out, skip);
        }
        struct str part = str_head(buf_str(&v->out), buf_room(to));
        buf_add(to, part);
        v->out_at += part.n;
        buf_consume(&v->out, part.n);
        if (end && v->out.n == 0) {
            *last = true;
            return VIEW_DONE;
        }
    }
    return VIEW_DONE;
}
