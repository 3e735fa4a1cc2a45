// SPDX-License-Identifier: ISC
/* Tickets of TLS sessions, for the next connection to the same host: a table in which a newcomer takes the place of whoever has
 * its slot, and no more octets than are allowed. What they may serve for is bound into them (tls/resume.c). */
#include "base/clock.h"
#include "base/hash.h"
#include "daemon/relay_inside.h"
#include <stdlib.h>
#include <string.h>

struct relay_ticket {
    int64_t expires_unix;
    size_t key_n, n;
    char octets[]; /* key, ticket */
};

static struct relay_ticket **slot(struct relay *r, struct str key)
{
    return &r->tickets[hash_table(key) % RELAY_TICKETS_MAX];
}

static void drop(struct relay *r, struct relay_ticket **p)
{
    struct relay_ticket *t = *p;

    if (!t)
        return;
    *p = NULL;
    r->tickets_octets -= t->n;
    explicit_bzero(t->octets, t->key_n + t->n);
    free(t);
}

struct str relay_ticket(struct relay *r, struct str key)
{
    struct relay_ticket **p = slot(r, key);

    if (!*p || !str_eq(str_of((*p)->octets, (*p)->key_n), key))
        return STR_NONE;
    if ((*p)->expires_unix <= clock_unix_ms() / 1000) {
        drop(r, p);
        return STR_NONE;
    }
    return str_of((*p)->octets + (*p)->key_n, (*p)->n);
}

void relay_ticket_keep(struct relay *r, struct str key, struct str octets, int64_t expires_unix)
{
    struct relay_ticket **p = slot(r, key), *t;

    drop(r, p);
    if (key.n == 0 || octets.n == 0 || octets.n > TLS_SESSION_MAX)
        return;
    while (r->tickets_octets + octets.n > RELAY_TICKETS_OCTETS)
        drop(r, &r->tickets[r->tickets_hand++ % RELAY_TICKETS_MAX]);
    t = malloc(sizeof *t + key.n + octets.n);
    if (!t)
        return;
    *t = (struct relay_ticket){.expires_unix = expires_unix, .key_n = key.n, .n = octets.n};
    memcpy(t->octets, key.p, key.n);
    memcpy(t->octets + key.n, octets.p, octets.n);
    r->tickets_octets += octets.n;
    *p = t;
}

void relay_tickets_drop(struct relay *r)
{
    for (size_t i = 0; i < RELAY_TICKETS_MAX; i++)
        drop(r, &r->tickets[i]);
}
