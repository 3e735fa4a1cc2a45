// SPDX-License-Identifier: ISC
/* What keys asks: the verifier of a user, and a handle for a session whose login it has confirmed. */
#include "base/hash.h"
#include "base/random.h"
#include "daemon/store_inside.h"

enum { NAME_MEM = 64 * 1024 };

static void verifier_get(struct store *st, struct peer *keys, const struct msg_verifier_get *m)
{
    struct arena a;
    struct str key;
    struct engine_account user;

    arena_init(&a, NAME_MEM);
    bool known = store_login_name(st, &a, m->user, &key) && engine_account_by_name(st->engine, key, &user) && !user.suspended &&
                 user.verifier.n > 0;
    if (known)
        peer_send(keys, &MSG(verifier, .query = m->query, .outcome = DONE, .account = user.id, .verifier = user.verifier));
    else
        peer_send(keys, &MSG(verifier, .query = m->query, .outcome = REFUSE));
    arena_clear(&a);
}

static void granted(struct peer *keys, uint64_t query, enum outcome outcome, struct why why, uint64_t handle, struct str user)
{
    peer_send(keys, &MSG(granted, .query = query, .outcome = outcome, .why = why, .handle = handle, .user = user));
}

static void grant(struct store *st, struct peer *keys, const struct msg_grant *m)
{
    struct store_edge *e = store_edge_of(st, m->edge);
    struct engine_account user;

    if (m->edge != ROLE_EDGE_USER || m->session == 0) {
        peer_breach(keys, "a grant for somebody who serves no users");
        return;
    }
    if (!e->peer->link ||
        e->peer->incarnation != m->incarnation) { /* that edge was started anew meanwhile: its sessions are gone */
        granted(keys, m->query, RETRY, store_why("4.7.0", "the connection is gone"), 0, STR_NONE);
        return;
    }
    if (!engine_account_by_id(st->engine, m->account, &user) || user.suspended) {
        granted(keys, m->query, REFUSE, store_why("5.7.8", "the account is gone or suspended"), 0, STR_NONE);
        return;
    }
    struct store_session *s = store_session_get(e, m->session);
    if (!s) {
        granted(keys, m->query, RETRY, store_why("4.3.2", "too many sessions"), 0, STR_NONE);
        return;
    }
    if (s->drop) {
        store_maildrop_close(s->drop);
        s->drop = NULL;
    }
    do
        s->handle = random_u64();
    while (s->handle == 0);
    s->account = user.id;
    s->let_in_by = hash_table(user.verifier);
    granted(keys, m->query, DONE, (struct why){0}, s->handle, user.name);
}

void store_from_keys(struct store *st, struct peer *p, const struct message *m)
{
    switch ((int)m->kind) {
    case MSG_verifier_get:
        verifier_get(st, p, &m->verifier_get);
        break;
    case MSG_grant:
        grant(st, p, &m->grant);
        break;
    case MSG_verifier_made:
        store_control_verifier_made(st, &m->verifier_made);
        break;
    default:
        peer_breach(p, "a message that store does not take");
    }
}

void store_keys_down(struct store *st)
{
    store_asks_end(st, ASK_VERIFIER, "the keys role was restarted: try again");
}
