// SPDX-License-Identifier: ISC
/* The server machine: greeting, command lines, questions, the end. One file for each command (cmd_*.c); what is legal when stands in verbs.c.

      step_greet ──+OK──► pop3_step_command ◄──────────────reply────────────── pop3_cmd_* ◄─────┐
                            │  │  │  │  └──a verb──► pop3_cmd_* ──ask──► step_answered ──then──┘   (LOGIN: ask AUTH, then ask OPEN)
                            │  │  │  │                   ├── AUTH "+ " ──► step_response (cmd_auth.c)
                            │  │  │  │                   ├── LIST, UIDL ──► step_listing (cmd_list.c)
                            │  │  │  │                   ├── RETR, TOP ──► ask READ, step_sending … (send.c)
                            │  │  │  │                   ├── STLS +OK ──► NEED_TLS ──► step_secured (cmd_stls.c)
                            │  │  │  │                   └── QUIT ──► ask COMMIT ──► step_hang_up
                            │  │  │  └─line too long──► step_skip_line
                            │  │  └─idle too long───┐
                            │  └─end of input───────┼──► step_hang_up: nothing is deleted
                            └─stopping, many errors─┘

   Phases: AUTHORIZATION ──login──► TRANSACTION. Deletions are marks in s->messages until QUIT asks the host to COMMIT them. */
#include "pop3/inside.h"
#include <string.h>
#include "base/check.h"
#include "base/limits.h"
#include "base/utf8.h"

static struct pop3_server *server_of(struct machine *m)
{
    return (struct pop3_server *)(void *)m;
}

/* --- the end --- */

static enum next step_hang_up(struct machine *m)
{
    m->in = STR_NONE;
    return HANG_UP;
}

enum next pop3_hang_up(struct pop3_server *s)
{
    pop3_send_clear(s);
    s->m.step = step_hang_up;
    return AGAIN;
}

static void line_add(struct pop3_server *s, const char *status, const char *code, const char *text)
{
    struct buf *out = s->m.out;
    buf_add_c(out, status);
    if (code) {
        buf_add_c(out, " [");
        buf_add_c(out, code);
        buf_add_byte(out, ']');
    }
    buf_add_byte(out, ' ');
    for (struct str t = str_head(str_c(text), 300); t.n > 0; t = str_skip(t, 1)) /* RFC 2449 3: printable; UTF-8 only for those who asked */
        buf_add_byte(out, t.p[0] >= ' ' && t.p[0] < 0x7f ? t.p[0] : (t.p[0] & 0x80) && s->state && s->state->utf8 ? t.p[0] : '?');
    buf_add(out, S("\r\n"));
}

enum next pop3_goodbye(struct pop3_server *s, const char *code, const char *text)
{
    line_add(s, "-ERR", code, text);
    return pop3_hang_up(s);
}

/* --- replies --- */

enum next pop3_next(struct pop3_server *s)
{
    s->state->deadline_ms = 0;
    s->m.step = pop3_step_command;
    return AGAIN;
}

enum next pop3_ok(struct pop3_server *s, const char *text)
{
    line_add(s, "+OK", NULL, text);
    return pop3_next(s);
}

enum next pop3_fail(struct pop3_server *s, const char *code, const char *text)
{
    line_add(s, "-ERR", code, text);
    return pop3_next(s);
}

enum next pop3_err(struct pop3_server *s, const char *code, const char *text)
{
    if (++s->state->errors > s->settings->error_max)
        return pop3_goodbye(s, NULL, "Too many errors");
    return pop3_fail(s, code, text);
}

enum next pop3_fail_why(struct pop3_server *s, enum outcome outcome, const struct why *why, const char *otherwise)
{
    return pop3_fail(s, outcome == REFUSE ? "SYS/PERM" : "SYS/TEMP", why->text[0] ? why->text : otherwise);
}

/* --- waiting --- */

static enum next step_answered(struct machine *m)
{
    struct pop3_server *s = server_of(m);
    if (!m->answered)
        return machine_wait(m, WANT_ANSWER, 0); /* the host always answers: RETRY when it cannot */
    m->answered = false;
    m->timed_out = false;
    s->ask.kind = POP3_ASK_NONE;
    if (s->state->secret) {
        explicit_bzero(s->state->secret, s->state->secret_n);
        s->state->secret = NULL;
        s->ask.data = STR_NONE;
    }
    return s->state->then(s);
}

enum next pop3_ask_host(struct pop3_server *s, enum pop3_ask_kind kind, enum next (*then)(struct pop3_server *s))
{
    s->ask.kind = kind;
    s->ask.outcome = RETRY;
    s->ask.why = (struct why){{0}, {0}};
    s->ask.answer_data = STR_NONE;
    s->ask.last = false;
    s->state->then = then;
    s->m.answered = false;
    s->m.step = step_answered;
    return AGAIN;
}

static enum next step_delay(struct machine *m)
{
    struct pop3_server *s = server_of(m);
    m->timed_out = false;
    if (m->in_end)
        return pop3_hang_up(s); /* nobody waits for the answer any more */
    if (m->now_ms < s->state->deadline_ms)
        return machine_wait(m, WANT_EVENT, s->state->deadline_ms);
    return s->state->then(s);
}

enum next pop3_delay(struct pop3_server *s, int64_t ms, enum next (*then)(struct pop3_server *s))
{
    s->state->then = then;
    s->state->deadline_ms = s->m.now_ms + ms;
    s->m.step = step_delay;
    return AGAIN;
}

/* --- messages --- */

void pop3_count(const struct pop3_server *s, uint32_t *count, uint64_t *octets)
{
    *count = 0;
    *octets = 0;
    for (uint32_t i = 0; i < s->message_count; i++)
        if (!s->messages[i].deleted) {
            ++*count;
            *octets += s->messages[i].size;
        }
}

struct pop3_message *pop3_find(struct pop3_server *s, struct str arg, enum next *next)
{
    uint64_t number;
    if (!str_to_u64(arg, &number) || number == 0)
        *next = pop3_err(s, NULL, "Messages are named by numbers from 1");
    else if (number > s->message_count)
        *next = pop3_err(s, NULL, "No such message");
    else if (s->messages[number - 1].deleted)
        *next = pop3_err(s, NULL, "That message is marked as deleted");
    else
        return &s->messages[number - 1];
    return NULL;
}

bool pop3_may_login(const struct pop3_server *s)
{
    return s->m.tls.active || !s->settings->login_needs_tls;
}

/* --- command lines --- */

static bool is_secret(const struct verb *v)
{
    return v->run == pop3_cmd_user || v->run == pop3_cmd_pass;
}

/* RFC 2449 3: printable ASCII; RFC 6856 2.2 adds UTF-8 for user names and passwords. */
static bool arg_fits(const struct verb *v, struct str arg)
{
    for (size_t i = 0; i < arg.n; i++)
        if ((unsigned char)arg.p[i] < ' ' || arg.p[i] == 0x7f)
            return false;
    return is_secret(v) ? utf8_is_valid(arg) : utf8_is_ascii(arg);
}

static enum next run_line(struct pop3_server *s, struct str line)
{
    struct str arg = STR_NONE, name = str_cut(line, ' ', &arg);
    const struct verb *v = NULL;
    arena_clear(s->scratch);
    for (size_t i = 0; i < pop3_verb_count && !v; i++)
        if (str_eq_icase(name, str_c(pop3_verbs[i].name)))
            v = &pop3_verbs[i];
    if (!v)
        return pop3_err(s, NULL, str_eq_icase(name, S("APOP")) ? "APOP is not offered here, use AUTH" : "No such command; CAPA lists what there is");
    if (!(v->phases & s->state->phase))
        return pop3_err(s, NULL, s->state->phase == PHASE_AUTHORIZATION ? "Log in first" : "You are logged in already");
    if (v->run != pop3_cmd_pass)
        arg = str_trim(arg); /* in a password each space counts */
    if (!arg_fits(v, arg))
        return pop3_err(s, NULL, is_secret(v) ? "That is not UTF-8, or holds control characters" : "The argument is not printable ASCII");
    if (v->arg == ARG_NONE ? arg.n > 0 : v->arg == ARG_MUST && arg.n == 0) {
        char text[64] = "Write ";
        strncat(text, v->usage, sizeof text - 8);
        return pop3_err(s, NULL, text);
    }
    return v->run(s, arg);
}

static enum next step_skip_line(struct machine *m)
{
    struct pop3_server *s = server_of(m);
    size_t lf = str_find(m->in, '\n');
    bool whole = lf < m->in.n, timed_out = m->timed_out;
    m->timed_out = false;
    m->in = str_skip(m->in, whole ? lf + 1 : m->in.n);
    if (whole)
        return pop3_err(s, NULL, "The line is too long");
    if (m->in_end || (timed_out && m->now_ms >= s->state->deadline_ms))
        return pop3_hang_up(s);
    return machine_wait(m, WANT_INPUT, s->state->deadline_ms);
}

/* A server that stops keeps nobody waiting, but a client that has said QUIT is done as it wished. */
static bool quits(const struct machine *m)
{
    return m->in.n >= 5 && str_eq_icase(str_head(m->in, 4), S("QUIT")) && (m->in.p[4] == '\r' || m->in.p[4] == '\n');
}

enum next pop3_step_command(struct machine *m)
{
    struct pop3_server *s = server_of(m);
    struct str line;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    if (m->stopping && !quits(m))
        return pop3_goodbye(s, "SYS/TEMP", "The server is being stopped, try again later; nothing was deleted");
    if (s->state->deadline_ms == 0)
        s->state->deadline_ms = m->now_ms + s->settings->idle_timeout_ms;
    if (machine_take_line(m, &line, true))
        return line.n > COMMAND_MAX ? pop3_err(s, NULL, "The line is too long") : run_line(s, line);
    if (m->in.n > COMMAND_MAX + 2) {
        m->step = step_skip_line;
        return AGAIN;
    }
    /* RFC 1939 3: when the timer expires the session ends without a word and without UPDATE. */
    if (m->in_end || (timed_out && m->now_ms >= s->state->deadline_ms))
        return pop3_hang_up(s);
    return machine_wait(m, WANT_INPUT, s->state->deadline_ms);
}

static enum next step_greet(struct machine *m)
{
    struct pop3_server *s = server_of(m);
    if (m->stopping)
        return pop3_goodbye(s, "SYS/TEMP", "The server is being stopped, try again later");
    buf_add(m->out, S("+OK "));
    buf_add(m->out, str_head(s->settings->hostname, 255));
    buf_add(m->out, S(" POP3 ready\r\n"));
    return pop3_next(s);
}

bool pop3_server_init(struct pop3_server *s)
{
    s->state = arena_new(s->connection, struct pop3_state);
    if (!s->state)
        return false;
    s->state->phase = PHASE_AUTHORIZATION;
    s->user = STR_NONE;
    s->messages = NULL;
    s->message_count = 0;
    s->ask = (struct pop3_ask){.kind = POP3_ASK_NONE};
    s->m.step = step_greet;
    s->m.out_room = SERVER_OUT_ROOM;
    return true;
}

void pop3_server_clear(struct pop3_server *s)
{
    if (!s->state)
        return;
    if (s->state->secret)
        explicit_bzero(s->state->secret, s->state->secret_n);
    pop3_send_clear(s);
    s->state = NULL;
}

void pop3_server_refuse(struct buf *out, const char *why)
{
    buf_add(out, S("-ERR [SYS/TEMP] "));
    buf_add_c(out, why);
    buf_add(out, S("\r\n"));
}
