// SPDX-License-Identifier: ISC
/* Logins: right, wrong, unknown; handles, forged ones and other people's; what a restart of the store or an edge that leaves
   costs. */
#include "daemon/keys_inside.h"
#include "daemon/role_rig.h"

static struct login_verifier of_alice; /* "opensesame"; derived once, it is slow */

static uint64_t add_alice(struct rig *r)
{
    struct why why;

    if (!of_alice.version)
        CHECK(login_verifier_make(S("opensesame"), &of_alice, &why) == DONE);
    return rig_account(r, "alice@demo.test", 0, str_of(&of_alice, sizeof of_alice));
}

static const struct message *plain(struct rig *r, uint64_t session, const char *user, const char *password, const char *ip)
{
    char text[512];
    struct buf b;

    buf_fixed(&b, text, sizeof text);
    buf_add_byte(&b, '\0');
    buf_add_c(&b, user);
    buf_add_byte(&b, '\0');
    buf_add_c(&b, password);
    rig_send(&r->user_keys, &MSG(login_step, .session = session, .mechanism = S("PLAIN"), .has_response = true,
                                 .response = buf_str(&b), .tls = true, .client_ip = str_c(ip), .protocol = S("pop3")));
    return rig_wait(&r->user_keys, MSG_login_answer);
}

static bool step_is(const struct message *m, enum login_answer_step step) { return m && m->login_answer.step == step; }

static uint64_t login(struct rig *r, uint64_t session)
{
    const struct message *m = plain(r, session, "alice@demo.test", "opensesame", "192.0.2.1");

    CHECK(step_is(m, LOGIN_ANSWER_OK));
    return m ? m->login_answer.handle : 0;
}

static const struct message *rcpt(struct rig_edge *e, uint64_t session, uint64_t handle)
{
    return rig_rcpt(e, session, handle, "friend@elsewhere.test");
}

TEST(good_bad_unknown)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    add_alice(r);
    rig_account(r, "nopassword@demo.test", 0, STR_NONE);

    const struct message *m = plain(r, 1, "Alice@Demo.Test", "opensesame", "192.0.2.1");
    CHECK(step_is(m, LOGIN_ANSWER_OK));
    if (m) {
        CHECK(m->login_answer.handle != 0);
        CHECK_STR(m->login_answer.user, S("alice@demo.test"));
    }
    CHECK(step_is(plain(r, 2, "alice", "opensesame", "192.0.2.1"), LOGIN_ANSWER_OK)); /* in the one domain */
    CHECK(step_is(plain(r, 3, "alice@demo.test", "opensesam", "192.0.2.1"), LOGIN_ANSWER_FAILED));
    CHECK(step_is(plain(r, 4, "alice@demo.test", "", "192.0.2.1"), LOGIN_ANSWER_FAILED));
    CHECK(step_is(plain(r, 5, "nobody@demo.test", "opensesame", "192.0.2.1"), LOGIN_ANSWER_FAILED));
    CHECK(step_is(plain(r, 6, "nopassword@demo.test", "", "192.0.2.1"), LOGIN_ANSWER_FAILED));
    CHECK(step_is(plain(r, 7, "nopassword@demo.test", "x", "192.0.2.1"), LOGIN_ANSWER_FAILED));
    CHECK(step_is(plain(r, 8, "alice@elsewhere.test", "opensesame", "192.0.2.2"), LOGIN_ANSWER_FAILED));
    CHECK_NUM(((struct keys *)r->keys->self)->login_count, 0);
    rig_free(r);
}

TEST(scram_runs_over_the_same_links)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    add_alice(r);
    for (unsigned right = 0; right < 2; right++) {
        struct arena a;
        char text[4096];
        struct buf response;
        struct tls_facts tls = {.active = true};

        arena_init(&a, 1 << 20);
        buf_fixed(&response, text, sizeof text);
        struct login_client *c =
            login_client_new(&a, S("SCRAM-SHA-256"), S("alice@demo.test"), right ? S("opensesame") : S("wrong"), &tls, false);
        CHECK(c && login_client_step(c, true, STR_NONE, &response));
        rig_send(&r->user_keys,
                 &MSG(login_step, .session = 10 + right, .mechanism = S("SCRAM-SHA-256"), .has_response = true,
                      .response = buf_str(&response), .tls = true, .client_ip = S("192.0.2.1"), .protocol = S("submission")));
        const struct message *m = rig_wait(&r->user_keys, MSG_login_answer);
        unsigned steps = 0;
        while (step_is(m, LOGIN_ANSWER_MORE) && steps++ < 5) {
            buf_clear(&response);
            CHECK(login_client_step(c, false, m->login_answer.challenge, &response));
            rig_send(&r->user_keys, &MSG(login_step, .session = 10 + right, .has_response = true, .response = buf_str(&response),
                                         .tls = true, .client_ip = S("192.0.2.1"), .protocol = S("submission")));
            m = rig_wait(&r->user_keys, MSG_login_answer);
        }
        CHECK(step_is(m, right ? LOGIN_ANSWER_OK : LOGIN_ANSWER_FAILED));
        CHECK(!right || login_client_done(c));
        login_client_clear(c);
        arena_clear(&a);
    }
    rig_send(&r->user_keys, &MSG(login_step, .session = 20, .mechanism = S("SCRAM-SHA-1"), .tls = true)); /* not configured */
    CHECK(step_is(rig_wait(&r->user_keys, MSG_login_answer), LOGIN_ANSWER_FAILED));
    rig_send(&r->user_keys, &MSG(login_step, .session = 21, .mechanism = S("CRAM-MD5"), .tls = true));
    CHECK(step_is(rig_wait(&r->user_keys, MSG_login_answer), LOGIN_ANSWER_FAILED));
    rig_send(&r->user_keys, &MSG(login_step, .session = 22, .has_response = true, .tls = true)); /* nothing was begun */
    CHECK(step_is(rig_wait(&r->user_keys, MSG_login_answer), LOGIN_ANSWER_FAILED));
    rig_free(r);
}

TEST(handles)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    uint64_t alice = add_alice(r);
    uint64_t h = login(r, 1), h2 = login(r, 2);
    struct buf q;

    CHECK(h && h2 && h != h2);
    CHECK_NUM(rcpt(&r->user, 1, h)->answer.outcome, DONE); /* who is logged in may send elsewhere */
    CHECK_NUM(rcpt(&r->user, 1, 0)->answer.outcome, REFUSE);
    CHECK_NUM(rcpt(&r->user, 1, h2)->answer.outcome, REFUSE); /* another session's */
    CHECK_NUM(rcpt(&r->user, 2, h)->answer.outcome, REFUSE);
    CHECK_NUM(rcpt(&r->user, 1, h + 1)->answer.outcome, REFUSE);
    CHECK_NUM(rcpt(&r->user, 3, h)->answer.outcome, REFUSE);
    CHECK_NUM(rcpt(&r->mx, 1, h)->answer.outcome, REFUSE); /* another edge */
    const struct message *m =
        rig_mail(&r->mx, MAIL("alice@demo.test", .session = 1, .handle = h, .to = {"friend@elsewhere.test"}));
    CHECK(m && m->committed.outcome == REFUSE);
    /* only as oneself */
    m = rig_mail(&r->user, MAIL("alice@demo.test", .session = 1, .handle = h, .kind = SMTP_SUBMISSION,
                                .to = {"friend@elsewhere.test"}, .notify = {SMTP_NOTIFY_FAILURE}));
    CHECK(m && m->committed.outcome == DONE);
    m = rig_mail(&r->user,
                 MAIL("boss@demo.test", .session = 1, .handle = h, .kind = SMTP_SUBMISSION, .to = {"friend@elsewhere.test"}));
    CHECK(m && m->committed.outcome == REFUSE && strcmp(m->committed.why.status, "5.7.1") == 0);
    rig_send(&r->user, &MSG(mail, .session = 1, .handle = h, .from = S("alice+list@demo.test")));
    CHECK_NUM(rig_wait(&r->user, MSG_answer)->answer.outcome, DONE);
    rig_send(&r->user, &MSG(mail, .session = 1, .handle = h, .from = S("somebody@elsewhere.test")));
    CHECK_NUM(rig_wait(&r->user, MSG_answer)->answer.outcome, REFUSE);
    buf_init(&q, 65536);
    engine_queue(rig_store(r)->engine, 0, rig_queued, &q);
    CHECK_STR(buf_str(&q), S("alice@demo.test>friend@elsewhere.test "));
    buf_free(&q);
    /* gone with its session, its account, its link */
    rig_send(&r->user, &MSG(session_end, .session = 1, .handle = h));
    CHECK_NUM(rcpt(&r->user, 1, h)->answer.outcome, REFUSE);
    store_sessions_kick(rig_store(r), alice);
    m = rig_wait(&r->user, MSG_session_kick);
    CHECK(m && m->session_kick.session == 2);
    CHECK_NUM(rcpt(&r->user, 2, h2)->answer.outcome, REFUSE);
    uint64_t h4 = login(r, 4);
    rig_connect_user(r);
    CHECK_NUM(rcpt(&r->user, 4, h4)->answer.outcome, REFUSE);
    CHECK_NUM(rig_store(r)->edges[1].sessions, 0);
    rig_free(r);
}

/* The envelope is the user's, so the From field, which people see, has to be, too: RFC 6409 6.1. */
TEST(from_is_the_users_own)
{
    static const struct { const char *field, *status; } cases[] = {
        {"", ""}, /* none: the edge made one of the envelope */
        {"From: alice@demo.test\r\n", ""},
        {"from : Alice <Alice+tag@Demo.Test>\r\n", ""},
        {"From: Sales\r\n <sales@demo.test>\r\n", ""},
        {"From: \"bob@demo.test\" <alice@demo.test>\r\n", ""}, /* a name may say anything */
        {"From: alice@demo.test, sales@demo.test\r\n", ""},
        {"From: bob@demo.test\r\n", "5.7.1"},
        {"From: Chief <chief@bank.test>\r\n", "5.7.1"},
        {"From: alice@demo.test, bob@demo.test\r\n", "5.7.1"},
        {"From: Us: alice@demo.test, bob@demo.test;\r\n", "5.7.1"},
        {"From: nobody:;\r\n", "5.6.0"},
        {"From: \r\n", "5.6.0"},
        {"From: alice\r\n", "5.6.0"},
    };
    struct rig *r = rig_new("domain demo.test {\n alias sales -> alice\n}\n");
    rig_open_keys(r, NULL);
    add_alice(r);
    uint64_t bob = rig_account(r, "bob@demo.test", 0, STR_NONE);
    unsigned good = 0;
    char filler[2049];

    for (size_t i = 0; i < countof(cases); i++) {
        uint64_t session = 100 + i, handle = login(r, session);
        const struct message *m = rig_mail(&r->user, MAIL("alice@demo.test", .session = session, .handle = handle, .kind = SMTP_SUBMISSION,
                                                          .header_from = cases[i].field, .to = {"bob@demo.test"}));
        if (!m || m->committed.outcome != (cases[i].status[0] ? REFUSE : DONE) || strcmp(m->committed.why.status, cases[i].status) != 0)
            test_fail(__FILE__, __LINE__, "%s", cases[i].field);
        good += cases[i].status[0] == '\0';
    }
    memset(filler, ' ', sizeof filler - 1);
    memcpy(filler, "From: alice@demo.test", 21);
    filler[2048] = '\0';
    uint64_t handle = login(r, 300);
    const struct message *m = rig_mail(&r->user, MAIL("alice@demo.test", .session = 300, .handle = handle, .kind = SMTP_SUBMISSION,
                                                      .header_from = filler, .to = {"bob@demo.test"}));
    CHECK(m && m->committed.outcome == REFUSE && strcmp(m->committed.why.status, "5.6.0") == 0); /* what was cut off may name anybody */
    CHECK_NUM(rig_box(r, bob, "INBOX").count, good);
    rig_free(r);
}

TEST(removed_account)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    uint64_t alice = add_alice(r), h = login(r, 1);

    rig_remove(r, alice);
    CHECK_NUM(rcpt(&r->user, 1, h)->answer.outcome, REFUSE); /* even when nobody had kicked it */
    CHECK(step_is(plain(r, 2, "alice@demo.test", "opensesame", "192.0.2.1"), LOGIN_ANSWER_FAILED));
    rig_free(r);
}

TEST(changed_password)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    uint64_t alice = add_alice(r), h = login(r, 1);
    struct login_verifier v;
    struct why why;
    struct op op = {.kind = OP_ACCOUNT_VERIFIER};

    CHECK(login_verifier_make(S("another"), &v, &why) == DONE);
    op.account.account = alice;
    op.account.verifier = str_of(&v, sizeof v);
    CHECK_NUM(rcpt(&r->user, 1, h)->answer.outcome, DONE);
    CHECK(rig_op(r, &op) == DONE);
    CHECK_NUM(rcpt(&r->user, 1, h)->answer.outcome, REFUSE); /* who was let in by the old one is out, told or not */
    CHECK(step_is(plain(r, 2, "alice@demo.test", "opensesame", "192.0.2.1"), LOGIN_ANSWER_FAILED)); /* nor is it remembered */
    CHECK(step_is(plain(r, 3, "alice@demo.test", "another", "192.0.2.1"), LOGIN_ANSWER_OK));
    rig_free(r);
}

TEST(leaving_in_the_middle)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    add_alice(r);
    struct keys *k = r->keys->self;

    for (int turns = 0; turns < 8; turns++) { /* the edge goes away at every stage */
        char text[] = "\0alice@demo.test\0opensesame";
        rig_send(&r->user_keys, &MSG(login_step, .session = 50, .mechanism = S("PLAIN"), .has_response = true,
                                     .response = str_of(text, sizeof text - 1), .tls = true, .client_ip = S("192.0.2.9"),
                                     .protocol = S("pop3")));
        rig_turns(r, turns);
        if (turns % 2)
            rig_connect_user(r);
        else
            rig_send(&r->user_keys, &MSG(login_end, .session = 50));
        for (int i = 0; i < 200 && (k->login_count || pool_waiting(k->hash)); i++)
            loop_turn(r->loop, 10);
        CHECK_NUM(k->login_count, 0);
    }
    login(r, 51);
    rig_free(r);
}

TEST(a_handle_made_for_nobody_is_announced)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    add_alice(r);
    char text[] = "\0alice@demo.test\0opensesame";
    struct keys *k = r->keys->self;

    login(r, 1); /* from now on it is remembered: no thread, so the turns below are known */
    rig_send(&r->user_keys,
             &MSG(login_step, .session = 60, .mechanism = S("PLAIN"), .has_response = true,
                  .response = str_of(text, sizeof text - 1), .tls = true, .client_ip = S("192.0.2.1"), .protocol = S("pop3")));
    bool granting = false;
    for (int i = 0; i < 100 && !granting; i++) {
        rig_turns(r, 1);
        granting = rig_store(r)->edges[1].sessions == 2;
    }
    CHECK(granting);
    rig_send(&r->user_keys, &MSG(login_end, .session = 60));
    const struct message *m = rig_wait(&r->user_keys, MSG_login_answer); /* the edge that gets it tells store to forget it */
    CHECK(step_is(m, LOGIN_ANSWER_OK) && m->login_answer.session == 60);
    CHECK_NUM(k->login_count, 0);
    rig_free(r);
}

TEST(two_questions_at_a_time)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    char text[] = "\0alice@demo.test\0opensesame";

    for (unsigned i = 0; i < 2; i++)
        rig_send(&r->user_keys, &MSG(login_step, .session = 70, .mechanism = S("PLAIN"), .has_response = true,
                                     .response = str_of(text, sizeof text - 1), .tls = true));
    CHECK(rig_wait(&r->user_keys, MSG_login_answer) == NULL);
    CHECK(r->user_keys.closed);
    rig_free(r);
}

TEST(passwords_are_remembered_for_a_minute)
{
    struct keys_cache *c = calloc(1, sizeof *c);
    struct login_verifier v = {.version = 1}, w = {.version = 1, .scram_iterations = 5};

    keys_cache_init(c);
    struct cache_tag right = keys_cache_tag(c, S("secret"), &v), other = keys_cache_tag(c, S("secreT"), &v),
                     changed = keys_cache_tag(c, S("secret"), &w);
    CHECK(!keys_cache_has(c, &right, 1000));
    keys_cache_put(c, &right, 1000);
    CHECK(keys_cache_has(c, &right, 1000) && keys_cache_has(c, &right, 1000 + KEYS_CACHE_MS - 1));
    CHECK(!keys_cache_has(c, &right, 1000 + KEYS_CACHE_MS));
    CHECK(!keys_cache_has(c, &other, 1000) &&
          !keys_cache_has(c, &changed, 1000)); /* another password, or it was changed meanwhile */
    free(c);
}

TEST(guesses_become_slow_and_the_owner_does_not)
{
    struct keys_slow *s = calloc(1, sizeof *s);
    const uint64_t owner = 1, thief = 2, alice = 7, bob = 8;
    int64_t now = 1000000, waited = 0;

    CHECK_NUM(keys_slow_wait(s, owner, alice, now), 0);
    keys_slow_good(s, owner, alice, now);
    for (int i = 0; i < 200; i++) {
        int64_t w = keys_slow_wait(s, thief, alice, now);
        waited += w > 0 ? w : 0;
        now += w > 0 ? w : 100;
        keys_slow_failed(s, thief, alice, now);
    }
    CHECK(waited > 100 * 1000);
    CHECK_NUM(keys_slow_wait(s, owner, alice, now), 0);     /* the owner, from where he got in before */
    int64_t elsewhere = keys_slow_wait(s, 3, alice, now);   /* the owner from a new place: late, but never locked out */
    CHECK(elsewhere > 0 && elsewhere <= SLOW_WAIT_MAX_MS);
    CHECK_NUM(keys_slow_wait(s, 3, bob, now), 0);           /* others do not feel it */
    CHECK(keys_slow_wait(s, thief, bob, now) != 0);         /* the thief does, everywhere */
    /* many connections at a time gain nothing: attempts of one client are put one behind the other */
    int64_t first = keys_slow_wait(s, thief, bob, now), second = keys_slow_wait(s, thief, bob, now);
    CHECK(second < 0 || second > first);
    for (int i = 0; i < 5; i++)
        keys_slow_failed(s, owner, alice, now);
    CHECK_NUM(keys_slow_wait(s, owner, alice, now), 0);     /* he may mistype */
    CHECK_NUM(keys_slow_wait(s, thief, alice, now + 24LL * 3600 * 1000), 0); /* all is forgiven after a day */
    for (uint64_t i = 0; i < 100000; i++) /* a flood of addresses does not grow anything, nor make the owner wait */
        keys_slow_failed(s, 100 + i, alice, now);
    CHECK(keys_slow_wait(s, 99, alice, now) > 0);
    free(s);
}

TEST(a_verifier_is_made_for_the_store)
{
    struct rig *r = rig_new(NULL);
    rig_open_keys(r, NULL);
    struct login_verifier v;
    struct rig_edge store = {0};

    rig_connect(r, &store, ROLE_STORE, r->keys, ++r->next_incarnation); /* we play store */
    rig_send(&store, &MSG(verifier_make, .query = 7, .password = S("new password")));
    const struct message *m = rig_wait(&store, MSG_verifier_made);
    CHECK(m && m->verifier_made.query == 7 && m->verifier_made.outcome == DONE && m->verifier_made.verifier.n == sizeof v);
    if (m && m->verifier_made.verifier.n == sizeof v) {
        memcpy(&v, m->verifier_made.verifier.p, sizeof v);
        CHECK(login_password_is(S("new password"), &v));
        CHECK(!login_password_is(S("new passwore"), &v));
    }
    rig_send(&store, &MSG(verifier_make, .query = 8, .password = S("")));
    m = rig_wait(&store, MSG_verifier_made);
    CHECK(m && m->verifier_made.query == 8 && m->verifier_made.outcome == REFUSE && m->verifier_made.why.text[0]);
    rig_send(&store, &MSG(verifier_make, .query = 9, .password = S("too late")));
    rig_turns(r, 2);
    rig_hang_up(&store); /* store goes away while a thread works */
    rig_turns(r, 10);
    rig_free(r);
}
