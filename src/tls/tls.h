/* SPDX-License-Identifier: ISC */
/* TLS with memory on both sides: encrypted bytes in and out by buffers, plain bytes in and out by buffers. The only door to
   OpenSSL. A server context holds certificate chains; its private keys are signed with by a function, so that they can live in
   another process. */
#pragma once
#include "base/buf.h"
#include "base/machine.h"
#include "base/outcome.h"

/* Once per process, before its sandbox closes and before threads: loads the library's algorithms, error strings and random source
   and sets up the signing provider, so that no file is opened later. False: the library is broken. Called by every other function
   here when it was forgotten. */
bool tls_warm(void);

struct tls_server_context;
struct tls_client_context;
struct tls;

/* Signs with the private key number key: alg is "ECDSA", "RSA-PSS" (salt as long as the digest), "RSA-PKCS1" or "ED25519", digest
   "SHA256", "SHA384", "SHA512"
   ("" for Ed25519), tbs the bytes to be signed (not yet hashed). signature gets the octets as they go on the wire (ECDSA: DER)
   and has room for the longest. Called on whatever thread runs the hand-shake; may block. False: the hand-shake fails. */
typedef bool tls_sign_fn(void *to, uint32_t key, const char *alg, const char *digest, struct str tbs, struct buf *signature);

/* chain: PEM, leaf first. key: number that sign gets. NULL with why when the PEM is broken. Certificates are chosen by SNI, the
 * first is the default. */
struct tls_server_context *tls_server_context_new(struct why *why);
bool tls_server_context_add(struct tls_server_context *c, struct str chain_pem, uint32_t key, struct why *why);
void tls_server_context_sign(struct tls_server_context *c, tls_sign_fn *sign, void *to);
void tls_server_context_ticket_key(struct tls_server_context *c,
                                   const unsigned char key[80]); /* shared by edges, rotated by keys */
void tls_server_context_free(struct tls_server_context *c);      /* sessions keep their reference */
/* ca_pem: the bundle of authorities as PEM text, may be empty. verify: a server that they do not vouch for fails the hand-shake;
   else tls_peer_verified tells. NULL: no memory, or verify without any authority. */
struct tls_client_context *tls_client_context_new(struct str ca_pem, bool verify);
void tls_client_context_free(struct tls_client_context *c);

/* NULL: no memory, or no certificate was added. server_name goes into SNI (unless it is an IP address); check_name: the
 * certificate must be for it. */
struct tls *tls_server_new(struct tls_server_context *c);
struct tls *tls_client_new(struct tls_client_context *c, struct str server_name, bool check_name);
void tls_free(struct tls *t);

/* ---- a client that says how it wants to be sure ---- */
enum tls_trust {
    TLS_TRUST_ANY,  /* encryption is enough: no certificate is looked at */
    TLS_TRUST_PKIX, /* an authority of the context vouches for it, and it has one of the names (RFC 9525); no names: any */
    TLS_TRUST_DANE, /* TLSA records (RFC 6698, 7671, 7672): usage 3 without name and date, usage 2 with chain, date and one of the
                       names. The context's authorities do not count */
};
struct tls_tlsa {
    unsigned char usage, selector, matching;
    struct str data;
};
/* Usable for SMTP: usages 2 and 3, selectors 0 and 1, matching 0 (data is a certificate or key), 1 and 2 (data has the digest's
 * length). RFC 7672 3.1.3: 0 and 1 are not. */
bool tls_tlsa_usable(const struct tls_tlsa *r);
enum { TLS_NAMES_MAX = 8, TLS_SESSION_MAX = 16 * 1024, TLS_SESSION_AGE_S = 2 * 3600 };
struct tls_client_options {
    struct str server_name; /* SNI; an address or empty: none is sent */
    enum tls_trust trust;
    bool enforce;            /* false: what does not fit is reported by tls_failure_get, the session goes on */
    const struct str *names; /* names or address literals, at most TLS_NAMES_MAX; the certificate must be for one of them */
    size_t name_count;
    const struct tls_tlsa
        *tlsa; /* unusable ones are left out; none usable: nothing is authenticated, as with TLS_TRUST_ANY (RFC 7672 2.2) */
    size_t tlsa_count;
    struct str session; /* what tls_session_export gave for the same host; empty: none. One that was made under other demands is
                           not used */
};
/* NULL: no memory, or a name that is none. The context may have been made with verify false or true: options decide. Strings are
 * not needed afterwards. */
struct tls *tls_client_open(struct tls_client_context *c, const struct tls_client_options *o);
/* Why the peer is not what was asked for, in the words of TLS reports (RFC 8460 4.3.1), after TLS_FAILED or, without enforce,
 * after the hand-shake. */
enum tls_failure_kind {
    TLS_FINE,
    TLS_WRONG_NAME,    /* certificate-host-mismatch */
    TLS_EXPIRED,       /* certificate-expired (also: not yet valid) */
    TLS_NOT_TRUSTED,   /* certificate-not-trusted */
    TLS_NO_TLSA_MATCH, /* usable records, none fits */
    TLS_HANDSHAKE,     /* no common version or cipher, an alert, garbage: validation-failure */
};
struct tls_failure {
    enum tls_failure_kind kind;
    char code[64];
}; /* "X509_V_ERR_CERT_HAS_EXPIRED", or the library's reason; printable */
void tls_failure_get(const struct tls *t, struct tls_failure *to);
/* The peer is authenticated as asked (TLS_TRUST_ANY: never). */
bool tls_authenticated(const struct tls *t);
/* The last session ticket as octets (at most TLS_SESSION_MAX), for the next connection to the same host. TLS 1.3 sends tickets
   after the hand-shake: ask when the session ends. expires_unix: forget it then. False: there is none, or the peer was not what
   was asked for. */
bool tls_session_export(const struct tls *t, struct buf *to, int64_t *expires_unix);
bool tls_session_resumed(const struct tls *t);

enum tls_result { TLS_OK, TLS_MORE /* needs more encrypted input, or room in out */, TLS_CLOSED, TLS_FAILED };
/* Encrypted bytes from the wire; takes from in what it can. Encrypted bytes for the wire are appended to out by every call below;
   when out is full they return TLS_MORE and go on where they were once it was drained. No call blocks (but for sign); none keeps
   a pointer to a buffer. tls_handshake: TLS_OK: done, tls_facts_get is valid; TLS_MORE; TLS_CLOSED: the peer went away;
   TLS_FAILED: why says why; out holds an alert: send it, then close. tls_read: TLS_OK: plain is full, more may wait: call again
   when it was drained, without waiting for the wire; TLS_MORE: all of in was taken; TLS_CLOSED: the peer said close_notify (never
   without: a cut is the host's end of input); TLS_FAILED. tls_write: TLS_OK: all of plain was taken; TLS_MORE: out is full;
   TLS_CLOSED, TLS_FAILED. */
enum tls_result tls_handshake(struct tls *t, struct buf *in, struct buf *out, struct why *why); /* TLS_OK: done */
enum tls_result tls_read(struct tls *t, struct buf *in, struct buf *plain,
                         struct buf *out);                                    /* fills plain as far as there is room */
enum tls_result tls_write(struct tls *t, struct buf *plain, struct buf *out); /* takes from plain what fits */
void tls_close(struct tls *t, struct buf *out);                               /* close_notify */
void tls_facts_get(const struct tls *t, struct tls_facts *to);
bool tls_peer_verified(const struct tls *t);
void tls_peer_fingerprint(const struct tls *t, unsigned char sha256[32]); /* zeros when the peer showed no certificate */

/* Keys, for the keys role and for commands. */
struct tls_key;
struct tls_key *tls_key_read(struct str pem, struct why *why);
void tls_key_free(struct tls_key *k);
bool tls_key_sign(struct tls_key *k, const char *alg, const char *digest, struct str tbs, struct buf *signature);
/* Signs a SHA-256 hash that was made elsewhere, so that who holds the key sees no message: Ed25519 signs the 32 octets as they
   are (RFC 8463 3), RSA with PKCS #1 1.5 and the DigestInfo of SHA-256. False: another kind of key. */
bool tls_key_sign_hash(struct tls_key *k, const unsigned char sha256[32], struct buf *signature);
/* The same with a public key as tls_key_public gives it: does signature fit? */
bool tls_public_verify_hash(struct str public_key, const unsigned char sha256[32], struct str signature);
enum tls_key_kind { TLS_KEY_OTHER, TLS_KEY_ED25519, TLS_KEY_RSA, TLS_KEY_EC };
enum tls_key_kind tls_key_kind(const struct tls_key *k);
/* A new key as PEM (PKCS #8). Ed25519; RSA of 2,048 bits (some tenths of a second); EC: P-256. */
bool tls_key_generate(enum tls_key_kind kind, struct buf *key_pem, struct why *why);
/* The public half: Ed25519 its 32 octets (RFC 8463 4.2), others SubjectPublicKeyInfo as DER (RFC 6376 3.6.1). */
bool tls_key_public(const struct tls_key *k, struct buf *to);
bool tls_key_fits(struct tls_key *k, struct str chain_pem);
/* A self-signed P-256 certificate for hostname (and localhost, 127.0.0.1, ::1 as further names), 10 years. */
bool tls_self_signed(struct str hostname, struct buf *key_pem, struct buf *chain_pem, struct why *why);
bool tls_certificate_facts(struct str chain_pem, int64_t *not_after_unix, struct buf *names, struct why *why);
