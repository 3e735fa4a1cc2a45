// SPDX-License-Identifier: ISC
/* What the control socket's requests need from other roles: keys derive a verifier (store never runs argon2), master reloads
   and stops. */
#include <stdlib.h>
#include <string.h>
#include "base/facts.h"
#include "daemon/store_queue.h"

enum { ASKS_MAX = 128 };

static struct store_ask *ask_new(struct store *st, enum ask_kind kind, struct control_session *s)
{
    unsigned n = 0;
    struct store_ask *ask;

    for (ask = st->asks; ask; ask = ask->next)
        n++;
    ask = n < ASKS_MAX ? calloc(1, sizeof *ask) : NULL;
    if (!ask)
        return NULL;
    *ask = (struct store_ask){.next = st->asks, .query = st->next_query++, .kind = kind, .session = s};
    st->asks = ask;
    return ask;
}

static struct control_session *ask_take(struct store *st, enum ask_kind kind, uint64_t query)
{
    for (struct store_ask **at = &st->asks; *at; at = &(*at)->next) {
        struct store_ask *ask = *at;
        if (ask->kind != kind || ask->query != query)
            continue;
        struct control_session *s = ask->session;
        *at = ask->next;
        free(ask);
        return s;
    }
    return NULL;
}

void store_asks_end(struct store *st, enum ask_kind kind, const char *text)
{
    struct why why = store_why("4.3.0", text);

    for (struct store_ask **at = &st->asks; *at;) {
        struct store_ask *ask = *at;
        if (ask->kind != kind) {
            at = &ask->next;
            continue;
        }
        *at = ask->next;
        control_session_answer(ask->session, RETRY, &why, STR_NONE);
        free(ask);
        at = &st->asks; /* the answer may have asked something new */
    }
}

static void ask(struct store *st, enum ask_kind kind, struct control_session *s, enum role of, struct message *m, uint64_t *query,
                const char *gone)
{
    struct store_ask *ask = ask_new(st, kind, s);
    struct why why = store_why("4.3.0", ask ? gone : "too many requests at once: try again");

    *query = ask ? ask->query : 0;
    if (ask && peer_send(actor_peer(st->actor, of), m))
        return;
    if (ask)
        ask_take(st, kind, *query);
    control_session_answer(s, RETRY, &why, STR_NONE);
}

static void verifier(void *self, struct control_session *s, struct str password)
{
    struct message m = MSG(verifier_make, .password = password);

    ask(self, ASK_VERIFIER, s, ROLE_KEYS, &m, &m.verifier_make.query, "the keys role is not there just now: try again");
}

static void reload(void *self, struct control_session *s)
{
    struct message m = MSG(reload, .query = 0);

    ask(self, ASK_RELOAD, s, ROLE_MASTER, &m, &m.reload.query, "master is not there");
}

static void stop(void *self)
{
    struct store *st = self;

    peer_send(actor_peer(st->actor, ROLE_MASTER), &MSG(stop_wish, .query = st->next_query++));
}

static void status(void *self, struct json_writer *w)
{
    store_status_json(self, w);
}

static uint64_t next_id(void *self)
{
    return store_next_id(self);
}

static void wake(void *self, struct control_session *s)
{
    struct store *st = self;

    control_server_wake(st->control_server, s);
}

static void progress(void *self, struct control_session *s, uint32_t permille)
{
    struct store *st = self;

    (void)permille;
    control_server_flush(st->control_server, s);
}

static void account_changed(void *self, account_id a)
{
    store_sessions_kick(self, a);
}

static void queue_changed(void *self, const struct op *op)
{
    store_queue_changed(self, op);
}

static void accepted(void *self, const struct op_accept *a)
{
    store_queue_accepted(self, a);
}

static bool queue_state(void *self, uint64_t queue_id, struct str domain, int64_t *until_ms, struct str *why)
{
    return store_queue_state(self, queue_id, domain, until_ms, why);
}

void store_control_init(struct store *st)
{
    st->control.hooks = (struct control_hooks){st, verifier, reload, stop, status, next_id, wake, progress, account_changed,
                                               queue_changed, accepted, queue_state};
    st->control.started_ms = st->setup->started_ms;
    st->control.dir = str_c(st->dir);
}

void store_control_verifier_made(struct store *st, const struct msg_verifier_made *m)
{
    struct control_session *s = ask_take(st, ASK_VERIFIER, m->query);

    if (s)
        control_session_answer(s, m->outcome, &m->why, m->verifier);
}

void store_control_reloaded(struct store *st, const struct msg_reloaded *m)
{
    struct control_session *s = ask_take(st, ASK_RELOAD, m->query);

    if (s)
        control_session_answer(s, m->outcome, &m->why, m->complaints);
}
