// SPDX-License-Identifier: ISC
/* Signing for hand-shakes: over channels as the edges' threads use them. */
#include <pthread.h>
#include "daemon/keys_inside.h"
#include "daemon/role_rig.h"
#include "os/net.h"

struct asker { int fd; uint32_t key; const char *alg, *digest; struct str raw; bool answered, ok; size_t n; volatile bool over; };

static void *asks(void *to)
{
    struct asker *a = to;
    struct buf text, answer;
    uint16_t type = 0;
    uint64_t id;
    struct message m;

    buf_init(&text, 8192);
    buf_init(&answer, 8192);
    message_write(
        &text, &MSG(sign, .query = 9, .key = a->key, .alg = str_c(a->alg), .digest = str_c(a->digest), .tbs = S("to be signed")));
    struct str part = a->raw.p ? a->raw : buf_str(&text);
    if (link_ask(a->fd, MSG_sign, 0, &part, 1, &type, &id, &answer, 3000) && type == MSG_signature &&
        message_read(type, buf_str(&answer), &m)) {
        a->answered = true;
        a->ok = m.signature.ok && m.signature.query == 9;
        a->n = m.signature.signature.n;
    }
    buf_free(&text);
    buf_free(&answer);
    a->over = true;
    return NULL;
}

static struct asker ask(struct rig *r, int fd, uint32_t key, const char *alg, const char *digest, struct str raw)
{
    struct asker a = {.fd = fd, .key = key, .alg = alg, .digest = digest, .raw = raw};
    pthread_t t;

    CHECK(pthread_create(&t, NULL, asks, &a) == 0);
    while (!a.over)
        loop_turn(r->loop, 2);
    pthread_join(t, NULL);
    return a;
}

static const struct setup *with_key(struct rig *r, uint32_t number, bool broken)
{
    struct setup *s = (struct setup *)(uintptr_t)rig_setup(r, RIG_CONFIG);
    struct buf key, chain;
    struct why why;

    buf_init(&key, 65536);
    buf_init(&chain, 65536);
    CHECK(tls_self_signed(S("mail.demo.test"), &key, &chain, &why));
    s->keys = arena_new(&s->arena, struct setup_pem);
    struct str no_key = S("-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n");
    *s->keys = (struct setup_pem){.key = number, .pem = arena_str(&s->arena, broken ? no_key : buf_str(&key))};
    buf_free(&key);
    buf_free(&chain);
    return s;
}

static int channel(struct rig *r)
{
    int fds[2];

    CHECK(net_pair(fds));
    role_keys.sign_channel(r->keys, ROLE_EDGE_MX, 3, fds[1]);
    return fds[0];
}

TEST(signs_with_the_keys_of_this_set_up_and_the_last)
{
    struct rig *r = rig_new(NULL);
    struct why why;

    r->keys = actor_new(&role_keys, r->loop, ++r->next_incarnation, true, rig_on_end, r);
    int early = channel(r); /* comes before the set-up does: it waits */
    rig_start(r->keys, with_key(r, 7, false), NULL);
    struct asker a = ask(r, early, 7, "ECDSA", "SHA256", STR_NONE);
    CHECK(a.answered && a.ok && a.n > 60);
    a = ask(r, early, 8, "ECDSA", "SHA256", STR_NONE);
    CHECK(a.answered && !a.ok);
    a = ask(r, early, 7, "NOSUCH", "SHA256", STR_NONE);
    CHECK(a.answered && !a.ok);
    a = ask(r, early, 7, "RSA-PSS", "SHA256", STR_NONE); /* not that kind of key */
    CHECK(a.answered && !a.ok);

    const struct setup *broken = with_key(r, 9, true), *next = with_key(r, 8, false);
    CHECK(!role_keys.prepare(r->keys, broken, &why) && why.text[0]);
    setup_drop(broken);
    CHECK(role_keys.prepare(r->keys, next, &why));
    const struct setup *old = r->keys->setup;
    r->keys->setup = next;
    role_keys.commit(r->keys, next);
    setup_drop(old);
    a = ask(r, early, 8, "ECDSA", "SHA384", STR_NONE);
    CHECK(a.answered && a.ok);
    a = ask(r, early, 7, "ECDSA", "SHA256", STR_NONE); /* a hand-shake that began before the reload */
    CHECK(a.answered && a.ok);

    int other = channel(r);
    a = ask(r, other, 8, "ECDSA", "SHA256", S("\1\2\3")); /* a broken question ends its channel and no other */
    CHECK(!a.answered);
    a = ask(r, early, 8, "ECDSA", "SHA256", STR_NONE);
    CHECK(a.answered && a.ok);
    net_close(other);
    net_close(early);
    rig_turns(r, 5);
    CHECK_NUM(((struct keys *)r->keys->self)->channel_count, 0);
    int many[KEYS_CHANNELS_MAX + 5];
    for (size_t i = 0; i < countof(many); i++)
        many[i] = channel(r);
    CHECK_NUM(((struct keys *)r->keys->self)->channel_count, KEYS_CHANNELS_MAX);
    for (size_t i = 0; i < countof(many); i++)
        net_close(many[i]);
    rig_free(r);
}

TEST(an_edge_that_dies_while_a_thread_signs)
{
    struct rig *r = rig_new(NULL);

    r->keys = actor_new(&role_keys, r->loop, ++r->next_incarnation, true, rig_on_end, r);
    rig_start(r->keys, with_key(r, 7, false), NULL);
    for (int turns = 0; turns < 6; turns++) {
        struct buf text;
        int fd = channel(r);
        buf_init(&text, 8192);
        message_write(&text, &MSG(sign, .query = 1, .key = 7, .alg = S("ECDSA"), .digest = S("SHA256"), .tbs = S("x")));
        struct str part = buf_str(&text);
        CHECK(link_put(fd, MSG_sign, 0, &part, 1, 1000));
        rig_turns(r, turns);
        net_close(fd);
        for (int i = 0; i < 50 && ((struct keys *)r->keys->self)->channel_count; i++)
            loop_turn(r->loop, 5);
        CHECK_NUM(((struct keys *)r->keys->self)->channel_count, 0);
        buf_free(&text);
    }
    rig_free(r);
}
