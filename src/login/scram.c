// SPDX-License-Identifier: ISC
/* SCRAM, server end (RFC 5802, RFC 7677), with tls-exporter channel binding (RFC 9266). */
#include <sodium.h>
#include "base/encode.h"
#include "base/random.h"
#include "base/utf8.h"
#include "login/inside.h"

bool scram_attribute(struct str *rest, char name, struct str *value)
{
    if (rest->n < 2 || rest->p[0] != name || rest->p[1] != '=')
        return false;
    *value = str_cut(str_skip(*rest, 2), ',', rest);
    return true;
}

bool scram_base64(struct str text, unsigned char *to, size_t n)
{
    struct buf out;
    buf_fixed(&out, to, n);
    return base64_decode(&out, text) && out.n == n;
}

/* saslname: "=2C" and "=3D", and no other "=" (RFC 5802 5.1). */
static bool name_decode(struct str name, struct buf *to)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] != '=') {
            buf_add_byte(to, name.p[i]);
            continue;
        }
        struct str code = str_head(str_skip(name, i), 3);
        if (!str_eq(code, S("=2C")) && !str_eq(code, S("=3D")))
            return false;
        buf_add_byte(to, code.p[1] == '2' ? ',' : '=');
        i += 2;
    }
    return name.n > 0 && !to->full && utf8_is_valid(name) && !memchr(name.p, '\0', name.n);
}

static bool take_name(struct str name, char *to, size_t cap)
{
    char plain[LOGIN_USER_MAX];
    struct buf decoded, prepared;
    buf_fixed(&decoded, plain, sizeof plain);
    buf_fixed(&prepared, to, cap - 1);
    if (!name_decode(name, &decoded) || !login_prepare_user(buf_str(&decoded), &prepared, NULL))
        return false;
    to[prepared.n] = '\0';
    return true;
}

static bool nonce_is(struct str nonce)
{
    for (size_t i = 0; i < nonce.n; i++)
        if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e || nonce.p[i] == ',')
            return false;
    return nonce.n > 0 && nonce.n <= SCRAM_NONCE_MAX;
}

/* "n", "y" or "p=tls-exporter", a comma, an optional authorization identity, a comma (RFC 5802 7, gs2-header). The rest is client-first-bare. */
static bool take_gs2(struct login_server *l, struct str *rest, struct str *authzid)
{
    struct str whole = *rest, flag = str_cut(*rest, ',', rest);
    bool plus = login_is_plus(l);
    if (str_eq(flag, S("p=tls-exporter")) ? !plus : plus)
        return false; /* the binding and the mechanism's name must agree (RFC 5802 6); no other kind is supported */
    if (!plus && !str_eq(flag, S("n")) && !str_eq(flag, S("y")))
        return false;
    if (str_eq(flag, S("y")) && l->tls && l->has_exporter)
        return false; /* it would bind but believes that we cannot: somebody took -PLUS out of our list */
    *authzid = str_cut(*rest, ',', rest);
    l->gs2_n = (size_t)(rest->p - whole.p);
    if (l->gs2_n == 0 || l->gs2_n > sizeof l->gs2 || whole.p[l->gs2_n - 1] != ',')
        return false;
    memcpy(l->gs2, whole.p, l->gs2_n);
    return authzid->n == 0 || scram_attribute(&(struct str){authzid->p, authzid->n}, 'a', authzid);
}

static bool message_add(struct login_server *l, struct str s)
{
    if (s.n > sizeof l->scram - l->scram_n)
        return false;
    memcpy(l->scram + l->scram_n, s.p, s.n);
    l->scram_n += s.n;
    return true;
}

static enum login_step take_first(struct login_server *l, struct str response)
{
    struct str rest = response, authzid = STR_NONE, name, nonce;
    char other[sizeof l->user];
    if (!take_gs2(l, &rest, &authzid))
        return login_failed(l);
    struct str bare = rest;
    if (!scram_attribute(&rest, 'n', &name) || !scram_attribute(&rest, 'r', &nonce) || !nonce_is(nonce) ||
        !take_name(name, l->user, sizeof l->user))
        return login_failed(l); /* also for "m=", an extension that must be understood (RFC 5802 5.1) */
    l->authzid_ok = authzid.n == 0 || (take_name(authzid, other, sizeof other) && str_eq(str_c(other), str_c(l->user)));
    if (!message_add(l, bare) || !message_add(l, S(",")))
        return login_failed(l);
    l->nonce_at = (size_t)(nonce.p - bare.p);
    l->nonce_n = nonce.n;
    l->phase = PHASE_VERIFIER;
    return LOGIN_NEED_VERIFIER;
}

/* server-first: both nonces, salt, iterations. */
enum login_step login_scram_verifier(struct login_server *l, struct buf *challenge)
{
    unsigned char octets[18];
    char text[512];
    struct buf first;
    buf_fixed(&first, text, sizeof text);
    random_bytes(octets, sizeof octets);
    buf_add(&first, S("r="));
    buf_add(&first, str_of(l->scram + l->nonce_at, l->nonce_n));
    base64_encode(&first, str_of(octets, sizeof octets));
    size_t nonce_n = first.n - 2;
    buf_add(&first, S(",s="));
    base64_encode(&first, str_of(l->verifier.scram_salt, sizeof l->verifier.scram_salt));
    buf_printf(&first, ",i=%u", (unsigned)l->verifier.scram_iterations);
    size_t at = l->scram_n;
    if (first.full || !message_add(l, buf_str(&first)))
        return login_failed(l);
    l->nonce_at = at + 2;
    l->nonce_n = nonce_n;
    buf_add(challenge, buf_str(&first));
    l->phase = PHASE_SCRAM_FINAL;
    return LOGIN_MORE;
}

/* "c=" must be the header of the first message, and behind it what binds us to this channel. */
static bool binding_fits(const struct login_server *l, struct str c)
{
    unsigned char got[sizeof l->gs2 + sizeof l->exporter], want[sizeof got];
    struct buf out;
    size_t n = l->gs2_n;
    memcpy(want, l->gs2, n);
    if (login_is_plus(l)) {
        memcpy(want + n, l->exporter, sizeof l->exporter);
        n += sizeof l->exporter;
    }
    buf_fixed(&out, got, sizeof got);
    return base64_decode(&out, c) && out.n == n && sodium_memcmp(out.p, want, n) == 0;
}

static enum login_step take_final(struct login_server *l, struct str response, struct buf *challenge)
{
    enum tls_digest d = login_digest(str_c(l->mechanism));
    const unsigned char *stored = d == TLS_SHA1 ? l->verifier.sha1_stored : l->verifier.sha256_stored;
    const unsigned char *server = d == TLS_SHA1 ? l->verifier.sha1_server : l->verifier.sha256_server;
    unsigned char proof[TLS_DIGEST_MAX], signature[TLS_DIGEST_MAX], key_hash[TLS_DIGEST_MAX];
    size_t n = tls_digest_size(d), p_at = str_find_str(response, S(",p="));
    struct str rest = response, binding, nonce;
    if (p_at == response.n || !scram_attribute(&rest, 'c', &binding) || !scram_attribute(&rest, 'r', &nonce) ||
        !str_eq(nonce, str_of(l->scram + l->nonce_at, l->nonce_n)) || !binding_fits(l, binding) ||
        !scram_base64(str_skip(response, p_at + 3), proof, n) || !message_add(l, S(",")) || !message_add(l, str_head(response, p_at)))
        return login_failed(l);
    struct str message = str_of(l->scram, l->scram_n);
    tls_hmac(d, str_of(stored, n), message, signature);
    for (size_t i = 0; i < n; i++)
        proof[i] ^= signature[i]; /* now the ClientKey, if it was the right one */
    tls_hash(d, str_of(proof, n), key_hash);
    bool right = sodium_memcmp(key_hash, stored, n) == 0;
    tls_hmac(d, str_of(server, n), message, signature);
    sodium_memzero(proof, sizeof proof);
    if (!right || !l->known || !l->authzid_ok)
        return login_failed(l);
    buf_add(challenge, S("v="));
    base64_encode(challenge, str_of(signature, n));
    l->phase = PHASE_SCRAM_END;
    return LOGIN_MORE;
}

enum login_step login_scram(struct login_server *l, bool has_response, struct str response, struct buf *challenge)
{
    switch ((enum login_phase)l->phase) {
    case PHASE_FIRST: return has_response ? take_first(l, response) : LOGIN_MORE;
    case PHASE_SCRAM_FINAL: return take_final(l, response, challenge);
    case PHASE_SCRAM_END:
        if (response.n > 0)
            return login_failed(l);
        l->phase = PHASE_OVER;
        return LOGIN_OK;
    case PHASE_LOGIN_USER:
    case PHASE_LOGIN_PASSWORD:
    case PHASE_VERIFIER:
    case PHASE_CHECK:
    case PHASE_OVER: break;
    }
    return login_failed(l);
}
