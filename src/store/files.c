/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/inside.h"

int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? -1 : (int64_t)st.st_size;
}

void file_remove(const char *path) { unlink(path); }

int file_touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    fsync(fd);
    close(fd);
    return 0;
}

int file_copy(const struct disk *d, const char *from, const char *to, uint64_t limit)
{
    enum { PIECE = 1024 * 1024 };
    char *p = malloc(PIECE);
    int in = d->open(d->self, from, DISK_READ), out = in < 0 ? in : d->open(d->self, to, DISK_WRITE | DISK_CREATE | DISK_EMPTY);
    int r = !p ? -ENOMEM : out < 0 ? out : 0;
    for (uint64_t at = 0; r == 0 && at < limit;) {
        size_t want = limit - at < PIECE ? (size_t)(limit - at) : PIECE;
        ssize_t n = disk_read_all(d, in, p, want, at);
        struct iovec v = {p, n > 0 ? (size_t)n : 0};
        r = n < 0 ? (int)n : n > 0 ? disk_write_all(d, out, &v, 1, at) : 0;
        if (n <= 0)
            break;
        at += (uint64_t)n;
    }
    if (r == 0)
        r = d->datasync(d->self, out);
    if (in >= 0)
        d->close(d->self, in);
    if (out >= 0)
        d->close(d->self, out);
    free(p);
    return r;
}

int poll_readable(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, timeout_ms);
}
