// SPDX-License-Identifier: ISC
/* The dns role: answers questions of relay from the one resolver. */
#include "daemon/actor.h"

static bool prepare(struct actor *a, const struct setup *next, struct why *why)
{
    (void)a, (void)next, (void)why;
    return true;
}

static bool begin(struct actor *a, const struct setup *now, struct why *why)
{
    (void)a, (void)now, (void)why;
    return true;
}

static void commit(struct actor *a, const struct setup *now)
{
    (void)a, (void)now;
}

static void abandon(struct actor *a)
{
    (void)a;
}

static void message(struct actor *a, struct peer *from, const struct message *m)
{
    (void)a;
    if (m->kind == MSG_dns_ask)
        peer_send(from, &MSG(dns_answer, .query = m->dns_ask.query));
    else
        peer_breach(from, "a message that dns does not take");
}

static void peer_down(struct actor *a, struct peer *p)
{
    (void)a, (void)p;
}

static void stop(struct actor *a, uint32_t within_ms)
{
    (void)within_ms;
    actor_stopped(a, 0);
}

static void clear(struct actor *a)
{
    (void)a;
}

const struct role_type role_dns = {
    .who = ROLE_DNS,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .abandon = abandon,
    .message = message,
    .peer_down = peer_down,
    .stop = stop,
    .clear = clear,
};
