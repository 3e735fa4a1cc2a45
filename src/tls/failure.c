// SPDX-License-Identifier: ISC
/* Why a server is not the one that was asked for, in the words of TLS reports (RFC 8460 4.3). */
#include "tls/inside.h"
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

#define V(code)                                                                                                                  \
    {                                                                                                                            \
        X509_V_ERR_##code, "X509_V_ERR_" #code                                                                                   \
    }
static const struct {
    long code;
    const char *text;
} codes[] = {
    V(UNABLE_TO_GET_ISSUER_CERT),
    V(CERT_SIGNATURE_FAILURE),
    V(CERT_NOT_YET_VALID),
    V(CERT_HAS_EXPIRED),
    V(ERROR_IN_CERT_NOT_BEFORE_FIELD),
    V(ERROR_IN_CERT_NOT_AFTER_FIELD),
    V(OUT_OF_MEM),
    V(DEPTH_ZERO_SELF_SIGNED_CERT),
    V(SELF_SIGNED_CERT_IN_CHAIN),
    V(UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
    V(UNABLE_TO_VERIFY_LEAF_SIGNATURE),
    V(CERT_CHAIN_TOO_LONG),
    V(CERT_REVOKED),
    V(INVALID_CA),
    V(PATH_LENGTH_EXCEEDED),
    V(INVALID_PURPOSE),
    V(CERT_UNTRUSTED),
    V(CERT_REJECTED),
    V(UNHANDLED_CRITICAL_EXTENSION),
    V(KEYUSAGE_NO_CERTSIGN),
    V(INVALID_EXTENSION),
    V(PERMITTED_VIOLATION),
    V(EXCLUDED_VIOLATION),
    V(UNSUPPORTED_NAME_SYNTAX),
    V(HOSTNAME_MISMATCH),
    V(IP_ADDRESS_MISMATCH),
    V(DANE_NO_MATCH),
    V(EE_KEY_TOO_SMALL),
    V(CA_KEY_TOO_SMALL),
    V(CA_MD_TOO_WEAK),
    V(UNSPECIFIED),
    V(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY),
    V(PROXY_PATH_LENGTH_EXCEEDED),
};
#undef V

static enum tls_failure_kind kind_of(long code)
{
    switch (code) {
    case X509_V_OK:
        return TLS_FINE;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_WRONG_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_EXPIRED;
    case X509_V_ERR_DANE_NO_MATCH:
        return TLS_NO_TLSA_MATCH;
    default:
        return TLS_NOT_TRUSTED;
    }
}

void tls_failure_keep(struct tls *t)
{
    unsigned long cause = ERR_peek_error();
    const char *reason = cause ? ERR_reason_error_string(cause) : NULL;
    snprintf(t->reason, sizeof t->reason, "%s", reason ? reason : "the connection broke off");
}

void tls_failure_get(const struct tls *t, struct tls_failure *to)
{
    long code = t->client && t->trust != TLS_TRUST_ANY ? SSL_get_verify_result(t->ssl) : X509_V_OK;
    *to = (struct tls_failure){.kind = kind_of(code)};
    if (code != X509_V_OK) {
        snprintf(to->code, sizeof to->code, "X509_V_ERR_%ld", code);
        for (size_t i = 0; i < countof(codes); i++)
            if (codes[i].code == code)
                snprintf(to->code, sizeof to->code, "%s", codes[i].text);
    }
    /* Without enforcement a bad certificate is not why the session broke. */
    if (t->failed && !t->done && (code == X509_V_OK || !t->enforce)) {
        to->kind = TLS_HANDSHAKE;
        snprintf(to->code, sizeof to->code, "%s", t->reason);
    }
}

bool tls_authenticated(const struct tls *t)
{
    return t->client && t->done && t->trust != TLS_TRUST_ANY && SSL_get0_peer_certificate(t->ssl) &&
           SSL_get_verify_result(t->ssl) == X509_V_OK;
}
