// SPDX-License-Identifier: ISC
/* The relay role against a store and a dns role played by hand and servers of many kinds, in a simulated network: days pass in a
 * moment. */
#include "daemon/relay_inside.h"
#include "daemon/role_rig.h"
#include "os/sim.h"

/* ---- a server: one function of what it reads ---- */
enum { PEER_CONNS = 64 };
struct peer_conn {
    struct server *server;
    struct loop_io io;
    int fd;
    struct buf in, out;
    bool data, used;
    unsigned rcpts;
};
struct server {
    struct loop *loop;
    struct loop_io io;
    int fd;
    unsigned room, open, turned_away, connections, messages, rcpts_max, priorities;
    const char *greeting, *mail, *rcpt, *dot;
    bool drops_at_mail; /* second message of a connection: closes instead of an answer */
    struct peer_conn conn[PEER_CONNS];
    struct buf last; /* the text of the last message */
};

static void conn_close(struct peer_conn *c)
{
    loop_io_stop(&c->io);
    net_close(c->fd);
    buf_free(&c->in);
    buf_free(&c->out);
    c->used = false;
    c->server->open--;
}

static void answer(struct peer_conn *c, const char *text)
{
    buf_add_c(&c->out, text);
    buf_add_c(&c->out, "\r\n");
}

/* False: the connection ends. */
static bool line(struct peer_conn *c, struct str l)
{
    struct server *s = c->server;

    if (c->data) {
        if (!str_eq(l, S("."))) {
            buf_add(&s->last, l);
            buf_add_c(&s->last, "\n");
            return true;
        }
        c->data = false;
        s->messages++;
        answer(c, s->dot);
    } else if (str_starts(l, S("EHLO"))) {
        answer(c, "250-peer.test\r\n250-PIPELINING\r\n250-MT-PRIORITY\r\n250 DSN");
    } else if (str_starts(l, S("MAIL"))) {
        if (s->drops_at_mail && s->messages > 0)
            return false;
        c->rcpts = 0;
        s->priorities += str_find_str(l, S(" MT-PRIORITY=")) < l.n;
        answer(c, s->mail);
    } else if (str_starts(l, S("RCPT"))) {
        bool bad = str_find_str(l, S("bad")) < l.n;
        answer(c, bad ? "550 5.1.1 nobody" : c->rcpts < s->rcpts_max ? s->rcpt : "452 4.5.3 too many");
        c->rcpts += !bad && c->rcpts < s->rcpts_max;
    } else if (str_starts(l, S("DATA"))) {
        c->data = c->rcpts > 0;
        if (c->data)
            buf_clear(&s->last);
        answer(c, c->data ? "354 go on" : "503 nobody");
    } else if (str_starts(l, S("QUIT"))) {
        answer(c, "221 bye");
        return false;
    } else {
        answer(c, "250 ok");
    }
    return true;
}

static void conn_ready(void *self, uint32_t ready)
{
    struct peer_conn *c = self;
    enum net_result r = ready & LOOP_READ ? net_read(c->fd, &c->in, 65536) : NET_AGAIN;
    bool on = r == NET_OK || r == NET_AGAIN;

    for (size_t end; on && (end = str_find_str(buf_str(&c->in), S("\r\n"))) < c->in.n;) {
        on = line(c, str_head(buf_str(&c->in), end));
        buf_consume(&c->in, end + 2);
    }
    if (c->out.n)
        net_write(c->fd, &c->out);
    if (!on)
        conn_close(c);
    else
        loop_io_interest(&c->io, LOOP_READ | (c->out.n ? (uint32_t)LOOP_WRITE : 0U));
}

static void server_ready(void *self, uint32_t ready)
{
    struct server *s = self;
    struct net_peer peer;
    enum net_result r;
    int fd;

    (void)ready;
    while ((fd = net_accept(s->fd, &peer, &r)) >= 0) {
        struct peer_conn *c = s->conn;
        s->connections++;
        while (c->used)
            c++;
        bool full = s->open >= s->room;
        s->turned_away += full;
        s->open++;
        *c = (struct peer_conn){.server = s, .fd = fd, .used = true};
        buf_init(&c->in, 1 << 20);
        buf_init(&c->out, 65536);
        loop_io_init(&c->io, s->loop, conn_ready, c);
        CHECK(loop_io_start(&c->io, fd, LOOP_READ));
        answer(c, full ? "421 4.7.0 too many connections" : s->greeting);
        net_write(fd, &c->out);
        if (full)
            conn_close(c);
    }
}

static void server_open(struct server *s, struct loop *loop, const char *host)
{
    struct why why;

    *s = (struct server){.loop = loop,
                         .room = PEER_CONNS,
                         .rcpts_max = 100,
                         .greeting = "220 peer.test",
                         .mail = "250 ok",
                         .rcpt = "250 ok",
                         .dot = "250 2.0.0 taken"};
    s->fd = net_listen(host, 25, &why);
    CHECK(s->fd >= 0);
    buf_init(&s->last, 1 << 20);
    loop_io_init(&s->io, loop, server_ready, s);
    CHECK(loop_io_start(&s->io, s->fd, LOOP_READ));
}

static void server_close(struct server *s)
{
    for (size_t i = 0; i < PEER_CONNS; i++)
        if (s->conn[i].used)
            conn_close(&s->conn[i]);
    loop_io_stop(&s->io);
    net_close(s->fd);
    buf_free(&s->last);
}

/* ---- store and dns by hand ---- */
enum { JOBS = 4096 };
struct bench {
    struct rig rig; /* loop, and the two ends */
    struct actor *relay;
    const struct setup *setup;
    struct rig_edge store, dns;
    struct {
        enum outcome outcome;
        uint16_t code;
        unsigned results, backs, dones;
        int64_t not_before;
    } job[JOBS];
    unsigned done, deferred, refused, backs;
    char text[512], late[512], status[12];
    bool dsn;
    const char *message;
    bool requiretls;
    unsigned questions;
    int64_t dead_until;
};

static struct bench *bench_open(const char *config)
{
    struct bench *b = calloc(1, sizeof *b);

    sim_begin(&(struct sim_options){.seed = 11});
    fact_sink(rig_quiet, NULL);
    b->rig.loop = loop_new();
    b->relay = actor_new(&role_relay, b->rig.loop, 1, true, rig_on_end, &b->rig);
    snprintf(b->rig.dir, sizeof b->rig.dir, "/nowhere");
    b->setup = rig_setup(&b->rig, config);
    rig_start(b->relay, b->setup, NULL);
    b->message = "Subject: hello\r\n\r\nhello\r\n";
    rig_connect(&b->rig, &b->store, ROLE_STORE, b->relay, 2);
    rig_connect(&b->rig, &b->dns, ROLE_DNS, b->relay, 3);
    return b;
}

static void bench_close(struct bench *b)
{
    actor_free(b->relay);
    rig_hang_up(&b->store);
    rig_hang_up(&b->dns);
    rig_turns(&b->rig, 3);
    loop_free(b->rig.loop);
    sim_end(NULL);
    free(b);
}

static void send_job(struct bench *b, uint64_t job, const char *domain, const char *const *to, uint32_t count, bool now)
{
    char address[300];
    struct str text = str_c(b->message);

    rig_send(&b->store, &MSG(work_begin, .job = job, .id = job, .next_hop = str_c(domain), .from = S("alice@one.test"),
                             .size = text.n, .requiretls = b->requiretls, .rcpt_count = count, .now = now));
    for (uint32_t i = 0; i < count; i++) {
        snprintf(address, sizeof address, "%s@%s", to ? to[i] : "x", domain);
        rig_send(&b->store, &MSG(work_rcpt, .job = job, .queue_id = job * 100 + i, .to = str_c(address)));
    }
    rig_send(&b->store, &MSG(work_end, .job = job, .last = text.n <= 20000, .data = str_head(text, 20000)));
}

static void from_relay(struct bench *b, const struct message *m)
{
    switch ((int)m->kind) {
    case MSG_work_result:
        b->job[m->work_result.job].results++;
        b->job[m->work_result.job].outcome = m->work_result.outcome;
        b->job[m->work_result.job].code = m->work_result.code;
        b->done += m->work_result.outcome == DONE;
        b->deferred += m->work_result.outcome == RETRY;
        b->refused += m->work_result.outcome == REFUSE;
        b->dsn = m->work_result.dsn;
        snprintf(b->text, sizeof b->text, "%.*s", STR_ARG(m->work_result.text));
        if (m->work_result.outcome == RETRY)
            snprintf(b->late, sizeof b->late, "%s", b->text);
        snprintf(b->status, sizeof b->status, "%.*s", STR_ARG(m->work_result.status));
        break;
    case MSG_work_done:
        b->job[m->work_done.job].dones++;
        break;
    case MSG_work_back:
        b->job[m->work_back.job].backs++;
        b->job[m->work_back.job].not_before = m->work_back.not_before_ms;
        b->backs++;
        break;
    case MSG_work_hop:
        b->dead_until = m->work_hop.not_before_ms;
        break;
    case MSG_work_more: {
        struct str text = str_skip(str_c(b->message), (size_t)m->work_more.offset), piece = str_head(text, 3000);
        rig_send(&b->store, &MSG(work_piece, .job = m->work_more.job, .outcome = DONE, .offset = m->work_more.offset,
                                 .last = piece.n == text.n, .data = piece));
        break;
    }
    default:
        break;
    }
}

static void answer_dns(struct bench *b, const struct message *m)
{
    static char bytes[DNS_ANSWER_MAX];
    struct buf out;
    struct dns_record r[2] = {{.type = DNS_MX}, {.type = DNS_MX}};
    struct dns_answer a = {.status = DNS_NODATA,
                           .type = (enum dns_type)m->dns_ask.type,
                           .ttl_s = 60,
                           .name = m->dns_ask.name,
                           .canonical = m->dns_ask.name,
                           .records = r};

    b->questions++;
    if (str_eq(m->dns_ask.name, S("gone.test")))
        a.status = DNS_NXDOMAIN;
    if (str_eq(m->dns_ask.name, S("sick.test")))
        a.status = DNS_SERVFAIL, a.ttl_s = 0, a.why = S("no server answers");
    if (a.type == DNS_MX && str_eq(m->dns_ask.name, S("mx.test"))) {
        a.status = DNS_OK;
        a.count = 2;
        r[0].mx.preference = 10;
        r[0].mx.host = S("a.mx.test");
        r[1].mx.preference = 20;
        r[1].mx.host = S("b.mx.test");
    }
    if (a.type == DNS_A && str_starts(m->dns_ask.name, S("a.")))
        r[0] = (struct dns_record){.type = DNS_A, .ip = {.b = {198, 51, 100, 1}}}, a.status = DNS_OK, a.count = 1;
    if (a.type == DNS_A && str_starts(m->dns_ask.name, S("b.")))
        r[0] = (struct dns_record){.type = DNS_A, .ip = {.b = {198, 51, 100, 2}}}, a.status = DNS_OK, a.count = 1;
    buf_fixed(&out, bytes, sizeof bytes);
    dns_answer_encode(&out, &a);
    rig_send(&b->dns, &MSG(dns_answer, .query = m->dns_ask.query, .answer = buf_str(&out)));
}

/* Until that simulated time, or as long as it takes for so many jobs to end. */
static void turns(struct bench *b, int64_t ms, unsigned until_done)
{
    for (int64_t end = clock_mono_ms() + ms;
         clock_mono_ms() < end && !(until_done && b->done + b->deferred + b->refused + b->backs >= until_done);) {
        loop_turn(b->rig.loop, 1000);
        while (b->store.read < b->store.count)
            from_relay(b, b->store.seen[b->store.read++]);
        while (b->dns.read < b->dns.count)
            answer_dns(b, b->dns.seen[b->dns.read++]);
        rig_forget(&b->store);
        rig_forget(&b->dns);
    }
}

TEST(what_is_urgent_goes_first)
{
    struct bench *b = bench_open("hostname relay.test\nroute to peer.test via 198.51.100.1\n");
    struct server s;
    struct str text = str_c(b->message);

    server_open(&s, b->rig.loop, "198.51.100.1");
    s.room = 1;
    for (int i = 0; i < 20; i++)
        send_job(b, (uint64_t)i + 1, "peer.test", NULL, 1, false);
    rig_send(&b->store, &MSG(work_begin, .job = 30, .id = 30, .next_hop = S("peer.test"), .from = S("alice@one.test"),
                             .priority = 4, .size = text.n, .rcpt_count = 1));
    rig_send(&b->store, &MSG(work_rcpt, .job = 30, .queue_id = 3000, .to = S("x@peer.test")));
    rig_send(&b->store, &MSG(work_end, .job = 30, .last = true, .data = text));
    for (unsigned n = 1; n < 22 && !b->job[30].results; n++)
        turns(b, 20000, n);
    CHECK(b->job[30].results == 1 && b->done <= 2);
    turns(b, 20000, 21);
    CHECK_NUM(b->done, 21);
    CHECK(s.priorities == 21);
    server_close(&s);
    bench_close(b);
}

#define CONFIG "hostname relay.test\nroute to peer.test via 198.51.100.1\nroute to hole.test via 198.51.100.9:26\n"

TEST(one_message)
{
    struct bench *b = bench_open(CONFIG);
    struct server s;

    server_open(&s, b->rig.loop, "198.51.100.1");
    send_job(b, 1, "peer.test", NULL, 1, false);
    turns(b, 20000, 1);
    turns(b, 100, 0);
    CHECK(b->done == 1 && b->job[1].results == 1 && b->job[1].dones == 1 && b->job[1].backs == 0 && b->job[1].code == 250 &&
          b->dsn);
    CHECK_STR(buf_str(&s.last), S("Subject: hello\n\nhello\n"));
    CHECK(strcmp(b->text, "taken") == 0 && strcmp(b->status, "2.0.0") == 0);
    turns(b, 1000, 0);
    send_job(b, 2, "peer.test", NULL, 1, false);
    turns(b, 20000, 2);
    CHECK(b->done == 2 && s.connections == 1); /* the connection was kept */
    turns(b, 20000, 0);
    CHECK(s.open == 0); /* but not for ever */
    server_close(&s);
    bench_close(b);
}

TEST(a_large_message_is_read_in_pieces)
{
    struct bench *b = bench_open(CONFIG);
    struct server s;
    static char text[300000];
    struct buf t;

    buf_fixed(&t, text, sizeof text - 1);
    buf_add_c(&t, "Subject: large\r\n\r\n");
    for (int i = 0; t.n < 299900; i++)
        buf_printf(&t, "line %d\r\n", i);
    text[t.n] = '\0';
    b->message = text;
    server_open(&s, b->rig.loop, "198.51.100.1");
    send_job(b, 1, "peer.test", NULL, 1, false);
    turns(b, 600000, 1);
    CHECK(b->done == 1);
    size_t lines = 0;
    for (size_t i = 0; i < t.n; i++)
        lines += text[i] == '\n';
    CHECK(s.last.n == t.n - lines);
    server_close(&s);
    bench_close(b);
}

TEST(recipients_and_their_outcomes)
{
    static const char *const to[] = {"a", "bad", "b", "c", "d"};
    struct bench *b = bench_open(CONFIG);
    struct server s;

    server_open(&s, b->rig.loop, "198.51.100.1");
    s.rcpts_max = 2;
    send_job(b, 1, "peer.test", to, 5, false);
    turns(b, 60000, 5);
    turns(b, 100, 0);
    CHECK(b->done == 4 && b->refused == 1 && b->job[1].dones == 1 && s.messages == 2);
    s.dot = "451 4.3.0 not today";
    send_job(b, 2, "peer.test", NULL, 1, false);
    turns(b, 60000, 6);
    CHECK(b->deferred == 1 && strcmp(b->text, "not today") == 0);
    s.mail = "550 5.7.1 go away";
    send_job(b, 3, "peer.test", NULL, 1, false);
    turns(b, 60000, 7);
    CHECK(b->refused == 2 && b->job[3].code == 550);
    server_close(&s);
    bench_close(b);
}

TEST(a_kept_connection_that_was_closed_is_no_attempt)
{
    struct bench *b = bench_open(CONFIG);
    struct server s;

    server_open(&s, b->rig.loop, "198.51.100.1");
    s.drops_at_mail = true;
    send_job(b, 1, "peer.test", NULL, 1, false);
    turns(b, 20000, 1);
    s.drops_at_mail = true;
    send_job(b, 2, "peer.test", NULL, 1, false);
    turns(b, 300, 0);
    s.drops_at_mail = false;
    turns(b, 60000, 2);
    CHECK(b->deferred <= 1 && b->backs == 0);
    server_close(&s);
    bench_close(b);
}

TEST(room_for_five)
{
    enum { N = 2000, AT_ONCE = 64 };
    struct bench *b = bench_open(CONFIG);
    struct server s;
    unsigned sent = 0;

    server_open(&s, b->rig.loop, "198.51.100.1");
    s.room = 5;
    while (b->done < N && clock_mono_ms() < 3600 * 1000) {
        for (; sent < N && sent - b->done < AT_ONCE; sent++)
            send_job(b, sent + 1, "peer.test", NULL, 1, false);
        turns(b, 50, 0);
    }
    CHECK(b->done == N && s.messages == N);
    CHECK(b->deferred == 0 && b->backs == 0);
    CHECK(s.turned_away < N / 100);
    server_close(&s);
    bench_close(b);
}

TEST(a_black_hole_hurts_nobody_else)
{
    struct bench *b = bench_open(CONFIG);
    struct server s;
    unsigned hole = 0, attempts = 0;
    int64_t end = clock_mono_ms() + 24 * 3600 * 1000LL;

    server_open(&s, b->rig.loop, "198.51.100.1");
    for (uint64_t job = 1; job < 2000; job += 2) {
        send_job(b, job, "hole.test", NULL, 1, false);
        send_job(b, job + 1, "peer.test", NULL, 1, false);
        if (job % 50 == 1)
            turns(b, 500, 0);
    }
    turns(b, 120000, 2000);
    CHECK(b->done == 1000 && b->backs + b->deferred == 1000);
    attempts = b->deferred;
    CHECK(attempts <= 4); /* who tried; the others were given back */
    CHECK(b->dead_until > clock_unix_ms());
    for (uint64_t job = 2001; clock_mono_ms() < end;
         job++) { /* a day of retries: no more than one connection for each back-off */
        send_job(b, 2001 + job % 1900, "hole.test", NULL, 1, false);
        turns(b, 60000, 0);
        hole++;
    }
    CHECK(hole > 1000 && b->deferred - attempts < 45);
    attempts = b->deferred;
    send_job(b, 4090, "hole.test", NULL, 1, true); /* an operator wants it */
    turns(b, 20000, 0);
    CHECK(b->job[4090].results == 1 && b->deferred == attempts + 1);
    server_close(&s);
    bench_close(b);
}

TEST(by_mx)
{
    struct bench *b = bench_open("hostname relay.test\n");
    struct server backup;

    server_open(&backup, b->rig.loop, "198.51.100.2");
    send_job(b, 1, "mx.test", NULL, 1, false);
    send_job(b, 2, "gone.test", NULL, 1, false);
    send_job(b, 3, "sick.test", NULL, 1, false);
    turns(b, 60000, 3);
    CHECK(b->job[1].outcome == DONE && b->job[2].outcome == REFUSE && b->job[3].outcome == RETRY);
    unsigned before = b->questions;
    send_job(b, 4, "mx.test", NULL, 1, false);
    turns(b, 1000, 4);
    CHECK(b->job[4].outcome == DONE && b->questions == before); /* known for a while */
    backup.greeting = "554 5.3.2 no mail here";
    turns(b, 20000, 0);
    send_job(b, 5, "mx.test", NULL, 1, false);
    turns(b, 60000, 5);
    CHECK(b->job[5].outcome == REFUSE && b->job[5].code == 554);
    server_close(&backup);
    bench_close(b);
}

/* A host that is good enough for one domain and not for another: each has its own result, and nobody waits for the other. */
TEST(what_one_domain_demands_is_no_fault_of_the_host)
{
    struct bench *b =
        bench_open("hostname relay.test\nroute to peer.test other.test via 198.51.100.1\ntls-policy peer.test required\n");
    struct server s;

    server_open(&s, b->rig.loop, "198.51.100.1");
    for (uint64_t job = 1; job <= 40; job++)
        send_job(b, job, job % 2 ? "peer.test" : "other.test", NULL, 1, false);
    turns(b, 20000, 40);
    CHECK(b->done == 20 && b->deferred == 20 && b->backs == 0 && s.messages == 20);
    CHECK(b->job[1].outcome == RETRY && strstr(b->late, "STARTTLS") != NULL);
    CHECK(b->dead_until > clock_unix_ms()); /* store hears when to come again */
    unsigned connections = s.connections;
    send_job(b, 41, "peer.test", NULL, 1, false);
    turns(b, 20000, 41);
    CHECK(b->backs == 1 && s.connections == connections);
    send_job(b, 42, "peer.test", NULL, 1, true); /* an operator wants it */
    turns(b, 20000, 42);
    CHECK(b->deferred == 21 && s.connections == connections + 1);
    turns(b, RELAY_BARRED_MS, 0);
    send_job(b, 43, "peer.test", NULL, 1, false);
    turns(b, 20000, 43);
    CHECK(b->deferred == 22);
    server_close(&s);
    bench_close(b);
}

TEST(a_sender_who_requires_tls)
{
    struct bench *b = bench_open("hostname relay.test\nroute to peer.test via 198.51.100.1\n");
    struct server s;

    server_open(&s, b->rig.loop, "198.51.100.1");
    b->requiretls = true;
    send_job(b, 1, "peer.test", NULL, 1, false);
    turns(b, 20000, 1);
    CHECK(b->deferred == 1 && s.messages == 0 && strcmp(b->status, "4.7.5") == 0); /* this rig knows no authorities */
    b->requiretls = false;
    send_job(b, 2, "peer.test", NULL, 1, false);
    turns(b, 20000, 2);
    CHECK(b->done == 1);
    server_close(&s);
    bench_close(b);
}

TEST(tickets_are_bounded)
{
    static char octets[TLS_SESSION_MAX];
    struct relay r = {0};
    int64_t later = clock_unix_ms() / 1000 + 1000;

    CHECK(relay_ticket(&r, S("a")).n == 0);
    relay_ticket_keep(&r, S("a"), S("one"), later);
    relay_ticket_keep(&r, S("a"), S("another"), later);
    CHECK_STR(relay_ticket(&r, S("a")), S("another"));
    relay_ticket_keep(&r, S("b"), S("old"), later - 2000);
    CHECK(relay_ticket(&r, S("b")).n == 0 && r.tickets_octets == 7);
    for (unsigned i = 0; i < 2000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        relay_ticket_keep(&r, str_c(key), str_of(octets, sizeof octets), later);
        CHECK(r.tickets_octets <= RELAY_TICKETS_OCTETS && relay_ticket(&r, str_c(key)).n == sizeof octets);
    }
    relay_tickets_drop(&r);
    CHECK(r.tickets_octets == 0);
}

TEST(store_comes_back_and_jobs_are_its_own)
{
    struct bench *b = bench_open(CONFIG);
    struct server s;

    server_open(&s, b->rig.loop, "198.51.100.1");
    for (uint64_t job = 1; job <= 50; job++)
        send_job(b, job, job % 2 ? "peer.test" : "hole.test", NULL, 1, false);
    turns(b, 60, 0);
    rig_connect(&b->rig, &b->store, ROLE_STORE, b->relay, 5);
    turns(b, 100, 0);
    CHECK(((struct relay *)b->relay->self)->job_count == 0);
    unsigned before = b->done;
    for (uint64_t job = 1; job <= 10; job++)
        send_job(b, job, "peer.test", NULL, 1, false);
    turns(b, 20000, 0);
    CHECK(b->done == before + 10);
    server_close(&s);
    bench_close(b);
}

TEST(nonsense_from_store)
{
    struct bench *b = bench_open(CONFIG);

    rig_send(&b->store, &MSG(work_piece, .job = 7, .outcome = DONE, .data = S("x")));
    rig_send(&b->store, &MSG(work_cancel, .job = 7));
    rig_send(&b->store, &MSG(work_end, .job = 7));
    rig_send(&b->store, &MSG(work_rcpt, .job = 7, .to = S("x@y")));
    turns(b, 100, 0);
    CHECK(!b->store.closed);
    send_job(b, 1, "not a domain", NULL, 1, false);
    turns(b, 1000, 1);
    CHECK(b->refused == 1);
    rig_send(&b->store, &MSG(work_begin, .job = 9, .rcpt_count = 0));
    turns(b, 100, 0);
    CHECK(b->store.closed);
    bench_close(b);
}
