// SPDX-License-Identifier: ISC
/* The host's jobs: two cursors over one list. The sender runs ahead as far as the server pipelines and out has room; the receiver takes the replies in
   order and the octets of messages into body.

     client_jobs ──ASK_JOBS──► step_jobs ◄──────────────────────────────────────────┐
                                 │ ▲   send ahead, then wait for the reply           │
                                 ▼ │ DELE, NOOP, RSET                                │
                              job_said ──TOP, RETR +OK──► step_body ──"."──► ASK_JOB_DONE
                                                              ▲ body is full: WANT_ROOM
     all received ──► client_jobs;  no jobs ──► QUIT ──► HANG_UP                                                              */
#include "pop3/client_inside.h"

enum { BODY_ROOM_MIN = 1024 };

static enum next step_jobs(struct machine *m);

static enum next quit_said(struct pop3_client *c, bool ok, struct str text)
{
    return ok ? client_end(c, DONE, NULL, NULL) : client_end_err(c, text, RETRY);
}

static enum next jobs_came(struct pop3_client *c)
{
    struct pop3_client_state *st = c->state;
    st->sent = st->received = 0;
    if (c->ask.job_count == 0)
        return client_command(c, "QUIT", quit_said);
    c->m.step = step_jobs;
    return AGAIN;
}

enum next client_jobs(struct pop3_client *c)
{
    c->ask.jobs = NULL;
    c->ask.job = NULL;
    c->ask.job_count = 0;
    return client_ask(c, POP3_CLIENT_ASK_JOBS, jobs_came);
}

static void command_add(struct buf *out, const struct pop3_job *j)
{
    static const char *const names[] = {
        [POP3_JOB_TOP] = "TOP", [POP3_JOB_RETR] = "RETR", [POP3_JOB_DELE] = "DELE", [POP3_JOB_NOOP] = "NOOP", [POP3_JOB_RSET] = "RSET"};
    buf_add_c(out, names[j->kind]);
    if (j->kind == POP3_JOB_TOP || j->kind == POP3_JOB_RETR || j->kind == POP3_JOB_DELE)
        buf_printf(out, " %lu", (unsigned long)j->number);
    if (j->kind == POP3_JOB_TOP)
        buf_printf(out, " %lu", (unsigned long)j->lines);
    buf_add(out, S("\r\n"));
}

static bool has_body(const struct pop3_job *j)
{
    return j->kind == POP3_JOB_TOP || j->kind == POP3_JOB_RETR;
}

static enum next go_on(struct pop3_client *c)
{
    c->m.step = step_jobs;
    return AGAIN;
}

static enum next job_over(struct pop3_client *c)
{
    struct pop3_job *j = &c->ask.jobs[c->state->received++];
    if (!has_body(j))
        return go_on(c);
    c->ask.job = j;
    return client_ask(c, POP3_CLIENT_ASK_JOB_DONE, go_on);
}

/* Puts octets into body, line ends made CRLF; false: no room. Only CRLF begins a line whose dot means something: a bare LF that a stranger wrote into
   a message must not end it. */
static bool body_add(struct pop3_client *c, struct str run)
{
    if (buf_room(c->body) < run.n)
        return false;
    buf_add(c->body, run);
    c->ask.jobs[c->state->received].octets += run.n;
    return true;
}

/* The beginning of a line. AGAIN: it has been dealt with; WAIT: more input is needed. */
static enum next line_begin(struct pop3_client *c)
{
    struct str in = c->m.in;
    if (in.p[0] == '.') {
        if (in.n < 2 || (in.p[1] == '\r' && in.n < 3))
            return client_wait_input(c);
        if (in.p[1] == '\r' && in.p[2] == '\n') {
            c->m.in = str_skip(in, 3);
            c->ask.jobs[c->state->received].outcome = DONE;
            return job_over(c);
        }
        c->m.in = str_skip(in, 1);
    }
    c->state->line_start = false;
    return AGAIN;
}

static enum next step_body(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    struct pop3_client_state *st = c->state;
    if (m->in.n == 0)
        return client_wait_input(c);
    if (buf_room(c->body) < BODY_ROOM_MIN)
        return machine_wait(m, WANT_ROOM, 0);
    if (st->line_start && !st->cr)
        return line_begin(c);
    st->deadline_ms = 0; /* the server gets on */
    char first = m->in.p[0];
    if (st->cr || first == '\n') {
        st->line_start = st->cr && first == '\n';
        st->cr = false;
        m->in = str_skip(m->in, first == '\n');
        body_add(c, S("\r\n"));
        return AGAIN;
    }
    if (first == '\r') {
        st->cr = true;
        m->in = str_skip(m->in, 1);
        return AGAIN;
    }
    struct str run = str_head(m->in, buf_room(c->body) - 2);
    run = str_head(run, str_find(run, '\n'));
    run = str_head(run, str_find(run, '\r'));
    body_add(c, run);
    m->in = str_skip(m->in, run.n);
    return AGAIN;
}

static enum next job_said(struct pop3_client *c, bool ok, struct str text)
{
    struct pop3_job *j = &c->ask.jobs[c->state->received];
    j->octets = 0;
    j->why = (struct why){{0}, {0}};
    j->outcome = DONE;
    if (!ok)
        client_why(text, REFUSE, &j->outcome, &j->why);
    if (!ok || !has_body(j))
        return job_over(c);
    c->state->line_start = true;
    c->state->cr = false;
    j->outcome = RETRY; /* until its end has come */
    c->m.step = step_body;
    return AGAIN;
}

static enum next step_jobs(struct machine *m)
{
    struct pop3_client *c = client_of(m);
    struct pop3_client_state *st = c->state;
    uint32_t window = st->capabilities & HAS_PIPELINING ? PIPELINE_MAX : 1;
    while (st->sent < c->ask.job_count && st->sent - st->received < window && buf_room(m->out) >= 64)
        command_add(m->out, &c->ask.jobs[st->sent++]);
    if (st->received == c->ask.job_count)
        return client_jobs(c);
    if (st->sent == st->received)
        return AGAIN; /* machine_run waits for room */
    return client_expect(c, job_said);
}
