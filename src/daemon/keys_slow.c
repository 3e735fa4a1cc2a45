// SPDX-License-Identifier: ISC
/* Slowing guesses down. See keys_inside.h. Tables are of fixed size: a flood of addresses pushes out the oldest, it cannot grow
   them. */
#include <string.h>
#include "daemon/keys_inside.h"
#include "base/hash.h"

enum {
    HALF_MS = 5 * 60 * 1000,
    FREE_CLIENT = 3, FREE_ACCOUNT = 5, FREE_PAIR = 10, /* failures that cost nothing: people mistype */
    FIRST_MS = 500,
};
static const int64_t good_for_ms = 30LL * 24 * 3600 * 1000;

/* The slot of key, or the one that is longest out of use. make false: NULL when there is none. */
static struct slow_slot *slot_of(struct slow_slot *table, uint64_t key, bool make)
{
    size_t at = hash_table(str_of(&key, sizeof key)) % (SLOW_SLOTS / SLOW_WAYS) * SLOW_WAYS;
    struct slow_slot *oldest = &table[at];

    for (size_t i = 0; i < SLOW_WAYS; i++) {
        if (table[at + i].key == key)
            return &table[at + i];
        if (table[at + i].at_ms < oldest->at_ms)
            oldest = &table[at + i];
    }
    if (!make)
        return NULL;
    *oldest = (struct slow_slot){.key = key};
    return oldest;
}

static uint32_t score_now(const struct slow_slot *s, int64_t now_ms)
{
    int64_t halves = s ? (now_ms - s->at_ms) / HALF_MS : 0;

    return !s || halves > 31 ? 0 : s->score >> (halves > 0 ? halves : 0);
}

/* 500 ms, 1 s, 2 s, 4 s … for each failure beyond those that are free. */
static int64_t delay_of(uint32_t score, uint32_t free)
{
    if (score <= free)
        return 0;
    uint32_t steps = score - free - 1;
    return steps >= 5 ? SLOW_WAIT_MAX_MS : (int64_t)FIRST_MS << steps;
}

/* Never 0, which marks an empty slot. */
static uint64_t key_of(uint64_t number)
{
    return hash_table(str_of(&number, sizeof number)) | 1;
}

static uint64_t pair_key(uint64_t client, uint64_t account)
{
    uint64_t both[2] = {client, account};

    return hash_table(str_of(both, sizeof both)) | 1;
}

int64_t keys_slow_wait(struct keys_slow *s, uint64_t client, uint64_t account, int64_t now_ms)
{
    const struct slow_slot *p = slot_of(s->pair, pair_key(client, account), false),
                           *a = slot_of(s->account, key_of(account), false);
    struct slow_slot *c = slot_of(s->client, key_of(client), false);

    if (p && p->good_ms && now_ms - p->good_ms < good_for_ms)
        return delay_of(score_now(p, now_ms), FREE_PAIR);
    int64_t wait = delay_of(score_now(a, now_ms), FREE_ACCOUNT);
    int64_t each = delay_of(score_now(c, now_ms), FREE_CLIENT);
    if (each) { /* one after the other, however many connections it has */
        int64_t next = c->next_ms > now_ms ? c->next_ms : now_ms;
        if (next + each - now_ms > SLOW_WAIT_MAX_MS)
            return -1;
        c->next_ms = next + each;
        wait = c->next_ms - now_ms > wait ? c->next_ms - now_ms : wait;
    }
    return wait;
}

static void fail(struct slow_slot *s, int64_t now_ms)
{
    uint32_t score = score_now(s, now_ms);

    s->score = score < 1000 ? score + 1 : score;
    s->at_ms = now_ms;
}

void keys_slow_failed(struct keys_slow *s, uint64_t client, uint64_t account, int64_t now_ms)
{
    struct slow_slot *p = slot_of(s->pair, pair_key(client, account), true);

    fail(p, now_ms);
    fail(slot_of(s->client, key_of(client), true), now_ms);
    if (!p->good_ms) /* the owner's own mistakes do not slow others that are him */
        fail(slot_of(s->account, key_of(account), true), now_ms);
}

void keys_slow_good(struct keys_slow *s, uint64_t client, uint64_t account, int64_t now_ms)
{
    struct slow_slot *p = slot_of(s->pair, pair_key(client, account), true);

    p->score = 0;
    p->at_ms = p->good_ms = now_ms;
}
