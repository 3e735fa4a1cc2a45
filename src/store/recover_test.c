/* SPDX-License-Identifier: ISC */
/* What the world does to files: torn tails, rot, missing and damaged indexes, full disks, other versions. */
#include <errno.h>
#include "store/test_util.h"

static const struct engine_options small = {.segment_size = 128 * 1024};

static void fill(struct fixture *f, account_id a, int count, int from)
{
    for (int i = from; i < from + count; i++) {
        char text[600];
        int n = snprintf(text, sizeof text, "Subject: number %d\r\n\r\n%0500d", i, i);
        CHECK_NUM(deliver(f, a, str_of(text, (size_t)n)).outcome, DONE);
    }
}

static void all_there_at_least(struct fixture *f, account_id a, int count)
{
    for (int i = 0; i < count; i++) {
        char want[40];
        snprintf(want, sizeof want, "Subject: number %d\r\n", i);
        CHECK(str_starts(str_skip(read_message(f, a, 1, (uint32_t)i + 1), 36), str_c(want)));
    }
}

static void all_there(struct fixture *f, account_id a, int count)
{
    all_there_at_least(f, a, count);
    CHECK_NUM(read_message(f, a, 1, (uint32_t)count + 1).n, 0);
}

TEST(index_missing_or_damaged)
{
    struct fixture f;
    char path[200];
    fixture_open(&f, &small);
    snprintf(path, sizeof path, "%s/store/index.db", f.dir);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 20, 0);
    for (int way = 0; way < 4; way++) {
        engine_close(f.e);
        if (way == 0) {
            index_remove_files(path);
        } else {
            FILE *x = fopen(path, way == 1 ? "w" : "r+");
            if (way == 2)
                fseek(x, 100, SEEK_SET);
            if (way == 3)
                fseek(x, 8192 * 3 + 8, SEEK_SET);
            for (int i = 0; i < 3000; i++)
                fputc(0xa5, x);
            fclose(x);
        }
        fixture_reopen(&f);
        CHECK(f.e != NULL);
        CHECK_NUM(f.e->stat.rebuilt, 1);
        all_there(&f, a, 20);
        check_sound(&f);
    }
    engine_close(f.e);
    f.e = NULL;
    struct why why;
    CHECK_NUM(engine_rebuild(f.dir, -1, NULL, NULL, &why), DONE);
    fixture_reopen(&f);
    CHECK_NUM(f.e->stat.rebuilt, 0);
    all_there(&f, a, 20);
    fixture_close(&f);
}

TEST(index_ahead_of_the_log)
{
    struct fixture f;
    char path[200], saved[200];
    fixture_open(&f, &small);
    snprintf(path, sizeof path, "%s/store/log/00000001.seg", f.dir);
    snprintf(saved, sizeof saved, "%s/saved", f.dir);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 5, 0);
    engine_close(f.e);
    CHECK_NUM(file_copy(&disk_kernel, path, saved, UINT64_MAX), 0);
    fixture_reopen(&f);
    fill(&f, a, 5, 5);
    engine_close(f.e);
    CHECK_NUM(rename(saved, path), 0); /* somebody restored an old log under a newer index */
    fixture_reopen(&f);
    CHECK_NUM(f.e->stat.rebuilt, 1);
    all_there(&f, a, 5);
    CHECK_NUM(deliver(&f, a, S("\r\n")).uid, 6);
    fixture_close(&f);
}

static void write_at(const char *path, long at, const char *bytes, size_t n)
{
    FILE *x = fopen(path, "r+");
    fseek(x, at, SEEK_SET);
    fwrite(bytes, 1, n, x);
    fclose(x);
}

TEST(other_versions)
{
    struct fixture f;
    char path[200];
    fixture_open(&f, &small);
    add_account(&f, "a@demo.test");
    engine_close(f.e);
    snprintf(path, sizeof path, "%s/store/log/00000001.seg", f.dir);
    write_at(path, 8, "\2", 1);
    f.e = engine_open(f.dir, -1, &f.o, &f.why);
    CHECK(f.e == NULL);
    CHECK_STR(str_c(f.why.text), S("segment 00000001 has format 2, this program knows up to 1: use a newer penny"));
    write_at(path, 8, "\1", 1);
    snprintf(path, sizeof path, "%s/store/index.db", f.dir);
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "UPDATE state SET version=9", NULL, NULL, NULL);
    sqlite3_close(db);
    f.e = engine_open(f.dir, -1, &f.o, &f.why);
    CHECK(f.e == NULL);
    CHECK_STR(str_c(f.why.text), S("the index has version 9, this program knows up to 3: use a newer penny"));
    sqlite3_open(path, &db);
    sqlite3_exec(db, "UPDATE state SET version=0", NULL, NULL, NULL); /* an older one is made anew: that is the upgrade */
    sqlite3_close(db);
    fixture_reopen(&f);
    CHECK(f.e && f.e->stat.rebuilt == 1 && account_get_name(f.e, S("a@demo.test")));
    fixture_close(&f);
}

/* A tail of something that is not a batch, of every kind. */
TEST(torn_tail)
{
    for (int way = 0; way < 4; way++) {
        struct disk_twin *t = disk_twin_new();
        struct fixture f;
        fixture_open_twin(&f, t, &small);
        account_id a = add_account(&f, "a@demo.test");
        fill(&f, a, 10, 0);
        struct place tail = f.e->tail;
        engine_close(f.e);
        const struct disk *d = disk_twin_disk(t);
        int file = d->open(d->self, "/d/store/log/00000001.seg", DISK_WRITE);
        uint64_t end = (uint64_t)d->size(d->self, file);
        CHECK(end >= tail.offset);
        char junk[4096];
        memset(junk, way == 0 ? 0xff : 0, sizeof junk);
        if (way == 1)
            d->pread(d->self, file, junk, 2000, SEGMENT_HEADER); /* records of another place */
        if (way == 2)
            memcpy(junk, "PNR1\5", 5);
        if (way == 3)
            d->truncate(d->self, file, end - 50); /* the last mark is torn itself: the close's, which held nothing */
        struct iovec v = {junk, sizeof junk};
        if (way != 3)
            d->pwritev(d->self, file, &v, 1, end);
        d->close(d->self, file);
        f.e = engine_open("/d", -1, &f.o, &f.why);
        CHECK(f.e != NULL);
        all_there(&f, a, 10);
        CHECK_NUM(f.e->stat.rotten, 0);
        fill(&f, a, 5, 10);
        engine_close(f.e);
        f.e = engine_open("/d", -1, &f.o, &f.why);
        all_there(&f, a, 15);
        check_sound(&f);
        fixture_close_twin(&f);
        disk_twin_free(t);
    }
}

/* Damage in the middle costs what it hit and nothing else, is told, and a copy stays aside. */
TEST(rot)
{
    struct disk_twin *t = disk_twin_new();
    struct fixture f;
    struct record r;
    bool broken;
    fixture_open_twin(&f, t, &small);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 300, 0); /* over several segments */
    CHECK(f.e->log.count > 2);
    struct where { log_pos accept, body; } hit[2];
    for (int i = 0; i < 2; i++) {
        uint32_t uid = i == 0 ? 7 : 290;
        char sql[200];
        sqlite3_stmt *s;
        snprintf(sql, sizeof sql,
                 "SELECT a.pos, b.pos FROM message m JOIN accepted a ON a.id=m.accept JOIN body b ON b.id=a.body WHERE uid=%u",
                 uid);
        sqlite3_prepare_v2(f.e->writer.db, sql, -1, &s, NULL);
        CHECK_NUM(sqlite3_step(s), SQLITE_ROW);
        hit[i] = (struct where){(log_pos)sqlite3_column_int64(s, 0), (log_pos)sqlite3_column_int64(s, 1)};
        sqlite3_finalize(s);
    }
    engine_close(f.e);
    char path[100];
    snprintf(path, sizeof path, "/d/store/log/%08lx.seg", (unsigned long)pos_segment(hit[0].body)); /* a body of one */
    CHECK(disk_twin_rot(t, path, pos_offset(hit[0].body) + 100, 3));
    snprintf(path, sizeof path, "/d/store/log/%08lx.seg", (unsigned long)pos_segment(hit[1].accept)); /* the fact of another */
    CHECK(disk_twin_rot(t, path, pos_offset(hit[1].accept) + 40, 1));
    f.e = engine_open("/d", -1, &f.o, &f.why);
    CHECK(f.e != NULL);
    CHECK_NUM(f.e->stat.rotten, 2);
    for (uint32_t uid = 1; uid <= 300; uid++) {
        size_t n = read_message(&f, a, 1, uid).n;
        CHECK(uid == 7 || uid == 290 ? n == 0 : n > 500);
    }
    CHECK_NUM(read_message(&f, a, 1, 7).n, 0);
    CHECK_STR(str_c(f.why.text), S("this message is damaged on the disk"));
    CHECK_NUM(deliver(&f, a, S("\r\n")).uid, 301);
    const struct disk *d = disk_twin_disk(t);
    CHECK(d->open(d->self, "/d/store/quarantine/00000001.seg", DISK_READ) >= 0);
    unsigned findings = 0;
    struct why why;
    CHECK_NUM(engine_verify(f.e, count_finding, NULL, &findings, &why), REFUSE);
    CHECK(findings >= 3); /* both records, and the body that somebody has */
    CHECK(log_read(&f.e->log, hit[0].body, &r, &broken) == -EIO && broken);
    fixture_close_twin(&f);
    disk_twin_free(t);
}

/* Rot that reaches the end: what was whole counts, nothing is overwritten, writing goes on elsewhere. */
TEST(rot_at_the_end)
{
    struct disk_twin *t = disk_twin_new();
    struct fixture f;
    fixture_open_twin(&f, t, &small);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 10, 0);
    struct place before = f.e->tail;
    fill(&f, a, 3, 10);
    engine_close(f.e);
    CHECK(disk_twin_rot(t, "/d/store/log/00000001.seg", before.offset + 100, 1)); /* three batches before the end */
    f.e = engine_open("/d", -1, &f.o, &f.why);
    CHECK(f.e && f.e->stat.rotten == 1);
    CHECK_NUM(read_message(&f, a, 1, 11).n, 0);
    CHECK(read_message(&f, a, 1, 12).n > 0 && read_message(&f, a, 1, 13).n > 0);
    CHECK_NUM(deliver(&f, a, S("\r\n")).uid, 14);
    fixture_close_twin(&f);
    disk_twin_free(t);
}

TEST(disk_full)
{
    struct disk_twin *t = disk_twin_new();
    struct fixture f;
    fixture_open_twin(&f, t, &small);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 10, 0);
    char *big = calloc(1, 300000);
    for (int round = 0; round < 5; round++) {
        disk_twin_room(t, 1000);
        struct delivered d = deliver(&f, a, S("\r\nno room"));
        CHECK_NUM(d.outcome, RETRY);
        CHECK_STR(str_c(d.why.status), S("4.3.1"));
        CHECK_STR(str_c(d.why.text), S("disk full"));
        CHECK_NUM(put_body(&f, str_of(big, 300000), 60000), 0); /* a large one is told at once */
        CHECK_NUM(add_account(&f, "b@demo.test"), 0);
        CHECK(!engine_is_dead(f.e));
        disk_twin_room(t, UINT64_MAX);
        fill(&f, a, 2, 10 + 2 * round);
    }
    CHECK_NUM(deliver(&f, a, str_of(big, 300000)).outcome, DONE);
    all_there_at_least(&f, a, 20);
    check_sound(&f);
    engine_close(f.e);
    f.e = engine_open("/d", -1, &f.o, &f.why);
    CHECK_NUM(f.e->stat.rotten, 0); /* the holes are covered */
    all_there_at_least(&f, a, 20);
    CHECK_NUM(deliver(&f, a, S("\r\n")).uid, 22);
    disk_twin_room(t, 1000);
    engine_close(f.e);
    f.e = engine_open("/d", -1, &f.o, &f.why); /* starts on a full disk, and can be read */
    CHECK(f.e != NULL);
    all_there_at_least(&f, a, 20);
    CHECK_NUM(deliver(&f, a, S("\r\n")).outcome, RETRY);
    disk_twin_room(t, UINT64_MAX);
    CHECK_NUM(deliver(&f, a, S("\r\n")).uid, 23);
    free(big);
    fixture_close_twin(&f);
    disk_twin_free(t);
}

TEST(failed_sync_ends_the_engine)
{
    struct disk_twin *t = disk_twin_new();
    struct fixture f;
    fixture_open_twin(&f, t, &small);
    account_id a = add_account(&f, "a@demo.test");
    fill(&f, a, 3, 0);
    disk_twin_fail(t, DISK_CALL_SYNC, 1, EIO);
    CHECK_NUM(deliver(&f, a, S("\r\nlost?")).outcome, RETRY);
    CHECK(engine_is_dead(f.e));
    CHECK_NUM(deliver(&f, a, S("\r\nlater")).outcome, RETRY);
    engine_close(f.e);
    f.e = engine_open("/d", -1, &f.o, &f.why);
    CHECK(f.e && !engine_is_dead(f.e));
    all_there_at_least(&f, a, 3);
    CHECK_NUM(deliver(&f, a, S("\r\nnow")).outcome, DONE);
    fixture_close_twin(&f);
    disk_twin_free(t);
}

/* The n-th call of the disk fails once, for every n: opening, ten messages, a large one, closing. Nothing that was acknowledged
   is missing after it. */
static void nth_call(unsigned kinds, int error)
{
    char *big = calloc(1, 200000);
    memcpy(big, "Subject: number 2\r\n\r\n", 21);
    uint64_t reached = 0;
    for (uint64_t n = 1; n == reached + 1; n++) {
        struct disk_twin *t = disk_twin_new();
        struct fixture f;
        uint32_t acknowledged[8] = {0}, count = 0;
        disk_twin_fail(t, kinds, n, error);
        fixture_open_twin(&f, t, &small);
        account_id a = f.e ? add_account(&f, "a@demo.test") : 0;
        for (int i = 0; a && i < 5; i++) {
            char text[600];
            snprintf(text, sizeof text, "Subject: number %d\r\n\r\n%0500d", i, i);
            struct delivered d = deliver(&f, a, i == 2 ? str_of(big, 200000) : str_c(text));
            if (d.outcome == DONE)
                acknowledged[count++] = d.uid;
        }
        uint32_t read_back = 0;
        for (uint32_t i = 0; i < count; i++)
            read_back += read_message(&f, a, 1, acknowledged[i]).n > 0;
        CHECK(read_back + 1 >= count); /* a read that fails once fails for one */
        if (f.e)
            engine_close(f.e);
        if (disk_twin_failed(t))
            reached = n;
        disk_twin_fail(t, 0, 0, 0);
        f.e = engine_open("/d", -1, &f.o, &f.why);
        CHECK(f.e != NULL);
        for (uint32_t i = 0; f.e && i < count; i++)
            CHECK(read_message(&f, a, 1, acknowledged[i]).n > 500);
        if (f.e && a && account_get(f.e, a))
            CHECK_NUM(deliver(&f, a, S("\r\n")).outcome, DONE);
        if (f.e)
            fixture_close_twin(&f);
        disk_twin_free(t);
    }
    CHECK(reached > 0);
    free(big);
}

TEST(nth_write_fails) { nth_call(DISK_CALL_WRITE, EIO); }
TEST(nth_write_has_no_room) { nth_call(DISK_CALL_WRITE, ENOSPC); }
TEST(nth_write_is_short) { nth_call(DISK_CALL_WRITE, 0); }
TEST(nth_sync_fails) { nth_call(DISK_CALL_SYNC, EIO); }
TEST(nth_open_fails) { nth_call(DISK_CALL_OPEN, EMFILE); }
TEST(nth_read_fails) { nth_call(DISK_CALL_READ, EIO); }
TEST(nth_read_is_short) { nth_call(DISK_CALL_READ, 0); }
TEST(nth_other_fails) { nth_call(DISK_CALL_OTHER, EIO); }
