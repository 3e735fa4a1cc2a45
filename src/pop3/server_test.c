// SPDX-License-Identifier: ISC
/* Plays the transcripts of tests/wire/pop3/server in every way, and what a transcript cannot say. */
#include <glob.h>
#include <stdlib.h>
#include "base/compiler.h"
#include "base/encode.h"
#include "base/fail.h"
#include "base/test.h"
#include "base/transcript.h"
#include "pop3/inside.h"
#include "pop3/test_host.h"

static struct str unescape(struct arena *a, struct str s)
{
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; to && i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\' && i + 1 < s.n) {
            c = s.p[++i];
            c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        to[n++] = c;
    }
    return str_of(to, n);
}

static bool set(struct host *h, struct str name, struct str value)
{
    static char words[8][32];
    static unsigned word;
    uint64_t n = 0;
    bool number = str_to_u64(value, &n);
    char *text = words[word++ % 8];
    if (!str_to_c(value, text, 32))
        return false;
    if (str_eq(name, S("needs-tls")))
        h->settings.login_needs_tls = n;
    else if (str_eq(name, S("offer-tls")))
        h->settings.offer_tls = n;
    else if (str_eq(name, S("scram-sha1")))
        h->settings.scram_sha1 = n;
    else if (str_eq(name, S("expire")))
        h->settings.expire_days = (int32_t)n;
    else if (str_eq(name, S("login-delay")))
        h->settings.login_delay_s = (uint32_t)n;
    else if (str_eq(name, S("piece")))
        h->piece_max = n;
    else if (str_eq(name, S("ignore-room")))
        h->ignore_room = n;
    else if (str_eq(name, S("last")))
        h->say_last = n;
    else if (str_eq(name, S("read-fails-at")))
        h->read_fails_at = n + 1;
    else if (str_eq(name, S("open")))
        h->open = text;
    else if (str_eq(name, S("commit")))
        h->commit = text;
    else if (str_eq(name, S("auth")))
        h->auth = text;
    else
        return false;
    return number || h->open == text || h->commit == text || h->auth == text;
}

/* A long one that no buffer holds: BIG octets. */
static void add_big(struct host *h, uint64_t octets)
{
    struct buf b;
    buf_init(&b, 2 << 20);
    buf_add(&b, S("Subject: big\r\n\r\n"));
    for (uint32_t i = 0; b.n + 100 < octets; i++)
        buf_printf(&b, "%sline %u of a long message\r\n", i % 3 ? "" : ".", (unsigned)i);
    host_add(h, buf_str(&b), false);
    buf_free(&b);
}

static bool directive(void *self, struct str word, struct str text)
{
    struct host *h = self;
    uint64_t n;
    if (str_eq(word, S("SET"))) {
        struct str value, name = str_cut(text, '=', &value);
        return set(h, name, value);
    }
    if (str_eq(word, S("MESSAGE")) || str_eq(word, S("UTF8-MESSAGE"))) {
        struct arena a;
        arena_init(&a, 1 << 20);
        host_add(h, unescape(&a, text), word.n > 7);
        arena_clear(&a);
        return true;
    }
    if (str_eq(word, S("BIG")) && str_to_u64(text, &n)) {
        add_big(h, n);
        return true;
    }
    return false;
}

static struct machine *open_host(void *self, struct buf *out)
{
    struct host *h = self;
    return host_open(h, out) ? &h->s.m : NULL;
}

static void answer(void *self)
{
    host_answer(self);
}

static void ran(void *self, bool tiny)
{
    (void)self;
    (void)tiny;
}

/* A play begins with a fresh host: the file's settings come again. */
static void reset(struct host *h)
{
    arena_clear(&h->texts);
    host_init(h);
}

static void close_host(void *self, struct buf *result)
{
    struct host *h = self;
    buf_add(result, buf_str(&h->log));
    host_close(h);
    reset(h);
}

TEST(wire_transcripts)
{
    glob_t files;
    struct host h;
    CHECK(glob("tests/wire/pop3/server/*.t", 0, NULL, &files) == 0);
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
        host_init(&h);
        struct transcript_host th = {&h, 'C', SERVER_OUT_ROOM, open_host, directive, answer, ran, close_host};
        bool ok = transcript_parse(&a, files.gl_pathv[i], str_of(text, n), &t, error, sizeof error) &&
                  transcript_play_all(&t, &th, 5, error, sizeof error);
        if (!ok)
            fprintf(stderr, "%s\n", error);
        CHECK(ok);
        arena_clear(&h.texts);
        arena_clear(&a);
        free(text);
    }
    CHECK(files.gl_pathc >= 10);
    globfree(&files);
}

/* --- what a transcript cannot say --- */

static enum next run(struct host *h, struct str *in, int64_t now)
{
    h->s.m.in = *in;
    h->s.m.now_ms = now;
    enum next next = machine_run(&h->s.m);
    while (next == WAIT && (h->s.m.wants & WANT_ANSWER)) {
        host_answer(h);
        next = machine_run(&h->s.m);
    }
    *in = h->s.m.in;
    return next;
}

static void say(struct host *h, const char *text, int64_t now)
{
    struct str in = str_c(text);
    run(h, &in, now);
}

/* A client that does not read stops the server from reading: at no time more is asked for than has room. */
TEST(back_pressure)
{
    struct host h;
    struct buf out;
    host_init(&h);
    h.settings.login_needs_tls = false;
    add_big(&h, 300000);
    buf_init(&out, 8192);
    CHECK(host_open(&h, &out));
    say(&h, "USER alice@demo.test\r\nPASS secret pass\r\n", 1);
    buf_clear(&out);
    struct str in = S("RETR 1\r\nNOOP\r\n");
    uint64_t total = 0;
    for (int i = 0; i < 10000; i++) {
        enum next next = run(&h, &in, 2);
        CHECK(out.n <= 8192 && next == WAIT);
        total += out.n;
        if (!(h.s.m.wants & WANT_ROOM))
            break;
        CHECK(h.s.ask.room <= 4096);
        buf_consume(&out, out.n);
    }
    CHECK(total > 300000 && total < 320000);
    CHECK(str_ends(buf_str(&out), S("\r\n.\r\n+OK Still here\r\n")));
    host_close(&h);
    arena_clear(&h.texts);
    buf_free(&out);
}

/* The machine keeps no copy of a password: the question's data is wiped before the next step. */
TEST(secrets_are_wiped)
{
    struct host h;
    struct buf out;
    host_init(&h);
    h.settings.login_needs_tls = false;
    buf_init(&out, 8192);
    CHECK(host_open(&h, &out));
    h.s.m.in = S("USER alice@demo.test\r\nPASS secret pass\r\n");
    h.s.m.now_ms = 1;
    CHECK_NUM(machine_run(&h.s.m), WAIT);
    CHECK_NUM(h.s.ask.kind, POP3_ASK_AUTH);
    struct str data = h.s.ask.data;
    CHECK(str_eq(data, str_of("\0alice@demo.test\0secret pass", 28)));
    host_auth(&h, &h.s.ask);
    h.s.m.answered = true;
    CHECK_NUM(machine_run(&h.s.m), WAIT);
    for (size_t i = 0; i < data.n; i++)
        CHECK(data.p[i] == 0);
    host_close(&h);
    buf_free(&out);
}

TEST(scram_plus_over_the_machine)
{
    static struct login_verifier v;
    struct why why;
    struct host h;
    struct buf out, line, response, decoded;
    struct arena a;
    CHECK_NUM(login_verifier_make(S("secret pass"), &v, &why), DONE);
    host_init(&h);
    h.verifier = &v;
    buf_init(&out, 8192);
    buf_init(&line, 8192);
    buf_init(&response, 8192);
    buf_init(&decoded, 8192);
    arena_init(&a, 65536);
    CHECK(host_open(&h, &out));
    h.s.m.tls = (struct tls_facts){.active = true, .has_exporter = true, .exporter = {7}};
    say(&h, "", 1);
    struct login_client *c = login_client_new(&a, S("SCRAM-SHA-256-PLUS PLAIN"), S("Alice@Demo.test"), S("secret pass"), &h.s.m.tls, false);
    CHECK(c && login_client_step(c, true, STR_NONE, &response));
    buf_add(&line, S("AUTH SCRAM-SHA-256-PLUS "));
    for (int i = 0; i < 3; i++) {
        base64_encode(&line, buf_str(&response));
        buf_add(&line, S("\r\n"));
        buf_clear(&out);
        struct str in = buf_str(&line);
        run(&h, &in, 2);
        buf_clear(&line);
        buf_clear(&response);
        buf_clear(&decoded);
        if (i < 2) {
            CHECK(str_starts(buf_str(&out), S("+ ")));
            CHECK(base64_decode(&decoded, str_trim(str_skip(buf_str(&out), 2))));
            CHECK(login_client_step(c, false, buf_str(&decoded), &response));
        }
    }
    CHECK(login_client_done(c));
    CHECK_STR(buf_str(&out), S("+OK 0 messages (0 octets)\r\n"));
    host_close(&h);
    arena_clear(&a);
    buf_free(&out);
    buf_free(&line);
    buf_free(&response);
    buf_free(&decoded);
}

/* The n-th allocation fails, for every n: the session answers [SYS/TEMP] or ends, and deletes nothing that QUIT did not commit. */
TEST(every_allocation_fails)
{
    bool failed = true;
    for (uint64_t n = 1; failed && n < 200; n++) {
        struct host h;
        struct buf out;
        char store[8192];
        host_init(&h);
        h.settings.login_needs_tls = false;
        host_add(&h, S("Subject: gr\xc3\xbc\xc3\x9f" "e\r\nFrom: J\xc3\xb6 <j\xc3\xb6@demo.test>\r\n\r\nbody\r\n"), true);
        buf_fixed(&out, store, sizeof store);
        fail_alloc_at(n);
        if (host_open(&h, &out)) {
            struct str in = S("USER alice@demo.test\r\nPASS secret pass\r\nAUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==\r\n"
                              "TOP 1 0\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
            enum next next = AGAIN;
            for (int i = 0; i < 100 && next != HANG_UP; i++) {
                h.s.m.in_end = true;
                next = run(&h, &in, 1 + i * 5000);
                h.s.m.timed_out = true;
                buf_consume(&out, out.n);
            }
            CHECK_NUM(next, HANG_UP);
        }
        failed = fail_alloc_happened();
        fail_alloc_at(0);
        CHECK(failed || h.deleted_any);
        host_close(&h);
        arena_clear(&h.texts);
    }
    CHECK(!failed);
}

/* COUNT random and mutated sessions: nothing crashes, nothing is deleted without QUIT, every session ends. */
TEST(random_sessions)
{
    static const char *const lines[] = {
        "CAPA", "USER alice@demo.test", "PASS secret pass", "PASS wrong", "AUTH PLAIN", "AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==",
        "AUTH LOGIN", "YWxpY2VAZGVtby50ZXN0", "c2VjcmV0IHBhc3M=", "*", "=", "AUTH", "STLS", "STAT", "LIST", "LIST 1", "UIDL", "UIDL 2", "RETR 1", "RETR 2",
        "RETR 3", "TOP 1 0", "TOP 2 5", "TOP 3 1", "DELE 1", "DELE 3", "RSET", "NOOP", "QUIT", "UTF8", "LANG", "LANG en", "LANG *", "APOP x y", "", " ",
        "RETR 99999999999999999999", "LIST -1", "TOP 1", "\x80\xff", "GET / HTTP/1.1",
    };
    const char *env = getenv("COUNT");
    unsigned long count = env ? strtoul(env, NULL, 10) : 20000, quits = 0, logins = 0;
    random_seed(20261124);
    for (unsigned long i = 0; i < count; i++) {
        struct host h;
        struct buf in, out;
        char store[SERVER_OUT_ROOM + 4096];
        int64_t now = 1000;
        host_init(&h);
        h.settings.login_needs_tls = random_below(4) == 0;
        h.ignore_room = random_below(2);
        h.say_last = random_below(2);
        h.piece_max = random_below(3) ? 0 : 1 + (size_t)random_below(50);
        host_add(&h, S("Subject: one\r\n\r\n.dot\r\nlast\r\n"), false);
        host_add(&h, S("Subject: bare\n\n.a\rb\n..\r\n.\r\nno end"), false);
        host_add(&h, S("Subject: gr\xc3\xbc\xc3\x9f" "e\r\nFrom: J\xc3\xb6 <j\xc3\xb6@demo.test>\r\n\r\nbody\r\n"), true);
        buf_fixed(&out, store, SERVER_OUT_ROOM + (size_t)random_below(4096));
        buf_init(&in, 1 << 16);
        CHECK(host_open(&h, &out));
        bool quit_sent = false, ended = false;
        unsigned long most = random_below(30) + 1;
        for (unsigned long n = 0; n < most && !ended; n++) {
            const char *line = lines[n < 2 && random_below(8) ? n + 1 : random_below(countof(lines))]; /* most log in */
            size_t before = in.n;
            buf_add_c(&in, line);
            buf_add_c(&in, random_below(20) ? "\r\n" : "\n");
            if (random_below(10) == 0)
                in.p[in.head + before + random_below(in.n - before)] = (char)random_u64();
            quit_sent = quit_sent || memmem(in.p + in.head, in.n, "QUIT", 4) || memmem(in.p + in.head, in.n, "quit", 4);
            for (int turn = 0; turn < 2000 && !ended; turn++) {
                size_t give = random_below(4) ? in.n : (size_t)random_below(in.n + 1);
                char *exact = malloc(give + 1);
                memcpy(exact, in.p + in.head, give);
                struct str slice = str_of(exact, give);
                enum next next = run(&h, &slice, now);
                buf_consume(&in, give - slice.n);
                free(exact);
                buf_consume(&out, out.n);
                if (next == NEED_TLS) {
                    buf_clear(&in);
                    h.s.m.tls.active = random_below(10) != 0;
                }
                ended = next == HANG_UP;
                if (next == WAIT && (h.s.m.wants & WANT_EVENT)) {
                    now = h.s.m.deadline_ms;
                    h.s.m.timed_out = true;
                } else if (next == WAIT && !(h.s.m.wants & WANT_ROOM) && give == in.n + (give - slice.n)) {
                    break;
                }
            }
        }
        logins += h.locked || h.log.n > 0;
        quits += h.log.n > 0;
        CHECK(quit_sent || !h.deleted_any);
        if (!ended) {
            h.s.m.in_end = true;
            struct str rest = buf_str(&in);
            for (int turn = 0; turn < 2000 && !ended; turn++) {
                enum next next = run(&h, &rest, now += 700000);
                h.s.m.timed_out = true;
                buf_consume(&out, out.n);
                ended = next == HANG_UP;
                if (next == NEED_TLS)
                    rest = STR_NONE;
            }
            CHECK(ended);
        }
        host_close(&h);
        arena_clear(&h.texts);
        buf_free(&in);
    }
    random_seed(0);
    CHECK(count < 1000 || (logins > count / 50 && quits > count / 100));
    printf("  %lu sessions, %lu logins, %lu deletions asked for by QUIT\n", count, logins, quits);
}
