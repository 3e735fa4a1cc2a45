// SPDX-License-Identifier: ISC
/* The addresses of this machine. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include "os/address.h"
#include "os/net.h"

static size_t size_of(const struct sockaddr *a)
{
    return !a ? 0 : a->sa_family == AF_INET ? sizeof(struct sockaddr_in) : a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

size_t net_own_addresses(struct net_own *to, size_t max)
{
    struct ifaddrs *all;
    size_t count = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *i = all; i && count < max; i = i->ifa_next) {
        struct sockaddr_storage a = {0};
        struct net_peer described;
        size_t n = size_of(i->ifa_addr);
        if (n == 0 || !(i->ifa_flags & IFF_UP))
            continue;
        memcpy(&a, i->ifa_addr, n);
        address_describe(&a, &described);
        snprintf(to[count++].text, sizeof to->text, "%s", described.text);
    }
    freeifaddrs(all);
    return count;
}
