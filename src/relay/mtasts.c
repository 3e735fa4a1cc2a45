// SPDX-License-Identifier: ISC
/* The life of what is kept of a domain, RFC 8461 3.3 and 5.1.

       (nothing) ──record seen, fetched──► fresh ──a day, or another id──► fetched anew beside the deliveries ──fine──► fresh
           ▲                                 │                                            └──failed: what is kept still holds,
   tried again later └────────── max_age passed ───────┘
*/
#include "relay/mtasts.h"
#include "base/check.h"
#include "relay/note.h"

const struct mtasts_policy *mtasts_policy_now(const struct mtasts_entry *e, int64_t unix_ms)
{
    return e && e->has_policy && unix_ms < e->fetched_ms + (int64_t)e->policy.max_age_s * 1000 ? &e->policy : NULL;
}

/* How long after the last failure the same id is left alone. */
static int64_t backoff_ms(const struct mtasts_entry *e)
{
    int64_t wait = MTASTS_BACKOFF_MS;
    for (uint32_t i = 1; i < e->failures && wait < MTASTS_BACKOFF_MAX_MS; i++)
        wait *= 2;
    return wait < MTASTS_BACKOFF_MAX_MS ? wait : MTASTS_BACKOFF_MAX_MS;
}

static bool backs_off(const struct mtasts_entry *e, struct str id, int64_t unix_ms)
{
    /* A clock that was set back must not stop fetches for good. */
    return e && e->failed_ms && str_eq(str_c(e->tried_id), id) && unix_ms < e->failed_ms + backoff_ms(e) &&
           unix_ms >= e->failed_ms - MTASTS_BACKOFF_MAX_MS;
}

int64_t mtasts_expires_ms(const struct mtasts_entry *e)
{
    int64_t policy = e->has_policy ? e->fetched_ms + (int64_t)e->policy.max_age_s * 1000 : 0;
    int64_t failure = e->failed_ms ? e->failed_ms + backoff_ms(e) : 0;
    return policy > failure ? policy : failure;
}

enum mtasts_plan mtasts_plan(const struct mtasts_entry *e, enum mtasts_seen seen, struct str id, int64_t unix_ms)
{
    const struct mtasts_policy *p = mtasts_policy_now(e, unix_ms);
    if (seen != MTASTS_RECORD || backs_off(e, id, unix_ms))
        return MTASTS_GO_ON;
    if (!p)
        return MTASTS_FETCH_FIRST;
    return !str_eq(str_c(e->id), id) || unix_ms >= e->fetched_ms + MTASTS_REFRESH_MS ? MTASTS_FETCH_BESIDE : MTASTS_GO_ON;
}

bool mtasts_wants_refresh(const struct mtasts_entry *e, int64_t unix_ms)
{
    return mtasts_policy_now(e, unix_ms) && unix_ms >= e->fetched_ms + MTASTS_REFRESH_MS && !backs_off(e, str_c(e->id), unix_ms);
}

void mtasts_failed(struct mtasts_entry *e, struct str id, enum mtasts_trouble trouble, int64_t unix_ms)
{
    char tried[MTASTS_ID_MAX + 1];
    if (!str_to_c(id.n ? id : str_c(e->id), tried, sizeof tried))
        tried[0] = '\0';
    bool same = e->failed_ms && strcmp(e->tried_id, tried) == 0;
    e->failures = same && e->failures < 100 ? e->failures + 1 : same ? e->failures : 1;
    memcpy(e->tried_id, tried, sizeof tried);
    e->failed_ms = unix_ms ? unix_ms : 1;
    e->trouble = trouble;
}

enum mtasts_trouble mtasts_fetched(struct arena *a, struct mtasts_entry *e, struct str id, struct str text, int64_t unix_ms,
                                   struct why *why)
{
    struct mtasts_policy p;
    if (!mtasts_policy_parse(a, text, &p, why)) {
        mtasts_failed(e, id, MTASTS_POLICY_INVALID, unix_ms);
        return MTASTS_POLICY_INVALID;
    }
    if (id.n)
        check(str_to_c(id, e->id, sizeof e->id)); /* ids come from mtasts_record_parse */
    e->has_policy = true;
    e->policy = p;
    e->fetched_ms = unix_ms;
    e->tried_id[0] = '\0';
    e->failed_ms = 0;
    e->failures = 0;
    e->trouble = MTASTS_FINE;
    return MTASTS_FINE;
}

/* --- as a note --- */

enum { NOTE_VERSION = 1 };

void mtasts_encode(struct buf *to, const struct mtasts_entry *e)
{
    note_put_u64(to, NOTE_VERSION);
    note_put_str(to, str_c(e->tried_id));
    note_put_time(to, e->failed_ms);
    note_put_u64(to, e->failures);
    note_put_u64(to, e->trouble);
    note_put_u64(to, e->has_policy);
    if (!e->has_policy)
        return;
    note_put_str(to, str_c(e->id));
    note_put_time(to, e->fetched_ms);
    note_put_u64(to, e->policy.mode);
    note_put_u64(to, e->policy.max_age_s);
    note_put_u64(to, e->policy.mx_count);
    for (size_t i = 0; i < e->policy.mx_count; i++)
        note_put_str(to, e->policy.mx[i]);
}

static void policy_get(struct note_reader *r, struct arena *a, struct mtasts_entry *to)
{
    r->broken |= !str_to_c(note_get_str(r, MTASTS_ID_MAX), to->id, sizeof to->id);
    to->fetched_ms = note_get_time(r);
    to->policy.mode = (enum mtasts_mode)note_get_u64(r, MTASTS_ENFORCE);
    to->policy.max_age_s = (uint32_t)note_get_u64(r, MTASTS_MAX_AGE_MAX);
    to->policy.mx_count = (size_t)note_get_u64(r, MTASTS_MX_MAX);
    to->policy.mx = r->broken ? NULL : arena_array(a, to->policy.mx_count + 1, sizeof *to->policy.mx);
    r->broken |= !to->policy.mx;
    for (size_t i = 0; !r->broken && i < to->policy.mx_count; i++)
        to->policy.mx[i] = note_get_str(r, DNS_NAME_MAX);
}

bool mtasts_decode(struct arena *a, struct str bytes, struct mtasts_entry *to)
{
    struct note_reader r = {bytes, false};
    *to = (struct mtasts_entry){0};
    if (note_get_u64(&r, UINT64_MAX) != NOTE_VERSION)
        return false;
    r.broken |= !str_to_c(note_get_str(&r, MTASTS_ID_MAX), to->tried_id, sizeof to->tried_id);
    to->failed_ms = note_get_time(&r);
    to->failures = (uint32_t)note_get_u64(&r, 100);
    to->trouble = (enum mtasts_trouble)note_get_u64(&r, MTASTS_WEBPKI_INVALID);
    to->has_policy = note_get_u64(&r, 1) == 1;
    if (to->has_policy)
        policy_get(&r, a, to);
    return !r.broken && r.rest.n == 0;
}
