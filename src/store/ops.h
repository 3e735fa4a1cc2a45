/* SPDX-License-Identifier: ISC */
/* What can be done to a store, as values: no I/O here, so an engine (log + SQLite now, PostgreSQL later) can be changed without
   touching what stands above. A batch of operations is what an engine commits; each carries its own result. Strings are the
   caller's until done was called. */
#pragma once
#include "base/outcome.h"
#include "base/str.h"

typedef uint64_t account_id;   /* never reused; 0: none */
typedef uint32_t mailbox_id;   /* within an account, never reused; 1 is INBOX */
typedef uint64_t body_ref;     /* a body handed to the engine by body_begin … body_end, or found in the index; 0: none */

enum op_kind {
    OP_ACCEPT,          /* a message came in: one body, deliveries and queue entries, atomically */
    OP_EXPUNGE,         /* uids out of a mailbox */
    OP_FLAGS,
    OP_ACCOUNT_ADD, OP_ACCOUNT_VERIFIER, OP_ACCOUNT_QUOTA, OP_ACCOUNT_SUSPEND, OP_ACCOUNT_REMOVE,
    OP_DOMAIN_ADD, OP_DOMAIN_REMOVE,
    OP_ALIAS_SET,       /* replaces all targets */ OP_ALIAS_REMOVE,
    OP_MAILBOX_ADD,
    OP_QUEUE_REMOVE,    /* a queued recipient is dropped */
    OP_QUEUE_RESULT,    /* what became of an attempt: the entry waits on, or is finished */
    OP_QUEUE_CHANGE,    /* an operator's word about some entries, a domain's, or all */
    OP_NOTE,            /* a small fact that somebody keeps here: a cache, a counter, a window */
    OP_OWN,             /* an engine's own: records of compaction and snapshots */
};

enum { QUEUE_TEXT_MAX = 2048, NOTE_KEY_MAX = 512, NOTE_VALUE_MAX = 64 * 1024 };
enum { FLAG_SEEN = 1, FLAG_ANSWERED = 2, FLAG_FLAGGED = 4, FLAG_DELETED = 8, FLAG_DRAFT = 16, FLAG_POP3_RETRIEVED = 32 };

struct op_delivery {       /* into a mailbox */
    account_id account;
    struct str folder;     /* UTF-8, "INBOX" or another; falls back to INBOX when it does not exist */
    struct str prefix;     /* header lines of this copy (Return-Path, Delivered-To), CRLF ended */
    uint32_t rcpt;         /* index of the envelope recipient that led here */
    /* result */
    enum outcome outcome;  /* REFUSE: the account is gone or full: the caller owes a DSN */
    struct why why;
    mailbox_id mailbox; uint32_t uid; uint64_t modseq;
};
struct op_queued {         /* to another system */
    struct str address, orcpt;
    uint32_t notify;       /* enum smtp_notify bits */
    uint32_t rcpt;
    uint64_t queue_id;     /* result */
};
/* Where a message lies, so that just accepted mail is read without a search. A hint: compaction may move it, then the index
   knows. */
struct op_place { uint64_t accept, body_id, body; bool large; };
/* One attempt for one entry of the queue. Texts of a remote host are its own words: at most QUEUE_TEXT_MAX octets of each are
   kept. */
struct op_result {
    uint64_t queue_id;
    enum outcome outcome;      /* DONE: handed on; RETRY: not now; REFUSE: never */
    bool done;                 /* the entry is finished, whatever the outcome: else it waits until next_ms */
    bool warned;               /* its sender has been told that it is late */
    uint32_t code;             /* the reply's, 0: none came */
    uint32_t attempts;         /* with this one */
    struct str status, text, host, ip, tls;
    int64_t at_ms, next_ms;
};
enum queue_change {            /* bits: which members hold */
    QUEUE_NEXT = 1,            /* next_ms: when it is tried next, at the earliest */
    QUEUE_HOLD = 2, QUEUE_RELEASE = 4,
    QUEUE_ROUTE = 8,           /* route: overrides the configuration's; empty: no longer */
    QUEUE_PRIORITY = 16,
    QUEUE_EXPIRE = 32,         /* expire_ms: given up then, and the sender told; 0: as configured */
    QUEUE_DROP = 64,           /* they go without a word */
};
struct op_rcpt { struct str address, orcpt; uint32_t notify; }; /* as the envelope said, for the trace */

struct op_accept {
    uint64_t id;
    int64_t received_ms;             /* civil */
    struct str from, envid, auth_user, client, helo, tls; uint32_t ret, body_type; bool smtputf8, requiretls;
    int priority;                    /* MT-PRIORITY, -9 … 9 */
    int64_t connected_ms, mail_ms, data_ms;
    struct str trace;                /* header lines common to all copies: Received and what submission added */
    body_ref body; uint64_t body_size;
    struct op_rcpt *rcpts; uint32_t rcpt_count;
    struct op_delivery *deliveries; uint32_t delivery_count;
    struct op_queued *queued; uint32_t queued_count;
    struct str kind;                 /* "smtp", "submission", "lmtp", "dsn", "agent" */
    uint64_t about;                  /* DSN: id of the message that it reports on; else 0 */
    struct op_place place;           /* result */
};

struct op {
    enum op_kind kind;
    union {
        struct op_accept accept;
        struct { account_id account; mailbox_id mailbox; const uint32_t *uids; uint32_t count; } expunge;
        struct { account_id account; mailbox_id mailbox; const uint32_t *uids; uint32_t count; uint32_t set, clear; } flags;
        struct {
            struct str name; /* canonical key user@domain */
            uint64_t quota; /* octets; 0: what the configuration says; UINT64_MAX: none */
            struct str verifier;
            account_id account; /* result */
        } account_add;
        struct {
            account_id account;
            struct str verifier;
            uint64_t quota; /* as above */
            bool suspended;
        } account; /* ACCOUNT_VERIFIER … REMOVE */
        struct { struct str name; } domain;
        struct { struct str name; const struct str *targets; uint32_t count; } alias;
        struct { account_id account; struct str name; struct str special_use; mailbox_id mailbox; /* result */ } mailbox_add;
        struct { uint64_t id, queue_id; struct str reason; } queue_remove;
        struct {
            uint64_t id;
            const struct op_result *list;
            uint32_t count;
        } queue_result; /* all of one message; an entry that is gone is passed over */
        struct {
            const uint64_t *ids;
            uint32_t count; /* of entries; 0: all of domain, or (domain empty) all */
            struct str domain;
            uint32_t what;
            int64_t next_ms, expire_ms;
            int32_t priority;
            struct str route;
        } queue_change;
        struct { uint32_t kind; struct str key, value; /* empty: it goes */ int64_t expires_ms; /* 0: never */ } note;
        struct { uint32_t type; struct str payload; bool body; uint64_t pos; /* result */ } own;
    };
    enum outcome outcome;            /* result */
    struct why why;
    void (*done)(struct op *op);     /* called on the owner's thread after the commit (or failure); never from within submit */
    void *owner;
    struct op *next;                 /* the engine's */
};
