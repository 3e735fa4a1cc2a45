// SPDX-License-Identifier: ISC
/* MTA-STS, RFC 8461: a domain says by HTTPS which hosts take its mail and that they speak TLS with a valid certificate. Here: the
   TXT record, the policy's text, the match of MX names, and the life of what is kept of it. Nothing here asks anybody:
   mtasts_plan says what to ask for. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "dns/dns.h"

enum {
    MTASTS_ID_MAX = 32,
    MTASTS_POLICY_MAX = 64 * 1024,       /* 3.3: of the text; more is a failure */
    MTASTS_FETCH_TIMEOUT_MS = 60 * 1000, /* 3.3: from the first packet to the last octet */
    MTASTS_MX_MAX = 500,                 /* patterns; more is a failure */
    MTASTS_MAX_AGE_MAX = 31557600,       /* 3.2: seconds; larger values count as this */
    MTASTS_REFRESH_MS = 86400 * 1000,    /* 3.3: fetched anew once a day though the id is the same */
    MTASTS_BACKOFF_MS = 5 * 60 * 1000,   /* 3.3: least time between two failed fetches of one id; doubled for each further one */
    MTASTS_BACKOFF_MAX_MS = 6 * 3600 * 1000,
    MTASTS_NOTE_MAX = MTASTS_POLICY_MAX + 1024, /* encoded */
};
/* How it is fetched (3.3): GET, the certificate verified and for that very name, no redirect followed, no HTTP cache, status 200
   and nothing else, media type text/plain, MTASTS_POLICY_MAX octets, MTASTS_FETCH_TIMEOUT_MS; addresses from our own resolver. */
void mtasts_record_name(struct buf *to, struct str domain); /* "_mta-sts.example.org" */
void mtasts_url(struct buf *to, struct str domain);         /* "https://mta-sts.example.org/.well-known/mta-sts.txt" */
void mtasts_host(struct buf *to, struct str domain);        /* "mta-sts.example.org" */
bool mtasts_media_type_is_ok(struct str content_type);      /* "text/plain" with any parameters */

/* ---- the TXT record, 3.1 ---- */
/* One record's text; false: it is none. id points into txt. */
bool mtasts_record_parse(struct str txt, struct str *id);
enum mtasts_seen {
    MTASTS_NO_RECORD, /* certainly none, or not exactly one, or broken: the domain announces nothing */
    MTASTS_RECORD,    /* id says which policy */
    MTASTS_UNKNOWN,   /* the DNS did not answer: what is kept holds; ask again later */
};
enum mtasts_seen mtasts_record_choose(const struct dns_answer *txt, struct str *id);

/* ---- the policy, 3.2 ---- */
enum mtasts_mode { MTASTS_NONE, MTASTS_TESTING, MTASTS_ENFORCE };
struct mtasts_policy {
    enum mtasts_mode mode;
    uint32_t max_age_s;
    struct str *mx; /* "mail.example.org", "*.example.net": lower case */
    size_t mx_count;
};
/* Strict where the grammar is, unknown keys ignored, the first of repeated keys counts. False with why. Everything is copied into
 * a. */
bool mtasts_policy_parse(struct arena *a, struct str text, struct mtasts_policy *to, struct why *why);
/* 4.1: a wildcard stands for exactly one left-most label. host: as in the MX record. */
bool mtasts_mx_match(const struct mtasts_policy *p, struct str host);
/* The lines of the policy for a TLS report, RFC 8460 4.5: "version: STSv1", "mode: enforce", … count at most 3 + mx_count; in a.
 * NULL: no room. */
struct str *mtasts_policy_lines(struct arena *a, const struct mtasts_policy *p, size_t *count);
const char *mtasts_mode_text(enum mtasts_mode m);

/* ---- what is kept of a domain ---- */
enum mtasts_trouble {
    MTASTS_FINE,
    MTASTS_FETCH_ERROR,
    MTASTS_POLICY_INVALID,
    MTASTS_WEBPKI_INVALID
}; /* of the last fetch; RFC 8460 4.3.2.2 */
struct mtasts_entry {
    bool has_policy;
    char id[MTASTS_ID_MAX + 1]; /* of the policy that is kept */
    int64_t fetched_ms;         /* civil time of its last fetch */
    struct mtasts_policy policy;
    char tried_id[MTASTS_ID_MAX + 1]; /* of the last fetch that failed; failed_ms 0: the last one did not */
    int64_t failed_ms;
    uint32_t failures; /* in a row for that id */
    enum mtasts_trouble trouble;
};
/* The policy that holds now (not expired; mode none included), or NULL. e may be NULL. */
const struct mtasts_policy *mtasts_policy_now(const struct mtasts_entry *e, int64_t unix_ms);
int64_t mtasts_expires_ms(const struct mtasts_entry *e); /* when the note may be forgotten; 0: now */
/* What to do before a delivery, 5.1. The record is asked for at every delivery (the resolver's cache makes that cheap). e: what
 * is kept, or NULL. */
enum mtasts_plan {
    MTASTS_GO_ON,        /* use mtasts_policy_now */
    MTASTS_FETCH_FIRST,  /* no policy holds but one is announced: fetch, then deliver */
    MTASTS_FETCH_BESIDE, /* deliver by what is kept; fetch in the meantime (a new id, or a day has passed) */
};
enum mtasts_plan mtasts_plan(const struct mtasts_entry *e, enum mtasts_seen seen, struct str id, int64_t unix_ms);
/* Does a kept policy want to be fetched though nobody sends mail there: once a day, for a timer over the notes. */
bool mtasts_wants_refresh(const struct mtasts_entry *e, int64_t unix_ms);
/* A fetch that began for id has ended. text: what was received; the policy is copied into a. MTASTS_FINE: e holds it now; else
   what was kept still holds and why says what is wrong. id may be empty (a refresh without a record): the id that was kept stays.
 */
enum mtasts_trouble mtasts_fetched(struct arena *a, struct mtasts_entry *e, struct str id, struct str text, int64_t unix_ms,
                                   struct why *why);
void mtasts_failed(struct mtasts_entry *e, struct str id, enum mtasts_trouble trouble, int64_t unix_ms);
/* As a note in the store, at most MTASTS_NOTE_MAX octets. decode: false for what encode did not write; strings point into bytes.
 */
void mtasts_encode(struct buf *to, const struct mtasts_entry *e);
bool mtasts_decode(struct arena *a, struct str bytes, struct mtasts_entry *to);
