// SPDX-License-Identifier: ISC
/* What becomes a job: just accepted mail at once, everything else from the index when it is due. See store_queue.h. */
#include "base/clock.h"
#include "daemon/store_queue.h"

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
    struct queue_hop *h = n ? queue_hop_get(q, domain) : NULL;
    struct queue_job *j = h ? queue_job_new(q, h, a->id, n) : NULL;
    if (n && !j)
        look_again(q, a->received_ms);
    if (h && !j)
        queue_hop_review(q, h);
    if (!j)
        return n > 0;
    j->place = a->place;
    j->has_place = true;
    j->received_ms = a->received_ms;
    j->class = queue_class_of(a->priority);
    for (uint32_t i = 0; i < n; i++)
        queue_job_add(q, j, &(struct queue_entry){.queue_id = a->queued[list[i]].queue_id, .n = list[i]});
    queue_job_wait(j, true);
    if (j->class == QUEUE_URGENT)
        queue_hop_leave_ring(q, h); /* to come in first */
    queue_hop_review(q, h);
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

    if (p->stopped || queue_busy(q, r->queue_id))
        return;
    bool expired = r->expire_ms && r->expire_ms <= now;
    if (!j || j->id != r->id || j->count == QUEUE_JOB_RCPTS || !str_eq(j->route, r->route) || j->entry[0].expired != expired) {
        j = queue_job_new(q, p->hop, r->id, QUEUE_JOB_RCPTS);
        if (!j || (r->route.n && !(j->route = arena_str(&j->arena, r->route)).p)) {
            if (j)
                queue_job_free(j);
            p->stopped = true;
            return;
        }
        j->received_ms = r->received_ms;
        j->class = queue_class_of(r->priority);
        queue_job_wait(j, false);
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
    queue_job_add(q, j, &e);
}

/* A page of its due entries becomes jobs; before them, wherever they stand, urgent ones. */
void queue_hop_load(struct store_queue *q, struct queue_hop *h)
{
    struct page p = {q, h, NULL, false};
    struct engine *e = q->store->engine;
    struct engine_due before = h->cursor;
    uint64_t known = engine_index_position(e);
    engine_queue_urgent(e, str_of(h->domain, h->n), clock_unix_ms(), QUEUE_JOB_RCPTS, page_row, &p);
    p.last = NULL;
    bool more = engine_queue_due_of(e, str_of(h->domain, h->n), clock_unix_ms(), &h->cursor, QUEUE_JOB_RCPTS, page_row, &p);

    for (int k = 0; k < QUEUE_CLASSES; k++)
        for (struct queue_job *j = h->old[k].first; j; j = j->next) { /* how many it would have was not known before */
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
    struct queue_hop *h = queue_hop_find(q, r->domain);

    if (queue_busy(q, r->queue_id))
        return;
    if (!h && !(h = queue_hop_get(q, r->domain))) {
        q->missed = true;
        return;
    }
    queue_hop_more(q, h, (struct engine_due){r->next_ms, r->queue_id - 1});
    queue_hop_review(q, h);
}

/* Everything that is due up to a moment, once the index knows all that was durable then. */
void queue_scan(struct store_queue *q)
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
