/* SPDX-License-Identifier: ISC */
/* Bodies on their way in. A small one is kept and travels in the batch that names it. From BODY_PIECE_MAX on each full piece goes
   to the commit thread as a record of its own: it means nothing until a committed map lists it, and is garbage if none ever does. */
#include <stdio.h>
#include <stdlib.h>
#include "store/inside.h"

enum { FIRST_ROOM = 8 * 1024, PIECE_HEAD = RECORD_HEADER + 12 };

struct body_writer *engine_body_begin(struct engine *e)
{
    struct body_writer *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);
    if (!w)
        return NULL;
    memset(w, 0, sizeof *w);
    hash_body_init(&w->hash, e->log.key.body_key);
    w->id = e->counters.next_body++;
    put_u64(w->key, w->id);
    if (!table_put(&e->bodies, str_of(w->key, sizeof w->key), w)) {
        free(w);
        return NULL;
    }
    return w;
}

bool engine_body_room(struct engine *e)
{
    pthread_mutex_lock(&e->s.lock);
    bool room = e->s.piece_bytes < PIECES_PENDING_MAX / 2;
    e->s.owner_waits |= !room;
    pthread_mutex_unlock(&e->s.lock);
    return room;
}

static enum outcome broken(struct body_writer *w, int error, struct why *why)
{
    w->failed = true;
    bool full = disk_is_full_error(error);
    snprintf(w->why.status, sizeof w->why.status, "%s", full ? "4.3.1" : "4.3.0");
    snprintf(w->why.text, sizeof w->why.text, "%s", error == -12 ? "out of memory" : disk_error_text(error));
    if (why)
        *why = w->why;
    return RETRY;
}

static bool room(struct body_writer *w, size_t n)
{
    if (n <= w->cap)
        return true;
    size_t cap = w->cap ? w->cap : FIRST_ROOM;
    while (cap < n)
        cap *= 2;
    char *p = realloc(w->data, cap);
    if (!p)
        return false;
    w->data = p;
    w->cap = cap;
    return true;
}

/* Waits until the commit thread has taken enough: a peer that sends faster than the disk writes is slowed here. */
static void pieces_wait(struct engine *e)
{
    if (!e->threads_run)
        return;
    pthread_mutex_lock(&e->s.lock);
    while (e->s.piece_bytes > PIECES_PENDING_MAX)
        pthread_cond_wait(&e->s.finished, &e->s.lock);
    pthread_mutex_unlock(&e->s.lock);
}

/* Sends the piece record in w->data (n bytes of body behind PIECE_HEAD) to the log. */
static int piece_send(struct engine *e, struct body_writer *w, size_t n)
{
    struct place at;
    size_t whole = record_size(12 + n);
    if (w->piece_count == w->piece_cap) {
        uint32_t cap = w->piece_cap ? w->piece_cap * 2 : 16;
        log_pos *p = realloc(w->pieces, cap * sizeof *p);
        if (!p)
            return -12;
        w->pieces = p;
        w->piece_cap = cap;
    }
    struct job *j = calloc(1, sizeof *j);
    int r = j ? reserve(e, whole, &at) : -12;
    if (r < 0) {
        free(j);
        return r;
    }
    struct enc head = {.p = w->data, .n = 0, .cap = w->cap};
    size_t begin = record_begin(&head, RECORD_PIECE);
    put_u64(w->data + RECORD_HEADER, w->id);
    put_u32(w->data + RECORD_HEADER + 8, w->piece_count);
    head.n = PIECE_HEAD + n;
    record_end(&head, begin);
    uint32_t chain = 0, count = 0;
    log_pos pos = pos_of(at.segment, at.offset);
    record_stamp(w->data, whole, pos, w->id, key_seed(&e->log.key), &chain, &count);
    w->pieces[w->piece_count++] = pos;
    *j = (struct job){.file = at.file, .segment = at.segment, .offset = at.offset, .p = {w->data}, .n = {whole}, .body = w->id};
    w->data = NULL;
    w->cap = w->n = 0;
    pieces_wait(e);
    job_submit(e, j);
    return 0;
}

/* The body outgrew memory: what is here becomes the first piece. */
static int become_large(struct engine *e, struct body_writer *w)
{
    head_scan(str_of(w->data, w->n), &w->head);
    w->large = true;
    char *p = malloc(PIECE_HEAD + BODY_PIECE_MAX + 16);
    if (!p)
        return -12;
    memcpy(p + PIECE_HEAD, w->data, w->n);
    free(w->data);
    w->data = p;
    w->cap = PIECE_HEAD + BODY_PIECE_MAX + 16;
    return piece_send(e, w, w->n);
}

static int large_add(struct engine *e, struct body_writer *w, struct str piece)
{
    while (piece.n > 0) {
        if (!w->data) {
            w->data = malloc(PIECE_HEAD + BODY_PIECE_MAX + 16);
            w->cap = w->data ? PIECE_HEAD + BODY_PIECE_MAX + 16 : 0;
            if (!w->data)
                return -12;
        }
        size_t n = BODY_PIECE_MAX - w->n < piece.n ? BODY_PIECE_MAX - w->n : piece.n;
        memcpy(w->data + PIECE_HEAD + w->n, piece.p, n);
        w->n += n;
        piece = str_skip(piece, n);
        int r = w->n == BODY_PIECE_MAX ? piece_send(e, w, w->n) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

enum outcome engine_body_add(struct engine *e, struct body_writer *w, struct str piece, struct why *why)
{
    check(!w->ended);
    if (!w->failed && e->dead)
        broken(w, -5, NULL);
    if (w->failed) {
        *why = w->why;
        return RETRY;
    }
    hash_body_add(&w->hash, piece.p, piece.n);
    w->size += piece.n;
    int r = 0;
    if (!w->large) {
        size_t n = piece.n < BODY_PIECE_MAX - w->n ? piece.n : BODY_PIECE_MAX - w->n;
        if (!room(w, w->n + n))
            return broken(w, -12, why);
        if (n)
            memcpy(w->data + w->n, piece.p, n);
        w->n += n;
        piece = str_skip(piece, n);
        if (piece.n > 0)
            r = become_large(e, w);
    }
    if (r == 0 && piece.n > 0)
        r = large_add(e, w, piece);
    return r < 0 ? broken(w, r, why) : DONE;
}

body_ref engine_body_end(struct engine *e, struct body_writer *w)
{
    int r = w->large && w->n > 0 && !w->failed ? piece_send(e, w, w->n) : 0;
    if (r < 0)
        broken(w, r, NULL);
    hash_body_end(&w->hash, w->digest);
    w->ended = true;
    if (!w->large)
        head_scan(str_of(w->data, w->n), &w->head);
    return w->id;
}

void body_free(struct engine *e, struct body_writer *w)
{
    table_remove(&e->bodies, str_of(w->key, sizeof w->key));
    free(w->data);
    free(w->pieces);
    free(w);
}

void engine_body_abort(struct engine *e, struct body_writer *w) { body_free(e, w); }

static struct body_writer *find(struct engine *e, uint64_t id)
{
    char key[8];
    put_u64(key, id);
    return table_get(&e->bodies, str_of(key, sizeof key));
}

struct body_writer *body_find(struct engine *e, body_ref b)
{
    struct body_writer *w = find(e, b);
    return w && w->ended ? w : NULL;
}

void engine_body_drop(struct engine *e, body_ref b)
{
    struct body_writer *w = body_find(e, b);
    if (w)
        body_free(e, w);
}

/* A piece could not be written: its body is no body. (A batch that was under way behind the piece fails as a whole: commit.c.) */
void body_pieces_failed(struct engine *e, uint64_t body, int error)
{
    struct body_writer *w = find(e, body);
    if (w && !w->failed)
        broken(w, error, NULL);
}

struct recent *recent_find(struct engine *e, const unsigned char hash[32])
{
    return table_get(&e->recents, str_of(hash, 32));
}

void recent_forget(struct engine *e, struct recent *r)
{
    if (r->used && table_get(&e->recents, str_of(r->hash, 32)) == r)
        table_remove(&e->recents, str_of(r->hash, 32));
    r->used = false;
}

struct recent *recent_add(struct engine *e, const unsigned char hash[32], uint64_t id, log_pos pos, uint64_t size, bool large)
{
    if (!e->recent && !(e->recent = calloc(RECENT_BODIES, sizeof *e->recent)))
        return NULL;
    struct recent *r = &e->recent[e->recent_next];
    e->recent_next = (e->recent_next + 1) % RECENT_BODIES;
    recent_forget(e, r);
    *r = (struct recent){.id = id, .size = size, .pos = pos, .large = large, .used = true};
    memcpy(r->hash, hash, 32);
    if (!table_put(&e->recents, str_of(r->hash, 32), r))
        r->used = false;
    return r;
}
