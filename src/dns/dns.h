// SPDX-License-Identifier: ISC
/* Names to records, with DNSSEC status. A resolver is an object that its host's loop drives: a descriptor that becomes readable, a deadline, and a turn in
   which answers are handed out. Two kinds of resolver behind the same functions: libunbound, which validates on a thread of its own (this header), and a
   scripted twin that answers from a text (dns/script.h).

       struct dns_resolver *r = dns_resolver_new(&settings, &why);
       dns_ask(r, S("example.org"), DNS_MX, on_answer, self);
       loop: watch dns_resolver_fd() for reading, wake at dns_resolver_deadline_ms(), then dns_resolver_turn()  → on_answer(self, answer)

   Answers come out of dns_resolver_turn only, never from within dns_ask. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "base/str.h"

enum dns_type { /* RFC 1035 3.2.2, 3596, 2782, 6698; these only */
    DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52,
};
/* What came of a question. OK, NODATA and NXDOMAIN are knowledge; the other three mean "ask again later", never "no such thing" and never "insecure". */
enum dns_status {
    DNS_OK = 1,    /* there are records */
    DNS_NODATA,    /* the name exists, records of this type do not */
    DNS_NXDOMAIN,  /* the name does not exist (also: it cannot, a label is longer than 63 octets) */
    DNS_SERVFAIL,  /* the servers in charge did not answer usefully */
    DNS_TIMEOUT,   /* no answer within the time of a question */
    DNS_BOGUS,     /* signatures that should be there are missing or wrong */
};

enum {
    DNS_NAME_MAX = 1024,      /* presentation form: 255 octets on the wire (RFC 1035 3.1), each of which may need \DDD */
    DNS_RECORDS_MAX = 512,    /* of one answer; the rest is dropped and .cut says so */
    DNS_ANSWER_MAX = 160 * 1024, /* encoded: a DNS message is at most 64 KiB on the wire; fits a frame */
    DNS_ANSWER_MEM = 256 * 1024, /* enough of an arena for any decoded answer */
    DNS_OUTSTANDING_MAX = 512, /* default for questions that wait at one resolver */
    DNS_SERVERS_MAX = 16,
    DNS_TIMEOUT_MS = 20000,   /* default */
};

struct dns_ip { bool v6; unsigned char b[16]; }; /* network order; IPv4 uses the first four */

struct dns_record {
    enum dns_type type;
    union {
        struct dns_ip ip;                                                              /* A, AAAA */
        struct str name;                                                               /* CNAME, PTR */
        struct { uint16_t preference; struct str host; } mx;                           /* RFC 5321 5; host "." is the null MX, RFC 7505 */
        struct { uint16_t priority, weight, port; struct str target; } srv;            /* RFC 2782 */
        struct { unsigned char usage, selector, matching; struct str data; } tlsa;     /* RFC 6698 2.1; data as octets */
        struct str txt;                                                                /* all strings joined, RFC 7208 3.3 */
    };
};

/* Names are lower case, ASCII, without a final dot; the root is "."; octets that are no letter, digit, '-' or '_' stand as \DDD or \. (RFC 1035 5.1), so
   that dns_is_host() tells at a glance whether a name can be a host's. */
struct dns_answer {
    enum dns_status status;
    enum dns_type type;        /* what was asked */
    bool secure;               /* DNSSEC proved it, the whole CNAME chain included, also that there is nothing */
    bool cut;                  /* there were more records than DNS_RECORDS_MAX */
    uint32_t ttl_s;            /* how long it may be kept; 0 where nothing is known */
    uint32_t broken;           /* records that were dropped because their octets make no sense */
    struct str name;           /* what was asked */
    struct str canonical;      /* where CNAMEs led; equal to name when there are none */
    struct dns_record *records;
    size_t count;
    struct str why;            /* SERVFAIL, TIMEOUT, BOGUS: one printable line; else empty */
};

struct dns_resolver;
typedef void dns_callback(void *self, const struct dns_answer *answer); /* answer is good until it returns: dns_answer_copy keeps it */

struct dns_server { struct str zone; struct str address; uint16_t port; }; /* zone empty: everything. address: a literal, IPv6 without brackets. port 0: 53 */
struct dns_settings {
    /* Whom to ask. Entries with a zone are that zone's servers (a zone below it that has servers of its own needs an entry of its own when the port is not
       53). Entries without a zone get everything else, with recursion desired. None: resolv_conf's nameservers; none there either: from the root down. */
    const struct dns_server *servers;
    size_t server_count;        /* at most DNS_SERVERS_MAX */
    struct str resolv_conf;     /* bytes of the file, or empty */
    struct str anchors;         /* DS or DNSKEY records, one a line, comments allowed (root.key, or a test's); empty: the root keys that are built in */
    bool no_validation;         /* believe nothing, prove nothing: secure is never set, BOGUS never comes */
    bool may_give_up_validation; /* forwarders that leave signatures out are used all the same, without validation (a warning says so). For those of resolv.conf; whoever is named by
                                    hand has to be good */
    bool allow_loopback;        /* servers on 127/8 and ::1 may be asked even if found by delegation (tests); servers named above always may */
    uint32_t outstanding_max;   /* 0: DNS_OUTSTANDING_MAX */
    uint32_t timeout_ms;        /* of one question; 0: DNS_TIMEOUT_MS */
};

/* Everything is read and checked here, before the sandbox closes: afterwards no file is opened. The first question makes the library's context and starts its
   thread, which asks for UDP and TCP sockets to the servers' ports: an idle resolver costs next to nothing. Settings are copied. NULL with why: which server,
   which line. */
struct dns_resolver *dns_resolver_new(const struct dns_settings *settings, struct why *why) MUST_USE;
void dns_resolver_free(struct dns_resolver *r); /* not from a callback; what is outstanding is never answered. NULL is allowed */
int dns_resolver_fd(const struct dns_resolver *r);              /* readable: dns_resolver_turn. Stays the same. -1: there is none (the twin) */
int64_t dns_resolver_deadline_ms(const struct dns_resolver *r); /* monotonic: call dns_resolver_turn then at the latest; 0: nothing is outstanding */
void dns_resolver_turn(struct dns_resolver *r);                 /* callbacks happen here; they may ask and cancel */
size_t dns_resolver_outstanding(const struct dns_resolver *r);
/* Whom it asks, for people: "forwards to 192.0.2.53, validates with 2 trust anchors". Good as long as r. */
const char *dns_resolver_text(const struct dns_resolver *r);

/* The answer comes once, from dns_resolver_turn. name: presentation form, with or without final dot, A-labels. Returns an id for dns_cancel, never 0, or 0: too
   much is outstanding or memory ended; then no answer comes and the caller tries later. */
uint64_t dns_ask(struct dns_resolver *r, struct str name, enum dns_type type, dns_callback *done, void *self) MUST_USE;
void dns_cancel(struct dns_resolver *r, uint64_t id); /* no callback after this; unknown ids are ignored */

/* ---- answers as values ---- */
/* A deep copy into a; false: no room. */
bool dns_answer_copy(struct arena *a, const struct dns_answer *from, struct dns_answer *to) MUST_USE;
/* As bytes for a link, at most DNS_ANSWER_MAX; and back, strictly: false for anything that dns_answer_encode did not write, or no room in a. Strings point into bytes. */
void dns_answer_encode(struct buf *to, const struct dns_answer *answer);
bool dns_answer_decode(struct arena *a, struct str bytes, struct dns_answer *to) MUST_USE;
/* One line of plain words: "NXDOMAIN (proved)", "2 records, secure, ttl 300". */
void dns_answer_text(struct buf *to, const struct dns_answer *answer);
const char *dns_status_text(enum dns_status status);  /* "ok", "nodata", "nxdomain", "servfail", "timeout", "bogus" */
const char *dns_type_text(enum dns_type type);        /* "MX" */
bool dns_type_parse(struct str text, enum dns_type *type);
bool dns_type_known(uint32_t type);
/* A record as a zone file would show it, without name and type: "10 mx1.example.org", "3 1 1 0a0b…". */
void dns_record_text(struct buf *to, const struct dns_record *record);

/* ---- names and addresses ---- */
/* Letters, digits, '-', '_' and dots, no empty label, at most 253 octets: what may be connected to. */
bool dns_is_host(struct str name);
/* Same name? ASCII case and a final dot do not matter. */
bool dns_name_eq(struct str a, struct str b);
bool dns_ip_parse(struct str literal, struct dns_ip *to);        /* "192.0.2.1", "2001:db8::1"; no brackets, no zone ids */
bool dns_ip_eq(const struct dns_ip *a, const struct dns_ip *b);
struct dns_ip_text { char c[48]; };
struct dns_ip_text dns_ip_text(const struct dns_ip *ip);         /* canonical, RFC 5952 */
/* "1.2.0.192.in-addr.arpa", RFC 1035 3.5, 3596 2.5: for PTR. */
void dns_reverse_name(struct buf *to, const struct dns_ip *ip);
