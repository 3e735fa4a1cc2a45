// SPDX-License-Identifier: ISC
/* What the destination publishes, then what the administrator demands at least, then what the sender demands: each step may only
   raise what stands before it, but for "TLS-Required: No", which takes back what the destination publishes, and the words never
   and opportunistic, which do not look at it. */
#include "relay/security.h"
#include <stdio.h>

/* The name that a certificate must have and SNI carries: without the brackets of a literal. */
static struct str host_name(const struct security_question *q)
{
    struct str s = q->host;
    if (s.n > 1 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        s = str_of(s.p + 1, s.n - 2);
    return str_starts_icase(s, S("IPv6:")) ? str_skip(s, 5) : s;
}

static void stop(struct security *to, enum security_verdict verdict, enum tlsrpt_result result, const char *status,
                 const char *text)
{
    to->verdict = verdict;
    to->skipped = result;
    snprintf(to->why.status, sizeof to->why.status, "%s", status);
    snprintf(to->why.text, sizeof to->why.text, "%s", text);
}

static void must_encrypt(struct security *to)
{
    to->tls = SMTP_TLS_REQUIRED;
    to->retry_clear = false;
}

/* A certificate that authorities vouch for, for the host or one of others. */
static void must_prove(const struct security_question *q, struct security *to, bool enforce, struct str other, struct str another)
{
    struct str wanted[DANE_NAMES_MAX] = {host_name(q), other, another};
    to->trust = TLS_TRUST_PKIX;
    to->enforce = enforce;
    to->dane = NULL;
    to->names = 0;
    to->sni = q->literal ? STR_NONE : host_name(q); /* RFC 8461 7.1 */
    for (size_t i = 0; i < DANE_NAMES_MAX; i++) {
        bool again = wanted[i].n == 0 || wanted[i].p[0] == '[';
        for (size_t k = 0; k < to->names; k++)
            again |= dns_name_eq(to->name[k], wanted[i]);
        if (!again)
            to->name[to->names++] = wanted[i];
    }
    if (!enforce)
        return;
    must_encrypt(to);
    if (!q->have_authorities)
        stop(to, SECURITY_SKIP, TLSRPT_VALIDATION_FAILURE, "4.7.5",
             "a certificate has to be verified, but no authorities are known here");
}

static const struct mtasts_policy *mtasts_of(const struct security_question *q)
{
    return q->literal || (q->configured && !q->used_mx) || !q->mtasts || q->mtasts->mode == MTASTS_NONE ? NULL : q->mtasts;
}

static enum dane_status dane_of(const struct security_question *q)
{
    return q->literal || !q->dane ? DANE_ABSENT : q->dane->status;
}

static bool proved(const struct security *s)
{
    return s->enforce && s->trust != TLS_TRUST_ANY;
}

/* --- what the destination publishes --- */

static void by_dane(const struct security_question *q, struct security *to, bool enforce)
{
    to->policy = TLSRPT_TLSA;
    to->sni = q->dane->base;
    if (enforce)
        must_encrypt(to);
    if (q->dane->status != DANE_USABLE)
        return;
    to->trust = TLS_TRUST_DANE;
    to->enforce = enforce;
    to->dane = q->dane;
    to->names = dane_names(q->dane, q->used_mx, q->mx_secure, q->domain, q->domain_canonical, to->name);
}

static void by_mtasts(const struct security_question *q, struct security *to, bool enforce)
{
    const struct mtasts_policy *p = mtasts_of(q);
    enforce &= p->mode == MTASTS_ENFORCE;
    to->policy = TLSRPT_STS;
    to->mx_mismatch = !mtasts_mx_match(p, q->host);
    if (enforce && to->mx_mismatch) {
        stop(to, SECURITY_SKIP, TLSRPT_VALIDATION_FAILURE, "4.7.5", "the destination's MTA-STS policy does not list this host");
        return;
    }
    must_prove(q, to, enforce, STR_NONE, STR_NONE);
    if (!enforce && !q->have_authorities) { /* nothing could be said about it */
        to->trust = TLS_TRUST_ANY;
        to->report = false;
    }
}

static void by_destination(const struct security_question *q, struct security *to)
{
    bool enforce = !q->tls_optional || q->requiretls; /* RFC 8689 4.1: the header does not count beside the parameter */
    enum dane_status dane = dane_of(q);
    if (dane == DANE_FAILED && enforce) { /* RFC 7672 2.1.2 */
        stop(to, SECURITY_SKIP, TLSRPT_DNSSEC_INVALID, "4.7.5", q->dane->why.text);
        return;
    }
    if (dane == DANE_USABLE || dane == DANE_UNUSABLE)
        by_dane(q, to, enforce);
    if (dane != DANE_USABLE && mtasts_of(q)) /* RFC 8461 2: never instead of DANE */
        by_mtasts(q, to, enforce);
    if (!enforce)
        to->report = false; /* RFC 8460 3: nor are reports about reports wanted */
}

/* --- what the administrator demands at least --- */

static void by_word(const struct security_question *q, struct security *to)
{
    switch (q->word) {
    case CONFIG_TLS_NEVER:
        to->tls = SMTP_TLS_NEVER;
        to->retry_clear = false;
        break;
    case CONFIG_TLS_REQUIRED:
        must_encrypt(to);
        break;
    case CONFIG_TLS_VERIFY:
        if (!proved(to) && dane_of(q) == DANE_USABLE)
            by_dane(q, to, true);
        else if (!proved(to))
            must_prove(q, to, true, q->domain, q->domain_canonical);
        break;
    case CONFIG_TLS_DANE:
        must_encrypt(to);
        if (dane_of(q) == DANE_FAILED)
            stop(to, SECURITY_SKIP, TLSRPT_DNSSEC_INVALID, "4.7.5", q->dane->why.text);
        else if (dane_of(q) != DANE_USABLE)
            stop(to, SECURITY_SKIP, TLSRPT_DANE_REQUIRED, "4.7.5",
                 "tls-policy demands DANE, but this host has no usable TLSA records");
        else if (q->used_mx && !q->mx_secure)
            stop(to, SECURITY_SKIP, TLSRPT_DANE_REQUIRED, "4.7.5",
                 "tls-policy demands DANE, but DNSSEC does not prove the destination's MX records");
        else
            by_dane(q, to, true); /* also where the sender would do without */
        break;
    case CONFIG_TLS_AUTO:
    case CONFIG_TLS_OPPORTUNISTIC:
    case CONFIG_TLS_WORDS:
        break;
    }
}

/* --- what the sender demands --- */

/* RFC 8689 2, 4.2.1: is the name of the host sure? */
static bool name_is_sure(const struct security_question *q)
{
    const struct mtasts_policy *p = mtasts_of(q);
    return !q->used_mx || q->mx_secure || (p && mtasts_mx_match(p, q->host));
}

static void by_sender(const struct security_question *q, struct security *to)
{
    if (!q->requiretls)
        return;
    if (q->null_sender) {
        to->requiretls_if_offered = true;
        return;
    }
    to->requiretls = true;
    if (q->word == CONFIG_TLS_NEVER)
        stop(to, SECURITY_REFUSE, TLSRPT_VALIDATION_FAILURE, "5.7.10",
             "the sender requires TLS, and tls-policy forbids it for this destination");
    else if (!name_is_sure(q))
        stop(to, SECURITY_REFUSE, TLSRPT_VALIDATION_FAILURE, "5.7.10",
             "the sender requires TLS, and neither DNSSEC nor MTA-STS proves the destination's MX host");
    if (to->verdict == SECURITY_GO && !(proved(to) && to->trust == TLS_TRUST_DANE))
        must_prove(q, to, true, STR_NONE, STR_NONE); /* 4.2.1 step 4: the host's own name */
}

/* Does a certificate that fits show that this is the destination, and not only the host that an insecure DNS named? */
static bool means_destination(const struct security_question *q, const struct security *s)
{
    const struct mtasts_policy *p = mtasts_of(q);
    bool by_policy = s->trust == TLS_TRUST_PKIX && p && mtasts_mx_match(p, q->host);
    return proved(s) && (!q->used_mx || q->mx_secure || by_policy);
}

void security_decide(const struct security_question *q, struct security *to)
{
    *to = (struct security){.verdict = SECURITY_GO,
                            .skipped = TLSRPT_SUCCESS,
                            .tls = SMTP_TLS_OPPORTUNISTIC,
                            .retry_clear = true,
                            .trust = TLS_TRUST_ANY,
                            .policy = TLSRPT_NO_POLICY};
    bool looks = q->word != CONFIG_TLS_NEVER && q->word != CONFIG_TLS_OPPORTUNISTIC;
    to->sni = q->literal ? STR_NONE : host_name(q);
    to->report = looks && !q->literal && !q->configured;
    if (looks)
        by_destination(q, to);
    if (to->verdict == SECURITY_GO)
        by_word(q, to);
    if (to->verdict == SECURITY_GO)
        by_sender(q, to);
    to->authenticated_means_secure = to->verdict == SECURITY_GO && means_destination(q, to);
}

void security_tls_options(const struct security *s, struct tls_client_options *to)
{
    *to = (struct tls_client_options){.server_name = s->sni,
                                      .trust = s->trust,
                                      .enforce = s->enforce,
                                      .names = s->name,
                                      .name_count = s->names,
                                      .tlsa = s->dane ? s->dane->record : NULL,
                                      .tlsa_count = s->dane ? s->dane->count : 0};
}

bool security_tls_required_no(struct str raw_value)
{
    return str_eq_icase(str_trim(raw_value), S("No"));
}
