// SPDX-License-Identifier: ISC
/* The client end of a session: what the server is called, and how sure we want to be that it is the one. */
#include "base/clock.h"
#include "tls/digest.h"
#include "tls/inside.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* A name as a C string, without the root's dot, which is no part of a certificate's name, nor of SNI (RFC 6066 3). */
static bool name_text(struct str name, char to[256])
{
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    return str_to_c(name, to, 256) && to[0];
}

static bool is_ip(const char *name)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
    ASN1_OCTET_STRING_free(ip);
    ERR_clear_error();
    return ip != NULL;
}

static void time_set(SSL *ssl)
{
    X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)(clock_unix_ms() / 1000));
}

/* What is to be verified: the name, or the address when the caller connected by number (RFC 6125, RFC 9525). */
static bool name_set(SSL *ssl, struct str server_name, bool check_name)
{
    char name[256];
    if (!name_text(server_name, name))
        return !check_name;
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    bool number = is_ip(name), ok = true;
    if (!number)
        ok = SSL_set_tlsext_host_name(ssl, name) == 1;
    if (check_name && number)
        ok = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    if (check_name && !number) {
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ok = ok && X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
    }
    time_set(ssl);
    ERR_clear_error();
    return ok;
}

static struct tls *client_new(struct tls_client_context *c)
{
    struct tls *t = tls_session_new(c->ctx);
    if (!t)
        return NULL;
    tls_client_context_ref(c);
    t->client = c;
    SSL_set_connect_state(t->ssl);
    return t;
}

struct tls *tls_client_new(struct tls_client_context *c, struct str server_name, bool check_name)
{
    struct tls *t = client_new(c);
    if (!t)
        return NULL;
    t->enforce = SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE;
    t->trust = t->enforce ? TLS_TRUST_PKIX : TLS_TRUST_ANY;
    if (!name_set(t->ssl, server_name, check_name)) {
        tls_free(t);
        return NULL;
    }
    return t;
}

/* Octets that are a whole certificate or key and nothing else: RFC 6698 2.1.3 with matching type 0. */
static bool full_is_ok(const struct tls_tlsa *r)
{
    const unsigned char *p = (const unsigned char *)r->data.p;
    bool ok = false;
    if (r->data.n == 0 || r->data.n > UINT16_MAX || !tls_warm())
        return false;
    if (r->selector == 0) {
        X509 *x = d2i_X509(NULL, &p, (long)r->data.n);
        ok = x && X509_get0_pubkey(x);
        X509_free(x);
    } else {
        EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)r->data.n);
        ok = k != NULL;
        EVP_PKEY_free(k);
    }
    ERR_clear_error();
    return ok && p == (const unsigned char *)r->data.p + r->data.n;
}

bool tls_tlsa_usable(const struct tls_tlsa *r)
{
    if ((r->usage != 2 && r->usage != 3) || r->selector > 1)
        return false;
    switch (r->matching) {
    case 0:
        return full_is_ok(r);
    case 1:
        return r->data.n == 32;
    case 2:
        return r->data.n == 64;
    default:
        return false;
    }
}

/* Names and authentication are one: a session that was made under other demands is not resumed. */
static void demands_note(struct tls *t, const struct tls_client_options *o)
{
    char space[16 * 1024];
    struct buf b;
    buf_fixed(&b, space, sizeof space);
    buf_printf(&b, "%d %d ", (int)t->trust, (int)t->enforce);
    buf_add(&b, o->server_name);
    for (size_t i = 0; t->trust != TLS_TRUST_ANY && i < o->name_count; i++) {
        buf_printf(&b, "\n%zu ", o->names[i].n);
        buf_add(&b, o->names[i]);
    }
    for (size_t i = 0; t->trust == TLS_TRUST_DANE && i < o->tlsa_count; i++) {
        const struct tls_tlsa *r = &o->tlsa[i];
        unsigned char digest[TLS_DIGEST_MAX];
        tls_hash(TLS_SHA256, r->data, digest);
        buf_printf(&b, "\n%u %u %u ", r->usage, r->selector, r->matching);
        buf_add(&b, str_of(digest, tls_digest_size(TLS_SHA256)));
    }
    if (b.full) /* more than there can be: never resumed, since an all-zero hash is none */
        memset(t->demands, 0, sizeof t->demands);
    else
        tls_hash(TLS_SHA256, buf_str(&b), t->demands);
}

static bool names_set(SSL *ssl, const struct tls_client_options *o)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    bool ok = o->name_count <= TLS_NAMES_MAX;
    /* RFC 8461 4.2 and RFC 9525 want the name among the alternative ones; RFC 7672 3.2.3 takes the common name where there are
     * none. */
    X509_VERIFY_PARAM_set_hostflags(param, o->trust == TLS_TRUST_PKIX ? flags | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : flags);
    for (size_t i = 0; ok && i < o->name_count; i++) {
        char name[256];
        ok = name_text(o->names[i], name);
        if (ok && is_ip(name))
            ok = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
        else
            ok = ok && X509_VERIFY_PARAM_add1_host(param, name, 0) == 1;
    }
    return ok;
}

/* False: no memory. t->trust falls back when no record can be used: the library would turn to its authorities instead. */
static bool dane_set(struct tls *t, const struct tls_client_options *o)
{
    size_t usable = 0;
    for (size_t i = 0; i < o->tlsa_count; i++)
        usable += tls_tlsa_usable(&o->tlsa[i]);
    if (usable == 0) {
        t->trust = TLS_TRUST_ANY;
        return true;
    }
    if (o->name_count == 0 || SSL_dane_enable(t->ssl, NULL) <= 0) /* without names usage 2 would take any */
        return false;
    for (size_t i = 0; i < o->tlsa_count; i++) {
        const struct tls_tlsa *r = &o->tlsa[i];
        if (tls_tlsa_usable(r) &&
            SSL_dane_tlsa_add(t->ssl, r->usage, r->selector, r->matching, (const unsigned char *)r->data.p, r->data.n) < 0)
            return false;
    }
    return true;
}

static bool options_set(struct tls *t, const struct tls_client_options *o)
{
    char sni[256];
    bool ok = true;
    t->trust = o->trust;
    if (o->trust == TLS_TRUST_DANE)
        ok = dane_set(t, o);
    t->enforce = o->enforce && t->trust != TLS_TRUST_ANY;
    if (ok && t->trust != TLS_TRUST_ANY)
        ok = names_set(t->ssl, o);
    if (ok && name_text(o->server_name, sni) && !is_ip(sni))
        ok = SSL_set_tlsext_host_name(t->ssl, sni) == 1;
    if (!ok)
        return false;
    time_set(t->ssl);
    SSL_set_verify(t->ssl, t->enforce ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    demands_note(t, o);
    tls_session_import(t, o->session);
    return true;
}

struct tls *tls_client_open(struct tls_client_context *c, const struct tls_client_options *o)
{
    struct tls *t = client_new(c);
    if (t && !options_set(t, o)) {
        tls_free(t);
        t = NULL;
    }
    ERR_clear_error();
    return t;
}
