// SPDX-License-Identifier: ISC
/* The operator's requests as values: what a command asks of a server over its control socket, or carries out itself on a
   directory that no server holds. Both ways run the same code: a control_session takes frames in and gives frames out and never
   touches a descriptor.

       command ──REQUEST──► (DATA … END with a message) ──► session ──LINE|BYTES|PROGRESS …──► DONE ──► next REQUEST

   Executed by the store role (it owns the engine), one session a connection, any number at a time; each session has one request
   in work. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/outcome.h"
#include "config/config.h"
#include "login/login.h"
#include "route/route.h"
#include "store/engine.h"

/* The socket's name in the run directory (config: run-dir; not set: "run" in the data directory). */
#define CONTROL_SOCKET  "control"
#define CONTROL_RUN_DIR "run"

enum control_verb {
#define VERB(id, word, change) CONTROL_##id,
#include "control/verbs.def"
#undef VERB
    CONTROL_VERB_COUNT
};
const char *control_verb_word(uint32_t verb); /* "user add"; "?" for a number that is none */

enum {
    CONTROL_VERSION = 1,
    CONTROL_NAME_MAX = 512,
    CONTROL_ARGS_MAX = 64 * 1024,
    CONTROL_SECRET_MAX = 1024, /* login.h: a password has at most 1,000 octets */
    CONTROL_NUMBERS = 4,
    CONTROL_FRAME_MAX = 128 * 1024, /* payload of one frame */
    CONTROL_OUT_MAX = 512 * 1024,   /* frames that may wait for a slow reader */
};

/* bits */
enum control_flag {
    CONTROL_DRY_RUN = 1, /* say what would happen, change nothing */
    CONTROL_FORCE = 2,   /* also when something would be lost (mail of a removed user) */
    CONTROL_HEADERS = 4, /* mail ls: each LINE is followed by BYTES with the header of that message */
    CONTROL_OFF = 8,     /* user suspend: end it */
    CONTROL_ALL = 16,    /* store compact: every segment with anything dead in it */
    CONTROL_PEEK = 32,   /* mail read: leaves the message unseen */
};

/* Fixed and bounded, native byte order (the socket is local): the payload of a REQUEST frame, which is cut behind the last used
   byte of args. Lengths are checked by the session before anything is read. Which members a verb reads: verbs.def. */
struct control_request {
    uint32_t version, verb, flags;
    uint32_t name_n, secret_n, args_n;
    int64_t num[CONTROL_NUMBERS];
    char name[CONTROL_NAME_MAX];     /* an address, domain, id, path */
    char secret[CONTROL_SECRET_MAX]; /* a password; wiped as soon as it was used */
    char args[CONTROL_ARGS_MAX];     /* words, each ended by a NUL */
};
void control_request_init(struct control_request *r, enum control_verb verb);
bool control_request_name(struct control_request *r, struct str name); /* false: too long, or holds a NUL */
bool control_request_arg(struct control_request *r, struct str word);  /* appends; false: no room, or holds a NUL */
bool control_request_secret(struct control_request *r, struct str secret);
struct str control_request_next_arg(const struct control_request *r, size_t *cursor); /* p NULL at the end; cursor starts at 0 */

enum control_frame {
    CONTROL_FRAME_REQUEST = 1,
    CONTROL_FRAME_DATA,
    CONTROL_FRAME_END,      /* from the command */
    CONTROL_FRAME_LINE,     /* one JSON object and LF */
    CONTROL_FRAME_BYTES,    /* a piece of a message, or of plain text (status page, explanation) */
    CONTROL_FRAME_PROGRESS, /* u32: per mille */
    CONTROL_FRAME_DONE,     /* struct control_end */
};
enum { CONTROL_CONFIRM = 200 };
struct control_end {
    uint32_t code; /* the command's exit status: 0, 1 the answer is no, sysexits (64 …); CONTROL_CONFIRM: ask, then again with
                      CONTROL_FORCE */
    char text[512], hint[512]; /* NUL-terminated: what is wrong; what to do */
};
void control_frame_add(struct buf *to, enum control_frame kind, struct str payload);
void control_frame_request(struct buf *to, const struct control_request *r);
/* Takes a whole frame from in: payload points into in and is good until in changes; the frame's bytes are consumed.
   CONTROL_TAKE_BROKEN: not a frame of ours or larger than CONTROL_FRAME_MAX; close the connection. */
enum control_take { CONTROL_TAKE_MORE, CONTROL_TAKE_FRAME, CONTROL_TAKE_BROKEN };
enum control_take control_frame_take(struct buf *in, enum control_frame *kind, struct str *payload);

/* ---- the end that executes ---- */

struct control_session;

/* What only the process around can do. Questions marked * are answered later (or at once, also from within the call) by
 * control_session_answer. */
struct control_hooks {
    void *self;
    /* * Derive a verifier from password (keys role: on a worker thread; a command: inline). The answer's data is a struct
     * login_verifier. */
    void (*verifier)(void *self, struct control_session *s, struct str password);
    /* * Read the configuration again, all or nothing. The answer's data is the complaints as text. NULL: no server runs. */
    void (*reload)(void *self, struct control_session *s);
    void (*stop)(void *self); /* orderly stop has begun. NULL: no server runs */
    void (*status)(void *self,
                   struct json_writer *w); /* adds members to the object of `penny status`: roles, sessions, uptime. NULL: none */
    uint64_t (*next_id)(void *self);       /* a fresh message id */
    void (*wake)(void *self,
                 struct control_session *s); /* something came true: call control_session_run soon (never from within) */
    void (*progress)(void *self, struct control_session *s,
                     uint32_t permille); /* the loop is held up by maintenance; NULL: no interest */
    /* The user's sessions must not outlive this: password changed, suspended, removed. NULL: none. */
    void (*account_changed)(void *self, account_id a);
    /* A queue operation is durable; what op queued may go out. NULL: no server runs, the next one finds all. */
    void (*queue_changed)(void *self, const struct op *op);
    void (*accepted)(void *self, const struct op_accept *a);
    /* What the scheduler knows of an entry: is it being sent now; until when its domain waits, and why. NULL: nothing. */
    bool (*queue_state)(void *self, uint64_t queue_id, struct str domain, int64_t *until_ms, struct str *why);
};

struct control_context { /* one a process; lives longer than its sessions */
    struct engine *engine;
    const struct config *config; /* the host swaps it on reload */
    struct control_hooks hooks;
    uint32_t owner_uid; /* the service user: it and root may do everything; others get 77 */
    bool direct;        /* a command works on the directory itself */
    int64_t started_ms; /* civil */
    struct str dir;     /* for messages */
};

enum control_next {
    CONTROL_WANTS_INPUT,  /* more bytes in s->in */
    CONTROL_WANTS_ROOM,   /* out must be drained first */
    CONTROL_WANTS_ANSWER, /* engine or hook; wake will be called */
    CONTROL_WANTS_CLOSE,  /* drain out, close */
};

struct control_session *control_session_new(struct control_context *c, uint32_t peer_uid); /* NULL: no memory */
struct buf *control_session_in(struct control_session *s);  /* the host appends what it received, at most buf_room() */
struct buf *control_session_out(struct control_session *s); /* the host drains it */
enum control_next control_session_run(struct control_session *s);
/* The connection is gone. The memory goes now, or when an operation that is still in the engine's or a hook's hands comes back.
 */
void control_session_free(struct control_session *s);
/* A hook's answer. data is copied. */
void control_session_answer(struct control_session *s, enum outcome outcome, const struct why *why, struct str data);
uint32_t control_session_peer(const struct control_session *s); /* uid */
bool control_session_is_gone(const struct control_session *s);  /* freed by the host, an answer is still owed */
