// SPDX-License-Identifier: ISC
/* The client machine: the session. The login stands in client_login.c, a message's envelope in client_envelope.c, its octets in
   client_body.c.

     greeting --220--> hello(): EHLO (LHLO) --5yz--> HELO
                          |  250 of either
                          v
                       ready() -- TLS wanted and offered --> STARTTLS --220--> NEED_TLS --> step_secured --> hello()
                          |                                     +-- refused, opportunistic ----------------> hello()
                          |  -- user given --> AUTH … 235 --+      (client_login.c)
                          +---------------------------------+--> step_message: ask MESSAGE <------------------+
                                                                     |         | a message                     |
                                      HANG_UP <-- step_quit <-- NULL +         v                               |
                                                     client_envelope.c --> client_body.c -- done, or RSET after a refusal

   Anywhere: no reply in time, rubbish, end of input, 421: smtp_client_fail, then QUIT or HANG_UP. Each wait has its time of RFC
   5321 4.5.3.2. */
#include "smtp/client_inside.h"
#include "base/check.h"

enum { MINUTE = 60 * 1000, QUIT_WAIT_MS = 10 * 1000 };

static struct smtp_client *client_of(struct machine *m)
{
    return (struct smtp_client *)(void *)m;
}

int64_t smtp_client_timeout(int64_t setting, int64_t standard)
{
    return setting > 0 ? setting : standard;
}

/* --- results ------------------------------------------------------------- */

static enum outcome outcome_of(unsigned code)
{
    return code >= 200 && code < 300 ? DONE : code >= 500 ? REFUSE : RETRY; /* RFC 5321 4.3.2: the first digit decides */
}

struct smtp_result smtp_client_result(struct smtp_client *c, unsigned code)
{
    struct smtp_result r = {.outcome = outcome_of(code), .code = (uint16_t)code};
    struct buf joined;
    char storage[RESULT_TEXT_MAX];
    struct str rest = buf_str(&c->state->reply);
    buf_fixed(&joined, storage, sizeof storage);
    for (bool more = true; more;) {
        more = str_find(rest, '\n') < rest.n;
        struct str line = str_cut(rest, '\n', &rest);
        char status[12];
        if (smtp_status_take(code, &line, status) && r.status[0] == 0)
            memcpy(r.status, status, sizeof r.status);
        if (joined.n && buf_room(&joined))
            buf_add_byte(&joined, ' ');
        smtp_text_add(&joined, line, true, buf_room(&joined));
    }
    r.text = arena_str(c->transaction, buf_str(&joined));
    if (!r.text.p)
        r.text = S("");
    return r;
}

struct smtp_result smtp_client_verdict(enum outcome outcome, const char *status, const char *text)
{
    struct smtp_result r = {.outcome = outcome, .text = str_c(text)};
    str_to_c(str_c(status), r.status, sizeof r.status);
    return r;
}

/* --- replies ------------------------------------------------------------- */

enum smtp_got smtp_client_take_reply(struct smtp_client *c, unsigned *code)
{
    struct smtp_client_state *st = c->state;
    struct str line;
    while (machine_take_line(&c->m, &line, true)) {
        if (line.n > SMTP_REPLY_READ_MAX)
            return SMTP_GOT_RUBBISH;
        if (st->reader.lines == 0)
            buf_clear(&st->reply);
        if (st->ehlo && st->reader.lines > 0)
            smtp_caps_line(&c->offers, str_skip(line, 4));
        *code = 0;
        switch (smtp_reply_feed(&st->reader, line, &st->reply)) {
        case SMTP_REPLY_MORE: continue;
        case SMTP_REPLY_BROKEN: return SMTP_GOT_RUBBISH;
        case SMTP_REPLY_DONE: break;
        }
        *code = st->reader.code;
        st->reader = (struct smtp_reply_reader){0};
        return SMTP_GOT_REPLY;
    }
    if (c->m.in.n > SMTP_REPLY_READ_MAX + 2)
        return SMTP_GOT_RUBBISH;
    return c->m.in_end ? SMTP_GOT_END : SMTP_GOT_NOTHING;
}

bool smtp_client_timed_out(struct smtp_client *c)
{
    bool yes = c->m.timed_out && c->m.now_ms >= c->state->deadline_ms;
    c->m.timed_out = false;
    return yes;
}

enum next smtp_client_lost(struct smtp_client *c, enum smtp_got what)
{
    if (what == SMTP_GOT_RUBBISH)
        return smtp_client_fail(c, c->state->at, smtp_client_verdict(RETRY, "4.5.0", "The server's answer is not SMTP"), false);
    if (what == SMTP_GOT_END)
        return smtp_client_fail(c, c->state->at, smtp_client_verdict(RETRY, "4.4.2", "The server closed the connection"), false);
    return smtp_client_fail(c, c->state->at, smtp_client_verdict(RETRY, "4.4.2", "The server did not answer in time"), false);
}

static bool send_pending(struct smtp_client *c)
{
    struct str *line = &c->state->pending;
    if (!line->p) /* an empty line is one, too: the last answer of SCRAM */
        return true;
    if (buf_room(c->m.out) < line->n + 2)
        return false;
    buf_add(c->m.out, *line);
    buf_add(c->m.out, S("\r\n"));
    *line = STR_NONE;
    return true;
}

static enum next step_reply(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    unsigned code;
    if (!send_pending(c)) /* the peer answers, but does not read: wait for it as for a reply */
        return smtp_client_timed_out(c) ? smtp_client_lost(c, SMTP_GOT_NOTHING)
                                        : machine_wait(m, WANT_ROOM, c->state->deadline_ms);
    enum smtp_got got = smtp_client_take_reply(c, &code);
    if (got == SMTP_GOT_REPLY) {
        m->timed_out = false;
        return c->state->then(c, code);
    }
    if (got != SMTP_GOT_NOTHING || smtp_client_timed_out(c))
        return smtp_client_lost(c, got);
    return machine_wait(m, WANT_INPUT, c->state->deadline_ms);
}

enum next smtp_client_wait_reply(struct smtp_client *c, const char *at, int64_t timeout_ms,
                                 enum next (*then)(struct smtp_client *c, unsigned code))
{
    c->state->at = at;
    c->state->then = then;
    c->state->deadline_ms =
        c->m.now_ms + (timeout_ms ? timeout_ms : smtp_client_timeout(c->settings->command_timeout_ms, 5 * MINUTE));
    c->m.step = step_reply;
    return AGAIN;
}

enum next smtp_client_send(struct smtp_client *c, const char *at, struct str line, int64_t timeout_ms,
                           enum next (*then)(struct smtp_client *c, unsigned code))
{
    c->state->pending = line;
    if (!send_pending(c) && !(c->state->pending = arena_str(c->connection, line)).p) {
        c->state->pending = STR_NONE;
        return smtp_client_fail(c, at, smtp_client_verdict(RETRY, "4.3.1", "No memory for the session"), false);
    }
    return smtp_client_wait_reply(c, at, timeout_ms, then);
}

/* --- the end ------------------------------------------------------------- */

static enum next step_hang_up(struct machine *m)
{
    m->in = STR_NONE;
    return HANG_UP;
}

static enum next hang_up(struct smtp_client *c)
{
    c->m.step = step_hang_up;
    return AGAIN;
}

static enum next step_quit(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    unsigned code;
    if (smtp_client_take_reply(c, &code) == SMTP_GOT_NOTHING && !smtp_client_timed_out(c))
        return machine_wait(m, WANT_INPUT, c->state->deadline_ms);
    return hang_up(c);
}

static enum next quit(struct smtp_client *c)
{
    if (buf_room(c->m.out) < 6)
        return hang_up(c);
    buf_add(c->m.out, S("QUIT\r\n"));
    c->state->deadline_ms = c->m.now_ms + QUIT_WAIT_MS; /* nothing depends on the answer */
    c->m.step = step_quit;
    return AGAIN;
}

enum next smtp_client_fail(struct smtp_client *c, const char *at, struct smtp_result why, bool polite)
{
    c->failure = why;
    c->failed_at = at;
    if (c->message && !c->message->finished)
        smtp_client_settle(c, why);
    bool gone = !polite || why.code == 421 || c->m.in_end;
    return gone ? hang_up(c) : quit(c);
}

/* --- messages ------------------------------------------------------------ */

static enum next step_message(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    if (m->stopping && !m->answered)
        c->message = NULL;
    else if (!m->answered)
        return machine_wait(m, WANT_ANSWER, 0);
    m->answered = m->timed_out = false;
    c->ask.kind = SMTP_CLIENT_ASK_NONE;
    arena_clear(c->transaction);
    return c->message ? smtp_client_begin(c) : quit(c);
}

enum next smtp_client_next_message(struct smtp_client *c)
{
    c->ask = (struct smtp_client_ask){.kind = SMTP_CLIENT_ASK_MESSAGE};
    c->m.answered = false;
    c->m.step = step_message;
    return AGAIN;
}

/* --- greeting, EHLO, STARTTLS -------------------------------------------- */

static enum next hello(struct smtp_client *c);

static enum next step_secured(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    if (!m->tls.active)
        return smtp_client_fail(c, "STARTTLS", smtp_client_verdict(RETRY, "4.7.5", "The TLS hand-shake failed"), false);
    return hello(c); /* RFC 3207 4.2: everything anew */
}

static enum next tls_answered(struct smtp_client *c, unsigned code)
{
    if (code == 220) {
        c->m.in = STR_NONE; /* what stands behind the reply was not said under TLS */
        c->m.step = step_secured;
        return NEED_TLS;
    }
    c->state->tls_refused = true;
    if (c->settings->tls == SMTP_TLS_REQUIRED || code == 421)
        return smtp_client_fail(c, "STARTTLS", smtp_client_result(c, code), true);
    return hello(c);
}

static enum next ready(struct smtp_client *c)
{
    bool secure = c->m.tls.active, wanted = c->settings->tls != SMTP_TLS_NEVER && !secure;
    if (wanted && c->offers.starttls && !c->state->tls_refused)
        return smtp_client_send(c, "STARTTLS", S("STARTTLS"), 0, tls_answered);
    if (wanted && c->settings->tls == SMTP_TLS_REQUIRED)
        return smtp_client_fail(
            c, "STARTTLS", smtp_client_verdict(RETRY, "4.7.4", "The server does not offer STARTTLS, which is required"), true);
    if (c->settings->user.n && !c->logged_in)
        return smtp_client_login(c);
    return smtp_client_next_message(c);
}

static enum next hello_answered(struct smtp_client *c, unsigned code)
{
    struct smtp_client_state *st = c->state;
    st->ehlo = false;
    if (code >= 200 && code < 300) {
        c->offers.esmtp = !st->helo_only;
        return ready(c);
    }
    bool old = code >= 500 && !st->helo_only && !c->settings->lmtp; /* RFC 5321 3.2: back to HELO */
    if (!old || c->settings->tls == SMTP_TLS_REQUIRED)
        return smtp_client_fail(c, st->at, smtp_client_result(c, code), true);
    st->helo_only = true;
    return hello(c);
}

static enum next hello(struct smtp_client *c)
{
    struct buf line;
    char storage[DOMAIN_MAX + 16];
    const char *verb = c->settings->lmtp ? "LHLO" : c->state->helo_only ? "HELO" : "EHLO";
    buf_fixed(&line, storage, sizeof storage);
    buf_add_c(&line, verb);
    buf_add_byte(&line, ' ');
    buf_add(&line, c->settings->helo);
    check(!line.full && c->settings->helo.n > 0);
    c->offers = (struct smtp_caps){0};
    c->state->ehlo = !c->state->helo_only;
    return smtp_client_send(c, verb, buf_str(&line), 0, hello_answered);
}

static enum next greeted(struct smtp_client *c, unsigned code)
{
    if (code != 220) {
        struct smtp_result r = smtp_client_result(c, code);
        if (code < 400)
            r.outcome = RETRY;
        return smtp_client_fail(c, "greeting", r, true);
    }
    struct str text = buf_str(&c->state->reply);
    c->peer = arena_str(c->connection, str_head(str_word(&text), DOMAIN_MAX));
    return hello(c);
}

static enum next step_start(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    return smtp_client_wait_reply(c, "greeting", smtp_client_timeout(c->settings->greeting_timeout_ms, 5 * MINUTE), greeted);
}

bool smtp_client_init(struct smtp_client *c)
{
    check(c->settings && c->m.out && c->connection && c->transaction && c->m.out->max >= SMTP_CLIENT_OUT_MIN);
    c->state = arena_new(c->connection, struct smtp_client_state);
    if (!c->state)
        return false;
    buf_fixed(&c->state->reply, c->state->reply_text, sizeof c->state->reply_text);
    c->m.step = step_start;
    c->m.out_room = 0; /* each step that writes looks for room itself, so that it can keep time while it waits */
    c->offers = (struct smtp_caps){0};
    c->failure = (struct smtp_result){0};
    c->failed_at = NULL;
    c->logged_in = false;
    return true;
}

void smtp_client_clear(struct smtp_client *c)
{
    if (c->state)
        login_client_clear(c->state->login);
    c->state = NULL;
    c->m.step = NULL;
}
