// SPDX-License-Identifier: ISC
/* What a session may say about its channel and its peer. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include "tls/inside.h"

void tls_facts_get(const struct tls *t, struct tls_facts *to)
{
    *to = (struct tls_facts){.active = t->done};
    if (!t->done)
        return;
    snprintf(to->version, sizeof to->version, "%s", SSL_get_version(t->ssl));
    snprintf(to->cipher, sizeof to->cipher, "%s", SSL_get_cipher_name(t->ssl));
    const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(to->sni, sizeof to->sni, "%s", name ? name : "");
    /* RFC 9266 3: label, no context, 32 octets. Under TLS 1.2 only with the extended master secret (RFC 7627), section 4.2. */
    static const char label[] = "EXPORTER-Channel-Binding";
    bool unique = SSL_version(t->ssl) >= TLS1_3_VERSION || SSL_get_extms_support(t->ssl) == 1;
    to->has_exporter = unique && SSL_export_keying_material(t->ssl, to->exporter, sizeof to->exporter, label, sizeof label - 1,
                                                            (const unsigned char *)"", 0, 1) == 1;
    ERR_clear_error();
}

bool tls_peer_verified(const struct tls *t)
{
    return t->done && SSL_get0_peer_certificate(t->ssl) && SSL_get_verify_result(t->ssl) == X509_V_OK;
}

void tls_peer_fingerprint(const struct tls *t, unsigned char sha256[32])
{
    X509 *peer = t->done ? SSL_get0_peer_certificate(t->ssl) : NULL;
    unsigned n = 32;
    if (!peer || X509_digest(peer, EVP_sha256(), sha256, &n) != 1)
        memset(sha256, 0, 32);
    ERR_clear_error();
}
