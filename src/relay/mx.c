// SPDX-License-Identifier: ISC
/* The machine: the domain's MX, then groups of hosts.

       relay_mx_init --literal, host by decree--------------+
           |                                                v
        ask MX --no such domain, null MX, trouble--> END   start_group <---- relay_mx_more ----+
           |                                                | ask A, AAAA [CNAME] [TLSA]       |
           +--sorted, own host cut: take_mx---------------->+                                  |
                                                            | all of the group looked up       |
                                                            +--one is READY--> HOSTS ----------+
                                                            +--none, more groups: start_group
                                                            +--none left, or one of them is us: END        */
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"
#include "relay/mx_inside.h"

void mx_fail(struct why *why, const char *status, const char *text, struct str about)
{
    char store[sizeof why->text];
    struct buf b;
    buf_fixed(&b, store, sizeof store - 1);
    buf_add_c(&b, text);
    for (size_t n = about.n < 100 ? about.n : 100; n > 0; n--) { /* as much of it as fits */
        struct buf part = b;
        utf8_add_printable(&part, str_head(about, n));
        if (!part.full) {
            b = part;
            break;
        }
    }
    snprintf(why->status, sizeof why->status, "%s", status);
    snprintf(why->text, sizeof why->text, "%.*s", STR_ARG(buf_str(&b)));
}

/* splitmix64: an order that a seed repeats, nothing more. */
uint64_t mx_random_below(uint64_t *state, uint64_t limit)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % limit;
}

bool mx_is_own_name(const struct relay_mx *m, struct str name)
{
    for (size_t i = 0; !m->settings->allow_own && i < m->settings->own_name_count; i++)
        if (dns_name_eq(name, m->settings->own_names[i]))
            return true;
    return false;
}

static void end(struct relay_mx *m, enum outcome outcome, const char *status, const char *text, struct str about)
{
    m->state = RELAY_MX_END;
    m->outcome = outcome;
    if (outcome != DONE)
        mx_fail(&m->why, status, text, about);
}

/* ---- groups ---- */

/* Nobody is left: what is to be said, if no host was ever offered? What may pass, passes first. */
static void end_of_hosts(struct relay_mx *m)
{
    const struct relay_mx_host *unusable = NULL, *failed = NULL;
    bool offered = false;
    for (size_t i = 0; i < m->ready; i++) {
        const struct relay_mx_host *h = &m->hosts[i];
        offered = offered || h->state == RELAY_HOST_READY;
        failed = !failed && h->state == RELAY_HOST_FAILED ? h : failed;
        unusable = !unusable && h->state == RELAY_HOST_UNUSABLE ? h : unusable;
    }
    m->state = RELAY_MX_END;
    m->outcome = offered ? DONE : failed ? RETRY : REFUSE;
    if (offered)
        return;
    if (failed)
        m->why = failed->why;
    else if (m->own_found)
        mx_fail(&m->why, "5.4.6", "mail loops back to this machine, which does not take it; the best mail exchanger is this machine itself, for ", m->domain);
    else if (unusable)
        m->why = unusable->why;
    else
        mx_fail(&m->why, "5.4.4", "there is no host that takes mail for ", m->domain);
}

/* At preference this machine itself was found: that and worse must not be tried. */
static void cut_at(struct relay_mx *m, uint16_t preference)
{
    m->own_found = true;
    for (size_t i = 0; i < m->host_count; i++)
        if (m->hosts[i].preference >= preference && m->hosts[i].state != RELAY_HOST_OWN)
            m->hosts[i].state = RELAY_HOST_CUT;
}

static size_t group_end(const struct relay_mx *m, size_t start)
{
    size_t at = start;
    while (at < m->host_count && m->hosts[at].preference == m->hosts[start].preference)
        at++;
    return at;
}

static void group_advance(struct relay_mx *m);

static void group_start(struct relay_mx *m)
{
    m->state = RELAY_MX_ASKING;
    for (size_t i = m->ready, until = group_end(m, m->ready); i < until; i++)
        if (m->hosts[i].state == RELAY_HOST_WAITING)
            mx_host_start(m, &m->hosts[i]);
    group_advance(m);
}

static void group_advance(struct relay_mx *m)
{
    while (m->state == RELAY_MX_ASKING) {
        size_t until = group_end(m, m->ready);
        bool offers = false;
        for (size_t i = m->ready; i < until; i++) /* found by an address */
            if (m->hosts[i].state == RELAY_HOST_OWN)
                cut_at(m, m->hosts[i].preference);
        if (m->ready == m->host_count || m->hosts[m->ready].state == RELAY_HOST_CUT || m->hosts[m->ready].state == RELAY_HOST_OWN) {
            m->ready = m->host_count;
            end_of_hosts(m);
            return;
        }
        for (size_t i = m->ready; i < until; i++)
            if (m->hosts[i].state == RELAY_HOST_ASKING)
                return;
        for (size_t i = m->ready; i < until; i++)
            offers = offers || m->hosts[i].state == RELAY_HOST_READY;
        m->ready = until;
        if (offers) {
            m->state = RELAY_MX_HOSTS;
            return;
        }
        for (size_t i = until, next = until < m->host_count ? group_end(m, until) : until; i < next; i++)
            if (m->hosts[i].state == RELAY_HOST_WAITING)
                mx_host_start(m, &m->hosts[i]);
    }
}

void relay_mx_more(struct relay_mx *m)
{
    check(m->state == RELAY_MX_HOSTS);
    if (m->ready == m->host_count) {
        m->state = RELAY_MX_ASKING;
        group_advance(m);
        return;
    }
    group_start(m);
}

/* ---- the domain ---- */

static struct relay_mx_host *add_host(struct relay_mx *m, struct str name, uint16_t preference)
{
    struct relay_mx_host *h = &m->hosts[m->host_count++];
    *h = (struct relay_mx_host){.name = name, .canonical = name, .preference = preference, .state = RELAY_HOST_WAITING};
    return h;
}

static bool one_host(struct relay_mx *m, struct str name)
{
    m->hosts = arena_array(m->a, 1, sizeof *m->hosts);
    if (!m->hosts) {
        end(m, RETRY, "4.3.0", "no memory to look up ", m->domain);
        return false;
    }
    struct relay_mx_host *h = add_host(m, name, 0);
    mx_site_make(m);
    if (mx_is_own_name(m, name)) {
        h->state = RELAY_HOST_OWN;
        m->own_found = true;
    }
    return true;
}

struct order { uint16_t preference; uint64_t luck; size_t at; };

static int by_preference(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    if (x->luck != y->luck)
        return x->luck < y->luck ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Named twice: the better preference counts. */
static bool is_listed(const struct relay_mx *m, struct str host)
{
    for (size_t i = 0; i < m->host_count; i++)
        if (str_eq(m->hosts[i].name, host))
            return true;
    return false;
}

static bool sort_hosts(struct relay_mx *m, const struct dns_answer *answer)
{
    size_t max = m->settings->hosts_max ? m->settings->hosts_max : RELAY_MX_HOSTS_MAX;
    uint64_t state = m->random;
    struct order *order = arena_array(m->a, answer->count, sizeof *order);
    m->hosts = arena_array(m->a, max, sizeof *m->hosts);
    if (!order || !m->hosts)
        return false;
    for (size_t i = 0; i < answer->count; i++)
        order[i] = (struct order){answer->records[i].mx.preference, mx_random_below(&state, UINT64_MAX), i};
    qsort(order, answer->count, sizeof *order, by_preference);
    for (size_t i = 0; i < answer->count; i++) {
        struct str name = answer->records[order[i].at].mx.host;
        if (str_eq(name, S(".")) || is_listed(m, name))
            continue;
        if (m->host_count == max) {
            m->cut = true;
            break;
        }
        name = arena_str(m->a, name);
        if (!name.p)
            return false;
        add_host(m, name, order[i].preference);
    }
    return true;
}

static void take_mx(struct relay_mx *m, const struct dns_answer *answer)
{
    if (!sort_hosts(m, answer)) {
        end(m, RETRY, "4.3.0", "no memory to look up ", m->domain);
        return;
    }
    if (m->host_count == 0) { /* RFC 7505 */
        end(m, REFUSE, "5.1.10", "the domain says that it takes no mail (null MX): ", m->domain);
        return;
    }
    mx_site_make(m);
    for (size_t i = 0; i < m->host_count && !m->own_found; i++)
        if (mx_is_own_name(m, m->hosts[i].name)) {
            m->hosts[i].state = RELAY_HOST_OWN;
            cut_at(m, m->hosts[i].preference);
        }
    group_start(m);
}

static void answer_mx(struct relay_mx *m, const struct dns_answer *answer)
{
    struct str canonical = arena_str(m->a, answer->canonical);
    m->canonical = canonical.n > 0 ? canonical : m->domain;
    m->mx_secure = answer->secure;
    switch (answer->status) {
    case DNS_OK:
        take_mx(m, answer);
        return;
    case DNS_NODATA: /* RFC 5321 5.1: the implicit MX */
        m->implicit = true;
        if (one_host(m, m->domain))
            group_start(m);
        return;
    case DNS_NXDOMAIN:
        end(m, REFUSE, "5.1.2", "there is no such domain: ", m->domain);
        return;
    case DNS_BOGUS:
        end(m, RETRY, "4.4.3", "the DNSSEC signatures of the domain's MX are wrong: ", answer->why);
        return;
    case DNS_SERVFAIL:
    case DNS_TIMEOUT:
        end(m, RETRY, "4.4.3", "the domain's MX cannot be looked up now: ", answer->why);
        return;
    }
    end(m, RETRY, "4.4.3", "the domain's MX cannot be looked up now", STR_NONE);
}

static void start_literal(struct relay_mx *m, const struct domain *domain)
{
    struct dns_ip ip;
    struct str text = str_starts_icase(domain->text, S("IPv6:")) ? str_skip(domain->text, 5) : domain->text;
    if (domain->kind == DOMAIN_OTHER_LITERAL || !dns_ip_parse(text, &ip)) {
        end(m, REFUSE, "5.1.2", "an address literal of this kind leads nowhere: ", m->domain);
        return;
    }
    if (!one_host(m, m->domain))
        return;
    m->state = RELAY_MX_ASKING;
    mx_host_literal(m, &m->hosts[0], &ip);
    group_advance(m);
}

void relay_mx_init(struct relay_mx *m, struct arena *a, const struct relay_mx_settings *settings, const struct domain *domain)
{
    *m = (struct relay_mx){.state = RELAY_MX_ASKING, .settings = settings, .a = a, .ttl_s = UINT32_MAX};
    m->random = settings->seed ? settings->seed : random_u64();
    m->domain = m->canonical = arena_str(a, domain->ascii);
    if (!m->domain.p)
        end(m, RETRY, "4.3.0", "no memory to look up a domain", STR_NONE);
    else if (domain->kind != DOMAIN_NAME)
        start_literal(m, domain);
    else if (!settings->is_host)
        m->mx_asked = MX_WANTED;
    else if (one_host(m, m->domain)) {
        m->mx_secure = true; /* the configuration says so */
        group_start(m);
    }
}

/* ---- questions: number 0 is the MX, then MX_KINDS for each host ---- */

bool relay_mx_question(struct relay_mx *m, struct relay_mx_question *to)
{
    static const enum dns_type types[MX_KINDS] = {
        [MX_A] = DNS_A, [MX_AAAA] = DNS_AAAA, [MX_CNAME] = DNS_CNAME, [MX_TLSA] = DNS_TLSA, [MX_TLSA_OTHER] = DNS_TLSA};
    if (m->state != RELAY_MX_ASKING)
        return false;
    if (m->mx_asked == MX_WANTED) {
        m->mx_asked = MX_ASKED;
        *to = (struct relay_mx_question){.id = 0, .type = DNS_MX};
        check(str_to_c(m->domain, to->name, sizeof to->name));
        return true;
    }
    for (size_t i = m->ready; i < m->host_count; i++)
        for (unsigned kind = 0; kind < MX_KINDS; kind++) {
            struct buf name;
            if (m->hosts[i].asked[kind] != MX_WANTED)
                continue;
            m->hosts[i].asked[kind] = MX_ASKED;
            *to = (struct relay_mx_question){.id = 1 + (uint32_t)i * MX_KINDS + kind, .type = types[kind]};
            buf_fixed(&name, to->name, sizeof to->name - 1);
            check(mx_host_name(m, &m->hosts[i], (enum mx_kind)kind, &name));
            to->name[name.n] = '\0';
            return true;
        }
    return false;
}

static void keep_ttl(struct relay_mx *m, const struct dns_answer *answer)
{
    if (answer->status <= DNS_NXDOMAIN && answer->ttl_s < m->ttl_s)
        m->ttl_s = answer->ttl_s;
}

void relay_mx_answer(struct relay_mx *m, uint32_t id, const struct dns_answer *answer)
{
    if (m->state != RELAY_MX_ASKING)
        return;
    if (id == 0) {
        if (m->mx_asked == MX_ASKED) {
            m->mx_asked = MX_ANSWERED;
            keep_ttl(m, answer);
            answer_mx(m, answer);
        }
        return;
    }
    size_t at = (id - 1) / MX_KINDS;
    enum mx_kind kind = (enum mx_kind)((id - 1) % MX_KINDS);
    if (at >= m->host_count || m->hosts[at].asked[kind] != MX_ASKED)
        return;
    m->hosts[at].asked[kind] = MX_ANSWERED;
    keep_ttl(m, answer);
    mx_host_answer(m, &m->hosts[at], kind, answer);
    group_advance(m);
}

void relay_mx_unanswered(struct relay_mx *m, uint32_t id, struct str why)
{
    relay_mx_answer(m, id, &(struct dns_answer){.status = DNS_SERVFAIL, .why = why});
}
