// SPDX-License-Identifier: ISC
/* Passwords that were right a moment ago. See keys_inside.h. */
#include <sodium.h>
#include "daemon/keys_inside.h"
#include "base/hash.h"
#include "base/random.h"

void keys_cache_init(struct keys_cache *c)
{
    random_bytes(c->secret, sizeof c->secret);
    (void)sodium_mlock(c, sizeof *c); /* as far as the limits allow */
}

struct cache_tag keys_cache_tag(const struct keys_cache *c, struct str password, const struct login_verifier *v)
{
    struct hash_body h;
    struct cache_tag t;

    hash_body_init(&h, c->secret);
    hash_body_add(&h, v, sizeof *v);
    hash_body_add(&h, password.p, password.n);
    hash_body_end(&h, t.b);
    sodium_memzero(&h, sizeof h);
    return t;
}

static size_t slot_of(const struct cache_tag *tag)
{
    return (size_t)(tag->b[0] | tag->b[1] << 8) % KEYS_CACHE;
}

bool keys_cache_has(const struct keys_cache *c, const struct cache_tag *tag, int64_t now_ms)
{
    size_t i = slot_of(tag);

    return now_ms < c->slot[i].until_ms && sodium_memcmp(c->slot[i].tag, tag->b, sizeof tag->b) == 0;
}

void keys_cache_put(struct keys_cache *c, const struct cache_tag *tag, int64_t now_ms)
{
    size_t i = slot_of(tag);

    memcpy(c->slot[i].tag, tag->b, sizeof tag->b);
    c->slot[i].until_ms = now_ms + KEYS_CACHE_MS;
}
