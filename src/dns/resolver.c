// SPDX-License-Identifier: ISC
/* The table of questions, the same for every backend: bounds, time-outs, cancelling.

       FREE --dns_ask--> ASKED --dns_resolver_done--> FREE         the callback gets the answer
                           |--time is over----------> LEFT         the callback gets TIMEOUT
                           |--dns_cancel------------> LEFT         nobody is told
                         LEFT  --dns_resolver_done--> FREE         libunbound cannot be told to stop working on a question: its slot stays
                           |--never answered           taken until it has

   So there are more slots than questions that may wait, and what works for nobody is bounded as well. */
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/fail.h"
#include "dns/inside.h"

enum slot_state { SLOT_FREE, SLOT_ASKED, SLOT_LEFT };
static const uint32_t NONE = UINT32_MAX;

struct slot {
    enum slot_state state;
    enum dns_type type;
    uint32_t generation;      /* makes ids of one slot differ */
    uint32_t older, newer;    /* ASKED: in order of asking, which is the order of deadlines; FREE: newer is the next free one */
    int64_t deadline_ms;
    dns_callback *done;
    void *self;
    char *name;               /* our form, with NUL */
};

struct dns_resolver {
    const struct dns_backend *backend;
    void *self;
    struct slot *slots;
    uint32_t slot_count, fresh; /* fresh: from there on slots were never used, and their memory never touched */
    uint32_t free, oldest, newest;
    uint32_t asked, asked_max, timeout_ms;
    bool in_turn;
};

uint32_t dns_slot_count(uint32_t outstanding_max)
{
    return 4 * (outstanding_max ? outstanding_max : DNS_OUTSTANDING_MAX);
}

struct dns_resolver *dns_resolver_make(const struct dns_backend *backend, void *self, uint32_t outstanding_max, uint32_t timeout_ms)
{
    struct dns_resolver *r = fail_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->asked_max = outstanding_max ? outstanding_max : DNS_OUTSTANDING_MAX;
    r->timeout_ms = timeout_ms ? timeout_ms : DNS_TIMEOUT_MS;
    r->slot_count = dns_slot_count(r->asked_max);
    r->slots = fail_calloc(r->slot_count, sizeof *r->slots);
    if (!r->slots) {
        free(r);
        return NULL;
    }
    r->free = r->oldest = r->newest = NONE;
    r->backend = backend;
    r->self = self;
    return r;
}

void dns_resolver_free(struct dns_resolver *r)
{
    if (!r)
        return;
    check(!r->in_turn);
    r->backend->free(r->self);
    for (uint32_t i = 0; i < r->fresh; i++)
        free(r->slots[i].name);
    free(r->slots);
    free(r);
}

void *dns_resolver_backend(struct dns_resolver *r)
{
    return r->self;
}

/* Out of the list of those who wait. */
static void unlist(struct dns_resolver *r, struct slot *s)
{
    if (s->older != NONE)
        r->slots[s->older].newer = s->newer;
    else
        r->oldest = s->newer;
    if (s->newer != NONE)
        r->slots[s->newer].older = s->older;
    else
        r->newest = s->older;
    s->state = SLOT_LEFT;
    r->asked--;
}

static void release(struct dns_resolver *r, uint32_t at)
{
    struct slot *s = &r->slots[at];
    free(s->name);
    s->name = NULL;
    s->state = SLOT_FREE;
    s->generation++;
    s->newer = r->free;
    r->free = at;
}

static void enlist(struct dns_resolver *r, uint32_t at)
{
    struct slot *s = &r->slots[at];
    s->state = SLOT_ASKED;
    s->deadline_ms = clock_mono_ms() + r->timeout_ms;
    s->older = r->newest;
    s->newer = NONE;
    if (r->newest != NONE)
        r->slots[r->newest].newer = at;
    else
        r->oldest = at;
    r->newest = at;
    r->asked++;
}

/* Names that cannot exist wait for their answer with a deadline that has passed, in front of all others: no backend hears of them. */
static void enlist_first(struct dns_resolver *r, uint32_t at)
{
    struct slot *s = &r->slots[at];
    s->state = SLOT_ASKED;
    s->deadline_ms = INT64_MIN;
    s->newer = r->oldest;
    s->older = NONE;
    if (r->oldest != NONE)
        r->slots[r->oldest].older = at;
    else
        r->newest = at;
    r->oldest = at;
    r->asked++;
}

uint64_t dns_ask(struct dns_resolver *r, struct str name, enum dns_type type, dns_callback *done, void *self)
{
    char text[DNS_NAME_MAX + 1];
    struct buf b;
    check(dns_type_known((uint32_t)type));
    if (r->asked == r->asked_max)
        return 0;
    if (r->free == NONE && r->fresh < r->slot_count) {
        r->free = r->fresh++;
        r->slots[r->free].newer = NONE;
    }
    if (r->free == NONE)
        return 0;
    buf_fixed(&b, text, DNS_NAME_MAX);
    bool possible = dns_name_normal(name, &b);
    struct str kept = possible ? buf_str(&b) : str_head(name, DNS_NAME_MAX - 1);
    uint32_t at = r->free;
    struct slot *s = &r->slots[at];
    s->name = fail_malloc(kept.n + 1);
    if (!s->name)
        return 0;
    memcpy(s->name, kept.p ? kept.p : "", kept.n);
    s->name[kept.n] = '\0';
    r->free = s->newer;
    s->type = type;
    s->done = done;
    s->self = self;
    if (!possible) {
        enlist_first(r, at);
    } else if (r->backend->ask(r->self, at, s->name, type)) {
        enlist(r, at);
    } else {
        release(r, at);
        return 0;
    }
    return ((uint64_t)s->generation << 32 | at) + 1;
}

void dns_cancel(struct dns_resolver *r, uint64_t id)
{
    uint32_t at = (uint32_t)((id - 1) & UINT32_MAX), generation = (uint32_t)((id - 1) >> 32);
    if (id == 0 || at >= r->fresh)
        return;
    struct slot *s = &r->slots[at];
    if (s->state != SLOT_ASKED || s->generation != generation)
        return;
    bool unheard = s->deadline_ms == INT64_MIN;
    unlist(r, s);
    if (unheard)
        release(r, at);
}

/* Hands an answer out. The slot may be released before: the name is kept for as long as the callback runs. */
static void tell(struct dns_resolver *r, uint32_t at, struct dns_answer *answer, bool keep_slot)
{
    struct slot *s = &r->slots[at];
    dns_callback *done = s->done;
    void *self = s->self;
    char *name = s->name;
    answer->name = str_c(name);
    answer->type = s->type;
    if (answer->canonical.n == 0)
        answer->canonical = answer->name;
    unlist(r, s);
    s->name = NULL;
    if (!keep_slot)
        release(r, at);
    done(self, answer);
    free(name);
}

void dns_resolver_done(struct dns_resolver *r, uint32_t at, struct dns_answer *answer)
{
    check(r->in_turn && at < r->fresh && r->slots[at].state != SLOT_FREE);
    if (r->slots[at].state == SLOT_LEFT)
        release(r, at);
    else
        tell(r, at, answer, false);
}

static void turn_late(struct dns_resolver *r)
{
    int64_t now = clock_mono_ms();
    /* Counted, so that who asks for an impossible name again and again from its callback does not hold the turn. */
    for (uint32_t n = r->asked; n > 0 && r->oldest != NONE && r->slots[r->oldest].deadline_ms <= now; n--) {
        struct dns_answer late = {.status = DNS_TIMEOUT, .why = S("no answer from the servers in charge in time")};
        struct dns_answer impossible = {.status = DNS_NXDOMAIN};
        bool unheard = r->slots[r->oldest].deadline_ms == INT64_MIN;
        tell(r, r->oldest, unheard ? &impossible : &late, !unheard);
    }
}

void dns_resolver_turn(struct dns_resolver *r)
{
    check(!r->in_turn);
    r->in_turn = true;
    r->backend->turn(r->self);
    turn_late(r);
    r->in_turn = false;
}

int dns_resolver_fd(const struct dns_resolver *r)
{
    return r->backend->fd(r->self);
}

int64_t dns_resolver_deadline_ms(const struct dns_resolver *r)
{
    int64_t own = r->backend->deadline_ms(r->self);
    if (r->oldest == NONE)
        return own;
    int64_t first = r->slots[r->oldest].deadline_ms;
    first = first < 1 ? 1 : first;
    return own != 0 && own < first ? own : first;
}

size_t dns_resolver_outstanding(const struct dns_resolver *r)
{
    return r->asked;
}

const char *dns_resolver_text(const struct dns_resolver *r)
{
    return r->backend->text(r->self);
}
