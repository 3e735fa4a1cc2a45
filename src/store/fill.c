/* SPDX-License-Identifier: ISC */
/* Zeros ahead of the tail: a commit into blocks that are written already needs no change of the file system's own records, which
   doubles the commits a second. A thread of its own writes them, at most FILL_AHEAD bytes before the tail, first in the segment
   in use, then in the next one. Who comes to a place that is being zeroed waits for that slice; who overtakes the zeros simply
   writes, and the file grows. */
#include "store/inside.h"

enum { SLICE = 256 * 1024, SYNC_EVERY = 4 * 1024 * 1024 };

void *fill_main(void *engine)
{
    static const char zeros[SLICE];
    struct engine *e = engine;
    struct shared *s = &e->s;
    uint64_t unsynced = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (s->fill_at >= s->fill_to) {
            pthread_cond_wait(&s->fill_work, &s->lock);
            continue;
        }
        int file = s->fill_file;
        uint32_t segment = s->fill_segment;
        uint64_t at = s->fill_at, n = s->fill_to - at < SLICE ? s->fill_to - at : SLICE;
        s->fill_busy = at + 1;
        pthread_mutex_unlock(&s->lock);
        struct iovec v = {(void *)(uintptr_t)zeros, n};
        int r = disk_write_all(e->disk, file, &v, 1, at);
        unsynced += n;
        if (r == 0 && (unsynced >= SYNC_EVERY || n < SLICE)) {
            e->disk->sync(e->disk->self, file); /* what it says does not matter: the commit's own sync decides */
            unsynced = 0;
        }
        pthread_mutex_lock(&s->lock);
        s->fill_busy = 0;
        if (s->fill_segment == segment && s->fill_at == at)
            s->fill_at = r == 0 ? at + n : s->fill_to; /* no room for zeros: perhaps there is for the next message */
        pthread_cond_broadcast(&s->filled);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void aim_at(struct shared *s, int file, uint32_t segment, uint64_t at, uint64_t to)
{
    s->fill_file = file;
    s->fill_segment = segment;
    s->fill_at = at;
    s->fill_to = to;
    pthread_cond_signal(&s->fill_work);
}

/* Called whenever the tail moved, before anything is written there. */
void fill_aim(struct engine *e)
{
    struct shared *s = &e->s;
    if (!e->threads_run)
        return;
    uint64_t at = e->tail.offset, size = log_segment(&e->log, e->tail.segment)->size,
             to = at + FILL_AHEAD < size ? at + FILL_AHEAD : size;
    pthread_mutex_lock(&s->lock);
    while (s->fill_busy && s->fill_segment <= e->tail.segment && at > s->fill_busy - 1)
        pthread_cond_wait(&s->filled, &s->lock);
    if (s->fill_segment < e->tail.segment)
        aim_at(s, e->tail.file, e->tail.segment, at, to);
    else if (s->fill_segment == e->tail.segment && (at > s->fill_at || to >= s->fill_to + SLICE || to == size))
        aim_at(s, e->tail.file, e->tail.segment, at > s->fill_at ? at : s->fill_at, to);
    bool whole = s->fill_segment == e->tail.segment && s->fill_at >= size;
    pthread_mutex_unlock(&s->lock);
    uint32_t next = e->tail.segment + 1;
    if (!whole || (!log_segment(&e->log, next) && log_segment_make(&e->log, next) < 0))
        return;
    int file = log_file(&e->log, log_segment(&e->log, next)); /* this segment is full of zeros: prepare the next */
    pthread_mutex_lock(&s->lock);
    if (file >= 0)
        aim_at(s, file, next, SEGMENT_HEADER, FILL_AHEAD < size ? FILL_AHEAD : size);
    pthread_mutex_unlock(&s->lock);
}
