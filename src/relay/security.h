// SPDX-License-Identifier: ISC
/* The one decision about transport security: may this message go to this host, how must the connection be protected, what is
   checked, and who is told. Pure. Order: what the administrator said (tls-policy), then DANE (RFC 7672), then MTA-STS (RFC 8461;
   2: it never overrides DANE), then opportunistic TLS (RFC 3207, 7435); the sender's own wish (REQUIRETLS, TLS-Required: RFC
   8689) raises or lowers the result. */
#pragma once
#include "base/buf.h"
#include "base/outcome.h"
#include "config/config.h"
#include "relay/dane.h"
#include "relay/mtasts.h"
#include "relay/tlsrpt.h"
#include "smtp/client.h"
#include "tls/tls.h"

struct security_question {
    enum config_tls_word word;   /* tls-policy of the configuration; CONFIG_TLS_AUTO: nothing said */
    struct str domain;           /* the next hop: the recipients' domain, or the smart host; A-labels */
    struct str domain_canonical; /* where its CNAMEs led; empty: nowhere */
    struct str host;             /* MX host or the next hop itself, A-labels; an address literal when literal */
    bool literal;                /* no name is known of the host: DANE and MTA-STS do not apply */
    bool used_mx;                /* host comes from an MX record of domain */
    bool mx_secure;              /* and DNSSEC proved it */
    bool configured; /* host comes from the configuration: its name needs no proof, and nobody is sent reports about it */
    const struct dane_facts *dane;      /* NULL: not asked for, counts as absent */
    const struct mtasts_policy *mtasts; /* of domain, that holds now, or NULL; counts only for hosts found in the DNS */
    bool requiretls;                    /* MAIL came with REQUIRETLS */
    bool null_sender;                   /* and the reverse-path is null: asked for, not insisted on (RFC 8689 5) */
    bool tls_optional;                  /* "TLS-Required: No" in the header (ignored with requiretls) */
    bool have_authorities;              /* a bundle of authorities is there: verification by PKIX can succeed */
};

enum security_verdict {
    SECURITY_GO,
    SECURITY_SKIP,   /* not this host now: the next one, or later */
    SECURITY_REFUSE, /* never with what this message demands (RFC 8689 4.2.1): the next host; none left: the message goes back */
};
struct security {
    enum security_verdict verdict;
    struct why why;             /* SKIP, REFUSE: says what, for the queue */
    enum tlsrpt_result skipped; /* and what a TLS report calls it */
    enum smtp_tls_policy tls;   /* for smtp_client_settings */
    bool retry_clear;           /* when STARTTLS or the hand-shake fails the host may be tried once more without TLS */
    enum tls_trust trust;       /* how the certificate is checked */
    bool enforce;               /* a failed check ends the connection; else it is only reported */
    struct str sni;
    struct str name[DANE_NAMES_MAX]; /* of which the certificate must have one; point into the question's */
    size_t names;
    const struct dane_facts *dane;   /* trust TLS_TRUST_DANE: the records */
    bool requiretls;                 /* MAIL goes with REQUIRETLS, and only to a host that offers it */
    bool requiretls_if_offered;      /* MAIL goes with REQUIRETLS where offered */
    bool authenticated_means_secure; /* what is authenticated is the destination and not only some host (7672 2.2.1: for the log)
                                      */
    /* the report */
    bool report;                    /* count this session */
    enum tlsrpt_policy_type policy; /* under this policy: mtasts or dane of the question */
    bool mx_mismatch;               /* MTA-STS does not list the host (with enforce: SKIP) */
};
void security_decide(const struct security_question *q, struct security *to);
/* The same in words, one line a step, each ended by LF: "DANE: 2 usable TLSA records at mail.example.org: TLS, authenticated by
 * them". For penny explain, queue why and probe. */
void security_explain(const struct security_question *q, const struct security *s, struct buf *to);
/* Options of the client end, except for session. tlsa points into the facts. */
void security_tls_options(const struct security *s, struct tls_client_options *to);

/* What came of the connection, as a TLS report counts it; SKIP: s->skipped. starttls: the host offered it; done: the hand-shake;
 * f: tls_failure_get, NULL when none began. */
enum tlsrpt_result security_result(const struct security *s, bool starttls, bool done, const struct tls_failure *f);
/* Fills type, policy lines and patterns of an event from the policy that was applied; lines are in a. False: no room. */
bool security_event(struct arena *a, const struct security_question *q, const struct security *s,
                    struct tlsrpt_event *to) MUST_USE;
/* RFC 8689 3: value of the first TLS-Required field is "No" in any case (raw, as header_find gives it). */
bool security_tls_required_no(struct str raw_value);
