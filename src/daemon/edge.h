/* SPDX-License-Identifier: ISC */
/* Private to the edge's files: sockets on one side, machines in the middle, links to store and keys on the other. Both edges are
   this code; what they may ask is in the table of messages, which listeners they hold is master's choice.

     edge.c           the role: set-up, links, stop         edge_listen.c   accepting, limits
     edge_settings.c  a generation of settings              edge_tls.c      hand-shakes on threads, signatures from keys
     conn.c           the host loop of one session          edge_smtp.c, edge_pop3.c   the machines' questions as messages */
#pragma once
#include <pthread.h>
#include "daemon/clients.h"
#include "daemon/inside.h"
#include "os/net.h"
#include "os/thread.h"
#include "pop3/server.h"
#include "smtp/server.h"
#include "tls/tls.h"

enum {
    CONN_IN_MAX = 64 * 1024,       /* unread octets of a session that is parked; then the socket is not read */
    CONN_OUT_MAX = 64 * 1024,
    CONN_BODY_MAX = BODY_PIECE_MAX,
    CONN_WIRE_MAX = 80 * 1024,     /* CONN_OUT_MAX in TLS records, and room for alerts and tickets */
    LINGER_MS = 5000,              /* how long we wait for the peer's FIN behind our last reply */
    LINGER_STOPPING_MS = 300,
    STALL_MS = 300 * 1000,         /* RFC 5321 4.5.3.2: a peer that takes no replies for that long is gone */
    HANDSHAKE_MS = 60 * 1000,
    SIGN_MS = 10 * 1000,
    HANDSHAKE_THREADS = 2, HANDSHAKE_QUEUE = 4096,
    SIGNERS_MAX = 8,
    LEASE_COUNT = 65536,           /* ids a lease: enough for seconds at full load, 2^64 last for ever */
    LISTENERS_MAX = 64,
    ACCEPT_BATCH = 64,
    SLOT_BITS = 24,
};

struct conn;
struct edge;

struct edge_settings {
    const struct setup *setup;     /* held */
    unsigned holders;
    struct tls_server_context *tls; /* NULL: no certificate */
    struct smtp_settings smtp[3][2]; /* by enum smtp_kind; [1]: from loopback */
    struct pop3_settings pop3[2];
};
struct edge_settings *edge_settings_new(struct edge *e, const struct setup *setup, struct why *why);
void edge_settings_ticket_key(struct edge *e, struct str key); /* a new one, for new tickets; a later set-up brings it along */
struct edge_settings *edge_settings_hold(struct edge_settings *s);
void edge_settings_drop(struct edge_settings *s);

struct listener {
    struct edge *edge;
    struct loop_io io;
    struct loop_timer again;       /* after NET_FULL */
    enum listen_kind kind;
    uint32_t index;
    int fd;                        /* -1: unused */
};

/* Channels to keys for threads that sign: whoever needs one takes it, or waits for one. */
struct signers {
    pthread_mutex_t lock;
    pthread_cond_t back;
    int fds[SIGNERS_MAX];          /* idle ones */
    uint32_t incarnations[SIGNERS_MAX];
    unsigned idle, total;          /* total: with those that are in use */
    uint32_t incarnation;          /* channels of an earlier one are closed instead of given back */
};

struct protocol {
    /* makes the machine: c->machine; tls: from the first octet. False: no memory */
    bool (*open)(struct conn *c, bool tls);
    void (*close)(struct conn *c);                       /* the machine's memory */
    bool (*ask)(struct conn *c);                         /* sends the machine's question; true: it was answered at once */
    /* store or keys said something; ends in conn_answered where it is an answer */
    void (*message)(struct conn *c, const struct message *m);
    void (*lost)(struct conn *c);                        /* who was asked is gone: answers RETRY, or ends the session */
};
extern const struct protocol protocol_smtp, protocol_pop3;

/* A session. Small when idle: buffers have storage only while octets are in them; during a run they borrow the edge's. */
struct conn {
    struct edge *edge;
    uint64_t session;
    int fd;
    enum listen_kind kind;
    struct loop_io io;
    struct loop_timer timer;
    struct edge_settings *settings; /* held */
    const struct protocol *protocol;
    struct machine *machine;
    uint64_t client_key;
    struct buf in, out, body;      /* plain octets */
    struct tls *tls;
    struct buf wire_in, wire_out;  /* encrypted; used with tls only */
    struct handshake *handshake;   /* on a thread now: tls, wire_in, wire_out are its */
    struct arena connection, transaction, scratch;
    uint64_t handle;               /* from GRANT; 0: nobody */
    enum role asked_of;            /* ROLE_MASTER: of nobody */
    bool asked;                    /* a question is open */
    bool waits_ids;                /* the question waits for a lease */
    bool body_open;                /* store has octets of ours that no commit named */
    bool body_lost;                /* store lost them: the commit gets RETRY */
    bool login_open;               /* keys keeps the state of a login for us */
    bool blocked;                  /* waits for room on the link to store: in edge->blocked */
    bool in_end;                   /* the peer sends no more */
    bool cut;                      /* … and did not say so (TLS without close_notify) */
    bool tls_more;                 /* the TLS layer holds octets that in had no room for */
    bool running;                  /* the machine is at work: nobody may start it again */
    bool handshaking, ending, said_close, lingering, closing; /* see the states in conn.c */
    bool stalled;                  /* the timer waits for the peer to take replies */
    bool counted;                  /* in edge->clients */
    char sid[16];                  /* the session's name in facts */
    uint32_t accepted;
    int64_t began_ms;
    struct conn *blocked_next, *blocked_prev;
    struct conn *doomed_next;      /* closed; freed at the end of the turn */
    struct enum_outcomes { enum outcome *outcome; struct why *why; uint32_t count; } lmtp; /* transaction arena */
    struct pop3_message *maildrop; /* heap */
    uint32_t maildrop_count, maildrop_cap;
    struct str user;               /* connection arena */
    struct net_peer peer;
    union {
        struct smtp_server smtp;
        struct pop3_server pop3;
    };
};

struct edge {
    struct actor *actor;
    struct loop *loop;
    struct edge_settings *settings, *coming;
    struct listener listeners[LISTENERS_MAX];
    struct clients clients;
    struct conn **slots;           /* by the low bits of a session's number */
    uint32_t *free_slots;
    uint32_t slot_count, free_count, slot_max;
    uint64_t serial;               /* upper bits of the next session's number */
    uint32_t open;                 /* conns */
    struct conn *blocked, *doomed;
    struct loop_defer burial;
    struct pool *pool;
    struct signers signers;
    struct { uint64_t next, end; } lease[2]; /* ids in use, and the next range; end - next left */
    bool lease_asked;
    struct loop_timer stop_timer;
    bool stopping, told_stopped;
    uint32_t cut;                  /* sessions that were ended without a word */
    uint32_t told_open;
    int spare_fd;
    char *scratch_in, *scratch_out, *scratch_body, *scratch_wire_in, *scratch_wire_out; /* borrowed by the conn that runs */
};

struct conn *edge_conn(struct edge *e, uint64_t session); /* NULL: it ended */
/* Ids (RFC 5321 says nothing; our own): false when the lease is used up, which is when store was away for long. */
bool edge_has_ids(const struct edge *e);
uint64_t edge_next_id(void *conn);
void edge_lease(struct edge *e);

void edge_listen_apply(struct edge *e, const struct setup *s);
int edge_spare(void);                  /* a descriptor to give up when there are none left */
void edge_listen_stop(struct edge *e);

bool signers_init(struct signers *s);
void signers_add(struct signers *s, int fd, uint32_t incarnation); /* takes fd */
bool signers_wants_more(struct signers *s); /* some broke */
void signers_clear(struct signers *s);
/* tls_sign_fn */
bool signers_sign(void *signers, uint32_t key, const char *alg, const char *digest, struct str tbs, struct buf *signature);

/* A conn is never freed within a call: conn_end only dooms it, conn_bury frees at the end of the turn. */
void conn_open(struct edge *e, int fd, enum listen_kind kind, const struct net_peer *peer, bool counted);
void conn_run(struct conn *c);                           /* the machine, as long as it gets on */
void conn_answered(struct conn *c);                      /* the machine's ask is filled in: goes on */
void conn_end(struct conn *c, const char *why);          /* now, without a word; why: a literal, NULL: in good order */
void conn_lost(struct conn *c, enum role who);           /* the link to who is gone */
void conn_stop(struct conn *c);                          /* the server stops, or the session's user was removed */
/* a question; false: nobody is there, the caller answers RETRY */
bool conn_send(struct conn *c, enum role to, const struct message *m);
void conn_unblock(struct conn *c);
void conn_shaken(struct conn *c);                        /* the hand-shake is done */
void conn_doom(struct conn *c);
void conn_bury(void *edge);
void edge_uncount(struct edge *e, uint64_t client_key);
void edge_maybe_stopped(struct edge *e);

void handshake_start(struct conn *c);
void handshake_ready(struct conn *c, uint32_t ready);    /* the socket is */
bool handshake_busy(const struct conn *c);               /* a thread works on it */
void handshake_forget(struct conn *c);
