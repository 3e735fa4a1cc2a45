/* SPDX-License-Identifier: ISC */
#include "os/disk_twin.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"

enum { BLOCK = 512, PATH_BYTES = 256, HANDLES = 256 };

struct inode { char *p; uint64_t size, cap; };
struct name { char path[PATH_BYTES]; uint32_t inode; bool gone; };
enum event_kind { EVENT_WRITE, EVENT_TRUNCATE, EVENT_CREATE, EVENT_RENAME, EVENT_REMOVE, EVENT_LINK, EVENT_SYNC, EVENT_SYNC_DIR };
struct event {
    enum event_kind kind;
    uint32_t inode;
    uint64_t at, n;          /* TRUNCATE: n is the size */
    char *data;
    uint64_t durable_at;     /* the sync that made it so; UINT64_MAX: none yet */
    char path[PATH_BYTES], to[PATH_BYTES];
};

struct disk_twin {
    struct disk disk;
    struct inode *inodes;
    uint32_t inode_count;
    struct name *names;
    uint32_t name_count;
    int32_t handles[HANDLES]; /* inode, or -1 */
    struct event *events;
    uint64_t event_count, event_cap;
    unsigned fail_kinds;
    uint64_t fail_at, fail_calls;
    int fail_error;
    bool fail_happened, recording;
    uint64_t room;
};

static void *grown(void *p, size_t n)
{
    p = realloc(p, n);
    check(p != NULL); /* a test's memory */
    return p;
}

static struct name *lookup(struct disk_twin *t, const char *path)
{
    for (uint32_t i = 0; i < t->name_count; i++)
        if (!t->names[i].gone && strcmp(t->names[i].path, path) == 0)
            return &t->names[i];
    return NULL;
}

static bool is_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

static struct event *note(struct disk_twin *t, enum event_kind kind, uint32_t inode, const char *path)
{
    static struct event unrecorded;
    if (!t->recording)
        return &unrecorded;
    if (t->event_count == t->event_cap)
        t->events = grown(t->events, (t->event_cap = t->event_cap ? t->event_cap * 2 : 256) * sizeof *t->events);
    struct event *e = &t->events[t->event_count++];
    *e = (struct event){.kind = kind, .inode = inode, .durable_at = UINT64_MAX};
    snprintf(e->path, sizeof e->path, "%s", path);
    return e;
}

/* A sync is through: what it covers is durable. */
static void settle(struct disk_twin *t, const struct event *s)
{
    for (uint64_t i = 0; t->recording && i + 1 < t->event_count; i++) {
        struct event *e = &t->events[i];
        bool data = e->kind == EVENT_WRITE || e->kind == EVENT_TRUNCATE;
        bool covered = data ? s->kind == EVENT_SYNC && s->inode == e->inode
                            : s->kind == EVENT_SYNC_DIR &&
                                  is_in(e->kind == EVENT_RENAME || e->kind == EVENT_LINK ? e->to : e->path, s->path);
        if (covered && e->durable_at == UINT64_MAX)
            e->durable_at = t->event_count - 1;
    }
}

/* 0, or the error that this call has to give; 1: be short. */
static int fails(struct disk_twin *t, unsigned kind)
{
    if (!(t->fail_kinds & kind) || t->fail_at == 0)
        return 0;
    if (++t->fail_calls != t->fail_at)
        return 0;
    t->fail_happened = true;
    return t->fail_error == 0 ? 1 : -t->fail_error;
}

static void put_bytes(struct inode *f, const char *p, uint64_t n, uint64_t at)
{
    if (at + n > f->cap) {
        uint64_t cap = f->cap ? f->cap : 4096;
        while (cap < at + n)
            cap *= 2;
        f->p = grown(f->p, cap);
        memset(f->p + f->cap, 0, cap - f->cap);
        f->cap = cap;
    }
    if (n)
        memcpy(f->p + at, p, n);
    if (at + n > f->size)
        f->size = at + n;
}

static void set_size(struct inode *f, uint64_t size)
{
    if (size < f->size)
        memset(f->p + size, 0, f->size - size);
    else
        put_bytes(f, NULL, 0, size);
    f->size = size;
}

static void name_add(struct disk_twin *t, const char *path, uint32_t inode)
{
    struct name *old = lookup(t, path);
    if (old)
        old->gone = true;
    t->names = grown(t->names, (t->name_count + 1) * sizeof *t->names);
    struct name *n = &t->names[t->name_count++];
    *n = (struct name){.inode = inode};
    snprintf(n->path, sizeof n->path, "%s", path);
}

static uint32_t inode_add(struct disk_twin *t)
{
    t->inodes = grown(t->inodes, (t->inode_count + 1) * sizeof *t->inodes);
    t->inodes[t->inode_count] = (struct inode){0};
    return t->inode_count++;
}

static struct inode *file_of(struct disk_twin *t, int file)
{
    check(file >= 0 && file < HANDLES && t->handles[file] >= 0);
    return &t->inodes[t->handles[file]];
}

static int twin_open(void *self, const char *path, unsigned how)
{
    struct disk_twin *t = self;
    int r = fails(t, DISK_CALL_OPEN), file = 0;
    if (r < 0)
        return r;
    while (file < HANDLES && t->handles[file] >= 0)
        file++;
    if (file == HANDLES)
        return -EMFILE;
    const struct name *n = lookup(t, path);
    if (!n && !(how & DISK_CREATE))
        return -ENOENT;
    if (n && (how & DISK_EXCLUSIVE))
        return -EEXIST;
    uint32_t inode = n ? n->inode : inode_add(t);
    if (!n) {
        name_add(t, path, inode);
        note(t, EVENT_CREATE, inode, path);
    } else if ((how & DISK_EMPTY) && t->inodes[inode].size > 0) {
        note(t, EVENT_TRUNCATE, inode, path)->n = 0;
        set_size(&t->inodes[inode], 0);
    }
    t->handles[file] = (int32_t)inode;
    return file;
}

static int twin_close(void *self, int file)
{
    struct disk_twin *t = self;
    file_of(t, file);
    t->handles[file] = -1;
    return 0;
}

static ssize_t twin_pread(void *self, int file, void *to, size_t n, uint64_t at)
{
    struct disk_twin *t = self;
    const struct inode *f = file_of(t, file);
    int r = fails(t, DISK_CALL_READ);
    if (r < 0)
        return r;
    if (at >= f->size)
        return 0;
    if (n > f->size - at)
        n = (size_t)(f->size - at);
    if (r > 0 && n > 1)
        n /= 2;
    memcpy(to, f->p + at, n);
    return (ssize_t)n;
}

static uint64_t bytes_used(const struct disk_twin *t)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < t->inode_count; i++)
        n += t->inodes[i].size;
    return n;
}

static ssize_t twin_pwritev(void *self, int file, const struct iovec *v, int count, uint64_t at)
{
    struct disk_twin *t = self;
    struct inode *f = file_of(t, file);
    int r = fails(t, DISK_CALL_WRITE);
    if (r < 0)
        return r;
    size_t n = 0, done = 0;
    for (int i = 0; i < count; i++)
        n += v[i].iov_len;
    if (r > 0 && n > 1)
        n /= 2;
    if (t->room != UINT64_MAX && at + n > f->size && bytes_used(t) + (at + n - f->size) > t->room)
        return -ENOSPC;
    char *p = grown(NULL, n ? n : 1);
    for (int i = 0; i < count && done < n; i++) {
        size_t part = v[i].iov_len < n - done ? v[i].iov_len : n - done;
        memcpy(p + done, v[i].iov_base, part);
        done += part;
    }
    put_bytes(f, p, n, at);
    if (!t->recording) {
        free(p);
        return (ssize_t)n;
    }
    struct event *e = note(t, EVENT_WRITE, (uint32_t)t->handles[file], "");
    e->at = at;
    e->n = n;
    e->data = p;
    return (ssize_t)n;
}

static int twin_datasync(void *self, int file)
{
    struct disk_twin *t = self;
    file_of(t, file);
    int r = fails(t, DISK_CALL_SYNC);
    if (r < 0)
        return r;
    settle(t, note(t, EVENT_SYNC, (uint32_t)t->handles[file], ""));
    return 0;
}

static int twin_truncate(void *self, int file, uint64_t size)
{
    struct disk_twin *t = self;
    struct inode *f = file_of(t, file);
    int r = fails(t, DISK_CALL_OTHER);
    if (r < 0)
        return r;
    note(t, EVENT_TRUNCATE, (uint32_t)t->handles[file], "")->n = size;
    set_size(f, size);
    return 0;
}

static int64_t twin_size(void *self, int file) { return (int64_t)file_of(self, file)->size; }

static int twin_rename(void *self, const char *from, const char *to)
{
    struct disk_twin *t = self;
    struct name *n = lookup(t, from);
    int r = fails(t, DISK_CALL_OTHER);
    if (r < 0 || !n)
        return r < 0 ? r : -ENOENT;
    uint32_t inode = n->inode;
    n->gone = true;
    name_add(t, to, inode);
    struct event *e = note(t, EVENT_RENAME, inode, from);
    snprintf(e->to, sizeof e->to, "%s", to);
    return 0;
}

static int twin_remove(void *self, const char *path)
{
    struct disk_twin *t = self;
    struct name *n = lookup(t, path);
    int r = fails(t, DISK_CALL_OTHER);
    if (r < 0 || !n)
        return r < 0 ? r : -ENOENT;
    n->gone = true;
    note(t, EVENT_REMOVE, n->inode, path);
    return 0;
}

static int twin_link(void *self, const char *from, const char *to)
{
    struct disk_twin *t = self;
    const struct name *n = lookup(t, from);
    int r = fails(t, DISK_CALL_OTHER);
    if (r < 0 || !n)
        return r < 0 ? r : -ENOENT;
    uint32_t inode = n->inode;
    name_add(t, to, inode);
    snprintf(note(t, EVENT_LINK, inode, from)->to, PATH_BYTES, "%s", to);
    return 0;
}

static int twin_make_dir(void *self, const char *path)
{
    (void)path;
    int r = fails(self, DISK_CALL_OTHER);
    return r < 0 ? r : 0; /* directories are names with a slash */
}

static int twin_sync_dir(void *self, const char *path)
{
    struct disk_twin *t = self;
    int r = fails(t, DISK_CALL_SYNC);
    if (r < 0)
        return r;
    settle(t, note(t, EVENT_SYNC_DIR, 0, path));
    return 0;
}

static int twin_list(void *self, const char *path, void (*each)(void *to, const char *name), void *to)
{
    struct disk_twin *t = self;
    int r = fails(t, DISK_CALL_OTHER);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < t->name_count; i++)
        if (!t->names[i].gone && is_in(t->names[i].path, path))
            each(to, t->names[i].path + strlen(path) + 1);
    return 0;
}

static uint64_t twin_free_bytes(void *self, const char *path)
{
    const struct disk_twin *t = self;
    (void)path;
    uint64_t used = bytes_used(t);
    return t->room > used ? t->room - used : 0;
}

struct disk_twin *disk_twin_new(void)
{
    struct disk_twin *t = grown(NULL, sizeof *t);
    *t = (struct disk_twin){.room = UINT64_MAX, .recording = true};
    for (int i = 0; i < HANDLES; i++)
        t->handles[i] = -1;
    t->disk = (struct disk){.self = t,
                            .open = twin_open,
                            .close = twin_close,
                            .pread = twin_pread,
                            .pwritev = twin_pwritev,
                            .datasync = twin_datasync,
                            .sync = twin_datasync,
                            .truncate = twin_truncate,
                            .size = twin_size,
                            .rename = twin_rename,
                            .remove = twin_remove,
                            .link = twin_link,
                            .make_dir = twin_make_dir,
                            .sync_dir = twin_sync_dir,
                            .list = twin_list,
                            .free_bytes = twin_free_bytes};
    return t;
}

void disk_twin_free(struct disk_twin *t)
{
    for (uint32_t i = 0; i < t->inode_count; i++)
        free(t->inodes[i].p);
    for (uint64_t i = 0; i < t->event_count; i++)
        free(t->events[i].data);
    free(t->inodes);
    free(t->names);
    free(t->events);
    free(t);
}

const struct disk *disk_twin_disk(struct disk_twin *t) { return &t->disk; }
uint64_t disk_twin_events(const struct disk_twin *t) { return t->event_count; }
static bool is_sync(const struct event *e) { return e->kind == EVENT_SYNC || e->kind == EVENT_SYNC_DIR; }
bool disk_twin_is_sync(const struct disk_twin *t, uint64_t event) { return event < t->event_count && is_sync(&t->events[event]); }

/* Was event i made durable by a sync that returned before event at? */
static bool durable(const struct disk_twin *t, uint64_t i, uint64_t at)
{
    return t->events[i].durable_at < at;
}

static uint32_t blocks_of(const struct event *e)
{
    return e->kind == EVENT_WRITE && e->n > 0 ? (uint32_t)((e->at + e->n - 1) / BLOCK - e->at / BLOCK + 1) : 1;
}

static const struct event *pending(const struct disk_twin *t, uint64_t at, uint32_t want, uint32_t *count)
{
    const struct event *found = NULL;
    *count = 0;
    for (uint64_t i = 0; i < at && i < t->event_count; i++)
        if (!is_sync(&t->events[i]) && !durable(t, i, at) && (*count)++ == want)
            found = &t->events[i];
    return found;
}

uint32_t disk_twin_pending(const struct disk_twin *t, uint64_t at)
{
    uint32_t n;
    pending(t, at, UINT32_MAX, &n);
    return n;
}

uint32_t disk_twin_pending_blocks(const struct disk_twin *t, uint64_t at, uint32_t i)
{
    uint32_t n;
    const struct event *e = pending(t, at, i, &n);
    return e ? blocks_of(e) : 0;
}

static void apply_write(struct inode *f, const struct event *e, disk_keep *keep, void *to, uint32_t i)
{
    uint32_t blocks = blocks_of(e);
    for (uint32_t b = 0; b < blocks; b++) {
        uint64_t from = (e->at / BLOCK + b) * BLOCK, end = from + BLOCK;
        from = from < e->at ? e->at : from;
        end = end > e->at + e->n ? e->at + e->n : end;
        if (!keep || keep(to, i, b, blocks))
            put_bytes(f, e->data + (from - e->at), end - from, from);
    }
}

static void apply(struct disk_twin *t, const struct event *e, disk_keep *keep, void *to, uint32_t i)
{
    struct name *n;
    if (e->kind == EVENT_WRITE) {
        apply_write(&t->inodes[e->inode], e, keep, to, i);
        return;
    }
    if (keep && !keep(to, i, 0, 1))
        return;
    switch (e->kind) {
    case EVENT_TRUNCATE: set_size(&t->inodes[e->inode], e->n); break;
    case EVENT_CREATE: name_add(t, e->path, e->inode); break;
    case EVENT_RENAME: case EVENT_REMOVE:
        n = lookup(t, e->path);
        if (n)
            n->gone = true;
        if (e->kind == EVENT_RENAME)
            name_add(t, e->to, e->inode);
        break;
    case EVENT_LINK: name_add(t, e->to, e->inode); break;
    case EVENT_WRITE: case EVENT_SYNC: case EVENT_SYNC_DIR: break;
    }
}

struct disk_twin *disk_twin_crash(const struct disk_twin *t, uint64_t at, disk_keep *keep, void *to)
{
    struct disk_twin *c = disk_twin_new();
    c->recording = false;
    for (uint32_t i = 0; i < t->inode_count; i++)
        inode_add(c);
    uint32_t n = 0;
    for (uint64_t i = 0; i < at && i < t->event_count; i++) {
        const struct event *e = &t->events[i];
        if (is_sync(e))
            continue;
        if (durable(t, i, at))
            apply(c, e, NULL, NULL, 0);
        else
            apply(c, e, keep, to, n++);
    }
    return c;
}

void disk_twin_fail(struct disk_twin *t, unsigned kinds, uint64_t n, int error)
{
    t->fail_kinds = kinds;
    t->fail_at = n;
    t->fail_error = error;
    t->fail_calls = 0;
    t->fail_happened = false;
}

uint64_t disk_twin_calls(const struct disk_twin *t) { return t->fail_calls; }
bool disk_twin_failed(const struct disk_twin *t) { return t->fail_happened; }
void disk_twin_room(struct disk_twin *t, uint64_t bytes) { t->room = bytes; }

bool disk_twin_rot(struct disk_twin *t, const char *path, uint64_t at, size_t n)
{
    const struct name *name = lookup(t, path);
    if (!name || at + n > t->inodes[name->inode].size)
        return false;
    for (size_t i = 0; i < n; i++)
        t->inodes[name->inode].p[at + i] = (char)(t->inodes[name->inode].p[at + i] ^ 0x55);
    return true;
}
