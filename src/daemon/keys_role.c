// SPDX-License-Identifier: ISC
/* The keys role: holds what must not leak, answers who asks over the links that the table allows. */
#include <sodium.h>
#include <stdlib.h>
#include "base/facts.h"
#include "daemon/keys_inside.h"
#include "os/net.h"
#include "os/process.h"

static bool make(struct actor *a)
{
    struct keys *k = calloc(1, sizeof *k);

    if (!k)
        return false;
    k->actor = a;
    k->next_query = 1;
    keys_cache_init(&k->cache);
    a->self = k;
    return true;
}

static bool prepare(struct actor *a, const struct setup *next, struct why *why)
{
    struct keys *k = a->self;

    if (!k && !make(a)) {
        *why = (struct why){"", "no memory"};
        return false;
    }
    k = a->self;
    if (!tls_warm() || sodium_init() < 0) {
        *why = (struct why){"", "the cryptographic libraries do not work"};
        return false;
    }
    if (next->has_salts)
        login_fake_secret(next->salts);
    login_warm();
    if (!a->single)
        process_undumpable();
    struct keys_table *t = keys_table_new(next, why);
    if (!t)
        return false;
    keys_table_drop(k->coming);
    k->coming = t;
    return true;
}

static void use(struct keys *k)
{
    keys_table_drop(k->before);
    k->before = k->table;
    k->table = k->coming;
    k->coming = NULL;
}

static bool begin(struct actor *a, const struct setup *now, struct why *why)
{
    struct keys *k = a->self;
    unsigned cpus = process_cpus();

    (void)now;
    use(k);
    k->sign = pool_new(a->loop, "sign", cpus ? cpus : 1, KEYS_SIGN_QUEUE, 0);
    k->hash = pool_new(a->loop, "hash", cpus ? cpus : 1, KEYS_HASH_QUEUE, 0);
    if (!k->sign || !k->hash) {
        *why = (struct why){"", "no threads"};
        return false;
    }
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (i != ROLE_MASTER && a->peers[i].link)
            link_pause(a->peers[i].link, false);
    keys_sign_begin(k);
    return true;
}

/* What comes before begin waits in the link. */
static void peer_up(struct actor *a, struct peer *p)
{
    struct keys *k = a->self;

    if (!k || !k->hash)
        link_pause(p->link, true);
}

static void commit(struct actor *a, const struct setup *now)
{
    (void)now;
    use(a->self);
}

static void abandon(struct actor *a)
{
    struct keys *k = a->self;

    if (!k)
        return;
    keys_table_drop(k->coming);
    k->coming = NULL;
}

static void message(struct actor *a, struct peer *from, const struct message *m)
{
    struct keys *k = a->self;

    if (!k || !k->hash)
        return;
    switch ((int)m->kind) {
    case MSG_login_step:
        keys_login_step(k, from, &m->login_step);
        break;
    case MSG_login_end:
        keys_login_end(k, m->login_end.session);
        break;
    case MSG_verifier:
        keys_login_verifier(k, &m->verifier);
        break;
    case MSG_granted:
        keys_login_granted(k, &m->granted);
        break;
    case MSG_verifier_make:
        keys_derive(k, &m->verifier_make);
        break;
    default:
        peer_breach(from, "a message that keys does not take");
    }
}

static void peer_down(struct actor *a, struct peer *p)
{
    struct keys *k = a->self;

    if (!k)
        return;
    if (p->who == ROLE_EDGE_USER) {
        keys_login_edge_down(k);
    } else if (p->who == ROLE_STORE) {
        keys_login_store_down(k);
        keys_derive_forget(k);
    }
}

static void sign_channel(struct actor *a, enum role who, uint32_t incarnation, int fd)
{
    struct keys *k = a->self ? a->self : make(a) ? a->self : NULL; /* the first ones come before prepare */

    if (k && (who == ROLE_EDGE_MX || who == ROLE_EDGE_USER))
        keys_sign_channel(k, who, incarnation, fd);
    else
        net_close(fd);
}

static void stop(struct actor *a, uint32_t within_ms)
{
    struct keys *k = a->self;

    (void)within_ms;
    k->stopping = true;
    actor_stopped(a, 0); /* master asks last of all: nobody is left who could want something */
}

static void clear(struct actor *a)
{
    struct keys *k = a->self;

    if (!k)
        return;
    k->stopping = true;
    keys_sign_close(k);
    keys_login_edge_down(k);
    keys_derive_forget(k);
    pool_free(k->sign);
    pool_free(k->hash);
    keys_table_drop(k->table);
    keys_table_drop(k->before);
    keys_table_drop(k->coming);
    sodium_memzero(k, sizeof *k);
    free(k);
    a->self = NULL;
}

const struct role_type role_keys = {
    .who = ROLE_KEYS,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .abandon = abandon,
    .message = message,
    .peer_up = peer_up,
    .peer_down = peer_down,
    .sign_channel = sign_channel,
    .stop = stop,
    .clear = clear,
};
