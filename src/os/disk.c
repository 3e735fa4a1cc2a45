/* SPDX-License-Identifier: ISC */
/* The kernel's side of disk.h: thin, so that a test of the twin is a test of what runs. */
#include "os/disk.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { IOV_AT_ONCE = 64 };

static int kernel_open(void *self, const char *path, unsigned how)
{
    (void)self;
    int flags = O_CLOEXEC | O_NOFOLLOW;
    flags |= how & DISK_WRITE ? O_RDWR : O_RDONLY;
    flags |= how & DISK_CREATE ? O_CREAT : 0;
    flags |= how & DISK_EXCLUSIVE ? O_EXCL : 0;
    flags |= how & DISK_EMPTY ? O_TRUNC : 0;
    int fd = open(path, flags, 0600);
    return fd < 0 ? -errno : fd;
}

static int kernel_close(void *self, int file)
{
    (void)self;
    return close(file) < 0 ? -errno : 0;
}

static ssize_t kernel_pread(void *self, int file, void *to, size_t n, uint64_t at)
{
    (void)self;
    ssize_t r = pread(file, to, n, (off_t)at);
    return r < 0 ? -errno : r;
}

static ssize_t kernel_pwritev(void *self, int file, const struct iovec *v, int count, uint64_t at)
{
    (void)self;
    ssize_t r = pwritev(file, v, count, (off_t)at);
    return r < 0 ? -errno : r;
}

static int kernel_datasync(void *self, int file)
{
    (void)self;
    return fdatasync(file) < 0 ? -errno : 0;
}

static int kernel_sync(void *self, int file)
{
    (void)self;
    return fsync(file) < 0 ? -errno : 0;
}

static int kernel_truncate(void *self, int file, uint64_t size)
{
    (void)self;
    return ftruncate(file, (off_t)size) < 0 ? -errno : 0;
}

static int64_t kernel_size(void *self, int file)
{
    struct stat st;
    (void)self;
    return fstat(file, &st) < 0 ? -errno : (int64_t)st.st_size;
}

static int kernel_rename(void *self, const char *from, const char *to)
{
    (void)self;
    return rename(from, to) < 0 ? -errno : 0;
}

static int kernel_remove(void *self, const char *path)
{
    (void)self;
    return unlink(path) < 0 ? -errno : 0;
}

static int kernel_link(void *self, const char *from, const char *to)
{
    (void)self;
    return link(from, to) < 0 ? -errno : 0;
}

static int kernel_make_dir(void *self, const char *path)
{
    (void)self;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int kernel_sync_dir(void *self, const char *path)
{
    (void)self;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int kernel_list(void *self, const char *path, void (*each)(void *to, const char *name), void *to)
{
    (void)self;
    DIR *d = opendir(path);
    if (!d)
        return -errno;
    for (const struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            each(to, e->d_name);
    closedir(d);
    return 0;
}

static uint64_t kernel_free_bytes(void *self, const char *path)
{
    struct statvfs st;
    (void)self;
    return statvfs(path, &st) < 0 ? UINT64_MAX : (uint64_t)st.f_bavail * st.f_frsize;
}

const struct disk disk_kernel = {
    .open = kernel_open,
    .close = kernel_close,
    .pread = kernel_pread,
    .pwritev = kernel_pwritev,
    .datasync = kernel_datasync,
    .sync = kernel_sync,
    .truncate = kernel_truncate,
    .size = kernel_size,
    .rename = kernel_rename,
    .remove = kernel_remove,
    .link = kernel_link,
    .make_dir = kernel_make_dir,
    .list = kernel_list,
    .sync_dir = kernel_sync_dir,
    .free_bytes = kernel_free_bytes,
};

int disk_write_all(const struct disk *d, int file, const struct iovec *v, int count, uint64_t at)
{
    struct iovec part[IOV_AT_ONCE];
    size_t skip = 0; /* bytes of v[0] that are written */
    while (count > 0) {
        if (v->iov_len == skip) {
            v++, count--, skip = 0;
            continue;
        }
        int n = count < IOV_AT_ONCE ? count : IOV_AT_ONCE;
        memcpy(part, v, (size_t)n * sizeof *v);
        part[0].iov_base = (char *)part[0].iov_base + skip;
        part[0].iov_len -= skip;
        ssize_t wrote = d->pwritev(d->self, file, part, n, at);
        if (wrote == -EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? (int)wrote : -EIO;
        at += (uint64_t)wrote;
        skip += (size_t)wrote;
        while (count > 0 && skip >= v->iov_len)
            skip -= v->iov_len, v++, count--;
    }
    return 0;
}

ssize_t disk_read_all(const struct disk *d, int file, void *to, size_t n, uint64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = d->pread(d->self, file, (char *)to + got, n - got, at + got);
        if (r == -EINTR)
            continue;
        if (r < 0)
            return r;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

const char *disk_error_text(int e)
{
    switch (-e) {
    case ENOSPC: return "disk full";
    case EDQUOT: return "disk quota used up";
    case EFBIG: return "file too large for the file system";
    case EIO: return "input/output error";
    case EACCES: case EPERM: return "permission denied";
    case ENOENT: return "no such file";
    case EEXIST: return "file exists";
    case EROFS: return "read-only file system";
    case EMFILE: case ENFILE: return "no free file descriptors";
    case ENOTDIR: return "not a directory";
    case EXDEV: return "on another file system";
    case ECANCELED: return "given up, because the store closes";
    default: return "disk error";
    }
}

static int holder_read(int fd)
{
    char text[32] = {0};
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 && pid < INT_MAX ? (int)pid : 0;
}

int disk_lock_dir(const char *dir, int *holder, int *error)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/lock", dir);
    *holder = 0;
    *error = -ENAMETOOLONG;
    if (n < 0 || (size_t)n >= sizeof path)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        *error = -errno;
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        *error = -errno;
        *holder = holder_read(fd);
        close(fd);
        return -1;
    }
    n = snprintf(path, sizeof path, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, path, (size_t)n, 0) != n) { /* the pid is for people only: the lock holds without it */
    }
    *error = 0;
    return fd;
}

void disk_unlock_dir(int lock_fd)
{
    if (lock_fd >= 0)
        close(lock_fd);
}
