// SPDX-License-Identifier: ISC
/* The dns role between a hand-played master and a hand-played relay, with a real name server behind it; and the resolver within the role's own sandbox. */
#include "base/test.h"
#include <poll.h>
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/inside.h"
#include "dns/dns.h"
#include "dns/knot_rig.h"
#include "os/sandbox.h"

#define TXT200(a) "big TXT \"" a "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\"\n"
static const struct knot_zone zones[] = {
    {"one.test", "@ MX 10 mx1\nmx1 A 192.0.2.1\n" /* more than fits a datagram: asked again over TCP */
     TXT200("a") TXT200("b") TXT200("c") TXT200("d") TXT200("e") TXT200("f") TXT200("g") TXT200("h") TXT200("i") TXT200("j"), true},
    {"test", "@DS one.test\nns.one A 127.0.0.1\n", true},
};

struct rig {
    struct loop *loop;
    struct actor *dns;
    struct link *master, *relay;
    struct { struct msg_dns_answer m; struct dns_answer answer; bool decoded; } seen[10500];
    size_t count;
    struct arena a;
    bool ready, refused, closed;
    int ended;
};

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct rig *r = self;
    struct message m;
    (void)l;
    CHECK(message_read(f->type, f->payload, &m));
    if (m.kind == MSG_setup_result) {
        r->ready = m.setup_result.outcome == DONE;
        r->refused = !r->ready;
    }
    if (m.kind != MSG_dns_answer || r->count == countof(r->seen))
        return;
    r->seen[r->count].m = m.dns_answer;
    struct str kept = arena_str(&r->a, m.dns_answer.answer);
    r->seen[r->count].decoded = m.dns_answer.answer.n > 0 && dns_answer_decode(&r->a, kept, &r->seen[r->count].answer);
    CHECK(m.dns_answer.answer.n == 0 || r->seen[r->count].decoded);
    r->count++;
}

static void on_close(void *self, struct link *l, const char *why)
{
    struct rig *r = self;
    (void)why;
    r->closed = r->closed || l == r->relay;
}

static void on_end(void *to, struct actor *a, int status)
{
    struct rig *r = to;
    (void)a;
    r->ended = 1 + status;
}

static const struct link_handler handler = {.on_frame = on_frame, .on_close = on_close};

static struct link *linked(struct rig *r, enum role who, uint32_t incarnation)
{
    struct link *ends[2];
    CHECK(link_new_pair(r->loop, "dns", &peer_handler, &r->dns->peers[who], "test", &handler, r, LINK_QUEUE_MAX, ends));
    actor_link(r->dns, who, incarnation, ends[0]);
    return ends[1];
}

static void say(struct rig *r, struct link *l, const struct message *m)
{
    struct buf scratch;
    (void)r;
    buf_init(&scratch, FRAME_MAX);
    CHECK(message_send(l, &scratch, m, -1));
    buf_free(&scratch);
}

static void turns(struct rig *r, size_t until, int64_t most_ms)
{
    for (int64_t end = clock_mono_ms() + most_ms; r->count < until && clock_mono_ms() < end;)
        loop_turn(r->loop, 20);
}

static void setup(struct rig *r, uint64_t generation, const char *config, const char *anchors)
{
    struct str text = str_c(config);
    say(r, r->master, &MSG(setup_begin, .generation = generation, .first = generation == 1));
    say(r, r->master, &MSG(setup_place, .run_dir = S("/nowhere"), .hostname = S("mail.one.test")));
    say(r, r->master, &MSG(setup_file, .path = S("penny.conf"), .size = (uint32_t)text.n));
    say(r, r->master, &MSG(setup_bytes, .data = text));
    say(r, r->master, &MSG(setup_dns, .anchors = str_c(anchors)));
    say(r, r->master, &MSG(setup_end, .generation = generation));
    r->ready = r->refused = false;
    for (int i = 0; i < 200 && !r->ready && !r->refused; i++)
        loop_turn(r->loop, 10);
}

static void committed(struct rig *r, uint64_t generation)
{
    say(r, r->master, &MSG(setup_commit, .generation = generation));
    for (int i = 0; i < 10; i++)
        loop_turn(r->loop, 5);
}

static void ask(struct rig *r, uint64_t query, const char *name, enum dns_type type)
{
    say(r, r->relay, &MSG(dns_ask, .query = query, .name = str_c(name), .type = (uint16_t)type));
}

static void begin(struct rig *r)
{
    *r = (struct rig){.loop = loop_new()};
    arena_init(&r->a, 64 << 20);
    r->dns = actor_new(&role_dns, r->loop, 1, true, on_end, r);
    CHECK(r->dns != NULL);
    r->master = linked(r, ROLE_MASTER, 0);
}

static void end(struct rig *r)
{
    actor_free(r->dns);
    link_free(r->master);
    if (r->relay)
        link_free(r->relay);
    arena_clear(&r->a);
    loop_turn(r->loop, 0);
    loop_free(r->loop);
}

static bool quiet(void *to, struct str line)
{
    (void)to, (void)line;
    return true;
}

static struct rig rig;

static void questions(const char *config, const char *anchors)
{
    struct rig *r = &rig;
    begin(r);
    setup(r, 1, config, anchors);
    CHECK(r->ready);
    committed(r, 1);
    r->relay = linked(r, ROLE_RELAY, 2);
    ask(r, 7, "one.test", DNS_MX);
    ask(r, 8, "a..b", DNS_A);
    ask(r, 9, "nope.one.test", DNS_A);
    turns(r, 3, 10000);
    CHECK_NUM(r->count, 3);
    for (size_t i = 0; i < r->count; i++) {
        const struct dns_answer *a = &r->seen[i].answer;
        CHECK(r->seen[i].decoded);
        if (r->seen[i].m.query == 7)
            CHECK(a->status == DNS_OK && a->secure && a->count == 1 && str_eq(a->records[0].mx.host, S("mx1.one.test")));
        else
            CHECK(a->status == DNS_NXDOMAIN && a->secure == (r->seen[i].m.query == 9));
    }
    /* More at once than the resolver takes waits; more than may wait is told "not now"; each is answered once. */
    static const size_t at_once[] = {2000, 10000};
    for (size_t n = 0; n < countof(at_once); n++) {
        static bool seen[10000];
        size_t not_now = 0;
        memset(seen, 0, sizeof seen);
        arena_clear(&r->a);
        r->count = 0;
        for (uint64_t i = 0; i < at_once[n]; i++)
            ask(r, 100 + i, "mx1.one.test", DNS_A);
        turns(r, at_once[n], 30000);
        CHECK_NUM(r->count, at_once[n]);
        for (size_t i = 0; i < r->count; i++) {
            uint64_t q = r->seen[i].m.query - 100;
            CHECK(q < at_once[n] && !seen[q]);
            if (q < at_once[n])
                seen[q] = true;
            not_now += !r->seen[i].decoded;
        }
        CHECK(n == 0 ? not_now == 0 : not_now <= 10000 - 8192);
    }
    /* Who asked is gone: its questions go with it, and the next one starts with nothing. */
    r->count = 0;
    for (uint64_t i = 0; i < 900; i++) /* some asked, some waiting */
        ask(r, i, "big.one.test", DNS_TXT);
    loop_turn(r->loop, 0);
    link_free(r->relay);
    r->relay = NULL;
    for (int i = 0; i < 20; i++)
        loop_turn(r->loop, 10);
    r->count = 0;
    r->relay = linked(r, ROLE_RELAY, 3);
    ask(r, 1, "big.one.test", DNS_TXT);
    turns(r, 1, 5000);
    CHECK(r->count == 1 && r->seen[0].m.query == 1 && r->seen[0].answer.status == DNS_OK);
    /* A reload to settings that change the answers; what waits is asked again. */
    char changed[512];
    snprintf(changed, sizeof changed, "%sdns validation off\n", config);
    setup(r, 2, changed, anchors);
    CHECK(r->ready);
    r->count = 0;
    ask(r, 20, "one.test", DNS_MX);
    committed(r, 2);
    turns(r, 1, 5000);
    ask(r, 21, "one.test", DNS_MX);
    turns(r, 2, 5000);
    CHECK(r->count == 2 && r->seen[1].m.query == 21 && r->seen[1].answer.status == DNS_OK && !r->seen[1].answer.secure);
    /* One that is no good: the old goes on. */
    setup(r, 3, config, "nonsense");
    CHECK(r->refused);
    r->count = 0;
    ask(r, 22, "one.test", DNS_MX);
    turns(r, 1, 5000);
    CHECK(r->count == 1 && r->seen[0].answer.status == DNS_OK);
    /* A type that nobody knows ends the link. */
    ask(r, 23, "one.test", (enum dns_type)2);
    for (int i = 0; i < 20 && !r->closed; i++)
        loop_turn(r->loop, 10);
    CHECK(r->closed);
    end(r);
}

TEST(role)
{
    struct knot_rig k;
    char config[256];
    CHECK(true);
    if (!knot_installed()) {
        printf("dns_role_test: skipped, knotd (Debian: knot) is not installed\n");
        return;
    }
    fact_sink(quiet, NULL);
    bool started = knot_start(&k, zones, countof(zones));
    CHECK(started);
    snprintf(config, sizeof config, "hostname mail.one.test\ndns server 127.0.0.1:%u\n", k.port);
    if (started)
        questions(config, k.anchors);
    knot_stop(&k);
    fact_sink(NULL, NULL);
}

static void kept(void *self, const struct dns_answer *answer)
{
    struct { bool done; enum dns_status status; bool secure; } *to = self;
    to->done = true;
    to->status = answer->status;
    to->secure = answer->secure;
}

/* In a child: the resolver is made, the sandbox closes, and only then does its thread start. */
static int in_sandbox(const struct knot_rig *k)
{
    struct dns_server server = {.address = S("127.0.0.1"), .port = k->port};
    struct dns_settings settings = {.servers = &server, .server_count = 1, .anchors = str_c(k->anchors), .timeout_ms = 5000};
    uint16_t ports[] = {53, k->port};
    struct sandbox_profile profile = {.role = SANDBOX_DNS, .ports = ports, .port_count = 2};
    struct why why;
    static const struct { const char *name; enum dns_type type; enum dns_status status; bool secure; } wanted[] = {
        {"one.test", DNS_MX, DNS_OK, true}, {"big.one.test", DNS_TXT, DNS_OK, true}, {"nope.one.test", DNS_A, DNS_NXDOMAIN, true}, {"x.invalid", DNS_A, DNS_NXDOMAIN, false}, {"other.example", DNS_A, DNS_SERVFAIL, false}};
    struct dns_resolver *r = dns_resolver_new(&settings, &why);
    if (!r || !sandbox_enter(&profile, NULL, &why))
        return 10;
    for (size_t i = 0; i < countof(wanted); i++) {
        struct { bool done; enum dns_status status; bool secure; } got = {0};
        if (dns_ask(r, str_c(wanted[i].name), wanted[i].type, kept, &got) == 0)
            return 11;
        for (int turn = 0; turn < 100 && !got.done; turn++) {
            struct pollfd p = {.fd = dns_resolver_fd(r), .events = POLLIN};
            poll(&p, 1, 100);
            dns_resolver_turn(r);
        }
        if (!got.done || got.status != wanted[i].status || got.secure != wanted[i].secure)
            return 20 + (int)i;
    }
    dns_resolver_free(r);
    return 0;
}

TEST(within_the_sandbox)
{
    struct knot_rig k;
    int status = -1;
    CHECK(true);
    if (!knot_installed())
        return;
    bool started = knot_start(&k, zones, countof(zones));
    CHECK(started);
    if (started) {
        fflush(stdout);
        fflush(stderr);
        pid_t pid = fork();
        if (pid == 0) {
            fact_sink(quiet, NULL);
            _exit(in_sandbox(&k));
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK_NUM(status, 0);
    }
    knot_stop(&k);
}
