// SPDX-License-Identifier: ISC
#include "base/random.h"
#include "base/test.h"
#include "relay/site.h"

TEST(nothing_is_known_so_one_looks)
{
    struct relay_gate g;

    relay_gate_init(&g, &relay_gate_usual);
    CHECK(relay_gate_may_open(&g, 0));
    relay_gate_opening(&g);
    CHECK(!relay_gate_may_open(&g, 0));
    relay_gate_greeted(&g, 10);
    CHECK(relay_gate_may_open(&g, 10));
    for (int i = 0; i < 100; i++)
        while (relay_gate_may_open(&g, 20)) {
            relay_gate_opening(&g);
            relay_gate_greeted(&g, 20);
        }
    CHECK(g.working == relay_gate_usual.window_most);
}

TEST(the_dead_are_probed_by_one_and_ever_less_often)
{
    struct relay_gate g;
    int64_t now = 0, before = 0;
    unsigned probes = 0;

    random_seed(3);
    relay_gate_init(&g, &relay_gate_usual);
    for (now = 0; now < 24LL * 3600 * 1000; now += 1000)
        while (relay_gate_may_open(&g, now)) {
            relay_gate_opening(&g);
            CHECK(!relay_gate_may_open(&g, now));
            CHECK(!relay_gate_refused(&g, now));
            CHECK(probes < 9 || now - before >= relay_gate_usual.dead_most_ms * 3 / 4);
            before = now;
            probes++;
        }
    CHECK(probes > 20 && probes < 45);
    relay_gate_wake(&g);
    CHECK(relay_gate_may_open(&g, now));
    relay_gate_opening(&g);
    relay_gate_greeted(&g, now);
    CHECK(g.failures == 0 && relay_gate_may_open(&g, now));
}

/* ---- a peer with room for so many, each message taking so long ---- */
enum { PEER_ROOM = 5, CONNECTIONS_MAX = 64 };
struct sim {
    struct relay_gate g;
    int64_t busy_until[CONNECTIONS_MAX];
    unsigned connections, at_peer, refused, opened;
};

static void open_what_may(struct sim *s, int64_t now, unsigned room)
{
    while (relay_gate_may_open(&s->g, now)) {
        relay_gate_opening(&s->g);
        s->opened++;
        if (s->at_peer >= room) {
            CHECK(relay_gate_refused(&s->g, now)); /* others work: never a deferral */
            s->refused++;
            continue;
        }
        s->at_peer++;
        relay_gate_greeted(&s->g, now);
        s->busy_until[s->connections++] = now + 100;
    }
}

TEST(a_peer_with_room_for_five)
{
    struct sim s = {0};
    unsigned sent = 0, deferred = 0;
    int64_t now = 0;

    random_seed(5);
    relay_gate_init(&s.g, &relay_gate_usual);
    while (sent < 10000 && now < 3600 * 1000) {
        open_what_may(&s, now, PEER_ROOM);
        for (unsigned i = 0; i < s.connections; i++)
            if (s.busy_until[i] <= now) {
                relay_gate_success(&s.g);
                sent++;
                s.busy_until[i] = now + 100;
            }
        now += 10;
    }
    CHECK(sent >= 10000);
    CHECK(deferred == 0);
    CHECK(s.refused < 100);                                    /* of 10,000: under 1 % even if each were one */
    CHECK((double)sent * 100 / (double)now > 0.9 * PEER_ROOM); /* of what the peer could take */
    unsigned before = s.connections;
    for (int64_t end = now + 1200 * 1000; now < end && s.connections < 8; now += 100)
        open_what_may(&s, now, 8); /* the peer grew */
    CHECK(before == PEER_ROOM && s.connections == 8);
}

TEST(told_off_in_the_middle)
{
    struct relay_gate g;

    relay_gate_init(&g, &relay_gate_usual);
    for (int i = 0; i < 4; i++) {
        CHECK(relay_gate_may_open(&g, 0));
        relay_gate_opening(&g);
        relay_gate_greeted(&g, 0);
    }
    relay_gate_closed(&g, 0, true);
    CHECK(g.ceiling == 3);
    CHECK(!relay_gate_may_open(&g, 0));
    CHECK(relay_gate_may_open(&g, relay_gate_usual.ceiling_first_ms));
    relay_gate_closed(&g, 0, false);
    CHECK(relay_gate_may_open(&g, 0));
}
