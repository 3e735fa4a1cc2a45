/* SPDX-License-Identifier: ISC */
/* For tests: the store role and the keys role in one process over in-memory links, in a directory of their own, with
   hand-played edges. No network. */
#pragma once
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/facts.h"
#include "base/test.h"
#include "daemon/inside.h"
#include "daemon/store_inside.h"
#include "os/file.h"

enum { RIG_SEEN_MAX = 4096, RIG_WAIT_MS = 10000 };

/* One end of a link, played by hand, and what came over it. */
struct rig_edge {
    struct rig *rig;
    enum role who;
    uint32_t incarnation;
    struct link *link;
    bool closed;
    struct message *seen[RIG_SEEN_MAX];
    char *bytes[RIG_SEEN_MAX];
    size_t count, read;
};
struct rig {
    char dir[64];
    const struct disk *disk; /* NULL: the kernel's */
    struct loop *loop;
    struct actor *store, *keys;
    struct rig_edge mx, user, user_keys; /* edge-mx and edge-user to store; edge-user to keys */
    uint32_t next_incarnation;
    uint64_t next_session, next_id, ids_end;
    int ended;
};

static inline void rig_on_frame(void *self, struct link *l, struct frame *f)
{
    struct rig_edge *e = self;
    (void)l;

    if (e->count == RIG_SEEN_MAX)
        abort();
    char *copy = malloc(f->payload.n + 1);
    struct message *m = calloc(1, sizeof *m);
    if (!copy || !m)
        abort();
    if (f->payload.n)
        memcpy(copy, f->payload.p, f->payload.n);
    CHECK(message_read(f->type, str_of(copy, f->payload.n), m)); /* ours is always well formed */
    e->bytes[e->count] = copy;
    e->seen[e->count++] = m;
}
static inline void rig_on_close(void *self, struct link *l, const char *why)
{
    struct rig_edge *e = self;
    (void)l, (void)why;
    e->closed = true;
}
static inline bool rig_quiet(void *to, struct str line)
{
    (void)to, (void)line;
    return true;
}
static inline void rig_on_end(void *to, struct actor *a, int status)
{
    struct rig *r = to;
    (void)a;
    r->ended = status + 1;
}

static inline void rig_forget(struct rig_edge *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->seen[i]);
        free(e->bytes[i]);
    }
    e->count = e->read = 0;
}

static const struct link_handler rig_ours = {rig_on_frame, rig_on_close, NULL};

static inline void rig_hang_up(struct rig_edge *e)
{
    rig_forget(e);
    if (e->link)
        link_free(e->link);
    e->link = NULL;
}

static inline void rig_connect(struct rig *r, struct rig_edge *e, enum role who, struct actor *to, uint32_t incarnation)
{
    struct link *ends[2];

    rig_hang_up(e);
    *e = (struct rig_edge){.rig = r, .who = who, .incarnation = incarnation};
    if (!link_new_pair(r->loop, "edge", &rig_ours, e, "role", &peer_handler, &to->peers[who], LINK_QUEUE_MAX, ends))
        abort();
    e->link = ends[0];
    actor_link(to, who, e->incarnation, ends[1]);
}

static inline void rig_connect_mx(struct rig *r) { rig_connect(r, &r->mx, ROLE_EDGE_MX, r->store, ++r->next_incarnation); }
static inline void rig_connect_user(struct rig *r)
{
    rig_connect(r, &r->user, ROLE_EDGE_USER, r->store, ++r->next_incarnation);
    if (r->keys)
        rig_connect(r, &r->user_keys, ROLE_EDGE_USER, r->keys, r->user.incarnation);
}

static inline const struct setup *rig_setup(const struct rig *r, const char *config_text)
{
    struct setup *s = calloc(1, sizeof *s);
    struct buf errors;

    buf_init(&errors, 65536);
    s->holders = 1;
    s->lock_fd = -1;
    s->clients_fd = -1;
    arena_init(&s->arena, 32 << 20);
    struct str text = arena_str(&s->arena, str_c(config_text));
    struct config *c = config_parse(&s->arena, S("test.conf"), text, &errors, false);
    if (!c) {
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
        abort();
    }
    buf_free(&errors);
    s->config = c;
    s->dir = arena_str(&s->arena, str_c(r->dir));
    s->run_dir = s->dir;
    s->owner_uid = (uint32_t)getuid();
    s->started_ms = clock_unix_ms();
    return s;
}

static inline void rig_start(struct actor *a, const struct setup *s, const struct disk *disk)
{
    struct why why = {0};

    a->setup = s;
    bool prepared = a->type->prepare(a, s, &why);
    if (prepared && disk && a->type->who == ROLE_STORE)
        ((struct store *)a->self)->engine_options = (struct engine_options){.disk = disk, .index = ":memory:"};
    if (!prepared || !a->type->begin(a, s, &why)) {
        fprintf(stderr, "%s: %s\n", role_name(a->type->who), why.text);
        abort();
    }
    a->inside->begun = true;
}

#define RIG_CONFIG "hostname mail.demo.test\ndomain demo.test\n"

static inline void rig_open_store(struct rig *r, const char *config)
{
    r->store = actor_new(&role_store, r->loop, ++r->next_incarnation, true, rig_on_end, r);
    rig_start(r->store, rig_setup(r, config), r->disk);
    rig_connect_mx(r);
    rig_connect_user(r);
}

static inline void rig_open_keys(struct rig *r, const char *config)
{
    struct link *ends[2];

    r->keys = actor_new(&role_keys, r->loop, ++r->next_incarnation, true, rig_on_end, r);
    rig_start(r->keys, rig_setup(r, config ? config : RIG_CONFIG), NULL);
    if (!link_new_pair(r->loop, "store", &peer_handler, &r->store->peers[ROLE_KEYS], "keys", &peer_handler,
                       &r->keys->peers[ROLE_STORE], LINK_QUEUE_MAX, ends))
        abort();
    actor_link(r->store, ROLE_KEYS, r->keys->incarnation, ends[0]);
    actor_link(r->keys, ROLE_STORE, r->store->incarnation, ends[1]);
    rig_connect_user(r);
}

static inline struct rig *rig_new_on(const char *config, const struct disk *disk)
{
    struct rig *r = calloc(1, sizeof *r);

    fact_sink(rig_quiet, NULL); /* breaches are what is tested */
    snprintf(r->dir, sizeof r->dir, "/tmp/penny-test-XXXXXX");
    if (!mkdtemp(r->dir))
        abort();
    r->loop = loop_new();
    r->next_session = 1;
    r->disk = disk;
    rig_open_store(r, config ? config : RIG_CONFIG);
    return r;
}
static inline struct rig *rig_new(const char *config) { return rig_new_on(config, NULL); }

static inline int rig_unlink(const char *path, const struct stat *s, int kind, struct FTW *f)
{
    (void)s, (void)kind, (void)f;
    return remove(path);
}

static inline void rig_close_store(struct rig *r)
{
    actor_free(r->store);
    r->store = NULL;
    rig_hang_up(&r->mx);
    rig_hang_up(&r->user);
}

static inline void rig_free(struct rig *r)
{
    rig_close_store(r);
    actor_free(r->keys);
    rig_hang_up(&r->user_keys);
    loop_free(r->loop);
    nftw(r->dir, rig_unlink, 16, FTW_DEPTH | FTW_PHYS);
    free(r);
}

static inline struct store *rig_store(struct rig *r) { return r->store->self; }

static inline void rig_turns(struct rig *r, int n)
{
    while (n-- > 0)
        loop_turn(r->loop, 0);
}

static inline void rig_send(struct rig_edge *e, const struct message *m)
{
    struct buf scratch;

    buf_init(&scratch, FRAME_MAX);
    CHECK(message_send(e->link, &scratch, m, -1));
    buf_free(&scratch);
}

/* The next message of that kind, in order of arrival; others that came before it are passed over. NULL: none came in time. */
static inline const struct message *rig_wait(struct rig_edge *e, enum message_kind kind)
{
    int64_t until = clock_mono_ms() + RIG_WAIT_MS;

    for (;;) {
        while (e->read < e->count)
            if (e->seen[e->read++]->kind == kind)
                return e->seen[e->read - 1];
        if (clock_mono_ms() > until || e->closed)
            return NULL;
        loop_turn(e->rig->loop, 20);
    }
}

/* ---- the directory ---- */

static inline void rig_op_done(struct op *op) { *(bool *)op->owner = true; }

static inline enum outcome rig_op(struct rig *r, struct op *op)
{
    bool done = false;

    op->done = rig_op_done;
    op->owner = &done;
    store_submit(rig_store(r), op);
    for (int64_t until = clock_mono_ms() + RIG_WAIT_MS; !done && clock_mono_ms() < until;)
        loop_turn(r->loop, 20);
    return done ? op->outcome : 0;
}

static inline uint64_t rig_account(struct rig *r, const char *name, uint64_t quota, struct str verifier)
{
    struct op op = {.kind = OP_ACCOUNT_ADD};

    op.account_add.name = str_c(name);
    op.account_add.quota = quota;
    op.account_add.verifier = verifier;
    CHECK(rig_op(r, &op) == DONE);
    return op.account_add.account;
}

static inline void rig_alias(struct rig *r, const char *name, const char *a, const char *b)
{
    struct str targets[2] = {str_c(a), str_c(b)};
    struct op op = {.kind = OP_ALIAS_SET};

    op.alias.name = str_c(name);
    op.alias.targets = targets;
    op.alias.count = b ? 2 : 1;
    CHECK(rig_op(r, &op) == DONE);
}

static inline void rig_folder(struct rig *r, uint64_t account, const char *name)
{
    struct op op = {.kind = OP_MAILBOX_ADD};

    op.mailbox_add.account = account;
    op.mailbox_add.name = str_c(name);
    op.mailbox_add.special_use = S("");
    CHECK(rig_op(r, &op) == DONE);
}

static inline void rig_remove(struct rig *r, uint64_t account)
{
    struct op op = {.kind = OP_ACCOUNT_REMOVE};

    op.account.account = account;
    CHECK(rig_op(r, &op) == DONE);
}

/* ---- mail ---- */

static inline uint64_t rig_id(struct rig *r, struct rig_edge *e)
{
    rig_send(e, &MSG(id_lease, .count = 1));
    const struct message *m = rig_wait(e, MSG_id_range);
    CHECK(m && m->id_range.count == 1);
    (void)r;
    return m ? m->id_range.first : 0;
}

struct rig_mail {
    const char *from, *to[8];
    uint32_t notify[8];
    const char *orcpt[8];
    const char *text;
    uint64_t handle, session;
    enum smtp_kind kind;
    enum smtp_body body;
    enum smtp_ret ret;
    bool requiretls;
    int priority;
    const char *envid;
    const char *header_from;
};

static inline const struct message *rig_rcpt(struct rig_edge *e, uint64_t session, uint64_t handle, const char *to)
{
    rig_send(e, &MSG(rcpt, .session = session, .handle = handle, .from = S("sender@elsewhere.test"), .to = str_c(to)));
    return rig_wait(e, MSG_answer);
}

static inline void rig_mail_send(struct rig_edge *e, struct rig_mail *m)
{
    struct str text = str_c(m->text ? m->text : "Subject: hello\r\n\r\nbody\r\n");
    uint64_t id = rig_id(e->rig, e);
    uint32_t n = 0;

    if (!m->session)
        m->session = e->rig->next_session++;
    rig_send(e, &MSG(body_begin, .session = m->session));
    for (struct str rest = text; rest.n; rest = str_skip(rest, BODY_PIECE_MAX))
        rig_send(e, &MSG(body_piece, .session = m->session, .data = str_head(rest, BODY_PIECE_MAX)));
    for (; n < 8 && m->to[n]; n++)
        rig_send(e, &MSG(commit_rcpt, .session = m->session, .to = str_c(m->to[n]), .orcpt = str_c(m->orcpt[n]),
                         .notify = m->notify[n]));
    rig_send(e,
             &MSG(commit, .session = m->session, .handle = m->handle, .id = id, .kind = (uint8_t)m->kind, .from = str_c(m->from),
                  .envid = str_c(m->envid), .ret = (uint8_t)m->ret, .body = (uint8_t)m->body, .requiretls = m->requiretls,
                  .priority = m->priority, .rcpt_count = n, .size = text.n, .client_ip = S("192.0.2.1"), .helo = S("client.test"),
                  .header_from = str_c(m->header_from), .trace = S("Received: from client.test by mail.demo.test; now\r\n")));
}

static inline const struct message *rig_mail(struct rig_edge *e, struct rig_mail *m)
{
    rig_mail_send(e, m);
    return rig_wait(e, MSG_committed);
}
#define STRANGER "sender@elsewhere.test"
#define MAIL(from_, ...) (&(struct rig_mail){.from = from_, __VA_ARGS__})

/* What is in a mailbox: count, and the whole text of the last one. */
struct rig_box { uint32_t count, last; };
static inline bool rig_count(void *to, const struct engine_message *m)
{
    struct rig_box *b = to;

    b->count++;
    b->last = m->uid;
    return true;
}
static inline struct rig_box rig_box(struct rig *r, uint64_t account, const char *folder)
{
    struct rig_box b = {0};
    struct engine_mailbox box;

    if (engine_mailbox_by_name(rig_store(r)->engine, account, str_c(folder), &box))
        engine_messages(rig_store(r)->engine, account, box.id, 1, rig_count, &b);
    return b;
}
static inline struct str rig_read(struct rig *r, uint64_t account, const char *folder, struct buf *to)
{
    struct rig_box b = rig_box(r, account, folder);
    struct engine_mailbox box;
    struct why why;
    bool more = true;

    buf_clear(to);
    if (b.count && engine_mailbox_by_name(rig_store(r)->engine, account, str_c(folder), &box))
        while (more && engine_read(rig_store(r)->engine, account, box.id, b.last, to->n, to, &more, &why) == DONE)
            ;
    return buf_str(to);
}
static inline bool has(struct str text, const char *needle) { return str_find_str(text, str_c(needle)) < text.n; }
static inline bool rig_queued(void *to, const struct engine_queued *q)
{
    struct buf *b = to;

    buf_add(b, q->from);
    buf_add_c(b, ">");
    buf_add(b, q->address);
    buf_add_c(b, " ");
    return true;
}
