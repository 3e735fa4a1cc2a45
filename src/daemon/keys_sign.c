// SPDX-License-Identifier: ISC
/* Signing for the edges' hand-shakes: each channel is a link on which one of their threads asks and waits. One question a
   channel at a time. */
#include <stdlib.h>
#include <strings.h>
#include "base/check.h"
#include "base/facts.h"
#include "daemon/keys_inside.h"
#include "os/net.h"

enum { TBS_MAX = 4096, SIGNATURE_MAX = 1024, CHANNEL_OUT = 16 * 1024 };

struct sign_channel {
    struct job job;                /* first */
    struct sign_channel *next, **back;
    struct keys *keys;
    struct link *link;             /* NULL: gone; freed when the job comes back */
    enum role who;
    uint32_t incarnation;
    bool busy;
    struct keys_table *now, *before;
    struct tls_key *key;
    uint32_t query;
    char alg[25], digest[25];
    char tbs[TBS_MAX]; size_t tbs_n;
    char signature[SIGNATURE_MAX]; size_t signature_n;
    bool ok;
};

static void close_channel(struct sign_channel *c)
{
    if (c->link) {
        link_free(c->link);
        c->link = NULL;
        *c->back = c->next;
        if (c->next)
            c->next->back = c->back;
        c->keys->channel_count--;
    }
    if (c->busy)
        return;
    free(c);
}

static void answer(struct sign_channel *c)
{
    char storage[SIGNATURE_MAX + 64];
    struct buf b;

    buf_fixed(&b, storage, sizeof storage);
    message_write(&b,
                  &MSG(signature, .query = c->query, .ok = c->ok, .signature = str_of(c->signature, c->ok ? c->signature_n : 0)));
    if (b.full || !link_send(c->link, MSG_signature, 0, buf_str(&b)))
        close_channel(c);
}

static void run(struct job *j)
{
    struct sign_channel *c = (struct sign_channel *)(void *)j;
    struct buf out;

    buf_fixed(&out, c->signature, sizeof c->signature);
    c->ok = tls_key_sign(c->key, c->alg, c->digest, str_of(c->tbs, c->tbs_n), &out) && !out.full;
    c->signature_n = out.n;
}

static void done(struct job *j)
{
    struct sign_channel *c = (struct sign_channel *)(void *)j;

    c->busy = false;
    keys_table_drop(c->now);
    keys_table_drop(c->before);
    c->now = c->before = NULL;
    fact_count("keys.signatures", 1);
    if (!c->link)
        close_channel(c);
    else
        answer(c);
}

static struct tls_key *find(const struct keys_table *t, uint32_t number)
{
    for (size_t i = 0; t && i < t->count; i++)
        if (t->key[i].number == number)
            return t->key[i].key;
    return NULL;
}

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct sign_channel *c = self;
    struct keys *k = c->keys;
    struct message m;

    if (l != c->link)
        return;
    if (c->busy || f->type != MSG_sign || f->fd >= 0 || !message_read(f->type, f->payload, &m) || m.sign.tbs.n > TBS_MAX ||
        !str_to_c(m.sign.alg, c->alg, sizeof c->alg) || !str_to_c(m.sign.digest, c->digest, sizeof c->digest)) {
        fact(FACT_ERROR, "role.breach", fact_c("peer", role_name(c->who)), fact_num("incarnation", c->incarnation),
             fact_c("what", "a broken question on a sign channel"));
        peer_send(actor_peer(k->actor, ROLE_MASTER),
                  &MSG(breach, .who = c->who, .incarnation = c->incarnation, .what = S("a broken question on a sign channel")));
        close_channel(c);
        return;
    }
    c->query = m.sign.query;
    c->ok = false;
    c->key = find(k->table, m.sign.key);
    if (!c->key)
        c->key = find(k->before, m.sign.key);
    c->tbs_n = m.sign.tbs.n;
    if (c->tbs_n)
        memcpy(c->tbs, m.sign.tbs.p, c->tbs_n);
    c->job = (struct job){.run = run, .done = done};
    if (!c->key || k->stopping || !pool_submit(k->sign, &c->job)) {
        answer(c);
        return;
    }
    c->busy = true;
    c->now = keys_table_hold(k->table);
    c->before = keys_table_hold(k->before);
}

static void on_close(void *self, struct link *l, const char *why)
{
    struct sign_channel *c = self;
    (void)why;

    if (l == c->link)
        close_channel(c);
}

void keys_sign_channel(struct keys *k, enum role who, uint32_t incarnation, int fd)
{
    static const struct link_handler handler = {on_frame, on_close, NULL};
    struct sign_channel *c = k->channel_count < KEYS_CHANNELS_MAX ? calloc(1, sizeof *c) : NULL;

    if (!c) {
        net_close(fd);
        return;
    }
    c->keys = k;
    c->who = who;
    c->incarnation = incarnation;
    c->link = link_new(k->actor->loop, fd, "sign", &handler, c, CHANNEL_OUT);
    if (!c->link) {
        net_close(fd);
        free(c);
        return;
    }
    c->next = k->channels;
    c->back = &k->channels;
    if (c->next)
        c->next->back = &c->next;
    k->channels = c;
    k->channel_count++;
    if (!k->sign)
        link_pause(c->link, true);
}

void keys_sign_begin(struct keys *k)
{
    for (struct sign_channel *c = k->channels; c; c = c->next)
        link_pause(c->link, false);
}

void keys_sign_close(struct keys *k)
{
    while (k->channels)
        close_channel(k->channels);
}

/* ---- the keys ---- */

struct keys_table *keys_table_hold(struct keys_table *t)
{
    if (t)
        t->holders++;
    return t;
}

void keys_table_drop(struct keys_table *t)
{
    if (!t || --t->holders)
        return;
    for (size_t i = 0; i < t->count; i++)
        tls_key_free(t->key[i].key);
    free(t);
}

struct keys_table *keys_table_new(const struct setup *s, struct why *why)
{
    size_t n = 0;
    struct keys_table *t;

    for (const struct setup_pem *p = s->keys; p; p = p->next)
        n++;
    t = calloc(1, sizeof *t + n * sizeof t->key[0]);
    if (!t) {
        *why = (struct why){"", "no memory for the keys"};
        return NULL;
    }
    t->holders = 1;
    for (const struct setup_pem *p = s->keys; p; p = p->next) {
        t->key[t->count].number = p->key;
        t->key[t->count].key = tls_key_read(p->pem, why);
        if (!t->key[t->count].key) {
            keys_table_drop(t);
            return NULL;
        }
        t->count++;
    }
    return t;
}
