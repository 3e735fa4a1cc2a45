// SPDX-License-Identifier: ISC
/* Logging in: the best mechanism that both ends know (RFC 5034), else USER and PASS. */
#include <string.h>
#include "base/encode.h"
#include "pop3/client_inside.h"

enum { COMMAND_LINE_MAX = 255 - 2 }; /* RFC 5034 4: a longer initial response waits for the server's "+ " */

static enum next cancelled(struct pop3_client *c, bool ok, struct str text)
{
    (void)ok;
    (void)text;
    return client_end(c, REFUSE, "", "the server did not prove that it knows the password");
}

static enum next auth_said(struct pop3_client *c, bool ok, struct str text);

static void base64_line(struct pop3_client *c, struct buf *response)
{
    base64_encode(c->m.out, buf_str(response));
    buf_add(c->m.out, S("\r\n"));
    if (response->n > 0)
        explicit_bzero(response->p, response->n);
}

static enum next challenged(struct pop3_client *c, struct str text)
{
    char challenge_text[2048], response_text[2048];
    struct buf challenge, response;
    buf_fixed(&challenge, challenge_text, sizeof challenge_text);
    buf_fixed(&response, response_text, sizeof response_text);
    if (!base64_decode(&challenge, str_trim(text)) || !login_client_step(c->state->login, false, buf_str(&challenge), &response))
        return client_command(c, "*", cancelled);
    base64_line(c, &response);
    return client_expect(c, auth_said);
}

static enum next auth_said(struct pop3_client *c, bool ok, struct str text)
{
    struct pop3_client_state *st = c->state;
    if (st->continuing)
        return challenged(c, text);
    if (!ok)
        return client_end_err(c, text, REFUSE);
    bool proved = login_client_done(st->login);
    c->mechanism = login_client_mechanism(st->login);
    login_client_clear(st->login);
    st->login = NULL;
    if (!proved)
        return client_end(c, REFUSE, "", "the server did not prove that it knows the password");
    return client_list(c);
}

static enum next begin_auth(struct pop3_client *c)
{
    char text[2048];
    struct buf response;
    struct str mechanism = login_client_mechanism(c->state->login);
    buf_fixed(&response, text, sizeof text);
    if (!login_client_step(c->state->login, true, STR_NONE, &response))
        return client_end(c, REFUSE, "", "the user name or the password is too long");
    buf_add(c->m.out, S("AUTH "));
    buf_add(c->m.out, mechanism);
    size_t encoded = (response.n + 2) / 3 * 4;
    if (response.n == 0 || 5 + mechanism.n + 1 + encoded > COMMAND_LINE_MAX) {
        buf_add(c->m.out, S("\r\n"));
        if (response.n == 0)
            return client_expect(c, auth_said);
        login_client_clear(c->state->login);
        c->state->login = login_client_new(c->connection, mechanism, c->settings->user, c->settings->password, &c->m.tls, c->settings->scram_sha1);
        explicit_bzero(text, sizeof text);
        if (!c->state->login)
            return client_end(c, RETRY, "", "no memory");
        return client_expect(c, auth_said); /* the empty challenge comes, and the same first step answers it */
    }
    buf_add_byte(c->m.out, ' ');
    base64_line(c, &response);
    return client_expect(c, auth_said);
}

static enum next pass_said(struct pop3_client *c, bool ok, struct str text)
{
    if (!ok)
        return client_end_err(c, text, REFUSE);
    c->mechanism = S("USER");
    return client_list(c);
}

static enum next user_said(struct pop3_client *c, bool ok, struct str text)
{
    if (!ok)
        return client_end_err(c, text, REFUSE);
    buf_add(c->m.out, S("PASS "));
    buf_add(c->m.out, c->settings->password);
    buf_add(c->m.out, S("\r\n"));
    return client_expect(c, pass_said);
}

enum next client_login(struct pop3_client *c)
{
    struct pop3_client_state *st = c->state;
    const struct pop3_client_settings *set = c->settings;
    if (st->capabilities & HAS_SASL)
        st->login = login_client_new(c->connection, str_c(st->sasl), set->user, set->password, &c->m.tls, set->scram_sha1);
    if (st->login)
        return begin_auth(c);
    if (!(st->capabilities & HAS_USER))
        return client_end(c, REFUSE, "", "the server offers no way to log in that this program knows");
    buf_add(c->m.out, S("USER "));
    buf_add(c->m.out, set->user);
    buf_add(c->m.out, S("\r\n"));
    return client_expect(c, user_said);
}
