/* SPDX-License-Identifier: ISC */
/* Durable files behind a small table of functions: the kernel's (disk_kernel), or a twin in memory that records every write, sync
   and rename, loses power at any point, and fails at the n-th call (disk_twin). Results are 0 or a count, or -errno. Nothing here
   retries. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "base/str.h"

enum disk_open {
    DISK_READ = 0,
    DISK_WRITE = 1,
    DISK_CREATE = 2,
    DISK_EXCLUSIVE = 4,
    DISK_EMPTY = 8
}; /* bits; files get mode 0600 */

struct disk {
    void *self;
    int (*open)(void *self, const char *path, unsigned how);                    /* a handle for the calls below */
    int (*close)(void *self, int file);
    ssize_t (*pread)(void *self, int file, void *to, size_t n, uint64_t at);    /* 0: behind the end; may be short */
    ssize_t (*pwritev)(void *self, int file, const struct iovec *v, int count, uint64_t at); /* may be short */
    int (*datasync)(void *self, int file);                                     /* data, and what is needed to read it back */
    int (*sync)(void *self, int file); /* and all that the file system notes about the file */
    int (*truncate)(void *self, int file, uint64_t size);
    int64_t (*size)(void *self, int file);
    int (*rename)(void *self, const char *from, const char *to);
    int (*remove)(void *self, const char *path);
    int (*link)(void *self, const char *from, const char *to);                  /* a second name; -EXDEV: copy instead */
    int (*make_dir)(void *self, const char *path);                              /* mode 0700; 0 when it is there already */
    int (*sync_dir)(void *self, const char *path);                              /* names in it are durable */
    int (*list)(void *self, const char *path, void (*each)(void *to, const char *name),
                void *to);                                                      /* no order, without . and .. */
    uint64_t (*free_bytes)(void *self, const char *path);                       /* UINT64_MAX: unknown */
};

extern const struct disk disk_kernel;

/* All of v at a place: short writes are continued. 0 or -errno; then an unknown part is written. */
int disk_write_all(const struct disk *d, int file, const struct iovec *v, int count, uint64_t at);
/* n bytes or up to the end of the file: bytes read, or -errno. */
ssize_t disk_read_all(const struct disk *d, int file, void *to, size_t n, uint64_t at);
/* For people: "disk full", "input/output error", … */
const char *disk_error_text(int negative_errno);
/* Is it room that is missing (ENOSPC, EDQUOT, EFBIG)? Then it may come back; other errors of a write mean that nobody knows what
   is on the disk. */
static inline bool disk_is_full_error(int e) { return e == -28 /* ENOSPC */ || e == -122 /* EDQUOT */ || e == -27 /* EFBIG */; }

/* The lock of a data directory: one process for its whole life. A descriptor, or -1 with *holder the pid that has it (0: unknown)
   and *error -errno. */
int disk_lock_dir(const char *dir, int *holder, int *error);
void disk_unlock_dir(int lock_fd);
