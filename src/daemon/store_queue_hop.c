// SPDX-License-Identifier: ISC
/* Domains with something under way, and their jobs. See store_queue.h. */
#include "base/clock.h"
#include "base/hash.h"
#include "daemon/store_queue.h"
#include <stdlib.h>

/* ---- busy entries ---- */

static struct queue_entry **bucket(struct store_queue *q, uint64_t queue_id)
{
    return &q->busy[(queue_id * 0x9e3779b97f4a7c15u) >> 50];
}

struct queue_entry *queue_busy(struct store_queue *q, uint64_t queue_id)
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

struct queue_hop *queue_hop_find(struct store_queue *q, struct str domain)
{
    struct queue_hop *h = *hop_bucket(q, domain);

    while (h && !str_eq(str_of(h->domain, h->n), domain))
        h = h->next;
    return h;
}

static void lists_init(struct queue_hop *h)
{
    for (int k = 0; k < QUEUE_CLASSES; k++) {
        h->fresh[k] = (struct queue_list){NULL, &h->fresh[k].first};
        h->old[k] = (struct queue_list){NULL, &h->old[k].first};
    }
}

enum queue_class queue_class_of(int priority)
{
    return priority > 0 ? QUEUE_URGENT : priority > -4 ? QUEUE_USUAL : QUEUE_SLOW;
}

static bool has_urgent(const struct queue_hop *h)
{
    return h->fresh[QUEUE_URGENT].first || h->old[QUEUE_URGENT].first;
}

bool queue_hop_has_old(const struct queue_hop *h)
{
    return h->old[QUEUE_URGENT].first || h->old[QUEUE_USUAL].first || h->old[QUEUE_SLOW].first;
}

static bool has_fresh(const struct queue_hop *h)
{
    return h->fresh[QUEUE_URGENT].first || h->fresh[QUEUE_USUAL].first || h->fresh[QUEUE_SLOW].first;
}

struct queue_hop *queue_hop_get(struct store_queue *q, struct str domain)
{
    struct queue_hop **at = hop_bucket(q, domain), *h = queue_hop_find(q, domain);

    if (h)
        return h;
    h = q->hop_count < QUEUE_HOPS_MAX ? calloc(1, sizeof *h + domain.n) : NULL;
    if (!h)
        return NULL;
    h->n = domain.n;
    h->most = QUEUE_HOP_OUT_MAX;
    if (domain.n)
        memcpy(h->domain, domain.p, domain.n);
    lists_init(h);
    h->next = *at;
    *at = h;
    q->hop_count++;
    return h;
}

void queue_hop_leave_ring(struct store_queue *q, struct queue_hop *h)
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
void queue_hop_review(struct store_queue *q, struct queue_hop *h)
{
    bool work = has_fresh(h) || queue_hop_has_old(h) || h->more, urgent = has_urgent(h);

    if (!work && h->out == 0 && !h->blocked_until && h->most == QUEUE_HOP_OUT_MAX && !h->kicked) {
        struct queue_hop **at = hop_bucket(q, str_of(h->domain, h->n));
        queue_hop_leave_ring(q, h);
        while (*at != h)
            at = &(*at)->next;
        *at = h->next;
        q->hop_count--;
        free(h);
        return;
    }
    if (!work || h->blocked_until || h->out >= h->most + (urgent ? QUEUE_HOP_URGENT : 0)) {
        queue_hop_leave_ring(q, h);
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
    if (urgent)
        q->ring = h; /* but with something urgent it has one before theirs */
}

/* The index may have something due for it from here on. */
void queue_hop_more(struct store_queue *q, struct queue_hop *h, struct engine_due from)
{
    if (!h->more || from.next_ms < h->cursor.next_ms || (from.next_ms == h->cursor.next_ms && from.queue_id < h->cursor.queue_id))
        h->cursor = from;
    h->more = true;
    h->position = engine_position(q->store->engine);
}

/* ---- jobs ---- */

struct queue_job *queue_job_new(struct store_queue *q, struct queue_hop *h, uint64_t id, uint32_t count)
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

void queue_job_add(struct store_queue *q, struct queue_job *j, const struct queue_entry *e)
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

void queue_job_wait(struct queue_job *j, bool fresh)
{
    struct queue_list *l = fresh ? &j->hop->fresh[j->class] : &j->hop->old[j->class];

    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
}

static struct queue_job *take(struct queue_list *l)
{
    struct queue_job *j = l->first;

    if (j && !(l->first = j->next))
        l->last = &l->first;
    return j;
}

struct queue_job *queue_hop_take(struct queue_hop *h)
{
    bool odd = h->odd = !h->odd;

    for (int k = 0; k < QUEUE_CLASSES; k++)
        if (h->fresh[k].first || h->old[k].first)
            return take(h->old[k].first && (odd || !h->fresh[k].first) ? &h->old[k] : &h->fresh[k]);
    return NULL;
}

/* All that waits here goes back to what the index says of it. */
void queue_hop_unload(struct store_queue *q, struct queue_hop *h)
{
    struct queue_job *j;

    if (has_fresh(h) || queue_hop_has_old(h))
        queue_hop_more(q, h, (struct engine_due){0});
    while ((j = queue_hop_take(h)))
        queue_job_free(j);
}

void queue_hop_block(struct store_queue *q, struct queue_hop *h, int64_t until_ms, struct str why)
{
    int64_t most = clock_unix_ms() + q->store->config->retry_most_ms;

    h->blocked_until = until_ms < most ? until_ms : most;
    if (!str_to_c(str_head(why, sizeof h->why - 1), h->why, sizeof h->why))
        h->why[0] = '\0';
}

/* Entries are linked into buckets where they lie: out of them first, then those that stay in again, as they move. */
bool queue_job_shrink(struct store_queue *q, struct queue_job *j)
{
    uint32_t count = j->count;

    job_forget_entries(q, j);
    j->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (j->entry[i].answered) {
            struct queue_entry e = j->entry[i];
            queue_job_add(q, j, &e);
        }
    j->room = j->count;
    q->entry_count += j->room;
    if (j->count > 0)
        return true;
    queue_job_free(j);
    return false;
}
