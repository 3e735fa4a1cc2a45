// SPDX-License-Identifier: ISC
/* The role on a disk that fills up, fails, or loses power: what was answered DONE is there, what is not there was never
   answered DONE. */
#include "daemon/role_rig.h"
#include "os/disk_twin.h"

static bool is(const struct message *m, enum outcome outcome) { return m && m->committed.outcome == outcome; }

TEST(a_full_disk_puts_off_and_recovers)
{
    struct disk_twin *disk = disk_twin_new();
    struct rig *r = rig_new_on(NULL, disk_twin_disk(disk));
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);
    enum { SIZE = 200 * 1000 };
    char *text = malloc(SIZE + 1);
    uint32_t good = 0;

    memset(text, 'x', SIZE);
    memcpy(text, "Subject: x\r\n\r\n", 14);
    text[SIZE] = '\0';
    CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"})), DONE));
    disk_twin_room(disk, 0);
    const struct message *m = NULL;
    for (int i = 0; i < 1000; i++) { /* what was filled ahead may still be used */
        m = rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .text = text));
        if (!is(m, DONE))
            break;
        good++;
    }
    CHECK(is(m, RETRY) && m->committed.why.status[0] == '4' && m->committed.why.text[0]);
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 1 + good);
    CHECK_NUM(r->ended, 0); /* a full disk is no reason to end */
    disk_twin_room(disk, UINT64_MAX);
    for (int i = 0; i < 50 && !is(m, DONE); i++)
        m = rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .text = text));
    CHECK(is(m, DONE));
    CHECK_NUM(rig_box(r, alice, "INBOX").count, 2 + good);
    free(text);
    rig_free(r);
    disk_twin_free(disk);
}

TEST(a_sync_that_fails_ends_the_role)
{
    unsigned died = 0;

    for (uint64_t n = 1; n <= 6; n++) {
        struct disk_twin *disk = disk_twin_new();
        struct rig *r = rig_new_on(NULL, disk_twin_disk(disk));
        uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE);
        uint32_t good = 0;

        rig_account(r, "bob@demo.test", 0, STR_NONE);
        disk_twin_fail(disk, DISK_CALL_SYNC, n, 5 /* EIO */);
        for (int i = 0; i < 8; i++) {
            const struct message *m =
                rig_mail(&r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test", i % 2 ? "gone@demo.test" : "bob@demo.test"}));
            CHECK(m && m->committed.outcome != REFUSE); /* nobody is told a wrong "never" */
            good += is(m, DONE);
            CHECK(!is(m, DONE) || !engine_is_dead(rig_store(r)->engine));
        }
        for (int i = 0; i < 100 && engine_is_dead(rig_store(r)->engine) && !r->ended; i++)
            loop_turn(r->loop, 10);
        if (engine_is_dead(rig_store(r)->engine)) {
            died++;
            CHECK_NUM(r->ended, 74 + 1);
        }
        rig_close_store(r);
        r->ended = 0;
        rig_open_store(r, RIG_CONFIG); /* as master would */
        CHECK(rig_box(r, alice, "INBOX").count >= good);
        CHECK(is(rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"})), DONE));
        rig_free(r);
        disk_twin_free(disk);
    }
    CHECK(died > 0);
}

/* ---- power ---- */

struct moment { uint64_t event; uint32_t alice, bob; };
enum { MOMENTS = 40 };

static bool none(void *to, uint32_t i, uint32_t block, uint32_t blocks)
{
    (void)to, (void)i, (void)block, (void)blocks;
    return false;
}

static bool count(void *to, const struct engine_message *m)
{
    (void)m;
    ++*(uint32_t *)to;
    return true;
}

static uint32_t in_box(struct engine *e, const char *name)
{
    struct engine_account a;
    uint32_t n = 0;

    if (engine_account_by_name(e, str_c(name), &a))
        engine_messages(e, a.id, 1, 1, count, &n);
    return n;
}

TEST(power_goes_after_an_answer)
{
    struct disk_twin *disk = disk_twin_new();
    struct rig *r = rig_new_on(NULL, disk_twin_disk(disk));
    struct moment at[MOMENTS];
    uint64_t alice = rig_account(r, "alice@demo.test", 0, STR_NONE), bob = rig_account(r, "bob@demo.test", 0, STR_NONE);
    char dir[64];

    for (size_t i = 0; i < MOMENTS; i++) { /* with notifications to bob among them */
        const char *second = i % 4 == 1 ? "gone@demo.test" : i % 4 == 2 ? "bob@demo.test" : NULL;
        const struct message *m = rig_mail(
            &r->mx, MAIL("bob@demo.test", .to = {"alice@demo.test", second}, .notify = {i % 4 == 3 ? SMTP_NOTIFY_SUCCESS : 0}));
        CHECK(is(m, DONE));
        at[i] = (struct moment){disk_twin_events(disk), rig_box(r, alice, "INBOX").count, rig_box(r, bob, "INBOX").count};
    }
    CHECK_NUM(at[MOMENTS - 1].alice, MOMENTS);
    CHECK_NUM(at[MOMENTS - 1].bob, MOMENTS / 4 * 3);
    snprintf(dir, sizeof dir, "%s", r->dir);
    rig_close_store(r);
    for (size_t i = 0; i < MOMENTS; i++) {
        struct disk_twin *left = disk_twin_crash(disk, at[i].event, none, NULL);
        struct engine_options o = {.disk = disk_twin_disk(left), .index = ":memory:"};
        struct why why;
        struct engine *e = engine_open(dir, -1, &o, &why);
        CHECK(e != NULL);
        if (e) {
            CHECK_NUM(in_box(e, "alice@demo.test"), at[i].alice);
            CHECK_NUM(in_box(e, "bob@demo.test"), at[i].bob);
            engine_close(e);
        }
        disk_twin_free(left);
    }
    rig_free(r);
    disk_twin_free(disk);
}
