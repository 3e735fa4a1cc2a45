// SPDX-License-Identifier: ISC
/* A site as messages to one role: each gets what it may know and nothing else. */
#include "daemon/clients.h"
#include "daemon/master.h"

static void send_bytes(struct crew *c, struct str data)
{
    while (data.n > 0) {
        struct str piece = str_head(data, 65536);
        crew_send(c, &MSG(setup_bytes, .data = piece), -1);
        data = str_skip(data, piece.n);
    }
}

static void send_config(struct crew *c, const struct site *s)
{
    for (const struct site_file *f = s->files; f; f = f->next) {
        crew_send(c,
                  &MSG(setup_file, .from = f->from, .pattern = f->pattern, .index = f->index, .path = f->path,
                       .size = (uint32_t)f->text.n),
                  -1);
        send_bytes(c, f->text);
    }
}

static void send_chains(struct crew *c, const struct site *s)
{
    uint32_t number = 0;

    for (const struct site_key *k = s->keys; k; k = k->next) {
        crew_send(c, &MSG(setup_chain, .key = number++, .size = (uint32_t)k->chain.n), -1);
        send_bytes(c, k->chain);
    }
}

static void send_keys(struct crew *c, const struct site *s)
{
    uint32_t number = 0;

    for (const struct site_key *k = s->keys; k; k = k->next) {
        crew_send(c, &MSG(setup_key, .key = number++, .size = (uint32_t)k->key.n), -1);
        send_bytes(c, k->key);
    }
}

/* first: also of a role that was started anew, which holds no listener yet. */
static void send_listeners(struct crew *c, const struct site *s, bool first)
{
    for (const struct site_listener *l = s->listeners; l; l = l->next) {
        if (site_edge_of(l->kind) != c->who)
            continue;
        if (l->kept && !first)
            crew_send(c, &MSG(setup_keep, .kind = (uint8_t)l->kind, .index = l->index), -1);
        else
            crew_send(c, &MSG(setup_listener, .kind = (uint8_t)l->kind, .index = l->index), l->fd);
    }
}

void master_setup_send(struct crew *c, const struct site *s, uint64_t generation, bool first)
{
    struct master *m = c->master;

    crew_send(c, &MSG(setup_begin, .generation = generation, .first = first), -1);
    crew_send(c,
              &MSG(setup_place, .run_dir = str_c(m->run_dir), .hostname = str_head(s->hostname, 255),
                   .owner_uid = (uint32_t)m->uid, .started_ms = m->started_unix_ms),
              -1);
    if (c->who == ROLE_STORE && first)
        crew_send(c, &MSG(setup_dir, .path = str_c(m->dir)), m->lock_fd);
    send_config(c, s);
    if (c->who == ROLE_KEYS) {
        if (first)
            crew_send(c, &MSG(setup_salts, .secret = str_of(m->salts, sizeof m->salts)), -1);
        send_keys(c, s);
    }
    if (c->who == ROLE_RELAY) {
        for (const struct setup_secret *x = s->secrets; x; x = x->next)
            crew_send(c, &MSG(setup_secret, .path = x->path, .secret = x->secret), -1);
        if (s->authorities.n) {
            crew_send(c, &MSG(setup_authorities, .size = (uint32_t)s->authorities.n), -1);
            send_bytes(c, s->authorities);
        }
    }
    if (c->who == ROLE_DNS)
        crew_send(c, &MSG(setup_dns, .resolv_conf = s->resolv_conf, .anchors = s->anchors), -1);
    if (c->who == ROLE_EDGE_MX || c->who == ROLE_EDGE_USER) {
        if (first)
            crew_send(c, &MSG(setup_clients, .slots = CLIENTS_SLOTS), m->clients_fd);
        send_chains(c, s);
        crew_send(c, &MSG(setup_ticket_key, .key = str_of(m->ticket_key, sizeof m->ticket_key)), -1);
        send_listeners(c, s, first);
    }
    crew_send(c, &MSG(setup_end, .generation = generation), -1);
}
