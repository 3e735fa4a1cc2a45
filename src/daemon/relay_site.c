// SPDX-License-Identifier: ISC
/* Sites: what waits for a set of hosts, and how many connections it may have. */
#include "base/clock.h"
#include "base/facts.h"
#include "base/hash.h"
#include "base/random.h"
#include "daemon/relay_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_of(const struct relay_site *s)
{
    return loop_now_ms(s->relay->loop);
}

static void on_time(void *self)
{
    relay_site_work(self);
}

struct relay_site *relay_site_get(struct relay *r, struct str key)
{
    struct relay_site **p = &r->sites[hash_table(key) % RELAY_BUCKETS];

    while (*p && !str_eq(str_of((*p)->key, (*p)->n), key))
        p = &(*p)->bucket;
    if (*p)
        return *p;
    struct relay_site *s = calloc(1, sizeof *s + key.n + 1);
    if (!s)
        return NULL;
    s->relay = r;
    s->n = key.n;
    memcpy(s->key, key.p, key.n);
    s->last = &s->first;
    s->used_ms = loop_now_ms(r->loop);
    relay_gate_init(&s->gate, &relay_gate_usual);
    loop_timer_init(&s->timer, r->loop, on_time, s);
    *p = s;
    return s;
}

static void tell_store(struct relay_site *s, uint32_t jobs, int64_t not_before_ms, struct str domain, const char *why)
{
    struct msg_work_hop m = {.next_hop = domain, .jobs = jobs, .not_before_ms = not_before_ms};

    snprintf(m.why.text, sizeof m.why.text, "%s", why);
    peer_send(actor_peer(s->relay->actor, ROLE_STORE), &(struct message){.kind = MSG_work_hop, .work_hop = m});
}

/* Monotonic to civil, a little spread, so that not all of them come at once. */
static int64_t civil(const struct relay_site *s, int64_t mono_ms)
{
    int64_t in = mono_ms - now_of(s);

    return clock_unix_ms() + (in > 0 ? in + (int64_t)random_below((uint64_t)in / 8 + 1) : 0);
}

static bool plain(struct relay_demand d)
{
    return !d.requiretls && !d.tls_optional;
}

void relay_site_add(struct relay_site *s, struct relay_job *j, bool front)
{
    if (j->now) {
        relay_gate_wake(&s->gate);
        j->hop->barred_ms = 0;
    }
    j->now = false;
    if (!front && now_of(s) < j->hop->barred_ms && plain(j->demand)) {
        relay_job_back(j, s->relay, civil(s, j->hop->barred_ms), j->hop->barred_why.text);
        return;
    }
    if (relay_gate_is_dead(&s->gate, now_of(s)) && s->gate.opening == 0) {
        relay_job_back(j, s->relay, civil(s, s->gate.dead_until_ms), "its hosts did not answer a moment ago");
        return;
    }
    if (!front && s->waiting >= RELAY_SITE_JOBS_MAX) {
        relay_job_back(j, s->relay, clock_unix_ms() + 1000, "enough mail waits for these hosts already");
        return;
    }
    j->state = JOB_QUEUED;
    j->conn = NULL;
    struct relay_job **p = front ? &s->first : s->last;
    if (!front && s->waiting > 0 && j->message.priority > s->lowest) /* before the first that is less urgent: RFC 6710 5.1 */
        for (p = &s->first; *p && (*p)->message.priority >= j->message.priority;)
            p = &(*p)->next;
    j->next = *p;
    *p = j;
    if (!j->next) {
        s->last = &j->next;
        s->lowest = j->message.priority;
    }
    s->waiting++;
    s->used_ms = now_of(s);
}

void relay_site_remove(struct relay_site *s, struct relay_job *j)
{
    struct relay_job **p = &s->first;

    while (*p && *p != j)
        p = &(*p)->next;
    if (!*p)
        return;
    *p = j->next;
    if (!j->next)
        s->last = p;
    j->next = NULL;
    s->waiting--;
}

/* Domains of one site (the same route, or the same hosts) share connections, as far as these are protected as each demands. */
struct relay_job *relay_site_take(struct relay_site *s, const struct relay_conn *c)
{
    for (struct relay_job *j = s->first; j; j = j->next)
        if (relay_tls_fits(c, j)) {
            relay_site_remove(s, j);
            return j;
        }
    return NULL;
}

static void arm(struct relay_site *s)
{
    const struct relay_gate *g = &s->gate;
    int64_t at = 0, now = now_of(s);

    if (s->waiting > 0 && g->working == 0 && g->opening == 0 && now < g->dead_until_ms)
        at = g->dead_until_ms;
    else if (s->waiting > 0 && g->ceiling > 0)
        at = g->ceiling_ms > now ? g->ceiling_ms : 0;
    if (at)
        loop_timer_at(&s->timer, at);
    else
        loop_timer_stop(&s->timer);
}

static void work(struct relay_site *s)
{
    struct relay *r = s->relay;
    struct relay_conn *next;

    for (struct relay_conn *c = s->conns; c && s->waiting > 0; c = next) {
        next = c->next;
        if (c->idle && !c->closing)
            relay_conn_run(c);
    }
    while (s->waiting > s->gate.opening && r->conn_count < RELAY_CONNS_MAX && relay_gate_may_open(&s->gate, now_of(s))) {
        size_t before = r->conn_count;
        relay_conn_open(s, s->first);
        if (r->conn_count == before || !s->first)
            break;
    }
}

/* A connection that ends at once calls it again from within: then in turn, not deeper and deeper. */
void relay_site_work(struct relay_site *s)
{
    s->again = true;
    if (s->busy)
        return;
    s->busy = true;
    while (s->again) {
        s->again = false;
        work(s);
    }
    s->busy = false;
    arm(s);
}

void relay_site_dead(struct relay_site *s, const struct relay_conn *c)
{
    int64_t at = civil(s, s->gate.dead_until_ms);
    const char *why = c->why.text[0] ? c->why.text : "its hosts do not answer";
    struct relay_job *j;

    fact(FACT_WARN, "relay.site-dead", fact_str("site", str_of(s->key, s->n)),
         fact_num("for-ms", s->gate.dead_until_ms - now_of(s)), fact_c("why", why));
    while ((j = s->first)) {
        relay_site_remove(s, j);
        if (s->first == NULL || j->hop != s->first->hop) /* once for each domain that waits */
            tell_store(s, UINT32_MAX, at, j->next_hop, why);
        relay_job_back(j, s->relay, at, why);
    }
}

void relay_site_bar(struct relay_site *s, struct relay_hop *h, struct relay_demand demand, const struct smtp_result *result,
                    const struct relay_conn *c)
{
    struct relay_job **p = &s->first, *failed = NULL, **last = &failed, *j;

    if (result->outcome == RETRY && plain(demand)) {
        h->barred_ms = now_of(s) + RELAY_BARRED_MS;
        h->barred_why = c->why;
        tell_store(s, UINT32_MAX, civil(s, h->barred_ms), h->domain, c->why.text);
    }
    while ((j = *p)) {
        if (j->hop != h || memcmp(&j->demand, &demand, sizeof demand) != 0) {
            p = &j->next;
            continue;
        }
        relay_site_remove(s, j);
        *last = j;
        last = &j->next;
    }
    while ((j = failed)) {
        failed = j->next;
        j->next = NULL;
        relay_job_fail(j, s->relay, result, c->stage, c);
    }
}

void relay_site_mark_bad(struct relay_site *s, const struct dns_ip *ip)
{
    struct relay_bad *b = NULL;

    for (size_t i = 0; i < RELAY_BAD_MAX && !b; i++)
        if (dns_ip_eq(&s->bad[i].ip, ip))
            b = &s->bad[i];
    if (!b)
        b = &s->bad[s->bad_next++ % RELAY_BAD_MAX];
    *b = (struct relay_bad){*ip, now_of(s) + RELAY_BAD_MS};
}

bool relay_site_is_bad(const struct relay_site *s, const struct dns_ip *ip)
{
    for (size_t i = 0; i < RELAY_BAD_MAX; i++)
        if (s->bad[i].until_ms > now_of(s) && dns_ip_eq(&s->bad[i].ip, ip))
            return true;
    return false;
}

/* What is known of a site is worth keeping for an hour after its last use, longer when it is dead. */
void relay_sites_sweep(struct relay *r, bool all)
{
    enum { KEEP_MS = 3600 * 1000 };
    int64_t now = loop_now_ms(r->loop);

    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_site **p = &r->sites[b], *s; (s = *p);) {
            bool unused = s->hops == 0 && !s->conns && !s->first;
            if (!unused || !(all || (now > s->used_ms + KEEP_MS && now > s->gate.dead_until_ms + KEEP_MS))) {
                p = &s->bucket;
                continue;
            }
            *p = s->bucket;
            loop_timer_stop(&s->timer);
            free(s);
        }
}
