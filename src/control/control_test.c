// SPDX-License-Identifier: ISC
/* Requests against a real store in a temporary directory: what they answer, what they change, what they refuse. Each dialogue is
   fed whole, in pieces and with an output that is hardly drained; the answers must be the same. */
#include <ftw.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/random.h"
#include "base/test.h"
#include "control/inside.h"

static const char conf[] = "hostname mail.demo.test\ndomain demo.test {\n  alias fixed -> alice\n}\n";

struct world {
    char dir[64];
    struct arena a;
    struct control_context c;
    struct buf answers;
    size_t piece, drain;
    bool broken;
};

static void make_verifier(void *self, struct control_session *s, struct str password)
{
    struct why why = {"5.7.8", "forbidden"};
    (void)self;
    if (str_eq(password, S("bad")))
        control_session_answer(s, REFUSE, &why, STR_NONE);
    else
        control_session_answer(s, DONE, &why, S("a verifier"));
}
static uint64_t next_id(void *self)
{
    return engine_lease_ids(((struct world *)self)->c.engine, 1);
}
static void wake(void *self, struct control_session *s)
{
    (void)self, (void)s;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void world_open(struct world *w)
{
    static char errors[4096];
    struct buf b;
    struct why why = {"", ""};
    struct engine_options o = {.read_only = false};
    *w = (struct world){.piece = SIZE_MAX, .drain = SIZE_MAX};
    strcpy(w->dir, "/tmp/penny-test-XXXXXX");
    CHECK(mkdtemp(w->dir) != NULL);
    arena_init(&w->a, 16 << 20);
    buf_init(&w->answers, 8 << 20);
    buf_fixed(&b, errors, sizeof errors);
    w->c = (struct control_context){.owner_uid = 1000,
                                    .direct = true,
                                    .dir = str_c(w->dir),
                                    .config = config_parse(&w->a, S("/etc/penny.conf"), str_c(conf), &b, false)};
    w->c.engine = engine_open(w->dir, -1, &o, &why);
    w->c.hooks = (struct control_hooks){.self = w, .verifier = make_verifier, .next_id = next_id, .wake = wake};
    CHECK(w->c.engine != NULL && w->c.config != NULL);
    if (!w->c.engine)
        exit(1);
}

static void world_close(struct world *w)
{
    engine_close(w->c.engine);
    buf_free(&w->answers);
    arena_clear(&w->a);
    nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Everything that came as text: lines and bytes as they are, the end as "=code text". */
static void take_answers(struct world *w, struct control_session *s, struct buf *seen)
{
    struct buf *out = control_session_out(s);
    enum control_frame kind;
    struct str payload;
    struct control_end end;
    size_t n = out->n < w->drain ? out->n : w->drain;
    buf_add(seen, str_head(buf_str(out), n));
    buf_consume(out, n);
    while (control_frame_take(seen, &kind, &payload) == CONTROL_TAKE_FRAME) {
        if (kind == CONTROL_FRAME_LINE || kind == CONTROL_FRAME_BYTES) {
            buf_add(&w->answers, payload);
        } else if (kind == CONTROL_FRAME_DONE) {
            memcpy(&end, payload.p, sizeof end);
            buf_printf(&w->answers, "=%u %s\n", end.code, end.text);
        }
    }
}

/* Feeds all of in, gives what came back; ends when nothing more can happen. */
static struct str talk_as(struct world *w, uint32_t uid, struct buf *in)
{
    struct control_session *s = control_session_new(&w->c, uid);
    struct buf seen;
    buf_init(&seen, 2 << 20);
    buf_clear(&w->answers);
    w->broken = false;
    for (unsigned quiet = 0; quiet < 3;) {
        struct buf *to = control_session_in(s);
        size_t n = in->n < w->piece ? in->n : w->piece;
        n = n < buf_room(to) ? n : buf_room(to);
        buf_add(to, str_head(buf_str(in), n));
        buf_consume(in, n);
        enum control_next next = control_session_run(s);
        size_t before = w->answers.n + seen.n;
        take_answers(w, s, &seen);
        if (next == CONTROL_WANTS_ANSWER)
            engine_turn(w->c.engine);
        w->broken |= next == CONTROL_WANTS_CLOSE;
        bool moved = n || next == CONTROL_WANTS_ANSWER || w->answers.n + seen.n != before || control_session_out(s)->n;
        quiet = moved && next != CONTROL_WANTS_CLOSE ? 0 : quiet + 1;
    }
    control_session_free(s);
    buf_free(&seen);
    return buf_str(&w->answers);
}

static struct control_request request(enum control_verb verb, const char *name, const char *secret)
{
    static struct control_request r;
    control_request_init(&r, verb);
    CHECK(control_request_name(&r, str_c(name)) && control_request_secret(&r, str_c(secret)));
    return r;
}

static struct str ask(struct world *w, const struct control_request *r)
{
    struct buf in;
    buf_init(&in, 1 << 20);
    control_frame_request(&in, r);
    struct str answer = talk_as(w, 0, &in);
    buf_free(&in);
    return answer;
}

static struct str verb(struct world *w, enum control_verb v, const char *name, const char *secret)
{
    struct control_request r = request(v, name, secret);
    return ask(w, &r);
}

static bool has(struct str s, const char *what)
{
    return str_find_str(s, str_c(what)) < s.n;
}
#define CHECK_HAS(answer, what)                                                                                                  \
    (test_checks++, has((answer), (what)) ? (void)0                                                                              \
                                          : test_fail(__FILE__, __LINE__, "<%.*s> lacks <%s>",                                   \
                                                      STR_ARG(w.answers.n ? buf_str(&w.answers) : S("")), (what)))

TEST(users_domains_and_aliases)
{
    struct world w;
    world_open(&w);
    CHECK_HAS(verb(&w, CONTROL_USER_LS, "", ""), "=0 there are no users");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "Alice@demo.test", "secret"), "\"name\":\"alice@demo.test\"");
    CHECK_HAS(buf_str(&w.answers), "=0 \n");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "alice@demo.test", "x"), "=73 the user alice@demo.test exists already");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "carl@other.test", "x"), "=0 domain other.test was new and has been added, too");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "x@demo.test", "bad"), "=65 the password cannot be used: forbidden");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "x@demo.test", ""), "=65 the password may not be empty");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "fixed@demo.test", "x"),
              "=73 an alias of that name exists and would get the mail: /etc/penny.conf:3");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "nobody", "x"), "=64 nobody is not a whole address");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "a..b@demo.test", "x"), "=64 ");
    CHECK_HAS(verb(&w, CONTROL_USER_ADD, "a@[192.0.2.1]", "x"), "=64 a@[192.0.2.1] has no domain name");
    CHECK_HAS(verb(&w, CONTROL_USER_SHOW, "bob@demo.test", ""), "=67 there is no user bob@demo.test");
    CHECK_HAS(verb(&w, CONTROL_USER_PASSWD, "alice@demo.test", "new"), "=0 ");
    struct str all = verb(&w, CONTROL_USER_LS, "", "");
    CHECK_HAS(all, "alice@demo.test");
    CHECK_HAS(all, "carl@other.test");
    CHECK(!has(verb(&w, CONTROL_USER_LS, "other.test", ""), "alice"));
    CHECK_HAS(verb(&w, CONTROL_USER_SUSPEND, "carl@other.test", ""), "=0 ");
    CHECK_HAS(verb(&w, CONTROL_USER_SHOW, "carl@other.test", ""), "\"suspended\":true");
    struct control_request r = request(CONTROL_USER_QUOTA, "alice@demo.test", "");
    r.num[0] = 5000;
    CHECK_HAS(ask(&w, &r), "=0 ");
    CHECK_HAS(verb(&w, CONTROL_USER_SHOW, "alice@demo.test", ""), "\"quota\":5000");
    CHECK_HAS(verb(&w, CONTROL_DOMAIN_LS, "", ""), "\"source\":\"/etc/penny.conf:2\"");
    CHECK_HAS(verb(&w, CONTROL_DOMAIN_RM, "demo.test", ""), "=77 the configuration says that domain: /etc/penny.conf:2");
    CHECK_HAS(verb(&w, CONTROL_DOMAIN_RM, "other.test", ""), "=77 other.test still has users or aliases");
    r = request(CONTROL_ALIAS_ADD, "team@other.test", "");
    CHECK(control_request_arg(&r, S("alice@demo.test")) && control_request_arg(&r, S("carl")));
    CHECK_HAS(ask(&w, &r), "=0 ");
    CHECK_HAS(verb(&w, CONTROL_ALIAS_SHOW, "Team@other.test", ""), "[\"alice@demo.test\",\"carl@other.test\"]");
    CHECK_HAS(verb(&w, CONTROL_ALIAS_RM, "fixed@demo.test", ""), "=77 the configuration says that alias: /etc/penny.conf:3");
    CHECK_HAS(verb(&w, CONTROL_ALIAS_LS, "", ""), "fixed@demo.test");
    CHECK_HAS(verb(&w, CONTROL_EXPLAIN, "team@other.test", ""), "\"outcome\":\"accepted\"");
    CHECK_HAS(verb(&w, CONTROL_EXPLAIN, "nobody@other.test", ""), "\"status\":\"5.1.1\"");
    CHECK_HAS(verb(&w, CONTROL_ALIAS_RM, "team@other.test", ""), "=0 ");
    CHECK_HAS(verb(&w, CONTROL_USER_RM, "carl@other.test", ""), "=0 ");
    CHECK_HAS(verb(&w, CONTROL_DOMAIN_RM, "other.test", ""), "=0 ");
    CHECK_HAS(verb(&w, CONTROL_DOMAIN_SHOW, "other.test", ""), "=1 there is no domain other.test");
    world_close(&w);
}

static void send_frames(struct buf *to, const char *from, const char *rcpt, struct str body)
{
    struct control_request r = request(CONTROL_MAIL_SEND, "alice@demo.test", "");
    CHECK(control_request_arg(&r, str_c(from)) && control_request_arg(&r, str_c(rcpt)));
    control_frame_request(to, &r);
    for (; body.n; body = str_skip(body, 1000))
        control_frame_add(to, CONTROL_FRAME_DATA, str_head(body, 1000));
    control_frame_add(to, CONTROL_FRAME_END, STR_NONE);
}

TEST(mail_is_handed_in_listed_and_read)
{
    struct world w;
    struct buf in;
    static char big[200000];
    memset(big, 'x', sizeof big);
    memcpy(big, "Subject: hello\r\n\r\n", 18);
    world_open(&w);
    buf_init(&in, 4 << 20);
    verb(&w, CONTROL_USER_ADD, "alice@demo.test", "secret");
    send_frames(&in, "alice@demo.test", "fixed@demo.test", S("Subject: one\r\n\r\ntext\r\n"));
    send_frames(&in, "alice@demo.test", "nobody@demo.test", S("Subject: two\r\n\r\ntext\r\n"));
    send_frames(&in, "eve@demo.test", "alice@demo.test", S("Subject: three\r\n\r\ntext\r\n"));
    send_frames(&in, "alice@demo.test", "far@away.test", S("Subject: four\r\n\r\ntext\r\n"));
    send_frames(&in, "alice@demo.test", "alice@demo.test", str_of(big, sizeof big));
    send_frames(&in, "alice@demo.test", "alice@demo.test", STR_NONE);
    struct str answer = talk_as(&w, 1000, &in);
    CHECK_HAS(answer, "\"delivered\":1,\"queued\":0,\"failed\":[]");
    CHECK_HAS(answer, "=67 nobody@demo.test is not reached; nothing was sent");
    CHECK_HAS(answer, "=77 alice@demo.test may not send as that address");
    CHECK_HAS(answer, "\"delivered\":0,\"queued\":1");
    CHECK_HAS(answer, "=65 the message is empty");
    CHECK_HAS(verb(&w, CONTROL_QUEUE_LS, "", ""), "\"to\":\"far@away.test\"");
    struct control_request r = request(CONTROL_MAIL_LS, "alice@demo.test", "");
    r.flags = CONTROL_HEADERS;
    answer = ask(&w, &r);
    CHECK_HAS(answer, "\"uid\":1");
    CHECK_HAS(answer, "Subject: hello\r\n\r\n");
    CHECK(!has(answer, "xxx") && !has(answer, "text"));
    r = request(CONTROL_MAIL_READ, "alice@demo.test", "");
    r.num[0] = 2;
    answer = ask(&w, &r);
    CHECK_HAS(answer, "Delivered-To: alice@demo.test\r\n");
    CHECK(answer.n > sizeof big && has(answer, "=0 "));
    CHECK_HAS(verb(&w, CONTROL_MAIL_LS, "alice@demo.test", ""), "\"uid\":2");
    CHECK_HAS(buf_str(&w.answers), "\"seen\":true");
    r.num[0] = 99;
    CHECK_HAS(ask(&w, &r), "=1 there is no such message");
    CHECK_HAS(verb(&w, CONTROL_MAIL_FOLDERS, "alice@demo.test", ""), "INBOX");
    CHECK_HAS(verb(&w, CONTROL_USER_RM, "alice@demo.test", ""), "=200 alice@demo.test has 2 messages that would be lost");
    CHECK_HAS(verb(&w, CONTROL_TRACE, "far@away.test", ""), "\"kind\":\"agent\"");
    CHECK_HAS(verb(&w, CONTROL_STATUS, "", ""), "\"messages\":2");
    CHECK_HAS(verb(&w, CONTROL_STORE_STAT, "", ""), "\"queued\":1");
    buf_free(&in);
    world_close(&w);
}

TEST(any_pieces_and_a_slow_reader_give_the_same)
{
    struct world w;
    static const size_t pieces[] = {SIZE_MAX, 1, 7, 4096}, drains[] = {SIZE_MAX, 1000, 31};
    struct buf first;
    world_open(&w);
    buf_init(&first, 4 << 20);
    for (unsigned i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "user%02u@demo.test", i);
        verb(&w, CONTROL_USER_ADD, name, "secret");
    }
    for (size_t i = 0; i < countof(pieces) * countof(drains); i++) {
        struct buf in;
        struct control_request r = request(CONTROL_USER_LS, "", "");
        buf_init(&in, 1 << 20);
        control_frame_request(&in, &r);
        r = request(CONTROL_USER_SHOW, "user07@demo.test", "");
        control_frame_request(&in, &r);
        w.piece = pieces[i % countof(pieces)];
        w.drain = drains[i / countof(pieces)];
        struct str answer = talk_as(&w, 0, &in);
        if (i == 0)
            buf_add(&first, answer);
        CHECK_STR(answer, buf_str(&first));
        buf_free(&in);
    }
    buf_free(&first);
    world_close(&w);
}

TEST(who_may_not_ask_and_what_is_no_request)
{
    struct world w;
    struct buf in;
    struct control_request r = request(CONTROL_USER_LS, "", "");
    world_open(&w);
    buf_init(&in, 1 << 20);
    control_frame_request(&in, &r);
    CHECK_HAS(talk_as(&w, 4711, &in), "=77 only root and the server's own user may do this");
    r.version = 99;
    control_frame_request(&in, &r);
    CHECK_HAS(talk_as(&w, 0, &in), "=69 this command and the running server are of different versions");
    r = request(CONTROL_RELOAD, "", "");
    control_frame_request(&in, &r);
    CHECK_HAS(talk_as(&w, 0, &in), "=69 no server runs");
    static const struct {
        uint32_t kind, n;
    } bad[] = {{99, 0}, {CONTROL_FRAME_REQUEST, 3}, {CONTROL_FRAME_DONE, 0}, {CONTROL_FRAME_REQUEST, CONTROL_FRAME_MAX + 1}};
    for (size_t i = 0; i < countof(bad); i++) {
        buf_clear(&in);
        buf_add(&in, str_of(&bad[i], sizeof bad[i]));
        buf_add(&in, str_head(S("abc"), bad[i].n));
        (void)talk_as(&w, 0, &in);
        CHECK(w.broken);
    }
    for (unsigned i = 0; i < 6; i++) {
        r = request(CONTROL_USER_LS, "x", "");
        uint32_t *field[] = {&r.verb, &r.name_n, &r.secret_n, &r.args_n, &r.verb, &r.name_n};
        *field[i] = i < 4 ? 1000000 : UINT32_MAX;
        buf_clear(&in);
        control_frame_add(&in, CONTROL_FRAME_REQUEST, str_of(&r, offsetof(struct control_request, args)));
        (void)talk_as(&w, 0, &in);
        CHECK(w.broken);
    }
    buf_free(&in);
    world_close(&w);
}

TEST(a_session_may_go_before_its_answer)
{
    struct world w;
    struct control_request r = request(CONTROL_DOMAIN_ADD, "late.test", "");
    world_open(&w);
    struct control_session *s = control_session_new(&w.c, 0);
    control_frame_request(control_session_in(s), &r);
    CHECK_NUM(control_session_run(s), CONTROL_WANTS_ANSWER);
    control_session_free(s);
    CHECK(control_session_is_gone(s));
    engine_turn(w.c.engine);
    CHECK(engine_domain(w.c.engine, S("late.test")));
    world_close(&w);
}

static void nothing_done(struct op *op) { (void)op; }

static struct str queue_verb(struct world *w, enum control_verb v, const char *id, uint32_t flags, const char *one, const char *two)
{
    struct buf in;
    struct control_request r = request(v, id, "");
    r.flags = flags;
    if (one)
        CHECK(control_request_arg(&r, str_c(one)));
    if (two)
        CHECK(control_request_arg(&r, str_c(two)));
    buf_init(&in, 1 << 20);
    control_frame_request(&in, &r);
    struct str answer = talk_as(w, 0, &in);
    buf_free(&in);
    return answer;
}

static void put_in_queue(struct world *w, const char *from, const char *one, const char *two)
{
    struct op_queued q[2] = {{.address = str_c(one), .notify = 4}, {.address = str_c(two ? two : ""), .notify = 4}};
    struct op op = {.kind = OP_ACCEPT};
    struct body_writer *b = engine_body_begin(w->c.engine);
    struct why why;
    CHECK_NUM(engine_body_add(w->c.engine, b, S("Subject: x\r\n\r\ny\r\n"), &why), DONE);
    op.accept = (struct op_accept){.id = engine_lease_ids(w->c.engine, 1), .received_ms = clock_unix_ms(), .from = str_c(from), .kind = S("smtp"),
                                   .body = engine_body_end(w->c.engine, b), .queued = q, .queued_count = two ? 2 : 1};
    op.done = nothing_done;
    engine_submit(w->c.engine, &op);
    engine_turn(w->c.engine);
    CHECK_NUM(op.outcome, DONE);
}

static void result_in_queue(struct world *w, uint64_t id, uint64_t entry)
{
    struct op_result r = {.queue_id = entry, .outcome = RETRY, .code = 451, .status = S("4.7.1"), .text = S("4.7.1 come later"), .host = S("mx.far.test"),
                          .ip = S("192.0.2.1"), .attempts = 1, .at_ms = clock_unix_ms(), .next_ms = clock_unix_ms() + 600000};
    struct op op = {.kind = OP_QUEUE_RESULT, .queue_result = {id, &r, 1}, .done = nothing_done};
    engine_submit(w->c.engine, &op);
    engine_turn(w->c.engine);
}

TEST(the_queue_is_shown_and_changed)
{
    struct world w;
    world_open(&w);
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_LS, "", 0, NULL, NULL), "=0 nothing waits in the queue");
    put_in_queue(&w, "ann@one.test", "a@far.test", "b@near.test");
    put_in_queue(&w, "", "c@far.test", NULL);
    result_in_queue(&w, 1, 1);
    struct str answer = queue_verb(&w, CONTROL_QUEUE_LS, "", 0, NULL, NULL);
    CHECK_HAS(answer, "\"state\":\"waiting\"");
    CHECK_HAS(answer, "\"to\":\"c@far.test\"");
    CHECK_HAS(answer, "\"last_reply\":\"451 4.7.1 come later\"");
    answer = queue_verb(&w, CONTROL_QUEUE_LS, "", 0, "domain=NEAR.test", NULL);
    CHECK(str_find_str(answer, S("far.test")) == answer.n);
    CHECK_HAS(answer, "b@near.test");
    answer = queue_verb(&w, CONTROL_QUEUE_LS, "", 0, "from=<>", NULL);
    CHECK(str_find_str(answer, S("c@far.test")) < answer.n && str_find_str(answer, S("a@far.test")) == answer.n);
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_LS, "", 0, "to=nobody@far.test", NULL), "=1 nothing like that");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_LS, "", 0, "colour=red", NULL), "=64 colour does not choose");
    answer = queue_verb(&w, CONTROL_QUEUE_WHY, "", 0, "to=a@far.test", NULL);
    CHECK_HAS(answer, "\"means\":\"the recipient's system refused the message by its rules\"");
    CHECK_HAS(answer, "\"host\":\"mx.far.test\"");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_WHY, "", 0, "to=b@near.test", NULL), "it has not been tried yet");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_WHY, "", 0, NULL, NULL), "=64 which message?");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_SHAPE, "", 0, NULL, NULL), "\"domain\":\"far.test\",\"entries\":2");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_RETRY, "", 0, NULL, NULL), "=64 which messages?");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_RETRY, "", CONTROL_ALL, NULL, NULL), "\"entries\":3");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_WHY, "", 0, "to=a@far.test", NULL), "\"state\":\"due\"");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_HOLD, "", 0, "domain=far.test", NULL), "\"entries\":2");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_WHY, "", 0, "to=c@far.test", NULL), "\"state\":\"held\"");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_RELEASE, "", 0, "to=c@far.test", NULL), "\"entries\":1");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_WHY, "", 0, "to=c@far.test", NULL), "\"state\":\"new\"");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_ROUTE, "", 0, "to=c@far.test", "route=gopher://x"), "=64 gopher://x is not a way");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_ROUTE, "", 0, "to=c@far.test", "route=smtp://192.0.2.7:2525"), "=64 the relay may not connect");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_ROUTE, "", 0, "to=c@far.test", "route=smtp://192.0.2.7:587"), "go another way");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_SHOW, "", 0, "to=c@far.test", NULL), "\"route\":\"smtp://192.0.2.7:587\"");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_DROP, "", 0, "from=ann@one.test", NULL), "=200 2 recipients are removed, and nobody is told");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_DROP, "", CONTROL_DRY_RUN, "from=ann@one.test", NULL), "\"entries\":2");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_DROP, "", CONTROL_FORCE, "from=ann@one.test", NULL), "\"entries\":2");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_DROP, "", CONTROL_FORCE, "from=ann@one.test", NULL), "=1 nothing like that");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_BOUNCE, "", CONTROL_FORCE | CONTROL_ALL, NULL, NULL), "\"entries\":1");
    CHECK_HAS(queue_verb(&w, CONTROL_QUEUE_SHOW, "", 0, "domain=far.test", NULL), "\"expires\":\"1970-01-01");
    world_close(&w);
}
