// SPDX-License-Identifier: ISC
/* For tests: a maildrop and a user ("alice@demo.test", "secret pass") around the server machine. */
#pragma once
#include "base/limits.h"
#include "base/random.h"
#include "login/login.h"
#include "pop3/server.h"

enum { HOST_MESSAGES_MAX = 64 };

struct host_message { struct str text; uint32_t uid; bool utf8; };

struct host {
    struct pop3_server s;
    struct pop3_settings settings;
    struct arena connection, scratch, texts;
    struct host_message stored[HOST_MESSAGES_MAX];
    uint32_t stored_count;
    struct pop3_message listed[HOST_MESSAGES_MAX];
    struct login_server login;
    struct login_verifier *verifier; /* SCRAM, when it is set */
    const char *open, *commit, *auth; /* NULL: fine; else a status ("in-use", "retry", "refuse") */
    uint64_t read_fails_at;          /* 0: never; else offset + 1 */
    size_t piece_max;                /* 0: what the machine says is useful */
    bool ignore_room, say_last, locked, deleted_any;
    struct buf log;                  /* what the host was asked for, for comparison */
};

static inline void host_init(struct host *h)
{
    memset(h, 0, sizeof *h);
    arena_init(&h->texts, 4 << 20);
    h->settings = (struct pop3_settings){.hostname = S("mail.demo.test"), .offer_tls = true, .login_needs_tls = true, .idle_timeout_ms = 600000,
                                         .error_max = 5, .expire_days = -1};
}

static inline void host_add(struct host *h, struct str text, bool utf8)
{
    if (h->stored_count == HOST_MESSAGES_MAX)
        return;
    h->stored[h->stored_count] = (struct host_message){arena_str(&h->texts, text), h->stored_count * 2 + 7, utf8};
    h->stored_count++;
}

static inline bool host_open(struct host *h, struct buf *out)
{
    arena_init(&h->connection, SESSION_CONNECTION_MEM);
    arena_init(&h->scratch, SESSION_SCRATCH_MEM);
    buf_init(&h->log, 1 << 20);
    memset(&h->s, 0, sizeof h->s);
    memset(&h->login, 0, sizeof h->login);
    h->locked = h->deleted_any = false;
    h->s.settings = &h->settings;
    h->s.connection = &h->connection;
    h->s.scratch = &h->scratch;
    h->s.m.out = out;
    return pop3_server_init(&h->s);
}

static inline void host_close(struct host *h)
{
    login_server_clear(&h->login);
    pop3_server_clear(&h->s);
    arena_clear(&h->connection);
    arena_clear(&h->scratch);
    buf_free(&h->log);
}

static inline enum outcome host_outcome(const char *status, struct why *why)
{
    if (!status)
        return DONE;
    if (strcmp(status, "refuse") == 0)
        return REFUSE;
    if (strcmp(status, "retry") != 0)
        strncpy(why->status, status, sizeof why->status - 1);
    return RETRY;
}

/* PLAIN is compared by hand: argon2id would cost 11 ms in each of thousands of plays. */
static inline void host_auth(struct host *h, struct pop3_ask *a)
{
    static char challenge_text[2048];
    struct buf challenge;
    buf_fixed(&challenge, challenge_text, sizeof challenge_text);
    a->outcome = host_outcome(h->auth, &a->why);
    a->auth = POP3_AUTH_FAILED;
    if (a->outcome != DONE)
        return;
    if (a->mechanism.n > 0 && !login_server_init(&h->login, a->mechanism, &h->s.m.tls, h->settings.scram_sha1))
        return;
    enum login_step step = login_server_feed(&h->login, a->has_data, a->data, &challenge);
    bool known = strcmp(h->login.user, "alice@demo.test") == 0;
    if (step == LOGIN_NEED_VERIFIER && h->login.password_n > 0)
        step = known && str_eq(str_of(h->login.password, h->login.password_n), S("secret pass")) ? LOGIN_OK : LOGIN_FAILED;
    else if (step == LOGIN_NEED_VERIFIER)
        step = login_server_verifier(&h->login, known && h->verifier, h->verifier, &challenge);
    a->answer_data = buf_str(&challenge);
    a->auth = step == LOGIN_MORE ? POP3_AUTH_MORE : step == LOGIN_OK ? POP3_AUTH_OK : POP3_AUTH_FAILED;
    if (step == LOGIN_OK)
        h->s.user = S("alice@demo.test");
}

static inline void host_list(struct host *h, struct pop3_ask *a)
{
    a->outcome = host_outcome(h->open, &a->why);
    if (a->outcome != DONE)
        return;
    for (uint32_t i = 0; i < h->stored_count; i++)
        h->listed[i] = (struct pop3_message){.uid = h->stored[i].uid, .size = h->stored[i].text.n, .utf8 = h->stored[i].utf8};
    h->s.messages = h->listed;
    h->s.message_count = h->stored_count;
    h->s.uidvalidity = 1700000001;
    h->locked = true;
}

static inline void host_read(struct host *h, struct pop3_ask *a)
{
    a->outcome = REFUSE;
    for (uint32_t i = 0; i < h->stored_count; i++)
        if (h->stored[i].uid == a->uid) {
            struct str rest = str_skip(h->stored[i].text, a->offset < SIZE_MAX ? (size_t)a->offset : SIZE_MAX);
            size_t most = h->ignore_room ? BODY_PIECE_MAX : a->room;
            if (h->piece_max > 0 && h->piece_max < most)
                most = h->piece_max;
            a->outcome = h->read_fails_at > 0 && a->offset + 1 >= h->read_fails_at ? RETRY : DONE;
            a->answer_data = str_head(rest, most);
            a->last = h->say_last && rest.n <= most;
        }
}

static inline void host_commit(struct host *h, struct pop3_ask *a)
{
    a->outcome = host_outcome(h->commit, &a->why);
    buf_add(&h->log, S("commit"));
    for (uint32_t i = 0; i < h->s.message_count; i++)
        if (h->s.messages[i].deleted) {
            buf_printf(&h->log, " %u", (unsigned)h->s.messages[i].uid);
            h->deleted_any = true;
        }
    buf_add(&h->log, S("\n"));
    h->locked = false;
}

static inline void host_answer(struct host *h)
{
    struct pop3_ask *a = &h->s.ask;
    switch (a->kind) {
    case POP3_ASK_AUTH: host_auth(h, a); break;
    case POP3_ASK_OPEN: host_list(h, a); break;
    case POP3_ASK_READ: host_read(h, a); break;
    case POP3_ASK_COMMIT: host_commit(h, a); break;
    case POP3_ASK_NONE: break;
    }
    h->s.m.answered = true;
}
