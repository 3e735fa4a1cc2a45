/* SPDX-License-Identifier: ISC */
/* Private to the master's files. Master reads what the administrator wrote, binds, spawns, wires, restarts, stops; it parses
   nothing that comes from the network.

     serve.c            the command line, directories, the user, the loop      master_site.c    configuration, keys and
     certificates from the disk
     master.c           the life of the server: ready, stop                    master_listen.c  sockets
     master_crew.c      one role: spawn, wire, restart                         master_setup.c   a site as messages
     master_reload.c    a new site, all or nothing                             master_log.c     lines to standard error */
#pragma once
#include "daemon/inside.h"
#include "os/process.h"

enum {
    RESTART_FIRST_MS = 10, RESTART_MOST_MS = 5000, RESTART_FORGET_MS = 60 * 1000,
    STOP_EDGES_MS = 5000, STOP_REST_MS = 15 * 1000,
    RELOAD_MS = 30 * 1000,
    SITE_LISTENERS_MAX = 64, SITE_KEYS_MAX = 1000,
    LOG_QUEUE_MAX = 1 << 20,
};

/* ---- what the administrator said, read from the disk ---- */
struct site_file { struct str from, pattern, path, text; uint32_t index; struct site_file *next; };
struct site_key { struct str chain, key; struct site_key *next; };   /* PEM */
struct site_listener {
    enum listen_kind kind;
    uint32_t index;
    int fd;
    struct str host, place;             /* place: as it is printed */
    uint16_t port;
    bool kept, inherited;               /* the site before has it, too; the service manager made it */
    struct site_listener *next;
};
struct site {
    struct arena arena;
    struct config *config;
    struct str hostname;
    struct site_file *files;            /* none: no configuration file */
    struct site_key *keys;
    struct setup_secret *secrets;       /* passwords of routes */
    struct str authorities;             /* the system's bundle; empty: none */
    struct str resolv_conf, anchors;    /* whom dns asks and believes; empty: none */
    struct site_listener *listeners;
};
/* path: NULL or "" for none. builtin: text that stands for the file when there is none (penny serve --loopback), else NULL.
   Complaints go into errors as text for a person. NULL: not usable. Its listeners are not yet bound. */
struct site *site_load(const char *path, const char *builtin, const char *dir, struct buf *errors);
void site_free(struct site *s);         /* closes its listeners but the kept ones */
/* Binds what before (may be NULL) does not hold already; those that it holds are marked kept in s. False with why: nothing stays
   bound. */
bool site_listen(struct site *s, const struct site *before, struct why *why);
/* Sockets that systemd passed take the place of listeners: by their names, else by their ports. */
void site_inherit(struct site *s, struct process_listen *passed, size_t count);
bool site_edge_has(const struct site *s, enum role edge);
enum role site_edge_of(enum listen_kind kind);

/* ---- the crew ---- */
enum crew_state { CREW_DOWN, CREW_SPAWNED /* set-up was sent */, CREW_PREPARED, CREW_COMMITTED, CREW_READY, CREW_STOPPED };
struct master;
struct crew {
    struct master *master;
    enum role who;
    enum crew_state state;
    uint32_t incarnation, restarts;
    pid_t pid;                          /* 0: none */
    struct actor *actor;                /* --single */
    struct link *link;
    struct loop_timer again;            /* restart */
    int64_t delay_ms, since_ms, since_unix_ms;
    enum { VOTE_NONE, VOTE_YES, VOTE_NO } vote; /* of the reload */
};

struct log_queue { struct loop_io io; struct buf waiting; uint64_t dropped; bool direct, watching; struct loop *loop; };

struct master {
    struct loop *loop;
    struct loop_signals signals;
    struct log_queue log;
    const char *config_path;            /* NULL: none */
    const char *builtin;                /* the configuration when there is no file; NULL: the defaults */
    char dir[1024], run_dir[1024];
    int lock_fd, clients_fd;
    bool single, root, own_session, ready, stopping, failed;
    uid_t uid;
    gid_t gid;
    int64_t started_unix_ms, started_ms;
    unsigned char ticket_key[80];
    unsigned char salts[32];            /* keys/salts: of users that do not exist */
    struct site *site, *coming;
    uint64_t generation;
    uint32_t incarnations;
    struct crew crew[ROLE_COUNT];       /* [ROLE_MASTER] is not used */
    struct loop_timer stop_timer, reload_timer, ticket_timer;
    struct loop_defer sweep;            /* frees actors, looks whether all is done */
    int stop_phase;
    uint64_t reload_query;
    bool reload_asked_by_store;
    struct buf scratch;
    struct why why;                     /* why failed */
    int status;
};

bool crew_send(struct crew *c, const struct message *m, int fd);
bool crew_start(struct crew *c, struct why *why);
void crew_down(struct crew *c);         /* its process or actor is gone: forgets the link; restarts it later if that is wanted */
void crew_kill(struct crew *c);
void crew_commit(struct crew *c);
void crew_tell_store(struct master *m, const struct crew *c);
void crew_sign_channel(struct master *m, struct crew *edge);
void crew_free(struct crew *c);

void master_setup_send(struct crew *c, const struct site *s, uint64_t generation, bool first);
void master_message(struct crew *c, const struct message *m);
void master_stop(struct master *m, const char *why);
void master_fail(struct master *m, int status, const char *what, const struct why *why);
void master_reload(struct master *m);
void master_reload_vote(struct crew *c, bool yes, const struct why *why);
void master_reload_gone(struct crew *c);
void master_reload_late(void *master);
void master_sweep(struct master *m);
int master_run(struct master *m);       /* until it has stopped: the exit status */

bool log_start(struct log_queue *q, struct loop *loop);
bool log_add(void *queue, struct str line); /* a fact's sink */
void log_flush(struct log_queue *q, int64_t within_ms);
void log_stop(struct log_queue *q);
