// SPDX-License-Identifier: ISC
/* What the files of dns share: names, rdata, and the table of questions on which both kinds of resolver stand. */
#pragma once
#include "dns/dns.h"

enum {
    DNS_WIRE_NAME_MAX = 255, /* RFC 1035 2.3.4 */
    DNS_LABEL_MAX = 63,
    DNS_WHY_MAX = 256,
    DNS_ANCHORS_MAX = 64,
    DNS_ANCHOR_MAX = 4096, /* one line: a key of 16,384 bits fits */
    DNS_TEXT_SUM_MAX = 128 * 1024, /* text and octets of all records of one answer: compression makes much of little */
};

/* Takes an uncompressed wire name from the front of *from and appends it in our presentation form (lower case, no final dot). False: broken, or to is full. */
bool dns_name_from_wire(struct str *from, struct buf *to);
/* Checks a name in presentation form and appends our form of it. False: it cannot exist in DNS (empty label, too long, broken escape). */
bool dns_name_normal(struct str name, struct buf *to);
/* One record from its octets, which must be exactly that. Strings are copied into a. */
enum dns_rdata { DNS_RDATA_OK, DNS_RDATA_BROKEN, DNS_RDATA_NO_MEMORY };
enum dns_rdata dns_rdata_parse(struct arena *a, enum dns_type type, struct str rdata, struct dns_record *to);
/* Text and octets that a record carries beyond its fixed members. */
size_t dns_record_size(const struct dns_record *r);
/* Adds records one at a time to answer->records, which has room for DNS_RECORDS_MAX at most or what count asks for; keeps cut and broken. False: no memory. */
bool dns_answer_room(struct arena *a, struct dns_answer *answer, size_t count);
bool dns_answer_add(struct arena *a, struct dns_answer *answer, struct str rdata, size_t *sum);

/* ---- the table of questions (resolver.c) ---- */
/* A backend finds answers; it may do so within ask, but then hands them out in its turn only. */
struct dns_backend {
    bool (*ask)(void *self, uint32_t slot, const char *name, enum dns_type type); /* false: cannot, no answer will come */
    void (*turn)(void *self);                 /* dns_resolver_done for each slot that has its answer */
    int64_t (*deadline_ms)(const void *self); /* 0: none of its own */
    int (*fd)(const void *self);
    const char *(*text)(const void *self);
    void (*free)(void *self);
};
uint32_t dns_slot_count(uint32_t outstanding_max); /* slots are numbered from 0 to one less than this */
struct dns_resolver *dns_resolver_make(const struct dns_backend *backend, void *self, uint32_t outstanding_max, uint32_t timeout_ms);
/* From the backend's turn: this slot's answer; name, type and, where empty, canonical and why are filled in here. The slot is free afterwards. */
void dns_resolver_done(struct dns_resolver *r, uint32_t slot, struct dns_answer *answer);
void *dns_resolver_backend(struct dns_resolver *r);

/* ---- what the settings say, as texts that libunbound understands (settings.c) ---- */
struct dns_plan {
    struct { char zone[DNS_NAME_MAX + 1]; char address[64]; } servers[DNS_SERVERS_MAX]; /* zone "": everything; address "192.0.2.1@53" */
    size_t server_count, forwarder_count; /* forwarders are those without zone */
    bool loopback;                        /* one of them is on loopback */
    bool from_system;                     /* the forwarders are resolv.conf's */
    size_t anchor_count;
    struct str anchors[DNS_ANCHORS_MAX];  /* one record each, into the settings' text or built in */
    bool root_anchors;                    /* the built-in ones */
};
bool dns_plan_make(const struct dns_settings *settings, struct dns_plan *to, struct why *why);
