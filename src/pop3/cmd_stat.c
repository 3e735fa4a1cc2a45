// SPDX-License-Identifier: ISC
/* STAT, RFC 1939 5. */
#include "pop3/inside.h"

enum next pop3_cmd_stat(struct pop3_server *s, struct str arg)
{
    uint32_t count;
    uint64_t octets;
    (void)arg;
    pop3_count(s, &count, &octets);
    buf_printf(s->m.out, "+OK %lu %llu\r\n", (unsigned long)count, (unsigned long long)octets);
    return pop3_next(s);
}
