// SPDX-License-Identifier: ISC
/* What the relay says of a job: answers, or that it comes back. See store_queue.h. */
#include "base/clock.h"
#include "daemon/store_queue.h"

static void job_leave(struct store_queue *q, struct queue_job *j)
{
    struct queue_hop *h = j->hop;

    q->out[j->number % QUEUE_OUT_MAX] = NULL;
    q->out_count--;
    q->ahead -= j->ahead;
    j->ahead = 0;
    h->out--;
    j->hop = NULL;
    queue_hop_review(q, h);
    store_queue_wake(q->store);
}

static struct str keep(struct queue_job *j, struct str s)
{
    struct str mine = arena_str(&j->arena, str_head(s, QUEUE_TEXT_MAX));

    return mine.p ? mine : STR_NONE;
}

struct queue_entry *queue_job_entry(struct queue_job *j, uint64_t queue_id)
{
    struct queue_entry *e = queue_busy(queue_of(j), queue_id);

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

static void give_back(struct store_queue *q, struct queue_job *j)
{
    if (queue_job_shrink(q, j))
        queue_settle(j);
}

void queue_hop_hint(struct store_queue *q, struct str domain, uint32_t most, int64_t not_before_ms, struct str why)
{
    struct queue_hop *h = queue_hop_find(q, domain);

    if (!h)
        return;
    h->most = most > 0 && most < QUEUE_HOP_OUT_MAX ? most : most == 0 ? 1 : QUEUE_HOP_OUT_MAX; /* one always finds out what is */
    if (not_before_ms > clock_unix_ms())
        queue_hop_block(q, h, not_before_ms, why);
    queue_hop_review(q, h);
    store_queue_wake(q->store);
}

void queue_back(struct queue_job *j, int64_t not_before_ms, struct str why)
{
    struct store_queue *q = queue_of(j);
    struct queue_hop *h = j->hop;
    struct queue_schedule s = queue_schedule_of(q->store->config);
    int64_t now = clock_unix_ms(), age = now - j->received_ms;

    if (j->answered < j->count)
        queue_hop_more(q, h, (struct engine_due){0});
    if (not_before_ms > now)
        queue_hop_block(q, h, not_before_ms, why);
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
            queue_hop_more(q, j->hop, (struct engine_due){0});
        job_leave(q, j);
        give_back(q, j);
    }
    q->window = 0;
}
