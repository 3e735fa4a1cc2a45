/* SPDX-License-Identifier: ISC */
#include "base/test.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "os/disk_twin.h"

/* The same calls against the kernel and the twin. */
static void exercise(const struct disk *d, const char *dir)
{
    char a[300], b[300], text[64] = {0};
    snprintf(a, sizeof a, "%s/a", dir);
    snprintf(b, sizeof b, "%s/b", dir);
    CHECK_NUM(d->open(d->self, a, DISK_READ), -ENOENT);
    int f = d->open(d->self, a, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE);
    CHECK(f >= 0);
    CHECK_NUM(d->open(d->self, a, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE), -EEXIST);
    struct iovec v[3] = {{(char *)(uintptr_t)"hello ", 6}, {(char *)(uintptr_t)"", 0}, {(char *)(uintptr_t)"world", 5}};
    CHECK_NUM(disk_write_all(d, f, v, 3, 10), 0);
    CHECK_NUM(d->size(d->self, f), 21);
    CHECK_NUM(disk_read_all(d, f, text, sizeof text, 8), 13);
    CHECK(memcmp(text, "\0\0hello world", 13) == 0);
    CHECK_NUM(d->datasync(d->self, f), 0);
    CHECK_NUM(d->sync(d->self, f), 0);
    CHECK_NUM(d->truncate(d->self, f, 12), 0);
    CHECK_NUM(disk_read_all(d, f, text, sizeof text, 10), 2);
    CHECK_NUM(d->truncate(d->self, f, 14), 0);
    CHECK_NUM(disk_read_all(d, f, text, sizeof text, 10), 4);
    CHECK(memcmp(text, "he\0\0", 4) == 0);
    CHECK_NUM(d->close(d->self, f), 0);
    CHECK_NUM(d->link(d->self, a, b), 0);
    CHECK_NUM(d->remove(d->self, a), 0);
    CHECK_NUM(d->rename(d->self, b, a), 0);
    CHECK_NUM(d->remove(d->self, b), -ENOENT);
    CHECK_NUM(d->sync_dir(d->self, dir), 0);
    f = d->open(d->self, a, DISK_WRITE | DISK_CREATE | DISK_EMPTY);
    CHECK_NUM(d->size(d->self, f), 0);
    d->close(d->self, f);
    CHECK_NUM(d->remove(d->self, a), 0);
}

TEST(kernel_and_twin_agree)
{
    char dir[] = "/tmp/penny-disk-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    exercise(&disk_kernel, dir);
    rmdir(dir);
    struct disk_twin *t = disk_twin_new();
    exercise(disk_twin_disk(t), "/d");
    disk_twin_free(t);
}

TEST(lock)
{
    char dir[] = "/tmp/penny-disk-XXXXXX", path[64];
    int holder, error, first, second;
    CHECK(mkdtemp(dir) != NULL);
    first = disk_lock_dir(dir, &holder, &error);
    CHECK(first >= 0);
    second = disk_lock_dir(dir, &holder, &error);
    CHECK_NUM(second, -1);
    CHECK_NUM(error, -EWOULDBLOCK);
    CHECK_NUM(holder, getpid());
    disk_unlock_dir(first);
    first = disk_lock_dir(dir, &holder, &error);
    CHECK(first >= 0);
    disk_unlock_dir(first);
    snprintf(path, sizeof path, "%s/lock", dir);
    unlink(path);
    rmdir(dir);
}

static bool keep_bits(void *to, uint32_t i, uint32_t block, uint32_t blocks)
{
    (void)blocks;
    return *(unsigned *)to >> (i + block) & 1;
}

TEST(power_goes)
{
    struct disk_twin *t = disk_twin_new();
    const struct disk *d = disk_twin_disk(t);
    int f = d->open(d->self, "/d/a", DISK_WRITE | DISK_CREATE);
    char block[1024];
    memset(block, 'x', sizeof block);
    struct iovec v = {block, sizeof block};
    disk_write_all(d, f, &v, 1, 0);
    d->datasync(d->self, f);
    d->sync_dir(d->self, "/d");
    uint64_t synced = disk_twin_events(t);
    memset(block, 'y', sizeof block);
    disk_write_all(d, f, &v, 1, 256); /* three blocks: 256-511, 512-1023, 1024-1279 */
    CHECK_NUM(disk_twin_pending(t, synced), 0);
    CHECK_NUM(disk_twin_pending(t, synced + 1), 1);
    CHECK_NUM(disk_twin_pending_blocks(t, synced + 1, 0), 3);
    CHECK_NUM(disk_twin_pending(t, 3), 1); /* the name only: its data was synced, its directory not yet */
    unsigned bits = 2;                     /* the middle block arrived */
    struct disk_twin *c = disk_twin_crash(t, synced + 1, keep_bits, &bits);
    const struct disk *cd = disk_twin_disk(c);
    int g = cd->open(cd->self, "/d/a", DISK_READ);
    char got[1280] = {0};
    CHECK_NUM(disk_read_all(cd, g, got, sizeof got, 0), 1024);
    CHECK(got[0] == 'x' && got[511] == 'x' && got[512] == 'y' && got[1023] == 'y');
    disk_twin_free(c);
    bits = 0;
    c = disk_twin_crash(t, 3, keep_bits, &bits);
    cd = disk_twin_disk(c);
    CHECK_NUM(cd->open(cd->self, "/d/a", DISK_READ), -ENOENT);
    disk_twin_free(c);
    disk_twin_free(t);
}

TEST(calls_that_fail)
{
    struct disk_twin *t = disk_twin_new();
    const struct disk *d = disk_twin_disk(t);
    int f = d->open(d->self, "/d/a", DISK_WRITE | DISK_CREATE);
    char block[100] = "abc", got[100];
    struct iovec v = {block, sizeof block};
    disk_twin_fail(t, DISK_CALL_WRITE, 1, 0);
    CHECK_NUM(disk_write_all(d, f, &v, 1, 0), 0); /* short, then continued */
    CHECK(disk_twin_failed(t));
    CHECK_NUM(disk_read_all(d, f, got, 100, 0), 100);
    CHECK(memcmp(block, got, 100) == 0);
    disk_twin_fail(t, DISK_CALL_SYNC, 2, EIO);
    CHECK_NUM(d->datasync(d->self, f), 0);
    CHECK_NUM(d->datasync(d->self, f), -EIO);
    CHECK_NUM(d->datasync(d->self, f), 0);
    disk_twin_room(t, 150);
    CHECK_NUM(disk_write_all(d, f, &v, 1, 100), -ENOSPC);
    CHECK_NUM(disk_write_all(d, f, &v, 1, 50), 0);
    CHECK(disk_is_full_error(-ENOSPC) && disk_is_full_error(-EDQUOT) && disk_is_full_error(-EFBIG) && !disk_is_full_error(-EIO));
    disk_twin_free(t);
}
