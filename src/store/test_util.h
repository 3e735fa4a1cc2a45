/* SPDX-License-Identifier: ISC */
/* For this folder's tests: a store in a directory of its own, and short words for what tests do. Included by tests only. */
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/test.h"
#include "os/disk_twin.h"
#include "store/inside.h"

struct fixture {
    struct engine *e;
    struct engine_options o;
    char dir[128];
    struct why why;
    struct buf text;
};
struct delivered { enum outcome outcome; uint32_t uid; mailbox_id mailbox; uint64_t id; struct why why; };

static inline bool quiet(void *to, struct str line) { (void)to; (void)line; return true; }

static inline void fixture_reopen(struct fixture *f)
{
    f->e = engine_open(f->dir, -1, &f->o, &f->why);
    if (!f->e)
        fprintf(stderr, "engine_open: %s\n", f->why.text);
}

static inline void fixture_open(struct fixture *f, const struct engine_options *o)
{
    *f = (struct fixture){.o = *o};
    if (!getenv("PENNY_TEST_FACTS"))
        fact_sink(quiet, NULL);
    snprintf(f->dir, sizeof f->dir, "%s/penny-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(f->dir))
        abort();
    buf_init(&f->text, 256 * 1024 * 1024);
    fixture_reopen(f);
}

/* On a twin disk, with an index in memory: nothing but the log outlives the engine. */
static inline void fixture_open_twin(struct fixture *f, struct disk_twin *t, const struct engine_options *o)
{
    *f = (struct fixture){.o = *o, .dir = "/d"};
    if (!getenv("PENNY_TEST_FACTS"))
        fact_sink(quiet, NULL);
    f->o.disk = disk_twin_disk(t);
    f->o.index = ":memory:";
    buf_init(&f->text, 256 * 1024 * 1024);
    f->e = engine_open(f->dir, -1, &f->o, &f->why);
}

static inline void fixture_close_twin(struct fixture *f)
{
    if (f->e)
        engine_close(f->e);
    f->e = NULL;
    buf_free(&f->text);
}

static inline void fixture_restart(struct fixture *f)
{
    engine_close(f->e);
    fixture_reopen(f);
}

static inline void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    if (!d) {
        unlink(path);
        return;
    }
    for (const struct dirent *x; (x = readdir(d));)
        if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0) {
            char sub[512];
            snprintf(sub, sizeof sub, "%.255s/%.255s", path, x->d_name);
            remove_tree(sub);
        }
    closedir(d);
    rmdir(path);
}

static inline void fixture_close(struct fixture *f)
{
    if (f->e)
        engine_close(f->e);
    buf_free(&f->text);
    remove_tree(f->dir);
}

static inline void op_finished(struct op *op) { *(bool *)op->owner = true; }

/* Submits and turns until it is done. */
static inline enum outcome run_op(struct fixture *f, struct op *op)
{
    bool finished = false;
    op->done = op_finished;
    op->owner = &finished;
    engine_submit(f->e, op);
    for (int i = 0; !finished && i < 10000; i++) {
        engine_turn(f->e);
        if (!finished)
            usleep(100);
    }
    CHECK(finished);
    return op->outcome;
}

static inline account_id add_account(struct fixture *f, const char *name)
{
    struct op op = {.kind = OP_ACCOUNT_ADD, .account_add = {.name = str_c(name), .verifier = S("verifier")}};
    return run_op(f, &op) == DONE ? op.account_add.account : 0;
}

static inline body_ref put_body(struct fixture *f, struct str text, size_t piece)
{
    struct body_writer *w = engine_body_begin(f->e);
    while (w && text.n > 0) {
        if (engine_body_add(f->e, w, str_head(text, piece), &f->why) != DONE) {
            engine_body_abort(f->e, w);
            return 0;
        }
        text = str_skip(text, piece);
    }
    return w ? engine_body_end(f->e, w) : 0;
}

static inline struct op accept_op(struct op_delivery *d, uint32_t deliveries, struct op_queued *q, uint32_t queued,
                                  struct op_rcpt *rcpt, uint32_t rcpts)
{
    return (struct op){.kind = OP_ACCEPT,
                       .accept = {.received_ms = clock_unix_ms(),
                                  .from = S("x@y"),
                                  .helo = S("client"),
                                  .client = S("127.0.0.1"),
                                  .kind = S("smtp"),
                                  .trace = S("Received: here\r\n"),
                                  .rcpts = rcpt,
                                  .rcpt_count = rcpts,
                                  .deliveries = d,
                                  .delivery_count = deliveries,
                                  .queued = q,
                                  .queued_count = queued}};
}

static inline struct delivered deliver(struct fixture *f, account_id a, struct str text)
{
    struct op_delivery d = {.account = a, .folder = S("INBOX"), .prefix = S("Return-Path: <x@y>\r\n")};
    struct op_rcpt r = {.address = S("rcpt@demo.test")};
    struct op op = accept_op(&d, 1, NULL, 0, &r, 1);
    op.accept.id = engine_lease_ids(f->e, 1);
    op.accept.body = put_body(f, text, 10000);
    run_op(f, &op);
    return (struct delivered){op.outcome == DONE ? d.outcome : op.outcome, d.uid, d.mailbox, op.accept.id, op.why};
}

static inline enum outcome change_uids(struct fixture *f, enum op_kind kind, account_id a, mailbox_id m, const uint32_t *uids,
                                       uint32_t count, uint32_t set, uint32_t clear)
{
    struct op op = {.kind = kind};
    if (kind == OP_EXPUNGE) {
        op.expunge.account = a, op.expunge.mailbox = m, op.expunge.uids = uids, op.expunge.count = count;
    } else {
        op.flags.account = a, op.flags.mailbox = m, op.flags.uids = uids, op.flags.count = count;
        op.flags.set = set, op.flags.clear = clear;
    }
    return run_op(f, &op);
}

/* "uid:flags:modseq:size " of each message. */
static inline bool list_one(void *to, const struct engine_message *m)
{
    buf_printf(to, "%u:%u:%llu ", (unsigned)m->uid, (unsigned)m->flags, (unsigned long long)m->modseq);
    return true;
}
static inline struct str list_messages(struct fixture *f, account_id a, mailbox_id m)
{
    buf_clear(&f->text);
    return engine_messages(f->e, a, m, 1, list_one, &f->text) == DONE ? buf_str(&f->text) : S("(trouble)");
}

static inline void tell_finding(void *to, struct str line)
{
    (void)to;
    fprintf(stderr, "finding: %.*s\n", STR_ARG(line));
}
static inline void count_finding(void *to, struct str line)
{
    (void)line;
    ++*(unsigned *)to;
}
/* Checks that verify finds nothing. */
static inline void check_sound(struct fixture *f)
{
    struct why why;
    enum outcome o = engine_verify(f->e, tell_finding, NULL, NULL, &why);
    CHECK_NUM(o, DONE);
    if (o != DONE)
        fprintf(stderr, "verify: %s\n", why.text);
}

/* The whole message, read in pieces of 50,000 bytes; empty when it cannot be read. */
static inline struct str read_message(struct fixture *f, account_id a, mailbox_id m, uint32_t uid)
{
    static char piece[50000];
    bool more = true;
    buf_clear(&f->text);
    while (more) {
        struct buf b;
        buf_fixed(&b, piece, sizeof piece);
        if (engine_read(f->e, a, m, uid, f->text.n, &b, &more, &f->why) != DONE)
            return STR_NONE;
        buf_add(&f->text, buf_str(&b));
    }
    return buf_str(&f->text);
}
