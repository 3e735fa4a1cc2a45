/* SPDX-License-Identifier: ISC */
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "os/fail.h"
#include "os/inside.h"

/* What the file system says for good, and what may be otherwise tomorrow. */
static enum outcome outcome_of(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == EISDIR || error == ENAMETOOLONG ||
                   error == ELOOP || error == EROFS || error == EINVAL
               ? REFUSE
               : RETRY;
}

static enum outcome fail_with(struct why *why, const char *path, int error)
{
    why_errno(why, path, error);
    return outcome_of(error);
}

static enum outcome refuse(struct why *why, const char *path, const char *what)
{
    if (why) {
        *why = (struct why){{0}, {0}};
        snprintf(why->text, sizeof why->text, "%.90s: %s", path, what);
    }
    return REFUSE;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int file_open_read(const char *path, struct why *why)
{
    int fd = OS_CALL(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (fd < 0)
        why_errno(why, path, errno);
    return fd;
}

enum outcome file_read_fd(int fd, const char *name, size_t max, struct buf *to, struct why *why)
{
    char piece[16 * 1024];
    for (size_t total = 0;;) {
        ssize_t n = OS_CALL(read(fd, piece, sizeof piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_with(why, name, errno);
        if (n == 0)
            return DONE;
        total += (size_t)n;
        if (total > max || (size_t)n > buf_room(to))
            return refuse(why, name, "too large");
        buf_add(to, str_of(piece, (size_t)n));
        if (to->full)
            return fail_with(why, name, ENOMEM);
    }
}

enum outcome file_read(const char *path, size_t max, struct buf *to, struct why *why)
{
    struct stat st;
    int fd = file_open_read(path, why);
    if (fd < 0)
        return outcome_of(errno);
    enum outcome r;
    if (OS_CALL(fstat(fd, &st)) != 0)
        r = fail_with(why, path, errno);
    else if (S_ISDIR(st.st_mode))
        r = fail_with(why, path, EISDIR);
    else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        r = refuse(why, path, "not a regular file");
    else
        r = file_read_fd(fd, path, max, to, why);
    close(fd);
    return r;
}

static bool write_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = OS_CALL(write(fd, s.p, s.n));
        if (n < 0 && errno != EINTR)
            return false;
        s = str_skip(s, n > 0 ? (size_t)n : 0);
    }
    return true;
}

static bool sync_parent(const char *path)
{
    char dir[PATH_MAX];
    size_t slash = str_find_last(str_c(path), '/');
    bool none = slash == strlen(path);
    if (!str_to_c(none ? S(".") : slash == 0 ? S("/") : str_head(str_c(path), slash), dir, sizeof dir)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = OS_CALL(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return false;
    bool ok = OS_CALL(fsync(fd)) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return ok;
}

enum outcome file_write(const char *path, struct str bytes, uint32_t mode, struct why *why)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return fail_with(why, path, ENAMETOOLONG);
    int fd = OS_CALL(mkostemp(temporary, O_CLOEXEC));
    if (fd < 0)
        return fail_with(why, path, errno);
    bool ok = write_all(fd, bytes) && OS_CALL(fchmod(fd, (mode_t)mode)) == 0 && OS_CALL(fsync(fd)) == 0;
    int error = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        error = errno;
    }
    if (ok && OS_CALL(rename(temporary, path)) != 0) {
        ok = false;
        error = errno;
    }
    if (!ok) {
        (void)unlink(temporary);
        return fail_with(why, path, error);
    }
    return sync_parent(path) ? DONE : fail_with(why, path, errno);
}

enum outcome file_make_dirs(const char *path, uint32_t mode, struct why *why)
{
    char part[PATH_MAX];
    struct stat st;
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return fail_with(why, path, n == 0 ? ENOENT : ENAMETOOLONG);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (OS_CALL(mkdir(part, (mode_t)mode)) == 0) {
            if (!sync_parent(part))
                return fail_with(why, part, errno);
        } else if (errno != EEXIST) {
            int error = errno;
            if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode)) /* EACCES or EROFS above a directory that is there is no matter */
                return fail_with(why, part, error);
        }
    }
    if (OS_CALL(stat(path, &st)) != 0)
        return fail_with(why, path, errno);
    return S_ISDIR(st.st_mode) ? DONE : fail_with(why, path, ENOTDIR);
}

static int read_holder(int fd)
{
    char text[32];
    uint64_t pid;
    ssize_t n = pread(fd, text, sizeof text, 0);
    return n > 0 && str_to_u64(str_trim(str_of(text, (size_t)n)), &pid) && pid <= INT_MAX ? (int)pid : 0;
}

int file_lock(const char *path, int *holder, struct why *why)
{
    int fd = OS_CALL(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)), pid = 0;
    if (holder)
        *holder = 0;
    if (fd < 0) {
        why_errno(why, path, errno);
        return -1;
    }
    if (OS_CALL(flock(fd, LOCK_EX | LOCK_NB)) != 0) {
        int error = errno;
        pid = error == EWOULDBLOCK ? read_holder(fd) : 0;
        if (holder)
            *holder = pid;
        why_errno(why, path, error);
        if (why && error == EWOULDBLOCK)
            snprintf(why->text, sizeof why->text, pid ? "%.100s is in use by process %d" : "%.100s is in use", path, pid);
        close(fd);
        errno = error;
        return -1;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (OS_CALL(ftruncate(fd, 0)) != 0 || OS_CALL(pwrite(fd, text, (size_t)n, 0)) != n) {
        int error =
            errno; /* a full disk: the lock is what counts, its text is a courtesy; but a half-written pid would mislead */
        (void)!ftruncate(fd, 0);
        errno = error;
    }
    return fd;
}

void file_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}
