/* SPDX-License-Identifier: ISC */
/* The log: segments of records, docs/store-format.md. A record knows its own position, so that nothing can pass for it elsewhere;
   checksums start from a secret of the store, so that no message can contain a record that a repair would believe. */
#pragma once
#include "base/outcome.h"
#include "os/disk.h"
#include "store/codec.h"

typedef uint64_t log_pos; /* segment number << 32 | offset: an address, and it only grows */

static inline log_pos pos_of(uint32_t segment, uint64_t offset) { return (uint64_t)segment << 32 | offset; }
static inline uint32_t pos_segment(log_pos p) { return (uint32_t)(p >> 32); }
static inline uint64_t pos_offset(log_pos p) { return p & UINT32_MAX; }

enum {
    LOG_VERSION = 1,
    SEGMENT_HEADER = 4096,
    RECORD_HEADER = 32,
    SEGMENT_SIZE = 64 * 1024 * 1024,
    SEGMENT_SIZE_MIN = 128 * 1024,       /* tests; a piece of a body has to fit */
    RECORD_MAX = 16 * 1024 * 1024,       /* payload; a reader believes no more */
    MARK_SIZE = 72,                      /* payload of a commit mark */
};

enum record_type {
    RECORD_BODY = 1, /* body id, hash, a whole small body */
    RECORD_PIECE,    /* body id, index, a piece of a large body; means nothing until a committed MAP names it */
    RECORD_MAP,      /* body id, hash, size, positions of its pieces */
    RECORD_PAD,      /* what failed to be written: skip */
    RECORD_COMMIT,   /* everything since the last one is whole */
    RECORD_ACCEPT = 16,
    RECORD_EXPUNGE,
    RECORD_FLAGS,
    RECORD_ACCOUNT,
    RECORD_VERIFIER,
    RECORD_QUOTA,
    RECORD_SUSPEND,
    RECORD_ACCOUNT_GONE,
    RECORD_DOMAIN,
    RECORD_DOMAIN_GONE,
    RECORD_ALIAS,
    RECORD_ALIAS_GONE,
    RECORD_MAILBOX,
    RECORD_QUEUE_GONE,
    RECORD_ACCEPT_COPY, /* an ACCEPT moved by compaction: read, not replayed */
    RECORD_MOVED,       /* where bodies and accepts lie now */
    RECORD_DROPPED,     /* a segment is given up: what was dead in it */
    RECORD_STATE,       /* rows of a snapshot */
    RECORD_STATE_END,   /* the snapshot is complete: as of which position, where its pieces are */
    RECORD_QUEUE_RESULT,
    RECORD_QUEUE_CHANGE,
    RECORD_NOTE,
    RECORD_TYPE_END,
};

struct record {
    enum record_type type;
    log_pos pos;
    uint64_t batch;
    struct str payload;
    uint32_t crc;
    size_t whole;      /* header, payload, padding */
};

static inline size_t record_size(size_t payload) { return (RECORD_HEADER + payload + 7) / 8 * 8; }

/* Appending to an encoder: begin, payload, end. Position, batch and checksum are stamped when both are known. */
size_t record_begin(struct enc *e, enum record_type type);
void record_end(struct enc *e, size_t begin);
/* Stamps all records in e, the first of which will lie at pos. Adds to the chain (checksum over checksums) and the count. */
void record_stamp(char *p, size_t n, log_pos pos, uint64_t batch, uint32_t seed, uint32_t *chain, uint32_t *count);

enum record_found { RECORD_OK, RECORD_NONE /* zeros, or the end */, RECORD_BROKEN, RECORD_UNREADABLE };
/* Looks at n bytes that lie at pos. need: how much more has to be there before it can tell (else 0). */
enum record_found record_parse(const char *p, size_t n, log_pos pos, uint32_t seed, struct record *to, size_t *need);

struct counters { uint64_t next_id, next_body, next_queue, next_account; }; /* never handed out before */

struct mark {
    uint64_t batch;
    log_pos first;           /* where the batch begins */
    uint32_t count, chain;   /* of its records without pieces, and the checksum over their checksums */
    struct counters counters;
    int64_t at_ms;
};
void mark_write(struct enc *e, const struct mark *m);
bool mark_read(struct str payload, struct mark *m);

struct store_key {           /* born with the store, in every segment's header */
    unsigned char store_id[16], body_key[32];
};
static inline uint32_t key_seed(const struct store_key *k)
{
    return get_u32((const char *)k->body_key) ^ get_u32((const char *)k->body_key + 4);
}

struct segment {
    uint32_t number;
    int file;                /* -1: not open */
    uint64_t size;           /* how far it may grow */
    uint64_t used;           /* a sealed one: where its last record ends */
    uint64_t last_use;
};

struct log {
    const struct disk *disk;
    char dir[480];           /* DIR/store/log */
    struct store_key key;
    uint64_t segment_size;
    struct segment *segments; /* by number */
    size_t count, cap;
    uint64_t uses;
    char *record;            /* the last record that was read for somebody, checked */
    size_t record_cap;
    struct record last;
};

/* Finds the segments. REFUSE: a newer format, not a log; RETRY: the disk. A directory without segments has count 0. */
enum outcome log_scan(struct log *l, struct why *why);
void log_close(struct log *l);
/* Only a first segment without a whole header: power was cut at its birth, nothing was ever accepted. */
bool log_is_stillborn(const struct log *l);
void log_path(const struct log *l, uint32_t number, char to[512]);
struct segment *log_segment(struct log *l, uint32_t number); /* NULL: there is none */
/* The file of a segment, opened when it is not (at most 64 stay open); -errno. */
int log_file(struct log *l, struct segment *s);
/* Makes segment number: header written, durable, name durable. 0 or -errno. */
int log_segment_make(struct log *l, uint32_t number);
int log_segment_remove(struct log *l, uint32_t number);
/* The record at pos, checked; good until the next call. -errno; -EIO with *broken when the disk gave bytes that are not that
   record. */
int log_read(struct log *l, log_pos pos, struct record *to, bool *broken);

/* Reading one segment from front to back through a window. */
struct log_reader {
    const struct disk *disk;
    int file;
    uint32_t number, seed;
    uint64_t at;             /* offset of window[0] */
    char *window;
    size_t n, cap;
    bool end;                /* the file has no more behind the window */
};
bool reader_open(struct log_reader *r, const struct log *l, uint32_t number); /* false: cannot be opened */
void reader_close(struct log_reader *r);
enum record_found reader_record(struct log_reader *r, uint64_t offset, struct record *to);
/* The next valid record (of a type, 0: any) at or behind offset, by searching. False: none. */
bool reader_search(struct log_reader *r, uint64_t offset, enum record_type type, struct record *to);

/* Replays everything from a position on. */
struct replay {
    log_pos from;            /* the end of a batch; 0: the beginning */
    uint64_t batch;          /* number of the last batch before it */
    bool (*fact)(void *to,
                 const struct record *r); /* each fact and mark, in order, when its batch is known to be whole; false: stop */
    void (*rot)(void *to, log_pos at, const char *what); /* damage that is not a torn tail */
    void *to;
    /* results */
    log_pos end;             /* behind the last whole mark */
    struct mark mark;        /* that mark; batch 0: none */
    bool torn;               /* something lies behind end that was never acknowledged */
    bool rotten;             /* damage was passed over */
    bool loose_end;          /* damage reaches the end: go on in a new segment */
    bool unreadable;         /* the disk failed to read near the end: nothing may be cut */
    bool stopped;
};
enum outcome log_replay(const struct log *l, struct replay *r, struct why *why);
