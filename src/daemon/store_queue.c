// SPDX-License-Identifier: ISC
/* Which message goes out next. See store_queue.h. */
#include "daemon/store_queue.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "base/hash.h"
#include <stdlib.h>

static struct store_queue *queue_of(struct queue_job *j)
{
    return j->store->queue;
}

/* ---- busy entries ---- */

static struct queue_entry **bucket(struct store_queue *q, uint64_t queue_id)
{
    return &q->busy[(queue_id * 0x9e3779b97f4a7c15u) >> 50];
}

static struct queue_entry *busy(struct store_queue *q, uint64_t queue_id)
{
    struct queue_entry *x = *bucket(q, queue_id);

    while (x && x->queue_id != queue_id)
        x = x->next;
    return x;
}

/* ---- hops ---- */

static struct queue_hop **hop_bucket(struct store_queue *q, struct str domain)
{
    return &q->hops[hash_table(domain) & (QUEUE_BUCKETS - 1)];
}

static struct queue_hop *hop_find(struct store_queue *q, struct str domain)
{
    struct queue_hop *h = *hop_bucket(q, domain);

    while (h && !str_eq(str_of(h->domain, h->n), domain))
        h = h->next;
    return h;
}

static struct queue_hop *hop_get(struct store_queue *q, struct str domain)
{
    struct queue_hop **at = hop_bucket(q, domain), *h = hop_find(q, domain);

    if (h)
        return h;
    h = q->hop_count < QUEUE_HOPS_MAX ? calloc(1, sizeof *h + domain.n) : NULL;
    if (!h)
        return NULL;
    h->n = domain.n;
    h->most = QUEUE_HOP_OUT_MAX;
    if (domain.n)
        memcpy(h->domain, domain.p, domain.n);
    h->fresh_last = &h->fresh;
    h->old_last = &h->old;
    h->next = *at;
    *at = h;
    q->hop_count++;
    return h;
}

static void ring_remove(struct store_queue *q, struct queue_hop *h)
{
    if (!h->in_ring)
        return;
    h->in_ring = false;
    if (q->ring == h)
        q->ring = h->after == h ? NULL : h->after;
    h->after->before = h->before;
    h->before->after = h->after;
}

/* In the ring when it has something to send and may; gone when there is nothing to know of it. */
static void hop_review(struct store_queue *q, struct queue_hop *h)
{
    bool work = h->fresh || h->old || h->more;

    if (!work && h->out == 0 && !h->blocked_until && h->most == QUEUE_HOP_OUT_MAX && !h->kicked) {
        struct queue_hop **at = hop_bucket(q, str_of(h->domain, h->n));
        ring_remove(q, h);
        while (*at != h)
            at = &(*at)->next;
        *at = h->next;
        q->hop_count--;
        free(h);
        return;
    }
    if (!work || h->blocked_until || h->out >= h->most) {
        ring_remove(q, h);
        return;
    }
    if (h->in_ring)
        return;
    h->in_ring = true;
    if (!q->ring) {
        q->ring = h->after = h->before = h;
        return;
    }
    h->after = q->ring; /* last: its turn comes after everybody's */
    h->before = q->ring->before;
    h->before->after = h->after->before = h;
}

/* The index may have something due for it from here on. */
static void hop_more(struct store_queue *q, struct queue_hop *h, struct engine_due from)
{
    if (!h->more || from.next_ms < h->cursor.next_ms || (from.next_ms == h->cursor.next_ms && from.queue_id < h->cursor.queue_id))
        h->cursor = from;
    h->more = true;
    h->position = engine_position(q->store->engine);
}

/* ---- jobs ---- */

static struct queue_job *job_new(struct store_queue *q, struct queue_hop *h, uint64_t id, uint32_t count)
{
    struct queue_job *j = q->entry_count + count <= QUEUE_ENTRIES_MAX ? calloc(1, sizeof *j + count * sizeof j->entry[0]) : NULL;

    if (!j)
        return NULL;
    j->store = q->store;
    j->hop = h;
    j->id = id;
    j->room = count;
    arena_init(&j->arena, QUEUE_JOB_MEM);
    q->entry_count += count;
    return j;
}

static void job_add(struct store_queue *q, struct queue_job *j, const struct queue_entry *e)
{
    struct queue_entry *x = &j->entry[j->count++], **at = bucket(q, e->queue_id);

    *x = *e;
    x->job = j;
    x->next = *at;
    *at = x;
}

static void job_forget_entries(struct store_queue *q, struct queue_job *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        struct queue_entry **at = bucket(q, j->entry[i].queue_id);
        while (*at != &j->entry[i])
            at = &(*at)->next;
        *at = j->entry[i].next;
    }
    q->entry_count -= j->room;
}

void queue_job_free(struct queue_job *j)
{
    job_forget_entries(queue_of(j), j);
    arena_clear(&j->arena);
    free(j);
}

static void job_wait(struct queue_job *j, bool fresh)
{
    struct queue_hop *h = j->hop;
    struct queue_job ***last = fresh ? &h->fresh_last : &h->old_last;

    j->next = NULL;
    **last = j;
    *last = &j->next;
}

/* All that waits here goes back to what the index says of it. */
static void hop_unload(struct store_queue *q, struct queue_hop *h)
{
    struct queue_job *lists[2] = {h->fresh, h->old};

    if (h->fresh || h->old)
        hop_more(q, h, (struct engine_due){0});
    h->fresh = h->old = NULL;
    h->fresh_last = &h->fresh;
    h->old_last = &h->old;
    for (int i = 0; i < 2; i++)
        while (lists[i]) {
            struct queue_job *j = lists[i];
            lists[i] = j->next;
            queue_job_free(j);
        }
}

/* ---- just accepted ---- */

static void look_again(struct store_queue *q, int64_t from_ms)
{
    if (q->cursor.next_ms >= from_ms)
        q->cursor = (struct engine_due){from_ms - 1, UINT32_MAX};
    q->scanning = false; /* a new look: with what is durable now */
}

static struct str domain_of(struct str address, char to[256])
{
    size_t at = str_find_last(address, '@'), n = 0;

    for (size_t i = at + 1; i < address.n && n < 255; i++)
        to[n++] = ascii_lower(address.p[i]);
    return str_of(to, n);
}

/* One job of those that go to the domain of the first that has none yet. */
static bool fresh_job(struct store_queue *q, const struct op_accept *a, bool *taken)
{
    char first[256], other[256];
    uint32_t list[QUEUE_JOB_RCPTS], n = 0;
    struct str domain = STR_NONE;

    for (uint32_t i = 0; i < a->queued_count && n < QUEUE_JOB_RCPTS; i++) {
        if (taken[i])
            continue;
        if (n == 0)
            domain = domain_of(a->queued[i].address, first);
        else if (!str_eq(domain, domain_of(a->queued[i].address, other)))
            continue;
        taken[i] = true;
        list[n++] = i;
    }
    struct queue_hop *h = n ? hop_get(q, domain) : NULL;
    struct queue_job *j = h ? job_new(q, h, a->id, n) : NULL;
    if (n && !j)
        look_again(q, a->received_ms);
    if (h && !j)
        hop_review(q, h);
    if (!j)
        return n > 0;
    j->place = a->place;
    j->has_place = true;
    j->received_ms = a->received_ms;
    for (uint32_t i = 0; i < n; i++)
        job_add(q, j, &(struct queue_entry){.queue_id = a->queued[list[i]].queue_id, .n = list[i]});
    job_wait(j, true);
    hop_review(q, h);
    return true;
}

void store_queue_accepted(struct store *st, const struct op_accept *a)
{
    struct store_queue *q = st->queue;
    bool taken[QUEUE_FRESH_RCPTS] = {0};

    if (a->queued_count == 0 || st->closing)
        return;
    if (a->queued_count > QUEUE_FRESH_RCPTS)
        look_again(q, a->received_ms);
    else
        while (fresh_job(q, a, taken)) {
        }
    store_queue_wake(st);
}

/* ---- from the index ---- */

struct page {
    struct store_queue *q;
    struct queue_hop *hop;
    struct queue_job *last;
    bool stopped;
};

static void page_row(void *to, const struct engine_queued *r)
{
    struct page *p = to;
    struct store_queue *q = p->q;
    struct queue_job *j = p->last;
    int64_t now = clock_unix_ms();

    if (p->stopped || busy(q, r->queue_id))
        return;
    bool expired = r->expire_ms && r->expire_ms <= now;
    if (!j || j->id != r->id || j->count == QUEUE_JOB_RCPTS || !str_eq(j->route, r->route) || j->entry[0].expired != expired) {
        j = job_new(q, p->hop, r->id, QUEUE_JOB_RCPTS);
        if (!j || (r->route.n && !(j->route = arena_str(&j->arena, r->route)).p)) {
            if (j)
                queue_job_free(j);
            p->stopped = true;
            return;
        }
        j->received_ms = r->received_ms;
        job_wait(j, false);
        p->last = j;
    }
    struct queue_entry e = {.queue_id = r->queue_id,
                            .n = r->n,
                            .attempts = r->attempts,
                            .warned = r->warned,
                            .expire_ms = r->expire_ms,
                            .expired = expired};
    if (expired && r->last.at_ms) /* what its sender hears: the last words of the other side */
        e.result = (struct op_result){.outcome = r->last.outcome,
                                      .code = r->last.code,
                                      .at_ms = r->last.at_ms,
                                      .status = arena_str(&j->arena, r->last.status),
                                      .text = arena_str(&j->arena, r->last.text),
                                      .host = arena_str(&j->arena, r->last.host),
                                      .ip = arena_str(&j->arena, r->last.ip),
                                      .tls = arena_str(&j->arena, r->last.tls)};
    job_add(q, j, &e);
}

/* A page of its due entries becomes jobs. */
static void hop_load(struct store_queue *q, struct queue_hop *h)
{
    struct page p = {q, h, NULL, false};
    struct engine *e = q->store->engine;
    struct engine_due before = h->cursor;
    uint64_t known = engine_index_position(e);
    bool more = engine_queue_due_of(e, str_of(h->domain, h->n), clock_unix_ms(), &h->cursor, QUEUE_JOB_RCPTS, page_row, &p);

    for (struct queue_job *j = h->old; j; j = j->next) { /* how many it would have was not known before */
        q->entry_count -= j->room - j->count;
        j->room = j->count;
    }
    if (p.stopped) {
        h->cursor = before; /* those that were taken are busy now */
        return;
    }
    if (more)
        return;
    h->more = known < h->position;
    if (h->more)
        h->cursor = before;
}

static void found(void *to, const struct engine_queued *r)
{
    struct store_queue *q = to;
    struct queue_hop *h = hop_find(q, r->domain);

    if (busy(q, r->queue_id))
        return;
    if (!h && !(h = hop_get(q, r->domain))) {
        q->missed = true;
        return;
    }
    hop_more(q, h, (struct engine_due){r->next_ms, r->queue_id - 1});
    hop_review(q, h);
}

/* Everything that is due up to a moment, once the index knows all that was durable then. */
static void scan(struct store_queue *q)
{
    struct engine *e = q->store->engine;

    if (!q->scanning) {
        q->scanning = true;
        q->limit_ms = clock_unix_ms();
        q->position = engine_position(e);
    }
    if (engine_index_position(e) < q->position || q->hop_count + QUEUE_SCAN > QUEUE_HOPS_MAX)
        return; /* the engine's next turn, or the next second */
    if (engine_queue_due(e, q->limit_ms, &q->cursor, QUEUE_SCAN, found, q))
        loop_defer_start(&q->turn);
    else
        q->limit_ms = 0;
}

/* ---- out ---- */

struct queue_job *queue_job_find(struct store_queue *q, uint64_t number)
{
    struct queue_job *j = q->out[number % QUEUE_OUT_MAX];

    return j && j->number == number ? j : NULL;
}

static void job_leave(struct store_queue *q, struct queue_job *j)
{
    struct queue_hop *h = j->hop;

    q->out[j->number % QUEUE_OUT_MAX] = NULL;
    q->out_count--;
    q->ahead -= j->ahead;
    j->ahead = 0;
    h->out--;
    j->hop = NULL;
    hop_review(q, h);
    store_queue_wake(q->store);
}

static struct queue_job *hop_take(struct queue_hop *h)
{
    bool fresh = h->fresh && (h->odd || !h->old);
    struct queue_job **list = fresh ? &h->fresh : &h->old, *j = *list;

    h->odd = !h->odd;
    if (!j)
        return NULL;
    *list = j->next;
    if (!*list) {
        if (fresh)
            h->fresh_last = &h->fresh;
        else
            h->old_last = &h->old;
    }
    return j;
}

static void unreadable(struct queue_job *j)
{
    static const struct queue_answer a = {
        .outcome = RETRY, .status = S_INIT("4.3.0"), .text = S_INIT("this message cannot be read from the disk now")};

    for (uint32_t i = 0; i < j->count; i++)
        queue_answer(&j->entry[i], &a);
    queue_back(j, 0, STR_NONE);
}

static void send_out(struct store_queue *q, struct queue_hop *h, struct queue_job *j)
{
    if (j->entry[0].expired) { /* nobody is asked any more */
        j->hop = NULL;
        hop_review(q, h);
        queue_settle(j);
        return;
    }
    while (q->out[q->slot])
        q->slot = (q->slot + 1) % QUEUE_OUT_MAX;
    j->number = q->next_number++ * QUEUE_OUT_MAX + q->slot;
    j->state = QUEUE_OUT;
    q->out[q->slot] = j;
    q->out_count++;
    q->handed_out++;
    h->out++;
    hop_review(q, h);
    if (!store_relay_send(j))
        unreadable(j);
}

static void dispatch(struct store_queue *q)
{
    for (int n = 0; q->ring && q->out_count < QUEUE_OUT_MAX && q->out_count < q->window; n++) {
        struct queue_hop *h = q->ring;
        if (n == QUEUE_SEND || store_relay_room(q->store) == 0) {
            if (n == QUEUE_SEND)
                loop_defer_start(&q->turn);
            return;
        }
        if (h->more && !h->old)
            hop_load(q, h);
        q->ring = h->after;
        struct queue_job *j = hop_take(h);
        if (j) {
            send_out(q, h, j);
        } else if (h->more) { /* the index is behind, or memory is short */
            ring_remove(q, h);
        } else {
            hop_review(q, h);
        }
    }
}

static void forget_settled(struct store_queue *q)
{
    uint64_t known = q->settled ? engine_index_position(q->store->engine) : 0;

    while (q->settled && q->settled->position <= known) {
        struct queue_job *j = q->settled;
        q->settled = j->next;
        if (!q->settled)
            q->settled_last = &q->settled;
        queue_job_free(j);
    }
}

static void turn(void *self)
{
    struct store_queue *q = self;
    struct store *st = q->store;

    if (!st->engine || st->stopping || st->dying || engine_is_dead(st->engine))
        return;
    forget_settled(q);
    if (q->window == 0)
        return;
    if (!q->scanning || q->limit_ms)
        scan(q);
    dispatch(q);
}

void store_queue_wake(struct store *st)
{
    if (st->queue && st->engine && !st->closing)
        loop_defer_start(&st->queue->turn);
}

/* ---- answers ---- */

static struct str keep(struct queue_job *j, struct str s)
{
    struct str mine = arena_str(&j->arena, str_head(s, QUEUE_TEXT_MAX));

    return mine.p ? mine : STR_NONE;
}

struct queue_entry *queue_job_entry(struct queue_job *j, uint64_t queue_id)
{
    struct queue_entry *e = busy(queue_of(j), queue_id);

    return e && e->job == j ? e : NULL;
}

void queue_answer(struct queue_entry *e, const struct queue_answer *a)
{
    struct queue_job *j = e->job;
    int64_t now = clock_unix_ms();

    if (e->answered)
        return;
    e->answered = true;
    e->passed = a->passed;
    j->answered++;
    e->result = (struct op_result){.outcome = a->outcome,
                                   .code = a->code,
                                   .status = keep(j, a->status),
                                   .text = keep(j, a->text),
                                   .host = keep(j, a->host),
                                   .ip = keep(j, a->ip),
                                   .tls = keep(j, a->tls),
                                   .at_ms = a->at_ms > 0 && a->at_ms <= now ? a->at_ms : now};
}

/* Entries without an answer are as they were before. What waited here long enough to be told of counts as an attempt all the
 * same. */
static void give_back(struct store_queue *q, struct queue_job *j)
{
    uint32_t kept = 0;
    struct queue_entry all[QUEUE_JOB_RCPTS];

    memcpy(all, j->entry, j->count * sizeof *all);
    for (uint32_t i = 0; i < j->count; i++) { /* out of the buckets, then those that stay in again: they move */
        struct queue_entry **at = bucket(q, j->entry[i].queue_id);
        while (*at != &j->entry[i])
            at = &(*at)->next;
        *at = j->entry[i].next;
    }
    uint32_t count = j->count;
    j->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (all[i].answered) {
            job_add(q, j, &all[i]);
            kept++;
        }
    q->entry_count -= j->room - kept;
    j->room = kept;
    if (kept)
        queue_settle(j);
    else
        queue_job_free(j);
}

static void hop_block(struct queue_hop *h, int64_t until_ms, struct str why)
{
    h->blocked_until = until_ms;
    if (!str_to_c(str_head(why, sizeof h->why - 1), h->why, sizeof h->why))
        h->why[0] = '\0';
}

void queue_hop_hint(struct store_queue *q, struct str domain, uint32_t most, int64_t not_before_ms, struct str why)
{
    struct queue_hop *h = hop_find(q, domain);

    if (!h)
        return;
    h->most = most > 0 && most < QUEUE_HOP_OUT_MAX ? most : most == 0 ? 1 : QUEUE_HOP_OUT_MAX; /* one always finds out what is */
    if (not_before_ms > clock_unix_ms())
        hop_block(h, not_before_ms, why);
    hop_review(q, h);
    store_queue_wake(q->store);
}

void queue_back(struct queue_job *j, int64_t not_before_ms, struct str why)
{
    struct store_queue *q = queue_of(j);
    struct queue_hop *h = j->hop;
    struct queue_schedule s = queue_schedule_of(q->store->config);
    int64_t now = clock_unix_ms(), age = now - j->received_ms;

    if (j->answered < j->count)
        hop_more(q, h, (struct engine_due){0});
    if (not_before_ms > now)
        hop_block(h, not_before_ms, why);
    for (uint32_t i = 0; i < j->count; i++) {
        struct queue_entry *e = &j->entry[i];
        if (e->answered || !((!e->warned && s.warn_ms && age >= s.warn_ms) || age >= s.give_up_ms))
            continue;
        e->answered = true;
        e->result = (struct op_result){.outcome = RETRY, .status = S("4.4.1"), .text = keep(j, why), .at_ms = now};
        j->answered++;
    }
    job_leave(q, j);
    give_back(q, j);
}

void queue_all_back(struct store_queue *q)
{
    for (size_t i = 0; i < QUEUE_OUT_MAX; i++) {
        struct queue_job *j = q->out[i];
        if (!j)
            continue;
        if (j->answered < j->count)
            hop_more(q, j->hop, (struct engine_due){0});
        job_leave(q, j);
        give_back(q, j);
    }
    q->window = 0;
}

/* ---- after the results ---- */

void queue_job_settled(struct queue_job *j)
{
    struct store_queue *q = queue_of(j);

    q->settling--;
    j->state = QUEUE_SETTLED;
    j->position = engine_position(q->store->engine);
    j->next = NULL;
    arena_clear(&j->arena);
    *q->settled_last = j;
    q->settled_last = &j->next;
    store_queue_wake(q->store);
}

void queue_job_again(struct queue_job *j)
{
    struct store_queue *q = queue_of(j);

    j->next = q->again;
    q->again = j;
}

/* ---- an operator's word ---- */

static bool concerns(const struct op *op, const struct queue_job *j, uint64_t queue_id)
{
    struct str domain = op->queue_change.domain;

    if (op->kind == OP_QUEUE_REMOVE)
        return op->queue_remove.queue_id == queue_id;
    if (op->queue_change.count == 0)
        return !domain.n || str_eq_icase(domain, str_of(j->hop->domain, j->hop->n));
    for (uint32_t k = 0; k < op->queue_change.count; k++)
        if (op->queue_change.ids[k] == queue_id)
            return true;
    return false;
}

/* Is it about one that is out, so that it should come back if it has not begun? */
static bool job_changes(struct queue_job *j, const struct op *op, bool drop)
{
    bool any = false;

    for (uint32_t i = 0; i < j->count; i++)
        if (concerns(op, j, j->entry[i].queue_id)) {
            any = true;
            j->entry[i].dropped |= drop;
        }
    return any &&
           (op->kind == OP_QUEUE_REMOVE || (op->queue_change.what & (QUEUE_DROP | QUEUE_HOLD | QUEUE_ROUTE | QUEUE_EXPIRE)));
}

void store_queue_changed(struct store *st, const struct op *op)
{
    struct store_queue *q = st->queue;
    struct str domain = op->queue_change.domain;
    bool drop = op->kind == OP_QUEUE_REMOVE || (op->queue_change.what & QUEUE_DROP);

    for (size_t i = 0; i < QUEUE_BUCKETS; i++)
        for (struct queue_hop *h = q->hops[i], *next; h; h = next) {
            next = h->next;
            hop_unload(q, h); /* what has not been sent yet is looked up anew */
            if (op->kind == OP_QUEUE_CHANGE && (op->queue_change.what & (QUEUE_NEXT | QUEUE_ROUTE)) &&
                (!domain.n || str_eq_icase(domain, str_of(h->domain, h->n))))
                h->kicked |= h->blocked_until != 0, h->blocked_until = 0;
            if (h->more)
                hop_more(q, h, (struct engine_due){0});
            hop_review(q, h);
        }
    for (size_t i = 0; i < QUEUE_OUT_MAX; i++)
        if (q->out[i] && job_changes(q->out[i], op, drop))
            store_relay_cancel(q->out[i]);
    q->cursor = (struct engine_due){0};
    q->scanning = false;
    store_queue_wake(st);
}

bool store_queue_state(struct store *st, uint64_t queue_id, struct str domain, int64_t *until_ms, struct str *why)
{
    struct queue_hop *h = hop_find(st->queue, domain);
    struct queue_entry *e = queue_id ? busy(st->queue, queue_id) : NULL;

    *until_ms = h ? h->blocked_until : 0;
    *why = h && h->blocked_until ? str_c(h->why) : STR_NONE;
    return e && e->job->state == QUEUE_OUT;
}

/* ---- life ---- */

bool store_queue_open(struct store *st)
{
    struct store_queue *q = calloc(1, sizeof *q);

    if (!q)
        return false;
    q->store = st;
    q->next_number = 1;
    q->settled_last = &q->settled;
    loop_defer_init(&q->turn, st->loop, turn, q);
    st->queue = q;
    return true;
}

void store_queue_begin(struct store *st)
{
    store_queue_wake(st);
}

bool store_queue_is_idle(const struct store *st)
{
    return !st->queue || st->queue->settling == 0;
}

void store_queue_second(struct store *st)
{
    struct store_queue *q = st->queue;
    int64_t now = clock_unix_ms();

    if (!q || !st->engine || st->closing)
        return;
    for (size_t i = 0; i < QUEUE_BUCKETS; i++)
        for (struct queue_hop *h = q->hops[i], *next; h; h = next) {
            next = h->next;
            if (h->blocked_until && h->blocked_until <= now) {
                h->blocked_until = 0;
                h->most = QUEUE_HOP_OUT_MAX;
            }
            hop_review(q, h);
        }
    struct queue_job *again = q->again;
    q->again = NULL;
    while (again) {
        struct queue_job *j = again;
        again = j->next;
        queue_commit_results(j);
    }
    if (q->missed)
        q->cursor = (struct engine_due){0};
    q->missed = false;
    if (!q->limit_ms)
        q->scanning = false;
    store_queue_wake(st);
}

static void jobs_free(struct queue_job *list)
{
    while (list) {
        struct queue_job *j = list;
        list = j->next;
        queue_job_free(j);
    }
}

void store_queue_close(struct store *st)
{
    struct store_queue *q = st->queue;

    if (!q)
        return;
    loop_defer_stop(&q->turn);
    for (size_t i = 0; i < QUEUE_OUT_MAX; i++)
        if (q->out[i])
            queue_job_free(q->out[i]);
    jobs_free(q->settled);
    jobs_free(q->again);
    for (size_t i = 0; i < QUEUE_BUCKETS; i++)
        while (q->hops[i]) {
            struct queue_hop *h = q->hops[i];
            q->hops[i] = h->next;
            jobs_free(h->fresh);
            jobs_free(h->old);
            free(h);
        }
    free(q);
    st->queue = NULL;
}
