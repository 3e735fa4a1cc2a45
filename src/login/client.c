// SPDX-License-Identifier: ISC
/* The client end of the same mechanisms.

       SCRAM   FIRST ──client-first──► SCRAM_FIRST ──client-final──► SCRAM_FINAL ──server's signature right──► DONE
       PLAIN   FIRST ──everything──► DONE
       LOGIN   FIRST (no initial response) ──► NAME ──► PASSWORD ──► DONE
       any     ──broken or wrong──► OVER                                                                                            */
#include <sodium.h>
#include "base/encode.h"
#include "base/random.h"
#include "base/compiler.h"
#include "login/inside.h"

enum client_phase { CLIENT_FIRST, CLIENT_NAME, CLIENT_PASSWORD, CLIENT_SCRAM_FIRST, CLIENT_SCRAM_FINAL, CLIENT_DONE, CLIENT_OVER };

struct login_client {
    enum client_phase phase;
    struct str mechanism, user, password;
    bool scram, plus;
    char gs2_flag;               /* 'n', 'y', 'p' (RFC 5802 6) */
    unsigned char exporter[32];
    char bare[1536];             /* client-first-bare, then the AuthMessage */
    size_t bare_n;
    char nonce[32];
    unsigned char server_signature[TLS_DIGEST_MAX];
};

static bool offers(struct str offered, struct str name)
{
    for (struct str word = str_word(&offered); word.n > 0; word = str_word(&offered))
        if (str_eq_icase(word, name))
            return true;
    return false;
}

static bool choose(struct login_client *c, struct str offered, const struct tls_facts *tls, bool scram_sha1)
{
    bool exporter = tls && tls->active && tls->has_exporter;
    static const struct str names[] = {{"SCRAM-SHA-256-PLUS", 18}, {"SCRAM-SHA-256", 13}, {"SCRAM-SHA-1", 11}, {"PLAIN", 5}, {"LOGIN", 5}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((i == 0 && !exporter) || (i == 2 && !scram_sha1) || !offers(offered, names[i]))
            continue;
        c->mechanism = names[i];
        c->scram = i < 3;
        c->plus = i == 0;
        /* "y": we could bind, the server does not offer it. If somebody in between took it out of the list, the server now notices. For SHA-1
           there is no -PLUS of ours that could have been taken out, so "n" would be as true; "y" lets servers that have one notice. */
        c->gs2_flag = c->plus ? 'p' : exporter ? 'y' : 'n';
        if (exporter)
            memcpy(c->exporter, tls->exporter, sizeof c->exporter);
        return true;
    }
    return false;
}

static struct str password_for(struct arena *a, struct str password)
{
    char text[LOGIN_PASSWORD_MAX];
    struct buf to;
    buf_fixed(&to, text, sizeof text);
    struct str made = arena_str(a, login_prepare_password(password, &to, NULL) ? buf_str(&to) : password);
    sodium_memzero(text, sizeof text);
    return made;
}

struct login_client *login_client_new(struct arena *a, struct str offered, struct str user, struct str password, const struct tls_facts *tls,
                                      bool scram_sha1)
{
    struct login_client *c = arena_new(a, struct login_client);
    login_warm();
    if (!c || user.n == 0 || user.n > LOGIN_USER_MAX || password.n > LOGIN_PASSWORD_MAX || !choose(c, offered, tls, scram_sha1))
        return NULL;
    c->user = arena_str(a, user);
    c->password = password_for(a, password);
    return c->user.p && c->password.p ? c : NULL;
}

struct str login_client_mechanism(const struct login_client *c)
{
    return c->mechanism;
}

static bool over(struct login_client *c)
{
    c->phase = CLIENT_OVER;
    return false;
}

static bool bare_add(struct login_client *c, struct str s)
{
    if (s.n > sizeof c->bare - c->bare_n)
        return false;
    memcpy(c->bare + c->bare_n, s.p, s.n);
    c->bare_n += s.n;
    return true;
}

static struct str gs2_header(const struct login_client *c)
{
    return c->gs2_flag == 'p' ? S("p=tls-exporter,,") : c->gs2_flag == 'y' ? S("y,,") : S("n,,");
}

static bool scram_first(struct login_client *c, struct buf *response)
{
    unsigned char octets[18];
    struct buf nonce;
    random_bytes(octets, sizeof octets);
    buf_fixed(&nonce, c->nonce, sizeof c->nonce);
    base64_encode(&nonce, str_of(octets, sizeof octets));
    bool ok = bare_add(c, S("n="));
    for (size_t i = 0; i < c->user.n; i++)
        ok = ok && bare_add(c, c->user.p[i] == ',' ? S("=2C") : c->user.p[i] == '=' ? S("=3D") : str_head(str_skip(c->user, i), 1));
    if (!ok || !bare_add(c, S(",r=")) || !bare_add(c, buf_str(&nonce)))
        return over(c);
    c->nonce[nonce.n] = '\0';
    buf_add(response, gs2_header(c));
    buf_add(response, str_of(c->bare, c->bare_n));
    c->phase = CLIENT_SCRAM_FIRST;
    return !response->full;
}

static bool scram_final(struct login_client *c, struct str challenge, struct buf *response)
{
    enum tls_digest d = login_digest(c->mechanism);
    size_t n = tls_digest_size(d);
    unsigned char stored[TLS_DIGEST_MAX], server[TLS_DIGEST_MAX], proof[TLS_DIGEST_MAX], signature[TLS_DIGEST_MAX];
    struct str rest = challenge, nonce, salt64, count, mine = str_c(c->nonce);
    uint64_t iterations;
    char salt[256];
    struct buf salt_buf;
    buf_fixed(&salt_buf, salt, sizeof salt);
    if (!scram_attribute(&rest, 'r', &nonce) || !scram_attribute(&rest, 's', &salt64) || !scram_attribute(&rest, 'i', &count) ||
        !str_starts(nonce, mine) || nonce.n == mine.n || !base64_decode(&salt_buf, salt64) || salt_buf.n == 0 || !str_to_u64(count, &iterations) ||
        iterations < SCRAM_ITERATIONS_LEAST || iterations > SCRAM_ITERATIONS_MOST)
        return over(c);
    size_t begin = response->n;
    unsigned char binding[64];
    struct str header = gs2_header(c);
    memcpy(binding, header.p, header.n);
    if (c->plus)
        memcpy(binding + header.n, c->exporter, sizeof c->exporter);
    buf_add(response, S("c="));
    base64_encode(response, str_of(binding, header.n + (c->plus ? sizeof c->exporter : 0)));
    buf_add(response, S(",r="));
    buf_add(response, nonce);
    if (response->full || !bare_add(c, S(",")) || !bare_add(c, challenge) || !bare_add(c, S(",")) || !bare_add(c, str_skip(buf_str(response), begin)))
        return over(c);
    scram_keys(d, c->password, buf_str(&salt_buf), (uint32_t)iterations, stored, server, proof);
    tls_hmac(d, str_of(stored, n), str_of(c->bare, c->bare_n), signature);
    for (size_t i = 0; i < n; i++)
        proof[i] ^= signature[i];
    tls_hmac(d, str_of(server, n), str_of(c->bare, c->bare_n), c->server_signature);
    buf_add(response, S(",p="));
    base64_encode(response, str_of(proof, n));
    sodium_memzero(proof, sizeof proof);
    sodium_memzero(server, sizeof server);
    c->phase = CLIENT_SCRAM_FINAL;
    return !response->full;
}

static bool scram_end(struct login_client *c, struct str challenge)
{
    unsigned char got[TLS_DIGEST_MAX];
    size_t n = tls_digest_size(login_digest(c->mechanism));
    struct str value;
    if (!scram_attribute(&challenge, 'v', &value) || !scram_base64(value, got, n) || sodium_memcmp(got, c->server_signature, n) != 0)
        return over(c); /* also "e=…" */
    c->phase = CLIENT_DONE;
    return true;
}

static bool plain(struct login_client *c, struct buf *response)
{
    buf_add_byte(response, '\0');
    buf_add(response, c->user);
    buf_add_byte(response, '\0');
    buf_add(response, c->password);
    c->phase = CLIENT_DONE;
    return !response->full && !memchr(c->user.p, '\0', c->user.n) && !memchr(c->password.p, '\0', c->password.n);
}

bool login_client_step(struct login_client *c, bool first, struct str challenge, struct buf *response)
{
    switch (c->phase) {
    case CLIENT_FIRST:
        if (c->scram)
            return scram_first(c, response);
        if (str_eq(c->mechanism, S("PLAIN")))
            return plain(c, response);
        c->phase = CLIENT_NAME;
        if (first)
            return true;
        FALLTHROUGH;
    case CLIENT_NAME:
        buf_add(response, c->user);
        c->phase = CLIENT_PASSWORD;
        return !response->full;
    case CLIENT_PASSWORD:
        buf_add(response, c->password);
        c->phase = CLIENT_DONE;
        return !response->full;
    case CLIENT_SCRAM_FIRST: return scram_final(c, challenge, response);
    case CLIENT_SCRAM_FINAL: return scram_end(c, challenge);
    case CLIENT_DONE:
    case CLIENT_OVER: break;
    }
    return over(c);
}

bool login_client_done(const struct login_client *c)
{
    return c->phase == CLIENT_DONE;
}

void login_client_clear(struct login_client *c)
{
    if (!c)
        return;
    if (c->password.n > 0)
        sodium_memzero((char *)(uintptr_t)c->password.p, c->password.n);
    sodium_memzero(c, sizeof *c);
    c->phase = CLIENT_OVER;
}
