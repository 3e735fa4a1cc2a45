// SPDX-License-Identifier: ISC
/* One connection to a site: finds a host that answers, then runs the client machine over it.

     relay_conn_open ──► CONNECTING ──► (SHAKING: implicit TLS) ──► RUNNING ◄──► SHAKING (STARTTLS)
                          ▲    │ no answer, 4yz, 5yz before the first message          │ HANG_UP, lost
                          │    ▼                                                       ▼
                          └─ next address, next host ◄── LOOKING (further hosts)     relay_conn_end
                               └ none left: the gate refuses */
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/relay_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void connect_next(struct relay_conn *c);
static void host_failed(struct relay_conn *c);
static void next_host(struct relay_conn *c);

static int64_t now_of(const struct relay_conn *c)
{
    return loop_now_ms(c->relay->loop);
}

/* ---- its end ---- */

static void bury(void *self)
{
    struct relay *r = self;

    while (r->doomed) {
        struct relay_conn *c = r->doomed;
        r->doomed = c->doomed;
        arena_clear(&c->connection);
        arena_clear(&c->transaction);
        relay_hop_drop(c->hop);
        free(c);
    }
}

/* Socket, TLS and machine go; the conn may begin anew with another host. */
static void close_channel(struct relay_conn *c)
{
    loop_io_stop(&c->io);
    loop_timer_stop(&c->timer);
    net_close(c->fd);
    c->fd = -1;
    relay_tls_keep(c);
    tls_free(c->tls);
    c->tls = NULL;
    if (c->machine)
        smtp_client_clear(&c->client);
    c->machine = false;
    c->in_end = c->tls_more = c->stalled = false;
    buf_free(&c->in);
    buf_free(&c->out);
    buf_free(&c->wire_in);
    buf_free(&c->wire_out);
}

void relay_conn_end(struct relay_conn *c)
{
    struct relay *r = c->relay;
    struct relay_site *s = c->site;

    if (c->closing)
        return;
    c->closing = true;
    if (c->greeted)
        relay_gate_closed(&s->gate, now_of(c), c->client.failure.code == 421);
    relay_session_over(c);
    close_channel(c);
    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    r->conn_count--;
    c->doomed = r->doomed;
    r->doomed = c;
    loop_defer_start(&r->burial);
    if (!r->stopping)
        relay_site_work(s);
    else if (r->conn_count == 0 && r->begun)
        actor_stopped(r->actor, 0);
}

/* No host is left: what waits learns why. */
static void give_up(struct relay_conn *c)
{
    struct relay_site *s = c->site;
    struct relay *r = c->relay;
    struct smtp_result result = {
        .outcome = c->outcome ? c->outcome : RETRY, .code = c->code, .text = str_c(c->said[0] ? c->said : c->why.text)};

    snprintf(result.status, sizeof result.status, "%s", c->status[0] ? c->status : c->why.status[0] ? c->why.status : "4.4.1");
    if (c->failed == 0 && c->skipped + c->unwanted > 0) { /* they answer, but are not what they have to be */
        result.outcome = c->skipped ? RETRY : REFUSE;
        relay_gate_abandoned(&s->gate);
        relay_site_bar(s, c->hop, c->demand, &result, c);
        relay_conn_end(c);
        return;
    }
    if (!relay_gate_refused(&s->gate, now_of(c))) {
        struct relay_job *j = relay_site_take(s, c);
        if (j)
            relay_job_fail(j, r, &result, c->stage, c);
        while (result.outcome == REFUSE && (j = relay_site_take(s, c)))
            relay_job_fail(j, r, &result, c->stage, c);
        relay_site_dead(s, c);
    }
    relay_conn_end(c);
}

/* ---- the wire ---- */

static void lost(struct relay_conn *c)
{
    c->in_end = true;
    buf_clear(&c->out);
    buf_clear(&c->wire_out);
}

/* What waits for the peer leaves as far as the socket takes it. */
static void flush(struct relay_conn *c)
{
    for (;;) {
        struct buf *wire = c->tls ? &c->wire_out : &c->out;
        enum tls_result sealed = c->tls && c->out.n > 0 ? tls_write(c->tls, &c->out, &c->wire_out) : TLS_OK;
        enum net_result r = wire->n > 0 ? net_write(c->fd, wire) : NET_OK;

        if (r == NET_AGAIN)
            return;
        if (r != NET_OK || sealed == TLS_FAILED || sealed == TLS_CLOSED) {
            lost(c);
            return;
        }
        if (sealed == TLS_OK)
            return;
    }
}

static bool unseal(struct relay_conn *c)
{
    size_t before = c->in.n;

    if (!c->tls)
        return false;
    switch (tls_read(c->tls, &c->wire_in, &c->in, &c->wire_out)) {
    case TLS_OK:
        c->tls_more = true;
        break;
    case TLS_MORE:
        c->tls_more = false;
        break;
    case TLS_CLOSED:
        c->tls_more = false;
        c->in_end = true;
        break;
    case TLS_FAILED:
        flush(c);
        lost(c);
        break;
    }
    return c->in.n > before || c->in_end;
}

static void fill(struct relay_conn *c)
{
    switch (net_read(c->fd, c->tls ? &c->wire_in : &c->in, RELAY_BUF_MAX / 4)) {
    case NET_OK:
    case NET_AGAIN:
    case NET_FULL:
        break;
    case NET_END:
        c->in_end = true;
        break;
    case NET_ERROR:
        lost(c);
        break;
    }
    if (c->tls && c->state != CONN_SHAKING)
        unseal(c);
}

static bool has_output(const struct relay_conn *c)
{
    return c->out.n > 0 || c->wire_out.n > 0;
}

static void update(struct relay_conn *c)
{
    const struct machine *m = &c->client.m;
    int64_t at = 0;

    if (c->closing || c->fd < 0)
        return;
    loop_io_interest(&c->io, (c->in_end || c->in.n >= RELAY_BUF_MAX / 2 ? 0U : (uint32_t)LOOP_READ) |
                                 (has_output(c) ? (uint32_t)LOOP_WRITE : 0U));
    if (c->state != CONN_RUNNING)
        return;
    if (c->idle)
        at = now_of(c) + RELAY_IDLE_MS;
    else if (m->deadline_ms)
        at = m->deadline_ms;
    else if (has_output(c))
        at = now_of(c) + RELAY_STALL_MS;
    if (at)
        loop_timer_at(&c->timer, at);
    else
        loop_timer_stop(&c->timer);
}

/* ---- TLS ---- */

static const struct relay_mx_host *host_of(const struct relay_conn *c)
{
    return c->hop->route.path.n && c->hop->routed ? NULL : &c->hop->mx.hosts[c->host];
}

/* The host is not what it has to be for these messages; for others it may be good enough. */
static void not_good_enough(struct relay_conn *c, enum outcome outcome, const char *status)
{
    c->outcome = outcome;
    c->stage = "TLS";
    snprintf(c->why.status, sizeof c->why.status, "%s", status);
    c->code = 0;
    c->said[0] = c->status[0] = '\0';
    if (outcome == REFUSE)
        c->unwanted++;
    else
        c->skipped++;
    fact(FACT_INFO, "relay.host-unfit", fact_str("host", c->host_name), fact_c("ip", c->ip_text), fact_c("why", c->why.text));
}

/* RFC 7435: clear is better than not at all, where nobody demands more. */
static bool in_clear(struct relay_conn *c)
{
    if (c->greeted || c->clear || !c->security.retry_clear || (c->hop->routed && c->hop->route.tls))
        return false;
    c->clear = true;
    close_channel(c);
    connect_next(c);
    return true;
}

/* No TLS as it has to be: the message waits, unless its sender said that it must not (RFC 8689 4.2.1). */
static void no_tls(struct relay_conn *c, const char *status, bool for_now)
{
    if (c->security.requiretls && !for_now)
        not_good_enough(c, REFUSE, "5.7.10");
    else
        not_good_enough(c, RETRY, status);
    next_host(c);
}

static void tls_failed(struct relay_conn *c, const struct why *why)
{
    c->why = *why;
    c->stage = "TLS";
    c->outcome = RETRY;
    fact(FACT_INFO, "relay.tls-failed", fact_str("host", c->host_name), fact_c("ip", c->ip_text), fact_c("why", why->text));
    if (in_clear(c))
        return;
    no_tls(c, "4.7.5", c->in_end);
}

static void shake(struct relay_conn *c)
{
    struct why why = {0};

    switch (tls_handshake(c->tls, &c->wire_in, &c->wire_out, &why)) {
    case TLS_OK:
        loop_timer_stop(&c->timer);
        c->state = CONN_RUNNING;
        tls_facts_get(c->tls, &c->client.m.tls);
        fact_count(tls_session_resumed(c->tls) ? "relay.tls-resumed" : "relay.tls-sessions", 1);
        unseal(c);
        relay_conn_run(c);
        return;
    case TLS_MORE:
        flush(c);
        if (!c->in_end) {
            update(c);
            return;
        }
        snprintf(why.text, sizeof why.text, "the server ended the connection during the TLS hand-shake");
        break;
    case TLS_CLOSED:
    case TLS_FAILED:
        flush(c); /* the alert */
        break;
    }
    tls_failed(c, &why);
}

static void start_tls(struct relay_conn *c)
{
    flush(c);
    buf_clear(&c->in); /* RFC 3207 6 */
    if (!relay_tls_open(c)) {
        c->why = (struct why){"4.3.1", "no memory"};
        host_failed(c);
        return;
    }
    c->state = CONN_SHAKING;
    loop_timer_in(&c->timer, RELAY_HANDSHAKE_MS);
    shake(c);
}

/* ---- the machine ---- */

static void over(struct relay_conn *c)
{
    const struct smtp_result *f = &c->client.failure;

    flush(c);
    if (c->unfit) {
        c->unfit = false;
        c->why = (struct why){"5.7.30", "the receiving server does not offer REQUIRETLS, which the sender demands"};
        not_good_enough(c, REFUSE, "5.7.30");
        next_host(c);
        return;
    }
    if (c->greeted || f->outcome == 0) {
        relay_conn_end(c);
        return;
    }
    c->outcome = f->outcome;
    c->code = f->code;
    snprintf(c->said, sizeof c->said, "%.*s", STR_ARG(str_head(f->text, sizeof c->said - 1)));
    snprintf(c->status, sizeof c->status, "%s", f->status);
    snprintf(c->why.text, sizeof c->why.text, "%.*s", STR_ARG(str_head(f->text, sizeof c->why.text - 1)));
    c->stage = c->client.failed_at;
    if (c->settings.tls == SMTP_TLS_REQUIRED && !c->client.m.tls.active && f->code != 421 &&
        (strcmp(c->stage, "STARTTLS") == 0 || (strcmp(c->stage, "EHLO") == 0 && f->outcome == REFUSE))) {
        if (f->code) /* whatever it says: without TLS it is no good now, which is no word about the recipients */
            snprintf(c->why.text, sizeof c->why.text, "TLS is required, and the server answered %s with %u %.*s", c->stage,
                     (unsigned)f->code, STR_ARG(str_head(f->text, 120)));
        no_tls(c, "4.7.4", f->code / 100 == 4);
        return;
    }
    host_failed(c);
}

/* After WAIT: can something that it waits for be had at once? */
static bool go_on(struct relay_conn *c)
{
    struct machine *m = &c->client.m;

    if (m->wants & WANT_ANSWER && relay_session_answer(c)) {
        m->answered = true;
        return true;
    }
    bool full = c->out.n > 0;
    flush(c);
    if (m->wants & WANT_ROOM && full && c->out.n == 0)
        return true;
    if (m->wants & WANT_INPUT && c->tls && (c->tls_more || c->wire_in.n > 0) && !c->in_end)
        return unseal(c);
    return false;
}

void relay_conn_run(struct relay_conn *c)
{
    struct machine *m = &c->client.m;

    if (c->closing || c->state != CONN_RUNNING || c->running)
        return;
    c->running = true;
    for (;;) {
        m->now_ms = now_of(c);
        m->unix_ms = clock_unix_ms();
        m->in = buf_str(&c->in);
        m->in_end = c->in_end;
        enum next next = machine_run(m);
        buf_consume(&c->in, c->in.n - m->in.n);
        if (next == WAIT && go_on(c))
            continue;
        c->running = false;
        if (next == NEED_TLS)
            start_tls(c);
        else if (next == HANG_UP || (c->idle && c->in_end) ||
                 (next == WAIT && c->in_end && !(m->wants & WANT_ANSWER) && c->in.n == 0))
            over(c);
        else
            update(c);
        return;
    }
}

static void start_machine(struct relay_conn *c)
{
    c->state = CONN_RUNNING;
    relay_conn_run(c);
}

/* Connected. */
static void begin(struct relay_conn *c)
{
    const struct relay_hop *h = c->hop;

    loop_timer_stop(&c->timer);
    buf_init(&c->in, RELAY_BUF_MAX);
    buf_init(&c->out, RELAY_BUF_MAX);
    buf_init(&c->wire_in, RELAY_BUF_MAX);
    buf_init(&c->wire_out, RELAY_BUF_MAX);
    arena_clear(&c->connection);
    arena_clear(&c->transaction);
    c->settings = (struct smtp_client_settings){
        .helo = c->relay->helo,
        .lmtp = h->routed && h->route.kind == CONFIG_ROUTE_LMTP,
        .tls = c->clear || (h->routed && h->route.tls) ? SMTP_TLS_NEVER : c->security.tls,
        .user = h->routed ? h->user : STR_NONE,
        .password = h->routed ? h->password : STR_NONE,
    };
    c->client = (struct smtp_client){.settings = &c->settings, .connection = &c->connection, .transaction = &c->transaction};
    c->client.m.out = &c->out;
    c->client.m.tls.active = h->routed && h->route.tls;
    if (!smtp_client_init(&c->client)) {
        c->why = (struct why){"4.3.1", "no memory"};
        host_failed(c);
        return;
    }
    c->machine = true;
    if (h->routed && h->route.tls)
        start_tls(c);
    else
        start_machine(c);
}

/* ---- events ---- */

static void connected(struct relay_conn *c)
{
    switch (net_connected(c->fd, &c->why)) {
    case NET_AGAIN:
        return;
    case NET_OK:
        net_nodelay(c->fd);
        begin(c);
        return;
    case NET_END:
    case NET_FULL:
    case NET_ERROR:
        c->outcome = RETRY;
        c->stage = "connect";
        snprintf(c->why.status, sizeof c->why.status, "4.4.1");
        host_failed(c);
    }
}

static void on_ready(void *self, uint32_t ready)
{
    struct relay_conn *c = self;

    if (c->closing)
        return;
    if (c->state == CONN_CONNECTING) {
        connected(c);
        return;
    }
    if (ready & LOOP_READ && !c->in_end)
        fill(c);
    if (ready & LOOP_WRITE)
        flush(c);
    if (c->state == CONN_SHAKING)
        shake(c);
    else
        relay_conn_run(c);
}

static void on_time(void *self)
{
    struct relay_conn *c = self;

    if (c->state == CONN_CONNECTING || c->state == CONN_SHAKING) {
        c->outcome = RETRY;
        c->stage = c->state == CONN_CONNECTING ? "connect" : "TLS";
        c->why = (struct why){"4.4.1", "no answer in time"};
        if (c->state != CONN_SHAKING || !in_clear(c))
            host_failed(c);
        return;
    }
    if (c->idle)
        c->idle_over = true;
    else if (c->client.m.deadline_ms && now_of(c) >= c->client.m.deadline_ms)
        c->client.m.timed_out = true;
    else
        lost(c);
    relay_conn_run(c);
}

/* ---- which host ---- */

static bool try_address(struct relay_conn *c)
{
    const struct relay_mx_host *h = host_of(c);

    c->host_name = h->name;
    c->ip = h->addresses[c->address];
    snprintf(c->ip_text, sizeof c->ip_text, "%s", dns_ip_text(&c->ip).c);
    c->fd = net_connect(c->ip_text, c->hop->mx_settings.port, &c->why);
    return c->fd >= 0;
}

static bool try_socket(struct relay_conn *c)
{
    char path[128];

    c->host_name = c->hop->route.path;
    return str_to_c(c->hop->route.path, path, sizeof path) && (c->fd = net_connect_unix(path, &c->why)) >= 0;
}

static void watch(struct relay_conn *c)
{
    c->state = CONN_CONNECTING;
    loop_timer_in(&c->timer, RELAY_CONNECT_MS);
    if (!loop_io_start(&c->io, c->fd, LOOP_WRITE)) {
        c->why = (struct why){"4.3.1", "no memory"};
        host_failed(c);
    }
}

/* Is this host to be tried at all with what the messages demand? */
static bool may_go(struct relay_conn *c)
{
    relay_tls_decide(c->hop, c->host, c->demand, NULL, &c->security);
    if (c->security.verdict == SECURITY_GO)
        return true;
    c->host_name = host_of(c)->name;
    c->ip_text[0] = '\0';
    c->why = c->security.why;
    not_good_enough(c, c->security.verdict == SECURITY_REFUSE ? REFUSE : RETRY, c->security.why.status);
    return false;
}

/* The address that host and address name, or the next one that may be tried. */
static void connect_next(struct relay_conn *c)
{
    struct relay_mx *mx = &c->hop->mx;

    if (c->hop->routed && c->hop->route.path.n) {
        relay_tls_decide(c->hop, 0, c->demand, NULL, &c->security);
        if (c->host > 0) {
            give_up(c);
        } else if (try_socket(c)) {
            watch(c);
        } else {
            c->stage = "connect";
            give_up(c);
        }
        return;
    }
    for (; c->host < mx->ready; c->host++, c->address = 0) {
        const struct relay_mx_host *h = &mx->hosts[c->host];
        if (h->state == RELAY_HOST_READY && h->address_count > 0 && !may_go(c))
            continue;
        for (; h->state == RELAY_HOST_READY && c->address < h->address_count; c->address++) {
            if (relay_site_is_bad(c->site, &h->addresses[c->address]) && !c->all_bad && !c->clear) {
                c->passed = true;
                continue;
            }
            c->tried = true;
            if (try_address(c)) {
                watch(c);
                return;
            }
            c->stage = "connect";
            c->outcome = RETRY;
            c->failed++;
            relay_site_mark_bad(c->site, &h->addresses[c->address]);
        }
    }
    if (mx->state == RELAY_MX_HOSTS)
        relay_mx_more(mx);
    if (mx->state != RELAY_MX_END) {
        c->state = CONN_LOOKING;
        relay_hop_ask(c->hop);
        return;
    }
    if (!c->tried && c->passed && !c->all_bad) { /* all of them were bad a moment ago: then those */
        c->all_bad = true;
        c->host = c->address = 0;
        connect_next(c);
        return;
    }
    if (!c->why.text[0])
        c->why = mx->why.text[0] ? mx->why : (struct why){"4.4.1", "no host answers"};
    give_up(c);
}

static void host_failed(struct relay_conn *c)
{
    close_channel(c);
    if (c->greeted) { /* TLS does not fail later, but who knows */
        relay_conn_end(c);
        return;
    }
    c->failed++;
    fact(FACT_INFO, "relay.host-failed", fact_str("host", c->host_name), fact_c("ip", c->ip_text),
         fact_c("stage", c->stage ? c->stage : ""), fact_c("why", c->why.text));
    c->clear = false;
    if (c->hop->routed && c->hop->route.path.n) {
        give_up(c);
        return;
    }
    relay_site_mark_bad(c->site, &c->ip);
    c->address++;
    connect_next(c);
}

/* The other addresses of that host are no better. */
static void next_host(struct relay_conn *c)
{
    close_channel(c);
    if (c->greeted) {
        relay_conn_end(c);
        return;
    }
    c->clear = false;
    if (c->hop->routed && c->hop->route.path.n) {
        give_up(c);
        return;
    }
    c->host++;
    c->address = 0;
    connect_next(c);
}

void relay_conn_looked(struct relay_hop *h)
{
    struct relay_conn *next;

    for (struct relay_conn *c = h->site ? h->site->conns : NULL; c; c = next) {
        next = c->next;
        if (c->hop == h && c->state == CONN_LOOKING && !c->closing)
            connect_next(c);
    }
}

void relay_conn_open(struct relay_site *s, struct relay_job *j)
{
    struct relay *r = s->relay;
    struct relay_hop *h = j->hop;
    struct relay_conn *c = calloc(1, sizeof *c);

    if (!c)
        return;
    c->relay = r;
    c->site = s;
    c->hop = h;
    c->demand = j->demand;
    c->fd = -1;
    relay_hop_hold(h);
    arena_init(&c->connection, SESSION_CONNECTION_MEM);
    arena_init(&c->transaction, SESSION_TRANSACTION_MEM);
    loop_io_init(&c->io, r->loop, on_ready, c);
    loop_timer_init(&c->timer, r->loop, on_time, c);
    c->next = s->conns;
    c->back = &s->conns;
    if (c->next)
        c->next->back = &c->next;
    s->conns = c;
    r->conn_count++;
    relay_gate_opening(&s->gate);
    connect_next(c);
}

void relay_conns_stop(struct relay *r)
{
    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_site *s = r->sites[b]; s; s = s->bucket)
            for (struct relay_conn *c = s->conns, *next; c; c = next) {
                next = c->next;
                if (c->idle)
                    relay_conn_run(c);
            }
}

void relay_conns_kill(struct relay *r)
{
    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_site *s = r->sites[b]; s; s = s->bucket)
            while (s->conns) {
                struct relay_conn *c = s->conns;
                if (c->job) {
                    c->job->conn = NULL;
                    c->job->state = JOB_COMING; /* in no list */
                    c->job = NULL;
                }
                if (!c->greeted)
                    relay_gate_abandoned(&s->gate);
                relay_conn_end(c);
            }
}

void relay_burial_init(struct relay *r)
{
    loop_defer_init(&r->burial, r->loop, bury, r);
}

void relay_bury(struct relay *r)
{
    loop_defer_stop(&r->burial);
    bury(r);
}
