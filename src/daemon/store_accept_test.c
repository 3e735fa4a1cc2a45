// SPDX-License-Identifier: ISC
/* Accepting mail: who is a recipient, what a commit delivers and queues, what the sender is told. */
#include "daemon/role_rig.h"

static bool is(const struct message *m, enum outcome outcome, const char *status)
{
    const struct why *w = !m ? NULL : m->kind == MSG_committed ? &m->committed.why : &m->answer.why;
    enum outcome o = !m ? 0 : m->kind == MSG_committed ? m->committed.outcome : m->answer.outcome;

    if (m && o == outcome && strcmp(w->status, status) == 0)
        return true;
    fprintf(stderr, "  got outcome %d status <%s> <%s>\n", o, w ? w->status : "-", w ? w->text : "no answer");
    return false;
}

TEST(one_and_many)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE);
    struct buf b;

    buf_init(&b, 1 << 20);
    CHECK(is(rig_rcpt(&r->mx, 1, 0, "alice@demo.test"), DONE, ""));
    CHECK(is(rig_rcpt(&r->mx, 1, 0, "ALICE@Demo.Test"), DONE, ""));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    struct str text = rig_read(r, alice, "INBOX", &b);
    CHECK(str_starts(text,
                     S("Return-Path: <sender@elsewhere.test>\r\nDelivered-To: alice@demo.test\r\nReceived: from client.test")));
    CHECK(str_ends(text, S("Subject: hello\r\n\r\nbody\r\n")));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test", "bob@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 2);
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 1);
    CHECK(is(rig_mail(&r->mx, MAIL("", .to = {"bob@demo.test"})), DONE, "")); /* the null path */
    CHECK(str_starts(rig_read(r, bob, "INBOX", &b), S("Return-Path: <>\r\n")));
    struct engine_stat s;
    engine_stat(rig_store(r)->engine, &s);
    CHECK_NUM(s.messages, 4);
    CHECK_NUM(rig_store(r)->bodies_held, 0);
    CHECK_NUM(rig_store(r)->commit_count, 0);
    CHECK_NUM(rig_store(r)->edges[0].sessions, 0); /* nothing is left of a session that had only this */
    buf_free(&b);
    rig_free(r);
}

TEST(survives_a_restart)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);

    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"})), DONE, ""));
    rig_close_store(r);
    rig_open_store(r, RIG_CONFIG);
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 2);
    rig_free(r);
}

TEST(large_body_and_empty_body)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);
    enum { SIZE = 700 * 1000 };
    char *text = malloc(SIZE + 1);
    struct buf b;

    buf_init(&b, 1 << 20);
    memcpy(text, "Subject: long\r\n\r\n", 17);
    for (size_t i = 17; i < SIZE; i++)
        text[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
    text[SIZE] = '\0';
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .text = text)), DONE, ""));
    struct str got = rig_read(r, alice, "INBOX", &b);
    CHECK(str_ends(got, str_c(text)));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .text = "")), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 2);
    free(text);
    buf_free(&b);
    rig_free(r);
}

TEST(aliases_catch_all_and_tags)
{
    struct rig *r = rig_new("hostname mail.demo.test\ndomain demo.test {\n  alias sales -> bob@demo.test\n}\ndomain other.test "
                            "{\n  alias * -> alice@demo.test\n}\n");
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE);
    struct buf b;

    buf_init(&b, 1 << 20);
    rig_folder(r, alice, "shop");
    rig_alias(r, "team@demo.test", "alice@demo.test", "bob@demo.test");
    rig_alias(r, "all@demo.test", "team@demo.test", "alice@demo.test");
    rig_alias(r, "loop1@demo.test", "loop2@demo.test", NULL);
    rig_alias(r, "loop2@demo.test", "loop1@demo.test", NULL);
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"sales@demo.test"})), DONE, "")); /* of the file */
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 1);
    CHECK(has(rig_read(r, bob, "INBOX", &b), "X-Original-To: sales@demo.test\r\nDelivered-To: bob@demo.test\r\n"));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"all@demo.test", "alice@demo.test"})), DONE,
             "")); /* three ways to her: one copy */
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 2);
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"anything@other.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 2);
    CHECK(is(rig_rcpt(&r->mx, 1, 0, "loop1@demo.test"), REFUSE, "5.4.6"));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice+shop@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "shop").count, 1);
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice+nosuchfolder@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 3);
    CHECK(has(rig_read(r, alice, "INBOX", &b), "Delivered-To: alice+nosuchfolder@demo.test\r\n"));
    buf_free(&b);
    rig_free(r);
}

TEST(unknown_and_relay_by_any_spelling)
{
    static const struct { const char *to, *status; } cases[] = {
        {"nobody@demo.test", "5.1.1"},
        {"user@elsewhere.test", "5.7.1"},
        {"\"user@elsewhere.test\"@demo.test", "5.1.1"},
        {"user%elsewhere.test@demo.test", "5.1.1"},
        {"elsewhere.test!user@demo.test", "5.1.1"},
        {"\"alice@demo.test\"@elsewhere.test", "5.7.1"},
        {"alice%demo.test@elsewhere.test", "5.7.1"},
        {"user@[192.0.2.7]", "5.7.1"},
        {"user@[IPv6:2001:db8::1]", "5.7.1"},
        {"user@sub.demo.test", "5.7.1"},
        {"user@demo.test.elsewhere.test", "5.7.1"},
        {"@elsewhere.test:user@elsewhere.test", "5.7.1"},
        {"@demo.test:user@elsewhere.test", "5.7.1"},
        {"user@elsewhere.test,alice@demo.test", "5.1.3"},
        {"", "5.1.3"},
        {"alice", "5.1.3"},
        {"alice@demo.test>", "5.1.3"},
        {"user@bücher.example", "5.7.1"},
    };
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);

    for (size_t i = 0; i < countof(cases); i++) {
        CHECK(is(rig_rcpt(&r->mx, 1, 0, cases[i].to), REFUSE, cases[i].status));
        /* an edge that does not ask but commits gets no further */
        const struct message *m = rig_mail(&r->mx, MAIL(STRANGER, .to = {cases[i].to}));
        CHECK(m && m->committed.outcome != DONE);
    }
    CHECK(is(rig_rcpt(&r->mx, 1, 0, "@relay.test,@other.test:alice@demo.test"), DONE,
             "")); /* RFC 5321 appendix C: the route is ignored */
    struct buf q;
    buf_init(&q, 65536);
    engine_queue(rig_store(r)->engine, 0, rig_queued, &q);
    CHECK_STR(buf_str(&q), S(""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 0);
    buf_free(&q);
    rig_free(r);
}

TEST(quota)
{
    struct rig *r = rig_new(NULL);
    uint64_t small = rig_account(r, "small@demo.test", 400, STR_NONE);

    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"small@demo.test"})), DONE, ""));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"small@demo.test"})), DONE, "")); /* one may overshoot */
    while (rig_box(r, small, "INBOX").count < 10 && rig_rcpt(&r->mx, 1, 0, "small@demo.test")->answer.outcome == DONE)
        CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"small@demo.test"})), DONE, ""));
    CHECK(rig_box(r, small, "INBOX").count < 10);
    CHECK(is(rig_rcpt(&r->mx, 1, 0, "small@demo.test"), RETRY, "4.2.2"));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"small@demo.test"})), RETRY, "4.2.2")); /* alone: the client keeps it */
    rig_free(r);
}

TEST(postmaster)
{
    static const char *const names[] = {"postmaster", "PostMaster", "POSTMASTER@demo.test", "postmaster@demo.test",
                                        "Postmaster@mail.demo.test"};
    struct rig *r = rig_new(NULL);

    for (size_t i = 0; i < countof(names); i++) { /* nobody is there: an account is made */
        CHECK(is(rig_rcpt(&r->mx, 1, 0, names[i]), DONE, ""));
        CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {names[i]})), DONE, ""));
    }
    struct engine_account a = {0};
    CHECK(engine_account_by_name(rig_store(r)->engine, S("postmaster@demo.test"), &a));
    CHECK_NUM(rig_box(r, a.id, "INBOX").count, 5);
    rig_free(r);

    r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);
    rig_account(r, "bob@demo.test", 0, STR_NONE);
    for (size_t i = 0; i < countof(names); i++) /* the first account reads it */
        CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {names[i]})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 5);
    rig_free(r);
}

/* ---- notifications ---- */

TEST(success_is_told_where_it_was_asked_for)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE);
    struct buf b;

    buf_init(&b, 1 << 20);
    rig_alias(r, "team@demo.test", "alice@demo.test", "bob@demo.test");
    CHECK(is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test"}, .notify = {SMTP_NOTIFY_SUCCESS},
                                   .envid = "QQ314159", .orcpt = {"rfc822;Alice@Demo.Test"})),
             DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 1);
    struct str dsn = rig_read(r, bob, "INBOX", &b);
    CHECK(str_starts(dsn, S("Return-Path: <>\r\n")));
    CHECK(has(dsn, "multipart/report"));
    CHECK(has(dsn, "Action: delivered"));
    CHECK(has(dsn, "Original-Envelope-Id: QQ314159"));
    CHECK(has(dsn, "Original-Recipient: rfc822;Alice@Demo.Test"));
    CHECK(has(dsn, "Final-Recipient: rfc822;alice@demo.test"));
    CHECK(has(dsn, "Subject: hello"));
    CHECK(!has(dsn, "\r\nbody\r\n")); /* the header only */
    CHECK(is(
        rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"team@demo.test"}, .notify = {SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE})),
        DONE, ""));
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 3);
    CHECK(has(rig_read(r, bob, "INBOX", &b), "Action: expanded"));
    CHECK(is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test"}, .notify = {SMTP_NOTIFY_FAILURE})), DONE, ""));
    CHECK(is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test"}, .notify = {SMTP_NOTIFY_NEVER})), DONE, ""));
    CHECK(is(rig_mail(&r->mx, MAIL("", .to = {"alice@demo.test"}, .notify = {SMTP_NOTIFY_SUCCESS})), DONE,
             "")); /* the null path never gets one */
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 3);
    /* a stranger's is queued */
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .notify = {SMTP_NOTIFY_SUCCESS})), DONE, ""));
    buf_clear(&b);
    engine_queue(rig_store(r)->engine, 0, rig_queued, &b);
    CHECK_STR(buf_str(&b), S(">sender@elsewhere.test "));
    buf_free(&b);
    rig_free(r);
}

TEST(a_copy_that_failed_after_rcpt)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE);
    struct buf b;

    buf_init(&b, 1 << 20);
    rig_alias(r, "team@demo.test", "alice@demo.test", "gone@demo.test");
    /* one is gone, the other gets it: a notification */
    CHECK(
        is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test", "gone@demo.test"}, .ret = SMTP_RET_FULL)), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 1);
    struct str dsn = rig_read(r, bob, "INBOX", &b);
    CHECK(has(dsn, "Action: failed"));
    CHECK(has(dsn, "Final-Recipient: rfc822;gone@demo.test"));
    CHECK(has(dsn, "Status: 5.1.1"));
    CHECK(!has(dsn, "Final-Recipient: rfc822;alice@demo.test"));
    CHECK(has(dsn, "\r\nbody\r\n")); /* RET=FULL */
    CHECK(!has(dsn, "Delivered-To: alice@demo.test")); /* of her copy nothing is shown */
    /* an alias with a target that is not there */
    CHECK(is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"team@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 2);
    CHECK(has(rig_read(r, bob, "INBOX", &b), "Final-Recipient: rfc822;gone@demo.test"));
    CHECK(has(buf_str(&b), "Original-Recipient: rfc822;team@demo.test"));
    /* never: not even now */
    CHECK(
        is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test", "gone@demo.test"}, .notify = {0, SMTP_NOTIFY_NEVER})),
           DONE, ""));
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 2);
    /* all are gone: the client hears it and keeps it */
    CHECK(is(rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"gone@demo.test"})), REFUSE, "5.1.1"));
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 2);
    /* the sender does not exist: nothing can be told, the others still get it */
    CHECK(is(rig_mail(&r->mx, MAIL("nobody@demo.test", .to = {"alice@demo.test", "gone@demo.test"})), DONE, ""));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 4);
    buf_free(&b);
    rig_free(r);
}

TEST(removed_while_it_is_committed)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE),
             carol = rig_account(r, "carol@demo.test", 0, STR_NONE);
    struct op gone = {.kind = OP_ACCOUNT_REMOVE};
    bool done = false;
    struct buf b;

    buf_init(&b, 1 << 20);
    gone.account.account = carol;
    gone.done = rig_op_done;
    gone.owner = &done;
    uint64_t session = r->next_session;
    rig_mail_send(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test", "carol@demo.test"}));
    engine_submit(rig_store(r)->engine, &gone); /* before the message in the engine's order, after everything that was asked */
    const struct message *m = rig_wait(&r->mx, MSG_committed);
    CHECK(m && m->committed.session == session && is(m, DONE, ""));
    while (!done)
        loop_turn(r->loop, 20);
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    CHECK(has(rig_read(r, bob, "INBOX", &b), "Final-Recipient: rfc822;carol@demo.test"));
    buf_free(&b);
    rig_free(r);
}

TEST(lmtp_answers_for_each)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE);

    const struct message *m = rig_mail(
        &r->mx, MAIL("bob@demo.test", .kind = SMTP_LMTP, .to = {"alice@demo.test", "gone@demo.test", "x@elsewhere.test"}));
    CHECK(is(m, DONE, ""));
    unsigned told = 0;
    for (size_t i = 0; i < r->mx.count; i++)
        if (r->mx.seen[i]->kind == MSG_committed_rcpt) {
            const struct msg_committed_rcpt *c = &r->mx.seen[i]->committed_rcpt;
            told += c->index == 1   ? strcmp(c->why.status, "5.1.1") == 0
                    : c->index == 2 ? strcmp(c->why.status, "5.7.1") == 0
                                    : 100;
            CHECK_NUM(c->outcome, REFUSE);
        }
    CHECK_NUM(told, 2);
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    CHECK_NUM(rig_box(r, bob, "INBOX").count, 0); /* the client was told: no notification */
    rig_free(r);
}

/* ---- edges that do not keep to the rules ---- */

TEST(edges_that_lie)
{
    struct rig *r = rig_new(NULL);
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);

    /* octets that do not come, recipients that do not come, ids that were never leased or are used again */
    rig_send(&r->mx, &MSG(body_begin, .session = 5));
    rig_send(&r->mx, &MSG(commit_rcpt, .session = 5, .to = S("alice@demo.test")));
    rig_send(&r->mx, &MSG(commit, .session = 5, .id = rig_id(r, &r->mx), .rcpt_count = 1, .size = 77));
    CHECK(is(rig_wait(&r->mx, MSG_committed), RETRY, "4.3.0"));
    rig_send(&r->mx, &MSG(body_begin, .session = 6));
    rig_send(&r->mx, &MSG(commit, .session = 6, .id = rig_id(r, &r->mx), .rcpt_count = 1, .size = 0));
    CHECK(is(rig_wait(&r->mx, MSG_committed), RETRY, "4.3.0"));
    rig_send(&r->mx, &MSG(commit, .session = 7, .id = 1, .rcpt_count = 0));
    CHECK(is(rig_wait(&r->mx, MSG_committed), RETRY, "4.3.0"));
    uint64_t id = rig_id(r, &r->mx), never = id + 1000000;
    for (unsigned i = 0; i < 3; i++) {
        rig_send(&r->mx, &MSG(body_begin, .session = 8));
        rig_send(&r->mx, &MSG(commit_rcpt, .session = 8, .to = S("alice@demo.test")));
        rig_send(&r->mx, &MSG(commit, .session = 8, .id = i == 2 ? never : id, .rcpt_count = 1, .size = 0));
        CHECK(is(rig_wait(&r->mx, MSG_committed), i == 0 ? DONE : RETRY, i == 0 ? "" : "4.3.0"));
    }
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    /* submission without a login, a forged handle */
    CHECK(is(rig_mail(&r->user, MAIL(STRANGER, .kind = SMTP_SUBMISSION, .to = {"alice@demo.test"})), REFUSE, "5.7.0"));
    CHECK(is(rig_mail(&r->user, MAIL(STRANGER, .kind = SMTP_SUBMISSION, .handle = 12345, .to = {"alice@demo.test"})), REFUSE,
             "5.7.0"));
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .handle = 12345, .to = {"x@elsewhere.test"})), REFUSE, "5.7.0"));
    CHECK(is(rig_rcpt(&r->user, 9, 12345, "x@elsewhere.test"), REFUSE, "5.7.0"));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1);
    /* a second commit before the answer ends the link, and what belongs to it */
    rig_send(&r->mx, &MSG(body_begin, .session = 10));
    rig_send(&r->mx, &MSG(commit_rcpt, .session = 10, .to = S("alice@demo.test")));
    struct message c = MSG(commit, .session = 10, .id = id, .rcpt_count = 1, .size = 0);
    c.commit.id = rig_id(r, &r->mx);
    rig_send(&r->mx, &c);
    rig_send(&r->mx, &c);
    CHECK(rig_wait(&r->mx, MSG_id_range) == NULL);
    CHECK(r->mx.closed);
    for (int i = 0; i < 100 && rig_store(r)->commit_count; i++)
        loop_turn(r->loop, 20);
    CHECK_NUM(rig_store(r)->commit_count, 0);
    CHECK_NUM(rig_store(r)->edges[0].sessions, 0);
    rig_free(r);
}

TEST(frames_that_may_not_be)
{
    static const struct { uint16_t kind; const char *bytes; size_t n;
    } cases[] = {
        {MSG_grant, "", 0},
        {MSG_verifier_get, "", 0},
        {MSG_maildrop_open, "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0", 15},
        {0, "", 0},
        {MSG_COUNT, "", 0},
        {9999, "x", 1},
        {MSG_rcpt, "\1\2\3", 3},
        {MSG_body_piece, "\1\0\0\0\0\0\0\0\377\377\377\377", 12},
        {MSG_committed, "", 0},
        {MSG_setup_commit, "\1\0\0\0\0\0\0\0", 8},
        {MSG_body_begin, "\1\0\0\0\0\0\0\0x", 9},
    };
    struct rig *r = rig_new(NULL);

    for (size_t i = 0; i < countof(cases); i++) {
        rig_connect_mx(r);
        rig_send(&r->mx, &MSG(body_begin, .session = 3));
        rig_send(&r->mx, &MSG(body_piece, .session = 3, .data = S("left behind")));
        CHECK(link_send(r->mx.link, cases[i].kind, 0, str_of(cases[i].bytes, cases[i].n)));
        CHECK(rig_wait(&r->mx, MSG_answer) == NULL);
        CHECK(r->mx.closed);
        rig_turns(r, 4);
        CHECK_NUM(rig_store(r)->edges[0].sessions, 0);
        CHECK_NUM(rig_store(r)->bodies_held, 0);
    }
    /* edge-mx may not read */
    rig_connect_mx(r);
    struct buf scratch;
    buf_init(&scratch, FRAME_MAX);
    CHECK(message_send(r->mx.link, &scratch, &MSG(maildrop_open, .session = 1, .handle = 1), -1));
    CHECK(rig_wait(&r->mx, MSG_maildrop_opened) == NULL && r->mx.closed);
    buf_free(&scratch);
    rig_free(r);
}

TEST(a_link_that_ends_takes_its_bodies_along)
{
    struct rig *r = rig_new(NULL);

    for (uint64_t i = 1; i <= 50; i++) {
        rig_send(&r->mx, &MSG(body_begin, .session = i));
        rig_send(&r->mx, &MSG(body_piece, .session = i, .data = S("Subject: x\r\n\r\nunfinished")));
    }
    rig_send(&r->mx, &MSG(body_abort, .session = 1));
    rig_send(&r->mx, &MSG(session_end, .session = 2));
    rig_id(r, &r->mx);
    CHECK_NUM(rig_store(r)->edges[0].sessions, 48);
    rig_connect_mx(r);
    CHECK_NUM(rig_store(r)->edges[0].sessions, 0);
    CHECK_NUM(rig_store(r)->bodies_held, 0);
    rig_free(r);
}

TEST(vrfy_and_expn)
{
    struct rig *r = rig_new("hostname mail.demo.test\nvrfy on\nexpn on\ndomain demo.test\n");
    rig_account(r, "alice@demo.test", 0, STR_NONE);
    rig_account(r, "bob@demo.test", 0, STR_NONE);
    rig_alias(r, "team@demo.test", "alice@demo.test", "bob@demo.test");
    static const struct { const char *what; enum outcome outcome; const char *text;
    } v[] = {
        {"alice", DONE, "<alice@demo.test>"},
        {"<alice@demo.test>", DONE, "<alice@demo.test>"},
        {"Alice A <alice@demo.test>", DONE, "<alice@demo.test>"},
        {"nobody", REFUSE, ""},
        {"x@elsewhere.test", REFUSE, ""},
        {"@@", REFUSE, ""},
        {"", REFUSE, ""},
        {"a b", REFUSE, ""},
    };
    for (size_t i = 0; i < countof(v); i++) {
        rig_send(&r->mx, &MSG(vrfy, .session = 1, .argument = str_c(v[i].what)));
        const struct message *m = rig_wait(&r->mx, MSG_answer_text);
        CHECK(m && m->answer_text.outcome == v[i].outcome);
        if (m)
            CHECK_STR(m->answer_text.text, str_c(v[i].text));
    }
    rig_send(&r->mx, &MSG(expn, .session = 1, .argument = S("team")));
    const struct message *m = rig_wait(&r->mx, MSG_answer_text);
    CHECK(m && m->answer_text.outcome == DONE);
    if (m)
        CHECK_STR(m->answer_text.text, S("<alice@demo.test>\n<bob@demo.test>"));
    rig_free(r);
    r = rig_new(NULL);
    rig_send(&r->mx, &MSG(expn, .session = 1, .argument = S("team")));
    m = rig_wait(&r->mx, MSG_answer_text);
    CHECK(m && m->answer_text.outcome == REFUSE);
    rig_free(r);
}
