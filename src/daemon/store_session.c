// SPDX-License-Identifier: ISC
/* What store knows of the sessions of its edges, the handles that they hold, and the message ids that were leased to them. */
#include <stdlib.h>
#include "base/check.h"
#include "base/facts.h"
#include "base/hash.h"
#include "daemon/store_inside.h"

static struct store_session **bucket_of(const struct store_edge *e, uint64_t number)
{
    return &e->bucket[hash_table(str_of(&number, sizeof number)) &
                      (e->buckets - 1)]; /* numbers are an enemy's choice: a keyed hash */
}

struct store_session *store_session_find(struct store_edge *e, uint64_t number)
{
    if (e->buckets == 0)
        return NULL;
    struct store_session *s = *bucket_of(e, number);
    while (s && s->number != number)
        s = s->next;
    return s;
}

static void link_in(struct store_edge *e, struct store_session *s)
{
    struct store_session **b = bucket_of(e, s->number);

    s->next = *b;
    s->back = b;
    if (s->next)
        s->next->back = &s->next;
    *b = s;
}

static bool grow(struct store_edge *e)
{
    struct store_edge next = *e;

    next.buckets = e->buckets ? e->buckets * 2 : 64;
    next.bucket = calloc(next.buckets, sizeof(struct store_session *));
    if (!next.bucket)
        return e->buckets > 0; /* longer chains do, too */
    for (size_t i = 0; i < e->buckets; i++)
        while (e->bucket[i]) {
            struct store_session *s = e->bucket[i];
            e->bucket[i] = s->next;
            link_in(&next, s);
        }
    free(e->bucket);
    *e = next;
    return true;
}

struct store_session *store_session_get(struct store_edge *e, uint64_t number)
{
    struct store_session *s = store_session_find(e, number);

    if (s || number == 0)
        return s;
    if (e->sessions >= e->store->config->connections_max + STORE_SESSIONS_SLACK || (e->sessions >= e->buckets && !grow(e)))
        return NULL;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->edge = e;
    s->number = number;
    s->last_rcpt = &s->rcpts;
    link_in(e, s);
    e->sessions++;
    return s;
}

void store_session_drop_body(struct store_session *s)
{
    struct store *st = s->edge->store;

    if (s->body)
        engine_body_abort(st->engine, s->body);
    s->body = NULL;
    st->bodies_held -= s->body_held;
    s->body_held = s->body_size = 0;
    s->body_open = false;
    arena_clear(&s->arena);
    s->header = (struct buf){0};
    s->rcpts = NULL;
    s->last_rcpt = &s->rcpts;
    s->rcpt_count = 0;
    s->broken = false;
}

void store_session_free(struct store_session *s)
{
    store_session_drop_body(s);
    if (s->drop)
        store_maildrop_close(s->drop);
    if (s->commit)
        s->commit->session = NULL; /* what is in the engine's hands stays there; nobody hears of it */
    *s->back = s->next;
    if (s->next)
        s->next->back = s->back;
    s->edge->sessions--;
    free(s);
}

void store_session_rest(struct store_session *s)
{
    if (!s->handle && !s->body_open && !s->commit && !s->rcpts)
        store_session_free(s);
}

static void forget_range(struct store_edge *e, size_t i)
{
    free(e->ranges[i].used);
    e->range_count--;
    memmove(e->ranges + i, e->ranges + i + 1, (e->range_count - i) * sizeof *e->ranges);
}

void store_edge_clear(struct store_edge *e)
{
    store_rcpt_forget(e->store, e);
    for (size_t i = 0; i < e->buckets; i++)
        while (e->bucket[i])
            store_session_free(e->bucket[i]);
    check(e->sessions == 0);
    free(e->bucket);
    e->bucket = NULL;
    e->buckets = 0;
    e->paused = false;
    while (e->range_count)
        forget_range(e, e->range_count - 1);
}

void store_sessions_kick(struct store *st, account_id account)
{
    for (size_t k = 0; k < countof(st->edges); k++)
        for (size_t i = 0; i < st->edges[k].buckets; i++)
            for (struct store_session *s = st->edges[k].bucket[i], *next; s; s = next) {
                next = s->next;
                if (!s->handle || s->account != account)
                    continue;
                peer_send(st->edges[k].peer, &MSG(session_kick, .session = s->number));
                s->handle = 0; /* whatever it still asks is refused */
                s->account = 0;
                if (s->drop)
                    store_maildrop_close(s->drop);
                s->drop = NULL;
                store_session_rest(s);
            }
}

enum store_who store_session_who(struct store_edge *e, uint64_t number, uint64_t handle, struct engine_account *to)
{
    struct store_session *s;

    if (handle == 0)
        return STORE_NOBODY;
    s = store_session_find(e, number);
    if (s && s->handle == handle && engine_account_by_id(e->store->engine, s->account, to) && !to->suspended &&
        s->let_in_by == hash_table(to->verifier))
        return STORE_USER;
    fact_count("store.handles-refused", 1);
    fact(FACT_WARN, "store.handle-refused", fact_c("peer", role_name(e->peer->who)), fact_num("session", (int64_t)number));
    return STORE_STRANGER;
}

void store_session_end(struct store_edge *e, const struct msg_session_end *m)
{
    struct store_session *s = store_session_find(e, m->session);

    if (s)
        store_session_free(s);
}

/* ---- ids ---- */

static bool range_room(struct store_edge *e)
{
    if (e->range_count == STORE_RANGES_MAX)
        forget_range(e, 0); /* the oldest ids have waited for a very long time: their messages will be told to come again */
    if (e->range_count < e->range_cap)
        return true;
    size_t cap = e->range_cap ? e->range_cap * 2 : 8;
    struct store_range *more = realloc(e->ranges, cap * sizeof *more);
    if (!more)
        return false;
    e->ranges = more;
    e->range_cap = cap;
    return true;
}

void store_id_lease(struct store_edge *e, const struct msg_id_lease *m)
{
    uint32_t count = m->count < STORE_LEASE_MAX ? m->count : STORE_LEASE_MAX;
    unsigned char *used = count && range_room(e) ? calloc(count / 8 + 1, 1) : NULL;
    uint64_t first = used ? engine_lease_ids(e->store->engine, count) : 0;

    if (first)
        e->ranges[e->range_count++] = (struct store_range){.first = first, .count = count, .left = count, .used = used};
    else
        free(used);
    peer_send(e->peer, &MSG(id_range, .first = first, .count = first ? count : 0));
}

bool store_id_use(struct store_edge *e, uint64_t id)
{
    size_t low = 0, high = e->range_count;

    while (low < high) { /* the first range that begins above id */
        size_t mid = (low + high) / 2;
        if (e->ranges[mid].first <= id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return false;
    struct store_range *r = &e->ranges[low - 1];
    uint64_t bit = id - r->first;
    if (bit >= r->count || r->used[bit / 8] >> (bit % 8) & 1)
        return false;
    r->used[bit / 8] = (unsigned char)(r->used[bit / 8] | 1U << (bit % 8));
    if (--r->left == 0)
        forget_range(e, low - 1);
    return true;
}
