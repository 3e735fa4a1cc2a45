// SPDX-License-Identifier: ISC
#pragma once
#include "base/limits.h"
#include "control/control.h"
#include "control/facts.h"

enum {
    REQUEST_MEM = 8 << 20,
    OUT_RESERVE = sizeof(struct control_end) + 64, /* the DONE frame always fits */
    LINE_MAX = 64 * 1024,
    PIECE_MAX = 64 * 1024,
};
/* sysexits.h and ours, see penny(1) */
enum {
    EXIT_NO = 1,
    EXIT_USAGE_BAD = 64,
    EXIT_DATA = 65,
    EXIT_NO_USER = 67,
    EXIT_NOT_RUNNING = 69,
    EXIT_BUG = 70,
    EXIT_CREATE = 73,
    EXIT_DISK = 74,
    EXIT_LATER = 75,
    EXIT_NOT_ALLOWED = 77,
    EXIT_CONFIG = 78
};

/* What a step needs next. After ANSWER, s->answer holds what came. */
enum step { STEP_AGAIN, STEP_YIELD /* others first, then again */, STEP_ROOM, STEP_INPUT, STEP_ANSWER, STEP_END };

struct control_session {
    struct control_context *c;
    uint32_t peer;
    struct buf in, out, line;
    struct control_request *r; /* in work; NULL between requests */
    struct str name;           /* r->name */
    struct arena a;            /* of the request */
    enum step (*step)(struct control_session *s);
    enum step need;
    bool gone, broken, owed; /* owed: an operation or hook has not answered */
    struct {
        enum outcome outcome;
        struct why why;
        struct buf data;
    } answer;
    struct op op;
    /* what verbs keep between steps */
    struct str last; /* listings go on behind this name */
    bool first, more;
    uint64_t cursor, offset;
    uint32_t last_permille; /* reported, plus one */
    void *work;
    struct body_writer *body; /* send */
};

/* Ends the request: DONE goes out. hint may be empty. Returns STEP_END. */
enum step control_end(struct control_session *s, uint32_t code, const char *before, struct str what, const char *after,
                      const char *hint);
enum step control_ok(struct control_session *s);
/* An operation's or the engine's outcome that was not DONE. */
enum step control_outcome(struct control_session *s, enum outcome o, const struct why *why);
/* One JSON line: begin, members, end. End: false when out has no room now (nothing was added): return STEP_ROOM and come again.
 */
struct json_writer control_line_begin(struct control_session *s);
bool control_line_end(struct control_session *s, struct json_writer *w);
bool control_bytes(struct control_session *s, struct str piece);
/* Submits s->op; then is called with s->answer when it is done. Returns STEP_ANSWER. */
enum step control_submit(struct control_session *s, enum step (*then)(struct control_session *s));
enum step control_finish(struct control_session *s); /* the last operation's outcome is the request's */
void control_wipe(void *p, size_t n);
/* Copies into the request's arena; NULL p: no memory (the caller returns control_no_memory). */
struct str control_keep(struct control_session *s, struct str x);
enum step control_no_memory(struct control_session *s);

/* queue.c: which entries a request is about. STEP_AGAIN: f and route are filled, else the request has been ended. */
enum step control_queue_filter(struct control_session *s, struct engine_filter *f, struct str *route);
bool control_queue_filter_is_empty(const struct engine_filter *f);

/* names.c: what a word of the request means; STEP_AGAIN: fine, else the request has been ended. */
enum step control_address(struct control_session *s, struct str text, struct address *to, struct str *key);
enum step control_domain(struct control_session *s, struct str text, struct str *name);
enum step control_account(struct control_session *s, struct str text, struct engine_account *to, struct str *key);
enum step control_mailbox(struct control_session *s, struct engine_account *a,
                          struct engine_mailbox *m); /* name: account, first arg: folder or INBOX */
bool control_domain_known(struct control_session *s, struct str name);
/* "PATH:LINE" of the configuration, in the request's arena. */
struct str control_place(struct control_session *s, struct str file, uint32_t line);
bool control_in_domain(struct str key, struct str domain);                   /* empty: every */
void control_time(struct json_writer *w, const char *name, int64_t unix_ms); /* RFC 3339 */
void control_id(struct json_writer *w, const char *name, uint64_t id);
void control_stat(struct control_session *s, struct json_writer *w);

#define VERB(id, word, change) enum step control_do_##id(struct control_session *s);
#include "control/verbs.def"
#undef VERB
