/* SPDX-License-Identifier: ISC */
/* Socket addresses as text and as a number for tables of clients. */
#include "os/address.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"

static void peer_of_ipv4(const unsigned char *a, struct net_peer *peer)
{
    inet_ntop(AF_INET, a, peer->text, sizeof peer->text);
    peer->loopback = a[0] == 127;
    peer->key = (uint64_t)a[0] << 24 | (uint64_t)a[1] << 16 | (uint64_t)a[2] << 8 | a[3];
}

static void peer_of_ipv6(const struct in6_addr *a, struct net_peer *peer)
{
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        peer_of_ipv4(a->s6_addr + 12, peer);
        return;
    }
    inet_ntop(AF_INET6, a, peer->text, sizeof peer->text);
    peer->ipv6 = true;
    peer->loopback = IN6_IS_ADDR_LOOPBACK(a);
    for (int i = 0; i < 8; i++) /* one customer has at least a /64 */
        peer->key = peer->key << 8 | a->s6_addr[i];
    peer->key ^=
        (uint64_t)1 << 63; /* apart from IPv4: no network in use begins with a set bit that this turns to 0 and is below 2^32 */
}

void address_describe(const struct sockaddr_storage *a, struct net_peer *peer)
{
    *peer = (struct net_peer){{0}, 0, 0, false, false, false};
    if (a->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        peer_of_ipv4((const unsigned char *)&in.sin_addr, peer);
        peer->port = ntohs(in.sin_port);
    } else if (a->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, a, sizeof in6);
        peer_of_ipv6(&in6.sin6_addr, peer);
        peer->port = ntohs(in6.sin6_port);
    } else if (a->ss_family == AF_UNIX) {
        snprintf(peer->text, sizeof peer->text, "local");
        peer->local = peer->loopback = true;
    }
}

bool address_literal(struct str text, uint16_t port, struct sockaddr_storage *to, socklen_t *n)
{
    char c[INET6_ADDRSTRLEN + 1];
    memset(to, 0, sizeof *to);
    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = str_of(text.p + 1, text.n - 2);
    if (!str_to_c(text, c, sizeof c))
        return false;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, c, &in.sin_addr) == 1) {
        memcpy(to, &in, *n = sizeof in);
        return true;
    }
    if (inet_pton(AF_INET6, c, &in6.sin6_addr) == 1) {
        memcpy(to, &in6, *n = sizeof in6);
        return true;
    }
    return false;
}

bool net_key(struct str text, uint64_t *key)
{
    struct sockaddr_storage a;
    struct net_peer peer;
    socklen_t n;
    if (!address_literal(text, 0, &a, &n))
        return false;
    address_describe(&a, &peer);
    *key = peer.key;
    return true;
}
