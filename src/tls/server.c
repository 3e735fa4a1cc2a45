// SPDX-License-Identifier: ISC
/* Server contexts: certificate chains, the choice among them by the name that the client asks for (SNI, RFC 6066 3), and session tickets under
   keys that all edges share (RFC 5077, RFC 8446 4.6.1). */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/fail.h"
#include "tls/inside.h"

struct tls_server_context *tls_server_context_new(struct why *why)
{
    struct tls_server_context *c = tls_warm() ? fail_calloc(1, sizeof *c) : NULL;
    if (!c) {
        tls_why(why, "the TLS library does not start");
        return NULL;
    }
    atomic_init(&c->references, 1);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void tls_server_context_ref(struct tls_server_context *c)
{
    atomic_fetch_add(&c->references, 1);
}

void tls_server_context_free(struct tls_server_context *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) != 1)
        return;
    for (size_t i = 0; i < c->entry_count; i++) {
        SSL_CTX_free(c->entry[i].ctx);
        X509_free(c->entry[i].leaf);
    }
    free(c->entry);
    pthread_mutex_destroy(&c->lock);
    OPENSSL_cleanse(c->ticket, sizeof c->ticket);
    free(c);
}

void tls_server_context_sign(struct tls_server_context *c, tls_sign_fn *sign, void *to)
{
    c->signer = (struct tls_signer){sign, to};
}

/* The key before the newest still opens tickets, so that a rotation costs no full hand-shakes. */
void tls_server_context_ticket_key(struct tls_server_context *c, const unsigned char key[80])
{
    pthread_mutex_lock(&c->lock);
    memcpy(c->ticket[1], c->ticket[0], TICKET_KEY_SIZE);
    memcpy(c->ticket[0], key, TICKET_KEY_SIZE);
    if (c->ticket_count < TICKET_KEYS)
        c->ticket_count++;
    pthread_mutex_unlock(&c->lock);
}

/* A ticket key: 16 octets of name, 32 for HMAC-SHA-256, 32 for AES-256-CBC. Returns 0: not ours, a full hand-shake follows; 1: fine;
   2: fine, but give the client a new ticket; -1: broken. */
static int on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
    struct tls *t = SSL_get_app_data(ssl);
    struct tls_server_context *c = t->server;
    unsigned char key[TICKET_KEY_SIZE];
    unsigned at = 0;
    pthread_mutex_lock(&c->lock);
    if (!encrypt)
        while (at < c->ticket_count && memcmp(c->ticket[at], name, 16) != 0)
            at++;
    bool known = at < c->ticket_count;
    if (known)
        memcpy(key, c->ticket[at], sizeof key);
    pthread_mutex_unlock(&c->lock);
    if (!known)
        return 0;
    if (encrypt) {
        memcpy(name, key, 16);
        if (RAND_bytes(iv, 16) != 1)
            return -1;
    }
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key + 16, 32),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool ok = EVP_MAC_CTX_set_params(mac, params) == 1 &&
              EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + 48, iv, encrypt) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return !ok ? -1 : at > 0 ? 2 : 1;
}

static int on_server_name(SSL *ssl, int *alert, void *context)
{
    const struct tls_server_context *c = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    for (size_t i = 0; i < c->entry_count; i++)
        if (X509_check_host(c->entry[i].leaf, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1) {
            SSL_set_SSL_CTX(ssl, c->entry[i].ctx);
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK; /* a name that nobody knows gets the first certificate: mail goes on, RFC 7672 8.1 wants it */
}

static bool names_equal(X509 *a, X509 *b)
{
    GENERAL_NAMES *x = X509_get_ext_d2i(a, NID_subject_alt_name, NULL, NULL), *y = X509_get_ext_d2i(b, NID_subject_alt_name, NULL, NULL);
    bool equal = x && y && sk_GENERAL_NAME_num(x) == sk_GENERAL_NAME_num(y);
    for (int i = 0; equal && i < sk_GENERAL_NAME_num(x); i++)
        equal = GENERAL_NAME_cmp(sk_GENERAL_NAME_value(x, i), sk_GENERAL_NAME_value(y, i)) == 0;
    GENERAL_NAMES_free(x);
    GENERAL_NAMES_free(y);
    return equal;
}

/* Two chains with the same names and different kinds of keys (RSA beside ECDSA) share an entry: the hand-shake chooses what the client can check. */
static struct tls_entry *entry_for(struct tls_server_context *c, X509 *leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    for (size_t i = 0; i < c->entry_count; i++)
        if (names_equal(c->entry[i].leaf, leaf)) {
            EVP_PKEY *other = X509_get0_pubkey(c->entry[i].leaf);
            if (key && other && !EVP_PKEY_is_a(other, EVP_PKEY_get0_type_name(key)))
                return &c->entry[i];
        }
    return NULL;
}

static struct tls_entry *entry_new(struct tls_server_context *c, X509 *leaf)
{
    if (c->entry_count == CERTIFICATES_MAX)
        return NULL;
    struct tls_entry *grown = fail_calloc(c->entry_count + 1, sizeof *grown);
    if (!grown)
        return NULL;
    if (c->entry_count > 0)
        memcpy(grown, c->entry, c->entry_count * sizeof *grown);
    free(c->entry);
    c->entry = grown;
    SSL_CTX *ctx = tls_ctx_new(TLS_server_method());
    if (!ctx)
        return NULL;
    static const unsigned char id[] = "penny";
    SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, c);
    X509_up_ref(leaf);
    c->entry[c->entry_count] = (struct tls_entry){ctx, leaf};
    return &c->entry[c->entry_count++];
}

bool tls_server_context_add(struct tls_server_context *c, struct str chain_pem, uint32_t key, struct why *why)
{
    STACK_OF(X509) *chain = tls_chain_read(chain_pem, why);
    if (!chain)
        return false;
    X509 *leaf = sk_X509_shift(chain);
    EVP_PKEY *remote = tls_remote_key(leaf, &c->signer, key, why);
    bool ok = false;
    if (remote) {
        struct tls_entry *e = entry_for(c, leaf);
        bool fresh = !e;
        if (fresh)
            e = entry_new(c, leaf);
        ok = e && SSL_CTX_use_cert_and_key(e->ctx, leaf, remote, chain, 1) == 1;
        if (!ok) {
            tls_why(why, "the certificate cannot be used");
            if (e && fresh) {
                c->entry_count--;
                SSL_CTX_free(e->ctx);
                X509_free(e->leaf);
            }
        }
    }
    EVP_PKEY_free(remote);
    X509_free(leaf);
    sk_X509_pop_free(chain, X509_free);
    return ok;
}
