// SPDX-License-Identifier: ISC
/* Counters of TLS sessions, RFC 8460 4: a list of policies, each with a list of different failures. Everything is bounded: what
   would be too much is counted in less detail, never dropped. */
#include "relay/tlsrpt.h"
#include "base/check.h"
#include "base/utf8.h"
#include "relay/note.h"

enum {
    NOTE_VERSION = 1,
    COUNT_MAX_BITS = 53, /* RFC 7493 2.2: what every reader of JSON can hold */
    DETAIL_COST = 24,    /* of the numbers and lengths of a detail, encoded */
    POLICY_COST = 48,
    /* Kept for details without texts: one a result and policy, and for one policy a type. */
    RESERVE = TLSRPT_POLICIES_MAX * TLSRPT_RESULTS * DETAIL_COST + TLSRPT_POLICY_TYPES * POLICY_COST + 512,
};

int64_t tlsrpt_day_of(int64_t unix_ms)
{
    int64_t day = unix_ms / 86400000;
    return day - (unix_ms % 86400000 < 0);
}

bool tlsrpt_begin(struct tlsrpt_day *d, struct arena *a, struct str domain, int64_t day)
{
    *d = (struct tlsrpt_day){.a = a, .day = day, .domain = arena_str(a, domain), .size = domain.n + 32};
    return d->domain.p != NULL;
}

static void count_add(uint64_t *to, uint64_t n)
{
    uint64_t most = (UINT64_C(1) << COUNT_MAX_BITS) - 1;
    *to = n > most - *to ? most : *to + n;
}

/* --- policies --- */

static bool lists_equal(const struct str *a, size_t an, const struct str *b, size_t bn)
{
    if (an != bn)
        return false;
    for (size_t i = 0; i < an; i++)
        if (!str_eq(a[i], b[i]))
            return false;
    return true;
}

static size_t list_cost(const struct str *s, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += s[i].n + 3;
    return sum;
}

static bool list_copy(struct arena *a, const struct str *from, size_t n, struct str **to)
{
    *to = n ? arena_array(a, n, sizeof **to) : NULL;
    for (size_t i = 0; *to && i < n; i++) {
        (*to)[i] = arena_str(a, from[i]);
        if (!(*to)[i].p)
            return false;
    }
    return n == 0 || *to;
}

static struct tlsrpt_policy *policy_new(struct tlsrpt_day *d, const struct tlsrpt_policy *like)
{
    struct tlsrpt_policy *p = arena_new(d->a, struct tlsrpt_policy), **last = &d->policy;
    if (!p)
        return NULL;
    *p = (struct tlsrpt_policy){.type = like->type, .lines = like->lines, .mx_patterns = like->mx_patterns};
    if (!list_copy(d->a, like->line, like->lines, &p->line) ||
        !list_copy(d->a, like->mx_pattern, like->mx_patterns, &p->mx_pattern))
        return NULL;
    while (*last)
        last = &(*last)->next;
    *last = p;
    d->policies++;
    d->size += POLICY_COST + list_cost(p->line, p->lines) + list_cost(p->mx_pattern, p->mx_patterns);
    return p;
}

/* The policy to count under: the same one, a new one, or, when there is no room for it, another one of its type. NULL: no memory.
 */
static struct tlsrpt_policy *policy_for(struct tlsrpt_day *d, struct tlsrpt_policy like)
{
    struct tlsrpt_policy *of_type = NULL;
    like.lines = like.lines < TLSRPT_LINES_MAX ? like.lines : TLSRPT_LINES_MAX;
    like.mx_patterns = like.mx_patterns < TLSRPT_LINES_MAX ? like.mx_patterns : TLSRPT_LINES_MAX;
    for (struct tlsrpt_policy *p = d->policy; p; p = p->next) {
        if (p->type != like.type)
            continue;
        if (lists_equal(p->line, p->lines, like.line, like.lines) &&
            lists_equal(p->mx_pattern, p->mx_patterns, like.mx_pattern, like.mx_patterns))
            return p;
        of_type = p;
    }
    size_t cost = POLICY_COST + list_cost(like.line, like.lines) + list_cost(like.mx_pattern, like.mx_patterns);
    bool room = d->size + cost + RESERVE <= TLSRPT_NOTE_MAX && d->policies + TLSRPT_POLICY_TYPES <= TLSRPT_POLICIES_MAX;
    if (!room && of_type)
        return of_type;
    if (!room)
        like.lines = like.mx_patterns = 0;
    return policy_new(d, &like);
}

/* --- details --- */

/* Peers' text: printable, short, whole characters. */
static struct str clean(struct str s, char space[4 * TLSRPT_TEXT_MAX])
{
    struct buf b;
    size_t n = 0, used = 0;
    buf_fixed(&b, space, 4 * TLSRPT_TEXT_MAX);
    utf8_add_printable(&b, str_head(s, TLSRPT_TEXT_MAX));
    struct str whole = buf_str(&b);
    while (n < whole.n) {
        utf8_next(str_skip(whole, n), &used);
        if (n + used > TLSRPT_TEXT_MAX)
            break;
        n += used;
    }
    return str_head(whole, n);
}

/* The texts of a detail, so that all are treated the same. */
enum { TEXTS = 5 };
static struct str *texts_of(struct tlsrpt_detail *d, int which)
{
    struct str *all[TEXTS] = {&d->sending_ip, &d->mx_host, &d->mx_helo, &d->receiving_ip, &d->reason};
    return all[which];
}

static bool details_equal(struct tlsrpt_detail *a, struct tlsrpt_detail *b)
{
    bool same = a->result == b->result;
    for (int i = 0; same && i < TEXTS; i++)
        same = str_eq(*texts_of(a, i), *texts_of(b, i));
    return same;
}

static size_t detail_cost(struct tlsrpt_detail *d)
{
    size_t sum = DETAIL_COST;
    for (int i = 0; i < TEXTS; i++)
        sum += texts_of(d, i)->n;
    return sum;
}

static struct tlsrpt_detail *detail_find(struct tlsrpt_policy *p, struct tlsrpt_detail *like)
{
    for (struct tlsrpt_detail *d = p->detail; d; d = d->next)
        if (details_equal(d, like))
            return d;
    return NULL;
}

static bool detail_add(struct tlsrpt_day *day, struct tlsrpt_policy *p, struct tlsrpt_detail like, uint64_t count)
{
    struct tlsrpt_detail *d = detail_find(p, &like), **last = &p->detail;
    if (!d && (p->details + TLSRPT_RESULTS > TLSRPT_DETAILS_MAX || day->size + detail_cost(&like) + RESERVE > TLSRPT_NOTE_MAX)) {
        like = (struct tlsrpt_detail){.result = like.result}; /* without its texts it surely has room */
        d = detail_find(p, &like);
    }
    if (!d) {
        d = arena_new(day->a, struct tlsrpt_detail);
        if (!d)
            return false;
        *d = (struct tlsrpt_detail){.result = like.result};
        for (int i = 0; i < TEXTS; i++) {
            *texts_of(d, i) = arena_str(day->a, *texts_of(&like, i));
            if (!texts_of(d, i)->p)
                return false;
        }
        while (*last)
            last = &(*last)->next;
        *last = d;
        p->details++;
        day->size += detail_cost(d);
    }
    count_add(&d->count, count);
    count_add(&p->failure, count);
    return true;
}

bool tlsrpt_add(struct tlsrpt_day *d, const struct tlsrpt_event *e)
{
    char space[TEXTS][4 * TLSRPT_TEXT_MAX];
    struct tlsrpt_policy like = {.type = e->type,
                                 .line = (struct str *)e->line, /* only read */
                                 .lines = e->lines,
                                 .mx_pattern = (struct str *)e->mx_pattern,
                                 .mx_patterns = e->mx_patterns};
    struct tlsrpt_policy *p = policy_for(d, like);
    struct tlsrpt_detail detail = {.result = e->result,
                                   .sending_ip = e->sending_ip,
                                   .mx_host = e->mx_host,
                                   .mx_helo = e->mx_helo,
                                   .receiving_ip = e->receiving_ip,
                                   .reason = e->reason};
    if (!p)
        return false;
    if (e->result == TLSRPT_SUCCESS) {
        count_add(&p->success, 1);
        return true;
    }
    for (int i = 0; i < TEXTS; i++)
        *texts_of(&detail, i) = clean(*texts_of(&detail, i), space[i]);
    return detail_add(d, p, detail, 1);
}

bool tlsrpt_merge(struct tlsrpt_day *to, const struct tlsrpt_day *from)
{
    check(to->day == from->day && str_eq(to->domain, from->domain));
    for (const struct tlsrpt_policy *p = from->policy; p; p = p->next) {
        struct tlsrpt_policy *into = policy_for(to, *p);
        if (!into)
            return false;
        count_add(&into->success, p->success);
        for (const struct tlsrpt_detail *d = p->detail; d; d = d->next)
            if (!detail_add(to, into, *d, d->count))
                return false;
    }
    return true;
}

/* --- as a note --- */

static void list_put(struct buf *to, const struct str *s, size_t n)
{
    note_put_u64(to, n);
    for (size_t i = 0; i < n; i++)
        note_put_str(to, s[i]);
}

void tlsrpt_encode(struct buf *to, const struct tlsrpt_day *d)
{
    note_put_u64(to, NOTE_VERSION);
    note_put_u64(to, (uint64_t)d->day);
    note_put_str(to, d->domain);
    note_put_u64(to, d->policies);
    for (struct tlsrpt_policy *p = d->policy; p; p = p->next) {
        note_put_u64(to, p->type);
        list_put(to, p->line, p->lines);
        list_put(to, p->mx_pattern, p->mx_patterns);
        note_put_u64(to, p->success);
        note_put_u64(to, p->details);
        for (struct tlsrpt_detail *e = p->detail; e; e = e->next) {
            note_put_u64(to, e->result);
            note_put_u64(to, e->count);
            for (int i = 0; i < TEXTS; i++)
                note_put_str(to, *texts_of(e, i));
        }
    }
}

static struct str *list_get(struct note_reader *r, struct arena *a, size_t *n)
{
    *n = (size_t)note_get_u64(r, TLSRPT_LINES_MAX);
    struct str *s = r->broken ? NULL : arena_array(a, *n + 1, sizeof *s);
    r->broken |= !s;
    for (size_t i = 0; !r->broken && i < *n; i++)
        s[i] = note_get_str(r, TLSRPT_NOTE_MAX);
    return s;
}

static void details_get(struct note_reader *r, struct tlsrpt_day *day, struct tlsrpt_policy *p)
{
    struct tlsrpt_detail **last = &p->detail;
    p->details = (size_t)note_get_u64(r, TLSRPT_DETAILS_MAX);
    for (size_t i = 0; !r->broken && i < p->details; i++) {
        struct tlsrpt_detail *d = arena_new(day->a, struct tlsrpt_detail);
        if (!d) {
            r->broken = true;
            return;
        }
        d->result = (enum tlsrpt_result)note_get_u64(r, TLSRPT_RESULTS - 1);
        d->count = note_get_u64(r, (UINT64_C(1) << COUNT_MAX_BITS) - 1);
        for (int k = 0; k < TEXTS; k++)
            *texts_of(d, k) = note_get_str(r, TLSRPT_TEXT_MAX);
        r->broken |= d->result == TLSRPT_SUCCESS || d->count == 0 || detail_find(p, d);
        count_add(&p->failure, d->count);
        day->size += detail_cost(d);
        *last = d;
        last = &d->next;
    }
}

bool tlsrpt_decode(struct arena *a, struct str bytes, struct tlsrpt_day *to)
{
    struct note_reader r = {bytes, false};
    struct tlsrpt_policy **last = &to->policy;
    *to = (struct tlsrpt_day){.a = a};
    if (bytes.n > TLSRPT_NOTE_MAX || note_get_u64(&r, UINT64_MAX) != NOTE_VERSION)
        return false;
    to->day = (int64_t)note_get_u64(&r, 100000000);
    to->domain = note_get_str(&r, 255);
    to->size = to->domain.n + 32;
    to->policies = (size_t)note_get_u64(&r, TLSRPT_POLICIES_MAX);
    for (size_t i = 0; !r.broken && i < to->policies; i++) {
        struct tlsrpt_policy *p = arena_new(a, struct tlsrpt_policy);
        if (!p)
            return false;
        p->type = (enum tlsrpt_policy_type)note_get_u64(&r, TLSRPT_POLICY_TYPES - 1);
        p->line = list_get(&r, a, &p->lines);
        p->mx_pattern = list_get(&r, a, &p->mx_patterns);
        p->success = note_get_u64(&r, (UINT64_C(1) << COUNT_MAX_BITS) - 1);
        details_get(&r, to, p);
        to->size += POLICY_COST + (r.broken ? 0 : list_cost(p->line, p->lines) + list_cost(p->mx_pattern, p->mx_patterns));
        *last = p;
        last = &p->next;
    }
    return !r.broken && r.rest.n == 0;
}
