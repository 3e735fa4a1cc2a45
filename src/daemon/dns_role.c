// SPDX-License-Identifier: ISC
/* The dns role: the one resolver of the server, and the only process whose code libunbound's is. It answers questions that come over links, and keeps nothing but
   the resolver's cache. A reload that changes what is asked or believed makes a new resolver; questions that wait are asked again there.

     dns_ask ──the resolver has room──► ASKED ──answer──► dns_answer
         └──it has none──► WAITING, in order ──room──► ASKED
                              └──half a minute, or QUESTIONS_MAX of them: an empty dns_answer, "not now"                       */
#include <stdlib.h>
#include "base/facts.h"
#include "base/fail.h"
#include "base/hash.h"
#include "daemon/actor.h"
#include "dns/dns.h"
#include "os/loop.h"
#include "relay/mx_config.h"

enum { QUESTIONS_MAX = 8192, WAIT_MS = 30 * 1000 };

struct question {
    struct dns *d;
    struct peer *from;      /* NULL: free */
    uint64_t query, id;     /* theirs, the resolver's; id 0: WAITING */
    int64_t since_ms;
    enum dns_type type;
    struct str name;        /* allocated */
    struct question *next;  /* free, or waiting */
};

struct resolving { struct dns_resolver *r; uint64_t key; }; /* key: of what it was made from */

struct dns {
    struct actor *actor;
    struct resolving now, coming;
    struct loop_io io;
    struct loop_timer timer;
    struct question *questions, *free, *waiting, **last_waiting;
    size_t fresh;           /* from there on no question was ever used, and its memory never touched */
    struct buf answer;
    uint16_t ports[1 + CONFIG_DNS_SERVERS_MAX]; /* that the sandbox lets through */
    size_t port_count;
    bool begun, started;
};

/* ---- driving the resolver ---- */

static void watch(struct dns *d)
{
    int64_t at = dns_resolver_deadline_ms(d->now.r);
    if (at == 0)
        loop_timer_stop(&d->timer);
    else if (!loop_timer_is_active(&d->timer) || d->timer.at_ms != at)
        loop_timer_at(&d->timer, at);
}

static void on_answer(void *self, const struct dns_answer *answer);

/* Those who wait, as far as there is room. */
static void feed(struct dns *d)
{
    for (struct question *q; (q = d->waiting) != NULL;) {
        q->id = dns_ask(d->now.r, q->name, q->type, on_answer, q);
        if (q->id == 0)
            return;
        d->waiting = q->next;
        if (!d->waiting)
            d->last_waiting = &d->waiting;
    }
}

static void turn(void *self)
{
    struct dns *d = self;
    dns_resolver_turn(d->now.r);
    feed(d);
    watch(d);
}

static void on_ready(void *self, uint32_t ready)
{
    (void)ready;
    turn(self);
}

/* Where the kernel watches no more descriptors, the timer and each further question still come. */
static void drive(struct dns *d)
{
    if (!d->started)
        d->started = loop_io_start(&d->io, dns_resolver_fd(d->now.r), LOOP_READ);
    watch(d);
}

/* ---- questions ---- */

static void release(struct question *q)
{
    free((char *)(uintptr_t)q->name.p);
    q->from = NULL;
    q->next = q->d->free;
    q->d->free = q;
}

static void count(const struct dns_answer *a)
{
    switch (a->status) {
    case DNS_OK:
    case DNS_NODATA:
    case DNS_NXDOMAIN:
        break;
    case DNS_SERVFAIL:
        fact_count("dns.servfail", 1);
        break;
    case DNS_TIMEOUT:
        fact_count("dns.timeout", 1);
        break;
    case DNS_BOGUS:
        fact_count("dns.bogus", 1);
        fact(FACT_WARN, "dns.bogus", fact_str("name", a->name), fact_c("type", dns_type_text(a->type)), fact_str("why", a->why));
        break;
    }
}

static void on_answer(void *self, const struct dns_answer *answer)
{
    struct question *q = self;
    struct dns *d = q->d;
    buf_clear(&d->answer);
    dns_answer_encode(&d->answer, answer);
    count(answer);
    peer_send(q->from, &MSG(dns_answer, .query = q->query, .answer = d->answer.full ? STR_NONE : buf_str(&d->answer)));
    buf_clear(&d->answer);
    buf_shrink(&d->answer, 4096);
    release(q);
}

static void not_now(struct peer *from, uint64_t query)
{
    fact_count("dns.refused", 1);
    peer_send(from, &MSG(dns_answer, .query = query));
}

static struct question *take(struct dns *d)
{
    struct question *q = d->free;
    if (q)
        d->free = q->next;
    else if (d->fresh < QUESTIONS_MAX)
        q = &d->questions[d->fresh++];
    return q;
}

static void ask(struct dns *d, struct peer *from, const struct msg_dns_ask *m)
{
    char *name = fail_malloc(m->name.n + 1);
    struct question *q = name ? take(d) : NULL;
    fact_count("dns.asked", 1);
    if (!q) {
        free(name);
        not_now(from, m->query);
        return;
    }
    memcpy(name, m->name.p ? m->name.p : "", m->name.n);
    *q = (struct question){.d = d, .from = from, .query = m->query, .since_ms = loop_now_ms(d->actor->loop), .type = (enum dns_type)m->type, .name = str_of(name, m->name.n)};
    *d->last_waiting = q;
    d->last_waiting = &q->next;
    feed(d);
    drive(d);
}

/* Takes out of those who wait whom the link p left behind (NULL: nobody), and who came before since_ms. */
static void shorten(struct dns *d, const struct peer *p, int64_t since_ms)
{
    struct question **at = &d->waiting;
    for (struct question *q; (q = *at) != NULL;) {
        if (q->from != p && q->since_ms >= since_ms) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        if (q->from != p)
            not_now(q->from, q->query);
        release(q);
    }
    d->last_waiting = at;
}

static void second(struct actor *a)
{
    struct dns *d = a->self;
    if (!d || !d->begun || !d->waiting)
        return;
    feed(d);
    drive(d);
    shorten(d, NULL, loop_now_ms(a->loop) - WAIT_MS);
}

static void message(struct actor *a, struct peer *from, const struct message *m)
{
    struct dns *d = a->self;
    if (m->kind != MSG_dns_ask || !dns_type_known(m->dns_ask.type)) {
        peer_breach(from, "dns takes questions, of types that it knows");
        return;
    }
    if (d && d->begun)
        ask(d, from, &m->dns_ask);
    else
        not_now(from, m->dns_ask.query);
}

static void peer_down(struct actor *a, struct peer *p)
{
    struct dns *d = a->self;
    if (!d)
        return;
    shorten(d, p, INT64_MIN);
    for (size_t i = 0; i < d->fresh; i++)
        if (d->questions[i].from == p) {
            dns_cancel(d->now.r, d->questions[i].id);
            release(&d->questions[i]);
        }
    if (d->begun)
        feed(d);
}

/* ---- life ---- */

static struct dns *make(struct actor *a)
{
    struct dns *d = fail_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->questions = fail_calloc(QUESTIONS_MAX, sizeof *d->questions);
    if (!d->questions) {
        free(d);
        return NULL;
    }
    d->last_waiting = &d->waiting;
    d->actor = a;
    buf_init(&d->answer, DNS_ANSWER_MAX);
    loop_io_init(&d->io, a->loop, on_ready, d);
    loop_timer_init(&d->timer, a->loop, turn, d);
    a->self = d;
    return d;
}

/* Same servers, same anchors: same resolver, with its cache. */
static uint64_t key_of(const struct dns_settings *s)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < s->server_count; i++) {
        buf_add(&b, s->servers[i].address);
        buf_printf(&b, "@%u ", s->servers[i].port);
        buf_add(&b, s->servers[i].zone);
        buf_add_byte(&b, '\n');
    }
    buf_printf(&b, "%d\n", s->no_validation);
    buf_add(&b, s->resolv_conf);
    buf_add_byte(&b, '\0');
    buf_add(&b, s->anchors);
    uint64_t key = hash_table(buf_str(&b));
    buf_free(&b);
    return key;
}

static bool prepare(struct actor *a, const struct setup *next, struct why *why)
{
    struct dns *d = a->self ? a->self : make(a);
    struct dns_settings settings;
    struct arena scratch;
    arena_init(&scratch, 65536);
    *why = (struct why){"", "no memory"};
    bool ok = d && relay_dns_settings(&scratch, next->config, next->resolv_conf, next->anchors, &settings);
    if (ok) {
        uint64_t key = key_of(&settings);
        dns_resolver_free(d->coming.r);
        d->coming = (struct resolving){.key = key};
        if (!d->now.r || d->now.key != key)
            ok = (d->coming.r = dns_resolver_new(&settings, why)) != NULL;
    }
    arena_clear(&scratch);
    return ok;
}

static void say(const struct dns *d)
{
    fact(FACT_INFO, "dns.resolver", fact_c("how", dns_resolver_text(d->now.r)));
}

/* Those of the servers, and 53. */
static size_t ports(const struct setup *now, uint16_t *to, size_t max)
{
    size_t n = 0;
    to[n++] = 53;
    for (const struct config_dns_server *s = now->config->dns_servers; s && n < max; s = s->next)
        to[n++] = s->port;
    return n;
}

static bool is_let_through(const struct dns *d, const uint16_t *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t k = 0; k < d->port_count && !found; k++)
            found = d->ports[k] == wanted[i];
        if (!found)
            return false;
    }
    return true;
}

static bool begin(struct actor *a, const struct setup *now, struct why *why)
{
    struct dns *d = a->self;
    (void)why;
    d->port_count = ports(now, d->ports, countof(d->ports));
    d->now = d->coming;
    d->coming = (struct resolving){0};
    d->begun = true;
    drive(d);
    say(d);
    return true;
}

static void commit(struct actor *a, const struct setup *now)
{
    struct dns *d = a->self;
    struct dns_resolver *old = d->now.r;
    uint16_t wanted[countof(d->ports)];
    if (!d->coming.r)
        return;
    if (!a->single && !is_let_through(d, wanted, ports(now, wanted, countof(wanted)))) {
        actor_failed(a, 0); /* begins anew, with another sandbox; who waits is asked again by its role */
        return;
    }
    if (d->started)
        loop_io_stop(&d->io);
    d->started = false;
    d->now = d->coming;
    d->coming = (struct resolving){0};
    for (size_t i = 0; i < d->fresh; i++) { /* the new one has room for what the old one had */
        struct question *q = &d->questions[i];
        if (!q->from || q->id == 0)
            continue;
        dns_cancel(old, q->id);
        q->id = dns_ask(d->now.r, q->name, q->type, on_answer, q);
        if (q->id == 0) {
            not_now(q->from, q->query);
            release(q);
        }
    }
    dns_resolver_free(old);
    drive(d);
    say(d);
}

static void abandon(struct actor *a)
{
    struct dns *d = a->self;
    if (!d)
        return;
    dns_resolver_free(d->coming.r);
    d->coming = (struct resolving){0};
}

/* Nobody loses anything: who asks is gone before. */
static void stop(struct actor *a, uint32_t within_ms)
{
    (void)within_ms;
    actor_stopped(a, 0);
}

static void clear(struct actor *a)
{
    struct dns *d = a->self;
    if (!d)
        return;
    if (d->started)
        loop_io_stop(&d->io);
    loop_timer_stop(&d->timer);
    for (size_t i = 0; i < d->fresh; i++)
        if (d->questions[i].from)
            release(&d->questions[i]);
    dns_resolver_free(d->now.r);
    dns_resolver_free(d->coming.r);
    buf_free(&d->answer);
    free(d->questions);
    free(d);
    a->self = NULL;
}

const struct role_type role_dns = {
    .who = ROLE_DNS,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .abandon = abandon,
    .message = message,
    .peer_down = peer_down,
    .second = second,
    .stop = stop,
    .ports = ports,
    .clear = clear,
};
