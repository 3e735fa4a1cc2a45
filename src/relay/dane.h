// SPDX-License-Identifier: ISC
/* DANE for SMTP, RFC 7672: which TLSA records to ask for, what their answers mean, which names a certificate must have. Pure:
   answers in, facts out.

       addresses of the MX host ──dane_candidates──► base domains (up to two) ──ask TLSA at dane_query_name──► dane_judge: FOUND,
   NEXT or FAILED │ struct dane_facts for security.h ◄──dane_take────┘                            */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "dns/dns.h"
#include "tls/tls.h"

enum { DANE_RECORDS_MAX = 64 /* of one answer; more: the rest is not looked at */, DANE_NAMES_MAX = 3 };

enum dane_status {
    DANE_ABSENT,   /* does not apply, or there are no secure TLSA records: as if there were no DANE */
    DANE_UNUSABLE, /* secure records, none of which can be used: TLS is a must, authentication is not, 2.2 */
    DANE_USABLE,   /* TLS and authentication by these records, or no delivery */
    DANE_FAILED,   /* the DNS did not answer: this host counts as unreachable, 2.1.2 */
};
struct dane_facts {
    enum dane_status status;
    struct str base;         /* TLSA base domain: SNI, and the first name to check; empty when ABSENT or FAILED */
    struct tls_tlsa *record; /* the usable ones */
    size_t count;
    uint32_t unusable; /* how many others there were */
    struct why why;    /* FAILED: which question, and what the resolver said */
};

/* "_25._tcp.mail.example.org", 2.2.3 */
void dane_query_name(struct buf *to, struct str base, uint16_t port);
/* Where to look, in order: up to two base domains, RFC 7672 2.2.2. a, aaaa: answers for host (NULL: not asked). host is an alias
   and its addresses are insecure: *ask_cname is set and the answer to a CNAME question for host decides (dane_candidate_alias).
   Strings are the answers'. 0: DANE does not apply (also: host is an address literal). */
size_t dane_candidates(struct str host, const struct dns_answer *a, const struct dns_answer *aaaa, struct str base[2],
                       bool *ask_cname);
/* The answer to that question: true: host itself is a candidate. *failed: no answer: the host is unreachable. */
bool dane_candidate_alias(const struct dns_answer *cname, bool *failed);

enum dane_step { DANE_NEXT, DANE_FOUND, DANE_STOP };
/* NEXT: try the next candidate (none left: ABSENT); FOUND and STOP: dane_take makes the facts. */
enum dane_step dane_judge(const struct dns_answer *tlsa);
/* Facts from the answer that ended the search (NULL: no candidate, or none had records). Records are copied into arena; false: no
 * room. */
bool dane_take(struct arena *arena, struct str base, const struct dns_answer *tlsa, struct dane_facts *to) MUST_USE;
/* Names a certificate may have for usage 2, in order: base domain; and, when the MX was secure or there was none, the next hop
 * and its CNAME expansion, 3.2.2. Returns how many. */
size_t dane_names(const struct dane_facts *f, bool used_mx, bool mx_secure, struct str next_hop, struct str next_hop_canonical,
                  struct str name[DANE_NAMES_MAX]);
/* For TLS reports and people, RFC 8460 4.5: "3 1 1 1F85…". */
void dane_record_text(struct buf *to, const struct tls_tlsa *record);
const char *dane_status_text(enum dane_status s); /* "none", "unusable", "usable", "failed" */
