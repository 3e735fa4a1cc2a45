/* SPDX-License-Identifier: ISC */
/* A disk in memory for tests: records what changes it, loses power wherever a test wants, fails where a test wants. One thread at
   a time.

   Power: a change is durable when a later sync of its file (data, size) or directory (names) was through. Of the others each may
   have reached the disk or not, writes in blocks of 512 bytes. */
#pragma once
#include "os/disk.h"

struct disk_twin;

struct disk_twin *disk_twin_new(void);
void disk_twin_free(struct disk_twin *t);
const struct disk *disk_twin_disk(struct disk_twin *t);

uint64_t disk_twin_events(const struct disk_twin *t);                 /* changes and syncs so far */
bool disk_twin_is_sync(const struct disk_twin *t, uint64_t event);
/* The disk as it may be found when power went while event number at was under way (events before it had returned). keep decides
   about every change that was not durable: the i-th of them, its block of blocks (names and sizes: 0 of 1). Nothing is recorded
   of what was before. */
typedef bool disk_keep(void *to, uint32_t i, uint32_t block, uint32_t blocks);
struct disk_twin *disk_twin_crash(const struct disk_twin *t, uint64_t at, disk_keep *keep, void *to);
/* How many changes were not durable then, and how many blocks the i-th has. */
uint32_t disk_twin_pending(const struct disk_twin *t, uint64_t at);
uint32_t disk_twin_pending_blocks(const struct disk_twin *t, uint64_t at, uint32_t i);

enum disk_call {
    DISK_CALL_OPEN = 1,
    DISK_CALL_READ = 2,
    DISK_CALL_WRITE = 4,
    DISK_CALL_SYNC = 8,
    DISK_CALL_OTHER = 16,
    DISK_CALL_ANY = 31
};
/* The n-th call (1: the next) of these kinds fails with -errno error, once; error 0: a write or read that is short. n 0: off. */
void disk_twin_fail(struct disk_twin *t, unsigned kinds, uint64_t n, int error);
uint64_t disk_twin_calls(const struct disk_twin *t);                  /* of those kinds since then */
bool disk_twin_failed(const struct disk_twin *t);
void disk_twin_room(struct disk_twin *t, uint64_t bytes); /* all files together; UINT64_MAX: no limit. Beyond: -ENOSPC */
/* Rot: flips bits in n bytes of a file. False: no such place. */
bool disk_twin_rot(struct disk_twin *t, const char *path, uint64_t at, size_t n);
