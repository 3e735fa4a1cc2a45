/* SPDX-License-Identifier: ISC */
/* Snapshots, compaction, verify, backup and restore. */
#include "store/test_util.h"

static const struct engine_options small = {.segment_size = 256 * 1024};

static size_t text_of(int i, char *to, size_t cap)
{
    return (size_t)snprintf(to, cap, "Subject: number %d\r\n\r\n%03000d", i, i);
}

static void fill(struct fixture *f, account_id a, int count)
{
    static int i;
    for (int n = 0; n < count; n++, i++) {
        char text[4000];
        CHECK_NUM(deliver(f, a, str_of(text, text_of(i, text, sizeof text))).outcome, DONE);
    }
}

static void expunge_range(struct fixture *f, account_id a, uint32_t from, uint32_t to)
{
    uint32_t uids[1000], n = 0;
    for (uint32_t uid = from; uid <= to; uid++)
        uids[n++] = uid;
    CHECK_NUM(change_uids(f, OP_EXPUNGE, a, 1, uids, n, 0, 0), DONE);
}

static void readable(struct fixture *f, account_id a, uint32_t from, uint32_t to)
{
    for (uint32_t uid = from; uid <= to; uid++)
        CHECK(read_message(f, a, 1, uid).n > 3000);
}

static void compaction(struct fixture *f)
{
    struct why why;
    struct engine_stat before, after;
    char *big = malloc(500000);
    for (size_t i = 0; i < 500000; i++)
        big[i] = (char)(i * 7 + i / 1000);
    memcpy(big, "Subject: b\r\n\r\n", 14);
    account_id a = add_account(f, "a@demo.test"), b = add_account(f, "b@demo.test");
    struct op op = {.kind = OP_DOMAIN_ADD, .domain = {S("demo.test")}};
    run_op(f, &op);
    struct op_queued q = {.address = S("far@away.test")};
    struct op queued = accept_op(NULL, 0, &q, 1, NULL, 0);
    queued.accept.id = engine_lease_ids(f->e, 1);
    queued.accept.body = put_body(f, S("Subject: waits\r\n\r\n"), 100);
    CHECK_NUM(run_op(f, &queued), DONE);
    fill(f, a, 50);
    CHECK_NUM(deliver(f, b, str_of(big, 500000)).outcome, DONE);
    fill(f, a, 350);
    CHECK_NUM(deliver(f, b, str_of(big, 400000)).outcome, DONE);
    change_uids(f, OP_FLAGS, a, 1, (uint32_t[]){5, 399}, 2, FLAG_FLAGGED, 0);
    expunge_range(f, a, 10, 395);
    expunge_range(f, b, 2, 2);
    check_sound(f);
    engine_stat(f->e, &before);
    CHECK(before.segments >= 7 && before.dead_bytes > before.bytes / 2);
    CHECK_NUM(engine_compact(f->e, false, NULL, NULL, &why), DONE);
    engine_stat(f->e, &after);
    CHECK(after.segments < before.segments && after.dropped > 3 && after.dead_bytes < before.dead_bytes / 2);
    check_sound(f);
    CHECK_NUM(engine_compact(f->e, true, NULL, NULL, &why), DONE);
    for (int round = 0; round < 3; round++) {
        readable(f, a, 1, 9);
        readable(f, a, 396, 400);
        CHECK_NUM(read_message(f, a, 1, 10).n, 0);
        struct str got = read_message(f, b, 1, 1);
        CHECK(got.n == 500036 && memcmp(got.p + 36, big, 500000) == 0);
        struct str list = list_messages(f, a, 1);
        CHECK(str_find_str(list, S("5:4:")) < list.n && str_find_str(list, S("399:4:")) < list.n);
        engine_stat(f->e, &after);
        CHECK(after.messages == 15 && after.queued == 1 && after.domains == 1 && after.accounts == 2 && after.bodies == 16);
        check_sound(f);
        if (round == 0) {
            fixture_restart(f);
        } else if (round == 1) { /* from the snapshot and what follows it alone: the older segments are gone */
            char path[300];
            engine_close(f->e);
            snprintf(path, sizeof path, "%s/store/index.db", f->dir);
            index_remove_files(path);

            fixture_reopen(f);
            CHECK_NUM(f->e->stat.rebuilt, 1);
            CHECK_NUM(f->e->stat.rotten, 0);
            CHECK(log_segment(&f->e->log, 1) == NULL);
        }
    }
    struct delivered d = deliver(f, a, S("\r\nafter"));
    CHECK_NUM(d.uid, 401);
    expunge_range(f, a, 1, 9);
    CHECK_NUM(deliver(f, a, str_of(big, 500000)).outcome, DONE); /* the same body as b has: one */
    CHECK_NUM(engine_compact(f->e, true, NULL, NULL, &why), DONE);
    readable(f, a, 396, 400);
    check_sound(f);
    free(big);
}

TEST(compaction)
{
    for (int threads = 0; threads < 2; threads++) {
        struct fixture f;
        struct engine_options o = small;
        o.threads = threads;
        fixture_open(&f, &o);
        compaction(&f);
        fixture_close(&f);
    }
}

TEST(nothing_to_compact)
{
    struct fixture f;
    struct why why;
    fixture_open(&f, &small);
    CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &why), DONE);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 10);
    CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &why), DONE);
    readable(&f, a, 1, 10);
    fixture_close(&f);
}

/* A body that was dead when compaction began, and comes again: a new copy, not a hole. */
TEST(dead_body_comes_back)
{
    struct fixture f;
    struct why why;
    fixture_open(&f, &small);
    account_id a = add_account(&f, "a@demo.test");
    char *text = calloc(1, 60000);
    CHECK_NUM(deliver(&f, a, str_of(text, 60000)).uid, 1);
    expunge_range(&f, a, 1, 1);
    fill(&f, a, 200);
    CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &why), DONE);
    CHECK_NUM(deliver(&f, a, str_of(text, 60000)).outcome, DONE);
    CHECK_NUM(read_message(&f, a, 1, 202).n, 60036);
    check_sound(&f);
    free(text);
    fixture_close(&f);
}

TEST(traces_expire)
{
    struct fixture f;
    struct why why;
    fixture_open(&f, &small);
    account_id a = add_account(&f, "a@demo.test");
    struct op_delivery d = {.account = a, .folder = S("INBOX")};
    struct op op = accept_op(&d, 1, NULL, 0, NULL, 0);
    op.accept.id = engine_lease_ids(f.e, 1);
    op.accept.received_ms -= (int64_t)40 * 24 * 3600 * 1000; /* older than a trace is kept */
    op.accept.body = put_body(&f, S("\r\nold"), 100);
    run_op(&f, &op);
    deliver(&f, a, S("\r\nnew"));
    expunge_range(&f, a, 1, 2);
    CHECK_NUM(engine_compact(f.e, false, NULL, NULL, &why), DONE);
    sqlite3_stmt *s;
    sqlite3_prepare_v2(f.e->writer.db, "SELECT count(*) FROM accepted", -1, &s, NULL);
    CHECK_NUM(sqlite3_step(s), SQLITE_ROW);
    CHECK_NUM(sqlite3_column_int(s, 0), 1);
    sqlite3_finalize(s);
    check_sound(&f);
    fixture_close(&f);
}

static struct op under_way[40];
static struct op_delivery under_way_to[40];
static unsigned under_way_done;
static void under_way_finished(struct op *op) { under_way_done += op->outcome == DONE; }
static bool job_over;
static enum outcome job_outcome;
static void job_is_over(void *to, enum outcome o, const struct why *why)
{
    (void)to;
    (void)why;
    job_over = true;
    job_outcome = o;
}

/* Service goes on while maintenance works, and neither loses anything. */
TEST(beside_the_service)
{
    struct fixture f;
    struct why why;
    struct engine_options o = small;
    o.threads = true;
    fixture_open(&f, &o);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 300);
    expunge_range(&f, a, 1, 290);
    static const enum engine_job_kind kinds[] = {ENGINE_COMPACT_ALL, ENGINE_SNAPSHOT, ENGINE_VERIFY};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct engine_job_calls calls = {.done = job_is_over};
        job_over = false;
        CHECK(engine_job_start(f.e, kinds[k], NULL, &calls, &why));
        CHECK(!engine_job_start(f.e, ENGINE_SNAPSHOT, NULL, &calls, &why) && engine_job_runs(f.e));
        under_way_done = 0;
        for (int i = 0; i < 40; i++) {
            char text[4000];
            under_way_to[i] = (struct op_delivery){.account = a, .folder = S("INBOX")};
            under_way[i] = accept_op(&under_way_to[i], 1, NULL, 0, NULL, 0);
            under_way[i].accept.id = engine_lease_ids(f.e, 1);
            under_way[i].accept.body = put_body(&f, str_of(text, text_of(100000 + i / 2, text, sizeof text)), 4000);
            under_way[i].done = under_way_finished;
            engine_submit(f.e, &under_way[i]);
            engine_turn(f.e);
        }
        for (int i = 0; (!job_over || under_way_done < 40) && i < 20000; i++) {
            engine_turn(f.e);
            usleep(200);
        }
        CHECK(job_over);
        CHECK_NUM(job_outcome, DONE);
        CHECK_NUM(under_way_done, 40);
        for (int i = 0; i < 40; i++)
            CHECK(read_message(&f, a, 1, under_way_to[i].uid).n > 3000);
    }
    readable(&f, a, 291, 300);
    fixture_restart(&f);
    readable(&f, a, 291, 420);
    check_sound(&f);
    fixture_close(&f);
}

TEST(backup_and_restore)
{
    struct fixture f;
    struct why why;
    char dir[200], back[200];
    unsigned findings = 0;
    struct engine_options o = small;
    o.threads = true;
    fixture_open(&f, &o);
    snprintf(dir, sizeof dir, "%s-backup", f.dir);
    snprintf(back, sizeof back, "%s-restored", f.dir);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 200);
    expunge_range(&f, a, 50, 150);
    CHECK_NUM(engine_backup(f.e, dir, NULL, NULL, &why), DONE);
    CHECK_NUM(engine_backup(f.e, dir, NULL, NULL, &why), REFUSE);
    CHECK_STR(str_c(why.text), S("backup: there is a store in that directory already"));
    fill(&f, a, 5);                                                    /* what comes later is not in it */
    CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &why), DONE);       /* and what goes later is */
    CHECK_NUM(engine_restore(dir, back, count_finding, NULL, &findings, &why), DONE);
    CHECK_NUM(findings, 0);
    CHECK_NUM(engine_restore(dir, back, count_finding, NULL, &findings, &why), REFUSE);
    CHECK_NUM(engine_restore(back + strlen(back), back, NULL, NULL, NULL, &why), RETRY);
    struct fixture g = {.o = o};
    buf_init(&g.text, 1024 * 1024);
    for (int i = 0; i < 2; i++) { /* both can be started from */
        snprintf(g.dir, sizeof g.dir, "%.127s", i ? dir : back);
        fixture_reopen(&g);
        CHECK(g.e != NULL);
        readable(&g, a, 1, 49);
        readable(&g, a, 151, 200);
        CHECK_NUM(read_message(&g, a, 1, 201).n, 0);
        CHECK_NUM(deliver(&g, a, S("\r\n")).uid, 201);
        check_sound(&g);
        fixture_close(&g);
    }
    readable(&f, a, 151, 205);
    check_sound(&f);
    fixture_close(&f);
}

/* The index says something else than the log: verify sees it. */
TEST(verify_sees_a_wrong_index)
{
    struct fixture f;
    struct why why;
    fixture_open(&f, &small);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 10);
    static const char *const wrong[] = {
        "UPDATE message SET flags=1 WHERE uid=3", "DELETE FROM body WHERE id=2",
        "UPDATE mailbox SET uidnext=3",           "UPDATE accepted SET pos=pos+8 WHERE rowid=(SELECT min(id) FROM accepted)",
        "INSERT INTO domain VALUES('x')",         "UPDATE live SET bytes=bytes-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        unsigned findings = 0;
        sqlite3_exec(f.e->writer.db, "SAVEPOINT a", NULL, NULL, NULL);
        CHECK_NUM(sqlite3_exec(f.e->writer.db, wrong[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_exec(f.e->writer.db, "RELEASE a", NULL, NULL, NULL);
        CHECK_NUM(engine_verify(f.e, count_finding, NULL, &findings, &why), REFUSE);
        CHECK(findings > 0);
        engine_close(f.e);
        CHECK_NUM(engine_rebuild(f.dir, -1, NULL, NULL, &why), DONE);
        fixture_reopen(&f);
        check_sound(&f);
    }
    fixture_close(&f);
}
