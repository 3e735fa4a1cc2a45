/* SPDX-License-Identifier: ISC */
/* The scheduler of the queue, in the store role. What is due lies in the index (one entry a recipient elsewhere); here is only
   what is under way and which domains have something to do: bounded, whatever the queue holds.

     accepted ──► fresh job ──────┐
     scan: which domains ─────────┴─► hop (a domain) ──round robin──► out ──┬─ answers of all ─► settling
        have something due              ▲   └ a page of its due entries     │
                                        └── back, or the relay is gone ─────┘   the index has it as it was; or
                                            blocked until its site may be asked again

     settling ─► [notification durable] ─► results durable ─► settled ─► forgotten when the index knows them

   An entry that is in a job is busy until the index has caught up with what became of it: it is handed out once at a time. */
#pragma once
#include "daemon/store_inside.h"
#include "message/dsn.h"

enum {
    QUEUE_OUT_MAX = 1024,      /* jobs at the relay */
    QUEUE_HOP_OUT_MAX = 64,    /* of them for one domain */
    QUEUE_HOP_URGENT = 16,     /* and so many more for what is urgent */
    QUEUE_HOPS_MAX = 16384,    /* domains with something under way */
    QUEUE_ENTRIES_MAX = 65536, /* entries in jobs */
    QUEUE_JOB_RCPTS = 100,     /* recipients of a job: RFC 5321 4.5.3.1.8 */
    QUEUE_FRESH_RCPTS = 2000,  /* more in one message: they go by the index */
    QUEUE_SCAN = 500,          /* rows looked at in one turn */
    QUEUE_SEND = 64,           /* jobs sent in one turn */
    QUEUE_BUCKETS = 16384,
    QUEUE_JOB_MEM = 4 << 20,
};

struct queue_job;
struct queue_entry {
    struct queue_entry *next; /* bucket of the busy ones */
    struct queue_job *job;
    uint64_t queue_id;
    uint32_t n, attempts; /* before this one */
    bool warned, answered, dropped, expired /* by an operator */;
    bool passed; /* the peer sends the notifications that were asked for */
    int64_t expire_ms;
    struct op_result result;   /* texts in the job's arena */
    struct str address, orcpt; /* once the envelope was read for the results */
    uint32_t notify;
};
/* Three classes are told apart, those of MIXER (RFC 6710 5, appendix B): rounded up to 4, 0, -4. */
enum queue_class { QUEUE_URGENT, QUEUE_USUAL, QUEUE_SLOW, QUEUE_CLASSES };
struct queue_list {
    struct queue_job *first, **last;
};
enum queue_state { QUEUE_WAITING, QUEUE_OUT, QUEUE_SETTLING, QUEUE_SETTLED };
struct queue_job {
    struct queue_job *next;
    struct store *store;
    struct queue_hop *hop; /* while WAITING and OUT; a hop with jobs stays */
    enum queue_state state;
    enum queue_class class;
    uint64_t number; /* while OUT: its low bits are the slot */
    uint64_t id;
    struct op_place place;
    bool has_place;
    int64_t received_ms;
    struct str route;
    uint32_t count, room /* of entry, as counted */, answered;
    uint64_t ahead;    /* octets sent that the relay has not asked for */
    uint64_t position; /* SETTLED: what the index has to know */
    /* settling */
    struct op op, notice;
    struct op_result *results;
    struct str from;
    bool null_from, notice_failed;
    struct arena arena;
    struct queue_entry entry[];
};
struct queue_hop {
    struct queue_hop *next;           /* bucket */
    struct queue_hop *after, *before; /* the ring of those with something to send */
    bool kicked;                /* an operator wants it tried: relay is told so with the next job */
    bool in_ring, more, odd;          /* more: the index may have due entries behind cursor */
    struct queue_list fresh[QUEUE_CLASSES], old[QUEUE_CLASSES];
    uint32_t out, most; /* at the relay; as many as it wants */
    struct engine_due cursor;
    uint64_t position;     /* more is only false when the index knew this */
    int64_t blocked_until; /* civil ms; 0: not */
    char why[160];
    size_t n;
    char domain[];
};
struct store_queue {
    struct store *store;
    struct loop_defer turn;
    struct queue_hop *hops[QUEUE_BUCKETS];
    size_t hop_count;
    struct queue_hop *ring; /* first; circular */
    struct queue_entry *busy[QUEUE_BUCKETS];
    size_t entry_count;
    struct queue_job *out[QUEUE_OUT_MAX];
    uint32_t out_count, slot;
    uint32_t window;        /* jobs that the relay takes; 0: it is not there */
    uint64_t octets, ahead; /* that it takes unasked; that it has so */
    uint64_t next_number;
    struct queue_job *settled, **settled_last, *again;
    uint32_t settling;
    /* the scan: everything due up to limit, once the index knows position */
    struct engine_due cursor;
    int64_t limit_ms;
    uint64_t position;
    bool scanning, missed;
    uint64_t sent, deferred, failed, handed_out;
};

static inline struct store_queue *queue_of(const struct queue_job *j)
{
    return j->store->queue;
}

bool store_queue_open(struct store *st);  /* false: no memory */
void store_queue_begin(struct store *st); /* the engine is open */
void store_queue_close(struct store *st); /* after the engine closed */
void store_queue_second(struct store *st);
bool store_queue_is_idle(const struct store *st); /* nothing is being written */
/* a is durable: what it queued may go out at once. */
void store_queue_accepted(struct store *st, const struct op_accept *a);
/* An operator changed something; durable. */
void store_queue_changed(struct store *st, const struct op *op);
/* Is that entry at the relay now; until when its domain waits, and why (0: it does not). */
bool store_queue_state(struct store *st, uint64_t queue_id, struct str domain, int64_t *until_ms, struct str *why);
void store_queue_wake(struct store *st); /* there may be something to send, or room for it */

/* From the relay. A number that is not out is an old one: NULL. */
struct queue_job *queue_job_find(struct store_queue *q, uint64_t number);
struct queue_entry *queue_job_entry(struct queue_job *j, uint64_t queue_id); /* NULL: none of its */
struct queue_answer {
    enum outcome outcome;
    uint32_t code;
    struct str status, text, host, ip, tls;
    int64_t at_ms;
    bool passed;
};
void queue_answer(struct queue_entry *e, const struct queue_answer *a); /* the first one counts */
/* The job comes back. Who was answered keeps the answer; to the others this was no attempt: not before then (0: at once). */
void queue_back(struct queue_job *j, int64_t not_before_ms, struct str why);
void queue_all_back(struct store_queue *q); /* the relay is gone */
void queue_hop_hint(struct store_queue *q, struct str domain, uint32_t most, int64_t not_before_ms, struct str why);

/* store_queue_hop.c: domains, jobs, busy entries; for the other files of the queue. */
struct queue_entry *queue_busy(struct store_queue *q, uint64_t queue_id);             /* NULL: it is in no job */
struct queue_hop *queue_hop_find(struct store_queue *q, struct str domain);
struct queue_hop *queue_hop_get(struct store_queue *q, struct str domain);            /* made if it is new; NULL: too many */
/* Puts it into the ring or takes it out; frees it when there is nothing to know of it. */
void queue_hop_review(struct store_queue *q, struct queue_hop *h);
void queue_hop_leave_ring(struct store_queue *q, struct queue_hop *h);
/* The index may have something due for it from there on. */
void queue_hop_more(struct store_queue *q, struct queue_hop *h, struct engine_due from);
void queue_hop_block(struct store_queue *q, struct queue_hop *h, int64_t until_ms, struct str why); /* at most for retry-most */
void queue_hop_unload(struct store_queue *q, struct queue_hop *h);                    /* all that waits here: back to what the index says */
struct queue_job *queue_job_new(struct store_queue *q, struct queue_hop *h, uint64_t id, uint32_t count); /* NULL: no room */
void queue_job_add(struct store_queue *q, struct queue_job *j, const struct queue_entry *e);
void queue_job_wait(struct queue_job *j, bool fresh);
struct queue_job *queue_hop_take(struct queue_hop *h); /* the next one: by class, then just accepted and older ones in turns */
bool queue_hop_has_old(const struct queue_hop *h);
enum queue_class queue_class_of(int priority);
/* Entries without an answer leave it; false: none is left, and it is gone. */
bool queue_job_shrink(struct store_queue *q, struct queue_job *j);
/* store_queue_load.c: what is due, from the index. */
void queue_hop_load(struct store_queue *q, struct queue_hop *h);                      /* a page of its due entries becomes jobs */
void queue_scan(struct store_queue *q);                                               /* which domains have something due */

/* store_queue.c for store_result.c */
void queue_settle(struct queue_job *j);      /* all that will be answered is */
void queue_job_settled(struct queue_job *j); /* what became of it is durable */
void queue_job_again(struct queue_job *j);   /* it could not be written: once more in a second */
void queue_job_free(struct queue_job *j);
void queue_commit_results(struct queue_job *j);

/* store_schedule.c: when it is tried next, and what its sender hears. Pure. */
struct queue_schedule {
    int64_t first_ms, most_ms, warn_ms, give_up_ms;
};
struct queue_verdict {
    bool done, warn, fail;
    int64_t next_ms;
};
struct queue_schedule queue_schedule_of(const struct config *c);
struct queue_verdict queue_verdict(const struct queue_schedule *s, enum outcome o, int64_t received_ms, int64_t now_ms,
                                   int64_t expire_ms, bool warned);

/* store_relay.c: the same as messages. */
size_t store_relay_room(struct store *st);  /* 0: send nothing now */
bool store_relay_send(struct queue_job *j); /* false: the message cannot be read */
void store_relay_cancel(struct queue_job *j);
void store_from_relay(struct store *st, struct peer *p, const struct message *m);
