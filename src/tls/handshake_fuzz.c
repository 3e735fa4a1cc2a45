// SPDX-License-Identifier: ISC
/* The first octet chooses: server or client, whole or in pieces; the rest comes from the wire. A real hand-shake may be begun by the other end
   first, so that the input meets states behind the first flight. */
#include "tls/tls.h"

static struct tls_key *key;

static bool sign(void *to, uint32_t number, const char *alg, const char *digest, struct str tbs, struct buf *signature)
{
    (void)to;
    (void)number;
    return tls_key_sign(key, alg, digest, tbs, signature);
}

static void feed(struct tls *t, struct str input, size_t piece, struct buf *out)
{
    struct buf in, plain;
    struct why why;
    bool done = false;
    buf_init(&in, 1 << 20);
    buf_init(&plain, 1 << 16);
    enum tls_result r = tls_handshake(t, &in, out, &why);
    while (input.n > 0 && (r == TLS_MORE || done)) {
        buf_add(&in, str_head(input, piece));
        input = str_skip(input, piece);
        r = done ? tls_read(t, &in, &plain, out) : tls_handshake(t, &in, out, &why);
        if (done && (r == TLS_FAILED || r == TLS_CLOSED))
            break;
        done = done || r == TLS_OK;
        buf_consume(&plain, plain.n);
        buf_consume(out, out->n);
    }
    tls_close(t, out);
    buf_free(&in);
    buf_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_server_context *server;
    static struct tls_client_context *client;
    struct why why;
    if (!server) {
        struct buf key_pem, chain_pem;
        buf_init(&key_pem, 4096);
        buf_init(&chain_pem, 4096);
        if (!tls_self_signed(S("fuzz.test"), &key_pem, &chain_pem, &why) || !(key = tls_key_read(buf_str(&key_pem), &why)) ||
            !(server = tls_server_context_new(&why)) || !tls_server_context_add(server, buf_str(&chain_pem), 0, &why) ||
            !(client = tls_client_context_new(buf_str(&chain_pem), true)))
            return 0;
        unsigned char ticket[80] = {1};
        tls_server_context_ticket_key(server, ticket);
        tls_server_context_sign(server, sign, NULL);
        buf_free(&key_pem);
        buf_free(&chain_pem);
    }
    if (size < 1)
        return 0;
    struct str input = str_of(data + 1, size - 1);
    size_t piece = data[0] & 2 ? 1 + (size_t)(data[0] >> 4) : size;
    struct buf out, flight;
    buf_init(&out, 1 << 20);
    buf_init(&flight, 1 << 20);
    struct tls *t = data[0] & 1 ? tls_client_new(client, S("fuzz.test"), true) : tls_server_new(server);
    if (t && (data[0] & 4) && !(data[0] & 1)) { /* a good first flight, then the input */
        struct tls *peer = tls_client_new(client, S("fuzz.test"), true);
        struct buf none;
        buf_init(&none, 1);
        if (peer)
            tls_handshake(peer, &none, &flight, &why);
        tls_handshake(t, &flight, &out, &why);
        tls_free(peer);
    }
    if (t)
        feed(t, input, piece, &out);
    tls_free(t);
    buf_free(&out);
    buf_free(&flight);
    return 0;
}
