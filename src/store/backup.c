/* SPDX-License-Identifier: ISC */
/* A backup is the log up to a commit mark: sealed segments linked or copied, the last one copied up to there. The index is made
   anew from it. */
#include <errno.h>
#include <stdio.h>
#include "store/inside.h"

static void count_one(void *to, const char *name)
{
    (void)name;
    ++*(int *)to;
}

/* DIR/store/log, and nothing in it. */
static int make_log_dir(const struct disk *d, const char *dir, char log_dir[480])
{
    static const char *const parts[] = {"", "/store", "/store/log"};
    int r = 0, files = 0;
    for (int i = 0; r == 0 && i < 3; i++) {
        snprintf(log_dir, 480, "%.400s%s", dir, parts[i]);
        r = d->make_dir(d->self, log_dir);
    }
    if (r == 0)
        r = d->list(d->self, log_dir, count_one, &files);
    return r < 0 ? r : files > 0 ? -EEXIST : 0;
}

static int sync_dirs(const struct disk *d, const char *dir)
{
    static const char *const parts[] = {"/store/log", "/store", ""};
    char path[480];
    int r = 0;
    for (int i = 0; r == 0 && i < 3; i++) {
        snprintf(path, sizeof path, "%.400s%s", dir, parts[i]);
        r = d->sync_dir(d->self, path);
    }
    return r;
}

static void say(struct why *why, const char *what, int error)
{
    snprintf(why->text, sizeof why->text, "%s: %s", what,
             error == -EEXIST ? "there is a store in that directory already" : disk_error_text(error));
}

/* All segments of l before end, into dir. */
static int copy_log(const struct log *l, const char *dir, log_pos end, bool link, struct engine_job *j)
{
    const struct disk *d = l->disk;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->count && l->segments[i].number <= pos_segment(end); i++) {
        if (j && job_cancelled(j))
            return -ECANCELED;
        uint32_t number = l->segments[i].number;
        char from[512], to[512];
        log_path(l, number, from);
        snprintf(to, sizeof to, "%.480s/%08lx.seg", dir, (unsigned long)number);
        bool sealed = number < pos_segment(end);
        if (!(sealed && link && d->link(d->self, from, to) == 0))
            r = file_copy(d, from, to, sealed ? UINT64_MAX : pos_offset(end));
        if (j)
            job_progress(j, i + 1, l->count + 1);
    }
    return r;
}

void backup_work(struct engine_job *j)
{
    struct log l;
    char dir[480];
    if (!log_open_beside(&l, &j->e->log, &j->why)) {
        job_fail(j, RETRY, "4.3.0", "the log cannot be listed");
        return;
    }
    int r = make_log_dir(l.disk, j->dir, dir);
    if (r == 0)
        r = copy_log(&l, dir, j->end, true, j);
    if (r == 0)
        r = sync_dirs(l.disk, j->dir);
    log_close(&l);
    job_progress(j, 1, 1);
    if (r < 0) {
        say(&j->why, "backup", r);
        j->outcome = r == -EEXIST ? REFUSE : RETRY;
    }
}

struct restoring { engine_finding *each; void *to; };

static void restore_finding(void *to, log_pos at, const char *what)
{
    struct restoring *r = to;
    char line[200];
    int n = snprintf(line, sizeof line, "segment %08lx offset %lu: %s", (unsigned long)pos_segment(at),
                     (unsigned long)pos_offset(at), what);
    if (r->each && n > 0)
        r->each(r->to, str_of(line, (size_t)n));
}

enum outcome engine_restore(const char *from_dir, const char *to_dir, engine_finding *each, engine_progress *progress, void *to,
                            struct why *why)
{
    struct log l = {.disk = &disk_kernel, .segment_size = SEGMENT_SIZE};
    struct restoring finding = {each, to};
    char dir[480];
    *why = (struct why){0};
    snprintf(l.dir, sizeof l.dir, "%.400s/store/log", from_dir);
    enum outcome o = log_scan(&l, why);
    if (o == DONE && l.count == 0) {
        snprintf(why->text, sizeof why->text, "there is no backup in that directory (store/log is empty)");
        o = REFUSE;
    }
    if (o != DONE) {
        log_close(&l);
        return o;
    }
    for (size_t i = 0; i < l.count; i++) {
        verify_segment(&l, l.segments[i].number, UINT64_MAX, restore_finding, &finding);
        if (progress)
            progress(to, (uint32_t)(500 * (i + 1) / l.count));
    }
    int r = make_log_dir(&disk_kernel, to_dir, dir);
    if (r == 0)
        r = copy_log(&l, dir, UINT64_MAX, false, NULL);
    if (r == 0)
        r = sync_dirs(&disk_kernel, to_dir);
    log_close(&l);
    if (progress)
        progress(to, 1000);
    if (r == 0)
        return DONE;
    say(why, "restore", r);
    return r == -EEXIST ? REFUSE : RETRY;
}

enum outcome engine_rebuild(const char *dir, int lock_fd, engine_progress *progress, void *to, struct why *why)
{
    char path[480];
    snprintf(path, sizeof path, "%.400s/store/index.db", dir);
    int holder, error, lock = lock_fd >= 0 ? lock_fd : disk_lock_dir(dir, &holder, &error);
    *why = (struct why){0};
    if (lock < 0) {
        snprintf(why->text, sizeof why->text, "the directory is in use by process %d: stop it first", holder);
        return RETRY;
    }
    index_remove_files(path);
    if (progress)
        progress(to, 0);
    struct engine *e = engine_open(dir, lock, &(struct engine_options){0}, why);
    if (e)
        engine_close(e);
    if (lock_fd < 0)
        disk_unlock_dir(lock);
    if (progress && e)
        progress(to, 1000);
    return e ? DONE : RETRY;
}
