// SPDX-License-Identifier: ISC
/* PLAIN (RFC 4616) and the LOGIN that older clients still know (draft-murchison-sasl-login). */
#include <stdio.h>
#include "base/utf8.h"
#include "login/inside.h"

/* Nobody acts for another here: an authorization identity must be empty or oneself (RFC 4616 2). */
static bool authzid_fits(struct login_server *l, struct str authzid)
{
    char text[LOGIN_USER_MAX];
    struct buf to;
    buf_fixed(&to, text, sizeof text);
    return authzid.n == 0 || (login_prepare_user(authzid, &to, NULL) && str_eq(buf_str(&to), str_c(l->user)));
}

static bool take_user(struct login_server *l, struct str user)
{
    struct buf to;
    buf_fixed(&to, l->user, sizeof l->user - 1);
    if (!login_prepare_user(user, &to, NULL) || to.n >= sizeof l->user || memchr(to.p, '\0', to.n))
        return false;
    l->user[to.n] = '\0';
    return true;
}

static enum login_step take_password(struct login_server *l, struct str password)
{
    if (password.n == 0 || password.n > LOGIN_PASSWORD_MAX || !utf8_is_valid(password) || memchr(password.p, '\0', password.n))
        return login_failed(l);
    memcpy(l->password, password.p, password.n);
    l->password_n = password.n;
    l->phase = PHASE_VERIFIER;
    return LOGIN_NEED_VERIFIER;
}

enum login_step login_plain(struct login_server *l, bool has_response, struct str response, struct buf *challenge)
{
    (void)challenge; /* an empty one */
    if (!has_response && l->phase == PHASE_FIRST)
        return LOGIN_MORE;
    struct str rest = response, authzid = str_cut(response, '\0', &rest);
    if (authzid.n == response.n)
        return login_failed(l);
    struct str user = str_head(rest, str_find(rest, '\0'));
    if (user.n == rest.n || !take_user(l, user))
        return login_failed(l);
    l->authzid_ok = authzid_fits(l, authzid);
    return take_password(l, str_skip(rest, user.n + 1));
}

enum login_step login_login(struct login_server *l, bool has_response, struct str response, struct buf *challenge)
{
    if (!has_response && l->phase == PHASE_FIRST) {
        buf_add(challenge, S("Username:"));
        l->phase = PHASE_LOGIN_USER;
        return LOGIN_MORE;
    }
    if (l->phase == PHASE_LOGIN_PASSWORD)
        return take_password(l, response);
    if (!take_user(l, response)) /* also as an initial response, which some clients send */
        return login_failed(l);
    l->authzid_ok = true;
    buf_add(challenge, S("Password:"));
    l->phase = PHASE_LOGIN_PASSWORD;
    return LOGIN_MORE;
}
