// SPDX-License-Identifier: ISC
/* Tickets of a client: a session as octets, bound to what was demanded of the server when it was made. A resumed session shows no
   certificate, so it must never serve where more is demanded than was checked then. */
#include "base/clock.h"
#include "tls/inside.h"
#include <openssl/err.h>
#include <stdlib.h>

#define MAGIC S("PNY1")
enum { HEAD = 4 + 32 };

static bool demands_known(const struct tls *t)
{
    static const unsigned char none[32];
    return memcmp(t->demands, none, sizeof none) != 0;
}

void tls_session_import(struct tls *t, struct str bytes)
{
    if (bytes.n <= HEAD || bytes.n > TLS_SESSION_MAX || !str_starts(bytes, MAGIC) || !demands_known(t) ||
        !str_eq(str_of(bytes.p + 4, 32), str_of(t->demands, 32)))
        return;
    const unsigned char *p = (const unsigned char *)bytes.p + HEAD;
    SSL_SESSION *s = d2i_SSL_SESSION(NULL, &p, (long)(bytes.n - HEAD));
    if (s && p == (const unsigned char *)bytes.p + bytes.n && SSL_SESSION_is_resumable(s))
        SSL_set_session(t->ssl, s);
    SSL_SESSION_free(s);
    ERR_clear_error();
}

bool tls_session_export(const struct tls *t, struct buf *to, int64_t *expires_unix)
{
    bool fit = t->client && t->done && !t->failed && demands_known(t) && (t->trust == TLS_TRUST_ANY || tls_authenticated(t));
    SSL_SESSION *s = fit ? SSL_get1_session(t->ssl) : NULL;
    int n = s && SSL_SESSION_is_resumable(s) ? i2d_SSL_SESSION(s, NULL) : 0;
    char *p = n > 0 && n <= TLS_SESSION_MAX - HEAD ? buf_reserve(to, HEAD + (size_t)n) : NULL;
    if (p) {
        int64_t now = clock_unix_ms() / 1000;
        long lifetime = SSL_SESSION_get_timeout(s);
        memcpy(p, MAGIC.p, 4);
        memcpy(p + 4, t->demands, 32);
        unsigned char *der = (unsigned char *)p + HEAD;
        i2d_SSL_SESSION(s, &der);
        buf_wrote(to, HEAD + (size_t)n);
        *expires_unix = now + (lifetime > 0 && lifetime < TLS_SESSION_AGE_S ? lifetime : TLS_SESSION_AGE_S);
    }
    SSL_SESSION_free(s);
    ERR_clear_error();
    return p != NULL;
}

bool tls_session_resumed(const struct tls *t)
{
    return t->done && SSL_session_reused(t->ssl) == 1;
}
