// SPDX-License-Identifier: ISC
/* The decision in words, and the key of a set of hosts. */
#include <stdio.h>
#include <stdlib.h>
#include "base/encode.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "relay/mx_inside.h"

enum { SITE_LINE = 200, SITE_HASH = 8 };

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Names of all hosts, sorted, whatever their preferences: domains with the same hosts share one site. A list that is too long for a key ends in a hash of the whole.
   Port 25 is not said. */
void mx_site_make(struct relay_mx *m)
{
    static const unsigned char key[32] = "penny site";
    struct str *names = arena_array(m->a, m->host_count, sizeof *names);
    struct hash_body h;
    unsigned char hash[32];
    char text[SITE_LINE];
    struct buf b, whole;
    hash_body_init(&h, key);
    buf_fixed(&b, text, sizeof text);
    for (size_t i = 0; names && i < m->host_count; i++)
        names[i] = m->hosts[i].name;
    if (names)
        qsort(names, m->host_count, sizeof *names, by_name);
    for (size_t i = 0; i < m->host_count; i++) {
        struct str name = names ? names[i] : m->hosts[i].name;
        hash_body_add(&h, name.p, name.n);
        hash_body_add(&h, ",", 1);
        if (i > 0)
            buf_add_byte(&b, ',');
        buf_add(&b, name);
    }
    hash_body_end(&h, hash);
    buf_fixed(&whole, m->site, sizeof m->site - 1);
    buf_add(&whole, buf_str(&b));
    if (b.full) {
        buf_add_c(&whole, ",~");
        hex_encode(&whole, str_of(hash, SITE_HASH));
    }
    if (m->settings->port != 0 && m->settings->port != 25)
        buf_printf(&whole, ":%u", m->settings->port);
    m->site[whole.n] = '\0';
}

const char *relay_mx_host_text(enum relay_mx_host_state state)
{
    switch (state) {
    case RELAY_HOST_WAITING: return "waiting";
    case RELAY_HOST_ASKING: return "asking";
    case RELAY_HOST_READY: return "ready";
    case RELAY_HOST_UNUSABLE: return "unusable";
    case RELAY_HOST_FAILED: return "failed";
    case RELAY_HOST_OWN: return "own";
    case RELAY_HOST_CUT: return "cut";
    }
    return "?";
}

static void explain_host(const struct relay_mx_host *h, struct buf *to)
{
    buf_printf(to, "%5u ", h->preference);
    utf8_add_printable(to, h->name);
    if (!str_eq(h->canonical, h->name)) {
        buf_add_c(to, " (alias of ");
        utf8_add_printable(to, h->canonical);
        buf_add_byte(to, ')');
    }
    switch (h->state) {
    case RELAY_HOST_WAITING:
        buf_add_c(to, ": asked for only when the hosts above do not do\n");
        return;
    case RELAY_HOST_ASKING:
        buf_add_c(to, ": being looked up\n");
        return;
    case RELAY_HOST_OWN:
        buf_add_c(to, ": this machine itself\n");
        return;
    case RELAY_HOST_CUT:
        buf_add_c(to, ": not tried, for this machine is no worse (RFC 5321 5.1)\n");
        return;
    case RELAY_HOST_UNUSABLE:
    case RELAY_HOST_FAILED:
        buf_printf(to, ": %s %s\n", h->why.status, h->why.text);
        return;
    case RELAY_HOST_READY:
        break;
    }
    buf_add_byte(to, ':');
    for (size_t i = 0; i < h->address_count; i++)
        buf_printf(to, " %s", dns_ip_text(&h->addresses[i]).c);
    buf_add_c(to, h->secure ? ", secure" : ", insecure");
    if (h->avoided > 0)
        buf_printf(to, ", %u address%s left out that DNS may not lead to", h->avoided, h->avoided == 1 ? "" : "es");
    if (h->dane.status != DANE_ABSENT)
        buf_printf(to, ", DANE %s", dane_status_text(h->dane.status));
    if (h->dane.base.n > 0) {
        buf_printf(to, " (%zu of %zu TLSA records) at ", h->dane.count, h->dane.count + h->dane.unusable);
        utf8_add_printable(to, h->dane.base);
    }
    if (h->dane.status == DANE_FAILED)
        buf_printf(to, ": %s", h->dane.why.text);
    buf_add_byte(to, '\n');
}

void relay_mx_explain(const struct relay_mx *m, struct buf *to)
{
    utf8_add_printable(to, m->domain);
    if (m->mx_asked == MX_ANSWERED) {
        if (!str_eq(m->canonical, m->domain)) {
            buf_add_c(to, " (alias of ");
            utf8_add_printable(to, m->canonical);
            buf_add_byte(to, ')');
        }
        buf_printf(to, ": %s, %s", m->implicit ? "no MX, so the domain is its own host" : m->host_count > 0 ? "MX found" : "no MX", m->mx_secure ? "secure" : "insecure");
        if (m->ttl_s != UINT32_MAX)
            buf_printf(to, ", good for %u s", m->ttl_s);
        if (m->cut)
            buf_add_c(to, "; more hosts than are looked at");
    } else {
        buf_add_c(to, m->mx_asked != MX_NOT ? ": MX is being looked up" : ": MX does not matter here");
    }
    buf_add_byte(to, '\n');
    for (size_t i = 0; i < m->host_count; i++)
        explain_host(&m->hosts[i], to);
    if (m->state == RELAY_MX_END && m->outcome != DONE)
        buf_printf(to, "%s: %s %s\n", m->outcome == RETRY ? "to be tried again" : "refused", m->why.status, m->why.text);
}
