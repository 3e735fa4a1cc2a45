// SPDX-License-Identifier: ISC
/* Logins of edge-user's sessions: each a login machine that is fed here, with its slow parts elsewhere.

     login_step ─► IDLE ──feed──┬─ MORE ────────► login_answer MORE, IDLE
                                ├─ NEED_VERIFIER ─► VERIFIER ──verifier──► SLOW (a guesser waits) ──time──┐
                                │        ┌────────────────────────────────────────────────────────────────┘
                                │        └─┬─ MORE ─► IDLE (SCRAM)
                                │          └─ NEED_PASSWORD_CHECK ─► HASH (a thread) ──► OK │ FAILED
                                ├─ OK ─► GRANT ──granted──► login_answer OK with the handle, over
                                └─ FAILED ─► login_answer FAILED, over
     (any) ──login_end, link down──► gone  */
#include <sodium.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "base/hash.h"
#include "daemon/keys_inside.h"
#include "os/net.h"

enum login_state { LOGIN_IDLE, LOGIN_VERIFIER, LOGIN_SLOW, LOGIN_HASH, LOGIN_GRANT };

struct keys_login {
    struct job job;               /* first */
    struct keys_login *next, **back;
    struct keys *keys;
    uint64_t session, query;
    enum login_state state;
    enum login_step step;         /* of the thread */
    bool gone;                    /* nobody waits for it any more; freed when thread or store have done with it */
    bool listed;
    struct login_server l;
    struct login_verifier verifier;
    bool known;
    uint64_t account;
    uint64_t client;              /* network key of the address */
    struct cache_tag tag;
    struct loop_timer slow;
    char ip[65], protocol[17];
};

/* A query's last octet says in which bucket its login is. */
static size_t bucket_of(uint64_t session)
{
    return (size_t)(hash_table(str_of(&session, sizeof session)) % KEYS_BUCKETS);
}

static struct keys_login *by_session(struct keys *k, uint64_t session)
{
    struct keys_login *n = k->logins[bucket_of(session)];

    while (n && (n->session != session || n->gone))
        n = n->next;
    return n;
}

static struct keys_login *by_query(struct keys *k, uint64_t query, enum login_state state)
{
    struct keys_login *n = k->logins[query % KEYS_BUCKETS];

    while (n && n->query != query)
        n = n->next;
    return n && n->state == state ? n : NULL;
}

static void unlist(struct keys_login *n)
{
    if (!n->listed)
        return;
    *n->back = n->next;
    if (n->next)
        n->next->back = n->back;
    n->listed = false;
    n->keys->login_count--;
}

static void end(struct keys_login *n)
{
    n->gone = true;
    loop_timer_stop(&n->slow);
    if (n->state == LOGIN_GRANT)
        return; /* store makes a handle for it: it has to be given back */
    unlist(n);
    if (n->state == LOGIN_HASH)
        return; /* a thread has it */
    login_server_clear(&n->l);
    sodium_memzero(n, sizeof *n);
    free(n);
}

static void answer(struct keys *k, uint64_t session, enum login_answer_step step, struct why why, struct str challenge,
                   struct str user, uint64_t handle)
{
    peer_send(actor_peer(k->actor, ROLE_EDGE_USER),
              &MSG(login_answer, .session = session, .step = (uint8_t)step, .challenge = challenge, .user = str_head(user, 400),
                   .handle = handle, .why = why));
}

static void finish(struct keys_login *n, enum login_answer_step step, struct why why)
{
    if (!n->gone)
        answer(n->keys, n->session, step, why, STR_NONE, str_c(n->l.user), 0);
    n->state = LOGIN_IDLE;
    end(n);
}

static struct why because(const char *status, const char *text)
{
    struct why w = {0};

    (void)str_to_c(str_c(status), w.status, sizeof w.status);
    (void)str_to_c(str_c(text), w.text, sizeof w.text);
    return w;
}

/* Whose failures are counted together: the account, or (unknown users look alike) the name that was typed. */
static uint64_t account_key(const struct keys_login *n)
{
    return n->known ? n->account : hash_table(str_c(n->l.user)) | 1ULL << 63;
}

static bool ask_store(struct keys_login *n, enum login_state state, struct message *m, uint64_t *query)
{
    n->query = *query = n->keys->next_query++ * KEYS_BUCKETS + bucket_of(n->session);
    n->state = state;
    return peer_send(actor_peer(n->keys->actor, ROLE_STORE), m);
}

static void not_now(struct keys_login *n)
{
    finish(n, LOGIN_ANSWER_RETRY, because("4.3.0", "the server is busy: try again in a moment"));
}

static void failed(struct keys_login *n)
{
    fact_count("keys.logins-failed", 1);
    keys_slow_failed(&n->keys->slow, n->client, account_key(n), clock_mono_ms());
    finish(n, LOGIN_ANSWER_FAILED, because("5.7.8", "user name or password is wrong"));
}

static void grant(struct keys_login *n)
{
    struct peer *edge = actor_peer(n->keys->actor, ROLE_EDGE_USER);
    struct message m =
        MSG(grant, .edge = ROLE_EDGE_USER, .incarnation = edge->incarnation, .session = n->session, .account = n->account);

    if (!ask_store(n, LOGIN_GRANT, &m, &m.grant.query))
        not_now(n);
}

static void check_password(struct keys_login *n);

static void go_on(struct keys_login *n, enum login_step step, struct buf *challenge)
{
    struct message m;

    switch (step) {
    case LOGIN_MORE:
        n->state = LOGIN_IDLE;
        answer(n->keys, n->session, LOGIN_ANSWER_MORE, (struct why){0}, buf_str(challenge), STR_NONE, 0);
        return;
    case LOGIN_NEED_VERIFIER:
        m = MSG(verifier_get, .user = str_c(n->l.user));
        if (!ask_store(n, LOGIN_VERIFIER, &m, &m.verifier_get.query))
            not_now(n);
        return;
    case LOGIN_NEED_PASSWORD_CHECK:
        check_password(n);
        return;
    case LOGIN_OK:
        grant(n);
        return;
    case LOGIN_RETRY:
        not_now(n);
        return;
    case LOGIN_FAILED:
        failed(n);
        return;
    }
}

/* ---- the password, on a thread ---- */

static void run(struct job *j)
{
    struct keys_login *n = (struct keys_login *)(void *)j;

    n->step = login_server_check(&n->l);
}

static void done(struct job *j)
{
    struct keys_login *n = (struct keys_login *)(void *)j;

    n->state = LOGIN_IDLE;
    if (n->gone) {
        end(n);
        return;
    }
    if (n->step == LOGIN_OK)
        keys_cache_put(&n->keys->cache, &n->tag, clock_mono_ms());
    go_on(n, n->step, NULL);
}

static void check_password(struct keys_login *n)
{
    n->tag = keys_cache_tag(&n->keys->cache, str_of(n->l.password, n->l.password_n), &n->verifier);
    if (n->known && n->l.authzid_ok && keys_cache_has(&n->keys->cache, &n->tag, clock_mono_ms())) {
        fact_count("keys.logins-remembered", 1);
        grant(n);
        return;
    }
    n->job = (struct job){.run = run, .done = done};
    if (!pool_submit(n->keys->hash, &n->job)) {
        fact_count("keys.logins-put-off", 1);
        not_now(n);
        return;
    }
    n->state = LOGIN_HASH;
}

/* ---- from the store ---- */

static void with_verifier(struct keys_login *n)
{
    char text[4096];
    struct buf challenge;

    buf_fixed(&challenge, text, sizeof text);
    enum login_step step = login_server_verifier(&n->l, n->known, n->known ? &n->verifier : NULL, &challenge);
    go_on(n, step, &challenge);
}

static void on_slow(void *self)
{
    with_verifier(self);
}

void keys_login_verifier(struct keys *k, const struct msg_verifier *m)
{
    struct keys_login *n = by_query(k, m->query, LOGIN_VERIFIER);

    if (!n)
        return;
    if (m->outcome == RETRY) {
        not_now(n);
        return;
    }
    n->known = m->outcome == DONE && m->verifier.n == sizeof n->verifier;
    n->account = m->account;
    if (n->known)
        memcpy(&n->verifier, m->verifier.p, sizeof n->verifier);
    int64_t wait = keys_slow_wait(&k->slow, n->client, account_key(n), clock_mono_ms());
    if (wait < 0) {
        fact(FACT_WARN, "login.too-many-failures", fact_c("client", n->ip), fact_c("user", n->l.user));
        finish(n, LOGIN_ANSWER_RETRY, because("4.7.0", "too many failed logins from this address: try again later"));
    } else if (wait > 0) {
        fact_count("keys.logins-slowed", 1);
        n->state = LOGIN_SLOW;
        loop_timer_in(&n->slow, wait);
    } else {
        with_verifier(n);
    }
}

void keys_login_granted(struct keys *k, const struct msg_granted *m)
{
    struct keys_login *n = by_query(k, m->query, LOGIN_GRANT);

    if (!n)
        return;
    if (m->outcome != DONE) {
        finish(n, m->outcome == RETRY ? LOGIN_ANSWER_RETRY : LOGIN_ANSWER_FAILED, m->why);
        return;
    }
    keys_slow_good(&k->slow, n->client, account_key(n), clock_mono_ms());
    fact_count("keys.logins", 1);
    answer(k, n->session, LOGIN_ANSWER_OK, (struct why){0}, STR_NONE, m->user,
           m->handle); /* when the session left meanwhile, the edge has store forget the handle */
    n->state = LOGIN_IDLE;
    end(n);
}

/* ---- from the edge ---- */

static struct keys_login *begin(struct keys *k, const struct msg_login_step *m)
{
    struct tls_facts tls = {.active = m->tls, .has_exporter = m->has_exporter && m->exporter.n == 32};
    struct keys_login *n = k->login_count < KEYS_LOGINS_MAX ? calloc(1, sizeof *n) : NULL;

    if (!n) {
        answer(k, m->session, LOGIN_ANSWER_RETRY, because("4.7.0", "too many logins at once: try again"), STR_NONE, STR_NONE, 0);
        return NULL;
    }
    if (tls.has_exporter)
        memcpy(tls.exporter, m->exporter.p, sizeof tls.exporter);
    n->keys = k;
    n->session = m->session;
    (void)str_to_c(m->client_ip, n->ip, sizeof n->ip);
    (void)str_to_c(m->protocol, n->protocol, sizeof n->protocol);
    if (!net_key(m->client_ip, &n->client))
        n->client = 0;
    loop_timer_init(&n->slow, k->actor->loop, on_slow, n);
    struct keys_login **b = &k->logins[bucket_of(m->session)];
    n->next = *b;
    n->back = b;
    if (n->next)
        n->next->back = &n->next;
    *b = n;
    n->listed = true;
    k->login_count++;
    if (!login_server_init(&n->l, m->mechanism, &tls, k->actor->setup->config->scram_sha1)) {
        finish(n, LOGIN_ANSWER_FAILED, because("5.5.4", "this mechanism is not offered here"));
        return NULL;
    }
    return n;
}

void keys_login_step(struct keys *k, struct peer *edge, const struct msg_login_step *m)
{
    struct keys_login *n = by_session(k, m->session);
    char text[4096];
    struct buf challenge;

    if (m->session == 0 || (n && n->state != LOGIN_IDLE)) {
        peer_breach(edge, "a step of a login before the last one was answered");
        return;
    }
    if (m->mechanism.n) {
        if (n)
            end(n);
        n = begin(k, m);
        if (!n)
            return;
    } else if (!n) {
        answer(k, m->session, LOGIN_ANSWER_FAILED, because("5.7.0", "no login was begun"), STR_NONE, STR_NONE, 0);
        return;
    }
    buf_fixed(&challenge, text, sizeof text);
    enum login_step step = login_server_feed(&n->l, m->has_response, m->response, &challenge);
    go_on(n, step, &challenge);
}

void keys_login_end(struct keys *k, uint64_t session)
{
    struct keys_login *n = by_session(k, session);

    if (n)
        end(n);
}

void keys_login_edge_down(struct keys *k)
{
    for (size_t i = 0; i < KEYS_BUCKETS; i++)
        while (k->logins[i]) {
            if (k->logins[i]->state == LOGIN_GRANT)
                k->logins[i]->state = LOGIN_IDLE; /* store forgets that edge's handles by itself */
            end(k->logins[i]);
        }
}

void keys_login_store_down(struct keys *k)
{
    for (size_t i = 0; i < KEYS_BUCKETS; i++)
        for (struct keys_login *n = k->logins[i], *next; n; n = next) {
            next = n->next;
            if (n->state == LOGIN_VERIFIER || n->state == LOGIN_GRANT)
                not_now(n);
        }
}
