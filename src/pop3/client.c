// SPDX-License-Identifier: ISC
/* The client machine: replies, the greeting, capabilities, TLS. Logging in: client_login.c; the list: client_list.c; the host's jobs: client_jobs.c.

     step_reply ◄─ every command waits here; the continuation (then) gets the status and the text
       greeted ──► CAPA ──► capable ──┬── STLS ──► NEED_TLS ──► step_secured ──► CAPA ──► capable
                                      └── [UTF8] ──► client_login ──► client_list ──► client_jobs ──► QUIT ──► HANG_UP
     -ERR where it matters, a broken reply, the end of input, time: client_end ──► HANG_UP                                       */
#include "pop3/client.h"
#include <stdio.h>
#include <string.h>
#include "base/compiler.h"
#include "base/utf8.h"
#include "pop3/client_inside.h"

struct pop3_client *client_of(struct machine *m)
{
    return (struct pop3_client *)(void *)m;
}

static enum next step_hang_up(struct machine *m)
{
    m->in = STR_NONE;
    return HANG_UP;
}

enum next client_end(struct pop3_client *c, enum outcome outcome, const char *status, const char *text)
{
    c->outcome = outcome;
    if (text) {
        snprintf(c->why.status, sizeof c->why.status, "%s", status);
        snprintf(c->why.text, sizeof c->why.text, "%s", text);
    }
    login_client_clear(c->state->login);
    c->state->login = NULL;
    c->m.step = step_hang_up;
    return AGAIN;
}

void client_why(struct str text, enum outcome otherwise, enum outcome *outcome, struct why *why)
{
    static const struct { const char *code; enum outcome outcome; } codes[] = {
        {"IN-USE", RETRY}, {"LOGIN-DELAY", RETRY}, {"SYS/TEMP", RETRY}, {"SYS/PERM", REFUSE}, {"AUTH", REFUSE}, {"UTF8", REFUSE},
    };
    struct str rest = text;
    *outcome = otherwise;
    why->status[0] = '\0';
    if (str_starts(text, S("["))) {
        struct str code = str_cut(str_skip(text, 1), ']', &rest);
        for (size_t i = 0; i < countof(codes); i++)
            if (str_eq_icase(code, str_c(codes[i].code))) {
                *outcome = codes[i].outcome;
                snprintf(why->status, sizeof why->status, "%s", codes[i].code);
            }
    }
    char store[4 * sizeof why->text];
    struct buf printable;
    buf_fixed(&printable, store, sizeof store);
    buf_add(&printable, S("the server says: "));
    utf8_add_printable(&printable, str_head(str_trim(rest), sizeof why->text - 20));
    size_t n = printable.n < sizeof why->text ? printable.n : sizeof why->text - 1;
    memcpy(why->text, printable.p, n);
    while (n > 0 && !utf8_is_valid(str_of(why->text, n)))
        n--; /* never half a character */
    why->text[n] = '\0';
}

enum next client_end_err(struct pop3_client *c, struct str text, enum outcome otherwise)
{
    enum outcome outcome;
    client_why(text, otherwise, &outcome, &c->why);
    return client_end(c, outcome, NULL, NULL);
}

/* --- replies --- */

enum next client_wait_input(struct pop3_client *c)
{
    struct machine *m = &c->m;
    struct pop3_client_state *st = c->state;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    if (m->in_end)
        return client_end(c, RETRY, "", "the server closed the connection");
    if (st->deadline_ms == 0)
        st->deadline_ms = m->now_ms + (c->settings->timeout_ms > 0 ? c->settings->timeout_ms : CLIENT_TIMEOUT_MS);
    if (timed_out && m->now_ms >= st->deadline_ms)
        return client_end(c, RETRY, "", "the server did not answer in time");
    return machine_wait(m, WANT_INPUT, st->deadline_ms);
}

/* True: a line. Else *next says what to return. */
static bool take_line(struct pop3_client *c, struct str *line, enum next *next)
{
    struct pop3_client_state *st = c->state;
    if (machine_take_line(&c->m, line, true) && line->n <= REPLY_MAX) {
        st->deadline_ms = 0;
        return true;
    }
    *next = c->m.in.n > REPLY_MAX || line->n > REPLY_MAX ? client_end(c, RETRY, "", "the server sent a line that is too long") : client_wait_input(c);
    return false;
}

static enum next step_reply(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    struct str line = STR_NONE;
    enum next next = AGAIN;
    if (!take_line(c, &line, &next))
        return next;
    c->state->continuing = false;
    if (str_starts(line, S("+OK")) && (line.n == 3 || line.p[3] == ' '))
        return c->state->then(c, true, str_skip(line, 4));
    if (str_starts(line, S("-ERR")) && (line.n == 4 || line.p[4] == ' '))
        return c->state->then(c, false, str_skip(line, 5));
    if (c->state->login && (str_starts(line, S("+ ")) || str_eq(line, S("+")))) {
        c->state->continuing = true;
        return c->state->then(c, true, str_skip(line, 2));
    }
    return client_end(c, RETRY, "", "the server sent what is no POP3 reply");
}

enum next client_expect(struct pop3_client *c, enum next (*then)(struct pop3_client *c, bool ok, struct str text))
{
    c->state->then = then;
    c->m.step = step_reply;
    return AGAIN;
}

enum next client_command(struct pop3_client *c, const char *line, enum next (*then)(struct pop3_client *c, bool ok, struct str text))
{
    buf_add_c(c->m.out, line);
    buf_add(c->m.out, S("\r\n"));
    return client_expect(c, then);
}

static enum next step_lines(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    struct str line = STR_NONE;
    enum next next = AGAIN;
    if (!take_line(c, &line, &next))
        return next;
    if (str_eq(line, S(".")))
        return c->state->after(c);
    if (str_starts(line, S(".")))
        line = str_skip(line, 1);
    return c->state->line(c, line);
}

enum next client_lines(struct pop3_client *c, enum next (*line)(struct pop3_client *c, struct str line), enum next (*after)(struct pop3_client *c))
{
    c->state->line = line;
    c->state->after = after;
    c->state->lines = 0;
    c->m.step = step_lines;
    return AGAIN;
}

/* --- questions --- */

static enum next step_answered(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    if (!m->answered)
        return machine_wait(m, WANT_ANSWER, 0);
    m->answered = false;
    m->timed_out = false;
    c->ask.kind = POP3_CLIENT_ASK_NONE;
    return c->state->after(c);
}

enum next client_ask(struct pop3_client *c, enum pop3_client_ask_kind kind, enum next (*after)(struct pop3_client *c))
{
    c->ask.kind = kind;
    c->state->after = after;
    c->m.answered = false;
    c->m.step = step_answered;
    return AGAIN;
}

/* --- the beginning --- */

static enum next ask_capabilities(struct pop3_client *c);

static enum next utf8_said(struct pop3_client *c, bool ok, struct str text)
{
    (void)ok; /* refused: then messages come rewritten, no harm */
    (void)text;
    return client_login(c);
}

static enum next step_secured(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    if (!m->tls.active)
        return client_end(c, RETRY, "", "no TLS with the server");
    return ask_capabilities(c); /* RFC 2595 4: what was said before is forgotten */
}

static enum next tls_agreed(struct pop3_client *c, bool ok, struct str text)
{
    if (!ok)
        return client_end_err(c, text, RETRY);
    c->m.in = STR_NONE;
    c->m.step = step_secured;
    return NEED_TLS;
}

static enum next capable(struct pop3_client *c)
{
    bool offered = c->state->capabilities & HAS_STLS, active = c->m.tls.active;
    if (!active && c->settings->tls == POP3_CLIENT_TLS_NEED && !offered)
        return client_end(c, REFUSE, "", "the server offers no TLS; the password was not sent");
    if (!active && offered && c->settings->tls != POP3_CLIENT_TLS_NEVER)
        return client_command(c, "STLS", tls_agreed);
    if (c->settings->utf8 && (c->state->capabilities & HAS_UTF8))
        return client_command(c, "UTF8", utf8_said);
    return client_login(c);
}

static enum next capability_line(struct pop3_client *c, struct str line)
{
    static const struct { const char *name; enum capability bit; } names[] = {
        {"STLS", HAS_STLS}, {"USER", HAS_USER}, {"PIPELINING", HAS_PIPELINING}, {"UTF8", HAS_UTF8}, {"UIDL", HAS_UIDL}, {"SASL", HAS_SASL},
    };
    struct str rest = line, name = str_word(&rest);
    if (++c->state->lines > CAPABILITIES_MAX)
        return client_end(c, RETRY, "", "the server lists capabilities without end");
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_icase(name, str_c(names[i].name)))
            c->state->capabilities |= names[i].bit;
    if (str_eq_icase(name, S("SASL")))
        str_to_c(str_trim(rest), c->state->sasl, sizeof c->state->sasl);
    return AGAIN;
}

/* A server that knows no CAPA gets STLS anyway when there must be TLS, and USER. */
static enum next capabilities_said(struct pop3_client *c, bool ok, struct str text)
{
    (void)text;
    c->state->capabilities = ok ? 0 : HAS_STLS | HAS_USER | HAS_UIDL;
    c->state->sasl[0] = '\0';
    if (ok)
        return client_lines(c, capability_line, capable);
    if (c->settings->tls != POP3_CLIENT_TLS_NEED)
        c->state->capabilities &= ~(uint32_t)HAS_STLS;
    return capable(c);
}

static enum next ask_capabilities(struct pop3_client *c)
{
    return client_command(c, "CAPA", capabilities_said);
}

static enum next greeted(struct pop3_client *c, bool ok, struct str text)
{
    return ok ? ask_capabilities(c) : client_end_err(c, text, RETRY);
}

static bool holds_line_end(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return true;
    return false;
}

static enum next step_begin(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    if (c->settings->user.n == 0 || holds_line_end(c->settings->user) || holds_line_end(c->settings->password) ||
        c->settings->user.n + c->settings->password.n > 1400)
        return client_end(c, REFUSE, "", "the user name or the password is empty, too long, or holds a line end");
    return client_expect(c, greeted);
}

bool pop3_client_init(struct pop3_client *c)
{
    c->state = arena_new(c->connection, struct pop3_client_state);
    if (!c->state)
        return false;
    c->outcome = RETRY;
    c->why = (struct why){{0}, {0}};
    c->ask = (struct pop3_client_ask){.kind = POP3_CLIENT_ASK_NONE};
    c->messages = NULL;
    c->message_count = 0;
    c->octets = 0;
    c->mechanism = STR_NONE;
    c->m.step = step_begin;
    c->m.out_room = CLIENT_OUT_ROOM;
    return true;
}

void pop3_client_clear(struct pop3_client *c)
{
    if (!c->state)
        return;
    login_client_clear(c->state->login);
    c->state = NULL;
}
