/* SPDX-License-Identifier: ISC */
/* The engine within. Three threads: the owner's (everything that is not marked otherwise), commit (writes and syncs, in the order
   of its jobs), index (applies facts to SQLite). A fourth, fill, writes zeros ahead. What they share stands in struct shared,
   under its lock. */
#pragma once
#include <pthread.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/random.h"
#include "store/engine.h"
#include "store/fact.h"
#include "store/index.h"
#include "store/log.h"
#include "store/table.h"

enum {
    BATCH_OPS_MAX = 4096,
    BATCH_BYTES_MAX = 8 * 1024 * 1024,        /* of bodies and facts; one operation may take a quarter of a segment */
    PIECES_PENDING_MAX = 8 * 1024 * 1024,     /* of large bodies, waiting for the commit thread */
    INDEX_BACKLOG_MAX = 16 * 1024 * 1024,     /* facts that wait for the index thread: more, and planning waits */
    FILL_AHEAD = 16 * 1024 * 1024,            /* zeros before the tail */
    ACCOUNTS_LOADED_MAX = 4096,               /* accounts whose mailboxes are in memory */
    RECENT_BODIES = 16384,                    /* hashes that a new body is compared with */
    ID_RESERVE = 65536,                       /* message ids that a commit makes ours ahead */
    INDEX_WAIT_MS = 10000,
    HOLES_MAX = 8,
    TRACE_DAYS = 30,
    THREADS = 3,
};

struct place { int file; uint32_t segment; uint64_t offset; };

/* ---- bodies (body.c) ---- */
struct piece_job;
struct body_head { char message_id[256], subject[512]; size_t message_id_n, subject_n; bool utf8; };
struct body_writer {
    uint64_t id;
    uint64_t size;
    struct hash_body hash;
    unsigned char digest[32];
    char *data;                /* a small body, or the next piece's record */
    size_t n, cap;
    bool large, failed, ended;
    struct why why;
    log_pos *pieces;
    uint32_t piece_count, piece_cap;
    struct body_head head;
    char key[8];               /* of the table of bodies */
};

/* ---- accounts (account.c) ---- */
struct counts { uint32_t uidnext, messages; uint64_t modseq, bytes; };
struct mailbox {
    mailbox_id id;
    struct str name, special_use;
    uint32_t uidvalidity;
    struct counts now, plan;   /* as committed; as the batch being planned will leave it */
};
struct account {
    account_id id;
    char key[8];
    struct str name, verifier; /* heap */
    uint64_t quota, used, messages, plan_used, plan_messages;
    int64_t created_ms;
    bool suspended, loaded, touched;
    uint64_t expunged_in;      /* number of the batch that last planned to expunge here */
    log_pos last;              /* position behind the last fact about it */
    uint64_t last_use;
    mailbox_id next_mailbox;
    uint32_t uidvalidity;      /* highest that was given */
    struct mailbox *mailboxes;
    uint32_t mailbox_count;
};
struct domain_entry { struct str name; };
struct alias_entry { struct str name; struct str *targets; uint32_t count; };
struct recent { unsigned char hash[32]; uint64_t id, size; log_pos pos; bool large, used; };

/* ---- jobs of the commit thread (commit.c) ---- */
struct job {
    struct job *next;
    bool batch;                /* sync behind it; else a piece of a body */
    int file;
    uint64_t segment, offset;
    char *p[2];                /* written one behind the other */
    size_t n[2];
    int error;                 /* -errno; of a batch also that of a piece before it */
    uint64_t body;             /* piece: whose */
};

struct batch {
    struct job job;
    struct op *ops, **ops_tail;
    uint32_t op_count;
    struct enc bodies, facts;
    log_pos pos;
    uint64_t number;
    struct counters counters;
    struct account **touched;
    uint32_t touched_count, touched_cap;
    log_pos end;
    int64_t at_ms;             /* civil time of its planning */
    bool directory;            /* holds one operation on accounts, domains, aliases or mailboxes, and nothing else */
    uint64_t *fresh;           /* slots of the recent table that it filled */
    uint32_t fresh_count, fresh_cap;
};

struct backlog { struct backlog *next; char *p; size_t n; };

struct hole { int file; uint32_t segment; uint64_t from, to; };

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t work, finished, indexed, index_work, fill_work, filled;
    /* commit */
    struct job *jobs, **jobs_tail, *done, **done_tail;
    size_t piece_bytes;
    uint64_t syncs;
    int64_t sync_us;
    uint64_t sync_times[ENGINE_BUCKETS + 1];
    bool stop;
    /* index */
    struct backlog *backlog, **backlog_tail;
    size_t backlog_bytes;
    log_pos index_position;
    bool index_stop, index_damaged, owner_waits;
    bool checkpoint_wanted, checkpoint_done;
    bool index_hurry;          /* somebody waits for it */
    int64_t backlog_since_ms;
    char index_trouble[120];   /* empty: it follows */
    /* fill */
    int fill_file;
    uint32_t fill_segment;
    uint64_t fill_at, fill_to; /* zeros come here next; up to there */
    uint64_t fill_busy;        /* 1 + where a slice is being written; 0: none */
};

struct engine {
    struct engine_options options;
    const struct disk *disk;
    char dir[400], dir_store[420], index_path[480];
    int lock_fd, event_fd;
    bool owns_lock, dead, threads_run, index_memory, closing, log_is_new;
    struct log log;
    struct place tail;
    uint64_t next_batch;
    log_pos last_end;          /* behind the last batch that was committed */
    struct counters counters, durable; /* in use; as the last mark promised */
    /* operations */
    struct op *waiting, **waiting_tail;
    struct op *told_later;     /* finished inside another call */
    struct batch batch;        /* being planned or in flight */
    bool in_flight, signalled;
    uint64_t waiting_count;
    /* commit thread's own */
    struct hole holes[HOLES_MAX];
    uint32_t hole_count;
    int dirty[4];
    uint32_t dirty_count;
    int piece_error, dead_on_disk; /* -errno */
    struct shared s;
    pthread_t threads[THREADS];
    unsigned thread_count;
    struct index writer, reader;
    struct index *read;        /* the reader, or the writer when the index is in memory */
    /* directory */
    struct table accounts_by_name, accounts_by_id, domains, aliases;
    uint64_t uses;
    uint32_t loaded_count;
    /* bodies */
    struct table bodies;       /* being written, or ended and not yet named */
    struct table recents;
    struct recent *recent;
    uint32_t recent_next;
    /* job of maintenance */
    struct engine_job *job;
    int64_t maintained_ms;
    struct enc kept;           /* strings of the last row that was asked for alone */
    /* counts */
    struct engine_stat stat;
};

/* body.c */
struct body_writer *body_find(struct engine *e, body_ref b);
void body_free(struct engine *e, struct body_writer *w);
void body_pieces_failed(struct engine *e, uint64_t body, int error);
struct recent *recent_find(struct engine *e, const unsigned char hash[32]);
struct recent *recent_add(struct engine *e, const unsigned char hash[32], uint64_t id, log_pos pos, uint64_t size, bool large);
void recent_forget(struct engine *e, struct recent *r);
void head_scan(struct str text, struct body_head *to); /* Message-ID, Subject, 8-bit bytes, up to the empty line */

/* account.c */
struct account *account_get(struct engine *e, account_id id);
struct account *account_get_name(struct engine *e, struct str name);
/* DONE: a->mailboxes is there. RETRY: the index cannot follow. */
enum outcome account_load(struct engine *e, struct account *a, struct why *why);
struct mailbox *account_mailbox(struct account *a, mailbox_id id);
struct mailbox *account_mailbox_by_name(struct account *a, struct str name);
void mailboxes_free(struct engine *e, struct account *a);
struct str str_keep(struct str s);                       /* heap, NUL behind it; p NULL: no memory */
bool account_touch(struct engine *e, struct account *a); /* false: no memory */
void account_settle(struct engine *e, bool committed); /* plan becomes now, or now becomes plan, for all that the batch touched */
bool directory_load(struct engine *e, struct why *why);
void directory_free(struct engine *e);
/* The batch of one directory operation is durable: into the tables. */
void directory_apply(struct engine *e, struct op *op);

/* plan.c, plan_accept.c, plan_directory.c: encode op into e->batch, set its results. PLAN_FULL: not in this batch (next one). */
enum plan { PLAN_OK, PLAN_FAILED /* op has outcome and why */, PLAN_FULL };
void plan_batch(struct engine *e, struct op **failed);    /* from the waiting operations; what failed is listed in *failed */
enum plan plan_room(struct engine *e, struct op *op, size_t n);
enum plan plan_accept(struct engine *e, struct op *op);
enum plan plan_queue_remove(struct engine *e, struct op *op);
enum plan plan_queue_result(struct engine *e, struct op *op);
enum plan plan_queue_change(struct engine *e, struct op *op);
enum plan plan_note(struct engine *e, struct op *op);
enum plan plan_directory(struct engine *e, struct op *op);
bool plan_is_directory(enum op_kind k);
enum plan op_fail(struct op *op, enum outcome o, const char *status, const char *text);

/* commit.c */
int reserve(struct engine *e, size_t n, struct place *to);      /* room at the tail; -errno */
bool reserve_fits(struct engine *e, size_t n);                  /* without going to another segment */
int reserve_next_segment(struct engine *e);
void job_submit(struct engine *e, struct job *j);
void commit_batch(struct engine *e);                            /* marks, stamps, submits e->batch */
void batch_clear(struct engine *e);
bool commit_collect(struct engine *e, struct op **done);        /* takes finished jobs; the finished batch' operations */
void *commit_main(void *engine);
void *fill_main(void *engine);
void fill_aim(struct engine *e);
void engine_die(struct engine *e, const char *what, int error);
void engine_signal(struct engine *e);

/* index_thread.c */
void *index_main(void *engine);
void index_hand_over(struct engine *e, char *facts, size_t n);  /* takes the storage; applies at once without threads */
bool index_wait(struct engine *e, log_pos pos);                 /* false: it cannot follow */
log_pos index_position(struct engine *e);
void index_hurry(struct engine *e, bool wake_me); /* the index is wanted; wake_me: signal when it has applied something */

/* files.c: the directory's other files (the index lies on the real disk always) */
int64_t file_size(const char *path);                            /* -1: there is none */
void file_remove(const char *path);
int file_touch(const char *path);
/* Up to limit bytes; the copy is durable. -errno. */
int file_copy(const struct disk *d, const char *from, const char *to, uint64_t limit);

int poll_readable(int fd, int timeout_ms);

/* snapshot.c */
bool snapshot_load(struct index *x, struct log *l); /* rows of the newest whole one into a fresh index; false: there is none */

/* recover.c */
enum outcome recover(struct engine *e, struct why *why);

/* read.c */
struct index *reading(struct engine *e);
enum outcome body_read(struct engine *e, uint64_t body, log_pos pos, bool large, uint64_t offset, struct buf *to,
                       struct why *why);

/* queue.c: the accept record of a message; good until the next read of the log. hint: where it may lie, or 0 */
bool accept_of(struct engine *e, uint64_t id, log_pos hint, struct fact_accept *f);

/* job.c */
struct finding_text { struct finding_text *next; size_t n; char p[]; };
struct engine_job {
    enum engine_job_kind kind;
    struct engine_job_calls calls;
    char dir[400];
    /* slices on the owner's thread: false when it is through */
    bool (*step)(struct engine *e, struct engine_job *j);
    /* or a function on a thread of its own, which reads files only */
    void (*work)(struct engine_job *j);
    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock;
    bool work_done, cancelled;
    struct finding_text *findings, **findings_tail;
    uint64_t finding_count;
    uint32_t progress, progress_told;
    enum outcome outcome;
    struct why why;
    const struct engine *e;      /* for work: constant fields only */
    log_pos end;                 /* the log as of the start of the job */
    uint64_t end_batch;
    /* own operations under way: no step before all are through */
    uint32_t own_running;
    bool own_failed, idle;       /* idle: somebody else's signal goes on with it */
    uint64_t own_pos;            /* where the last one lies */
    struct enc payload;
    /* snapshot */
    struct index frozen;
    struct state_reader rows;
    struct enc positions;
    uint32_t position_count;
    log_pos as_of;
    /* compaction */
    struct compaction *compaction;
};
bool job_step(struct engine *e);                                /* a slice of maintenance; true: call again soon */
void job_stop(struct engine *e);
void job_finding(struct engine_job *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The engine closes: what works on a thread of its own leaves off at the next good place. */
bool job_cancelled(const struct engine_job *j);
void job_progress(struct engine_job *j, uint64_t part, uint64_t whole);
bool job_fail(struct engine_job *j, enum outcome o, const char *status, const char *text); /* gives false */
/* Submits an own record. to (may be NULL) is called with its place when it is durable. */
typedef void own_place(struct engine_job *j, const struct fact_moved *tag, log_pos pos);
bool job_record(struct engine *e, struct engine_job *j, enum record_type type, struct str payload, bool body, own_place *to,
                const struct fact_moved *tag);
void maintain(struct engine *e);                                /* starts what is due */

bool snapshot_begin(struct engine *e, struct engine_job *j);    /* steps */
void snapshot_release(struct engine_job *j);                     /* the frozen index; the positions stay */
void snapshot_clear(struct engine_job *j);
log_pos snapshot_position(struct engine *e);                    /* of the newest one's end; 0: none */
bool compact_begin(struct engine *e, struct engine_job *j);
bool compact_after_snapshot(struct engine *e, struct engine_job *j);
/* Sealed segments that are worth it, worst first, at most max into list; how many there are. */
uint32_t compact_victims(struct engine *e, bool all, uint32_t *list, uint32_t max);
void compact_clear(struct engine_job *j);
void verify_work(struct engine_job *j);
bool log_open_beside(struct log *l, const struct log *of, struct why *why); /* a second view of the same files */
void verify_segment(const struct log *l, uint32_t number, log_pos end, void (*broken)(void *to, log_pos at, const char *what),
                    void *to);
void backup_work(struct engine_job *j);
bool index_checkpoint(struct engine *e); /* asks for one and tells whether one is complete since; false: ask again later */
