// SPDX-License-Identifier: ISC
/* AUTH (RFC 5034), and the way from a proof to an open maildrop that PASS shares. The mechanisms run elsewhere (login/login.h, in the keys role).

       AUTH ──► ask AUTH ─┬─ MORE ──► "+ challenge" ──► step_response ──► ask AUTH …      "*", no base64: -ERR
       PASS ──►           ├─ OK ──► ask OPEN ──► +OK, TRANSACTION │ -ERR [IN-USE], [LOGIN-DELAY], [SYS/…]
                          └─ FAILED ──► delay ──► -ERR [AUTH] (RFC 3206)                                                           */
#include "pop3/inside.h"
#include <stdio.h>
#include <string.h>
#include "base/encode.h"
#include "base/limits.h"

static enum next opened(struct pop3_server *s)
{
    uint32_t count;
    uint64_t octets;
    if (s->ask.outcome == DONE) {
        pop3_count(s, &count, &octets);
        s->state->phase = PHASE_TRANSACTION;
        s->state->login_failures = 0;
        buf_printf(s->m.out, "+OK %lu messages (%llu octets)\r\n", (unsigned long)count, (unsigned long long)octets);
        return pop3_next(s);
    }
    s->user = STR_NONE;
    s->message_count = 0;
    struct str status = str_c(s->ask.why.status);
    if (str_eq_icase(status, S("in-use")))
        return pop3_fail(s, "IN-USE", "Another session has this maildrop open; try again when it has ended");
    if (str_eq_icase(status, S("login-delay")))
        return pop3_fail(s, "LOGIN-DELAY", "You logged in a moment ago; wait before you try again");
    return pop3_fail_why(s, s->ask.outcome, &s->ask.why, "The maildrop cannot be opened");
}

static enum next failed(struct pop3_server *s)
{
    if (++s->state->login_failures >= LOGIN_FAILURES_MAX)
        return pop3_goodbye(s, "AUTH", "Too many failed logins");
    return pop3_fail(s, "AUTH", "The user name or the password is wrong");
}

static enum next step_response(struct machine *m);

static enum next challenge(struct pop3_server *s)
{
    struct buf line;
    size_t max = (s->ask.answer_data.n + 2) / 3 * 4;
    char *text = max + 8 < SERVER_OUT_ROOM ? arena_alloc(s->scratch, max + 1) : NULL;
    if (!text)
        return pop3_fail(s, "SYS/TEMP", "The challenge is too long");
    buf_fixed(&line, text, max + 1);
    base64_encode(&line, s->ask.answer_data);
    buf_add(s->m.out, S("+ "));
    buf_add(s->m.out, buf_str(&line));
    buf_add(s->m.out, S("\r\n"));
    s->state->deadline_ms = s->m.now_ms + s->settings->idle_timeout_ms;
    s->m.step = step_response;
    return AGAIN;
}

static enum next answered(struct pop3_server *s)
{
    if (s->ask.outcome == RETRY)
        return pop3_fail_why(s, RETRY, &s->ask.why, "Logging in is not possible now");
    switch (s->ask.auth) {
    case POP3_AUTH_MORE: return challenge(s);
    case POP3_AUTH_OK: return pop3_ask_host(s, POP3_ASK_OPEN, opened);
    case POP3_AUTH_FAILED: break;
    }
    return pop3_delay(s, LOGIN_DELAY_MS * (int64_t)(s->state->login_failures + 1), failed);
}

enum next pop3_ask_login(struct pop3_server *s, bool has_data, char *secret, size_t n)
{
    s->ask.has_data = has_data;
    s->ask.data = str_of(secret, n);
    s->ask.auth = POP3_AUTH_FAILED;
    s->state->secret = secret;
    s->state->secret_n = n;
    return pop3_ask_host(s, POP3_ASK_AUTH, answered);
}

static enum next take_response(struct pop3_server *s, bool has_data, struct str text, bool initial)
{
    struct buf to;
    char *octets = arena_alloc(s->scratch, text.n + 1);
    if (!octets)
        return pop3_fail(s, "SYS/TEMP", "No memory, try again later");
    buf_fixed(&to, octets, text.n + 1);
    if (has_data && !(initial && str_eq(text, S("="))) && !base64_decode(&to, text)) /* "=": an empty response that is there */
        return pop3_err(s, NULL, "That is not base64");
    return pop3_ask_login(s, has_data, octets, to.n);
}

static enum next step_long_response(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    size_t lf = str_find(m->in, '\n');
    bool whole = lf < m->in.n, timed_out = m->timed_out;
    m->timed_out = false;
    m->in = str_skip(m->in, whole ? lf + 1 : m->in.n);
    if (whole)
        return pop3_err(s, NULL, "The response is too long");
    if (m->in_end || (timed_out && m->now_ms >= s->state->deadline_ms))
        return pop3_hang_up(s);
    return machine_wait(m, WANT_INPUT, s->state->deadline_ms);
}

static enum next step_response(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    struct str line;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    if (m->stopping)
        return pop3_goodbye(s, "SYS/TEMP", "The server is being stopped, try again later");
    if (machine_take_line(m, &line, true)) {
        if (line.n > SMTP_AUTH_LINE_MAX)
            return pop3_err(s, NULL, "The response is too long");
        if (str_eq(line, S("*")))
            return pop3_err(s, NULL, "Login cancelled");
        arena_clear(s->scratch);
        s->ask.mechanism = STR_NONE;
        return take_response(s, true, line, false);
    }
    if (m->in.n > SMTP_AUTH_LINE_MAX + 2) {
        m->step = step_long_response;
        return AGAIN;
    }
    if (m->in_end || (timed_out && m->now_ms >= s->state->deadline_ms))
        return pop3_hang_up(s);
    return machine_wait(m, WANT_INPUT, s->state->deadline_ms);
}

/* AUTH alone is how clients older than CAPA asked for the mechanisms (RFC 1734's time); they still do. */
static enum next list_mechanisms(struct pop3_server *s, struct str offered)
{
    buf_add(s->m.out, S("+OK\r\n"));
    for (struct str word; (word = str_word(&offered)).n > 0;) {
        buf_add(s->m.out, word);
        buf_add(s->m.out, S("\r\n"));
    }
    buf_add(s->m.out, S(".\r\n"));
    return pop3_next(s);
}

enum next pop3_cmd_auth(struct pop3_server *s, struct str arg)
{
    char names[160];
    struct buf offered;
    bool known = false;
    s->state->name_n = 0;
    if (!pop3_may_login(s))
        return pop3_err(s, NULL, "Logging in needs TLS here; send STLS first");
    buf_fixed(&offered, names, sizeof names);
    login_mechanisms(&offered, s->m.tls.active, s->m.tls.has_exporter, s->settings->scram_sha1);
    if (arg.n == 0)
        return list_mechanisms(s, buf_str(&offered));
    struct str mechanism = str_word(&arg), initial = str_word(&arg), all = buf_str(&offered);
    for (struct str word; (word = str_word(&all)).n > 0;)
        known = known || str_eq_icase(word, mechanism);
    if (str_trim(arg).n > 0)
        return pop3_err(s, NULL, "Write AUTH mechanism [initial-response]");
    if (!known)
        return pop3_err(s, NULL, "That mechanism is not offered");
    s->ask.mechanism = arena_str(s->scratch, mechanism);
    if (!s->ask.mechanism.p)
        return pop3_fail(s, "SYS/TEMP", "No memory, try again later");
    return take_response(s, initial.n > 0, initial, true);
}
