// SPDX-License-Identifier: ISC
/* The relay role: carries mail to other hosts. It opens no file, knows no mailbox, and connects only where the configuration's
 * ports are. */
#include "base/facts.h"
#include "daemon/relay_inside.h"
#include <stdlib.h>

static bool use(struct relay *r, const struct setup *s, struct why *why)
{
    *why = (struct why){"", "no memory for the relay"};
    arena_clear(&r->settings_arena);
    r->config = s->config;
    r->secrets = s->secrets;
    r->authorities = s->authorities;
    r->helo = arena_str(&r->settings_arena, s->config->hostname);
    return r->helo.p && relay_mx_settings_of(&r->settings_arena, s->config, NULL, 0, &r->mx_settings);
}

static bool prepare(struct actor *a, const struct setup *next, struct why *why)
{
    struct relay *r = a->self;

    if (r)
        return true;
    r = calloc(1, sizeof *r);
    if (!r || !tls_warm() || !(r->tls = tls_client_context_new(STR_NONE, false))) {
        *why = (struct why){"", "no memory for the relay"};
        free(r);
        return false;
    }
    a->self = r;
    r->actor = a;
    r->loop = a->loop;
    arena_init(&r->settings_arena, 1 << 20);
    relay_burial_init(r);
    return use(r, next, why);
}

static void hello(struct relay *r)
{
    peer_send(actor_peer(r->actor, ROLE_STORE), &MSG(work_ready, .window = RELAY_JOBS_MAX, .octets = RELAY_OCTETS_MAX));
}

/* Parsed authorities take megabytes, and most mail goes without: made when the first certificate has to be proved. */
struct tls_client_context *relay_tls_proving(struct relay *r)
{
    if (!r->tls_proving)
        r->tls_proving = tls_client_context_new(r->authorities, false);
    return r->tls_proving;
}

static bool has_port(const uint16_t *ports, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

static size_t ports_of(const struct setup *s, uint16_t *ports, size_t max)
{
    static const uint16_t usual[] = {25, 24, 443, 465, 587};
    const struct config *c = s->config;
    size_t n = 0;

    for (size_t i = 0; i < countof(usual) && n < max; i++)
        ports[n++] = usual[i];
    if (n < max && !has_port(ports, n, (uint16_t)c->mx_port))
        ports[n++] = (uint16_t)c->mx_port;
    for (const struct config_route *x = c->routes; x && n < max; x = x->next)
        if (x->port && !has_port(ports, n, x->port))
            ports[n++] = x->port;
    return n;
}

static bool ports_cover(const struct relay *r, const struct setup *s)
{
    uint16_t ports[RELAY_PORTS_MAX];
    size_t n = ports_of(s, ports, RELAY_PORTS_MAX);

    for (size_t i = 0; i < n; i++)
        if (!has_port(r->ports, r->port_count, ports[i]))
            return false;
    return true;
}

static bool begin(struct actor *a, const struct setup *now, struct why *why)
{
    struct relay *r = a->self;

    (void)why;
    r->begun = true;
    r->port_count = ports_of(now, r->ports, RELAY_PORTS_MAX);
    if (actor_peer(a, ROLE_STORE)->link)
        hello(r);
    return true;
}

static void commit(struct actor *a, const struct setup *now)
{
    struct relay *r = a->self;
    struct why why;

    if (!a->single && !ports_cover(r, now)) { /* the sandbox cannot be opened again: another process gets other ports */
        fact(FACT_INFO, "relay.restart", fact_c("why", "the configuration names ports that were not there at the start"));
        actor_failed(a, 0);
        return;
    }
    relay_hops_sweep(r, true); /* routes may be others now; what is under way ends by the old ones */
    if (!use(r, now, &why))
        fact(FACT_ERROR, "relay.no-memory", fact_c("what", "a new configuration"));
}

static void abandon(struct actor *a)
{
    (void)a;
}

static void message(struct actor *a, struct peer *from, const struct message *m)
{
    struct relay *r = a->self;

    if (!r)
        return;
    switch ((int)m->kind) {
    case MSG_work_begin:
        relay_job_begin(r, &m->work_begin);
        break;
    case MSG_work_rcpt:
        relay_job_rcpt(r, &m->work_rcpt);
        break;
    case MSG_work_end:
        relay_job_end(r, &m->work_end);
        break;
    case MSG_work_piece:
        relay_job_piece(r, &m->work_piece);
        break;
    case MSG_work_cancel:
        relay_job_cancel(r, m->work_cancel.job);
        break;
    case MSG_dns_answer:
        relay_hop_answer(r, &m->dns_answer);
        break;
    default:
        peer_breach(from, "a message that relay does not take");
    }
}

static void peer_up(struct actor *a, struct peer *p)
{
    struct relay *r = a->self;

    if (r && r->begun && p->who == ROLE_STORE)
        hello(r);
}

/* What store handed over it takes back by itself. */
static void peer_down(struct actor *a, struct peer *p)
{
    struct relay *r = a->self;

    if (!r)
        return;
    if (p->who == ROLE_STORE)
        relay_jobs_drop(r);
    else if (p->who == ROLE_DNS)
        relay_hops_unanswered(r);
}

static void gauge(struct relay *r, const char *name, size_t value, size_t *told)
{
    if (value != *told && peer_send(actor_peer(r->actor, ROLE_STORE), &MSG(gauge, .name = str_c(name), .value = value)))
        *told = value;
}

static void second(struct actor *a)
{
    struct relay *r = a->self;

    relay_hops_sweep(r, false);
    relay_sites_sweep(r, false);
    gauge(r, "relay.jobs", r->job_count, &r->told_jobs);
    gauge(r, "relay.connections-open", r->conn_count, &r->told_conns);
    if (r->stopping && r->conn_count == 0)
        actor_stopped(a, 0);
}

/* Messages under way get their end, as far as there is time; the others are store's. */
static void stop(struct actor *a, uint32_t within_ms)
{
    struct relay *r = a->self;

    (void)within_ms;
    r->stopping = true;
    relay_conns_stop(r);
    if (r->conn_count == 0)
        actor_stopped(a, 0);
}

static void clear(struct actor *a)
{
    struct relay *r = a->self;

    if (!r)
        return;
    r->begun = false;
    relay_jobs_drop(r);
    relay_bury(r);
    relay_hops_sweep(r, true);
    relay_sites_sweep(r, true);
    relay_tickets_drop(r);
    tls_client_context_free(r->tls);
    tls_client_context_free(r->tls_proving);
    arena_clear(&r->settings_arena);
    free(r);
    a->self = NULL;
}

const struct role_type role_relay = {
    .who = ROLE_RELAY,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .abandon = abandon,
    .message = message,
    .peer_up = peer_up,
    .peer_down = peer_down,
    .second = second,
    .ports = ports_of,
    .stop = stop,
    .clear = clear,
};
