// SPDX-License-Identifier: ISC
/* The scripted twin: a resolver that answers from a small text, for tests and simulation, with the functions of dns/dns.h and the clock of base/clock.h.

       ; comment                            to the end of the line
       $TTL 300                             of the records that follow; default 3600
       $SECURE example.org                  names there and below are signed; the longest such zone that fits decides
       $INSECURE plain.example.org          names there and below are not
       example.org            MX    10 mx1.example.org
       mx1.example.org        A     192.0.2.1
       _25._tcp.mx1.example.org TLSA 3 1 1 0a0b0c…
       www.example.org        CNAME mx1.example.org
       example.org            TXT   "v=spf1 -all"        the text up to the last quote, or a bare word
       _x._tcp.example.org    SRV   0 0 25 mx1.example.org
       broken.example.org     *     SERVFAIL why …       instead of records, for a type or for all: OK's rivals NODATA, NXDOMAIN, SERVFAIL, TIMEOUT, BOGUS

   Names with records of other types have no data; names above a known name, too; others do not exist. CNAMEs are followed, within the text; an answer is secure
   when every step was. */
#pragma once
#include "dns/dns.h"

enum { DNS_SCRIPT_MEM = 16 << 20, DNS_SCRIPT_CHAIN_MAX = 12 };

struct dns_script;
/* NULL with why ("line 7: …"). text is copied. */
struct dns_script *dns_script_new(struct str text, struct why *why) MUST_USE;
void dns_script_free(struct dns_script *s);
/* At once, into a: what a resolver would answer. TIMEOUT, too, comes at once here. False: no room in a. */
bool dns_script_answer(const struct dns_script *s, struct arena *a, struct str name, enum dns_type type, struct dns_answer *to) MUST_USE;

/* As a resolver: answers come latency_ms after the question, TIMEOUT after timeout_ms. It has no descriptor: dns_resolver_deadline_ms says when it is due. Takes s. */
struct dns_resolver *dns_script_resolver(struct dns_script *s, uint32_t latency_ms, uint32_t outstanding_max, uint32_t timeout_ms) MUST_USE;
/* The world changes: from now on another text holds. Takes s. */
void dns_script_replace(struct dns_resolver *r, struct dns_script *s);
uint64_t dns_script_asked(struct dns_resolver *r); /* questions so far */
