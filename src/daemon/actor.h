/* SPDX-License-Identifier: ISC */
/* What every role has: its links, its set-up, its life. An actor plays a role: actor.c drives it; a role's own files fill in
   struct role_type.

     spawned ──setup_begin … setup_end──► prepare ──setup_result DONE──► setup_commit ──► sandbox ──► begin ──ready──► serving
     serving ──setup_begin … setup_end──► prepare ──► setup_result ──► setup_commit → commit │ setup_abandon → abandon
     serving ──stop──► stop … actor_stopped ──► the process ends

   Any number of roles can live in one process on one loop (penny serve --single): no role keeps anything in static variables. */
#pragma once
#include "base/arena.h"
#include "config/config.h"
#include "daemon/messages.h"

struct loop;  /* os/loop.h */
struct link;  /* os/link.h */
struct actor;

/* One generation of what master handed over. Immutable once prepared; lives until its last holder lets go (setup_drop): sessions
   of an edge keep theirs. */
struct setup_pem { uint32_t key; struct str pem; struct setup_pem *next; };
/* relay: a password, by the path that the configuration names. Wiped when the setup goes. */
struct setup_secret { struct str path, secret; struct setup_secret *next; };
struct setup_listener {
    enum listen_kind kind;
    uint32_t index;
    int fd; /* -1: keep the one with this index, or an edge took it */
    struct setup_listener *next;
};
struct setup {
    uint64_t generation;
    bool first;
    const struct config *config;        /* hostname is never empty here */
    struct str dir;                     /* store only: the data directory */
    int lock_fd;                        /* store only, first set-up: the directory's lock, held by master; else -1 */
    struct str run_dir;                 /* where the control and metrics sockets are */
    uint32_t owner_uid;                 /* the service user */
    int64_t started_ms;                 /* civil */
    struct setup_pem *chains;           /* edges: certificates, in the file's order */
    struct setup_pem *keys;             /* keys: private keys. Wiped when the setup goes */
    bool has_salts;                     /* keys, first set-up */
    unsigned char salts[32];            /* login_fake_secret */
    struct str resolv_conf, anchors;    /* dns: as they are on the disk; empty: none */
    struct setup_secret *secrets;       /* relay */
    struct str authorities;             /* relay: PEM; empty: none */
    bool has_ticket_key;
    unsigned char ticket_key[80];       /* edges */
    struct setup_listener *listeners;   /* edges */
    int clients_fd;                     /* edges, first set-up: the shared table of clients; else -1 */
    uint32_t clients_slots;
    struct arena arena;                 /* all of the above */
    unsigned holders;
};
const struct setup *setup_hold(const struct setup *s);
void setup_drop(const struct setup *s);

struct peer {
    struct actor *actor;      /* whose end this is */
    enum role who;          /* the other end */
    uint32_t incarnation;   /* of the process at the other end: see the table */
    struct link *link;      /* NULL: not there now; it comes back with peer_up */
    void *data;             /* the role's own, for what belongs to this link */
    const char *broken;     /* why the link ends at the end of this turn; NULL: it works */
    bool wants_room;
};
/* Queues a message; goes out with everything else at the end of this turn of the loop. False: no link now, or it is broken
   (peer_down comes later, never from within). Fields longer than the table says are a bug: check(). fd -1: none; it is
   duplicated, the caller keeps its own. */
bool peer_send(struct peer *p, const struct message *m);
bool peer_send_fd(struct peer *p, const struct message *m, int fd);
/* Bytes that may be queued before the link is full; 0 means wait for room(). Answers may always be sent: only streams (bodies,
   pieces) have to look. */
size_t peer_room(struct peer *p);
/* The other end broke the rules: says so in a fact and ends the link (peer_down follows). what: a literal. */
void peer_breach(struct peer *p, const char *what);

/* MSG(rcpt, .session = 7, .size = 3): a struct message, for peer_send(p, &MSG(…)). */
#define MSG(name_, ...) ((struct message){.kind = MSG_##name_, .name_ = {__VA_ARGS__}})

struct role_type {
    enum role who;
    /* A whole set-up came in. Check it, make ready what can fail, keep it in a->self until commit or abandon. The first one:
       opens what the sandbox forbids later (sockets, libraries' files), starts no thread. False: why; the first: master gives up,
       later: the old set-up goes on everywhere. */
    bool (*prepare)(struct actor *a, const struct setup *next, struct why *why);
    /* Once, after the sandbox closed: threads, the engine. False: why; the role ends. */
    bool (*begin)(struct actor *a, const struct setup *now, struct why *why);
    /* At a reload: the new set-up holds from now on (a->setup is it already). Cannot fail. */
    void (*commit)(struct actor *a, const struct setup *now);
    void (*abandon)(struct actor *a);
    /* A message that the table allows, read and checked field by field. Strings are good until it returns. */
    void (*message)(struct actor *a, struct peer *from, const struct message *m);
    void (*peer_up)(struct actor *a, struct peer *p);    /* a link is there (again); also before prepare */
    /* forget all that was asked by or of it; p->incarnation is still the old one */
    void (*peer_down)(struct actor *a, struct peer *p);
    void (*room)(struct actor *a, struct peer *p);       /* peer_room is no longer 0; NULL: no interest */
    /* edges and keys: one more channel; the role owns fd */
    void (*sign_channel)(struct actor *a, enum role who, uint32_t incarnation, int fd);
    void (*second)(struct actor *a);                     /* once a second; NULL: no interest */
    /* Orderly end: no new work, finish what is acknowledged, within_ms at most; then actor_stopped. */
    void (*stop)(struct actor *a, uint32_t within_ms);
    /* TCP ports that it connects to, at most max: its sandbox lets no others through. NULL: none. A role whose ports change at a
       reload has to fail, so that it is started anew */
    size_t (*ports)(const struct setup *now, uint16_t *to, size_t max);
    void (*clear)(struct actor *a);                      /* last call: free a->self */
};
extern const struct role_type role_edge_mx, role_edge_user, role_store, role_keys, role_dns, role_relay;

struct actor {
    const struct role_type *type;
    struct loop *loop;
    const struct setup *setup;          /* NULL before the first prepare returned true */
    struct peer peers[ROLE_COUNT];      /* by role; [ROLE_MASTER] included; who is never linked stays without a link */
    uint32_t incarnation;
    bool single;                        /* other roles share this process */
    bool stopping;
    void *self;                         /* the role's own */
    struct actor_inside *inside;         /* actor.c */
};
struct peer *actor_peer(struct actor *a, enum role who);
void actor_stopped(struct actor *a, uint32_t sessions_cut);
/* The role cannot go on (the disk is gone, …): what is queued leaves, then the process ends with that status and master starts it
   anew. */
void actor_failed(struct actor *a, int status);
