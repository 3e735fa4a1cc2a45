// SPDX-License-Identifier: ISC
/* IP addresses as values: text both ways, and the names under which PTR records stand. */
#include <arpa/inet.h>
#include "base/check.h"
#include "dns/dns.h"

bool dns_ip_parse(struct str literal, struct dns_ip *to)
{
    char text[INET6_ADDRSTRLEN];
    struct dns_ip ip = {0};
    if (!str_to_c(literal, text, sizeof text))
        return false;
    ip.v6 = str_find(literal, ':') < literal.n;
    if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, text, ip.b) != 1)
        return false;
    *to = ip;
    return true;
}

bool dns_ip_eq(const struct dns_ip *a, const struct dns_ip *b)
{
    return a->v6 == b->v6 && memcmp(a->b, b->b, a->v6 ? 16 : 4) == 0;
}

struct dns_ip_text dns_ip_text(const struct dns_ip *ip)
{
    struct dns_ip_text t;
    check(inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->b, t.c, sizeof t.c) != NULL);
    return t;
}

void dns_reverse_name(struct buf *to, const struct dns_ip *ip)
{
    if (!ip->v6) {
        buf_printf(to, "%u.%u.%u.%u.in-addr.arpa", ip->b[3], ip->b[2], ip->b[1], ip->b[0]);
        return;
    }
    for (int i = 15; i >= 0; i--)
        buf_printf(to, "%x.%x.", ip->b[i] & 15u, ip->b[i] >> 4);
    buf_add_c(to, "ip6.arpa");
}
