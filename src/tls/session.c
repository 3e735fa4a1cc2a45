// SPDX-License-Identifier: ISC
/* A TLS session over two buffers. The library reads from t->in and writes to t->out through a BIO of our own: no copy in between,
   no memory kept.

       new ──tls_handshake: MORE … OK──► tls_read / tls_write in any order ──tls_close──► free
              │                             │
              └─────────── FAILED ──────────┘  (an alert is in out; nothing but tls_free may follow) */
#include "base/fail.h"
#include "tls/inside.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORD_MAX = 16384 };

static int bio_write(BIO *bio, const char *p, int n)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t room = t->out ? buf_room(t->out) : 0, take = (size_t)n < room ? (size_t)n : room;
    if (n > 0 && take > 0) {
        buf_add(t->out, str_of(p, take));
        if (!t->out->full)
            return (int)take;
    }
    BIO_set_retry_write(bio);
    return -1;
}

static int bio_read(BIO *bio, char *p, int n)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t have = t->in ? t->in->n : 0, take = (size_t)n < have ? (size_t)n : have;
    if (n > 0 && take > 0) {
        memcpy(p, buf_str(t->in).p, take);
        buf_consume(t->in, take);
        return (int)take;
    }
    BIO_set_retry_read(bio);
    return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method;

static void bio_method_make(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "penny buffers");
    if (m && BIO_meth_set_write(m, bio_write) == 1 && BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_ctrl(m, bio_ctrl) == 1)
        bio_method = m;
}

BIO *tls_bio_new(struct tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, bio_method_make);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (bio) {
        BIO_set_data(bio, t);
        BIO_set_init(bio, 1);
    }
    return bio;
}

struct tls *tls_session_new(SSL_CTX *ctx)
{
    struct tls *t = fail_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->ssl = SSL_new(ctx);
    BIO *bio = t->ssl ? tls_bio_new(t) : NULL;
    if (!bio) {
        SSL_free(t->ssl);
        free(t);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    return t;
}

struct tls *tls_server_new(struct tls_server_context *c)
{
    struct tls *t = c->entry_count > 0 ? tls_session_new(c->entry[0].ctx) : NULL;
    if (!t)
        return NULL;
    tls_server_context_ref(c);
    t->server = c;
    SSL_set_accept_state(t->ssl);
    pthread_mutex_lock(&c->lock);
    if (c->ticket_count == 0) {
        SSL_set_options(t->ssl, SSL_OP_NO_TICKET);
        SSL_set_num_tickets(t->ssl, 0);
    }
    pthread_mutex_unlock(&c->lock);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    tls_server_context_free(t->server);
    tls_client_context_free(t->client);
    free(t);
}

static void why_failed(struct tls *t, struct why *why)
{
    long verified = SSL_get_verify_result(t->ssl);
    if (t->client && verified != X509_V_OK && SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE) {
        ERR_clear_error();
        if (why) {
            why->status[0] = '\0';
            snprintf(why->text, sizeof why->text, "the server's certificate is not accepted: %s",
                     X509_verify_cert_error_string(verified));
        }
        return;
    }
    tls_why(why, "the TLS hand-shake failed");
}

/* What the library said, in our words. Between calls no buffer is held. */
static enum tls_result ended(struct tls *t, int result, struct why *why)
{
    int error = SSL_get_error(t->ssl, result);
    t->in = t->out = NULL;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        ERR_clear_error();
        return TLS_MORE;
    }
    if (error == SSL_ERROR_ZERO_RETURN)
        return TLS_CLOSED;
    t->failed = true;
    tls_failure_keep(t);
    why_failed(t, why);
    return TLS_FAILED;
}

static enum tls_result pause_with(struct tls *t, enum tls_result result)
{
    t->in = t->out = NULL;
    return result;
}

static bool begin(struct tls *t, struct buf *in, struct buf *out)
{
    if (t->failed)
        return false;
    ERR_clear_error();
    t->in = in;
    t->out = out;
    return true;
}

enum tls_result tls_handshake(struct tls *t, struct buf *in, struct buf *out, struct why *why)
{
    if (!begin(t, in, out)) {
        tls_why(why, "the TLS hand-shake failed before");
        return TLS_FAILED;
    }
    int result = SSL_do_handshake(t->ssl);
    if (result != 1)
        return ended(t, result, why);
    t->done = true;
    return pause_with(t, TLS_OK);
}

enum tls_result tls_read(struct tls *t, struct buf *in, struct buf *plain, struct buf *out)
{
    for (;;) {
        if (!t->done || !begin(t, in, out))
            return TLS_FAILED;
        /* A record never holds more than came in for it: room for that is room enough, and no buffer grows for nothing. */
        size_t want = (size_t)SSL_pending(t->ssl) + in->n, room = buf_room(plain);
        if (room == 0)
            return pause_with(t, want > 0 ? TLS_OK : TLS_MORE);
        want = want < 64 ? 64 : want > RECORD_MAX ? RECORD_MAX : want;
        want = want < room ? want : room;
        char *p = buf_reserve(plain, want);
        if (!p)
            return pause_with(t, TLS_MORE);
        int got = SSL_read(t->ssl, p, (int)want);
        if (got <= 0)
            return ended(t, got, NULL);
        buf_wrote(plain, (size_t)got);
    }
}

enum tls_result tls_write(struct tls *t, struct buf *plain, struct buf *out)
{
    while (plain->n > 0) {
        if (!t->done || !begin(t, NULL, out))
            return TLS_FAILED;
        int wrote = SSL_write(t->ssl, buf_str(plain).p, plain->n < RECORD_MAX ? (int)plain->n : RECORD_MAX);
        if (wrote <= 0)
            return ended(t, wrote, NULL);
        buf_consume(plain, (size_t)wrote);
    }
    return pause_with(t, TLS_OK);
}

void tls_close(struct tls *t, struct buf *out)
{
    if (!t->done || !begin(t, NULL, out))
        return;
    SSL_shutdown(t->ssl);
    t->in = t->out = NULL;
    ERR_clear_error();
}
