// SPDX-License-Identifier: ISC
/* The server machine: greeting, command lines, questions, the end. One file for each verb (cmd_*.c), the octets of a message in
   server_data.c, its end in server_commit.c; what is legal when stands in verbs.c.

        step_greet --220--> smtp_step_command <-----------------------------------------------+
            | early talker     |    |    |                                                      |
            v                  |    |    +-- line too long --> step_skip_line -- 500 -----------+
        step_hang_up <-- 421 --+    |                                                           |
            ^                       +-- a verb --> smtp_cmd_* -- reply -------------------------+
            | QUIT, too many errors, premature input  |                                         |
            +-----------------------------------------+                                         |
                                                      +-- ask --> step_answered: the host answers, then(): reply
                                                      +-- delay --> step_delay: time passes, then(): reply
                                                      +-- AUTH: 334 --> step_response (cmd_auth.c): ask again or reply
                                                      +-- STARTTLS: 220 --> NEED_TLS --> step_secured: as after the greeting
                                                      +-- DATA: 354, BDAT --> smtp_step_data, smtp_step_chunk (server_data.c)
            smtp_commit (server_commit.c) <-- CRLF.CRLF, LAST ----+
                 +-- body drained --> ask COMMIT --> one reply, in LMTP one for each recipient --> smtp_step_command

   Phases (enum phase): NEW --HELO--> READY --MAIL--> MAIL --RCPT--> RCPT --DATA--> READY; RCPT --BDAT--> BDAT --LAST--> READY;
   RSET and HELO lead back to READY, STARTTLS to NEW. */
#include "base/check.h"
#include "base/facts.h"
#include "login/login.h"
#include "smtp/inside.h"

static struct smtp_server *server_of(struct machine *m)
{
    return (struct smtp_server *)(void *)m;
}

/* --- the end ------------------------------------------------------------- */

static enum next step_hang_up(struct machine *m)
{
    m->in = STR_NONE;
    return HANG_UP;
}

enum next smtp_hang_up(struct smtp_server *s)
{
    smtp_transaction_drop(s);
    s->m.step = step_hang_up;
    return AGAIN;
}

enum next smtp_goodbye(struct smtp_server *s, unsigned code, const char *status, const char *text)
{
    if (s->sid[0])
        fact(FACT_INFO, "smtp.goodbye", fact_c("sid", s->sid), fact_c("verb", s->state->verb ? s->state->verb->name : ""),
             fact_num("code", code), fact_c("text", text));
    smtp_reply_add(s->m.out, code, status, str_c(text), false);
    return smtp_hang_up(s);
}

enum next smtp_premature(struct smtp_server *s, const char *what)
{
    char text[96] = "Input came before the reply to ";
    strncat(text, what, 20);
    return smtp_goodbye(s, 554, "5.5.0", text);
}

void smtp_transaction_end(struct smtp_server *s)
{
    s->state->t = NULL;
    s->ask.rcpt = NULL;
    s->ask.envelope = NULL;
    if (s->state->phase & (PHASE_MAIL | PHASE_RCPT | PHASE_BDAT))
        s->state->phase = PHASE_READY;
    arena_clear(s->transaction);
}

void smtp_transaction_drop(struct smtp_server *s)
{
    if (s->state->t && s->state->t->begun) {
        buf_clear(s->body);
        s->body_aborted = true;
    }
    smtp_transaction_end(s);
}

/* --- replies ------------------------------------------------------------- */

enum next smtp_answer_str(struct smtp_server *s, unsigned code, const char *status, struct str text)
{
    struct smtp_state *st = s->state;
    if (code >= 400 && s->sid[0])
        fact(FACT_INFO, "smtp.refused", fact_c("sid", s->sid), fact_c("verb", st->verb ? st->verb->name : ""),
             fact_num("code", code), fact_c("status", status), fact_str("text", text));
    if (code >= 500 && ++st->errors > s->settings->error_max)
        return smtp_goodbye(s, 421, "4.7.0", "Too many errors");
    smtp_reply_add(s->m.out, code, status, text, st->t && st->t->env.smtputf8);
    s->m.step = smtp_step_command;
    st->deadline_ms = 0;
    return AGAIN;
}

enum next smtp_answer(struct smtp_server *s, unsigned code, const char *status, const char *text)
{
    return smtp_answer_str(s, code, status, str_c(text));
}

enum next smtp_refuse(struct smtp_server *s, struct smtp_refusal r)
{
    return smtp_answer(s, r.code, r.status, r.text);
}

struct smtp_refusal smtp_why(enum outcome outcome, const struct why *why, unsigned retry, unsigned refuse)
{
    static const struct { const char *status; unsigned code; } better[] = { /* RFC 5321 4.2.3 and 3463 agree on these */
        {"4.2.2", 452}, {"4.3.1", 452}, {"4.3.4", 452}, {"4.5.3", 452}, {"4.2.1", 450}, {"4.7.0", 451},
        {"5.2.2", 552}, {"5.2.3", 552}, {"5.3.4", 552}, {"5.1.3", 553}, {"5.6.7", 553}, {"5.7.1", 550},
    };
    bool later = outcome != REFUSE; /* unknown means later */
    const char *fallback = later ? "4.3.0" : "5.0.0";
    const char *status = why->status[0] == (later ? '4' : '5') ? why->status : fallback;
    struct smtp_refusal r = {later ? retry : refuse, status,
                             why->text[0] ? why->text
                             : later      ? "Not now, try again later"
                                          : "Refused"};
    for (size_t i = 0; i < countof(better); i++)
        if (strcmp(status, better[i].status) == 0)
            r.code = better[i].code;
    return r;
}

/* --- waiting ------------------------------------------------------------- */

static enum next step_answered(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    if (!m->answered)
        return machine_wait(m, WANT_ANSWER, 0); /* the host always answers: RETRY when it cannot */
    m->answered = false;
    m->timed_out = false;
    s->ask.kind = SMTP_ASK_NONE;
    return s->state->then(s);
}

enum next smtp_ask_host(struct smtp_server *s, enum smtp_ask_kind kind, enum next (*then)(struct smtp_server *s))
{
    s->ask.kind = kind;
    s->ask.outcome = RETRY;
    s->ask.why = (struct why){{0}, {0}};
    s->ask.answer_data = STR_NONE;
    s->ask.rcpt_outcome = NULL;
    s->ask.rcpt_why = NULL;
    s->state->then = then;
    s->m.answered = false;
    s->m.step = step_answered;
    return AGAIN;
}

static enum next step_delay(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    m->timed_out = false;
    if (m->in_end && m->in.n == 0)
        return smtp_hang_up(s);
    if (m->now_ms < s->state->deadline_ms)
        return machine_wait(m, WANT_INPUT, s->state->deadline_ms); /* input only piles up, but its end is the end */
    return s->state->then(s);
}

enum next smtp_delay(struct smtp_server *s, int64_t ms, enum next (*then)(struct smtp_server *s))
{
    s->state->then = then;
    s->state->deadline_ms = s->m.now_ms + ms;
    s->m.step = step_delay;
    return AGAIN;
}

/* --- command lines ------------------------------------------------------- */

static const struct verb *find_verb(const struct smtp_server *s, struct str name)
{
    for (size_t i = 0; i < smtp_verb_count; i++)
        if (str_eq_icase(name, str_c(smtp_verbs[i].name)) && (smtp_verbs[i].kinds & 1u << s->settings->kind))
            return &smtp_verbs[i];
    return NULL;
}

static enum next out_of_order(struct smtp_server *s, const struct verb *v)
{
    if (s->state->phase == PHASE_NEW)
        return smtp_answer(s, 503, "5.5.1", s->settings->kind == SMTP_LMTP ? "Send LHLO first" : "Send EHLO or HELO first");
    return smtp_answer(s, 503, "5.5.1", v->out_of_order ? v->out_of_order : "Not now");
}

static enum next run_verb(struct smtp_server *s, struct str name, struct str arg)
{
    struct smtp_state *st = s->state;
    const struct verb *v = st->verb = find_verb(s, name);
    bool login_missing = s->settings->require_login && s->user.n == 0;
    if (!v)
        return smtp_answer(s, 500, "5.5.1",
                           s->settings->kind == SMTP_LMTP ? "No such command; this is LMTP, send LHLO" : "No such command");
    if (v->flags & VERB_FOREIGN)
        return smtp_goodbye(s, 554, "5.5.1", "This is SMTP");
    if (!v->run)
        return smtp_answer(s, 502, "5.5.1", "Not implemented");
    if ((v->flags & VERB_LAST) && s->m.in.n > 0)
        return smtp_premature(s, v->name);
    if (!(v->phases & st->phase) && st->phase == PHASE_NEW)
        return out_of_order(s, v);
    if ((v->flags & VERB_LOGIN) && login_missing)
        return smtp_answer(s, 530, "5.7.0",
                           s->settings->login_needs_tls && !s->m.tls.active ? "Must issue a STARTTLS command first"
                                                                            : "Authentication required");
    if (!(v->phases & st->phase))
        return out_of_order(s, v);
    if ((v->flags & VERB_NO_ARG) && arg.n)
        return smtp_answer(s, 501, "5.5.4", "This command takes no argument");
    return v->run(s, arg);
}

static enum next step_skip_line(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    size_t lf = str_find(m->in, '\n');
    bool whole = lf < m->in.n;
    m->in = str_skip(m->in, whole ? lf + 1 : m->in.n);
    if (whole)
        return smtp_answer(s, 500, "5.5.2", "Line too long");
    m->step = smtp_step_command;
    s->state->in_long_line = true;
    return AGAIN;
}

static enum next take_command(struct smtp_server *s, struct str line, bool crlf)
{
    struct str rest = line, name;
    s->state->verb = NULL;
    arena_clear(s->scratch);
    if (line.n > SMTP_COMMAND_MAX)
        return smtp_answer(s, 500, "5.5.2", "Line too long");
    if (!crlf && s->settings->bare == SMTP_BARE_REFUSE)
        return smtp_answer(s, 500, "5.5.2", "A line ends with CR LF");
    for (size_t i = 0; i < line.n; i++)
        if (((unsigned char)line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 127)
            return smtp_answer(s, 500, "5.5.2", "A control character stands in the command");
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t')) /* RFC 5321 4.1.1: tolerate trailing blanks */
        line.n--;
    rest = line;
    name = str_cut(rest, ' ', &rest);
    if (name.n == 0)
        return smtp_answer(s, 500, "5.5.2", line.n ? "A command does not begin with a space" : "An empty line is no command");
    while (rest.n && rest.p[0] == ' ')
        rest = str_skip(rest, 1);
    return run_verb(s, name, rest);
}

enum next smtp_step_command(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    struct smtp_state *st = s->state;
    struct str line;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    if (st->deadline_ms == 0)
        st->deadline_ms = m->now_ms + s->settings->command_timeout_ms;
    if (m->stopping)
        return smtp_goodbye(s, 421, "4.3.2", "The server is being stopped, try again later");
    if (st->in_long_line && m->in.n) {
        st->in_long_line = false;
        return step_skip_line(m);
    }
    const char *start = m->in.p;
    if (machine_take_line(m, &line, true))
        return take_command(s, line, (size_t)(m->in.p - start) == line.n + 2);
    if (m->in.n > SMTP_COMMAND_MAX + 2)
        return step_skip_line(m);
    if (m->in_end)
        return smtp_hang_up(s);
    if (timed_out && m->now_ms >= st->deadline_ms)
        return smtp_goodbye(s, 421, "4.4.2", "Nothing came for too long");
    return machine_wait(m, WANT_INPUT, st->deadline_ms);
}

/* --- the beginning ------------------------------------------------------- */

static enum next step_greet(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    struct smtp_state *st = s->state;
    if (st->deadline_ms == 0) {
        st->connected_ms = m->unix_ms;
        st->deadline_ms = m->now_ms + s->settings->greet_delay_ms;
    }
    m->timed_out = false;
    if (m->in.n) /* RFC 5321 3.1: the client waits for the greeting */
        return smtp_goodbye(s, 554, NULL, "You spoke before the greeting");
    if (m->in_end)
        return smtp_hang_up(s);
    if (m->now_ms < st->deadline_ms)
        return machine_wait(m, WANT_INPUT, st->deadline_ms);
    if (m->stopping)
        return smtp_goodbye(s, 421, "4.3.2", "The server is being stopped, try again later");
    struct buf text;
    char storage[SMTP_REPLY_LINE_MAX];
    buf_fixed(&text, storage, sizeof storage);
    buf_add(&text, s->settings->hostname);
    buf_add_c(&text, s->settings->kind == SMTP_LMTP ? " LMTP penny ready" : " ESMTP penny ready");
    smtp_reply_add(m->out, 220, NULL, buf_str(&text), false);
    st->deadline_ms = 0;
    m->step = smtp_step_command;
    return AGAIN;
}

void smtp_offers(const struct smtp_server *s, struct smtp_caps *to)
{
    bool login_here = s->settings->login_offered && (s->m.tls.active || !s->settings->login_needs_tls);
    *to = (struct smtp_caps){
        .esmtp = s->esmtp, .pipelining = true, .size = true, .eightbitmime = true, .smtputf8 = true, .enhancedstatuscodes = true,
        .chunking = true,
        .binarymime = true, .dsn = true, .starttls = s->settings->offer_tls && !s->m.tls.active, .auth = login_here,
        .requiretls = s->m.tls.active, /* RFC 8689 2 */
        .mt_priority = true,
        .size_max = s->settings->message_max, .rcpt_max = s->settings->rcpt_max, .mail_max = s->settings->transaction_max,
    };
    if (login_here) {
        struct buf b;
        buf_fixed(&b, to->mechanisms, sizeof to->mechanisms - 1);
        login_mechanisms(&b, s->m.tls.active, s->m.tls.has_exporter, s->settings->scram_sha1);
        check(!b.full);
    }
}

bool smtp_server_init(struct smtp_server *s)
{
    check(s->settings && s->body && s->m.out && s->connection && s->transaction && s->scratch && s->next_id);
    check(s->m.out->max >= SMTP_SERVER_OUT_MIN && s->body->max >= SMTP_SERVER_BODY_MIN);
    s->state = arena_new(s->connection, struct smtp_state);
    if (!s->state)
        return false;
    s->state->phase = PHASE_NEW;
    s->m.step = step_greet;
    s->m.out_room = SERVER_OUT_ROOM;
    s->body_aborted = false;
    s->ask = (struct smtp_ask){0};
    s->user = s->helo = STR_NONE;
    s->esmtp = false;
    return true;
}

void smtp_server_clear(struct smtp_server *s)
{
    if (s->state)
        smtp_transaction_drop(s);
    s->state = NULL;
    s->m.step = NULL;
}

void smtp_server_refuse(struct buf *out, struct str hostname, const char *why)
{
    struct buf text;
    char storage[SMTP_REPLY_LINE_MAX];
    buf_fixed(&text, storage, sizeof storage);
    buf_add(&text, hostname);
    buf_add_byte(&text, ' ');
    buf_add_c(&text, why);
    smtp_reply_add(out, 421, "4.7.0", buf_str(&text), false);
}
