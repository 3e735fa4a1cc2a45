// SPDX-License-Identifier: ISC
/* Edges and keys that say anything at any time: whatever the table lets them say, in any order, with numbers and addresses that
   often fit and often do not. The store lives, keeps its counts, and takes mail from an honest edge afterwards. */
#include "base/random.h"
#include "daemon/role_rig.h"

enum { ROUNDS = 40000, PER_TURN = 5, HANDLES = 8 };

struct chaos {
    struct rig *r;
    struct rig_edge keys;
    uint64_t alice, handles[HANDLES], first_id, used, leased;
    unsigned breaches;
};

static uint64_t number(uint64_t limit) { return random_below(8) ? random_below(limit) : random_u64(); }

static struct str address(void)
{
    static const char *const all[] = {
        "alice@demo.test",
        "bob@demo.test",
        "team@demo.test",
        "loop@demo.test",
        "postmaster",
        "",
        "x@elsewhere.test",
        "alice+x@demo.test",
        "\"quo\\\"ted\"@demo.test",
        "@",
        "a@b@c",
        "<>",
        "\xff\xfe@demo.test",
        "user@[IPv6:::1]",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@demo.test",
        "\xc3\xbc-cher@demo.test",
    };
    return str_c(all[random_below(countof(all))]);
}

static struct str octets(char *room, size_t most)
{
    size_t n = (size_t)random_below(random_below(4) ? 200 : most) + 1;

    random_bytes(room, n < most ? n : most);
    return str_of(room, n < most ? n : most);
}

static uint64_t handle(struct chaos *c) { return random_below(3) ? c->handles[random_below(HANDLES)] : number(3); }

/* One message that such a role may send. */
static struct message anything(struct chaos *c, enum role who, char *room)
{
    uint64_t session = number(12), h = handle(c), id = random_below(4) ? c->first_id + random_below(2000) : number(100000);

    if (who == ROLE_KEYS)
        switch (random_below(5)) {
        case 0:
            return MSG(verifier_get, .query = number(9), .user = address());
        case 1:
            return MSG(verifier_made, .query = number(9), .outcome = (enum outcome)(1 + random_below(3)),
                       .verifier = octets(room, 1024));
        default:
            return MSG(grant, .query = number(9),
                       .edge = random_below(200) ? ROLE_EDGE_USER : (enum role)random_below(ROLE_COUNT),
                       .incarnation = random_below(9) ? c->r->user.incarnation : (uint32_t)random_u64(), .session = session,
                       .account = random_below(3) ? c->alice : number(9));
        }
    bool user = who == ROLE_EDGE_USER;
    switch (random_below(user ? 21 : 15)) {
    case 0:
        return MSG(mail, .session = session, .handle = h, .from = address(), .size = number(100000));
    case 1:
    case 2:
        return MSG(rcpt, .session = session, .handle = h, .from = address(), .to = address(), .size = number(100000));
    case 3:
        return MSG(vrfy, .session = session, .handle = h, .argument = address());
    case 4:
        return MSG(expn, .session = session, .handle = h, .argument = address());
    case 5:
        return MSG(body_begin, .session = session);
    case 6:
        return MSG(body_piece, .session = session, .data = octets(room, BODY_PIECE_MAX));
    case 7:
        return MSG(body_abort, .session = session);
    case 8:
    case 9:
        return MSG(commit_rcpt, .session = session, .to = address(), .orcpt = address(), .notify = (uint32_t)number(16));
    case 10:
        return MSG(commit, .session = session, .handle = h, .id = id, .kind = (uint8_t)random_below(random_below(50) ? 3 : 9),
                   .from = address(), .ret = (uint8_t)random_below(3), .body = (uint8_t)random_below(3),
                   .rcpt_count = (uint32_t)number(3), .size = number(2), .received_count = (uint32_t)number(200),
                   .client_ip = S("192.0.2.1"), .trace = S("Received: x\r\n"));
    case 11:
        return MSG(id_lease, .count = (uint32_t)number(2000));
    case 12:
        return MSG(session_end, .session = session, .handle = h);
    case 13:
        return MSG(counter, .name = str_head(address(), 60), .value = random_u64());
    case 14:
        return MSG(gauge, .name = S("sessions"), .value = random_u64());
    case 15:
        return MSG(maildrop_open, .session = session, .handle = h);
    case 16:
    case 17:
        return MSG(maildrop_read, .session = session, .handle = h, .uid = (uint32_t)number(9), .offset = number(2000),
                   .room = (uint32_t)number(70000));
    case 18:
        return MSG(maildrop_delete, .session = session, .handle = h, .uids = str_head(octets(room, 64), random_below(5) * 4));
    default:
        return MSG(maildrop_commit, .session = session, .handle = h);
    }
}

/* Lost when the store has ended the link already. */
static void say(struct rig_edge *e, const struct message *m)
{
    struct buf scratch;

    buf_init(&scratch, FRAME_MAX);
    (void)message_send(e->link, &scratch, m, -1);
    buf_free(&scratch);
}

/* A message as it should be, and the numbers that an enemy would note. */
static void honest(struct chaos *c, struct rig_edge *e, char *room)
{
    uint64_t session = 1 + random_below(12);
    struct str body = octets(room, BODY_PIECE_MAX);

    if (c->used >= c->leased)
        say(e, &MSG(id_lease, .count = 100));
    say(e, &MSG(session_end, .session = session, .handle = 0));
    say(e, &MSG(body_begin, .session = session));
    say(e, &MSG(body_piece, .session = session, .data = body));
    say(e, &MSG(commit_rcpt, .session = session, .to = S("alice@demo.test"), .notify = (uint32_t)random_below(16)));
    say(e, &MSG(commit_rcpt, .session = session, .to = address(), .notify = (uint32_t)random_below(16)));
    say(e, &MSG(commit, .session = session, .id = c->first_id + c->used++, .kind = random_below(2) ? SMTP_RELAY : SMTP_LMTP,
                .from = random_below(2) ? S("bob@demo.test") : S("x@elsewhere.test"), .rcpt_count = 2, .size = body.n,
                .body = (uint8_t)random_below(3), .ret = (uint8_t)random_below(3), .client_ip = S("192.0.2.1"),
                .trace = S("Received: x\r\n")));
}

static void note(struct chaos *c)
{
    for (struct rig_edge *e = &c->r->mx;; e = &c->r->user) {
        for (size_t i = 0; i < e->count; i++)
            if (e == &c->r->mx && e->seen[i]->kind == MSG_id_range && e->seen[i]->id_range.count)
                c->first_id = e->seen[i]->id_range.first, c->leased = e->seen[i]->id_range.count, c->used = 0;
        rig_forget(e);
        if (e == &c->r->user)
            break;
    }
    for (size_t i = 0; i < c->keys.count; i++)
        if (c->keys.seen[i]->kind == MSG_granted && c->keys.seen[i]->granted.handle)
            c->handles[random_below(HANDLES)] = c->keys.seen[i]->granted.handle;
    rig_forget(&c->keys);
}

static void mend(struct chaos *c)
{
    c->breaches += (unsigned)c->r->mx.closed + (unsigned)c->r->user.closed + (unsigned)c->keys.closed;
    if (c->r->mx.closed)
        rig_connect_mx(c->r);
    if (c->r->user.closed)
        rig_connect_user(c->r);
    if (c->keys.closed || !c->keys.link)
        rig_connect(c->r, &c->keys, ROLE_KEYS, c->r->store, ++c->r->next_incarnation);
}

static void run(uint64_t seed)
{
    struct chaos c = {.r = rig_new(NULL)};
    char *room = malloc(BODY_PIECE_MAX);
    struct store *st = rig_store(c.r);

    c.alice = rig_account(c.r, "alice@demo.test", 0, STR_NONE);
    rig_account(c.r, "bob@demo.test", 5000, STR_NONE);
    rig_alias(c.r, "team@demo.test", "alice@demo.test", "gone@demo.test");
    rig_alias(c.r, "loop@demo.test", "loop@demo.test", NULL);
    mend(&c);
    random_seed(seed);
    for (int i = 0; i < ROUNDS; i++) {
        struct rig_edge *e = random_below(5) == 0 ? &c.keys : random_below(2) ? &c.r->mx : &c.r->user;
        if (random_below(15) == 0) {
            honest(&c, &c.r->mx, room);
        } else {
            struct message m = anything(&c, e == &c.keys ? ROLE_KEYS : e->who, room);
            say(e, &m);
        }
        if (random_below(PER_TURN) == 0) {
            loop_turn(c.r->loop, 0);
            note(&c);
            mend(&c);
        }
    }
    random_seed(0);
    CHECK(c.breaches > 0);
    CHECK(st->accepted > 500); /* it was not all refused at the door */
    rig_connect_mx(c.r);
    rig_connect_user(c.r);
    for (int i = 0; i < 500 && st->commit_count + st->drop_count; i++)
        loop_turn(c.r->loop, 10);
    CHECK_NUM(st->edges[0].sessions + st->edges[1].sessions, 0);
    CHECK_NUM(st->commit_count, 0);
    CHECK_NUM(st->drop_count, 0);
    CHECK_NUM(st->bodies_held, 0);
    struct rig_box before = rig_box(c.r, c.alice, "INBOX");
    const struct message *m = rig_mail(&c.r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}));
    CHECK(m && m->committed.outcome == DONE);
    CHECK_NUM(rig_box(c.r, c.alice, "INBOX").count, before.count + 1);
    rig_close_store(c.r);
    rig_hang_up(&c.keys);
    free(room);
    rig_free(c.r);
}

TEST(anything_at_any_time)
{
    run(1);
    run(2026);
}
