// SPDX-License-Identifier: ISC
/* A whole edge in this process: real sockets on loopback on one side, master, store and keys played by the test on in-memory
   links on the other. */
#include "base/clock.h"
#include "base/facts.h"
#include "base/test.h"
#include "daemon/edge.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { SEEN_MAX = 4096 };

struct world {
    struct loop *loop;
    struct actor *actor;
    struct link *master, *store, *keys;
    struct buf scratch;
    int status;                     /* of the actor's end; -1: it lives */
    struct msg_setup_result result; /* the last */
    unsigned results, ready, stopped, breaches;
    /* store */
    bool hold; /* answers nothing */
    enum outcome rcpt, commit;
    uint64_t session, handle, ids, body_n, commits, begins, aborts, ends, kicks, deleted, lease_count;
    uint32_t body_sum;
    struct buf body; /* the first 100,000 octets */
    char to[400], from[400], rcpts[400];
    struct msg_commit last;
    const char *mailbox; /* what maildrop_read gives */
    /* keys */
    bool hold_keys;
    uint8_t login;
    struct tls_key *key;
    struct link *sign[4];
    unsigned signs;
    uint16_t port[LISTEN_KIND_COUNT];
    int listener[LISTEN_KIND_COUNT];
};

static bool quiet(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

static void say(struct world *w, struct link *l, const struct message *m, int fd)
{
    CHECK(message_send(l, &w->scratch, m, fd));
}

/* ---- master ---- */
static void master_frame(void *self, struct link *l, struct frame *f)
{
    struct world *w = self;
    struct message m;
    (void)l;
    CHECK(message_read(f->type, f->payload, &m));
    if (m.kind == MSG_setup_result) {
        w->result = m.setup_result;
        w->results++;
    }
    w->ready += m.kind == MSG_ready;
    w->stopped += m.kind == MSG_stopped;
    w->breaches += m.kind == MSG_breach;
}

/* ---- store ---- */
static void copy_c(char to[400], struct str s)
{
    CHECK(str_to_c(s, to, 400));
}

static void store_frame(void *self, struct link *l, struct frame *f)
{
    struct world *w = self;
    struct message m;
    struct why no = {"5.1.1", "no such user"}, later = {"4.3.1", "the disk is full"};
    CHECK(message_may(f->type, w->actor->type->who, ROLE_STORE) && message_read(f->type, f->payload, &m));
    switch ((int)m.kind) {
    case MSG_id_lease:
        if (w->lease_count)
            say(w, l, &MSG(id_range, .first = w->ids, .count = (uint32_t)w->lease_count), -1);
        w->ids += w->lease_count;
        break;
    case MSG_mail:
        w->handle = m.mail.handle;
        copy_c(w->from, m.mail.from);
        say(w, l, &MSG(answer, .session = m.mail.session, .outcome = DONE), -1);
        break;
    case MSG_rcpt:
        w->session = m.rcpt.session;
        w->handle = m.rcpt.handle;
        copy_c(w->to, m.rcpt.to);
        copy_c(w->from, m.rcpt.from);
        if (!w->hold)
            say(w, l, &MSG(answer, .session = m.rcpt.session, .outcome = w->rcpt, .why = w->rcpt == REFUSE ? no : later), -1);
        break;
    case MSG_body_begin:
        w->begins++;
        w->body_n = w->body_sum = 0;
        buf_clear(&w->body);
        break;
    case MSG_body_piece:
        w->body_n += m.body_piece.data.n;
        for (size_t i = 0; i < m.body_piece.data.n; i++)
            w->body_sum = w->body_sum * 31 + (unsigned char)m.body_piece.data.p[i];
        if (buf_room(&w->body) >= m.body_piece.data.n)
            buf_add(&w->body, m.body_piece.data);
        break;
    case MSG_body_abort:
        w->aborts++;
        break;
    case MSG_session_end:
        w->ends++;
        break;
    case MSG_commit_rcpt:
        snprintf(w->rcpts + strlen(w->rcpts), 100, "%.*s;", STR_ARG(m.commit_rcpt.to));
        break;
    case MSG_commit:
        w->session = m.commit.session;
        w->commits++;
        w->last = m.commit;
        if (w->hold)
            break;
        if (m.commit.kind == SMTP_LMTP)
            say(w, l, &MSG(committed_rcpt, .session = m.commit.session, .index = 1, .outcome = REFUSE, .why = no), -1);
        say(w, l, &MSG(committed, .session = m.commit.session, .outcome = w->commit, .why = later), -1);
        break;
    case MSG_vrfy:
        say(w, l, &MSG(answer_text, .session = m.vrfy.session, .outcome = REFUSE, .why = no), -1);
        break;
    case MSG_maildrop_open: {
        char bytes[64];
        struct buf list;
        buf_fixed(&list, bytes, sizeof bytes);
        maildrop_entry_add(&list, &(struct maildrop_entry){7, 0, strlen(w->mailbox)});
        say(w, l, &MSG(maildrop_list, .session = m.maildrop_open.session, .entries = buf_str(&list)), -1);
        buf_clear(&list);
        maildrop_entry_add(&list, &(struct maildrop_entry){9, 0, strlen(w->mailbox)});
        say(w, l, &MSG(maildrop_list, .session = m.maildrop_open.session, .entries = buf_str(&list)), -1);
        say(w, l, &MSG(maildrop_opened, .session = m.maildrop_open.session, .outcome = DONE, .count = 2, .uidvalidity = 5), -1);
        break;
    }
    case MSG_maildrop_read: {
        struct str rest = str_skip(str_c(w->mailbox), (size_t)m.maildrop_read.offset), piece = str_head(rest, 10);
        say(w, l,
            &MSG(maildrop_piece, .session = m.maildrop_read.session, .outcome = DONE, .last = piece.n == rest.n, .data = piece),
            -1);
        break;
    }
    case MSG_maildrop_delete:
        w->deleted += m.maildrop_delete.uids.n / 4;
        break;
    case MSG_maildrop_commit:
        say(w, l, &MSG(answer, .session = m.maildrop_commit.session, .outcome = DONE), -1);
        break;
    default:
        break;
    }
}

/* ---- keys ---- */
static void keys_frame(void *self, struct link *l, struct frame *f)
{
    struct world *w = self;
    struct message m;
    CHECK(message_may(f->type, w->actor->type->who, ROLE_KEYS) && message_read(f->type, f->payload, &m));
    if (m.kind == MSG_login_step && !w->hold_keys) {
        CHECK_STR(m.login_step.mechanism, S("PLAIN"));
        say(w, l,
            &MSG(login_answer, .session = m.login_step.session, .step = w->login, .user = S("alice@demo.test"),
                 .handle = w->login == LOGIN_ANSWER_OK ? 0xabcd : 0),
            -1);
    }
}

static void sign_frame(void *self, struct link *l, struct frame *f)
{
    struct world *w = self;
    struct message m;
    struct buf signature;
    char alg[32], digest[32];
    CHECK(message_read(f->type, f->payload, &m) && m.kind == MSG_sign);
    buf_init(&signature, 1024);
    CHECK(str_to_c(m.sign.alg, alg, sizeof alg) && str_to_c(m.sign.digest, digest, sizeof digest));
    bool ok = tls_key_sign(w->key, alg, digest, m.sign.tbs, &signature);
    say(w, l, &MSG(signature, .query = m.sign.query, .ok = ok, .signature = buf_str(&signature)), -1);
    buf_free(&signature);
    w->signs++;
}

static void closed(void *self, struct link *l, const char *why)
{
    (void)self;
    (void)l;
    (void)why;
}
static const struct link_handler master_handler = {master_frame, closed, NULL}, store_handler = {store_frame, closed, NULL},
                                 keys_handler = {keys_frame, closed, NULL}, sign_handler = {sign_frame, closed, NULL};

/* ---- the world ---- */
static void turn(struct world *w, int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(w->loop, 2);
}

static void on_end(void *to, struct actor *a, int status)
{
    (void)a;
    ((struct world *)to)->status = status;
}

static struct link *link_to(struct world *w, enum role who, const struct link_handler *handler, uint32_t incarnation)
{
    struct link *ends[2];
    CHECK(link_new_pair(w->loop, "theirs", &peer_handler, actor_peer(w->actor, who), "ours", handler, w, LINK_QUEUE_MAX, ends));
    actor_link(w->actor, who, incarnation, ends[0]);
    return ends[1];
}

static void set_up(struct world *w, uint64_t generation, bool first, const char *config, struct str chain)
{
    struct str text = str_c(config);
    say(w, w->master, &MSG(setup_begin, .generation = generation, .first = first), -1);
    say(w, w->master, &MSG(setup_place, .run_dir = S("/nowhere"), .hostname = S("kernel.test")), -1);
    say(w, w->master, &MSG(setup_file, .path = S("penny.conf"), .size = (uint32_t)text.n), -1);
    say(w, w->master, &MSG(setup_bytes, .data = str_head(text, 10)), -1);
    say(w, w->master, &MSG(setup_bytes, .data = str_skip(text, 10)), -1);
    if (chain.n) {
        say(w, w->master, &MSG(setup_chain, .key = 0, .size = (uint32_t)chain.n), -1);
        say(w, w->master, &MSG(setup_bytes, .data = chain), -1);
    }
    for (int kind = 0; kind < LISTEN_KIND_COUNT; kind++) {
        if (w->listener[kind] >= 0 && first)
            say(w, w->master, &MSG(setup_listener, .kind = (uint8_t)kind, .index = (uint32_t)kind), w->listener[kind]);
        else if (w->listener[kind] >= 0)
            say(w, w->master, &MSG(setup_keep, .kind = (uint8_t)kind, .index = (uint32_t)kind), -1);
    }
    say(w, w->master, &MSG(setup_end, .generation = generation), -1);
    turn(w, 2);
}

static const char plain_config[] = "hostname mail.demo.test\ndomain demo.test\ncleartext-login loopback\n";

static void begin(struct world *w, const struct role_type *type, const char *config, struct str chain)
{
    struct why why;
    struct link *ends[2];
    *w = (struct world){.status = -1,
                        .rcpt = DONE,
                        .commit = DONE,
                        .ids = 1000,
                        .lease_count = LEASE_COUNT,
                        .login = LOGIN_ANSWER_OK,
                        .mailbox = "Subject: x\r\n\r\nhello world\r\n"};
    fact_sink(quiet, NULL);
    signal(SIGPIPE, SIG_IGN);
    buf_init(&w->scratch, FRAME_MAX);
    buf_init(&w->body, 100000);
    CHECK(buf_reserve(&w->scratch, FRAME_MAX) != NULL);
    w->loop = loop_new();
    w->actor = actor_new(type, w->loop, 1, true, on_end, w);
    CHECK(w->loop && w->actor);
    CHECK(link_new_pair(w->loop, "theirs", &peer_handler, actor_peer(w->actor, ROLE_MASTER), "ours", &master_handler, w,
                        LINK_QUEUE_MAX, ends));
    actor_link(w->actor, ROLE_MASTER, 0, ends[0]);
    w->master = ends[1];
    w->store = link_to(w, ROLE_STORE, &store_handler, 2);
    if (type == &role_edge_user)
        w->keys = link_to(w, ROLE_KEYS, &keys_handler, 3);
    for (int kind = 0; kind < LISTEN_KIND_COUNT; kind++) {
        w->listener[kind] = -1;
        if ((type == &role_edge_mx) != (kind == LISTEN_SMTP))
            continue;
        w->listener[kind] = net_listen("127.0.0.1", 0, &why);
        struct net_peer local;
        CHECK(w->listener[kind] >= 0 && net_local_of(w->listener[kind], &local));
        w->port[kind] = local.port;
    }
    set_up(w, 1, true, config, chain);
    CHECK_NUM(w->results, 1);
    CHECK_NUM(w->result.outcome, DONE);
    for (int kind = 0; kind < LISTEN_KIND_COUNT; kind++)
        net_close(w->listener[kind]);
    CHECK_NUM(w->ready, 0);
    say(w, w->master, &MSG(setup_commit, .generation = 1), -1);
    turn(w, 8);
    CHECK_NUM(w->ready, 1);
}

static void end(struct world *w)
{
    actor_free(w->actor);
    link_free(w->master);
    if (w->store)
        link_free(w->store);
    if (w->keys)
        link_free(w->keys);
    for (size_t i = 0; i < countof(w->sign); i++)
        if (w->sign[i])
            link_free(w->sign[i]);
    tls_key_free(w->key);
    buf_free(&w->scratch);
    buf_free(&w->body);
    loop_free(w->loop);
    fact_sink(NULL, NULL);
}

/* ---- clients ---- */
struct client {
    struct world *w;
    int fd;
    struct buf in;
};

static struct client dial(struct world *w, enum listen_kind kind)
{
    struct why why;
    struct client c = {.w = w, .fd = net_connect("127.0.0.1", w->port[kind], &why)};
    CHECK(c.fd >= 0);
    buf_init(&c.in, 1 << 20);
    turn(w, 3);
    return c;
}

static void hang(struct client *c)
{
    net_close(c->fd);
    buf_free(&c->in);
    turn(c->w, 3);
}

static void put(struct client *c, const char *text)
{
    size_t wrote;
    struct str s = str_c(text);
    CHECK(net_write_parts(c->fd, &s, 1, &wrote) == NET_OK && wrote == s.n);
    turn(c->w, 6);
}

/* All that comes: compared by its head. "" means the end of the connection. */
static bool hears(struct client *c, const char *want)
{
    enum net_result r = NET_AGAIN;
    for (int i = 0; i < 2000 && c->in.n == 0 && r == NET_AGAIN; i++) {
        r = net_read(c->fd, &c->in, 65536);
        if (c->in.n == 0 && r == NET_AGAIN)
            loop_turn(c->w->loop, 2);
    }
    for (int i = 0; i < 4; i++) { /* what still comes */
        loop_turn(c->w->loop, 2);
        while (net_read(c->fd, &c->in, 65536) == NET_OK)
            ;
    }
    bool ok = want[0] ? str_starts(buf_str(&c->in), str_c(want)) : c->in.n == 0 && (r == NET_END || r == NET_ERROR);
    if (!ok)
        fprintf(stderr, "wanted <%s>, heard <%.*s>\n", want, STR_ARG(buf_str(&c->in)));
    buf_clear(&c->in);
    return ok;
}

#define TALK(c, text, want) (put((c), text), CHECK(hears((c), want)))

static struct client greeted(struct world *w, enum listen_kind kind)
{
    struct client c = dial(w, kind);
    CHECK(hears(&c, "220"));
    TALK(&c, kind == LISTEN_LMTP ? "LHLO client.test\r\n" : "EHLO client.test\r\n", "250");
    return c;
}

TEST(a_message_goes_to_the_store_whole)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SMTP);
    TALK(&c, "MAIL FROM:<x@y.test>\r\n", "250");
    TALK(&c, "RCPT TO:<alice@demo.test>\r\n", "250");
    CHECK_STR(str_c(w.to), S("alice@demo.test"));
    CHECK_STR(str_c(w.from), S("x@y.test"));
    CHECK_NUM(w.handle, 0);
    w.rcpt = REFUSE;
    TALK(&c, "RCPT TO:<bob@demo.test>\r\n", "550 5.1.1 no such user");
    w.rcpt = RETRY;
    TALK(&c, "RCPT TO:<bob@demo.test>\r\n", "452 4.3.1 the disk is full");
    TALK(&c, "DATA\r\n", "354");
    TALK(&c, "Subject: x\r\n\r\n..dot\r\n.\r\n", "250 2.0.0");
    CHECK_STR(buf_str(&w.body), S("Subject: x\r\n\r\n.dot\r\n"));
    CHECK_NUM(w.last.size, w.body_n);
    CHECK_NUM(w.last.id, 1000);
    CHECK_NUM(w.last.rcpt_count, 1);
    CHECK_STR(str_c(w.rcpts), S("alice@demo.test;"));
    w.commit = RETRY;
    w.rcpt = DONE;
    put(&c, "MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    CHECK_STR(str_c(w.to), S("postmaster"));
    CHECK_STR(str_c(w.from), S(""));
    TALK(&c, "Subject: y\r\n\r\n.\r\n", "452 4.3.1 the disk is full");
    TALK(&c, "QUIT\r\n", "221");
    CHECK(hears(&c, ""));
    hang(&c);
    end(&w);
}

TEST(what_is_given_up_is_taken_back)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SMTP);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nBDAT 9\r\nS: x\r\n\r\na");
    CHECK(hears(&c, "250"));
    CHECK_NUM(w.begins, 1);
    TALK(&c, "RSET\r\n", "250");
    CHECK_NUM(w.aborts, 1);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nBDAT 9\r\nS: x\r\n\r\na");
    CHECK(hears(&c, "250"));
    hang(&c); /* in the middle of a message */
    CHECK_NUM(w.ends + w.aborts, 2);
    CHECK_NUM(w.commits, 0);
    CHECK_NUM(((struct edge *)w.actor->self)->open, 0);
    end(&w);
}

TEST(a_store_that_dies_costs_who_waits_for_it_and_gives_no_false_answer)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SMTP);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    w.hold = true;
    put(&c, "Subject: x\r\n\r\nbody\r\n.\r\n"); /* the commit is asked, nobody answers */
    CHECK_NUM(w.commits, 1);
    link_free(w.store);
    w.store = NULL;
    turn(&w, 3);
    CHECK(net_read(c.fd, &c.in, 100) == NET_END); /* whether it is durable nobody knows: no answer is the only true one */
    hang(&c);
    c = greeted(&w, LISTEN_SMTP); /* without store there is still a session */
    TALK(&c, "MAIL FROM:<x@y.test>\r\n", "451 4.3.0");
    w.hold = false;
    w.store = link_to(&w, ROLE_STORE, &store_handler, 9);
    turn(&w, 4);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    put(&c, "Subject: half\r\n\r\n"); /* half of a body, then it dies again */
    CHECK_NUM(w.begins, 2);
    link_free(w.store);
    w.store = NULL;
    turn(&w, 3);
    w.store = link_to(&w, ROLE_STORE, &store_handler, 10);
    turn(&w, 4);
    TALK(&c, "the rest\r\n.\r\n", "451 4.3.0"); /* not 250 for half a message */
    CHECK_NUM(w.commits, 1);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    TALK(&c, "Subject: whole\r\n\r\nx\r\n.\r\n", "250 2.0.0");
    CHECK_STR(buf_str(&w.body), S("Subject: whole\r\n\r\nx\r\n"));
    CHECK_NUM(w.commits, 2);
    hang(&c);
    end(&w);
}

TEST(without_ids_nothing_is_begun)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct edge *e = w.actor->self;
    CHECK(edge_has_ids(e));
    memset(e->lease, 0, sizeof e->lease);
    e->lease_asked = true; /* on its way: the client waits for it */
    struct client c = greeted(&w, LISTEN_SMTP);
    put(&c, "MAIL FROM:<x@y.test>\r\n");
    CHECK(net_read(c.fd, &c.in, 100) == NET_AGAIN);
    say(&w, w.store, &MSG(id_range, .first = 0, .count = 0), -1);
    turn(&w, 3);
    CHECK(hears(&c, "451 4.3.0")); /* store cannot give any now */
    e->lease_asked = true;
    put(&c, "MAIL FROM:<x@y.test>\r\n");
    say(&w, w.store, &MSG(id_range, .first = 77, .count = 1000), -1);
    turn(&w, 3);
    CHECK(hears(&c, "250"));
    put(&c, "RCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    TALK(&c, "Subject: x\r\n\r\n.\r\n", "250");
    CHECK_NUM(w.last.id, 77);
    memset(e->lease, 0, sizeof e->lease);
    e->lease_asked = true;
    put(&c, "MAIL FROM:<x@y.test>\r\n");
    link_free(w.store); /* and store dies meanwhile */
    w.store = NULL;
    turn(&w, 3);
    CHECK(hears(&c, "451 4.3.0"));
    hang(&c);
    end(&w);
}

TEST(a_slow_store_stops_the_reading)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SMTP);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    link_pause(w.store, true);
    char block[8192];
    memset(block, 'x', sizeof block);
    for (size_t i = 63; i + 1 < sizeof block; i += 64)
        memcpy(block + i - 1, "\r\n", 2);
    memcpy(block + sizeof block - 2, "\r\n", 2);
    size_t total = 16u << 20, sent = 0;
    int idle = 0;
    while (sent < total && idle < 30) {
        size_t wrote = 0, at = sent % sizeof block;
        struct str rest = str_of(block + at, sizeof block - at);
        net_write_parts(c.fd, &rest, 1, &wrote);
        sent += wrote;
        idle = wrote ? 0 : idle + 1;
        loop_turn(w.loop, 0);
    }
    struct link *l = w.actor->peers[ROLE_STORE].link;
    CHECK(sent < total); /* the kernel's buffers and ours are full */
    CHECK(link_queued(l) <= LINK_STREAM_MAX + 2 * BODY_PIECE_MAX);
    CHECK(link_queued(l) > LINK_STREAM_MAX / 2);
    link_pause(w.store, false);
    while (sent < total) {
        size_t wrote = 0, at = sent % sizeof block;
        struct str rest = str_of(block + at, sizeof block - at);
        net_write_parts(c.fd, &rest, 1, &wrote);
        sent += wrote;
        loop_turn(w.loop, 1);
    }
    TALK(&c, ".\r\n", "250 2.0.0");
    CHECK_NUM(w.body_n, total);
    CHECK_NUM(w.last.size, total);
    hang(&c);
    end(&w);
}

TEST(a_client_has_its_share)
{
    struct world w;
    struct client c[12];
    begin(&w, &role_edge_mx, "hostname h.test\ndomain demo.test\nconnections-per-client 1\n", STR_NONE);
    for (int i = 0; i < 10; i++) { /* loopback may have ten times as many */
        c[i] = dial(&w, LISTEN_SMTP);
        CHECK(hears(&c[i], "220"));
    }
    c[10] = dial(&w, LISTEN_SMTP);
    CHECK(hears(&c[10], "421 4.7.0 h.test too many connections from your address"));
    hang(&c[10]);
    hang(&c[0]);
    c[0] = dial(&w, LISTEN_SMTP);
    CHECK(hears(&c[0], "220"));
    for (int i = 0; i < 10; i++)
        hang(&c[i]);
    end(&w);
}

TEST(a_stop_says_goodbye)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client idle = greeted(&w, LISTEN_SMTP), busy = greeted(&w, LISTEN_SMTP);
    put(&busy, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&busy, "250"));
    say(&w, w.master, &MSG(stop, .within_ms = 3000), -1);
    turn(&w, 3);
    CHECK(hears(&idle, "421 4.3.2"));
    CHECK_NUM(w.status, -1);
    TALK(&busy, "Subject: last\r\n\r\n.\r\n", "250 2.0.0"); /* what was begun is finished */
    CHECK_NUM(w.commits, 1);
    struct why why;
    int late = net_connect("127.0.0.1", w.port[LISTEN_SMTP], &why);
    turn(&w, 3);
    CHECK(late < 0 || net_connected(late, &why) == NET_ERROR); /* nobody listens any more */
    net_close(late);
    hang(&idle);
    hang(&busy);
    turn(&w, 200);
    CHECK_NUM(w.stopped, 1);
    CHECK_NUM(w.status, 0);
    end(&w);
}

TEST(a_stop_is_bounded)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SMTP);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    say(&w, w.master, &MSG(stop, .within_ms = 50), -1);
    for (int i = 0; i < 200 && w.status < 0; i++)
        loop_turn(w.loop, 5);
    CHECK_NUM(w.status, 0);
    CHECK_NUM(w.commits, 0);
    hang(&c);
    end(&w);
}

static const char alice[] = "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n";

TEST(a_user_has_a_handle)
{
    struct world w;
    begin(&w, &role_edge_user, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SUBMISSION);
    TALK(&c, "MAIL FROM:<alice@demo.test>\r\n", "530");
    w.login = LOGIN_ANSWER_FAILED;
    TALK(&c, alice, "535");
    w.login = LOGIN_ANSWER_RETRY;
    TALK(&c, alice, "454");
    w.hold_keys = true;
    put(&c, alice);
    link_free(w.keys);
    w.keys = NULL;
    turn(&w, 3);
    CHECK(hears(&c, "454"));
    TALK(&c, alice, "454"); /* nobody there at all */
    w.hold_keys = false;
    w.keys = link_to(&w, ROLE_KEYS, &keys_handler, 7);
    w.login = LOGIN_ANSWER_OK;
    TALK(&c, alice, "235");
    TALK(&c, "MAIL FROM:<alice@demo.test>\r\n", "250");
    CHECK_NUM(w.handle, 0xabcd);
    w.handle = 0;
    TALK(&c, "RCPT TO:<who@elsewhere.test>\r\n", "250");
    CHECK_NUM(w.handle, 0xabcd);
    TALK(&c, "RSET\r\n", "250");
    say(&w, w.store, &MSG(session_kick, .session = w.session), -1); /* removed, or another password */
    turn(&w, 3);
    CHECK(hears(&c, "421"));
    CHECK(hears(&c, ""));
    hang(&c);
    CHECK_NUM(w.ends, 1);
    end(&w);
}

TEST(a_handle_dies_with_its_store)
{
    struct world w;
    begin(&w, &role_edge_user, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SUBMISSION), stranger = greeted(&w, LISTEN_SUBMISSION);
    TALK(&c, alice, "235");
    link_free(w.store);
    w.store = link_to(&w, ROLE_STORE, &store_handler, 8);
    turn(&w, 3);
    CHECK(hears(&c, "421"));
    TALK(&stranger, "NOOP\r\n", "250"); /* who had nothing there lost nothing */
    hang(&c);
    hang(&stranger);
    end(&w);
}

TEST(lmtp_has_an_answer_for_each)
{
    struct world w;
    begin(&w, &role_edge_user, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_LMTP);
    put(&c, "MAIL FROM:<x@y.test>\r\nRCPT TO:<a@demo.test>\r\nRCPT TO:<b@demo.test>\r\nRCPT TO:<c@demo.test>\r\nDATA\r\n");
    CHECK(hears(&c, "250"));
    put(&c, "Subject: x\r\n\r\n.\r\n");
    CHECK(hears(
        &c, "250 2.1.5 <a@demo.test> delivered, id 1VYX0\r\n550 5.1.1 <b@demo.test> no such user\r\n250 2.1.5 <c@demo.test>"));
    CHECK_STR(str_c(w.rcpts), S("a@demo.test;b@demo.test;c@demo.test;"));
    hang(&c);
    end(&w);
}

TEST(a_mailbox_is_read_and_emptied)
{
    struct world w;
    begin(&w, &role_edge_user, plain_config, STR_NONE);
    struct client c = dial(&w, LISTEN_POP3);
    CHECK(hears(&c, "+OK"));
    TALK(&c, "USER alice\r\n", "+OK");
    TALK(&c, "PASS secret\r\n", "+OK");
    TALK(&c, "UIDL\r\n", "+OK");
    TALK(&c, "STAT\r\n", "+OK 2 54\r\n");
    put(&c, "RETR 2\r\n");
    turn(&w, 10);
    while (net_read(c.fd, &c.in, 65536) == NET_OK)
        ;
    CHECK(str_ends(buf_str(&c.in), S("Subject: x\r\n\r\nhello world\r\n.\r\n")));
    buf_clear(&c.in);
    TALK(&c, "DELE 2\r\n", "+OK");
    TALK(&c, "QUIT\r\n", "+OK");
    CHECK_NUM(w.deleted, 1);
    CHECK(hears(&c, ""));
    hang(&c);
    CHECK_NUM(w.ends, 1);
    end(&w);
}

TEST(a_store_that_says_what_it_may_not_is_cut_off)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client c = greeted(&w, LISTEN_SMTP);
    say(&w, w.store, &MSG(setup_commit, .generation = 1), -1);
    turn(&w, 4);
    CHECK(w.actor->peers[ROLE_STORE].link == NULL);
    CHECK_NUM(w.breaches, 1);
    TALK(&c, "NOOP\r\n", "250");
    link_free(w.store);
    w.store = link_to(&w, ROLE_STORE, &store_handler, 5);
    CHECK(link_send(w.store, MSG_answer, 0, S("short")));
    turn(&w, 4);
    CHECK_NUM(w.breaches, 2);
    link_free(w.store);
    w.store = link_to(&w, ROLE_STORE, &store_handler, 6);
    say(&w, w.store, &MSG(answer, .session = 12345, .outcome = DONE), -1); /* about nobody: ignored */
    turn(&w, 4);
    CHECK_NUM(w.breaches, 2);
    hang(&c);
    end(&w);
}

TEST(a_reload_is_all_or_nothing)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    struct client old = greeted(&w, LISTEN_SMTP);
    set_up(&w, 2, false, "hostname new.test\ndomain demo.test\n", STR_NONE);
    CHECK_NUM(w.result.outcome, DONE);
    say(&w, w.master, &MSG(setup_abandon, .generation = 2), -1);
    turn(&w, 2);
    struct client c = dial(&w, LISTEN_SMTP);
    CHECK(hears(&c, "220 mail.demo.test"));
    hang(&c);
    set_up(&w, 3, false, "hostname new.test\nno-such-word\n", STR_NONE);
    CHECK_NUM(w.result.outcome, REFUSE);
    CHECK(w.result.why.text[0] != '\0');
    set_up(&w, 4, false, "hostname new.test\n", S("-----BEGIN CERTIFICATE-----\nnot base64\n"));
    CHECK_NUM(w.result.outcome, REFUSE);
    set_up(&w, 5, false, "hostname new.test\ndomain demo.test\n", STR_NONE);
    say(&w, w.master, &MSG(setup_commit, .generation = 5), -1);
    turn(&w, 2);
    c = dial(&w, LISTEN_SMTP);
    CHECK(hears(&c, "220 new.test"));
    TALK(&old, "EHLO again\r\n", "250-mail.demo.test"); /* a session keeps what it began with */
    hang(&c);
    hang(&old);
    end(&w);
}

TEST(a_broken_setup_is_refused)
{
    struct world w;
    begin(&w, &role_edge_mx, plain_config, STR_NONE);
    say(&w, w.master, &MSG(setup_begin, .generation = 2), -1);
    say(&w, w.master, &MSG(setup_file, .path = S("x"), .size = 5), -1);
    say(&w, w.master, &MSG(setup_bytes, .data = S("more than five")), -1);
    say(&w, w.master, &MSG(setup_end, .generation = 2), -1);
    turn(&w, 2);
    CHECK_NUM(w.result.outcome, REFUSE);
    say(&w, w.master, &MSG(setup_begin, .generation = 3), -1);
    say(&w, w.master, &MSG(setup_file, .path = S("x"), .size = 5), -1);
    say(&w, w.master, &MSG(setup_bytes, .data = S("four")), -1);
    say(&w, w.master, &MSG(setup_end, .generation = 3), -1);
    turn(&w, 2);
    CHECK_NUM(w.results, 3);
    CHECK_NUM(w.result.outcome, REFUSE);
    say(&w, w.master, &MSG(setup_bytes, .data = S("nothing was begun")), -1);
    say(&w, w.master, &MSG(setup_end, .generation = 4), -1);
    turn(&w, 2);
    CHECK_NUM(w.result.outcome, REFUSE);
    end(&w);
}

/* ---- TLS ---- */
static struct link *sign_channel(struct world *w, uint32_t incarnation)
{
    int fds[2];
    CHECK(net_pair(fds));
    w->actor->type->sign_channel(w->actor, ROLE_KEYS, incarnation, fds[0]);
    return link_new(w->loop, fds[1], "sign", &sign_handler, w, 0);
}

static bool shake(struct client *c, struct tls *t, struct buf *in, struct buf *out)
{
    struct why why = {0};
    for (int i = 0; i < 500; i++) {
        enum tls_result r = tls_handshake(t, in, out, &why);
        if (out->n)
            net_write(c->fd, out);
        if (r == TLS_OK)
            return true;
        if (r != TLS_MORE)
            return false;
        loop_turn(c->w->loop, 2);
        net_read(c->fd, in, 65536);
    }
    return false;
}

TEST(keys_sign_and_nothing_survives_starttls)
{
    struct world w;
    struct buf key, chain, in, out, plain;
    struct why why;
    buf_init(&key, 65536);
    buf_init(&chain, 65536);
    buf_init(&in, 65536);
    buf_init(&out, 65536);
    buf_init(&plain, 65536);
    CHECK(tls_self_signed(S("mail.demo.test"), &key, &chain, &why));
    begin(&w, &role_edge_mx, plain_config, buf_str(&chain));
    w.key = tls_key_read(buf_str(&key), &why);
    struct tls_client_context *ctx = tls_client_context_new(STR_NONE, false);
    CHECK(w.key && ctx);
    w.sign[0] = sign_channel(&w, 1);
    w.sign[1] = sign_channel(&w, 1);
    struct client c = greeted(&w, LISTEN_SMTP);
    put(&c, "STARTTLS\r\nMAIL FROM:<injected@y.test>\r\n");
    CHECK(hears(&c, "5")); /* refused: pipelined behind STARTTLS */
    hang(&c);
    c = greeted(&w, LISTEN_SMTP);
    TALK(&c, "STARTTLS\r\n", "220");
    struct tls *t = tls_client_new(ctx, S("mail.demo.test"), false);
    CHECK(shake(&c, t, &in, &out));
    CHECK_NUM(w.signs, 1);
    buf_add(&plain, S("EHLO client.test\r\n"));
    CHECK(tls_write(t, &plain, &out) == TLS_OK && net_write(c.fd, &out) == NET_OK);
    for (int i = 0; i < 100 && plain.n == 0; i++) {
        loop_turn(w.loop, 2);
        net_read(c.fd, &in, 65536);
        tls_read(t, &in, &plain, &out);
    }
    CHECK(str_starts(buf_str(&plain), S("250-mail.demo.test")));
    CHECK(str_find_str(buf_str(&plain), S("STARTTLS")) == plain.n);
    tls_free(t);
    hang(&c);
    /* keys dies: its channels are useless, a hand-shake fails at once; another comes: all is well */
    link_free(w.sign[0]);
    link_free(w.sign[1]);
    w.sign[0] = w.sign[1] = NULL;
    c = greeted(&w, LISTEN_SMTP);
    TALK(&c, "STARTTLS\r\n", "220");
    w.sign[0] = sign_channel(&w, 2);
    t = tls_client_new(ctx, S("mail.demo.test"), false);
    buf_clear(&in);
    buf_clear(&out);
    CHECK(shake(&c, t, &in, &out));
    CHECK_NUM(w.signs, 2);
    tls_free(t);
    hang(&c);
    c = greeted(&w, LISTEN_SMTP);
    TALK(&c, "STARTTLS\r\n", "220");
    put(&c, "this is no ClientHello\r\n");
    turn(&w, 20);
    CHECK_NUM(((struct edge *)w.actor->self)->open, 0);
    hang(&c);
    tls_client_context_free(ctx);
    buf_free(&key);
    buf_free(&chain);
    buf_free(&in);
    buf_free(&out);
    buf_free(&plain);
    end(&w);
}

TEST(an_edge_may_end_with_everything_open)
{
    struct world w;
    begin(&w, &role_edge_user, plain_config, STR_NONE);
    struct client a = greeted(&w, LISTEN_SUBMISSION), b = dial(&w, LISTEN_POP3);
    put(&a, alice);
    end(&w); /* sanitizers watch */
    net_close(a.fd);
    net_close(b.fd);
    buf_free(&a.in);
    buf_free(&b.in);
    CHECK(true);
}
