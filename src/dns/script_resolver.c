// SPDX-License-Identifier: ISC
/* The scripted twin answers: looks names up as a resolver that sees the whole world in one text would. */
#include <stdlib.h>
#include "base/clock.h"
#include "base/fail.h"
#include "dns/script_inside.h"

/* Is name zone itself or below it? */
static bool is_within(struct str name, struct str zone)
{
    if (str_eq(zone, S(".")) || str_eq(name, zone))
        return true;
    return name.n > zone.n && str_ends(name, zone) && name.p[name.n - zone.n - 1] == '.';
}

static bool is_secure(const struct dns_script *s, struct str name)
{
    const struct script_zone *best = NULL;
    for (const struct script_zone *z = s->zones; z; z = z->next)
        if (is_within(name, z->name) && (!best || z->name.n > best->name.n))
            best = z;
    return best && best->secure;
}

static const struct script_line *find(const struct dns_script *s, struct str name, enum dns_type type)
{
    for (const struct script_line *l = s->lines; l; l = l->next)
        if (str_eq(l->name, name) && (l->any || l->type == type))
            return l;
    return NULL;
}

static bool exists(const struct dns_script *s, struct str name)
{
    for (const struct script_line *l = s->lines; l; l = l->next)
        if (is_within(l->name, name))
            return true;
    return false;
}

static bool collect(struct arena *a, const struct script_line *first, struct dns_answer *to)
{
    size_t count = 0, sum = 0;
    for (const struct script_line *l = first; l; l = l->next)
        count += l->status == DNS_OK && l->type == first->type && str_eq(l->name, first->name);
    if (!dns_answer_room(a, to, count))
        return false;
    for (const struct script_line *l = first; l; l = l->next)
        if (l->status == DNS_OK && l->type == first->type && str_eq(l->name, first->name) && to->count < DNS_RECORDS_MAX) {
            sum += dns_record_size(&l->record);
            if (sum > DNS_TEXT_SUM_MAX) {
                to->cut = true;
                break;
            }
            to->records[to->count++] = l->record;
            to->ttl_s = l->ttl_s < to->ttl_s ? l->ttl_s : to->ttl_s;
        }
    return true;
}

bool dns_script_answer(const struct dns_script *s, struct arena *a, struct str name, enum dns_type type, struct dns_answer *to)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    struct dns_answer made = {.status = DNS_NXDOMAIN, .type = type, .secure = true, .ttl_s = UINT32_MAX};
    buf_fixed(&b, text, sizeof text);
    bool possible = dns_name_normal(name, &b);
    made.name = made.canonical = arena_str(a, possible ? buf_str(&b) : str_head(name, DNS_NAME_MAX));
    if (!made.name.p)
        return false;
    for (int step = 0; possible; step++) {
        const struct script_line *l = find(s, made.canonical, type), *alias = type == DNS_CNAME ? NULL : find(s, made.canonical, DNS_CNAME);
        made.secure = made.secure && is_secure(s, made.canonical);
        if (!l && alias && alias->status == DNS_OK) {
            if (step == DNS_SCRIPT_CHAIN_MAX) {
                made.status = DNS_SERVFAIL;
                made.why = S("CNAMEs lead in a circle or too far");
                break;
            }
            made.canonical = alias->record.name;
            made.ttl_s = alias->ttl_s < made.ttl_s ? alias->ttl_s : made.ttl_s;
            continue;
        }
        made.status = l ? l->status : exists(s, made.canonical) ? DNS_NODATA : DNS_NXDOMAIN;
        made.why = l && made.status >= DNS_SERVFAIL ? l->why : STR_NONE;
        if (made.status == DNS_OK && !collect(a, l, &made))
            return false;
        break;
    }
    made.secure = possible && made.secure && made.status < DNS_SERVFAIL;
    made.ttl_s = made.status >= DNS_SERVFAIL ? 0 : made.ttl_s == UINT32_MAX ? s->ttl_s : made.ttl_s;
    if (made.status >= DNS_SERVFAIL && made.why.n == 0)
        made.why = S("the script says so");
    *to = made;
    return true;
}

/* ---- as a resolver ---- */

struct pending { int64_t due_ms; uint64_t order; enum dns_type type; bool waiting; char name[DNS_NAME_MAX + 1]; };
struct twin {
    struct dns_script *script;
    struct dns_resolver *r;
    struct pending **pending; /* one a slot, made when first used */
    uint32_t slots, latency_ms, timeout_ms;
    uint64_t asked;
    struct arena answer;
};

static bool twin_ask(void *self, uint32_t slot, const char *name, enum dns_type type)
{
    struct twin *t = self;
    struct dns_answer answer;
    if (!t->pending[slot] && !(t->pending[slot] = fail_calloc(1, sizeof *t->pending[slot])))
        return false;
    struct pending *p = t->pending[slot];
    *p = (struct pending){.type = type, .waiting = true, .order = t->asked++};
    memcpy(p->name, name, strlen(name) + 1);
    bool late = dns_script_answer(t->script, &t->answer, str_c(name), type, &answer) && answer.status == DNS_TIMEOUT;
    arena_clear(&t->answer);
    p->due_ms = clock_mono_ms() + (late ? t->timeout_ms : t->latency_ms);
    return true;
}

static struct pending *next_due(const struct twin *t, uint32_t *slot)
{
    struct pending *best = NULL;
    for (uint32_t i = 0; i < t->slots; i++) {
        struct pending *p = t->pending[i];
        if (p && p->waiting && (!best || p->due_ms < best->due_ms || (p->due_ms == best->due_ms && p->order < best->order))) {
            best = p;
            *slot = i;
        }
    }
    return best;
}

static void twin_turn(void *self)
{
    struct twin *t = self;
    int64_t now = clock_mono_ms();
    uint64_t until = t->asked; /* what callbacks ask waits for the next turn */
    uint32_t slot = 0;
    for (struct pending *p; (p = next_due(t, &slot)) && p->due_ms <= now && p->order < until;) {
        struct dns_answer answer;
        p->waiting = false;
        if (!dns_script_answer(t->script, &t->answer, str_c(p->name), p->type, &answer))
            answer = (struct dns_answer){.status = DNS_SERVFAIL, .why = S("no memory for the answer")};
        dns_resolver_done(t->r, slot, &answer);
        arena_clear(&t->answer);
    }
}

static int64_t twin_deadline(const void *self)
{
    uint32_t slot;
    const struct pending *p = next_due(self, &slot);
    return p ? p->due_ms : 0;
}

static int twin_fd(const void *self)
{
    (void)self;
    return -1;
}

static const char *twin_text(const void *self)
{
    (void)self;
    return "answers from a script";
}

static void twin_free(void *self)
{
    struct twin *t = self;
    for (uint32_t i = 0; t->pending && i < t->slots; i++)
        free(t->pending[i]);
    free(t->pending);
    arena_clear(&t->answer);
    dns_script_free(t->script);
    free(t);
}

static const struct dns_backend backend = {
    .ask = twin_ask, .turn = twin_turn, .deadline_ms = twin_deadline, .fd = twin_fd, .text = twin_text, .free = twin_free,
};

struct dns_resolver *dns_script_resolver(struct dns_script *s, uint32_t latency_ms, uint32_t outstanding_max, uint32_t timeout_ms)
{
    struct twin *t = fail_calloc(1, sizeof *t);
    if (!t) {
        dns_script_free(s);
        return NULL;
    }
    t->script = s;
    t->slots = dns_slot_count(outstanding_max);
    t->latency_ms = latency_ms;
    t->timeout_ms = timeout_ms ? timeout_ms : DNS_TIMEOUT_MS;
    t->pending = fail_calloc(t->slots, sizeof(struct pending *));
    arena_init(&t->answer, DNS_ANSWER_MEM);
    /* Questions that the script leaves unanswered are ended here, so the table's own time-out comes later. */
    t->r = t->pending ? dns_resolver_make(&backend, t, outstanding_max, t->timeout_ms + 1000) : NULL;
    if (!t->r) {
        twin_free(t);
        return NULL;
    }
    return t->r;
}

void dns_script_replace(struct dns_resolver *r, struct dns_script *s)
{
    struct twin *t = dns_resolver_backend(r);
    dns_script_free(t->script);
    t->script = s;
}

uint64_t dns_script_asked(struct dns_resolver *r)
{
    const struct twin *t = dns_resolver_backend(r);
    return t->asked;
}
