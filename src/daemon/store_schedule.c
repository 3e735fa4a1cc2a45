// SPDX-License-Identifier: ISC
/* When a recipient is tried again. The older a message is, the longer the pause: as long as it has waited already, between
   retry-first and retry-most, and up to a quarter more by chance, so that what failed together does not come back together. RFC
   5321 4.5.4.1. */
#include "base/random.h"
#include "daemon/store_queue.h"

struct queue_schedule queue_schedule_of(const struct config *c)
{
    return (struct queue_schedule){c->retry_first_ms, c->retry_most_ms, c->warn_after_ms, c->give_up_after_ms};
}

struct queue_verdict queue_verdict(const struct queue_schedule *s, enum outcome o, int64_t received_ms, int64_t now_ms,
                                   int64_t expire_ms, bool warned)
{
    int64_t age = now_ms - received_ms, pause = age, end = received_ms + s->give_up_ms;

    if (expire_ms && expire_ms < end)
        end = expire_ms;
    if (o == DONE)
        return (struct queue_verdict){.done = true};
    if (o == REFUSE || now_ms >= end)
        return (struct queue_verdict){.done = true, .fail = true};
    if (pause < s->first_ms)
        pause = s->first_ms;
    if (pause > s->most_ms)
        pause = s->most_ms;
    pause += (int64_t)random_below((uint64_t)(pause / 4 + 1));
    struct queue_verdict v = {.warn = !warned && s->warn_ms && age >= s->warn_ms, .next_ms = now_ms + pause};
    if (!warned && s->warn_ms && age < s->warn_ms && age + pause > s->warn_ms)
        v.next_ms = received_ms + s->warn_ms; /* then at the latest its sender has to know */
    if (v.next_ms > end)
        v.next_ms = end;
    return v;
}
