/* SPDX-License-Identifier: ISC */
/* Small whole files: configuration, keys, prompts. The log's files are disk.h's. Blocking: at start-up and in commands only. */
#pragma once
#include "base/buf.h"
#include "base/outcome.h"

/* Appends the whole file. REFUSE: not there, not a regular file or FIFO, larger than max or than to has room; RETRY: the disk.
   why says which, with the path. */
enum outcome file_read(const char *path, size_t max, struct buf *to, struct why *why);
enum outcome file_read_fd(int fd, const char *name, size_t max, struct buf *to, struct why *why); /* to its end */
/* All or nothing, and on stable storage: temporary file beside it, fsync, rename, fsync of the directory. mode: permissions. */
enum outcome file_write(const char *path, struct str bytes, uint32_t mode, struct why *why);
/* Makes path and what is missing above it. An existing directory is fine (its mode stays). */
enum outcome file_make_dirs(const char *path, uint32_t mode, struct why *why);
bool file_exists(const char *path);
/* The lock of a directory: path is made when absent, locked (flock: kept over fork and exec, passed on with the descriptor) and
   holds the holder's pid. Descriptor (close-on-exec) or -1 with why: "… is in use by process 4711". holder (may be NULL) gets
   that pid, 0 when unknown. */
int file_lock(const char *path, int *holder, struct why *why);
void file_unlock(int fd);                    /* closes; the file stays */
int file_open_read(const char *path, struct why *why); /* close-on-exec; -1 */
/* One line without its end, into to, which is cleared first (give it storage of yours with buf_fixed, and wipe that). From a
   terminal: prompt on it, echo off, asked twice and compared if twice. Otherwise one line of standard input, without prompt.
   REFUSE: empty, too long, no end of line and no text, the two differ, interrupted. */
enum outcome file_read_secret(const char *prompt, bool twice, struct buf *to, struct why *why);
bool file_is_terminal(int fd);
