// SPDX-License-Identifier: ISC
/* The server end: which mechanisms there are, and how a login goes on.

       PLAIN   FIRST ──login_plain──► VERIFIER ──► CHECK ──► OK | FAILED
       LOGIN   FIRST ──► LOGIN_USER ──► LOGIN_PASSWORD ──login_login──► VERIFIER ──► CHECK ──► OK | FAILED
       SCRAM   FIRST ──login_scram──► VERIFIER ──login_scram_verifier──► SCRAM_FINAL ──proof──► SCRAM_END ──empty──► OK
       any     ──login_failed──► OVER                                                                                                   */
#include <sodium.h>
#include <stdio.h>
#include "base/check.h"
#include "login/inside.h"

struct mechanism {
    const char *name;
    enum login_step (*feed)(struct login_server *l, bool has_response, struct str response, struct buf *challenge);
    bool plus, sha1;
};

/* Best first. -PLUS does not exist for SHA-1: whoever is new enough for tls-exporter has SHA-256. */
static const struct mechanism mechanisms[] = {
    {"SCRAM-SHA-256-PLUS", login_scram, true, false}, {"SCRAM-SHA-256", login_scram, false, false}, {"SCRAM-SHA-1", login_scram, false, true},
    {"PLAIN", login_plain, false, false},             {"LOGIN", login_login, false, false},
};

void login_mechanisms(struct buf *to, bool tls, bool exporter, bool scram_sha1)
{
    bool first = true;
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if ((mechanisms[i].plus && !(tls && exporter)) || (mechanisms[i].sha1 && !scram_sha1))
            continue;
        if (!first)
            buf_add_byte(to, ' ');
        buf_add_c(to, mechanisms[i].name);
        first = false;
    }
}

static const struct mechanism *find(struct str name)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (str_eq_icase(name, str_c(mechanisms[i].name)))
            return &mechanisms[i];
    return NULL;
}

bool login_is_plus(const struct login_server *l)
{
    const struct mechanism *m = find(str_c(l->mechanism));
    return m && m->plus;
}

enum tls_digest login_digest(struct str mechanism)
{
    const struct mechanism *m = find(mechanism);
    return m && m->sha1 ? TLS_SHA1 : TLS_SHA256;
}

bool login_server_init(struct login_server *l, struct str mechanism, const struct tls_facts *tls, bool scram_sha1)
{
    memset(l, 0, sizeof *l);
    l->phase = PHASE_OVER;
    const struct mechanism *m = find(mechanism);
    if (!m || (m->sha1 && !scram_sha1) || (m->plus && !(tls && tls->active && tls->has_exporter)))
        return false;
    login_warm();
    snprintf(l->mechanism, sizeof l->mechanism, "%s", m->name);
    if (tls && tls->active) {
        l->tls = true;
        l->has_exporter = tls->has_exporter;
        memcpy(l->exporter, tls->exporter, sizeof l->exporter);
    }
    l->phase = PHASE_FIRST;
    return true;
}

enum login_step login_failed(struct login_server *l)
{
    l->phase = PHASE_OVER;
    sodium_memzero(l->password, sizeof l->password);
    return LOGIN_FAILED;
}

enum login_step login_server_feed(struct login_server *l, bool has_response, struct str response, struct buf *challenge)
{
    const struct mechanism *m = find(str_c(l->mechanism));
    if (!m || l->phase == PHASE_OVER || l->phase == PHASE_VERIFIER || l->phase == PHASE_CHECK)
        return login_failed(l);
    return m->feed(l, has_response, response, challenge);
}

enum login_step login_server_verifier(struct login_server *l, bool known, const struct login_verifier *v, struct buf *challenge)
{
    if (l->phase != PHASE_VERIFIER)
        return login_failed(l);
    l->known = known && v && v->version == 1;
    if (l->known)
        l->verifier = *v;
    else
        login_fake_verifier(str_c(l->user), &l->verifier);
    if (l->password_n > 0) {
        l->phase = PHASE_CHECK;
        return LOGIN_NEED_PASSWORD_CHECK;
    }
    return login_scram_verifier(l, challenge);
}

enum login_step login_server_check(struct login_server *l)
{
    if (l->phase != PHASE_CHECK)
        return login_failed(l);
    enum outcome o = login_password_check(str_of(l->password, l->password_n), &l->verifier);
    login_failed(l); /* over, and the password is forgotten; what remains is what to say */
    if (o == RETRY)
        return LOGIN_RETRY;
    return o == DONE && l->known && l->authzid_ok ? LOGIN_OK : LOGIN_FAILED;
}

void login_server_clear(struct login_server *l)
{
    sodium_memzero(l, sizeof *l);
    l->phase = PHASE_OVER;
}
