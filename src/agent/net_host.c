// SPDX-License-Identifier: ISC
#include <stdlib.h>
#include "agent/net_host.h"
#include "base/clock.h"
#include "base/encode.h"
#include "os/file.h"
#include "os/net.h"

enum { OUT_MAX = 256 * 1024, IN_MAX = 256 * 1024, CONNECT_MS = 30000, PROBE_MS = 2000, SILENCE_MS = 300000, CA_MAX = 4 << 20 };

bool endpoint_parse(struct str text, uint16_t usual, uint16_t implicit_port, struct endpoint *to)
{
    struct str host = text, port = STR_NONE;
    uint64_t n = 0;
    size_t scheme = str_find_str(text, S("://"));
    bool implicit = false;
    if (scheme < text.n) {
        implicit = scheme > 0 && ascii_lower(text.p[scheme - 1]) == 's';
        host = str_skip(text, scheme + 3);
    }
    if (host.n && host.p[0] == '[') {
        size_t close = str_find(host, ']');
        port = str_skip(host, close + 1);
        host = str_head(str_skip(host, 1), close - 1);
        if (port.n && port.p[0] != ':')
            return false;
        port = str_skip(port, 1);
    } else if (str_find(host, ':') == str_find_last(host, ':')) {
        host = str_cut(host, ':', &port);
    }
    if (port.n && (!str_to_u64(port, &n) || n < 1 || n > 65535))
        return false;
    to->port = port.n ? (uint16_t)n : implicit ? implicit_port : usual;
    to->implicit = implicit || to->port == implicit_port;
    to->unsure = !to->implicit && to->port != usual && to->port != 25 && scheme == text.n;
    return host.n && str_to_c(host, to->host, sizeof to->host);
}

void endpoint_probe(struct endpoint *e)
{
    struct why why;
    int fd = e->unsure ? net_dial(e->host, e->port, CONNECT_MS, &why) : -1;
    if (fd < 0)
        return; /* the real attempt says why */
    e->implicit = !net_wait(fd, true, false, PROBE_MS);
    e->unsure = false;
    net_close(fd);
}

static void why_say(struct net_host *h, const char *text)
{
    if (!h->why.text[0])
        (void)str_to_c(str_head(str_c(text), sizeof h->why.text - 1), h->why.text, sizeof h->why.text);
}

/* The authorities: the system's, and those of a file. */
static bool authorities(struct net_host *h, struct buf *to)
{
    static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                          "/etc/ssl/cert.pem"};
    const char *named = getenv("SSL_CERT_FILE");
    struct why why;
    bool found = named && file_read(named, CA_MAX, to, &why) == DONE;
    for (size_t i = 0; i < countof(bundles) && !found; i++)
        found = file_exists(bundles[i]) && file_read(bundles[i], CA_MAX, to, &why) == DONE;
    buf_add(to, S("\n"));
    return !h->trust->file || file_read(h->trust->file, CA_MAX, to, &h->why) == DONE;
}

/* Fills plain (or wire_in before TLS) with what is there. False: broken. */
static bool receive(struct net_host *h)
{
    struct buf *to = h->tls ? &h->wire_in : &h->plain;
    switch (net_read(h->fd, to, IN_MAX)) {
    case NET_OK:
    case NET_AGAIN:
    case NET_FULL:
        return true;
    case NET_END:
        h->m->in_end = true;
        return true;
    case NET_ERROR:
        break;
    }
    why_say(h, "the connection broke");
    return false;
}

static bool decrypt(struct net_host *h)
{
    if (!h->tls)
        return true;
    switch (tls_read(h->tls, &h->wire_in, &h->plain, &h->wire_out)) {
    case TLS_OK:
    case TLS_MORE:
        return true;
    case TLS_CLOSED:
        h->m->in_end = true;
        return true;
    case TLS_FAILED:
        break;
    }
    why_say(h, "the encrypted connection broke");
    return false;
}

/* Sends what the machine wrote, as far as the kernel takes it. */
static bool flush(struct net_host *h)
{
    struct buf *from = &h->out;
    if (h->tls) {
        enum tls_result r = tls_write(h->tls, &h->out, &h->wire_out);
        if (r == TLS_FAILED || r == TLS_CLOSED) {
            why_say(h, "the encrypted connection broke");
            return false;
        }
        from = &h->wire_out;
    }
    if (from->n && net_write(h->fd, from) == NET_ERROR) {
        why_say(h, "the connection broke");
        return false;
    }
    return true;
}

static bool unsent(const struct net_host *h)
{
    return h->out.n || h->wire_out.n;
}

static bool flush_all(struct net_host *h)
{
    while (unsent(h)) {
        if (!flush(h))
            return false;
        if (unsent(h) && !net_wait(h->fd, false, true, SILENCE_MS)) {
            why_say(h, "the server takes nothing more");
            return false;
        }
    }
    return true;
}

static bool certificate_is_fine(struct net_host *h)
{
    unsigned char digest[32];
    struct buf b;
    struct trust *t = h->trust;
    tls_peer_fingerprint(h->tls, digest);
    buf_fixed(&b, t->seen, sizeof t->seen - 1);
    hex_encode(&b, str_of(digest, sizeof digest));
    t->seen[b.n] = 0;
    if (t->insecure || t->learn)
        return true;
    if (t->pinned[0] ? strcmp(t->pinned, t->seen) == 0 : tls_peer_verified(h->tls))
        return true;
    t->refused = true;
    why_say(h, t->pinned[0] ? "the server shows another certificate than the one that was trusted"
                            : "the server's certificate is not vouched for by an authority that this machine trusts");
    return false;
}

/* Client hand-shake, blocking; throws away clear text that came ahead of it. */
static bool shake_hands(struct net_host *h)
{
    struct buf ca;
    bool ok = flush_all(h);
    buf_clear(&h->plain);
    buf_init(&ca, 2 * CA_MAX + 16);
    ok = ok && authorities(h, &ca);
    h->context = ok ? tls_client_context_new(buf_str(&ca), false) : NULL;
    buf_free(&ca);
    if (!h->context) {
        why_say(h, "TLS cannot be set up");
        return false;
    }
    h->tls = tls_client_new(h->context, str_c(h->host), true);
    if (!h->tls) {
        why_say(h, "TLS cannot be set up");
        return false;
    }
    for (;;) {
        enum tls_result r = tls_handshake(h->tls, &h->wire_in, &h->wire_out, &h->why);
        if (h->wire_out.n && net_write(h->fd, &h->wire_out) == NET_ERROR)
            r = TLS_CLOSED;
        if (r == TLS_OK)
            break;
        if (r == TLS_FAILED || r == TLS_CLOSED || h->m->in_end) {
            why_say(h, "the server ended the connection during the TLS hand-shake");
            return false;
        }
        if (!net_wait(h->fd, true, h->wire_out.n > 0, CONNECT_MS)) {
            why_say(h, "the server does not answer the TLS hand-shake");
            return false;
        }
        if (!receive(h))
            return false;
    }
    tls_facts_get(h->tls, &h->m->tls);
    return certificate_is_fine(h);
}

int net_host_open(struct net_host *h, struct machine *m, const struct endpoint *to, struct trust *trust)
{
    h->m = m;
    h->host = to->host;
    h->trust = trust;
    h->fd = -1;
    buf_init(&h->out, OUT_MAX);
    buf_init(&h->wire_in, IN_MAX);
    buf_init(&h->wire_out, OUT_MAX * 2);
    buf_init(&h->plain, IN_MAX);
    m->out = &h->out;
    h->fd = net_dial(to->host, to->port, CONNECT_MS, &h->why);
    if (h->fd < 0)
        return NOT_RUNNING;
    if (to->implicit && !shake_hands(h))
        return trust->refused ? NOT_ALLOWED : NOT_RUNNING;
    return -1;
}

void net_host_close(struct net_host *h)
{
    if (h->tls && h->fd >= 0) {
        tls_close(h->tls, &h->wire_out);
        (void)net_write(h->fd, &h->wire_out);
    }
    tls_free(h->tls);
    tls_client_context_free(h->context);
    net_close(h->fd);
    buf_free(&h->out);
    buf_free(&h->wire_in);
    buf_free(&h->wire_out);
    buf_free(&h->plain);
    h->fd = -1;
    h->tls = NULL;
    h->context = NULL;
}

static enum next run_once(struct net_host *h)
{
    struct machine *m = h->m;
    m->now_ms = clock_mono_ms();
    m->unix_ms = clock_unix_ms();
    m->in = buf_str(&h->plain);
    size_t before = m->in.n;
    enum next n = machine_run(m);
    buf_consume(&h->plain, before - m->in.n);
    return n;
}

/* After WAIT. False: the connection broke. */
static bool wait_for(struct net_host *h, bool moved)
{
    struct machine *m = h->m;
    if (m->wants & WANT_ANSWER) {
        h->answer(h->self);
        return true;
    }
    if ((m->wants & WANT_ROOM) && moved)
        return true;
    size_t before = h->plain.n;
    if (!decrypt(h))
        return false;
    if (h->plain.n > before || !(m->wants & WANT_INPUT))
        return unsent(h) && !(m->wants & WANT_INPUT) ? flush_all(h) : true;
    if (m->in_end) /* the machine has not ended by itself: it has been told by in_end already */
        return true;
    int64_t left = m->deadline_ms ? m->deadline_ms - clock_mono_ms() : SILENCE_MS;
    if (left <= 0 || !net_wait(h->fd, true, unsent(h), left)) {
        m->timed_out = true;
        return true;
    }
    return flush(h) && receive(h) && decrypt(h);
}

bool net_host_run(struct net_host *h)
{
    unsigned idle = 0;
    for (;;) {
        size_t had = h->plain.n;
        enum next n = run_once(h);
        size_t out = h->out.n;
        bool moved = h->drain && h->drain(h->self);
        if (!flush(h))
            return false;
        moved |= h->out.n < out;
        switch (n) {
        case AGAIN:
            break;
        case HANG_UP:
            (void)flush_all(h);
            return true;
        case NEED_TLS:
            if (!shake_hands(h))
                return false;
            break;
        case WAIT:
            if (!wait_for(h, moved))
                return false;
            /* the peer is gone and the machine waits on: it would for ever */
            idle = h->m->in_end && h->plain.n == had && !(h->m->wants & WANT_ANSWER) ? idle + 1 : 0;
            if (idle > 100) {
                why_say(h, "the server ended the connection");
                return false;
            }
            break;
        }
    }
}
