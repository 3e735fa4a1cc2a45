// SPDX-License-Identifier: ISC
/* Where the mail of a domain goes: its route, or its MX by way of the dns role. A look-up serves all jobs of the domain while its
 * records hold. */
#include "base/clock.h"
#include "base/facts.h"
#include "base/hash.h"
#include "daemon/relay_inside.h"
#include <stdio.h>
#include <stdlib.h>

static struct smtp_result verdict(enum outcome o, const struct why *why)
{
    struct smtp_result r = {.outcome = o, .code = str_eq(str_c(why->status), S("5.1.10")) ? 556 : 0, .text = str_c(why->text)};

    snprintf(r.status, sizeof r.status, "%s", why->status);
    return r;
}

static struct relay_hop **place(struct relay *r, struct str key)
{
    struct relay_hop **p = &r->hops[hash_table(key) % RELAY_BUCKETS];

    while (*p && !((*p)->listed && str_eq((*p)->key, key)))
        p = &(*p)->bucket;
    return p;
}

void relay_hop_hold(struct relay_hop *h)
{
    h->refs++;
}

/* Out of the table; freed when nobody needs it. */
static void hop_free(struct relay_hop *h)
{
    struct relay_hop **p = &h->relay->hops[hash_table(h->key) % RELAY_BUCKETS];

    while (*p && *p != h)
        p = &(*p)->bucket;
    if (*p)
        *p = h->bucket;
    h->relay->hop_count--;
    if (h->site)
        h->site->hops--;
    free(h->asked);
    if (h->password.n)
        explicit_bzero((char *)(uintptr_t)h->password.p, h->password.n);
    arena_clear(&h->arena);
    free(h);
}

void relay_hop_drop(struct relay_hop *h)
{
    h->refs--;
    if (h->refs == 0 && !h->listed)
        hop_free(h);
}

/* ---- answers for all who wait ---- */

static struct relay_job *take_waiting(struct relay_hop *h)
{
    struct relay_job *j = h->waiting;

    if (!j)
        return NULL;
    h->waiting = j->next;
    if (!h->waiting)
        h->waiting_last = &h->waiting;
    j->next = NULL;
    return j;
}

static void failed(struct relay_hop *h, enum outcome o, const struct why *why)
{
    struct relay *r = h->relay;
    struct smtp_result result = verdict(o, why);
    struct relay_job *j;

    h->state = HOP_FAILED;
    h->expires_ms = loop_now_ms(r->loop) + RELAY_HOP_LEAST_MS;
    relay_hop_hold(h);
    while ((j = take_waiting(h)))
        relay_job_fail(j, r, &result, h->routed ? "route" : "dns", NULL);
    relay_hop_drop(h);
}

static void ready(struct relay_hop *h)
{
    struct relay *r = h->relay;
    char key[RELAY_SITE_MAX + 700];
    struct buf b;
    struct relay_job *j;
    int64_t keep = (int64_t)h->mx.ttl_s * 1000;

    buf_fixed(&b, key, sizeof key);
    if (h->routed)
        buf_printf(&b, "route %.*s", STR_ARG(h->route.text));
    else
        buf_printf(&b, "%s:%u", h->mx.site, (unsigned)h->mx_settings.port);
    struct relay_site *s = relay_site_get(r, buf_str(&b));
    if (!s) {
        failed(h, RETRY, &(struct why){"4.3.1", "no memory"});
        return;
    }
    h->state = HOP_READY;
    h->site = s;
    s->hops++;
    keep = keep > RELAY_HOP_KEEP_MS || h->routed ? RELAY_HOP_KEEP_MS : keep;
    h->expires_ms = loop_now_ms(r->loop) + (keep < RELAY_HOP_LEAST_MS ? RELAY_HOP_LEAST_MS : keep);
    while ((j = take_waiting(h)))
        relay_site_add(s, j, false);
    relay_site_work(s);
}

/* ---- questions ---- */

static bool remember(struct relay_hop *h, uint32_t id)
{
    if (h->asked_count == h->asked_cap) {
        size_t cap = h->asked_cap ? h->asked_cap * 2 : 8;
        uint32_t *more = realloc(h->asked, cap * sizeof *more);
        if (!more)
            return false;
        h->asked = more;
        h->asked_cap = cap;
    }
    h->asked[h->asked_count++] = id;
    return true;
}

static bool forget(struct relay_hop *h, uint32_t id)
{
    for (size_t i = 0; i < h->asked_count; i++)
        if (h->asked[i] == id) {
            h->asked[i] = h->asked[--h->asked_count];
            return true;
        }
    return false;
}

/* What the machine wants to know goes out; what it knows by now is acted on. */
void relay_hop_ask(struct relay_hop *h)
{
    struct relay *r = h->relay;
    struct peer *dns = actor_peer(r->actor, ROLE_DNS);
    struct relay_mx_question q;

    while (h->mx.state == RELAY_MX_ASKING && relay_mx_question(&h->mx, &q)) {
        uint64_t query = (uint64_t)h->serial << 32 | q.id;
        if (!remember(h, q.id) ||
            !peer_send(dns, &MSG(dns_ask, .query = query, .name = str_c(q.name), .type = (uint16_t)q.type))) {
            forget(h, q.id);
            relay_mx_unanswered(&h->mx, q.id, S("the dns role is not there just now"));
        }
    }
    if (h->mx.state == RELAY_MX_ASKING)
        return;
    relay_hop_hold(h);
    if (h->state == HOP_LOOKING && h->mx.state == RELAY_MX_HOSTS)
        ready(h);
    else if (h->state == HOP_LOOKING)
        failed(h, h->mx.outcome == DONE ? RETRY : h->mx.outcome, &h->mx.why);
    else
        relay_conn_looked(h);
    relay_hop_drop(h);
}

static struct relay_hop *by_serial(struct relay *r, uint32_t serial)
{
    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_hop *h = r->hops[b]; h; h = h->bucket)
            if (h->serial == serial)
                return h;
    return NULL;
}

void relay_hop_answer(struct relay *r, const struct msg_dns_answer *m)
{
    struct relay_hop *h = by_serial(r, (uint32_t)(m->query >> 32));
    uint32_t id = (uint32_t)m->query;
    struct dns_answer answer;
    struct arena a;

    if (!h || !forget(h, id))
        return;
    arena_init(&a, DNS_ANSWER_MEM);
    if (m->answer.n && dns_answer_decode(&a, m->answer, &answer))
        relay_mx_answer(&h->mx, id, &answer);
    else
        relay_mx_unanswered(&h->mx, id, S("the resolver has too much to do"));
    arena_clear(&a);
    relay_hop_ask(h);
}

void relay_hops_unanswered(struct relay *r)
{
    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_hop *h = r->hops[b], *next; h; h = next) {
            next = h->bucket;
            if (h->asked_count == 0)
                continue;
            relay_hop_hold(h);
            while (h->asked_count > 0) {
                uint32_t id = h->asked[--h->asked_count];
                relay_mx_unanswered(&h->mx, id, S("the dns role was restarted"));
            }
            relay_hop_ask(h);
            next = h->bucket;
            relay_hop_drop(h);
        }
}

/* ---- making one ---- */

/* A route to a host is a look-up of its addresses only; to an address, none at all. */
static bool routed(struct relay_hop *h, struct domain *d)
{
    char text[320];
    struct buf b;
    const struct config_route *route = &h->route;
    bool v6 = str_find(route->host, ':') < route->host.n;

    buf_fixed(&b, text, sizeof text);
    if (route->literal)
        buf_printf(&b, "[%s%.*s]", v6 ? "IPv6:" : "", STR_ARG(route->host));
    else
        buf_add(&b, route->host);
    h->mx_settings.is_host = true;
    h->mx_settings.allow_private = true;
    h->mx_settings.allow_own = true;
    h->mx_settings.port = route->port;
    struct str name = arena_str(&h->arena, buf_str(&b));
    return name.p && domain_parse(&h->arena, name, true, d) == ADDRESS_OK;
}

static void start(struct relay_hop *h)
{
    struct domain d = {0};
    struct why why = {"5.4.4", "the recipient's domain is not a domain"};
    bool mx = !h->routed || h->route.kind == CONFIG_ROUTE_MX;

    if (h->routed && h->route.path.n) {
        h->mx.state = RELAY_MX_HOSTS; /* a socket: there is nothing to look up */
        h->mx.ttl_s = 300;
        ready(h);
        return;
    }
    if (mx)
        h->routed = false;
    if (mx ? domain_parse(&h->arena, h->domain, true, &d) != ADDRESS_OK : !routed(h, &d)) {
        failed(h, REFUSE, &why);
        return;
    }
    relay_mx_init(&h->mx, &h->arena, &h->mx_settings, &d);
    relay_hop_ask(h);
}

static struct relay_hop *hop_new(struct relay *r, struct str key, struct str domain, struct str route)
{
    struct relay_hop *h = r->hop_count < RELAY_HOPS_MAX ? calloc(1, sizeof *h) : NULL;
    const struct config_route *configured = config_route_find(r->config, domain);

    if (!h)
        return NULL;
    h->relay = r;
    h->serial = ++r->next_serial;
    h->waiting_last = &h->waiting;
    arena_init(&h->arena, RELAY_MX_MEM + 64 * 1024);
    h->mx_settings = r->mx_settings;
    h->key = arena_str(&h->arena, key);
    h->domain = arena_str(&h->arena, domain);
    if (route.n)
        h->routed = config_route_parse(&h->arena, arena_str(&h->arena, route), &h->route) == NULL;
    else if (configured) {
        h->routed = true;
        h->route = *configured;
        h->route.text = arena_str(&h->arena, configured->text); /* the configuration may go while this stays */
        h->route.host = arena_str(&h->arena, configured->host);
        h->route.path = arena_str(&h->arena, configured->path);
        h->user = arena_str(&h->arena, configured->user);
        for (const struct setup_secret *x = r->secrets; x; x = x->next)
            if (configured->secret.n && str_eq(x->path, configured->secret))
                h->password = arena_str(&h->arena, x->secret);
    }
    h->listed = true;
    h->bucket = r->hops[hash_table(h->key) % RELAY_BUCKETS];
    r->hops[hash_table(h->key) % RELAY_BUCKETS] = h;
    r->hop_count++;
    return h;
}

/* No longer found; those who use it go on. */
static void unlist(struct relay_hop *h)
{
    h->listed = false;
    if (h->refs == 0)
        hop_free(h);
}

void relay_hop_take(struct relay *r, struct relay_job *j)
{
    char text[1400];
    struct buf b;
    bool fresh = false;

    buf_fixed(&b, text, sizeof text);
    buf_printf(&b, "%.*s %.*s", STR_ARG(j->next_hop), STR_ARG(j->route));
    struct relay_hop *h = *place(r, buf_str(&b));
    if (h && h->state != HOP_LOOKING && (loop_now_ms(r->loop) >= h->expires_ms || (j->now && h->state == HOP_FAILED))) {
        unlist(h);
        h = NULL;
    }
    if (!h) {
        h = hop_new(r, buf_str(&b), j->next_hop, j->route);
        fresh = true;
    }
    if (!h) {
        relay_job_back(j, r, clock_unix_ms() + 1000, "mail for too many domains at once");
        return;
    }
    j->hop = h;
    relay_hop_hold(h);
    if (h->state == HOP_READY) {
        relay_site_add(h->site, j, false);
        relay_site_work(h->site);
        return;
    }
    j->state = JOB_LOOKING;
    j->next = NULL;
    *h->waiting_last = j;
    h->waiting_last = &j->next;
    relay_hop_hold(h);
    if (fresh)
        start(h);
    else if (h->state == HOP_FAILED)
        failed(h, h->mx.outcome == REFUSE ? REFUSE : RETRY, &h->mx.why);
    relay_hop_drop(h);
}

void relay_hops_sweep(struct relay *r, bool all)
{
    int64_t now = loop_now_ms(r->loop);

    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_hop *h = r->hops[b], *next; h; h = next) {
            next = h->bucket;
            if (h->listed && (all || (h->refs == 0 && h->state != HOP_LOOKING && now >= h->expires_ms)))
                unlist(h);
        }
}
