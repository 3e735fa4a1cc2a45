/* SPDX-License-Identifier: ISC */
/* The engine through its door, on a real directory, without and with threads, and once more after a restart. */
#include "store/test_util.h"

static void with_modes(void (*run)(struct fixture *f))
{
    for (int threads = 0; threads < 2; threads++) {
        struct fixture f;
        fixture_open(&f, &(struct engine_options){.threads = threads, .segment_size = 1024 * 1024});
        CHECK(f.e != NULL);
        if (f.e)
            run(&f);
        if (f.e)
            check_sound(&f);
        fixture_close(&f);
    }
}

static void accounts_and_delivery(struct fixture *f)
{
    struct engine_account a;
    struct engine_mailbox m;
    account_id alice = add_account(f, "alice@demo.test");
    CHECK(alice != 0);
    CHECK(engine_account_by_name(f->e, S("alice@demo.test"), &a));
    CHECK_NUM(a.id, alice);
    CHECK_STR(a.verifier, S("verifier"));
    CHECK(engine_mailbox_by_name(f->e, alice, S("inbox"), &m));
    CHECK_NUM(m.id, 1);
    CHECK_NUM(m.uidnext, 1);
    CHECK(engine_mailbox_by_name(f->e, alice, S("Sent"), &m));
    CHECK_STR(m.special_use, S("\\Sent"));
    CHECK(!engine_mailbox_by_name(f->e, alice, S("Nothing"), &m));
    struct delivered d = deliver(f, alice, S("Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"));
    CHECK_NUM(d.outcome, DONE);
    CHECK_NUM(d.uid, 1);
    d = deliver(f, alice, S("Subject: two\r\n\r\nbody 2\r\n"));
    CHECK_NUM(d.uid, 2);
    for (int round = 0; round < 2; round++) {
        CHECK_STR(read_message(f, alice, 1, 1),
                  S("Return-Path: <x@y>\r\nReceived: here\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"));
        CHECK_STR(read_message(f, alice, 1, 2), S("Return-Path: <x@y>\r\nReceived: here\r\nSubject: two\r\n\r\nbody 2\r\n"));
        CHECK_NUM(read_message(f, alice, 1, 3).n, 0);
        CHECK(engine_mailbox_by_name(f->e, alice, S("INBOX"), &m));
        CHECK_NUM(m.messages, 2);
        CHECK_NUM(m.uidnext, 3);
        CHECK(engine_account_by_name(f->e, S("alice@demo.test"), &a));
        CHECK_NUM(a.messages, 2);
        CHECK_NUM(a.used, m.bytes);
        CHECK_NUM(m.bytes, 2 * 36 + 43 + 24);
        if (round == 0)
            fixture_restart(f);
    }
    d = deliver(f, alice, S("Subject: three\r\n\r\n"));
    CHECK_NUM(d.uid, 3);
}
TEST(accounts_and_delivery) { with_modes(accounts_and_delivery); }

static void directory(struct fixture *f)
{
    const struct str *t;
    struct engine_account a;
    struct str targets[] = {S("a@x"), S("b@x")};
    account_id bob = add_account(f, "bob@demo.test");
    CHECK_NUM(add_account(f, "bob@demo.test"), 0);
    struct op op = {.kind = OP_DOMAIN_ADD, .domain = {S("demo.test")}};
    CHECK_NUM(run_op(f, &op), DONE);
    CHECK_NUM(run_op(f, &op), REFUSE);
    op = (struct op){.kind = OP_ALIAS_SET, .alias = {S("all@demo.test"), targets, 2}};
    CHECK_NUM(run_op(f, &op), DONE);
    op = (struct op){.kind = OP_ALIAS_SET, .alias = {S("bob@demo.test"), targets, 2}};
    CHECK_NUM(run_op(f, &op), REFUSE);
    op = (struct op){.kind = OP_ACCOUNT_QUOTA};
    op.account.account = bob, op.account.quota = 1000;
    CHECK_NUM(run_op(f, &op), DONE);
    op.kind = OP_ACCOUNT_SUSPEND, op.account.suspended = true;
    CHECK_NUM(run_op(f, &op), DONE);
    op.kind = OP_ACCOUNT_VERIFIER, op.account.verifier = S("new one");
    CHECK_NUM(run_op(f, &op), DONE);
    struct op box = {.kind = OP_MAILBOX_ADD, .mailbox_add = {.account = bob, .name = S("Lists/penny")}};
    CHECK_NUM(run_op(f, &box), DONE);
    CHECK_NUM(box.mailbox_add.mailbox, 7);
    CHECK_NUM(run_op(f, &box), REFUSE);
    for (int round = 0; round < 2; round++) {
        CHECK(engine_domain(f->e, S("demo.test")) && !engine_domain(f->e, S("other.test")));
        CHECK_NUM(engine_alias(f->e, S("all@demo.test"), &t), 2);
        CHECK_STR(t[1], S("b@x"));
        CHECK_NUM(engine_alias(f->e, S("none@demo.test"), &t), 0);
        CHECK(engine_account_by_id(f->e, bob, &a));
        CHECK(a.quota == 1000 && a.suspended && a.created_ms > 0);
        CHECK_STR(a.verifier, S("new one"));
        struct engine_mailbox m;
        CHECK(engine_mailbox_by_name(f->e, bob, S("Lists/penny"), &m) && m.uidvalidity > 0);
        if (round == 0)
            fixture_restart(f);
    }
    struct delivered d = deliver(f, bob, S("\r\nx"));
    CHECK_NUM(d.outcome, DONE);
    op = (struct op){.kind = OP_ACCOUNT_REMOVE};
    op.account.account = bob;
    CHECK_NUM(run_op(f, &op), DONE);
    CHECK_NUM(run_op(f, &op), REFUSE);
    CHECK_NUM(deliver(f, bob, S("\r\nx")).outcome, REFUSE);
    op = (struct op){.kind = OP_ALIAS_REMOVE, .alias = {.name = S("all@demo.test")}};
    CHECK_NUM(run_op(f, &op), DONE);
    op = (struct op){.kind = OP_DOMAIN_REMOVE, .domain = {S("demo.test")}};
    CHECK_NUM(run_op(f, &op), DONE);
    account_id again = add_account(f, "bob@demo.test");
    CHECK(again > bob); /* ids are never used twice */
    CHECK_STR(list_messages(f, again, 1), S(""));
    struct engine_stat s;
    engine_stat(f->e, &s);
    CHECK(s.accounts == 1 && s.domains == 0 && s.aliases == 0 && s.messages == 0 && s.bodies == 0);
}
TEST(directory) { with_modes(directory); }

static void flags_and_expunge(struct fixture *f)
{
    struct engine_mailbox m;
    struct engine_account acc;
    account_id a = add_account(f, "a@demo.test");
    for (int i = 0; i < 6; i++)
        deliver(f, a, S("Subject: same\r\n\r\nx"));
    CHECK_STR(list_messages(f, a, 1), S("1:0:2 2:0:3 3:0:4 4:0:5 5:0:6 6:0:7 "));
    uint32_t some[] = {2, 3, 5}, gone[] = {1, 3, 4, 77};
    CHECK_NUM(change_uids(f, OP_FLAGS, a, 1, some, 3, FLAG_SEEN | FLAG_FLAGGED, 0), DONE);
    CHECK_STR(list_messages(f, a, 1), S("1:0:2 2:5:8 3:5:8 4:0:5 5:5:8 6:0:7 "));
    CHECK_NUM(change_uids(f, OP_FLAGS, a, 1, some, 1, FLAG_DELETED, FLAG_SEEN), DONE);
    CHECK_NUM(change_uids(f, OP_EXPUNGE, a, 1, gone, 4, 0, 0), DONE);
    CHECK_STR(list_messages(f, a, 1), S("2:12:9 5:5:8 6:0:7 "));
    CHECK_NUM(change_uids(f, OP_EXPUNGE, a, 1, (uint32_t[]){6}, 1, 0, 0), DONE);
    for (int round = 0; round < 2; round++) {
        CHECK(engine_mailbox_by_name(f->e, a, S("INBOX"), &m));
        CHECK(m.messages == 2 && m.uidnext == 7 && m.modseq == 11);
        CHECK(engine_account_by_id(f->e, a, &acc) && acc.messages == 2 && acc.used == m.bytes);
        if (round == 0)
            fixture_restart(f);
    }
    CHECK_NUM(deliver(f, a, S("\r\n")).uid, 7);           /* a number is never given twice */
    CHECK_NUM(change_uids(f, OP_EXPUNGE, a, 1, (uint32_t[]){2, 2}, 2, 0, 0), REFUSE);
    CHECK_NUM(change_uids(f, OP_EXPUNGE, a, 99, (uint32_t[]){2}, 1, 0, 0), REFUSE);
    CHECK_NUM(change_uids(f, OP_EXPUNGE, 12345, 1, (uint32_t[]){2}, 1, 0, 0), REFUSE);
    CHECK_NUM(read_message(f, a, 1, 3).n, 0);
}
TEST(flags_and_expunge) { with_modes(flags_and_expunge); }

static void one_body_for_many(struct fixture *f)
{
    account_id a = add_account(f, "a@demo.test"), b = add_account(f, "b@demo.test");
    struct op_delivery d[3] = {{.account = a, .folder = S("INBOX"), .prefix = S("To: a\r\n")},
                               {.account = b, .folder = S("Junk"), .prefix = S("To: b\r\n")},
                               {.account = b, .folder = S("No such"), .prefix = S("To: c\r\n")}};
    struct op_queued q[2] = {{.address = S("c@far.test"), .notify = 2}, {.address = S("d@far.test")}};
    struct op op = accept_op(d, 3, q, 2, NULL, 0);
    op.accept.id = engine_lease_ids(f->e, 1);
    op.accept.body = put_body(f, S("Subject: many\r\n\r\nhello"), 7);
    CHECK_NUM(run_op(f, &op), DONE);
    CHECK(d[0].mailbox == 1 && d[1].mailbox == 4 && d[2].mailbox == 1 && d[0].uid == 1 && d[1].uid == 1 && d[2].uid == 1);
    CHECK(q[1].queue_id > q[0].queue_id);
    CHECK_STR(read_message(f, b, 4, 1), S("To: b\r\nReceived: here\r\nSubject: many\r\n\r\nhello"));
    CHECK_STR(read_message(f, b, 1, 1), S("To: c\r\nReceived: here\r\nSubject: many\r\n\r\nhello"));
    struct engine_stat s;
    engine_stat(f->e, &s);
    CHECK(s.bodies == 1 && s.messages == 3 && s.queued == 2);
    CHECK_NUM(deliver(f, a, S("Subject: many\r\n\r\nhello")).outcome, DONE); /* the same once more: kept once */
    engine_stat(f->e, &s);
    CHECK(s.bodies == 1 && s.messages == 4);
    change_uids(f, OP_EXPUNGE, a, 1, (uint32_t[]){1, 2}, 2, 0, 0);
    change_uids(f, OP_EXPUNGE, b, 1, (uint32_t[]){1}, 1, 0, 0);
    change_uids(f, OP_EXPUNGE, b, 4, (uint32_t[]){1}, 1, 0, 0);
    engine_stat(f->e, &s);
    CHECK(s.bodies == 1 && s.messages == 0);
    for (int i = 0; i < 2; i++) {
        struct op gone = {.kind = OP_QUEUE_REMOVE, .queue_remove = {.queue_id = q[i].queue_id, .id = op.accept.id}};
        CHECK_NUM(run_op(f, &gone), DONE);
        CHECK_NUM(run_op(f, &gone), REFUSE);
    }
    engine_stat(f->e, &s);
    CHECK(s.bodies == 0 && s.queued == 0);
    CHECK_NUM(deliver(f, a, S("Subject: many\r\n\r\nhello")).uid, 3); /* a body that was dead comes back to life */
    CHECK_STR(read_message(f, a, 1, 3), S("Return-Path: <x@y>\r\nReceived: here\r\nSubject: many\r\n\r\nhello"));
}
TEST(one_body_for_many) { with_modes(one_body_for_many); }

static void quota(struct fixture *f)
{
    account_id a = add_account(f, "a@demo.test"), b = add_account(f, "b@demo.test");
    struct op op = {.kind = OP_ACCOUNT_QUOTA};
    op.account.account = a, op.account.quota = 100;
    run_op(f, &op);
    CHECK_NUM(deliver(f, a, S("\r\n0123456789012345678901234567890123456789")).outcome, DONE);
    CHECK_NUM(deliver(f, a, S("\r\n01234567890123456789012345678901234567890123456789")).outcome,
              DONE); /* may overshoot by one */
    struct delivered d = deliver(f, a, S("\r\nx"));
    CHECK_NUM(d.outcome, REFUSE);
    CHECK_STR(str_c(d.why.status), S("5.2.2"));
    struct op_delivery two[2] = {{.account = a, .folder = S("INBOX")}, {.account = b, .folder = S("INBOX")}};
    op = accept_op(two, 2, NULL, 0, NULL, 0);
    op.accept.id = engine_lease_ids(f->e, 1);
    op.accept.body = put_body(f, S("\r\ny"), 100);
    CHECK_NUM(run_op(f, &op), DONE); /* one of two: the caller owes a notice for the other */
    CHECK(two[0].outcome == REFUSE && two[1].outcome == DONE);
    change_uids(f, OP_EXPUNGE, a, 1, (uint32_t[]){1, 2}, 2, 0, 0);
    CHECK_NUM(deliver(f, a, S("\r\nx")).outcome, DONE);
}
TEST(quota) { with_modes(quota); }

static void large_bodies(struct fixture *f)
{
    account_id a = add_account(f, "a@demo.test");
    static const size_t sizes[] = {65535, 65536, 65537, 131072, 200000, 3000000, 0, 1};
    char *text = malloc(3000100);
    for (size_t i = 0; i < 3000100; i++)
        text[i] = (char)(i * 2654435761u >> 13);
    memcpy(text, "Subject: big\r\n\r\n", 16);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct delivered d = deliver(f, a, str_of(text + i, sizes[i]));
        CHECK_NUM(d.outcome, DONE);
        struct str got = read_message(f, a, 1, d.uid);
        CHECK_NUM(got.n, 36 + sizes[i]);
        CHECK(got.n == 36 + sizes[i] && memcmp(got.p + 36, text + i, sizes[i]) == 0);
    }
    struct body_writer *w = engine_body_begin(f->e); /* given up half way */
    CHECK_NUM(engine_body_add(f->e, w, str_of(text, 300000), &f->why), DONE);
    engine_body_abort(f->e, w);
    engine_body_drop(f->e, put_body(f, str_of(text, 300000), 1000));
    fixture_restart(f);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct str got = read_message(f, a, 1, i + 1);
        CHECK(got.n == 36 + sizes[i] && memcmp(got.p + 36, text + i, sizes[i]) == 0);
    }
    struct buf piece;
    char room[10];
    bool more;
    buf_fixed(&piece, room, sizeof room);
    CHECK_NUM(engine_read(f->e, a, 1, 5, 65536 - 5 + 36, &piece, &more, &f->why), DONE); /* across the border of two pieces */
    CHECK(piece.n == 10 && memcmp(room, text + 4 + 65531, 10) == 0 && more);
    free(text);
}
TEST(large_bodies) { with_modes(large_bodies); }

static struct op many[64];
static unsigned many_done;
static void many_finished(struct op *op) { many_done += op->outcome == DONE; }

/* Several operations in one batch, in order. */
static void batches(struct fixture *f)
{
    account_id a = add_account(f, "a@demo.test");
    struct op_delivery d[64] = {{0}};
    struct engine_stat before, after;
    engine_stat(f->e, &before);
    many_done = 0;
    for (uint32_t i = 0; i < 64; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "Subject: %u\r\n\r\n", (unsigned)(i % 60));
        d[i] = (struct op_delivery){.account = a, .folder = S("INBOX")};
        many[i] = accept_op(&d[i], 1, NULL, 0, NULL, 0);
        many[i].accept.id = engine_lease_ids(f->e, 1);
        many[i].accept.body = put_body(f, str_of(text, (size_t)n), 100);
        many[i].done = many_finished;
        engine_submit(f->e, &many[i]);
    }
    for (int i = 0; many_done < 64 && i < 10000; i++) {
        engine_turn(f->e);
        usleep(50);
    }
    CHECK_NUM(many_done, 64);
    for (uint32_t i = 0; i < 64; i++)
        CHECK_NUM(d[i].uid, i + 1);
    engine_stat(f->e, &after);
    CHECK(after.commits - before.commits <= 2);
    CHECK_NUM(after.bodies, 60);
    CHECK_STR(read_message(f, a, 1, 63), S("Received: here\r\nSubject: 2\r\n\r\n"));
}
TEST(batches) { with_modes(batches); }

static void leases(struct fixture *f)
{
    uint64_t a = engine_lease_ids(f->e, 10), b = engine_lease_ids(f->e, 1), c = engine_lease_ids(f->e, 100000),
             d = engine_lease_ids(f->e, 70000);
    CHECK(a > 0 && b == a + 10 && c == 0); /* more than a commit reserves: never */
    CHECK(d == 0 || d > b);
    uint64_t last = b;
    for (int i = 0; i < 40; i++) {
        uint64_t x = engine_lease_ids(f->e, 10000);
        CHECK(x > last);
        last = x;
    }
    fixture_restart(f);
    CHECK(engine_lease_ids(f->e, 1) >= last + 10000);
}
TEST(leases) { with_modes(leases); }

TEST(locked)
{
    struct fixture f;
    struct why why;
    fixture_open(&f, &(struct engine_options){.threads = false});
    CHECK(engine_open(f.dir, -1, &f.o, &why) == NULL);
    CHECK(str_starts(str_c(why.text), S("the directory is in use by process ")));
    fixture_close(&f);
}
