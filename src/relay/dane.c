// SPDX-License-Identifier: ISC
#include "relay/dane.h"
#include "base/encode.h"
#include <stdio.h>

const char *dane_status_text(enum dane_status s)
{
    static const char *const words[] = {"none", "unusable", "usable", "failed"};
    return words[s];
}

void dane_query_name(struct buf *to, struct str base, uint16_t port)
{
    if (base.n && base.p[base.n - 1] == '.')
        base.n--;
    buf_printf(to, "_%u._tcp.", port);
    buf_add(to, base);
}

static bool failed(const struct dns_answer *a)
{
    return a->status == DNS_SERVFAIL || a->status == DNS_TIMEOUT || a->status == DNS_BOGUS;
}

size_t dane_candidates(struct str host, const struct dns_answer *a, const struct dns_answer *aaaa, struct str base[2],
                       bool *ask_cname)
{
    const struct dns_answer *both[2] = {a, aaaa}, *found = NULL;
    struct dns_ip ip;
    bool secure = true;
    *ask_cname = false;
    if (host.n == 0 || host.p[0] == '[' || dns_ip_parse(host, &ip))
        return 0;
    for (size_t i = 0; i < 2; i++)
        if (both[i] && both[i]->status == DNS_OK) {
            found = both[i];
            secure &= both[i]->secure;
        }
    if (!found) /* no address: nobody will connect */
        return 0;
    bool alias = !dns_name_eq(found->canonical, host);
    if (!secure) {
        *ask_cname = alias;
        return 0;
    }
    base[0] = alias ? found->canonical : host;
    base[1] = host;
    return alias ? 2 : 1;
}

bool dane_candidate_alias(const struct dns_answer *cname, bool *failed_too)
{
    *failed_too = failed(cname);
    return cname->status == DNS_OK && cname->secure;
}

enum dane_step dane_judge(const struct dns_answer *tlsa)
{
    if (failed(tlsa))
        return DANE_STOP;
    /* broken: records are there, though their octets make no sense: the promise of TLS is made all the same, 2.2.3. */
    return tlsa->status == DNS_OK && tlsa->secure && (tlsa->count || tlsa->broken) ? DANE_FOUND : DANE_NEXT;
}

bool dane_take(struct arena *arena, struct str base, const struct dns_answer *tlsa, struct dane_facts *to)
{
    *to = (struct dane_facts){.status = DANE_ABSENT};
    if (!tlsa || dane_judge(tlsa) == DANE_NEXT)
        return true;
    if (dane_judge(tlsa) == DANE_STOP) {
        to->status = DANE_FAILED;
        snprintf(to->why.status, sizeof to->why.status, "4.7.5");
        struct buf name;
        char text[100];
        buf_fixed(&name, text, sizeof text);
        for (size_t i = 0; i < tlsa->name.n && i < sizeof text;
             i++) /* DNS names are ASCII; what cannot be printed stands as \DDD */
            buf_add_byte(&name, tlsa->name.p[i]);
        snprintf(to->why.text, sizeof to->why.text, "TLSA records of %.*s cannot be looked up: %s", STR_ARG(buf_str(&name)),
                 dns_status_text(tlsa->status));
        return true;
    }
    if (base.n && base.p[base.n - 1] == '.')
        base.n--;
    to->base = arena_str(arena, base);
    to->record = arena_array(arena, tlsa->count + 1, sizeof *to->record);
    if (!to->base.p || !to->record)
        return false;
    to->unusable = tlsa->broken;
    for (size_t i = 0; i < tlsa->count; i++) {
        const struct dns_record *r = &tlsa->records[i];
        struct tls_tlsa record = {r->tlsa.usage, r->tlsa.selector, r->tlsa.matching, r->tlsa.data};
        if (r->type != DNS_TLSA || !tls_tlsa_usable(&record) || to->count == DANE_RECORDS_MAX) {
            to->unusable++;
            continue;
        }
        record.data = arena_str(arena, record.data);
        if (!record.data.p)
            return false;
        to->record[to->count++] = record;
    }
    to->status = to->count ? DANE_USABLE : DANE_UNUSABLE;
    return true;
}

size_t dane_names(const struct dane_facts *f, bool used_mx, bool mx_secure, struct str next_hop, struct str next_hop_canonical,
                  struct str name[DANE_NAMES_MAX])
{
    struct str wanted[DANE_NAMES_MAX] = {f->base, next_hop, next_hop_canonical};
    /* Behind an insecure MX record nothing ties the host to the next hop: the host's own name is the only one. */
    size_t most = used_mx && !mx_secure ? 1 : DANE_NAMES_MAX, n = 0;
    for (size_t i = 0; i < most; i++) {
        bool again = wanted[i].n == 0;
        for (size_t k = 0; k < n; k++)
            again |= dns_name_eq(name[k], wanted[i]);
        if (!again)
            name[n++] = wanted[i];
    }
    return n;
}

void dane_record_text(struct buf *to, const struct tls_tlsa *record)
{
    buf_printf(to, "%u %u %u ", record->usage, record->selector, record->matching);
    for (size_t i = 0; i < record->data.n; i++)
        buf_printf(to, "%02X", (unsigned char)record->data.p[i]);
}
