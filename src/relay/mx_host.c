// SPDX-License-Identifier: ISC
/* One host: its addresses, what of them may be used, and where its TLSA records stand (RFC 7672 2.2.2, 2.2.3).

       mx_host_start → A, AAAA → took_addresses → READY                               nothing proved, or DANE not wanted
                                     |--secure--------------------------> TLSA [TLSA_OTHER] → READY
                                     |--alias, target not secure--> CNAME --proved--> TLSA → READY
                                     |--none, none allowed, ours: UNUSABLE, FAILED, OWN
   What TLSA and CNAME answers mean is dane.h's to say.                                                                        */
#include <stdio.h>
#include "base/check.h"
#include "relay/mx_inside.h"

enum { FAMILY_V6, FAMILY_V4 };

void mx_host_start(struct relay_mx *m, struct relay_mx_host *h)
{
    struct dns_ip ip;
    if (dns_ip_parse(h->name, &ip)) {
        h->state = RELAY_HOST_UNUSABLE;
        mx_fail(&h->why, "5.4.4", "the MX record names an address where the name of a host belongs (RFC 1035 3.3.9): ", h->name);
    } else if (!dns_is_host(h->name)) {
        h->state = RELAY_HOST_UNUSABLE;
        mx_fail(&h->why, "5.4.4", "what the MX record names cannot be a host: ", h->name);
    } else if (m->settings->no_ipv4 && m->settings->no_ipv6) {
        h->state = RELAY_HOST_FAILED;
        mx_fail(&h->why, "4.4.1", "this machine has neither IPv4 nor IPv6: nothing leads to ", h->name);
    } else {
        h->state = RELAY_HOST_ASKING;
        h->asked[MX_A] = m->settings->no_ipv4 ? MX_ANSWERED : MX_WANTED;
        h->asked[MX_AAAA] = m->settings->no_ipv6 ? MX_ANSWERED : MX_WANTED;
    }
}

bool mx_host_name(const struct relay_mx *m, const struct relay_mx_host *h, enum mx_kind kind, struct buf *to)
{
    if (kind == MX_TLSA || kind == MX_TLSA_OTHER) {
        dane_query_name(to, h->candidates[kind - MX_TLSA], m->settings->port ? m->settings->port : 25);
    } else {
        buf_add(to, h->name);
    }
    return !to->full;
}

static void fail(struct relay_mx_host *h, const char *text, struct str about)
{
    h->state = RELAY_HOST_FAILED;
    mx_fail(&h->why, "4.4.3", text, about);
}

/* ---- addresses ---- */

static bool is_own_address(const struct relay_mx *m, const struct dns_ip *ip)
{
    for (size_t i = 0; !m->settings->allow_own && i < m->settings->own_address_count; i++)
        if (dns_ip_eq(ip, &m->settings->own_addresses[i]))
            return true;
    return false;
}

static void take_addresses(struct relay_mx *m, struct relay_mx_host *h, int family, const struct dns_answer *answer)
{
    size_t max = m->settings->addresses_max ? m->settings->addresses_max : RELAY_MX_ADDRESSES_MAX;
    h->found[family] = arena_array(m->a, max, sizeof *h->found[family]);
    if (!h->found[family]) {
        h->temporary = true;
        mx_fail(&h->why, "4.3.0", "no memory for the addresses of ", h->name);
        return;
    }
    h->secure = (h->secure || h->found_count[0] + h->found_count[1] + h->avoided == 0) && answer->secure;
    if (!str_eq(answer->canonical, answer->name)) {
        struct str canonical = arena_str(m->a, answer->canonical);
        h->canonical = canonical.n > 0 ? canonical : h->name;
    }
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_ip *ip = &answer->records[i].ip;
        const char *avoided = m->settings->allow_private ? NULL : relay_address_avoided(ip);
        if (is_own_address(m, ip)) {
            h->state = RELAY_HOST_OWN;
        } else if (avoided) {
            if (h->avoided++ == 0) {
                char text[120];
                snprintf(text, sizeof text, "DNS leads to %s (%s), where only a route may lead: ", avoided, dns_ip_text(ip).c);
                mx_fail(&h->why, "5.4.4", text, h->name);
            }
        } else if (h->found_count[family] < max) {
            h->found[family][h->found_count[family]++] = *ip;
        }
    }
}

/* Each host's order follows from seed and place alone, not from which answer came first. */
static void shuffle(uint64_t state, struct dns_ip *ips, size_t n)
{
    for (; n > 1; n--) {
        size_t at = (size_t)mx_random_below(&state, n);
        struct dns_ip other = ips[at];
        ips[at] = ips[n - 1];
        ips[n - 1] = other;
    }
}

/* IPv6, IPv4, IPv6 …: a family that does not work costs one try, not all of them. */
static bool interleave(struct relay_mx *m, struct relay_mx_host *h)
{
    size_t max = m->settings->addresses_max ? m->settings->addresses_max : RELAY_MX_ADDRESSES_MAX, taken[2] = {0, 0};
    h->addresses = arena_array(m->a, max, sizeof *h->addresses);
    if (!h->addresses)
        return false;
    for (int family = FAMILY_V6; family <= FAMILY_V4; family++)
        shuffle(m->random + (uint64_t)(h - m->hosts) * 2 + (uint64_t)family, h->found[family], h->found_count[family]);
    while (h->address_count < max && (taken[FAMILY_V6] < h->found_count[FAMILY_V6] || taken[FAMILY_V4] < h->found_count[FAMILY_V4]))
        for (int family = FAMILY_V6; family <= FAMILY_V4; family++)
            if (taken[family] < h->found_count[family] && h->address_count < max)
                h->addresses[h->address_count++] = h->found[family][taken[family]++];
    return true;
}

/* ---- all addresses are there; DANE ---- */

static void took_addresses(struct relay_mx *m, struct relay_mx_host *h)
{
    if (h->state == RELAY_HOST_OWN)
        return;
    if (h->found_count[FAMILY_V6] + h->found_count[FAMILY_V4] == 0) {
        if (h->temporary) {
            h->state = RELAY_HOST_FAILED;
        } else {
            h->state = RELAY_HOST_UNUSABLE;
            if (h->avoided == 0)
                mx_fail(&h->why, "5.4.4", m->implicit ? "the domain has neither MX nor A nor AAAA records: " : "the host has no address: ", h->name);
        }
        return;
    }
    h->why = (struct why){0};
    if (!interleave(m, h)) {
        fail(h, "no memory for the addresses of ", h->name);
        return;
    }
    const struct dns_answer *a = h->answers[MX_A].status ? &h->answers[MX_A] : NULL, *aaaa = h->answers[MX_AAAA].status ? &h->answers[MX_AAAA] : NULL;
    bool ask_cname = false;
    if (!m->settings->no_tlsa && (a || aaaa))
        h->candidate_count = dane_candidates(h->name, a, aaaa, h->candidates, &ask_cname);
    if (h->candidate_count > 0)
        h->asked[MX_TLSA] = MX_WANTED;
    else if (ask_cname)
        h->asked[MX_CNAME] = MX_WANTED;
    else
        h->state = RELAY_HOST_READY;
}

static void answer_address(struct relay_mx *m, struct relay_mx_host *h, enum mx_kind kind, const struct dns_answer *answer)
{
    static const char *const said[] = {[DNS_SERVFAIL] = "the addresses of a mail exchanger cannot be looked up now", [DNS_TIMEOUT] = "the addresses of a mail exchanger cannot be looked up now",
                                       [DNS_BOGUS] = "the DNSSEC signatures of a mail exchanger's addresses are wrong"};
    if (!dns_answer_copy(m->a, answer, &h->answers[kind]))
        h->answers[kind] = (struct dns_answer){.status = DNS_SERVFAIL, .type = answer->type, .name = h->name, .why = S("no memory")}; /* DANE: unknown, not absent */
    if (answer->status == DNS_OK) {
        take_addresses(m, h, kind == MX_AAAA ? FAMILY_V6 : FAMILY_V4, answer);
    } else if (answer->status >= DNS_SERVFAIL) {
        char text[120];
        h->temporary = true;
        snprintf(text, sizeof text, "%s (%s): ", said[answer->status], dns_status_text(answer->status));
        mx_fail(&h->why, "4.4.3", text, h->name);
    }
    if (h->asked[MX_A] == MX_ANSWERED && h->asked[MX_AAAA] == MX_ANSWERED)
        took_addresses(m, h);
}

/* An alias that leads to where nothing is signed: is the alias itself signed? */
static void answer_cname(struct relay_mx_host *h, const struct dns_answer *answer)
{
    bool failed = false;
    if (dane_candidate_alias(answer, &failed)) {
        h->candidates[0] = h->name;
        h->candidate_count = 1;
        h->asked[MX_TLSA] = MX_WANTED;
        return;
    }
    if (failed) {
        h->dane.status = DANE_FAILED;
        mx_fail(&h->dane.why, "4.4.3", "it cannot be found out now whether DANE applies (CNAME) to ", h->name);
    }
    h->state = RELAY_HOST_READY;
}

static void answer_tlsa(struct relay_mx *m, struct relay_mx_host *h, enum mx_kind kind, const struct dns_answer *answer)
{
    size_t at = kind - MX_TLSA;
    if (dane_judge(answer) == DANE_NEXT) {
        if (at + 1 < h->candidate_count)
            h->asked[MX_TLSA_OTHER] = MX_WANTED;
        else
            h->state = RELAY_HOST_READY;
        return;
    }
    if (dane_take(m->a, h->candidates[at], answer, &h->dane))
        h->state = RELAY_HOST_READY;
    else
        fail(h, "no memory for the TLSA records of ", h->name);
}

void mx_host_answer(struct relay_mx *m, struct relay_mx_host *h, enum mx_kind kind, const struct dns_answer *answer)
{
    switch (kind) {
    case MX_A:
    case MX_AAAA:
        answer_address(m, h, kind, answer);
        return;
    case MX_CNAME:
        answer_cname(h, answer);
        return;
    case MX_TLSA:
    case MX_TLSA_OTHER:
        answer_tlsa(m, h, kind, answer);
        return;
    case MX_KINDS:
        break;
    }
    unreachable();
}

/* "[192.0.2.1]": no question, no DANE (RFC 7672 2.2). */
void mx_host_literal(struct relay_mx *m, struct relay_mx_host *h, const struct dns_ip *ip)
{
    struct dns_record record = {.type = ip->v6 ? DNS_AAAA : DNS_A, .ip = *ip};
    struct dns_answer answer = {.status = DNS_OK, .type = record.type, .name = h->name, .canonical = h->name, .records = &record, .count = 1};
    if (h->state == RELAY_HOST_OWN)
        return;
    take_addresses(m, h, ip->v6 ? FAMILY_V6 : FAMILY_V4, &answer);
    took_addresses(m, h);
}
