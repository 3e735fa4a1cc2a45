// SPDX-License-Identifier: ISC
/* DKIM signatures (RFC 6376, 8463) as a stream: the message goes by once, header and body, in pieces of any size; afterwards any
   number of signatures is made from what was kept (the hash of the body, the fields that are signed). The private key is
   elsewhere: a signature is asked for with 32 octets.

       dkim_sign_init ──dkim_sign_feed …──► dkim_sign_end ──► for each key: dkim_sign_question ──hash──► whoever has the key
       dkim_sign_clear ◄── (all made) ◄── the field goes before the message ◄── dkim_sign_answer ◄──signature──┘

   What is fed must be exactly what goes over the wire (before dot-stuffing): CRLF line ends, transfer encodings done, 3.7. Fields
   above the signature that other hosts add later (Received, Return-Path) are no part of it. relaxed/relaxed; no l=, no z=. */
#pragma once
#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

struct tls_hash;
enum dkim_alg { DKIM_ED25519, DKIM_RSA, DKIM_ALG_COUNT }; /* ed25519-sha256, rsa-sha256 */
const char *dkim_alg_text(enum dkim_alg alg);             /* a=: "ed25519-sha256" */
bool dkim_alg_parse(struct str k, enum dkim_alg *alg);    /* k=: "ed25519", "rsa" */

enum {
    DKIM_SIGNED_MAX = 128 * 1024, /* octets of the fields that are signed, canonical; more: no signature */
    DKIM_FIELDS_MAX = 200,        /* of them; more: no signature */
    DKIM_FIELD_MAX = 8 * 1024,    /* a written DKIM-Signature field */
    DKIM_SIGNATURE_MAX = 1024,    /* octets: RSA up to 8,192 bits */
    DKIM_SELECTOR_MAX = 63,
};

/* Who signs. Strings are the caller's until the signature is made. */
struct dkim_key {
    enum dkim_alg alg;
    struct str domain;   /* d=: A-labels; the domain of From, or one above it, else DMARC sees no use in it */
    struct str selector; /* s= */
};

struct dkim_signer {
    /* results; after dkim_sign_end */
    bool failed;        /* too many or too long fields, or memory ended: no signature can be made */
    bool from;          /* there is a From field: without one a message must not be signed, 5.4 */
    uint64_t body_size; /* canonical octets */
    unsigned char body_hash[32];
    /* the machine's own; see dkim_sign.c */
    enum dkim_state { DKIM_HEADER_NAME, DKIM_HEADER_VALUE, DKIM_BODY, DKIM_ENDED } state;
    struct buf signed_fields; /* canonical, in the order of the message */
    struct dkim_field {
        uint32_t at, n; /* within signed_fields */
        uint8_t name;   /* which of the names that are signed */
    } field[DKIM_FIELDS_MAX];
    uint32_t fields;
    char name[64]; /* of the field that comes in, lower case */
    uint32_t name_n;
    bool line_start, cr, keep, space, started; /* header: keep: this field is signed; started: its value has begun */
    struct tls_hash *body;
    uint64_t empty_lines; /* that count only if something follows */
    bool content;         /* this line of the body holds something */
};

/* May be cleared any time. Memory: the signed fields (at most DKIM_SIGNED_MAX) and a hash. */
void dkim_sign_init(struct dkim_signer *s);
void dkim_sign_feed(struct dkim_signer *s, struct str piece);
/* False: failed, or no From field; why in text (a literal). */
bool dkim_sign_end(struct dkim_signer *s, const char **why) MUST_USE;
void dkim_sign_clear(struct dkim_signer *s);

/* The field without its signature is appended to field ("DKIM-Signature: … b=", no line end, folded at 78 columns, room for
   DKIM_FIELD_MAX) and the hash over what it covers stands in hash: whoever has the key signs it as it is (Ed25519: RFC 8463 3;
   RSA: PKCS #1 1.5 with the DigestInfo of SHA-256). unix_s: t=; expires_s: x=, 0: none. False: field is too small, or a bad
   domain or selector. Several questions may be open at once, each with its own field. */
bool dkim_sign_question(struct dkim_signer *s, const struct dkim_key *k, int64_t unix_s, int64_t expires_s, struct buf *field,
                        unsigned char hash[32]) MUST_USE;
/* Appends the signature and the line end: field may now be put before the message. */
bool dkim_sign_answer(struct buf *field, struct str signature) MUST_USE;

/* ---- keys in the DNS ---- */
/* "penny2026e._domainkey.example.org" */
void dkim_record_name(struct buf *to, const struct dkim_key *k);
/* "v=DKIM1; k=ed25519; p=…" public: 32 octets for Ed25519, the SubjectPublicKeyInfo for RSA (tls_key_public). service: s=, for
 * example "tlsrpt" (RFC 8460 3) or empty. */
void dkim_record_text(struct buf *to, enum dkim_alg alg, struct str public_key, struct str service);
/* One line of a zone file: name, IN TXT, the text cut into strings of at most 255 octets, RFC 6376 3.6.2.2. */
void dkim_record_zone(struct buf *to, const struct dkim_key *k, struct str text);
/* What a record says of a key, 3.6.1, strictly; for penny domain check. */
struct dkim_record {
    enum dkim_alg alg;
    bool testing, strict, revoked;
    struct str public_base64; /* as written, white space included */
};
bool dkim_record_parse(struct str text, struct dkim_record *to);
/* A DNS label, or several, for s=. */
bool dkim_selector_is_ok(struct str selector);
