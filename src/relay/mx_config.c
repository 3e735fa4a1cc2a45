// SPDX-License-Identifier: ISC
#include "relay/mx_config.h"

bool relay_dns_settings(struct arena *a, const struct config *c, struct str resolv_conf, struct str anchors, struct dns_settings *to)
{
    size_t count = 0;
    for (const struct config_dns_server *s = c->dns_servers; s; s = s->next)
        count++;
    struct dns_server *servers = arena_array(a, count, sizeof *servers);
    *to = (struct dns_settings){.servers = servers, .resolv_conf = resolv_conf, .anchors = anchors, .no_validation = c->dns_unvalidated,
                                .may_give_up_validation = !c->dns_servers && c->dns_anchor.n == 0};
    if (!servers)
        return false;
    for (const struct config_dns_server *s = c->dns_servers; s; s = s->next)
        servers[to->server_count++] = (struct dns_server){.zone = s->zone, .address = s->address, .port = s->port};
    return true;
}

static void add(struct relay_mx_settings *to, struct dns_ip *ips, size_t max, struct str text)
{
    if (to->own_address_count < max && dns_ip_parse(text, &ips[to->own_address_count]))
        to->own_address_count++;
}

/* An address is ours when we would be the ones to answer there: on the port that MX leads to. */
bool relay_mx_settings_of(struct arena *a, const struct config *c, const struct str *local, size_t local_count, struct relay_mx_settings *to)
{
    size_t listeners = 0;
    for (const struct config_listen *l = c->listens; l; l = l->next)
        listeners++;
    struct str *names = arena_array(a, 1, sizeof *names);
    struct dns_ip *ips = arena_array(a, listeners + local_count, sizeof *ips);
    *to = (struct relay_mx_settings){.own_names = names, .own_addresses = ips, .port = (uint16_t)c->mx_port, .allow_private = c->mx_private};
    if (!names || !ips)
        return false;
    if (c->hostname.n > 0)
        names[to->own_name_count++] = c->hostname;
    for (const struct config_listen *l = c->listens; l; l = l->next) {
        if (l->kind != LISTEN_SMTP || l->port != c->mx_port)
            continue;
        if (!str_eq(l->host, S("*")))
            add(to, ips, listeners + local_count, l->host);
        for (size_t i = 0; str_eq(l->host, S("*")) && i < local_count; i++)
            add(to, ips, listeners + local_count, local[i]);
    }
    return true;
}
