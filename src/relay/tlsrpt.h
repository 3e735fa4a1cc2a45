// SPDX-License-Identifier: ISC
/* TLS reports, RFC 8460: what became of TLS with a domain is counted by day and policy, and told to the domain if it asks for it
   in the DNS. Here: the record, the counters (a value that can be merged, kept as a note, and is bounded), and the report as JSON
   and as a message. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "dns/dns.h"

/* ---- the record, section 3 ---- */
enum { TLSRPT_RUA_MAX = 10 };
struct tlsrpt_rua {
    bool https;
    struct str to;
}; /* https: the whole URL; else the address, percent-decoded, without "mailto:" */
struct tlsrpt_record {
    struct tlsrpt_rua rua[TLSRPT_RUA_MAX];
    size_t count;
};
void tlsrpt_record_name(struct buf *to, struct str domain); /* "_smtp._tls.example.org" */
/* One record's text. URIs of other schemes are left out; false: broken, or nothing is left. Decoded addresses are in a. */
bool tlsrpt_record_parse(struct arena *a, struct str txt, struct tlsrpt_record *to);
/* False: no report is wanted (not exactly one record), or the DNS did not answer (*unknown). */
bool tlsrpt_record_choose(struct arena *a, const struct dns_answer *txt, struct tlsrpt_record *to, bool *unknown);

/* ---- counters, section 4 ---- */
enum tlsrpt_policy_type { TLSRPT_NO_POLICY, TLSRPT_STS, TLSRPT_TLSA, TLSRPT_POLICY_TYPES };
enum tlsrpt_result {
    TLSRPT_SUCCESS,
    TLSRPT_STARTTLS_NOT_SUPPORTED,
    TLSRPT_CERTIFICATE_HOST_MISMATCH,
    TLSRPT_CERTIFICATE_EXPIRED,
    TLSRPT_CERTIFICATE_NOT_TRUSTED,
    TLSRPT_VALIDATION_FAILURE, /* 4.3.1 */
    TLSRPT_TLSA_INVALID,
    TLSRPT_DNSSEC_INVALID,
    TLSRPT_DANE_REQUIRED, /* 4.3.2.1 */
    TLSRPT_STS_POLICY_FETCH_ERROR,
    TLSRPT_STS_POLICY_INVALID,
    TLSRPT_STS_WEBPKI_INVALID, /* 4.3.2.2 */
    TLSRPT_RESULTS,
};
const char *tlsrpt_result_text(enum tlsrpt_result r);      /* "starttls-not-supported"; "" for success */
const char *tlsrpt_policy_text(enum tlsrpt_policy_type t); /* "no-policy-found", "sts", "tlsa" */

enum {
    TLSRPT_POLICIES_MAX = 32,     /* of one domain and day; what comes beyond is counted in the last one of its type */
    TLSRPT_DETAILS_MAX = 100,     /* of one policy; what differs beyond is counted without its details */
    TLSRPT_LINES_MAX = 600,       /* of a policy; the rest is left out */
    TLSRPT_TEXT_MAX = 255,        /* each text of a detail is cut to this */
    TLSRPT_NOTE_MAX = 128 * 1024, /* encoded; what does not fit is counted without policy lines and details */
};
/* One session, or one thing that hindered it. All text may be the peer's: it is made printable and cut. */
struct tlsrpt_event {
    enum tlsrpt_policy_type type;
    const struct str *line;
    size_t lines; /* policy-string: TLSA records or the policy's lines */
    const struct str *mx_pattern;
    size_t mx_patterns; /* sts: mx-host */
    enum tlsrpt_result result;
    struct str sending_ip, mx_host, mx_helo, receiving_ip; /* any may be empty */
    struct str reason;                                     /* failure-reason-code */
};
struct tlsrpt_detail {
    enum tlsrpt_result result;
    struct str sending_ip, mx_host, mx_helo, receiving_ip, reason;
    uint64_t count;
    struct tlsrpt_detail *next;
};
struct tlsrpt_policy {
    enum tlsrpt_policy_type type;
    struct str *line;
    size_t lines;
    struct str *mx_pattern;
    size_t mx_patterns;
    uint64_t success, failure;
    struct tlsrpt_detail *detail;
    size_t details;
    struct tlsrpt_policy *next;
};
struct tlsrpt_day {    /* one policy domain, one day */
    struct arena *a;   /* the caller's: everything below lives there; 1 MiB suffices */
    int64_t day;       /* days since 1970, UTC */
    struct str domain; /* A-labels */
    struct tlsrpt_policy *policy;
    size_t policies;
    size_t size; /* octets when encoded */
};
int64_t tlsrpt_day_of(int64_t unix_ms);
/* False: no memory. */
bool tlsrpt_begin(struct tlsrpt_day *d, struct arena *a, struct str domain, int64_t day) MUST_USE;
/* False: memory ended; the counters are as before. */
bool tlsrpt_add(struct tlsrpt_day *d, const struct tlsrpt_event *e) MUST_USE;
bool tlsrpt_merge(struct tlsrpt_day *to, const struct tlsrpt_day *from) MUST_USE; /* same domain and day: else check() */
/* As a note, at most TLSRPT_NOTE_MAX octets; decode is strict, strings point into bytes. */
void tlsrpt_encode(struct buf *to, const struct tlsrpt_day *d);
bool tlsrpt_decode(struct arena *a, struct str bytes, struct tlsrpt_day *to);

/* ---- the report, 4.4 and 5 ---- */
struct tlsrpt_sender {
    struct str organization; /* "example.org" */
    struct str contact;      /* addr-spec: "postmaster@example.org"; its domain is the submitter */
    struct str report_id;    /* without <>: see tlsrpt_report_id */
};
/* "20260824.7F3K2@example.org" from the day, a number of the caller, and the submitter. */
void tlsrpt_report_id(struct buf *to, int64_t day, uint64_t number, struct str submitter);
void tlsrpt_json(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d);
/* gzip, RFC 1952, deterministic (no time, no name). False: to is too small or memory ended. */
bool tlsrpt_gzip(struct buf *to, struct str text) MUST_USE;
#define TLSRPT_MEDIA_TYPE "application/tlsrpt+gzip" /* of what is POSTed to https: */
/* "example.org!example.net!1470009600!1470095999!001.json.gz", 5.1. unique: empty: left out. */
void tlsrpt_file_name(struct buf *to, struct str submitter, const struct tlsrpt_day *d, struct str unique);
void tlsrpt_subject(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d);
/* The whole message, multipart/report (5.3), with TLS-Required: No (a report must arrive though TLS is broken, RFC 8689 3); to be
   signed with DKIM like any other (section 3) and submitted with the null reverse-path or the contact's. zipped: what tlsrpt_gzip
   made. CRLF lines, folded at 78 columns where a name does not force more. */
void tlsrpt_message(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d, struct str recipient,
                    struct str zipped, int64_t unix_ms);
/* 4.1: when to send the report of a day: some hours after its end, the same for the same domain. */
int64_t tlsrpt_due_ms(struct str domain, int64_t day);
enum { TLSRPT_GIVE_UP_MS = 24 * 3600 * 1000 }; /* 5.5: after the first attempt */
