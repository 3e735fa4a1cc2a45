/* SPDX-License-Identifier: ISC */
/* An engine: where operations become durable, and what can be read back. For daemon, control and agent only. All calls come from
   one thread (the store role's loop, or a command); the engine has threads of its own for the commit and for the index. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "store/ops.h"

struct disk;
struct engine;

struct engine_options {
    bool read_only;
    bool threads;             /* false: commit inline in engine_turn (tests, simulator, commands) */
    uint64_t segment_size;    /* 0: default (64 MiB) */
    const struct disk *disk;  /* NULL: the kernel's. Only the log goes through it */
    const char *index;        /* NULL: DIR/store/index.db; ":memory:" for tests with another disk */
    uint32_t trace_days;      /* how long the trace of a message outlives its last copy; 0: default (30) */
};
/* dir is made when absent (mode 0700). Takes the directory's lock (unless lock_fd >= 0 was inherited from master, which holds
   it). Recovers: cuts a torn tail, rebuilds a missing or damaged index, and says so in facts. NULL with why when it cannot:
   locked by pid, not a store, rot in the middle (quarantined), disk. */
struct engine *engine_open(const char *dir, int lock_fd, const struct engine_options *o, struct why *why);
void engine_close(struct engine *e);          /* commits what waits, stops threads */
int engine_fd(const struct engine *e);        /* readable when engine_turn has something to do; -1 without threads */
/* Takes what the commit thread finished, calls done of each operation, starts the next batch. With threads off: commits all that
   waits. */
void engine_turn(struct engine *e);
void engine_submit(struct engine *e, struct op *op); /* op stays the caller's until its done; order is kept */
/* After a failed fdatasync the engine is dead: every waiting operation got RETRY; the role must end and open again. */
bool engine_is_dead(const struct engine *e);

/* Bodies: streamed in before the commit that names them. Up to BODY_PIECE_MAX stays in memory and travels in the batch; more goes
   into the log ahead. */
struct body_writer;
struct body_writer *engine_body_begin(struct engine *e);                              /* NULL: no memory */
enum outcome engine_body_add(struct engine *e, struct body_writer *w, struct str piece,
                             struct why *why); /* RETRY: disk full, … (452) */
/* False: the disk is behind; an add would wait for it. Better read no more from the peer: engine_fd tells when there is room. */
bool engine_body_room(struct engine *e);
body_ref engine_body_end(struct engine *e, struct body_writer *w); /* w is gone; the ref is good until its op is done */
void engine_body_abort(struct engine *e, struct body_writer *w);
void engine_body_drop(struct engine *e, body_ref b);                                  /* an ended body that no op will name */

/* The directory, in memory. Names are canonical keys. Pointers are good until the next engine_turn. */
struct engine_account {
    account_id id;
    struct str name;
    uint64_t used, quota /* 0: what the configuration says; UINT64_MAX: none */, messages;
    bool suspended;
    struct str verifier;
    int64_t created_ms;
};
bool engine_account_by_name(struct engine *e, struct str name, struct engine_account *to);
bool engine_account_by_id(struct engine *e, account_id id, struct engine_account *to);
bool engine_domain(struct engine *e, struct str name);
uint32_t engine_alias(struct engine *e, struct str name, const struct str **targets); /* 0: none */
void engine_accounts(struct engine *e, bool (*each)(void *to, const struct engine_account *a),
                     void *to); /* in order of name; false stops */
void engine_domains(struct engine *e, bool (*each)(void *to, struct str name), void *to);
void engine_aliases(struct engine *e, bool (*each)(void *to, struct str name, const struct str *targets, uint32_t count),
                    void *to);

/* Mailboxes and messages. Reads see everything whose done was called before. Strings are good for the call of each, or until the
   next engine_turn. RETRY: the index cannot follow (disk full); REFUSE: no such account or mailbox. */
struct engine_mailbox {
    mailbox_id id;
    struct str name, special_use;
    uint32_t uidvalidity, uidnext, messages;
    uint64_t modseq, bytes;
};
bool engine_mailbox_by_name(struct engine *e, account_id a, struct str name, struct engine_mailbox *to);
enum outcome engine_mailboxes(struct engine *e, account_id a, bool (*each)(void *to, const struct engine_mailbox *m), void *to);
struct engine_message {
    uint64_t id;
    uint32_t uid, flags;
    uint64_t modseq, size; /* prefix + trace + body */
    int64_t received_ms;
    uint32_t body_type;
    bool utf8_header;
};
enum outcome engine_messages(struct engine *e, account_id a, mailbox_id m, uint32_t from_uid,
                             bool (*each)(void *to, const struct engine_message *msg), void *to);
/* A piece of the whole message (prefix, trace, body) from offset, at most room of to; REFUSE: no such message; RETRY: the disk
   (reported, quarantined). *more false: that was the end. */
enum outcome engine_read(struct engine *e, account_id a, mailbox_id m, uint32_t uid, uint64_t offset, struct buf *to, bool *more,
                         struct why *why);

/* The queue. An entry is one recipient elsewhere. It is due when it is not held and next_ms has come; results, changes and notes
   are operations (ops.h). Strings are good for the call of each, or until the next call that reads. */
struct engine_queued {
    uint64_t id, queue_id;
    uint32_t n;                        /* which queue entry of its message it is, from 0 */
    struct str domain;                 /* of address, lower case: what entries are kept by */
    int64_t received_ms, next_ms, expire_ms /* 0: as configured */;
    uint32_t attempts;
    int32_t priority;
    bool held, warned;
    struct str route;                  /* overrides the configuration's; empty: none */
    /* the last attempt; at_ms 0: none yet */
    struct { int64_t at_ms; enum outcome outcome; uint32_t code; struct str status, text, host, ip, tls; } last;
    struct str last_reply;             /* "451 4.7.1 text"; empty: none */
    /* of the message: only where it is said */
    struct str from, address, orcpt;
    uint32_t notify;
    uint64_t size;
};
/* "451 4.7.1 text": a reply as the other side said it, which is kept in three parts. Code 0: our own words, the text alone. */
void engine_reply(struct buf *to, uint32_t code, struct str status, struct str text);
/* All entries from a number on, whole. */
void engine_queue(struct engine *e, uint64_t from_queue_id, bool (*each)(void *to, const struct engine_queued *q), void *to);
/* One, whole. False: no such entry. */
bool engine_queue_get(struct engine *e, uint64_t queue_id, struct engine_queued *to);
/* Goes on behind the cursor (born zero); no more than limit entries. False: those were the last. due: only domain, queue_id and
   next_ms are filled, in the order of next_ms. due_of: entries of one domain without what only the message knows. Both read what
   the index knows now and wait for nothing. */
struct engine_due { int64_t next_ms; uint64_t queue_id; };
bool engine_queue_due(struct engine *e, int64_t now_ms, struct engine_due *cursor, uint32_t limit,
                      void (*each)(void *to, const struct engine_queued *q), void *to);
bool engine_queue_due_of(struct engine *e, struct str domain, int64_t now_ms, struct engine_due *cursor, uint32_t limit,
                         void (*each)(void *to, const struct engine_queued *q), void *to);
/* Due entries of one domain with a priority above 0, highest first: as due_of, without a cursor. */
void engine_queue_urgent(struct engine *e, struct str domain, int64_t now_ms, uint32_t limit,
                         void (*each)(void *to, const struct engine_queued *q), void *to);
int64_t engine_queue_next(struct engine *e, int64_t after_ms);       /* the first next_ms after that; INT64_MAX: none */
uint64_t engine_position(const struct engine *e);                    /* of the last commit whose done was called */
uint64_t engine_index_position(struct engine *e); /* what the index knows: asks it to hurry when that is not all */
/* Entries that fit all that is said (0 and empty: anything), whole; the cursor is born zero. Looks at no more than limit entries
   in one call; each false stops behind that entry. False: that was all. */
struct engine_filter { uint64_t id; struct str to, from, domain; int64_t before_ms /* received */; bool held; };
struct engine_queue_cursor { int64_t held, next_ms; uint64_t queue_id; };
bool engine_queue_filter(struct engine *e, const struct engine_filter *f, struct engine_queue_cursor *cursor, uint32_t limit,
                         bool (*each)(void *to, const struct engine_queued *q), void *to);
uint64_t engine_queue_count(struct engine *e, struct str domain); /* lower case; empty: all */
/* The largest domains of the queue. younger: how many were received after three moments. */
struct engine_shape { struct str domain; uint64_t entries, held, untried, younger[3]; int64_t next_ms, oldest_ms; };
void engine_queue_shape(struct engine *e, const int64_t after_ms[3], uint32_t limit,
                        void (*each)(void *to, const struct engine_shape *s), void *to);
/* What the message of queue entries says; next reads its entries in order (queue_id, address, orcpt, notify, rcpt). hint: where
   it lay when it was accepted, or NULL. False: it is not there. Slices are good until the next call that reads. */
struct engine_envelope {
    uint64_t id, about, size;          /* trace and body */
    int64_t received_ms;
    uint32_t ret, body_type;
    bool smtputf8, requiretls, utf8_header;
    int priority;
    struct str from, envid, auth_user, kind, trace;
    uint32_t queued_count;
    struct op_place place;
    struct str rest;                   /* the engine's */
};
bool engine_envelope(struct engine *e, uint64_t id, const struct op_place *hint, struct engine_envelope *to);
bool engine_envelope_next(struct engine_envelope *v, struct op_queued *to);
/* A piece of what is sent on: trace and body. Outcomes as of engine_read. */
enum outcome engine_queue_read(struct engine *e, uint64_t id, const struct op_place *hint, uint64_t offset, struct buf *to,
                               bool *more, struct why *why);

/* Notes. each false stops; those that expired are not given. expired of engine_notes: those only. */
struct engine_note { struct str key, value; int64_t expires_ms; };
bool engine_note_get(struct engine *e, uint32_t kind, struct str key, struct engine_note *to);
void engine_notes(struct engine *e, uint32_t kind, bool expired, bool (*each)(void *to, const struct engine_note *n), void *to);

/* The life of messages. */
/* Finds by id text, address (either side), Message-ID or subject words; newest first; each gets the accept fact decoded. */
struct engine_trace_step { int64_t at_ms; struct str event, text; };
struct engine_trace {
    uint64_t id, about;
    int64_t received_ms;
    struct str from, client, helo, tls, auth_user, kind, message_id, subject;
    uint64_t size;
    const struct engine_trace_step *steps;
    uint32_t step_count;
};
void engine_trace_find(struct engine *e, struct arena *a, struct str what, uint32_t limit,
                       bool (*each)(void *to, const struct engine_trace *t), void *to);
/* Ids: leases count fresh message ids (never handed out again, also after a crash). */
uint64_t engine_lease_ids(struct engine *e, uint32_t count);

/* Histograms: bucket i counts what is at most ENGINE_OPS(i) operations, ENGINE_SYNC_US(i) microseconds, and more than the one before; the last has no end. */
enum { ENGINE_BUCKETS = 16 };
#define ENGINE_OPS(i) (UINT64_C(1) << (i))
#define ENGINE_SYNC_US(i) (UINT64_C(32) << (i))
struct engine_stat {
    uint64_t segments, bytes, dead_bytes, position, index_position, accounts, domains, aliases, messages, bodies, queued, commits,
        ops, fdatasyncs, dropped, rotten /* places of rot passed over at start */, rebuilt /* the index was, at start */;
    int64_t fdatasync_us_total;
    uint64_t batch_sizes[ENGINE_BUCKETS + 1], sync_times[ENGINE_BUCKETS + 1];
};

void engine_stat(struct engine *e, struct engine_stat *to);
/* Maintenance. Each function runs until it is through; inside it engine_turn is called, so operations go on and their done is
   called, but the caller's loop stands: a server uses engine_job_start. progress says 0 … 1000 and may be NULL. */
typedef void engine_progress(void *to, uint32_t permille);
typedef void engine_finding(void *to, struct str finding); /* a line for a person: what is damaged, where */
/* Every record of every segment, every body that something refers to (place, checksum, hash), and whether the index is what a
   replay of the log gives. DONE: no finding. REFUSE: findings were told. RETRY: it could not be done. */
enum outcome engine_verify(struct engine *e, engine_finding *each, engine_progress *progress, void *to, struct why *why);
/* A new index from the log; nobody may have the store open. */
enum outcome engine_rebuild(const char *dir, int lock_fd, engine_progress *progress, void *to, struct why *why);
/* Gives the room of what is dead back. all: of every segment that holds anything dead, else of those that are mostly dead. */
enum outcome engine_compact(struct engine *e, bool all, engine_progress *progress, void *to, struct why *why);
/* A copy as of now that a server can start from, into a directory without a store (made when absent). On the same file system
   sealed segments are linked, not copied: they never change. */
enum outcome engine_backup(struct engine *e, const char *to_dir, engine_progress *progress, void *to, struct why *why);
/* Copies a backup to a directory without a store, after a look at all of it; damage is told and copied as it is. */
enum outcome engine_restore(const char *from_dir, const char *to_dir, engine_finding *each, engine_progress *progress, void *to,
                            struct why *why);

/* The same beside the service, one at a time: small slices in engine_turn, or a thread of its own for what only reads. */
enum engine_job_kind { ENGINE_VERIFY, ENGINE_COMPACT, ENGINE_COMPACT_ALL, ENGINE_BACKUP, ENGINE_SNAPSHOT };
struct engine_job_calls { /* all on the owner's thread, from engine_turn; each may be NULL but done */
    engine_finding *finding;
    engine_progress *progress;
    void (*done)(void *to, enum outcome o, const struct why *why);
    void *to;
};
/* dir: for BACKUP. False with why: one is running already, or no memory. */
bool engine_job_start(struct engine *e, enum engine_job_kind kind, const char *dir, const struct engine_job_calls *calls,
                      struct why *why);
bool engine_job_runs(const struct engine *e);
