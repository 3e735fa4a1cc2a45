// SPDX-License-Identifier: ISC
/* Listening sockets: bound by master, used by an edge. */
#include "base/facts.h"
#include "daemon/master.h"
#include "os/net.h"
#include <stdio.h>

enum role site_edge_of(enum listen_kind kind)
{
    return kind == LISTEN_SMTP ? ROLE_EDGE_MX
                               : ROLE_EDGE_USER; /* strangers' mail on one side, users and local agents on the other */
}

bool site_edge_has(const struct site *s, enum role edge)
{
    for (const struct site_listener *l = s->listeners; l; l = l->next)
        if (site_edge_of(l->kind) == edge)
            return true;
    return false;
}

static bool same(const struct site_listener *a, const struct site_listener *b)
{
    return a->kind == b->kind && a->port == b->port && str_eq(a->host, b->host);
}

static const struct site_listener *find(const struct site *s, const struct site_listener *l)
{
    for (const struct site_listener *o = s ? s->listeners : NULL; o; o = o->next)
        if (same(o, l) && o->fd >= 0)
            return o;
    return NULL;
}

static void name_place(struct site *s, struct site_listener *l)
{
    char text[1100], host[1024];
    struct net_peer local;

    if (!str_to_c(l->host, host, sizeof host))
        host[0] = '\0';
    if (l->kind == LISTEN_LMTP && host[0] == '/')
        snprintf(text, sizeof text, "%s", host);
    else if (net_local_of(l->fd, &local))
        snprintf(text, sizeof text, local.ipv6 ? "[%s]:%u" : "%s:%u", host[0] == '*' ? "*" : local.text, (unsigned)local.port);
    else
        snprintf(text, sizeof text, "%s:%u", host, (unsigned)l->port);
    l->place = arena_str(&s->arena, str_c(text));
}

static bool bind_one(struct site *s, struct site_listener *l, struct why *why)
{
    char host[1024];

    if (!str_to_c(l->host, host, sizeof host)) {
        *why = (struct why){"", "the address of a listen line is too long"};
        return false;
    }
    if (l->fd < 0)                                                /* else: from systemd */
        l->fd = host[0] == '/' ? net_listen_unix(host, 0666, why) /* whoever may reach it may do what port 25 lets anybody do */
                               : net_listen(host, l->port, why);
    if (l->fd < 0)
        return false;
    name_place(s, l);
    return true;
}

bool site_listen(struct site *s, const struct site *before, struct why *why)
{
    for (struct site_listener *l = s->listeners; l; l = l->next) {
        const struct site_listener *old = find(before, l);
        if (old && l->fd < 0) {
            l->fd = old->fd;
            l->index = old->index;
            l->place = arena_str(&s->arena, old->place);
            l->kept = true;
        }
    }
    uint32_t index = 0;
    for (const struct site_listener *o = before ? before->listeners : NULL; o; o = o->next)
        index = o->index >= index ? o->index + 1 : index;
    for (struct site_listener *l = s->listeners; l; l = l->next) {
        if (l->kept)
            continue;
        l->index = index++;
        if (!bind_one(s, l, why))
            return false;
    }
    return true;
}

static struct site_listener *wanted(struct site *s, const struct process_listen *p)
{
    struct net_peer local;

    for (struct site_listener *l = s->listeners; l; l = l->next)
        if (l->fd < 0 && str_eq(str_c(p->name), str_c(config_listen_word(l->kind))))
            return l;
    if (!net_local_of(p->fd, &local) || local.local)
        return NULL;
    for (struct site_listener *l = s->listeners; l; l = l->next)
        if (l->fd < 0 && l->port == local.port)
            return l;
    return NULL;
}

void site_inherit(struct site *s, struct process_listen *passed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct site_listener *l = net_is_listening(passed[i].fd) ? wanted(s, &passed[i]) : NULL;
        if (l) {
            l->fd = passed[i].fd;
            l->inherited = true;
            continue;
        }
        fact(FACT_WARN, "listen.not-wanted", fact_c("name", passed[i].name), fact_num("fd", passed[i].fd));
        net_close(passed[i].fd);
    }
}
