/* SPDX-License-Identifier: ISC */
/* The index: SQLite, derived from the log, thrown away and rebuilt at will. One connection writes (the index thread's, or the
   owner's without threads), others read. It holds the position that it has applied and is never ahead of the log. */
#pragma once
#include <sqlite3.h>
#include "store/fact.h"
#include "store/log.h"

enum { INDEX_VERSION = 3 };

enum index_statement {
    Q_BEGIN,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_STATE,
    Q_STATE_SET,
    Q_ACCEPTED_ADD,
    Q_ACCEPTED_RELEASE,
    Q_ACCEPTED_DROP,
    Q_ACCEPTED_MOVE,
    Q_BODY_ADD,
    Q_BODY_RELEASE,
    Q_BODY_DROP,
    Q_BODY_MOVE,
    Q_MESSAGE_ADD,
    Q_MESSAGE_RANGE,
    Q_MESSAGE_DROP,
    Q_MESSAGE_FLAGS,
    Q_MAILBOX_ADD,
    Q_MAILBOX_DELIVERED,
    Q_MAILBOX_EXPUNGED,
    Q_MAILBOX_MODSEQ,
    Q_MAILBOX_BASE,
    Q_EXPUNGED_ADD,
    Q_ACCOUNT_ADD,
    Q_ACCOUNT_VERIFIER,
    Q_ACCOUNT_QUOTA,
    Q_ACCOUNT_SUSPEND,
    Q_ACCOUNT_DROP,
    Q_ACCOUNT_ACCEPTS,
    Q_ACCOUNT_MESSAGES_DROP,
    Q_ACCOUNT_MAILBOXES_DROP,
    Q_ACCOUNT_EXPUNGED_DROP,
    Q_DOMAIN_ADD,
    Q_DOMAIN_DROP,
    Q_ALIAS_ADD,
    Q_ALIAS_DROP,
    Q_QUEUE_ADD,
    Q_QUEUE_DROP,
    Q_QUEUE_WAIT,
    Q_QUEUE_CHANGE,
    Q_QUEUE_IDS,
    Q_QUEUE_IDS_OF,
    Q_QUEUE_AGE,
    Q_ATTEMPT_ADD,
    Q_ATTEMPTS_DROP,
    Q_NOTE_SET,
    Q_NOTE_DROP,
    Q_LIVE,
    Q_LIVE_DROP,
    Q_FIND_ADD,
    Q_FIND_NEXT,
    Q_FOUND_SET,
    Q_SNAPSHOT_SET,
    /* readers */
    Q_R_MAILBOXES,
    Q_R_MESSAGES,
    Q_R_MESSAGE,
    Q_R_MESSAGE_SIZES,
    Q_R_ACCEPTED,
    Q_R_BODY,
    Q_R_QUEUE,
    Q_R_QUEUE_ONE,
    Q_R_QUEUE_DUE_SAME, Q_R_QUEUE_DUE, Q_R_QUEUE_DUE_OF_SAME, Q_R_QUEUE_DUE_OF,
    Q_R_QUEUE_URGENT,
    Q_R_QUEUE_NEXT,
    Q_R_QUEUE_DOMAIN_SAME, Q_R_QUEUE_DOMAIN,
    Q_R_QUEUE_SHAPE, Q_R_QUEUE_COUNT,
    Q_R_ATTEMPTS,
    Q_R_NOTE,
    Q_R_NOTES,
    Q_R_FIND,
    Q_R_RECENT,
    Q_R_COUNTS,
    Q_R_LIVE,
    Q_R_EXPIRED,
    Q_R_FOUND,
    Q_COUNT,
};

struct live_delta { uint32_t segment; int64_t bytes; };

struct index {
    sqlite3 *db;
    sqlite3_stmt *q[Q_COUNT];
    const struct log *log;       /* for the maps of large bodies; constant fields only */
    /* as applied by the transaction that is open, or the last one */
    log_pos position;
    uint64_t batch;
    struct counters counters;
    int64_t bodies, queued;      /* bodies that something refers to; entries of the queue */
    log_pos snapshot, snapshot_as_of;
    struct live_delta live[64];
    uint32_t live_count;
    bool open;                   /* a transaction is */
    int wal_pages;               /* of the write-ahead file, not yet checkpointed */
    int error;                   /* SQLITE_OK, or what broke the transaction */
    char error_text[120];
};

/* path may be ":memory:". fresh: it was made now. REFUSE: made by a newer program; RETRY with x->error SQLITE_CORRUPT or
   SQLITE_NOTADB: damaged, or of another store: remove it and open again; other RETRY: the disk. */
enum outcome index_open(struct index *x, const char *path, const struct log *log, bool read_only, bool *fresh, struct why *why);
void index_close(struct index *x);
void index_remove_files(const char *path);
bool index_is_damaged(const struct index *x);

/* Prepared when first used, reset; NULL sets x->error. */
sqlite3_stmt *index_q(struct index *x, enum index_statement which);
bool index_run(struct index *x, sqlite3_stmt *s); /* a statement without rows that matter */

/* One transaction for many records. False: x->error; the transaction is rolled back, position is what it was before it. */
bool index_begin(struct index *x);
bool index_apply(struct index *x, const struct record *r);
bool index_commit(struct index *x);
void index_rollback(struct index *x);
bool index_load_state(struct index *x);
void index_live(struct index *x, uint32_t segment, int64_t bytes);
/* index_queue.c: what facts do to the queue and to notes. index_release: one message or queue entry less refers to an accepted
   message. */
bool index_queue_add(struct index *x, const struct fact_accept *f, const struct fact_queued *q, int64_t n);
bool index_apply_queue(struct index *x, const struct record *r);
bool index_release(struct index *x, int64_t accept);
bool index_broken(const struct record *r); /* reports it; gives true */
/* Adds the search terms of some accepted messages that have none yet. False: nothing to do. */
bool index_find_some(struct index *x, int limit);
uint64_t index_term(struct str word);
/* Calls each for every search term of a text of accepted.search. */
void index_terms(struct str search, void (*each)(void *to, struct str term), void *to);

/* Snapshots: all rows of all tables as STATE payloads. */
struct state_reader { int table; sqlite3_stmt *rows; sqlite3 *db; bool failed; };
bool state_next(struct state_reader *r, struct enc *e, size_t limit); /* appends rows up to about limit bytes; false: no more */
void state_close(struct state_reader *r);
bool index_load_rows(struct index *x, struct str payload);
