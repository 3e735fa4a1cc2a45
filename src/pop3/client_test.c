// SPDX-License-Identifier: ISC
/* The client against transcripts (tests/wire/pop3/client), and against our own server, in pieces of every size. */
#include <glob.h>
#include <stdlib.h>
#include "base/compiler.h"
#include "base/fail.h"
#include "base/test.h"
#include "base/transcript.h"
#include "pop3/client_inside.h"
#include "pop3/test_host.h"

enum { JOBS_MAX = 40 };

struct user {
    struct pop3_client c;
    struct pop3_client_settings settings;
    struct arena connection;
    struct buf body, log;
    struct pop3_job jobs[JOBS_MAX];
    uint32_t job_count;
    bool given;
};

static void user_init(struct user *u)
{
    memset(u, 0, sizeof *u);
    u->settings = (struct pop3_client_settings){.user = S("alice@demo.test"), .password = S("secret pass"), .tls = POP3_CLIENT_TLS_NEVER};
}

static bool user_open(struct user *u, struct buf *out)
{
    arena_init(&u->connection, 1 << 20);
    buf_init(&u->body, 4096);
    buf_init(&u->log, 4 << 20);
    u->c = (struct pop3_client){.settings = &u->settings, .connection = &u->connection, .body = &u->body};
    u->c.m.out = out;
    u->given = false;
    return pop3_client_init(&u->c);
}

static void user_close(struct user *u)
{
    pop3_client_clear(&u->c);
    arena_clear(&u->connection);
    buf_free(&u->body);
    buf_free(&u->log);
}

static void drain_body(struct user *u)
{
    buf_add(&u->log, buf_str(&u->body));
    buf_consume(&u->body, u->body.n);
}

static const char *const outcomes[] = {"-", "done", "retry", "refuse"};

/* First question: what was listed; then the jobs of the file, once. */
static void user_answer(struct user *u)
{
    struct pop3_client_ask *a = &u->c.ask;
    drain_body(u);
    if (a->kind == POP3_CLIENT_ASK_JOB_DONE)
        buf_printf(&u->log, "job %u: %s %llu octets %s\n", (unsigned)a->job->number, outcomes[a->job->outcome], (unsigned long long)a->job->octets,
                   a->job->why.text);
    if (a->kind == POP3_CLIENT_ASK_JOBS && !u->given) {
        buf_printf(&u->log, "by %.*s, %u messages, %llu octets\n", STR_ARG(u->c.mechanism), (unsigned)u->c.message_count, (unsigned long long)u->c.octets);
        for (uint32_t i = 0; i < u->c.message_count; i++)
            buf_printf(&u->log, "%u %llu %.*s\n", (unsigned)u->c.messages[i].number, (unsigned long long)u->c.messages[i].size,
                       STR_ARG(u->c.messages[i].uidl));
        a->jobs = u->jobs;
        a->job_count = u->job_count;
        u->given = true;
    }
    u->c.m.answered = true;
}

static void user_result(struct user *u, struct buf *result)
{
    drain_body(u);
    for (uint32_t i = 0; i < u->job_count && u->given; i++)
        if (u->jobs[i].kind >= POP3_JOB_DELE)
            buf_printf(&u->log, "%u: %s %s\n", (unsigned)u->jobs[i].number, outcomes[u->jobs[i].outcome], u->jobs[i].why.text);
    buf_printf(&u->log, "end: %s %s\n", outcomes[u->c.outcome], u->c.why.text);
    buf_add(result, buf_str(&u->log));
}

static bool job_add(struct user *u, struct str text)
{
    static const struct str names[] = {{"TOP", 3}, {"RETR", 4}, {"DELE", 4}, {"NOOP", 4}, {"RSET", 4}};
    struct str name = str_word(&text), number = str_word(&text), lines = str_word(&text);
    for (unsigned i = 0; i < countof(names) && u->job_count < JOBS_MAX; i++)
        if (str_eq(name, names[i])) {
            uint64_t n = 0, k = 0;
            str_to_u64(number, &n);
            str_to_u64(lines, &k);
            u->jobs[u->job_count++] = (struct pop3_job){.kind = (enum pop3_job_kind)i, .number = (uint32_t)n, .lines = (uint32_t)k};
            return true;
        }
    return false;
}

static bool directive(void *self, struct str word, struct str text)
{
    struct user *u = self;
    if (str_eq(word, S("JOB")))
        return job_add(u, text);
    if (!str_eq(word, S("SET")))
        return false;
    if (str_eq(text, S("tls=need")))
        u->settings.tls = POP3_CLIENT_TLS_NEED;
    else if (str_eq(text, S("tls=if-offered")))
        u->settings.tls = POP3_CLIENT_TLS_IF_OFFERED;
    else if (str_eq(text, S("utf8")))
        u->settings.utf8 = true;
    else if (str_eq(text, S("few")))
        u->settings.message_max = 2;
    else if (str_eq(text, S("bad-password")))
        u->settings.password = S("a\r\nDELE 1");
    else
        return false;
    return true;
}

static struct machine *open_user(void *self, struct buf *out)
{
    struct user *u = self;
    random_seed(1); /* the same nonce in each play */
    return user_open(u, out) ? &u->c.m : NULL;
}

static void answer(void *self)
{
    user_answer(self);
}

static void ran(void *self, bool tiny)
{
    struct user *u = self;
    size_t n = tiny && u->body.n > 7 ? 7 : u->body.n;
    buf_add(&u->log, str_head(buf_str(&u->body), n));
    buf_consume(&u->body, n);
}

static void close_user(void *self, struct buf *result)
{
    struct user *u = self;
    user_result(u, result);
    user_close(u);
    user_init(u);
}

TEST(wire_transcripts)
{
    glob_t files;
    struct user u;
    CHECK(glob("tests/wire/pop3/client/*.t", 0, NULL, &files) == 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct arena a;
        struct transcript t;
        char error[2000] = "";
        char *text = malloc(1 << 20);
        FILE *f = fopen(files.gl_pathv[i], "rb");
        size_t n = f && text ? fread(text, 1, 1 << 20, f) : 0;
        if (f)
            fclose(f);
        arena_init(&a, 16 << 20);
        user_init(&u);
        struct transcript_host th = {&u, 'S', CLIENT_OUT_ROOM, open_user, directive, answer, ran, close_user};
        bool ok = transcript_parse(&a, files.gl_pathv[i], str_of(text, n), &t, error, sizeof error) &&
                  transcript_play_all(&t, &th, 5, error, sizeof error);
        if (!ok)
            fprintf(stderr, "%s\n", error);
        CHECK(ok);
        arena_clear(&a);
        free(text);
    }
    random_seed(0);
    CHECK(files.gl_pathc >= 15);
    globfree(&files);
}

/* --- against our own server --- */

struct wire {
    struct buf to_server, to_client, server_out, client_out;
};

static void move(struct buf *from, struct buf *to, bool pieces)
{
    size_t n = pieces && from->n > 0 ? 1 + (size_t)random_below(from->n) : from->n;
    buf_add(to, str_head(buf_str(from), n));
    buf_consume(from, n);
}

static enum next turn(struct machine *m, struct buf *in)
{
    m->in = buf_str(in);
    m->now_ms = 5;
    enum next next = machine_run(m);
    buf_consume(in, in->n - m->in.n);
    return next;
}

static void converse(struct host *h, struct user *u, bool pieces)
{
    struct wire w;
    enum next server = WAIT, client = WAIT;
    buf_init(&w.to_server, 1 << 20);
    buf_init(&w.to_client, 1 << 20);
    buf_init(&w.server_out, 8192);
    buf_init(&w.client_out, 8192);
    CHECK(host_open(h, &w.server_out) && user_open(u, &w.client_out));
    for (int i = 0; i < 200000 && client != HANG_UP; i++) {
        if (server == WAIT)
            server = turn(&h->s.m, &w.to_server);
        if (server == WAIT && (h->s.m.wants & WANT_ANSWER))
            host_answer(h);
        move(&w.server_out, &w.to_client, pieces);
        if (client == WAIT)
            client = turn(&u->c.m, &w.to_client);
        if (client == WAIT && (u->c.m.wants & WANT_ANSWER))
            user_answer(u);
        drain_body(u);
        move(&w.client_out, &w.to_server, pieces);
        if (server == NEED_TLS && client == NEED_TLS && w.server_out.n == 0) {
            h->s.m.tls = u->c.m.tls = (struct tls_facts){.active = true, .has_exporter = true, .exporter = {5}};
            server = client = WAIT;
            buf_clear(&w.to_server);
            buf_clear(&w.to_client);
        }
    }
    CHECK_NUM(client, HANG_UP);
    buf_free(&w.to_server);
    buf_free(&w.to_client);
    buf_free(&w.server_out);
    buf_free(&w.client_out);
}

TEST(against_our_server)
{
    static struct login_verifier v;
    struct why why;
    CHECK_NUM(login_verifier_make(S("secret pass"), &v, &why), DONE);
    random_seed(99);
    for (int round = 0; round < 40; round++) {
        struct host h;
        struct user u;
        host_init(&h);
        h.verifier = &v;
        h.piece_max = round % 5 == 0 ? 0 : (size_t)round;
        user_init(&u);
        u.settings.tls = POP3_CLIENT_TLS_NEED;
        u.settings.utf8 = true;
        host_add(&h, S("Subject: one\r\n\r\n.dot\r\n..\r\nlast\r\n"), false);
        host_add(&h, S("Subject: gr\xc3\xbc\xc3\x9f" "e\r\n\r\n\r\n"), true);
        host_add(&h, S("A: b\r\n\r\nx"), false);
        static const char *const jobs[] = {"TOP 1 1", "RETR 1", "RETR 2", "RETR 3", "RETR 4", "DELE 1", "DELE 9", "NOOP", "RETR 1"};
        for (size_t i = 0; i < countof(jobs); i++)
            CHECK(job_add(&u, str_c(jobs[i])));
        converse(&h, &u, round > 0);
        struct buf result;
        buf_init(&result, 1 << 16);
        user_result(&u, &result);
        CHECK_STR(buf_str(&result),
                  S("by SCRAM-SHA-256-PLUS, 3 messages, 63 octets\n1 32 1700000001.7\n2 22 1700000001.9\n3 9 1700000001.11\n"
                    "Subject: one\r\n\r\n.dot\r\njob 1: done 22 octets \n"
                    "Subject: one\r\n\r\n.dot\r\n..\r\nlast\r\njob 1: done 32 octets \n"
                    "Subject: gr\xc3\xbc\xc3\x9f" "e\r\n\r\n\r\njob 2: done 22 octets \n"
                    "A: b\r\n\r\nx\r\njob 3: done 11 octets \n"
                    "job 4: refuse 0 octets the server says: No such message\n"
                    "job 1: refuse 0 octets the server says: That message is marked as deleted\n"
                    "1: done \n9: refuse the server says: No such message\n0: done \nend: done \n"));
        CHECK_STR(buf_str(&h.log), S("commit 7\n"));
        buf_free(&result);
        user_close(&u);
        host_close(&h);
        arena_clear(&h.texts);
    }
    random_seed(0);
}

/* The n-th allocation fails, for every n: the client ends and says so. */
TEST(every_allocation_fails)
{
    static const char script[] = "+OK\r\n+OK\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n+OK\r\n+OK 1 5\r\n+OK\r\n1 5\r\n.\r\n+OK\r\n1 x\r\n.\r\n+OK\r\nabc\r\n.\r\n+OK\r\n";
    bool failed = true;
    for (uint64_t n = 1; failed && n < 200; n++) {
        struct user u;
        struct buf out, in;
        char store[8192];
        enum next next = AGAIN;
        user_init(&u);
        CHECK(job_add(&u, S("RETR 1")));
        buf_fixed(&out, store, sizeof store);
        buf_init(&in, 4096);
        buf_add_c(&in, script);
        fail_alloc_at(n);
        if (user_open(&u, &out))
            for (int i = 0; i < 100 && next != HANG_UP; i++) {
                u.c.m.in_end = true;
                next = turn(&u.c.m, &in);
                buf_consume(&out, out.n);
                if (next == WAIT && (u.c.m.wants & WANT_ANSWER))
                    user_answer(&u);
                drain_body(&u);
                if (u.body.full)
                    break; /* the host's own buffer: its session ends */
            }
        failed = fail_alloc_happened();
        fail_alloc_at(0);
        CHECK(failed || (next == HANG_UP && u.c.outcome == DONE));
        CHECK(!failed || u.c.state == NULL || next == HANG_UP || u.body.full);
        user_close(&u);
        buf_free(&in);
    }
    CHECK(!failed);
}

/* A server that says anything: the client always ends, and never with more memory than it was given. */
TEST(random_servers)
{
    static const char *const lines[] = {
        "+OK", "+OK 2 100", "+OK 3 messages", ".", "1 50", "2 60", "1 abc", "2 def", "-ERR", "-ERR [AUTH] no", "+ ", "+ dj1hYmM=", "+ cj0=", "CAPA", "STLS",
        "SASL PLAIN SCRAM-SHA-256", "USER", "UIDL", "PIPELINING", "UTF8", "Subject: x", "", "..", "+OK 99999999999999999999 1", "\xff\xfe", "+OKAY", "* OK IMAP",
    };
    const char *env = getenv("COUNT");
    unsigned long count = env ? strtoul(env, NULL, 10) / 5 : 4000, listed = 0;
    random_seed(4711);
    for (unsigned long i = 0; i < count; i++) {
        struct user u;
        struct buf in, out;
        bool ended = false;
        user_init(&u);
        u.settings.tls = (enum pop3_client_tls)random_below(3);
        u.settings.utf8 = random_below(2);
        job_add(&u, S("RETR 1"));
        job_add(&u, S("TOP 2 3"));
        job_add(&u, S("DELE 1"));
        buf_init(&in, 1 << 16);
        buf_init(&out, 8192);
        CHECK(user_open(&u, &out));
        static const char *const good[] = {"+OK hello", "+OK", "USER", "PIPELINING", ".", "+OK", "+OK", "+OK 2 100", "+OK", "1 50", "2 60", ".",
                                           "+OK", "1 x", "."};
        size_t follow = (size_t)random_below(countof(good) + 1);
        for (size_t n = 0; n < 60; n++) {
            buf_add_c(&in, n < follow ? good[n] : lines[random_below(countof(lines))]);
            buf_add(&in, S("\r\n"));
        }
        for (int n = 0; n < 2000 && !ended; n++) {
            size_t give = random_below(3) ? in.n : (size_t)random_below(in.n + 1);
            char *exact = malloc(give + 1);
            memcpy(exact, in.p + in.head, give);
            u.c.m.in = str_of(exact, give);
            u.c.m.in_end = give == in.n;
            u.c.m.now_ms = n;
            enum next next = machine_run(&u.c.m);
            buf_consume(&in, give - u.c.m.in.n);
            u.c.m.in = STR_NONE;
            free(exact);
            buf_consume(&out, out.n);
            drain_body(&u);
            if (next == NEED_TLS)
                u.c.m.tls.active = true;
            if (next == WAIT && (u.c.m.wants & WANT_ANSWER))
                user_answer(&u);
            ended = next == HANG_UP;
        }
        CHECK(ended);
        listed += u.given;
        CHECK(u.c.outcome >= DONE && u.c.outcome <= REFUSE);
        user_close(&u);
        buf_free(&in);
        buf_free(&out);
    }
    random_seed(0);
    CHECK(count < 1000 || listed > 20);
    printf("  %lu servers, %lu got as far as a list\n", count, listed);
}
