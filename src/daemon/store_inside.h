/* SPDX-License-Identifier: ISC */
/* Private to the store role: it alone has the data directory. What came over a link is data of an enemy: sessions, handles and
   ids are looked up on every use, addresses are parsed again, sizes are counted here. Nothing is answered DONE before the
   engine's done.

     edge ── body_begin, body_piece … ──► session.body ── commit_rcpt … commit ──► struct commit ──► OP_ACCEPT
             ──► [OP_ACCEPT of the notification] ──► committed
     edge ── rcpt, mail, vrfy, expn ──► route ──► answer at once
     keys ── grant ──► session.handle ──► granted;  edge ── maildrop_open … ──► struct maildrop ──► OP_EXPUNGE ──► answer  */
#pragma once
#include "control/control.h"
#include "daemon/actor.h"
#include "os/loop.h"
#include "route/route.h"
#include "smtp/server.h"
#include "store/engine.h"

enum {
    STORE_SESSIONS_SLACK = 1024,       /* sessions of an edge beyond connections_max: some end while others begin */
    STORE_LEASE_MAX = 65536,           /* ids handed to an edge at one time */
    STORE_RANGES_MAX = 1024,           /* leases of an edge with ids that were not used up; the oldest is forgotten */
    STORE_HEADER_KEEP = 16 * 1024,     /* of each message's header, for a notification */
    STORE_OPEN_BODIES_MAX = 256 << 20, /* octets of messages that are held in memory, all edges together */
    STORE_COMMIT_MEM = 16 << 20,       /* envelope, routes and deliveries of one message; more with recipients_max */
    STORE_DROPS = 1024,                /* buckets of the table of locked maildrops */
    STORE_SIZES = 1024,                /* converted sizes remembered */
    STORE_SLICE = 256 * 1024,          /* octets of a binary message converted before others get their turn */
};

struct store;
struct store_edge;
struct maildrop;
struct commit;

struct store_range { uint64_t first; uint32_t count, left; unsigned char *used; /* a bit each */ };

/* A recipient of a message that comes in, from commit_rcpt to committed. */
struct commit_target {
    struct commit_target *next;
    bool remote;
    uint32_t index; /* in deliveries or queued */
    struct str address;
};
struct commit_rcpt {
    struct commit_rcpt *next;
    struct address adr;
    struct str text, orcpt;
    uint32_t notify;
    struct route_result route;
    enum outcome outcome;              /* 0: not yet known */
    struct why why;
    struct commit_target *targets;
};

/* What store knows of a session of an edge: only those that have a handle or a message in work. */
struct store_session {
    struct store_session *next, **back; /* bucket */
    struct store_edge *edge;
    uint64_t number, handle;
    account_id account;                /* with a handle */
    uint64_t let_in_by; /* hash of the verifier that the login was checked against: another password, another login */
    /* a message being received */
    struct body_writer *body;
    uint64_t body_size, body_held;     /* octets so far; of them counted in store.bodies_held */
    enum outcome body_outcome;         /* not DONE: it cannot be kept, why */
    struct why body_why;
    bool body_open;
    struct arena arena;                /* header and recipients; moves into the commit */
    struct buf header;                 /* the message's own header, as far as it was kept; storage in arena */
    bool header_done;
    struct commit_rcpt *rcpts, **last_rcpt;
    uint32_t rcpt_count;
    bool broken;                       /* too many recipients, no memory */
    struct commit *commit;             /* waits for the engine */
    struct maildrop *drop;
};

struct store_edge {
    struct store *store;
    struct peer *peer;
    struct store_session **bucket;
    size_t buckets, sessions;
    struct store_range *ranges;        /* ascending */
    size_t range_count, range_cap;
    bool paused;                       /* nothing is read from it until the engine has room */
};

struct commit {
    struct commit *next, **back;       /* store.commits */
    struct store *store;
    struct store_session *session;     /* NULL: it has gone */
    struct store_edge *edge;
    uint32_t incarnation;
    uint64_t number;
    enum smtp_kind kind;
    struct arena arena;
    struct address from;
    struct str header;                 /* trace and header of the message, for a notification */
    struct op op;
    struct commit_rcpt *rcpts;
    uint32_t rcpt_count;
    int64_t begun_us;
    uint64_t held;                     /* of store.bodies_held */
    struct op dsn;
    bool dsn_failure;                  /* it tells of a failure: without it nobody would know */
    enum outcome outcome;
    struct why why;
};

enum ask_kind { ASK_VERIFIER, ASK_RELOAD, ASK_STOP };
struct store_ask {
    struct store_ask *next;
    uint64_t query;
    enum ask_kind kind;
    struct control_session *session;
}; /* questions of the control socket to other roles */

struct store_size { account_id account; uint32_t uid; uint64_t size; bool converts; };
struct store_login { struct store_login *next; account_id account; int64_t at_ms; };
struct role_count { char name[64]; uint64_t value; bool gauge; };
struct role_info { uint32_t pid, restarts; int64_t since_ms; bool up; uint64_t before; struct role_count *count; size_t counts; };
enum { ROLE_COUNTS_MAX = 512, LATENCY_BUCKETS = 14 };

struct store_queue;
struct store {
    struct actor *actor;
    struct loop *loop;
    struct engine *engine;
    struct engine_options engine_options; /* as they should be; a test changes them before begin */
    const struct setup *setup, *coming;
    const struct config *config;
    struct route_facts facts;
    struct store_edge edges[2];        /* edge-mx, edge-user */
    struct commit *commits;
    size_t commit_count;
    uint64_t bodies_held;
    struct maildrop *drops[STORE_DROPS];
    size_t drop_count;
    struct store_login *logins[STORE_DROPS]; /* last maildrop_open of an account, while login-delay runs */
    struct store_size sizes[STORE_SIZES];
    struct loop_io engine_io;
    struct loop_defer turn;            /* engine_turn at the end of this turn of the loop */
    struct loop_timer death, stop_timer;
    bool making_postmaster, dying, stopping, closing;
    struct rcpt_wait *waiting;         /* for the postmaster's account */
    uint64_t next_query, next_id, ids_left;
    struct store_ask *asks;
    struct role_info roles[ROLE_COUNT];
    uint64_t latency[LATENCY_BUCKETS + 1], latency_us;  /* of accepted messages, from commit to durable */
    uint64_t accepted, refused, delivered, queued, notified;
    char dir[1025];                    /* the data directory: only the first set-up names it */
    struct store_queue *queue;
    char relay_piece[BODY_PIECE_MAX];
    struct control_context control;
    struct control_server *control_server;
    struct metrics *metrics;
};

/* store_role.c */
void store_submit(struct store *st, struct op *op);                /* and see to it that the engine gets its turn */
struct store_edge *store_edge_of(struct store *st, enum role who); /* NULL: no edge */
uint64_t store_next_id(struct store *st);

/* store_session.c */
struct store_session *store_session_find(struct store_edge *e, uint64_t number);
/* Made if it is new; NULL: too many, or no memory. */
struct store_session *store_session_get(struct store_edge *e, uint64_t number);
void store_session_free(struct store_session *s);
void store_session_rest(struct store_session *s);                  /* frees it when there is nothing left to know */
void store_session_drop_body(struct store_session *s);
void store_edge_clear(struct store_edge *e);                       /* its link is gone */
void store_sessions_kick(struct store *st, account_id account);    /* password changed, suspended, removed */
/* Who asks. NOBODY: handle 0. USER: to is filled. STRANGER: the handle is not this session's, or its account is gone: the
   answer is no. */
enum store_who { STORE_NOBODY, STORE_USER, STORE_STRANGER };
enum store_who store_session_who(struct store_edge *e, uint64_t number, uint64_t handle, struct engine_account *to);
void store_session_end(struct store_edge *e, const struct msg_session_end *m);
void store_id_lease(struct store_edge *e, const struct msg_id_lease *m);
bool store_id_use(struct store_edge *e, uint64_t id);              /* false: was never leased to this edge, or was used */

/* store_directory.c */
void store_directory_init(struct store *st);
/* The account's key for what a person types. */
bool store_login_name(struct store *st, struct arena *a, struct str typed, struct str *key);
/* An address as it travels on a link; "" is the null path. */
enum address_error store_address(struct arena *a, struct str text, struct address *to);
struct why store_why(const char *status, const char *text);

/* store_rcpt.c */
void store_mail(struct store_edge *e, const struct msg_mail *m);
void store_rcpt(struct store_edge *e, const struct msg_rcpt *m);
/* Some of the disk is kept free of new mail, so that the index can follow, mailboxes open, and mail can be deleted, when it is full. False with why:
   452 4.3.1. */
bool store_has_room(struct store *st, struct why *why);
bool store_relays_for(struct store_edge *e, struct str client_ip);
void store_rcpt_forget(struct store *st, struct store_edge *e);
bool store_may_send(struct store *st, struct arena *a, struct store_edge *e, enum store_who who,
                    const struct engine_account *user, const struct address *from, bool lmtp, struct why *why);
/* May this user show these people the From field (name to line end; empty: the message came without and got the envelope's)? Every
   address in it must be the user's own. */
bool store_from_owned(struct store *st, struct arena *a, const struct engine_account *user, struct str field, struct why *why);
/* store_verify.c */
void store_vrfy(struct store_edge *e, const struct msg_vrfy *m);
void store_expn(struct store_edge *e, const struct msg_expn *m);

/* store_body.c */
void store_body_begin(struct store_edge *e, const struct msg_body_begin *m);
void store_body_piece(struct store_edge *e, const struct msg_body_piece *m);
void store_body_abort(struct store_edge *e, const struct msg_body_abort *m);
void store_commit_rcpt(struct store_edge *e, const struct msg_commit_rcpt *m);
/* store_commit.c */
void store_commit(struct store_edge *e, const struct msg_commit *m);
void store_commit_finish(struct commit *c);                        /* outcome and why are set: answers and frees it */
void store_commit_free(struct commit *c);
/* store_plan.c */
/* Deliveries and queue entries of op for rcpts (whose routes are DONE), one copy for each mailbox. from: NULL or the
   reverse-path. False: no memory. */
bool store_plan(struct store *st, struct arena *a, struct op_accept *op, struct commit_rcpt *rcpts, const struct address *from);
/* store_dsn.c */
bool store_dsn(struct commit *c); /* c->op is done. True: a notification is on its way, store_commit_finish comes later */

/* Writes a notification as a body, and the envelope around it: a message of ours from the null path, to be addressed and
   submitted. False with n->why: not now; then there is no body. */
struct store_notice {
    struct store *store;
    uint64_t about;                    /* id of the message that it speaks of */
    struct str kind;                   /* "dsn", "notice" */
    bool smtputf8, requiretls;
    int priority;                      /* of that message: RFC 6710 4.6 */
    uint32_t body_type;
    struct why why;
};
struct dsn;
bool store_notice_write(struct store_notice *n, const struct dsn *d, struct op_accept *to);

/* store_maildrop.c */
void store_maildrop_open(struct store_edge *e, const struct msg_maildrop_open *m);
void store_maildrop_read(struct store_edge *e, const struct msg_maildrop_read *m);
void store_maildrop_delete(struct store_edge *e, const struct msg_maildrop_delete *m);
void store_maildrop_commit(struct store_edge *e, const struct msg_maildrop_commit *m);
void store_maildrop_room(struct store_edge *e);
void store_maildrop_close(struct maildrop *d);                     /* unlocks */

/* store_keys.c */
void store_from_keys(struct store *st, struct peer *p, const struct message *m);
void store_keys_down(struct store *st);
/* store_control.c */
void store_control_init(struct store *st);                         /* hooks, context */
void store_control_verifier_made(struct store *st, const struct msg_verifier_made *m);
void store_control_reloaded(struct store *st, const struct msg_reloaded *m);
void store_asks_end(struct store *st, enum ask_kind kind, const char *why); /* the other role is gone: RETRY to all */
/* control_server.c */
struct control_server *control_server_open(struct store *st, const char *path, struct why *why); /* binds: before the sandbox */
void control_server_begin(struct control_server *cs);
void control_server_wake(struct control_server *cs, struct control_session *s);
void control_server_flush(struct control_server *cs, struct control_session *s); /* sends what is out now, ahead of long work */
void control_server_close(struct control_server *cs);
/* metrics.c */
struct metrics *metrics_open(struct store *st, const char *path, struct why *why);
void metrics_begin(struct metrics *m);
void metrics_close(struct metrics *m);
/* store_facts.c */
void store_role_state(struct store *st, const struct msg_role_state *m);
void store_count(struct store *st, enum role who, struct str name, uint64_t value, bool gauge);
void store_latency(struct store *st, int64_t us);
void store_metrics_text(struct store *st, struct buf *to);
void store_status_json(struct store *st, struct json_writer *w);
