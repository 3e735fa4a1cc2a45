// SPDX-License-Identifier: ISC
#include "agent/mailer.h"
#include "os/process.h"

enum { GREETING_MS = 60000, PIECE = 32 * 1024, SESSION_MEM = 4 << 20, LIST_MEM = 64 << 20 };

/* ---- submission ---- */

struct smtp_host {
    struct smtp_client c;
    struct agent *g;
    struct submission *s;
    struct buf piece;
    bool ended, given, kept;
};

/* The replies live in the transaction's memory, which goes when the next message has been asked for. */
static void keep_replies(struct smtp_host *x)
{
    struct smtp_client_message *m = x->s->message;
    if (!m || x->kept)
        return;
    x->kept = true;
    m->result.text = arena_str(&x->g->a, m->result.text);
    for (uint32_t i = 0; i < m->rcpt_count; i++)
        m->rcpt[i].result.text = arena_str(&x->g->a, m->rcpt[i].result.text);
}

static void give_message(struct smtp_host *x)
{
    struct smtp_client *c = &x->c;
    if (x->given)
        keep_replies(x);
    c->message = NULL;
    if (!x->given && x->s->message && (!x->s->begin || x->s->begin(x->s->self, &c->offers)))
        c->message = x->s->message;
    x->given = true;
    c->m.answered = true;
}

static void give_data(struct smtp_host *x)
{
    struct smtp_client *c = &x->c;
    buf_clear(&x->piece);
    c->ask.outcome = DONE;
    c->ask.data = STR_NONE;
    while (!x->ended && x->piece.n == 0) {
        int n = x->s->body(x->s->self, &x->piece);
        if (n < 0)
            c->ask.outcome = RETRY;
        x->ended = n <= 0;
    }
    if (c->ask.outcome == DONE)
        c->ask.data = buf_str(&x->piece);
    c->m.answered = true;
}

static void smtp_answer(void *self)
{
    struct smtp_host *x = self;
    switch (x->c.ask.kind) {
    case SMTP_CLIENT_ASK_MESSAGE:
        give_message(x);
        break;
    case SMTP_CLIENT_ASK_DATA:
        give_data(x);
        break;
    case SMTP_CLIENT_ASK_NONE:
        break;
    }
}

static int session_failed(const struct smtp_client *c, const struct endpoint *to)
{
    const struct smtp_result *f = &c->failure;
    bool login = c->failed_at && strcmp(c->failed_at, "AUTH") == 0;
    return agent_fail(f->outcome == RETRY ? TRY_LATER
                      : login             ? NOT_ALLOWED
                                          : NOT_RUNNING,
                      login ? "is the password right? penny account add ADDRESS asks for it anew" : NULL, "%s:%u: %s: %.*s",
                      to->host, to->port,
                      login          ? "the login was refused"
                      : c->failed_at ? c->failed_at
                                     : "the session failed",
                      STR_ARG(f->text));
}

int submit(struct agent *g, struct account *a, struct trust *t, struct submission *s)
{
    char hostname[256];
    struct smtp_host x = {.g = g, .s = s};
    struct net_host h = {.self = &x, .answer = smtp_answer};
    struct arena connection, transaction;
    int status = account_password(g, a);
    if (status >= 0)
        return status;
    struct smtp_client_settings settings = {
        .helo =
            process_hostname(hostname) && str_find(str_c(hostname), '.') < strlen(hostname) ? str_c(hostname) : S("[127.0.0.1]"),
        .tls = a->submission.implicit ? SMTP_TLS_NEVER : SMTP_TLS_REQUIRED,
        .user = a->login.n ? a->login : a->address,
        .password = a->password,
        .greeting_timeout_ms = GREETING_MS,
    };
    arena_init(&connection, SESSION_MEM);
    arena_init(&transaction, SESSION_MEM);
    buf_init(&x.piece, PIECE);
    x.c.settings = &settings;
    x.c.connection = &connection;
    x.c.transaction = &transaction;
    status = net_host_open(&h, &x.c.m, &a->submission, t);
    if (status < 0 && !smtp_client_init(&x.c)) {
        status = agent_fail(IO_ERROR, NULL, "no memory");
    } else if (status >= 0) {
        status = account_failed(g, &h, &a->submission, status);
    } else {
        bool ok = net_host_run(&h);
        if (!ok && !(s->message && s->message->finished))
            status = account_failed(g, &h, &a->submission, t->refused ? NOT_ALLOWED : TRY_LATER);
        else if (x.c.failure.outcome && !x.given)
            status = session_failed(&x.c, &a->submission);
        else
            keep_replies(&x);
        smtp_client_clear(&x.c);
    }
    net_host_close(&h);
    buf_free(&x.piece);
    arena_clear(&connection);
    arena_clear(&transaction);
    return status;
}

/* ---- POP3 ---- */

struct pop3_host {
    struct pop3_client c;
    struct pop3_work *w;
    struct buf body;
    bool chosen;
};

static bool pop3_drain(void *self)
{
    struct pop3_host *x = self;
    bool any = x->body.n > 0;
    if (x->body.n && x->w->octets)
        x->w->octets(x->w->self, buf_str(&x->body));
    buf_clear(&x->body);
    return any;
}

static void pop3_answer(void *self)
{
    struct pop3_host *x = self;
    struct pop3_client *c = &x->c;
    (void)pop3_drain(x);
    switch (c->ask.kind) {
    case POP3_CLIENT_ASK_JOBS:
        c->ask.jobs = NULL;
        c->ask.job_count = 0;
        if (!x->chosen && x->w->choose)
            c->ask.jobs = x->w->choose(x->w->self, c, &c->ask.job_count);
        x->chosen = true;
        break;
    case POP3_CLIENT_ASK_JOB_DONE:
        if (x->w->done)
            x->w->done(x->w->self, c->ask.job);
        break;
    case POP3_CLIENT_ASK_NONE:
        break;
    }
    c->m.answered = true;
}

int pop3_run(struct agent *g, struct account *a, struct trust *t, struct pop3_work *w)
{
    struct pop3_host x = {.w = w};
    struct net_host h = {.self = &x, .answer = pop3_answer, .drain = pop3_drain};
    struct arena connection;
    int status = account_password(g, a);
    if (status >= 0)
        return status;
    struct pop3_client_settings settings = {.user = a->login.n ? a->login : a->address,
                                            .password = a->password,
                                            .tls = POP3_CLIENT_TLS_NEED,
                                            .utf8 = true,
                                            .timeout_ms = GREETING_MS};
    arena_init(&connection, LIST_MEM);
    buf_init(&x.body, 128 * 1024);
    x.c.settings = &settings;
    x.c.connection = &connection;
    x.c.body = &x.body;
    status = net_host_open(&h, &x.c.m, &a->pop3, t);
    if (status < 0 && !pop3_client_init(&x.c)) {
        status = agent_fail(IO_ERROR, NULL, "no memory");
    } else if (status >= 0) {
        status = account_failed(g, &h, &a->pop3, status);
    } else {
        bool ok = net_host_run(&h);
        if (!ok && !x.chosen)
            status = account_failed(g, &h, &a->pop3, t->refused ? NOT_ALLOWED : TRY_LATER);
        else if (ok && x.c.outcome != DONE && !x.chosen)
            status = agent_fail(x.c.outcome == RETRY ? TRY_LATER : NOT_ALLOWED,
                                x.c.outcome == RETRY ? NULL : "is the password right? penny account add ADDRESS asks for it anew",
                                "%s:%u: %s", a->pop3.host, a->pop3.port, x.c.why.text);
        else if (!ok || x.c.outcome != DONE)
            status = agent_fail(TRY_LATER, NULL, "%s:%u: %s", a->pop3.host, a->pop3.port, ok ? x.c.why.text : h.why.text);
        pop3_client_clear(&x.c);
    }
    net_host_close(&h);
    buf_free(&x.body);
    arena_clear(&connection);
    return status;
}
