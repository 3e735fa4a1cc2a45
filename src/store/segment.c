/* SPDX-License-Identifier: ISC */
/* Segments: files NNNNNNNN.seg with a header of 4,096 bytes ("PENNYLOG", version, number, store id, key, size, checksum) and
   records behind it. */
#include <errno.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/hash.h"
#include "store/log.h"

enum { OPEN_MAX_FILES = 64, WINDOW = 256 * 1024, HEAD = 128 };
enum { AT_VERSION = 8, AT_NUMBER = 12, AT_ID = 16, AT_KEY = 32, AT_SIZE = 64, AT_MADE = 72, AT_SUM = 80 };

void log_path(const struct log *l, uint32_t number, char to[512])
{
    snprintf(to, 512, "%s/%08lx.seg", l->dir, (unsigned long)number);
}

struct segment *log_segment(struct log *l, uint32_t number)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (l->segments[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->count && l->segments[low].number == number ? &l->segments[low] : NULL;
}

static struct segment *insert(struct log *l, uint32_t number)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct segment *p = realloc(l->segments, cap * sizeof *p);
        if (!p)
            return NULL;
        l->segments = p;
        l->cap = cap;
    }
    size_t i = l->count++;
    for (; i > 0 && l->segments[i - 1].number > number; i--)
        l->segments[i] = l->segments[i - 1];
    l->segments[i] = (struct segment){.number = number, .file = -1, .size = l->segment_size};
    return &l->segments[i];
}

static void header_write(const struct log *l, uint32_t number, char to[SEGMENT_HEADER])
{
    memset(to, 0, SEGMENT_HEADER);
    memcpy(to, "PENNYLOG", 8);
    put_u32(to + AT_VERSION, LOG_VERSION);
    put_u32(to + AT_NUMBER, number);
    memcpy(to + AT_ID, l->key.store_id, 16);
    memcpy(to + AT_KEY, l->key.body_key, 32);
    put_u64(to + AT_SIZE, l->segment_size);
    put_u64(to + AT_MADE, (uint64_t)clock_unix_ms());
    put_u32(to + AT_SUM, hash_crc32c(0, to, AT_SUM));
}

/* REFUSE: readable, but from a newer program. RETRY: not a whole header. */
static enum outcome header_read(const struct log *l, uint32_t number, struct store_key *key, uint64_t *size, struct why *why)
{
    char path[512], h[HEAD];
    log_path(l, number, path);
    int file = l->disk->open(l->disk->self, path, DISK_READ);
    ssize_t n = file < 0 ? file : disk_read_all(l->disk, file, h, sizeof h, 0);
    if (file >= 0)
        l->disk->close(l->disk->self, file);
    if (n < (ssize_t)sizeof h || memcmp(h, "PENNYLOG", 8) != 0)
        return RETRY;
    if (get_u32(h + AT_VERSION) > LOG_VERSION) {
        snprintf(why->text, sizeof why->text, "segment %08lx has format %lu, this program knows up to %d: use a newer penny",
                 (unsigned long)number, (unsigned long)get_u32(h + AT_VERSION), LOG_VERSION);
        return REFUSE;
    }
    if (get_u32(h + AT_SUM) != hash_crc32c(0, h, AT_SUM) || get_u32(h + AT_NUMBER) != number)
        return RETRY;
    memcpy(key->store_id, h + AT_ID, 16);
    memcpy(key->body_key, h + AT_KEY, 32);
    *size = get_u64(h + AT_SIZE);
    return DONE;
}

static void found(void *to, const char *name)
{
    unsigned long number;
    char tail[8];
    if (strlen(name) == 12 && sscanf(name, "%8lx%7s", &number, tail) == 2 && strcmp(tail, ".seg") == 0 && number > 0)
        insert(to, (uint32_t)number);
}

enum outcome log_scan(struct log *l, struct why *why)
{
    int r = l->disk->list(l->disk->self, l->dir, found, l);
    if (r < 0) {
        snprintf(why->text, sizeof why->text, "cannot list the log: %s", disk_error_text(r));
        return RETRY;
    }
    bool have_key = false;
    for (size_t i = 0; i < l->count; i++) { /* any whole header tells the key: one broken header costs nothing */
        uint64_t size;
        enum outcome o = header_read(l, l->segments[i].number, &l->key, &size, why);
        if (o == REFUSE)
            return REFUSE;
        if (o == DONE) {
            l->segments[i].size = size;
            have_key = true;
        }
    }
    if (l->count > 0 && !have_key) {
        snprintf(why->text, sizeof why->text, "none of the %zu files in the log has a readable header", l->count);
        return l->count == 1 ? RETRY : REFUSE; /* a single one: a power cut at birth, nothing was ever accepted */
    }
    return DONE;
}

bool log_is_stillborn(const struct log *l)
{
    char path[512];
    if (l->count != 1 || l->segments[0].number != 1)
        return false;
    log_path(l, 1, path);
    int file = l->disk->open(l->disk->self, path, DISK_READ);
    int64_t size = file < 0 ? INT64_MAX : l->disk->size(l->disk->self, file);
    if (file >= 0)
        l->disk->close(l->disk->self, file);
    return size <= SEGMENT_HEADER;
}

void log_close(struct log *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->segments[i].file >= 0)
            l->disk->close(l->disk->self, l->segments[i].file);
    free(l->segments);
    free(l->record);
    l->segments = NULL;
    l->record = NULL;
    l->count = l->cap = 0;
}

int log_file(struct log *l, struct segment *s)
{
    s->last_use = ++l->uses;
    if (s->file >= 0)
        return s->file;
    struct segment *oldest = NULL;
    size_t open = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct segment *o = &l->segments[i];
        if (o->file < 0)
            continue;
        open++;
        if (i + 4 < l->count && (!oldest || o->last_use < oldest->last_use)) /* never the last ones: other threads write there */
            oldest = o;
    }
    if (open >= OPEN_MAX_FILES && oldest) {
        l->disk->close(l->disk->self, oldest->file);
        oldest->file = -1;
    }
    char path[512];
    log_path(l, s->number, path);
    s->file = l->disk->open(l->disk->self, path, DISK_WRITE);
    return s->file;
}

int log_segment_make(struct log *l, uint32_t number)
{
    char path[512], header[SEGMENT_HEADER];
    const struct disk *d = l->disk;
    log_path(l, number, path);
    header_write(l, number, header);
    int file = d->open(d->self, path, DISK_WRITE | DISK_CREATE | DISK_EMPTY);
    if (file < 0)
        return file;
    struct iovec v = {header, sizeof header};
    int r = disk_write_all(d, file, &v, 1, 0);
    if (r == 0)
        r = d->datasync(d->self, file);
    if (r == 0)
        r = d->sync_dir(d->self, l->dir);
    struct segment *s = r == 0 ? log_segment(l, number) : NULL;
    if (r == 0 && !s)
        s = insert(l, number);
    if (!s) {
        d->close(d->self, file);
        d->remove(d->self, path);
        return r < 0 ? r : -ENOMEM;
    }
    s->file = file;
    s->size = l->segment_size;
    s->last_use = ++l->uses;
    return 0;
}

int log_segment_remove(struct log *l, uint32_t number)
{
    char path[512];
    log_path(l, number, path);
    struct segment *s = log_segment(l, number);
    if (s && s->file >= 0)
        l->disk->close(l->disk->self, s->file);
    if (s) {
        size_t i = (size_t)(s - l->segments);
        memmove(s, s + 1, (l->count - i - 1) * sizeof *s);
        l->count--;
    }
    if (pos_segment(l->last.pos) == number)
        l->last = (struct record){0};
    return l->disk->remove(l->disk->self, path);
}

static bool record_room(struct log *l, size_t n)
{
    if (n <= l->record_cap)
        return true;
    char *p = realloc(l->record, n);
    if (!p)
        return false;
    l->record = p;
    l->record_cap = n;
    return true;
}

int log_read(struct log *l, log_pos pos, struct record *to, bool *broken)
{
    *broken = false;
    if (l->last.type && l->last.pos == pos) {
        *to = l->last;
        return 0;
    }
    struct segment *s = log_segment(l, pos_segment(pos));
    int file = s ? log_file(l, s) : -ENOENT;
    if (file < 0)
        return file;
    for (size_t want = 8 * 1024, need = 0;; want = need) { /* most records: one read */
        if (!record_room(l, want))
            return -ENOMEM;
        l->last = (struct record){0};
        ssize_t n = disk_read_all(l->disk, file, l->record, want, pos_offset(pos));
        if (n < 0)
            return (int)n;
        if (record_parse(l->record, (size_t)n, pos, key_seed(&l->key), to, &need) == RECORD_OK) {
            l->last = *to;
            return 0;
        }
        if (need <= want || (size_t)n < want)
            break;
    }
    *broken = true;
    return -EIO;
}

bool reader_open(struct log_reader *r, const struct log *l, uint32_t number)
{
    char path[512];
    log_path(l, number, path);
    *r = (struct log_reader){.disk = l->disk, .number = number, .seed = key_seed(&l->key)};
    r->file = l->disk->open(l->disk->self, path, DISK_READ);
    r->window = r->file >= 0 ? malloc(WINDOW) : NULL;
    r->cap = WINDOW;
    if (r->file >= 0 && !r->window)
        l->disk->close(l->disk->self, r->file);
    return r->window != NULL;
}

void reader_close(struct log_reader *r)
{
    if (r->window)
        r->disk->close(r->disk->self, r->file);
    free(r->window);
    *r = (struct log_reader){.file = -1};
}

/* Makes [offset, offset + n) stand in the window, as far as the file goes. False: the disk failed. */
static bool window(struct log_reader *r, uint64_t offset, size_t n)
{
    if (offset >= r->at && offset + n <= r->at + r->n)
        return true;
    if (r->end && offset >= r->at && offset <= r->at + r->n)
        return true;
    if (n > r->cap) {
        char *p = realloc(r->window, n);
        if (!p)
            return false;
        r->window = p;
        r->cap = n;
    }
    ssize_t got = disk_read_all(r->disk, r->file, r->window, r->cap, offset);
    if (got < 0) /* a passing trouble? */
        got = disk_read_all(r->disk, r->file, r->window, r->cap, offset);
    r->at = offset;
    r->n = got < 0 ? 0 : (size_t)got;
    r->end = got >= 0 && (size_t)got < r->cap;
    return got >= 0;
}

enum record_found reader_record(struct log_reader *r, uint64_t offset, struct record *to)
{
    size_t need = RECORD_HEADER;
    for (int round = 0; round < 3; round++) {
        if (!window(r, offset, need))
            return RECORD_UNREADABLE;
        size_t have = offset - r->at <= r->n ? r->n - (size_t)(offset - r->at) : 0;
        enum record_found f = record_parse(r->window + (offset - r->at), have, pos_of(r->number, offset), r->seed, to, &need);
        if (need == 0 || need <= have || (r->end && have < need))
            return f;
    }
    return RECORD_BROKEN;
}

bool reader_search(struct log_reader *r, uint64_t offset, enum record_type type, struct record *to)
{
    offset = offset < SEGMENT_HEADER ? SEGMENT_HEADER : (offset + 7) / 8 * 8;
    for (;; offset += 8) {
        if (!window(r, offset, RECORD_HEADER)) {
            offset = (offset + 4096) / 4096 * 4096 - 8; /* an unreadable page */
            if (offset >= UINT32_MAX - 8192 || r->disk->size(r->disk->self, r->file) <= (int64_t)offset)
                return false;
            continue;
        }
        if (offset + RECORD_HEADER > r->at + r->n)
            return false;
        const char *p = r->window + (offset - r->at);
        if (memcmp(p, "PNR1", 4) == 0 && (type == 0 || p[4] == (char)type) && reader_record(r, offset, to) == RECORD_OK)
            return true;
    }
}
