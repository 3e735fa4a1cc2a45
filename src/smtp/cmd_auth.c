// SPDX-License-Identifier: ISC
/* AUTH, RFC 4954. The mechanisms run elsewhere (login/login.h, in the keys role): responses go there decoded, challenges come
   back.

       AUTH --> decode --> ask AUTH --+-- MORE --> 334 --> step_response --> decode --> ask AUTH …
                                      +-- OK --> 235      "*" or a broken line --> 501, a line too long --> 500
                                      +-- FAILED --> delay --> 535, after LOGIN_FAILURES_MAX 421                               */
#include "base/encode.h"
#include "base/facts.h"
#include "smtp/inside.h"

static enum next auth_answered(struct smtp_server *s);

static enum next ask_auth(struct smtp_server *s, bool has_data, struct str text, bool initial)
{
    struct buf b;
    size_t max = text.n;
    char *storage = arena_alloc(s->scratch, max + 1);
    if (!storage)
        return smtp_answer(s, 454, "4.7.0", "No memory, try again later");
    buf_fixed(&b, storage, max + 1);
    if (has_data && !(initial && str_eq(text, S("="))) && !base64_decode(&b, text))
        return smtp_answer(s, 501, "5.5.2", "That is not base64");
    s->ask.has_data = has_data;
    s->ask.data = buf_str(&b);
    return smtp_ask_host(s, SMTP_ASK_AUTH, auth_answered);
}

static enum next skip_long_line(struct machine *m)
{
    struct smtp_server *s = (struct smtp_server *)(void *)m;
    size_t lf = str_find(m->in, '\n');
    bool timed_out = m->timed_out;
    m->timed_out = false;
    bool whole = lf < m->in.n;
    m->in = str_skip(m->in, whole ? lf + 1 : m->in.n);
    if (whole)
        return smtp_answer(s, 500, "5.5.6", "Authentication exchange line is too long");
    if (m->in_end)
        return smtp_hang_up(s);
    if (timed_out && m->now_ms >= s->state->deadline_ms)
        return smtp_goodbye(s, 421, "4.4.2", "Nothing came for too long");
    return machine_wait(m, WANT_INPUT, s->state->deadline_ms);
}

static enum next step_response(struct machine *m)
{
    struct smtp_server *s = (struct smtp_server *)(void *)m;
    struct str line;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    if (m->stopping)
        return smtp_goodbye(s, 421, "4.3.2", "The server is being stopped, try again later");
    if (machine_take_line(m, &line, true)) {
        if (line.n > SMTP_AUTH_LINE_MAX)
            return smtp_answer(s, 500, "5.5.6", "Authentication exchange line is too long");
        if (str_eq(line, S("*")))
            return smtp_answer(s, 501, "5.7.0", "Authentication cancelled");
        if (m->in.n)
            return smtp_premature(s, "AUTH");
        arena_clear(s->scratch);
        s->ask.mechanism = STR_NONE;
        return ask_auth(s, true, line, false);
    }
    if (m->in.n > SMTP_AUTH_LINE_MAX + 2) {
        m->step = skip_long_line;
        return AGAIN;
    }
    if (m->in_end)
        return smtp_hang_up(s);
    if (timed_out && m->now_ms >= s->state->deadline_ms)
        return smtp_goodbye(s, 421, "4.4.2", "Nothing came for too long");
    return machine_wait(m, WANT_INPUT, s->state->deadline_ms);
}

static enum next failed(struct smtp_server *s)
{
    if (++s->state->login_failures >= LOGIN_FAILURES_MAX)
        return smtp_goodbye(s, 421, "4.7.0", "Too many failed logins");
    return smtp_answer(s, 535, "5.7.8", "Authentication credentials invalid");
}

static enum next challenge(struct smtp_server *s)
{
    struct buf b;
    size_t max = (s->ask.answer_data.n + 2) / 3 * 4;
    char *storage = max <= SMTP_AUTH_LINE_MAX && max + 8 < SERVER_OUT_ROOM ? arena_alloc(s->scratch, max + 1) : NULL;
    if (!storage)
        return smtp_answer(s, 454, "4.7.0", "The challenge is too long");
    buf_fixed(&b, storage, max + 1);
    base64_encode(&b, s->ask.answer_data);
    buf_add(s->m.out, S("334 ")); /* the line is nothing but the challenge, RFC 4954 4 */
    buf_add(s->m.out, buf_str(&b));
    buf_add(s->m.out, S("\r\n"));
    s->state->deadline_ms = s->m.now_ms + s->settings->command_timeout_ms;
    s->m.step = step_response;
    return AGAIN;
}

/* The response, decoded, may hold a password: it does not stay in memory that is given back. */
static void wipe(struct str s)
{
    volatile char *p = (volatile char *)(uintptr_t)s.p;
    for (size_t i = 0; i < s.n; i++)
        p[i] = 0;
}

static enum next auth_answered(struct smtp_server *s)
{
    wipe(s->ask.data);
    s->ask.data = STR_NONE;
    if (s->m.in.n)
        return smtp_premature(s, "AUTH");
    if (s->ask.outcome == RETRY)
        return smtp_answer(s, 454, "4.7.0", s->ask.why.text[0] ? s->ask.why.text : "Temporary authentication failure");
    switch (s->ask.auth) {
    case SMTP_AUTH_MORE: return challenge(s);
    case SMTP_AUTH_OK: return smtp_answer(s, 235, "2.7.0", "Authentication succeeded");
    case SMTP_AUTH_FAILED: break;
    }
    if (strcmp(s->ask.why.status, "5.7.9") == 0)
        return smtp_answer(s, 534, "5.7.9", "Authentication mechanism is too weak");
    if (strcmp(s->ask.why.status, "4.7.12") == 0)
        return smtp_answer(s, 432, "4.7.12", "A password transition is needed");
    return smtp_delay(s, LOGIN_DELAY_MS * (int64_t)(s->state->login_failures + 1), failed);
}

static bool offered(const struct smtp_caps *c, struct str mechanism)
{
    struct str rest = str_c(c->mechanisms);
    for (struct str word; (word = str_word(&rest)).n;)
        if (str_eq_icase(word, mechanism))
            return true;
    return false;
}

enum next smtp_cmd_auth(struct smtp_server *s, struct str arg)
{
    struct smtp_caps caps;
    struct str mechanism = str_word(&arg), initial = str_word(&arg);
    smtp_offers(s, &caps);
    if (s->user.n)
        return smtp_answer(s, 503, "5.5.1", "You are logged in already");
    if (!s->settings->login_offered)
        return smtp_answer(s, 502, "5.5.1", "No logins here");
    if (!caps.auth)
        return smtp_answer(s, 538, "5.7.11", "Encryption required for requested authentication mechanism; send STARTTLS first");
    if (mechanism.n == 0 || str_trim(arg).n)
        return smtp_answer(s, 501, "5.5.4", "Write AUTH mechanism [initial-response]");
    if (!offered(&caps, mechanism)) {
        bool weak = str_eq_icase(mechanism, S("SCRAM-SHA-1")) || str_eq_icase(mechanism, S("CRAM-MD5")) ||
                    str_eq_icase(mechanism, S("DIGEST-MD5"));
        return weak ? smtp_answer(s, 534, "5.7.9", "Authentication mechanism is too weak")
                    : smtp_answer(s, 504, "5.5.4", "That mechanism is not offered");
    }
    s->ask.mechanism = arena_str(s->scratch, mechanism);
    if (!s->ask.mechanism.p)
        return smtp_answer(s, 454, "4.7.0", "No memory, try again later");
    return ask_auth(s, initial.n > 0, initial, true);
}
