// SPDX-License-Identifier: ISC
/* An edge and a store that say anything at any time to the keys role: it lives, keeps its counts, and lets nobody in without
   store's word. */
#include "base/random.h"
#include "daemon/keys_inside.h"
#include "daemon/role_rig.h"

enum { ROUNDS = 5000 };

struct chaos {
    struct rig *r;
    struct rig_edge store;
    uint64_t query;
    struct login_verifier v;
    unsigned breaches, let_in, granted;
    bool honest;
};

static struct str octets(char *room, size_t most)
{
    size_t n = (size_t)random_below(most) + 1;

    random_bytes(room, n);
    return str_of(room, n);
}

static struct message of_edge(char *room)
{
    static const char *const mechanisms[] = {"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "X", ""};
    static const struct str responses[] = {
        {"\0alice@demo.test\0opensesame", 27},
        {"alice\0alice@demo.test\0x", 23},
        {"n,,n=alice@demo.test,r=abcdefghijklmnop", 39},
        {"alice@demo.test", 15},
        {"", 0},
        {"*", 1},
        {"p=tls-exporter,,n=alice,r=abcdefghijk", 37},
    };
    struct str response = random_below(5) ? responses[random_below(countof(responses))] : octets(room, 9000);

    if (random_below(6) == 0)
        return MSG(login_end, .session = random_below(9));
    return MSG(login_step, .session = random_below(500) ? 1 + random_below(300) : 0,
               .mechanism = str_c(mechanisms[random_below(countof(mechanisms))]), .has_response = random_below(4) != 0,
               .response = response, .tls = random_below(2), .has_exporter = random_below(2),
               .exporter = str_of(room, random_below(2) ? 32 : random_below(32)),
               .client_ip = random_below(9) ? S("2001:db8::1") : S("rubbish"), .protocol = S("pop3"));
}

static struct message of_store(struct chaos *c, char *room)
{
    uint64_t query = random_below(3) ? c->query : random_u64();

    switch (random_below(5)) {
    case 0:
        return MSG(verifier, .query = query, .outcome = DONE, .account = 7, .verifier = str_of(&c->v, sizeof c->v));
    case 1:
        return MSG(verifier, .query = query, .outcome = (enum outcome)(1 + random_below(3)), .account = random_below(3),
                   .verifier = octets(room, 1024));
    case 2:
        return MSG(verifier, .query = query, .outcome = random_below(40) ? RETRY : REFUSE);
    case 3:
        return MSG(granted, .query = query, .outcome = (enum outcome)(1 + random_below(3)), .handle = random_u64(),
                   .user = S("alice@demo.test"));
    default:
        return MSG(verifier_make, .query = query, .password = random_below(100) ? S("") : octets(room, 1000));
    }
}

static void say(struct rig_edge *e, const struct message *m)
{
    struct buf scratch;

    buf_init(&scratch, FRAME_MAX);
    (void)message_send(e->link, &scratch, m, -1);
    buf_free(&scratch);
}

static void note(struct chaos *c)
{
    for (size_t i = 0; i < c->store.count; i++) {
        const struct message *m = c->store.seen[i];
        if (m->kind == MSG_verifier_get) {
            c->query = m->verifier_get.query;
            if (c->honest || random_below(2))
                say(&c->store,
                    &MSG(verifier, .query = c->query, .outcome = DONE, .account = 7, .verifier = str_of(&c->v, sizeof c->v)));
        } else if (m->kind == MSG_grant) {
            c->query = m->grant.query;
            c->granted++;
            if (c->honest || random_below(2))
                say(&c->store, &MSG(granted, .query = c->query, .outcome = DONE, .handle = 1, .user = S("alice@demo.test")));
        }
    }
    for (size_t i = 0; i < c->r->user_keys.count; i++)
        c->let_in +=
            c->r->user_keys.seen[i]->kind == MSG_login_answer && c->r->user_keys.seen[i]->login_answer.step == LOGIN_ANSWER_OK;
    rig_forget(&c->store);
    rig_forget(&c->r->user_keys);
    c->breaches += (unsigned)c->store.closed + (unsigned)c->r->user_keys.closed;
    if (c->store.closed)
        rig_connect(c->r, &c->store, ROLE_STORE, c->r->keys, ++c->r->next_incarnation);
    if (c->r->user_keys.closed)
        rig_connect(c->r, &c->r->user_keys, ROLE_EDGE_USER, c->r->keys, ++c->r->next_incarnation);
}

/* In the midst of it a login as it should be. */
static void honest(struct chaos *c, uint64_t session)
{
    unsigned before = c->let_in;

    for (int i = 0; i < 5; i++) { /* what was said before has been heard */
        loop_turn(c->r->loop, 0);
        note(c);
    }
    memset(&((struct keys *)c->r->keys->self)->slow, 0, sizeof(struct keys_slow));
    c->honest = true;
    say(&c->r->user_keys,
        &MSG(login_step, .session = session, .mechanism = S("PLAIN"), .has_response = true,
             .response = str_of("\0alice@demo.test\0opensesame", 27), .tls = true, .client_ip = S("192.0.2.1")));
    for (int i = 0; i < 300 && c->let_in == before; i++) {
        loop_turn(c->r->loop, 10);
        note(c);
    }
    c->honest = false;
    CHECK(c->let_in > before);
}

TEST(anything_at_any_time)
{
    struct chaos c = {.r = rig_new(NULL)};
    char *room = malloc(10000);
    struct keys *k;
    struct why why;

    CHECK(login_verifier_make(S("opensesame"), &c.v, &why) == DONE);
    rig_open_keys(c.r, NULL);
    k = c.r->keys->self;
    rig_connect(c.r, &c.store, ROLE_STORE, c.r->keys, ++c.r->next_incarnation);
    random_seed(7);
    memset(room, 0, 10000);
    for (int i = 0; i < ROUNDS; i++) {
        bool edge = random_below(3) != 0;
        struct message m = edge ? of_edge(room) : of_store(&c, room);
        say(edge ? &c.r->user_keys : &c.store, &m);
        if (random_below(4) == 0) {
            loop_turn(c.r->loop, random_below(8) ? 0 : 15);
            note(&c);
        }
        if (i % 500 == 499)
            honest(&c, 1000000 + (uint64_t)i);
        CHECK(k->login_count <= KEYS_LOGINS_MAX);
        memset(&k->slow, 0, sizeof k->slow); /* else all would soon wait */
    }
    random_seed(0);
    CHECK(c.breaches > 0);
    CHECK(c.let_in > 0 && c.let_in <= c.granted); /* each on store's word */
    rig_connect(c.r, &c.r->user_keys, ROLE_EDGE_USER, c.r->keys, ++c.r->next_incarnation);
    for (int i = 0; i < 1000 && (k->login_count || pool_waiting(k->hash)); i++)
        loop_turn(c.r->loop, 10);
    CHECK_NUM(k->login_count, 0);
    rig_hang_up(&c.store);
    free(room);
    rig_free(c.r);
}
