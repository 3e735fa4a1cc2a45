// SPDX-License-Identifier: ISC
/* Addresses to which DNS may not send mail: whoever writes a zone could make this machine talk to its own network. RFC 6890, 4193, 6598, 6052, 3056. */
#include "base/compiler.h"
#include "relay/mx.h"

struct net { unsigned char b[4]; unsigned bits; const char *what; };

static const struct net v4[] = {
    {{0, 0, 0, 0}, 8, "an unspecified address"},       {{10, 0, 0, 0}, 8, "a private address"},          {{100, 64, 0, 0}, 10, "a carrier's private address"},
    {{127, 0, 0, 0}, 8, "a loopback address"},         {{169, 254, 0, 0}, 16, "a link-local address"},   {{172, 16, 0, 0}, 12, "a private address"},
    {{192, 0, 0, 0}, 24, "a reserved address"},        {{192, 168, 0, 0}, 16, "a private address"},      {{198, 18, 0, 0}, 15, "an address for measurements"},
    {{224, 0, 0, 0}, 4, "a multicast address"},        {{240, 0, 0, 0}, 4, "a reserved address"},
};

static bool is_within(const unsigned char *ip, const struct net *net)
{
    for (unsigned i = 0; i < net->bits; i++)
        if (((ip[i / 8] ^ net->b[i / 8]) >> (7 - i % 8)) & 1)
            return false;
    return true;
}

static const char *avoided_v4(const unsigned char *ip)
{
    for (size_t i = 0; i < countof(v4); i++)
        if (is_within(ip, &v4[i]))
            return v4[i].what;
    return NULL;
}

const char *relay_address_avoided(const struct dns_ip *ip)
{
    static const unsigned char zeros[16];
    const unsigned char *b = ip->b;
    if (!ip->v6)
        return avoided_v4(b);
    if (memcmp(b, zeros, 15) == 0 && b[15] <= 1)
        return b[15] == 1 ? "a loopback address" : "an unspecified address";
    if (memcmp(b, zeros, 10) == 0 && b[10] == 0xff && b[11] == 0xff)
        return avoided_v4(b + 12) ? avoided_v4(b + 12) : "an IPv4 address written as IPv6";
    if (memcmp(b, zeros, 12) == 0)
        return "a reserved address";
    if (memcmp(b, "\0\144\xff\x9b\0\0\0\0\0\0\0\0", 12) == 0) /* translated to IPv4 (64:ff9b::/96) */
        return avoided_v4(b + 12);
    if (b[0] == 0x20 && b[1] == 0x02) /* tunnelled to IPv4 (2002::/16) */
        return avoided_v4(b + 2);
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
        return "a link-local address";
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0)
        return "a private address"; /* site-local, RFC 3879 */
    if ((b[0] & 0xfe) == 0xfc)
        return "a private address";
    if (b[0] == 0xff)
        return "a multicast address";
    return NULL;
}
