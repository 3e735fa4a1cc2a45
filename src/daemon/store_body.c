// SPDX-License-Identifier: ISC
/* A message on its way in: its octets go to the engine as they come; the beginning of its header is kept here for a
   notification that may be owed. */
#include "base/limits.h"
#include "daemon/store_inside.h"
#include "base/facts.h"
#include "os/disk.h"
#include "os/link.h"

enum { RCPT_MEM = 2048 /* an envelope recipient at its largest */, DISK_KEEP_FREE = 8 << 20 };

static void fail(struct store_session *s, struct why why)
{
    struct store *st = s->edge->store;

    if (s->body)
        engine_body_abort(st->engine, s->body);
    s->body = NULL;
    st->bodies_held -= s->body_held;
    s->body_held = 0;
    if (s->body_outcome == DONE) {
        s->body_outcome = RETRY;
        s->body_why = why;
    }
}

bool store_has_room(struct store *st, struct why *why)
{
    const struct disk *d = st->engine_options.disk ? st->engine_options.disk : &disk_kernel;

    if (d->free_bytes(d->self, st->dir) >= DISK_KEEP_FREE)
        return true;
    *why = store_why("4.3.1", "the disk is full: try again later");
    fact_count("store.refused-disk-full", 1);
    return false;
}

void store_body_begin(struct store_edge *e, const struct msg_body_begin *m)
{
    struct store_session *s = store_session_find(e, m->session);

    if (s && s->commit) {
        peer_breach(e->peer, "a new message before the last one was answered");
        return;
    }
    if (s && s->body_open)
        store_session_drop_body(s);
    s = store_session_get(e, m->session);
    if (!s)
        return; /* the pieces are ignored, the commit finds nothing and says RETRY */
    if (!s->rcpts)
        arena_init(&s->arena, STORE_COMMIT_MEM + e->store->config->recipients_max * RCPT_MEM);
    s->body_open = true;
    s->body_outcome = DONE;
    s->header_done = false;
    s->body = engine_body_begin(e->store->engine);
    if (!s->body)
        fail(s, store_why("4.3.0", "no memory for a message"));
    struct why why;
    if (!store_has_room(e->store, &why))
        fail(s, why);
}

/* Up to the empty line, or as much as is kept. */
static void keep_header(struct store_session *s, struct str piece)
{
    if (!s->header.p) {
        size_t end = str_find_str(piece, S("\r\n\r\n"));
        size_t n = end < piece.n ? end + 4 : piece.n;
        if (end < piece.n && n <= STORE_HEADER_KEEP) { /* the usual case: one piece holds it, one copy of its size */
            struct str h = arena_str(&s->arena, str_head(piece, n));
            s->header = (struct buf){.p = (char *)(uintptr_t)h.p, .n = h.n, .cap = h.n, .max = h.n, .fixed = true};
            s->header_done = true;
            return;
        }
        char *room = arena_alloc(&s->arena, STORE_HEADER_KEEP);
        if (!room) {
            s->header_done = true;
            return;
        }
        buf_fixed(&s->header, room, STORE_HEADER_KEEP);
    }
    size_t before = s->header.n;
    buf_add(&s->header, str_head(piece, buf_room(&s->header)));
    size_t from = before < 3 ? 0 : before - 3;
    size_t end = str_find_str(str_skip(buf_str(&s->header), from), S("\r\n\r\n"));
    if (from + end < s->header.n) {
        s->header.n = from + end + 4;
        s->header_done = true;
    } else if (buf_room(&s->header) == 0) {
        size_t line = s->header.n; /* whole lines only */
        while (line > 0 && s->header.p[line - 1] != '\n')
            line--;
        s->header.n = line;
        s->header_done = true;
    }
}

void store_body_piece(struct store_edge *e, const struct msg_body_piece *m)
{
    struct store *st = e->store;
    struct store_session *s = store_session_find(e, m->session);
    struct why why = {0};

    if (!s || !s->body_open)
        return;
    s->body_size += m->data.n;
    if (!s->body)
        return; /* failed before; the commit will say so */
    if (s->body_size > st->config->message_size_max + SESSION_TRANSACTION_MEM) {
        fail(s, store_why("5.3.4", "the message is too large"));
        s->body_outcome = REFUSE;
        return;
    }
    uint64_t held = s->body_size < BODY_PIECE_MAX ? s->body_size : 0; /* what is longer goes to the disk at once */
    if (st->bodies_held - s->body_held + held > STORE_OPEN_BODIES_MAX) {
        fail(s, store_why("4.3.1", "too many messages come in at once: try again"));
        return;
    }
    if (s->body_size >= BODY_PIECE_MAX && !store_has_room(st, &why)) {
        fail(s, why);
        return;
    }
    st->bodies_held += held - s->body_held;
    s->body_held = held;
    if (!s->header_done)
        keep_header(s, m->data);
    enum outcome o = engine_body_add(st->engine, s->body, m->data, &why);
    if (o != DONE) {
        fail(s, why);
        s->body_outcome = o;
    } else if (!engine_body_room(st->engine) &&
               e->peer->link) { /* the disk is behind: the edge's socket buffers fill, then its peers' */
        link_pause(e->peer->link, true);
        e->paused = true;
    }
}

void store_body_abort(struct store_edge *e, const struct msg_body_abort *m)
{
    struct store_session *s = store_session_find(e, m->session);

    if (!s || s->commit)
        return;
    store_session_drop_body(s);
    store_session_rest(s);
}

void store_commit_rcpt(struct store_edge *e, const struct msg_commit_rcpt *m)
{
    struct store_session *s = store_session_get(e, m->session);
    struct commit_rcpt *r;

    if (!s)
        return;
    if (s->commit) {
        peer_breach(e->peer, "a recipient while the message is being committed");
        return;
    }
    if (!s->rcpts && !s->body_open)
        arena_init(&s->arena,
                   STORE_COMMIT_MEM + e->store->config->recipients_max * RCPT_MEM); /* an empty message has no body_begin */
    if (s->broken || s->rcpt_count >= e->store->config->recipients_max || !(r = arena_new(&s->arena, struct commit_rcpt))) {
        s->broken = true;
        return;
    }
    *r = (struct commit_rcpt){.text = arena_str(&s->arena, m->to), .orcpt = arena_str(&s->arena, m->orcpt), .notify = m->notify};
    if (!r->text.p || !r->orcpt.p || store_address(&s->arena, m->to, &r->adr) != ADDRESS_OK || address_is_null(&r->adr))
        s->broken = true;
    *s->last_rcpt = r;
    s->last_rcpt = &r->next;
    s->rcpt_count++;
}
