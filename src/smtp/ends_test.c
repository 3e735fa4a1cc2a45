// SPDX-License-Identifier: ISC
/* Both ends against each other: what the client is given is what the server's host gets, for random octets, pieces, buffer
   sizes and modes. */
#include "base/facts.h"
#include "base/test.h"
#include "login/login.h"
#include "smtp/drive.h"

struct pair {
    struct fake_host f;
    struct smtp_client c;
    struct buf to_server, to_client, server_out, client_out, got;
    struct login_server login;
    struct drive d;
    bool given;
};

static enum next run(struct machine *m, struct buf *in)
{
    size_t had = in->n;
    char *copy = malloc(had + 1);
    if (!copy)
        abort();
    memcpy(copy, buf_str(in).p, had);
    m->in = str_of(copy, had);
    enum next next = machine_run(m);
    buf_consume(in, had - m->in.n);
    m->in = STR_NONE;
    free(copy);
    return next;
}

static void carry(struct drive *d, struct buf *from, struct buf *to)
{
    size_t n = 1 + drive_roll(d, 400);
    buf_add(to, str_head(buf_str(from), n));
    buf_consume(from, n);
}

struct text { char p[3000]; size_t n; };

static void random_text(struct drive *d, struct text *t, bool binary)
{
    static const char lines[] = "\r\n\r\n\r\n..ab \xc3\xa9:";
    size_t n = drive_roll(d, sizeof t->p - 40);
    t->n = 0;
    memcpy(t->p, "From: a@b.example\r\n\r\n", 21);
    t->n = 21;
    for (size_t i = 0; i < n; i++)
        t->p[t->n++] = binary ? (char)drive_roll(d, 256) : lines[drive_roll(d, sizeof lines - 1)];
}

/* The login as the keys role runs it, so that both ends of SCRAM meet. */
static void answer_login(struct pair *p)
{
    static struct login_verifier verifier;
    static bool made;
    static char storage[4096];
    struct smtp_ask *a = &p->f.s.ask;
    struct buf challenge;
    struct why why;
    if (!made)
        made = login_verifier_make(S("secret"), &verifier, &why) == DONE;
    buf_fixed(&challenge, storage, sizeof storage);
    if (a->mechanism.n)
        CHECK(login_server_init(&p->login, a->mechanism, &p->f.s.m.tls, false));
    enum login_step step = login_server_feed(&p->login, a->has_data, a->data, &challenge);
    if (step == LOGIN_NEED_VERIFIER)
        step = login_server_verifier(&p->login, true, &verifier, &challenge);
    if (step == LOGIN_NEED_PASSWORD_CHECK)
        step = login_server_check(&p->login);
    a->outcome = DONE;
    a->auth = step == LOGIN_OK ? SMTP_AUTH_OK : step == LOGIN_MORE ? SMTP_AUTH_MORE : SMTP_AUTH_FAILED;
    a->answer_data = buf_str(&challenge);
    if (step == LOGIN_OK)
        p->f.s.user = S("alice@demo.test");
    p->f.s.m.answered = true;
}

static void answer_server(struct pair *p)
{
    if (p->f.s.ask.kind == SMTP_ASK_AUTH) {
        answer_login(p);
        return;
    }
    if (p->f.s.ask.kind == SMTP_ASK_COMMIT)
        buf_add(&p->got, buf_str(&p->f.message));
    fake_answer(&p->f);
}

static void answer_client(struct pair *p, struct smtp_client_message *msg, const struct text *text, uint32_t piece_max)
{
    if (p->c.ask.kind == SMTP_CLIENT_ASK_MESSAGE) {
        p->c.message = p->given ? NULL : msg;
        p->given = true;
    } else {
        size_t at = (size_t)p->c.ask.offset;
        p->c.ask.data = str_head(str_of(text->p + at, text->n - at), 1 + drive_roll(&p->d, piece_max));
        p->c.ask.outcome = DONE;
    }
    p->c.m.answered = true;
}

/* One message, one connection. p->got is what the server's host got. */
static void transfer(struct pair *p, struct smtp_client_message *msg, const struct text *text,
                     const struct smtp_client_settings *t, uint32_t piece_max)
{
    struct arena connection, transaction;
    enum next server = WAIT, client = WAIT;
    arena_init(&connection, SESSION_CONNECTION_MEM);
    arena_init(&transaction, SESSION_TRANSACTION_MEM);
    buf_init(&p->to_server, 1 << 20);
    buf_init(&p->to_client, 1 << 20);
    buf_init(&p->server_out, SMTP_SERVER_OUT_MIN);
    buf_init(&p->client_out, SMTP_CLIENT_OUT_MIN);
    buf_clear(&p->got);
    p->given = false;
    struct machine *s = fake_open(&p->f, &p->server_out);
    p->c = (struct smtp_client){.settings = t, .connection = &connection, .transaction = &transaction};
    p->c.m.out = &p->client_out;
    CHECK(s && smtp_client_init(&p->c));
    s->now_ms = p->c.m.now_ms = 1000;
    for (unsigned round = 0; round < 200000 && !(server == HANG_UP && client == HANG_UP); round++) {
        if (server == WAIT)
            server = run(s, &p->to_server);
        if (client == WAIT)
            client = run(&p->c.m, &p->to_client);
        carry(&p->d, &p->server_out, &p->to_client);
        carry(&p->d, &p->client_out, &p->to_server);
        fake_ran(&p->f, drive_roll(&p->d, 2));
        if (server == WAIT && (s->wants & WANT_ANSWER) && p->f.body.n == 0)
            answer_server(p);
        if (client == WAIT && (p->c.m.wants & WANT_ANSWER))
            answer_client(p, msg, text, piece_max);
        if (server == NEED_TLS && client == NEED_TLS) {
            s->tls.active = p->c.m.tls.active = true;
            server = client = WAIT;
        }
    }
    CHECK(server == HANG_UP && client == HANG_UP);
    CHECK_NUM(p->c.failure.outcome, 0);
    CHECK(p->c.m.tls.active == (t->tls == SMTP_TLS_REQUIRED) && p->c.logged_in == (t->user.n > 0));
    smtp_client_clear(&p->c);
    CHECK(msg->finished);
    CHECK_NUM(msg->result.outcome, DONE);
    arena_clear(&connection);
    arena_clear(&transaction);
    buf_free(&p->to_server);
    buf_free(&p->to_client);
    buf_free(&p->server_out);
    buf_free(&p->client_out);
}

static void expected(const struct text *t, bool binary, struct buf *to)
{
    struct smtp_data_reader r = {.dots = false};
    struct str in = str_of(t->p, t->n);
    if (binary) {
        buf_add(to, in);
        return;
    }
    smtp_data_read(&r, &in, to);
    smtp_data_read_end(&r, to);
}

static bool no_facts(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

TEST(every_mode_carries_every_message)
{
    static struct pair p;
    static struct text text;
    fact_sink(no_facts, NULL);
    p.d.dice = 4711;
    buf_init(&p.got, 1 << 20);
    for (int i = 0; i < 400; i++) {
        bool lmtp = i % 5 == 4, login = i % 3 == 1 && !lmtp, tls = i % 7 == 3;
        struct smtp_client_settings t = {.helo = S("me.test"),
                                         .lmtp = lmtp,
                                         .tls = tls ? SMTP_TLS_REQUIRED : SMTP_TLS_OPPORTUNISTIC,
                                         .prefer_chunking = i & 1,
                                         .user = login ? S("alice@demo.test") : S(""),
                                         .password = S("secret"),
                                         .cleartext_login = true};
        struct smtp_client_rcpt rcpt[2] = {{.address = S("bob@demo.test")},
                                           {.address = S("\"c d\"@demo.test"), .notify = SMTP_NOTIFY_NEVER}};
        enum smtp_body body = (enum smtp_body)(i / 2 % 3);
        random_text(&p.d, &text, body == SMTP_BODY_BINARY);
        struct smtp_client_message msg = {
            .from = S("alice@demo.test"), .body = body, .size = text.n, .rcpt = rcpt, .rcpt_count = 2};
        fake_settings(&p.f);
        p.f.settings.kind = lmtp ? SMTP_LMTP : SMTP_RELAY;
        p.f.settings.login_offered = login;
        p.f.settings.login_needs_tls = false;
        p.f.settings.offer_tls = tls;
        p.f.body_max = SMTP_SERVER_BODY_MIN + drive_roll(&p.d, 5000);
        transfer(&p, &msg, &text, &t, 1 + drive_roll(&p.d, 3000));
        CHECK(rcpt[0].result.outcome == DONE && rcpt[1].result.outcome == DONE);
        struct buf want;
        buf_init(&want, 1 << 16);
        expected(&text, body == SMTP_BODY_BINARY, &want);
        CHECK(str_eq(buf_str(&p.got), buf_str(&want)));
        buf_free(&want);
        fake_close(&p.f);
    }
    buf_free(&p.got);
}

/* Memory of a session that does nothing: the struct, the state, and what the arenas took. */
TEST(an_idle_session_is_small)
{
    static struct fake_host f;
    struct buf out;
    fake_settings(&f);
    buf_init(&out, SMTP_SERVER_OUT_MIN);
    struct machine *m = fake_open(&f, &out);
    m->now_ms = 1;
    m->in = S("");
    CHECK(machine_run(m) == WAIT);
    m->in = S("EHLO a.example\r\nMAIL FROM:<a@b>\r\nRSET\r\n");
    while (machine_run(m) == WAIT && (m->wants & WANT_ANSWER))
        fake_answer(&f);
    CHECK(sizeof f.s <= 1400);
    CHECK(f.connection.used <= 512);
    CHECK_NUM(f.transaction.used, 0);
    CHECK_NUM(f.scratch.used, 0);
    fake_close(&f);
    buf_free(&out);
}
