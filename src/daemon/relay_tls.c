// SPDX-License-Identifier: ISC
/* How a connection must be protected (relay/security.h decides), whether one that is there is good enough for another message,
 * and the TLS of one. */
#include "base/facts.h"
#include "daemon/relay_inside.h"
#include <stdio.h>
#include <string.h>

static bool is_socket(const struct relay_hop *h)
{
    return h->routed && h->route.path.n > 0;
}

/* By the recipients' domain, or by the smart host's name where somebody wrote that down. */
static enum config_tls_word word_of(const struct relay_hop *h)
{
    const struct config *c = h->relay->config;
    const struct config_tls_policy *p = config_tls_policy_find(c, h->domain);
    const struct config_tls_policy *host = h->routed ? config_tls_policy_find(c, h->route.host) : NULL;

    if (host && !str_eq(host->domain, S("*")))
        p = host;
    if (!p || p->word == CONFIG_TLS_AUTO) /* a password goes only to who it is meant for */
        return h->routed && h->user.n ? CONFIG_TLS_VERIFY : CONFIG_TLS_AUTO;
    return p->word;
}

static void ask(const struct relay_hop *h, size_t host, struct relay_demand demand, struct security_question *q)
{
    const struct relay_mx *mx = &h->mx;
    const struct relay_mx_host *to = &mx->hosts[host];

    *q = (struct security_question){
        .word = word_of(h),
        .domain = h->routed ? h->route.host : h->domain,
        .domain_canonical = h->routed || str_eq(mx->canonical, mx->domain) ? STR_NONE : mx->canonical,
        .host = to->name,
        .literal = to->name.n > 0 && to->name.p[0] == '[',
        .used_mx = !h->routed && !mx->implicit,
        .mx_secure = mx->mx_secure,
        .configured = h->routed,
        .dane = &to->dane,
        .requiretls = demand.requiretls,
        .null_sender = demand.null_sender,
        .tls_optional = demand.tls_optional,
        .have_authorities = h->relay->authorities.n > 0,
    };
}

void relay_tls_decide(const struct relay_hop *h, size_t host, struct relay_demand demand, struct security_question *q,
                      struct security *to)
{
    struct security_question mine;

    q = q ? q : &mine;
    *q = (struct security_question){0};
    if (is_socket(h)) {
        *to = (struct security){.verdict = SECURITY_GO, .tls = SMTP_TLS_NEVER, .requiretls_if_offered = demand.requiretls};
        return;
    }
    ask(h, host, demand, q);
    security_decide(q, to);
    if (to->verdict == SECURITY_GO && h->routed && h->user.n &&
        to->tls == SMTP_TLS_OPPORTUNISTIC) { /* it is not shown in clear */
        to->tls = SMTP_TLS_REQUIRED;
        to->retry_clear = false;
    }
}

/* ---- one that is there, for another message ---- */

static bool same_names(const struct security *a, const struct security *b)
{
    if (a->names != b->names)
        return false;
    for (size_t i = 0; i < a->names; i++)
        if (!dns_name_eq(a->name[i], b->name[i]))
            return false;
    return true;
}

static bool same_records(const struct dane_facts *a, const struct dane_facts *b)
{
    if (!a || !b || a->count != b->count)
        return a == b;
    for (size_t i = 0; i < a->count; i++) {
        const struct tls_tlsa *x = &a->record[i], *y = &b->record[i];
        if (x->usage != y->usage || x->selector != y->selector || x->matching != y->matching || !str_eq(x->data, y->data))
            return false;
    }
    return true;
}

static bool good_enough(const struct relay_conn *c, const struct security *want)
{
    const struct security *have = &c->security;

    if (want->verdict != SECURITY_GO || (want->tls == SMTP_TLS_NEVER && c->tls) || (want->tls == SMTP_TLS_REQUIRED && !c->tls))
        return false;
    if (!c->tls && have->tls == SMTP_TLS_NEVER && want->tls != SMTP_TLS_NEVER)
        return false; /* TLS was not even tried */
    if (want->requiretls && c->machine && c->greeted && !c->client.offers.requiretls)
        return false;
    if (!want->enforce || want->trust == TLS_TRUST_ANY)
        return true;
    return have->enforce && have->trust == want->trust && same_names(have, want) && same_records(have->dane, want->dane) &&
           dns_name_eq(have->sni, want->sni);
}

static bool same_demand(struct relay_demand a, struct relay_demand b)
{
    return a.requiretls == b.requiretls && a.null_sender == b.null_sender && a.tls_optional == b.tls_optional;
}

bool relay_tls_fits(const struct relay_conn *c, const struct relay_job *j)
{
    const struct relay_hop *h = j->hop;
    struct security want;
    size_t i = 0;

    if (is_socket(h) || (c->hop == h && same_demand(c->demand, j->demand)))
        return true;
    if (!c->machine)
        return c->hop == h && same_demand(c->demand, j->demand);
    while (i < h->mx.ready && !str_eq(h->mx.hosts[i].name, c->host_name))
        i++;
    if (i == h->mx.ready || h->mx.hosts[i].state != RELAY_HOST_READY)
        return false; /* not looked up yet for that one */
    relay_tls_decide(h, i, j->demand, NULL, &want);
    return good_enough(c, &want);
}

/* ---- TLS of one ---- */

static struct str ticket_key(const struct relay_conn *c, char *text, size_t max)
{
    int n = snprintf(text, max, "%s %u %.*s", c->ip_text, (unsigned)c->hop->mx_settings.port, STR_ARG(c->security.sni));
    return n > 0 && (size_t)n < max ? str_c(text) : STR_NONE;
}

bool relay_tls_open(struct relay_conn *c)
{
    struct tls_client_options o;
    char key[400];

    security_tls_options(&c->security, &o);
    o.session = relay_ticket(c->relay, ticket_key(c, key, sizeof key));
    struct tls_client_context *context = o.trust == TLS_TRUST_PKIX ? relay_tls_proving(c->relay) : c->relay->tls;
    c->tls = context ? tls_client_open(context, &o) : NULL;
    return c->tls != NULL;
}

void relay_tls_keep(struct relay_conn *c)
{
    struct buf b;
    int64_t expires = 0;
    char key[400];

    if (!c->tls)
        return;
    buf_init(&b, TLS_SESSION_MAX);
    if (tls_session_export(c->tls, &b, &expires))
        relay_ticket_keep(c->relay, ticket_key(c, key, sizeof key), buf_str(&b), expires);
    if (b.n)
        explicit_bzero(b.p, b.n);
    buf_free(&b);
}

void relay_tls_text(const struct relay_conn *c, char text[128])
{
    const struct tls_facts *f = c->machine ? &c->client.m.tls : NULL;
    bool sure = c->tls && tls_authenticated(c->tls);

    text[0] = '\0';
    if (f && f->active)
        snprintf(text, 128, "%s %s%s", f->version, f->cipher,
                 !sure                                 ? ""
                 : c->security.trust == TLS_TRUST_DANE ? ", verified by DANE"
                 : c->security.policy == TLSRPT_STS    ? ", verified by MTA-STS"
                                                       : ", verified");
}
