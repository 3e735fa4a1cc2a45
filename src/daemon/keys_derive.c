// SPDX-License-Identifier: ISC
/* A verifier for a new password, derived on a thread. The password is wiped when that is done. */
#include <sodium.h>
#include <stdlib.h>
#include "base/facts.h"
#include "daemon/keys_inside.h"

struct derivation {
    struct job job; /* first */
    struct derivation *next, **back;
    struct keys *keys;
    uint64_t query;
    uint32_t incarnation;          /* of the store that asked; 0: it is gone */
    char password[1024]; size_t password_n;
    struct login_verifier verifier;
    enum outcome outcome;
    struct why why;
};

static void run(struct job *j)
{
    struct derivation *d = (struct derivation *)(void *)j;

    d->outcome = login_verifier_make(str_of(d->password, d->password_n), &d->verifier, &d->why);
}

static void finish(struct derivation *d)
{
    struct peer *store = actor_peer(d->keys->actor, ROLE_STORE);
    struct str v = d->outcome == DONE ? str_of(&d->verifier, sizeof d->verifier) : STR_NONE;

    if (d->incarnation == store->incarnation)
        peer_send(store, &MSG(verifier_made, .query = d->query, .outcome = d->outcome, .why = d->why, .verifier = v));
    *d->back = d->next;
    if (d->next)
        d->next->back = d->back;
    sodium_memzero(d, sizeof *d);
    free(d);
}

static void done(struct job *j)
{
    finish((struct derivation *)(void *)j);
}

void keys_derive(struct keys *k, const struct msg_verifier_make *m)
{
    struct peer *store = actor_peer(k->actor, ROLE_STORE);
    struct derivation *d = calloc(1, sizeof *d);

    if (!d) {
        peer_send(store, &MSG(verifier_made, .query = m->query, .outcome = RETRY, .why = {"4.3.0", "no memory"}));
        return;
    }
    *d = (struct derivation){.job = {.run = run, .done = done}, .next = k->derivations, .back = &k->derivations, .keys = k,
                             .query = m->query, .incarnation = store->incarnation, .password_n = m->password.n};
    if (d->next)
        d->next->back = &d->next;
    k->derivations = d;
    if (m->password.n)
        memcpy(d->password, m->password.p, m->password.n);
    sodium_memzero((char *)(uintptr_t)m->password.p, m->password.n); /* in the link's buffer */
    if (!pool_submit(k->hash, &d->job)) {
        d->outcome = RETRY;
        d->why = (struct why){"4.7.0", "too many logins at once: try again"};
        finish(d);
    }
}

void keys_derive_forget(struct keys *k)
{
    for (struct derivation *d = k->derivations; d; d = d->next)
        d->incarnation = 0;
}
