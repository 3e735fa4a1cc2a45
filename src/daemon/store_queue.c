// SPDX-License-Identifier: ISC
/* Which message goes out next; what operators change; the life of it all. See store_queue.h. */
#include <stdlib.h>
#include "base/clock.h"
#include "daemon/store_queue.h"

/* ---- out ---- */

struct queue_job *queue_job_find(struct store_queue *q, uint64_t number)
{
    struct queue_job *j = q->out[number % QUEUE_OUT_MAX];

    return j && j->number == number ? j : NULL;
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
        queue_hop_review(q, h);
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
    queue_hop_review(q, h);
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
        if (h->more && !queue_hop_has_old(h))
            queue_hop_load(q, h);
        q->ring = h->after;
        struct queue_job *j = queue_hop_take(h);
        if (j) {
            send_out(q, h, j);
        } else if (h->more) { /* the index is behind, or memory is short */
            queue_hop_leave_ring(q, h);
        } else {
            queue_hop_review(q, h);
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
        queue_scan(q);
    dispatch(q);
}

void store_queue_wake(struct store *st)
{
    if (st->queue && st->engine && !st->closing)
        loop_defer_start(&st->queue->turn);
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
            queue_hop_unload(q, h); /* what has not been sent yet is looked up anew */
            if (op->kind == OP_QUEUE_CHANGE && (op->queue_change.what & (QUEUE_NEXT | QUEUE_ROUTE)) &&
                (!domain.n || str_eq_icase(domain, str_of(h->domain, h->n))))
                h->kicked |= h->blocked_until != 0, h->blocked_until = 0;
            if (h->more)
                queue_hop_more(q, h, (struct engine_due){0});
            queue_hop_review(q, h);
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
    struct queue_hop *h = queue_hop_find(st->queue, domain);
    struct queue_entry *e = queue_id ? queue_busy(st->queue, queue_id) : NULL;

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
            queue_hop_review(q, h);
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
            for (int k = 0; k < QUEUE_CLASSES; k++) {
                jobs_free(h->fresh[k].first);
                jobs_free(h->old[k].first);
            }
            free(h);
        }
    free(q);
    st->queue = NULL;
}
