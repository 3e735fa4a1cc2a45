/* SPDX-License-Identifier: ISC */
/* Walking the log. Batches follow each other with numbers without a gap; pieces of large bodies and pads may stand between them.

       between ──fact or body──► inside ──commit mark that fits──► between
          │                        │
          └─────── broken ─────────┴──► is there a valid mark of a batch after the next one?
                                          no: the tail was torn, it ends at the last whole mark
                                          yes: rot. What is whole is applied one by one up to the next mark. */
#include <stdio.h>
#include "base/hash.h"
#include "store/log.h"

struct held { size_t at, n; enum record_type type; log_pos pos; uint64_t batch; };

struct walk {
    const struct log *log;
    struct replay *r;
    struct log_reader reader;
    size_t segment;          /* index into log->segments */
    uint64_t offset;
    /* the batch so far */
    struct enc facts;
    struct held *held;
    size_t held_count, held_cap;
    uint32_t count, chain;
    log_pos first;
    uint64_t expected;
    bool loose;              /* behind rot: believe each record by itself */
    bool no_memory;
};

static void batch_clear(struct walk *w)
{
    w->held_count = 0;
    w->count = w->chain = 0;
    w->first = 0;
    enc_clear(&w->facts);
}

static void hold(struct walk *w, const struct record *r)
{
    if (w->held_count == w->held_cap) {
        size_t cap = w->held_cap ? w->held_cap * 2 : 64;
        struct held *p = realloc(w->held, cap * sizeof *p);
        if (!p) {
            w->no_memory = true;
            return;
        }
        w->held = p;
        w->held_cap = cap;
    }
    w->held[w->held_count++] = (struct held){w->facts.n, r->payload.n, r->type, r->pos, r->batch};
    enc_bytes(&w->facts, r->payload.p, r->payload.n);
    w->no_memory |= w->facts.failed;
}

static bool apply_held(struct walk *w)
{
    for (size_t i = 0; i < w->held_count && !w->r->stopped; i++) {
        const struct held *h = &w->held[i];
        struct record r = {h->type, h->pos, h->batch, {w->facts.p + h->at, h->n}, 0, record_size(h->n)};
        if (!w->r->fact(w->r->to, &r))
            w->r->stopped = true;
    }
    batch_clear(w);
    return !w->r->stopped;
}

static void on_mark(struct walk *w, const struct record *r, const struct mark *m)
{
    if (apply_held(w) && !w->r->fact(w->r->to, r))
        w->r->stopped = true;
    w->r->mark = *m;
    w->r->end = r->pos + r->whole;
    w->expected = m->batch + 1;
    w->loose = false;
}

/* The highest number of a valid mark behind here, in this segment and all later ones; what cannot be opened may hold any. */
static uint64_t marks_behind(const struct walk *w)
{
    uint64_t highest = 0;
    for (size_t i = w->segment; i < w->log->count; i++) {
        struct log_reader reader;
        struct record r;
        struct mark m;
        if (!reader_open(&reader, w->log, w->log->segments[i].number))
            return UINT64_MAX;
        for (uint64_t at = i == w->segment ? w->offset : 0; reader_search(&reader, at, RECORD_COMMIT, &r);
             at = pos_offset(r.pos) + r.whole)
            if (mark_read(r.payload, &m) && m.batch > highest)
                highest = m.batch;
        reader_close(&reader);
    }
    return highest;
}

static bool next_segment(struct walk *w)
{
    reader_close(&w->reader);
    while (++w->segment < w->log->count) {
        uint32_t before = w->log->segments[w->segment - 1].number, number = w->log->segments[w->segment].number;
        if (number != before + 1) {
            w->r->rotten = true;
            w->r->rot(w->r->to, pos_of(before + 1, 0), "a segment is missing");
            w->loose = true;
        }
        w->offset = SEGMENT_HEADER;
        if (reader_open(&w->reader, w->log, number))
            return true;
        w->r->rotten = w->r->unreadable = true;
        w->r->rot(w->r->to, pos_of(number, 0), "a segment cannot be opened");
    }
    return false;
}

/* Something at w->offset is not as it must be; the search for what is whole goes on at w->offset + skip. False: the log ends
   here. */
static bool on_broken(struct walk *w, const char *what, bool unreadable, unsigned skip)
{
    struct record r;
    if (!w->loose) {
        if (!unreadable && marks_behind(w) <= w->expected) {
            w->r->torn = true;
            return false;
        }
        w->r->rotten = true;
        w->r->unreadable |= unreadable;
        w->r->rot(w->r->to, pos_of(w->reader.number, w->offset), what);
        w->loose = true;
        if (!apply_held(w)) /* these were acknowledged: a later batch proves it */
            return false;
    } else if (unreadable) {
        w->r->unreadable = true;
    }
    if (reader_search(&w->reader, w->offset + skip, 0, &r)) {
        w->offset = pos_offset(r.pos);
        return true;
    }
    return next_segment(w);
}

/* False: the log ends here. */
static bool on_record(struct walk *w, const struct record *r)
{
    struct mark m;
    w->offset += r->whole;
    if (r->type == RECORD_PAD || r->type == RECORD_PIECE)
        return true;
    if (r->type == RECORD_COMMIT) {
        bool fits = mark_read(r->payload, &m) && m.batch == w->expected && m.count == w->count && m.chain == w->chain &&
                    (m.count == 0 || m.first <= w->first);
        if (!fits && !w->loose) {
            w->offset -= r->whole;
            return on_broken(w, "a commit mark does not fit what stands before it", false, 0);
        }
        if (!fits && (r->payload.n < MARK_SIZE || m.batch < w->expected))
            return true; /* of another time */
        on_mark(w, r, &m);
        return !w->r->stopped;
    }
    if (w->count++ == 0)
        w->first = r->pos;
    char crc[4];
    put_u32(crc, r->crc);
    w->chain = hash_crc32c(w->chain, crc, 4);
    if (r->type != RECORD_BODY)
        hold(w, r);
    return !w->no_memory;
}

static bool step(struct walk *w)
{
    struct record r;
    switch (reader_record(&w->reader, w->offset, &r)) {
    case RECORD_OK:
        return on_record(w, &r);
    case RECORD_NONE:
        if (w->count > 0 && !w->loose)
            return on_broken(w, "a batch has no commit mark", false, 8);
        if (!reader_search(&w->reader, w->offset + 8, 0, &r))
            return next_segment(w);
        if (!w->loose)
            return on_broken(w, "zeros where something was written", false, 8);
        w->offset = pos_offset(r.pos);
        return true;
    case RECORD_BROKEN:
        return on_broken(w, "a record is broken", false, 8);
    case RECORD_UNREADABLE:
        return on_broken(w, "the disk cannot read a record", true, 8);
    }
    return false;
}

enum outcome log_replay(const struct log *l, struct replay *r, struct why *why)
{
    struct walk w = {.log = l, .r = r, .expected = r->batch + 1};
    r->end = r->from;
    r->mark = (struct mark){.batch = r->batch};
    while (w.segment < l->count && l->segments[w.segment].number < pos_segment(r->from))
        w.segment++;
    if (w.segment == l->count)
        return DONE;
    w.offset = pos_segment(r->from) == l->segments[w.segment].number ? pos_offset(r->from) : SEGMENT_HEADER;
    if (w.offset < SEGMENT_HEADER)
        w.offset = SEGMENT_HEADER;
    if (reader_open(&w.reader, l, l->segments[w.segment].number) || next_segment(&w))
        while (step(&w)) {
        }
    r->loose_end = w.loose;
    if (w.loose && !w.no_memory) /* rot up to the end: what was whole counts */
        apply_held(&w);
    if (w.count > 0 && !r->stopped)
        r->torn = true;
    reader_close(&w.reader);
    enc_free(&w.facts);
    free(w.held);
    if (w.no_memory)
        snprintf(why->text, sizeof why->text, "no memory to replay the log");
    return w.no_memory ? RETRY : DONE;
}
