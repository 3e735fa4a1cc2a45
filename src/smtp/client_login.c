// SPDX-License-Identifier: ISC
/* AUTH of the client, RFC 4954, with the mechanisms of login/login.h. */
#include "smtp/client_inside.h"
#include "base/encode.h"

enum { AUTH_LINE_FIRST = 500 /* RFC 4954 4: the initial response must fit into a command line */, RESPONSE_MAX = 3000 };

static enum next challenged(struct smtp_client *c, unsigned code);

static enum next fail_login(struct smtp_client *c, const char *text)
{
    return smtp_client_fail(c, "AUTH", smtp_client_verdict(REFUSE, "5.7.8", text), true);
}

static enum next cancelled(struct smtp_client *c, unsigned code)
{
    (void)code;
    return fail_login(c, "The server's part of the login is broken: it did not prove that it knows the password");
}

/* Appends the base64 of the mechanism's answer; false when it cannot answer. */
static bool respond(struct smtp_client *c, bool first, struct str challenge, struct buf *line)
{
    char storage[RESPONSE_MAX];
    struct buf plain;
    buf_fixed(&plain, storage, sizeof storage);
    bool ok = login_client_step(c->state->login, first, challenge, &plain) && !plain.full;
    if (ok)
        base64_encode(line, buf_str(&plain));
    memset(storage, 0, sizeof storage);
    return ok && !line->full;
}

static enum next answer_challenge(struct smtp_client *c, bool first)
{
    char storage[RESPONSE_MAX], decoded[RESPONSE_MAX];
    struct buf line, challenge;
    buf_fixed(&line, storage, sizeof storage);
    buf_fixed(&challenge, decoded, sizeof decoded);
    bool readable = base64_decode(&challenge, buf_str(&c->state->reply)) && !challenge.full;
    if (!readable || !respond(c, first, buf_str(&challenge), &line))
        return smtp_client_send(c, "AUTH", S("*"), 0, cancelled);
    return smtp_client_send(c, "AUTH", buf_str(&line), 0, challenged);
}

static enum next challenged(struct smtp_client *c, unsigned code)
{
    if (code == 334)
        return answer_challenge(c, false);
    if (code != 235)
        return smtp_client_fail(c, "AUTH", smtp_client_result(c, code), true);
    if (!login_client_done(c->state->login))
        return fail_login(c, "The server said yes without proving that it knows the password");
    login_client_clear(c->state->login);
    c->state->login = NULL;
    c->logged_in = true;
    return smtp_client_next_message(c);
}

/* The initial response was too long for the command line: the server asks for it (RFC 4422 5.1). */
static enum next challenged_empty(struct smtp_client *c, unsigned code)
{
    return code == 334 ? answer_challenge(c, true) : challenged(c, code);
}

enum next smtp_client_login(struct smtp_client *c)
{
    const struct smtp_client_settings *t = c->settings;
    char storage[RESPONSE_MAX];
    struct buf line;
    if (!c->offers.auth)
        return fail_login(c, "The server does not offer a login here");
    if (!c->m.tls.active && !t->cleartext_login)
        return fail_login(c, "The password is not sent without TLS, which the server does not offer");
    c->state->login =
        login_client_new(c->connection, str_c(c->offers.mechanisms), t->user, t->password, &c->m.tls, t->scram_sha1);
    if (!c->state->login)
        return fail_login(c, "None of the server's ways to log in is known here");
    buf_fixed(&line, storage, sizeof storage);
    buf_add(&line, S("AUTH "));
    buf_add(&line, login_client_mechanism(c->state->login));
    size_t bare = line.n;
    buf_add_byte(&line, ' ');
    if (!respond(c, true, STR_NONE, &line))
        return fail_login(c, "The login could not be begun");
    if (line.n == bare + 1) /* the server speaks first */
        return smtp_client_send(c, "AUTH", str_head(buf_str(&line), bare), 0, challenged);
    if (line.n > AUTH_LINE_FIRST) {
        login_client_clear(c->state->login);
        c->state->login =
            login_client_new(c->connection, str_c(c->offers.mechanisms), t->user, t->password, &c->m.tls, t->scram_sha1);
        if (!c->state->login)
            return fail_login(c, "No memory for the login");
        return smtp_client_send(c, "AUTH", str_head(buf_str(&line), bare), 0, challenged_empty);
    }
    return smtp_client_send(c, "AUTH", buf_str(&line), 0, challenged);
}
