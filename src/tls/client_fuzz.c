// SPDX-License-Identifier: ISC
/* Octets of strangers that reach the library beside the hand-shake: TLSA records, public keys of the DNS, kept sessions. First
 * octet: what the rest is. */
#include "base/check.h"
#include "tls/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_client_context *c;
    static const struct str name = S_INIT("mx.example.org");
    unsigned char hash[32] = {1};
    if (!c)
        c = tls_client_context_new(STR_NONE, false);
    if (size < 4)
        return 0;
    struct str rest = str_of(data + 4, size - 4);
    struct tls_tlsa r = {data[1], data[2], data[3], rest};
    struct tls_client_options o = {.server_name = name,
                                   .trust = TLS_TRUST_DANE,
                                   .enforce = true,
                                   .names = &name,
                                   .name_count = 1,
                                   .tlsa = &r,
                                   .tlsa_count = 1};
    if (data[0] & 1)
        tls_tlsa_usable(&r);
    if (data[0] & 2)
        check(!tls_public_verify_hash(rest, hash, S("no signature")));
    if (data[0] & 4)
        o.session = rest;
    struct tls *t = tls_client_open(c, &o);
    struct tls_failure f;
    check(t != NULL);
    tls_failure_get(t, &f);
    check(f.kind == TLS_FINE && !tls_authenticated(t));
    tls_free(t);
    return 0;
}
