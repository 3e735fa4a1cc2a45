// SPDX-License-Identifier: ISC
/* Readers of what stands in the records of the queue and of notes. Their writers stand in plan_queue.c. */
#include "store/fact.h"

enum { RESULT_DONE = 1, RESULT_WARNED = 2 };

bool fact_result_read(struct str payload, struct fact_result *to)
{
    struct dec d = dec_of(payload);
    *to = (struct fact_result){.queue_id = dec_var(&d), .id = dec_var(&d)};
    uint32_t outcome = dec_var32(&d), bits = dec_var32(&d);
    to->outcome =
        outcome == DONE || outcome == REFUSE ? (enum outcome)outcome : RETRY; /* of a version to come: unknown means again */
    to->done = bits & RESULT_DONE;
    to->warned = bits & RESULT_WARNED;
    to->code = dec_var32(&d);
    to->attempts = dec_var32(&d);
    to->at_ms = (int64_t)dec_var(&d);
    to->next_ms = (int64_t)dec_var(&d);
    struct str *texts[] = {&to->status, &to->text, &to->host, &to->ip, &to->tls};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = dec_str(&d);
    return !d.bad;
}

bool fact_change_read(struct str payload, struct fact_change *to)
{
    struct dec d = dec_of(payload);
    *to = (struct fact_change){.what = dec_var32(&d), .next_ms = (int64_t)dec_var(&d), .expire_ms = (int64_t)dec_var(&d)};
    to->priority = (int32_t)dec_var32(&d) - 128;
    to->domain = dec_str(&d);
    to->route = dec_str(&d);
    to->count = dec_var32(&d);
    to->ids = d;
    return !d.bad;
}

bool fact_note_read(struct str payload, struct fact_note *to)
{
    struct dec d = dec_of(payload);
    *to = (struct fact_note){.kind = dec_var32(&d), .expires_ms = (int64_t)dec_var(&d)};
    to->key = dec_str(&d);
    to->value = dec_str(&d);
    return !d.bad;
}

struct str fact_domain(struct str address, char to[256])
{
    size_t at = str_find_last(address, '@'), n = 0;
    for (size_t i = at + 1; i < address.n && n < 255; i++)
        to[n++] = ascii_lower(address.p[i]);
    return str_of(to, n);
}
