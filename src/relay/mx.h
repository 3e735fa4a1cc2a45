// SPDX-License-Identifier: ISC
/* Which hosts take mail for a domain (RFC 5321 5.1, 7505, 7672 2.2): a machine without I/O. A domain goes in, questions come out, answers go in; hosts with addresses
   come out, best first, one group of equal preference at a time: hosts of a group are looked up together, those of the next only when the earlier ones did not
   do. So a domain with many backups costs the questions of its first hosts, and a broken backup delays nobody.

       relay_mx_init
       ASKING   relay_mx_question until it has none; relay_mx_answer for each, in any order
       HOSTS    hosts[0 … ready) that are READY may be tried, in this order; relay_mx_more when they did not do → ASKING, HOSTS or END
       END      no more hosts. If none ever was READY, outcome and why say what to tell the sender; else DONE                                    */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/outcome.h"
#include "dns/dns.h"
#include "message/address.h"
#include "relay/dane.h"

enum {
    RELAY_MX_HOSTS_MAX = 20,    /* defaults; RFC 5321 5.1: a limit is allowed, at least two addresses are tried */
    RELAY_MX_ADDRESSES_MAX = 8, /* of one host */
    RELAY_MX_MEM = 512 * 1024,  /* of an arena, at most: a look-up that needs more fails for now; usually 4 KiB */
    RELAY_SITE_MAX = 256,
};

struct relay_mx_settings {
    const struct str *own_names;         /* by which this machine is known; these outlive the machine */
    size_t own_name_count;
    const struct dns_ip *own_addresses;  /* on which it takes mail */
    size_t own_address_count;
    uint16_t port;                       /* 0: 25; for TLSA */
    bool is_host;                        /* the name is a host by decree of a route: no MX is looked up */
    bool allow_private;                  /* loopback, private, link-local … addresses may be connected to (routes, tests) */
    bool allow_own;                      /* own addresses and names, too (a route to another port of this machine) */
    bool no_ipv4, no_ipv6;               /* this machine has none */
    bool no_tlsa;                        /* DANE is not wanted */
    uint64_t seed;                       /* of the shuffling; 0: random */
    uint32_t hosts_max, addresses_max;   /* 0: as above */
};

enum relay_mx_host_state {
    RELAY_HOST_WAITING = 1, /* not looked up yet */
    RELAY_HOST_ASKING,
    RELAY_HOST_READY,
    RELAY_HOST_UNUSABLE,    /* for good: no addresses, or none that may be connected to; why */
    RELAY_HOST_FAILED,      /* for now: DNS did not answer; why */
    RELAY_HOST_OWN,         /* this is us */
    RELAY_HOST_CUT,         /* not better than us: must not be tried (RFC 5321 5.1) */
};
struct relay_mx_host {
    struct str name;        /* as the MX record has it, lower case; "[192.0.2.1]" for a literal */
    struct str canonical;   /* where CNAMEs lead; equal to name when there are none */
    uint16_t preference;
    enum relay_mx_host_state state;
    struct why why;
    struct dns_ip *addresses; /* in the order to be tried: families take turns, IPv6 first */
    size_t address_count;
    uint32_t avoided;       /* addresses that may not be connected to */
    bool secure;            /* addresses were proved, the alias chain included */
    struct dane_facts dane; /* what TLSA records want of a connection to it (security.h); FAILED: they could not be looked up */
    /* the machine's */
    unsigned char asked[5];
    bool temporary;
    struct dns_answer answers[2]; /* A, AAAA; status 0: not asked */
    struct str candidates[2];
    size_t candidate_count;
    struct dns_ip *found[2];
    size_t found_count[2];
};

enum relay_mx_state { RELAY_MX_ASKING = 1, RELAY_MX_HOSTS, RELAY_MX_END };

struct relay_mx {
    enum relay_mx_state state;
    enum outcome outcome;    /* END: DONE, or what became of the domain */
    struct why why;          /* RETRY and REFUSE; status 5.1.10 is answered with code 556 (RFC 7505), all others with 4.4.3's 451 or 550 */
    struct str domain;       /* A-labels or a literal */
    struct str canonical;    /* where CNAMEs of the domain lead */
    bool mx_secure;          /* the MX records were proved (or that there are none) */
    bool implicit;           /* there are none: the domain is its own host */
    bool cut;                /* there were more hosts than hosts_max */
    uint32_t ttl_s;          /* least of all answers used: how long this may be kept */
    struct relay_mx_host *hosts; /* by preference, shuffled within one */
    size_t host_count, ready;    /* hosts[0 … ready) have been looked up */
    char site[RELAY_SITE_MAX];   /* key of the set of hosts: known when MX is; "" before */
    /* the machine's */
    const struct relay_mx_settings *settings;
    struct arena *a;
    uint64_t random;
    unsigned char mx_asked;
    bool own_found;
};

struct relay_mx_question { uint32_t id; enum dns_type type; char name[DNS_NAME_MAX + 16]; }; /* name: with NUL */

/* domain: from domain_parse; copied into a, which lives as long as m, as settings do. */
void relay_mx_init(struct relay_mx *m, struct arena *a, const struct relay_mx_settings *settings, const struct domain *domain);
/* The next question that nobody has asked yet. False: none. */
bool relay_mx_question(struct relay_mx *m, struct relay_mx_question *to);
/* The answer to a question; ids that are unknown or answered are ignored. A resolver that could not be asked: relay_mx_unanswered. */
void relay_mx_answer(struct relay_mx *m, uint32_t id, const struct dns_answer *answer);
void relay_mx_unanswered(struct relay_mx *m, uint32_t id, struct str why);
/* The hosts so far did not do. Only in HOSTS. */
void relay_mx_more(struct relay_mx *m);

/* May mail for strangers be sent to this address? NULL: yes; else what it is: "a loopback address". RFC 6890. */
const char *relay_address_avoided(const struct dns_ip *ip);
/* The whole decision, one fact a line, for penny explain and penny probe mx. */
void relay_mx_explain(const struct relay_mx *m, struct buf *to);
const char *relay_mx_host_text(enum relay_mx_host_state state); /* "ready", "unusable" … */
