// SPDX-License-Identifier: ISC
/* Certificates as text: reading chains, saying what is in them, and making one for a first start. */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <time.h>
#include "base/clock.h"
#include "tls/inside.h"

STACK_OF(X509) *tls_chain_read(struct str pem, struct why *why)
{
    BIO *bio = tls_warm() && pem.n > 0 && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *x;
    while (bio && chain && sk_X509_num(chain) < CHAIN_MAX && (x = PEM_read_bio_X509(bio, NULL, NULL, "")) != NULL)
        if (sk_X509_push(chain, x) <= 0) {
            X509_free(x);
            break;
        }
    BIO_free(bio);
    /* The reader ends with "no start line" at the end of the text; anything else is a broken certificate. */
    unsigned long last = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (chain && sk_X509_num(chain) > 0 && at_end) {
        ERR_clear_error();
        return chain;
    }
    if (at_end)
        ERR_clear_error();
    tls_why(why, chain && sk_X509_num(chain) == CHAIN_MAX ? "more than 20 certificates in a chain"
                 : at_end                                 ? "no certificate in PEM form"
                                                          : "a certificate of the chain is broken");
    sk_X509_pop_free(chain, X509_free);
    return NULL;
}

static void name_add(struct buf *names, const unsigned char *p, int n)
{
    if (n <= 0 || memchr(p, '\0', (size_t)n) || memchr(p, ' ', (size_t)n))
        return;
    if (names->n > 0)
        buf_add_byte(names, ' ');
    buf_add(names, str_of(p, (size_t)n));
}

/* The DNS names of the subject alternative name, or, without one, the common name. */
static void names_of(X509 *leaf, struct buf *names)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        if (g->type == GEN_DNS)
            name_add(names, ASN1_STRING_get0_data(g->d.dNSName), ASN1_STRING_length(g->d.dNSName));
    }
    if (!all) {
        const X509_NAME *subject = X509_get_subject_name(leaf);
        int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        const ASN1_STRING *cn = at >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)) : NULL;
        if (cn)
            name_add(names, ASN1_STRING_get0_data(cn), ASN1_STRING_length(cn));
    }
    GENERAL_NAMES_free(all);
}

bool tls_certificate_facts(struct str chain_pem, int64_t *not_after_unix, struct buf *names, struct why *why)
{
    STACK_OF(X509) *chain = tls_chain_read(chain_pem, why);
    if (!chain)
        return false;
    X509 *leaf = sk_X509_value(chain, 0);
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(leaf)) == 1;
    *not_after_unix = ok ? (int64_t)days * 86400 + seconds : 0;
    if (!ok)
        tls_why(why, "the certificate's end date is broken");
    names_of(leaf, names);
    ASN1_TIME_free(epoch);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return ok;
}

static bool general_name_add(GENERAL_NAMES *names, int type, const void *p, size_t n)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    if (!g || !value || n > 255 || ASN1_STRING_set(value, p, (int)n) != 1) {
        GENERAL_NAME_free(g);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(g, type, value);
    if (sk_GENERAL_NAME_push(names, g) <= 0) {
        GENERAL_NAME_free(g);
        return false;
    }
    return true;
}

static bool extension_add(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool names_fill(X509 *x, struct str hostname)
{
    static const unsigned char v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool ok = names && general_name_add(names, GEN_DNS, hostname.p, hostname.n) &&
              (str_eq_icase(hostname, S("localhost")) || general_name_add(names, GEN_DNS, "localhost", 9)) &&
              general_name_add(names, GEN_IPADD, v4, sizeof v4) && general_name_add(names, GEN_IPADD, v6, sizeof v6) &&
              X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) == 1;
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return ok;
}

static X509 *self_signed(EVP_PKEY *key, struct str hostname)
{
    enum { DAY = 86400, YEARS_10 = 3650 };
    X509 *x = X509_new();
    unsigned char serial[16];
    time_t now = (time_t)(clock_unix_ms() / 1000);
    ASN1_INTEGER *number = NULL;
    BIGNUM *bn = NULL;
    int cn_n = hostname.n <= 64 ? (int)hostname.n : 64; /* X.520's limit; what counts is the alternative name */
    bool ok = x && RAND_bytes(serial, sizeof serial) == 1;
    if (ok) {
        serial[0] &= 0x7f; /* positive, RFC 5280 4.1.2.2 */
        bn = BN_bin2bn(serial, sizeof serial, NULL);
        number = bn ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
        X509_NAME *name = X509_get_subject_name(x);
        ok = number && X509_set_version(x, X509_VERSION_3) == 1 && X509_set_serialNumber(x, number) == 1 &&
             X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, &now) && X509_time_adj_ex(X509_getm_notAfter(x), YEARS_10, 0, &now) &&
             X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)hostname.p, cn_n, -1, 0) == 1 &&
             X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
             extension_add(x, NID_basic_constraints, "critical,CA:FALSE") &&
             extension_add(x, NID_key_usage, "critical,digitalSignature") && extension_add(x, NID_ext_key_usage, "serverAuth") &&
             names_fill(x, hostname) && extension_add(x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256()) > 0;
    }
    ASN1_INTEGER_free(number);
    BN_free(bn);
    if (!ok) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static bool hostname_fits(struct str hostname)
{
    for (size_t i = 0; i < hostname.n; i++)
        if (!ascii_is_alnum(hostname.p[i]) && hostname.p[i] != '-' && hostname.p[i] != '.' && hostname.p[i] != '_')
            return false;
    return hostname.n > 0 && hostname.n <= 253;
}

bool tls_self_signed(struct str hostname, struct buf *key_pem, struct buf *chain_pem, struct why *why)
{
    if (!tls_warm() || !hostname_fits(hostname)) {
        tls_why(why, "a certificate needs a host name of letters, digits, dots and hyphens (A-labels for other scripts)");
        return false;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key ? self_signed(key, hostname) : NULL;
    BIO *key_text = BIO_new(BIO_s_secmem()), *chain_text = BIO_new(BIO_s_mem());
    char *p;
    bool ok = x && key_text && chain_text && PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              PEM_write_bio_X509(chain_text, x) == 1;
    if (ok) {
        long n = BIO_get_mem_data(key_text, &p);
        buf_add(key_pem, str_of(p, (size_t)n));
        n = BIO_get_mem_data(chain_text, &p);
        buf_add(chain_pem, str_of(p, (size_t)n));
        ok = !key_pem->full && !chain_pem->full;
    }
    if (!ok)
        tls_why(why, "the certificate could not be made");
    BIO_free(key_text);
    BIO_free(chain_text);
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}
