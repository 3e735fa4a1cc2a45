/* SPDX-License-Identifier: ISC */
/* The engine through its door, on a real directory, without and with threads. */
#include "base/test.h"
#include <stdio.h>
#include <unistd.h>
#include "store/test_util.h"

static void with_modes(void (*run)(struct fixture *f))
{
    for (int threads = 0; threads < 2; threads++) {
        struct fixture f;
        fixture_open(&f, &(struct engine_options){.threads = threads, .segment_size = 1024 * 1024});
        CHECK(f.e != NULL);
        if (f.e)
            run(&f);
        fixture_close(&f);
    }
}

static void accounts_and_delivery(struct fixture *f)
{
    struct engine_account a;
    struct engine_mailbox m;
    account_id alice = add_account(f, "alice@demo.test");
    CHECK(alice != 0);
    CHECK(engine_account_by_name(f->e, S("alice@demo.test"), &a));
    CHECK_NUM(a.id, alice);
    CHECK(engine_mailbox_by_name(f->e, alice, S("inbox"), &m));
    CHECK_NUM(m.id, 1);
    CHECK_NUM(m.uidnext, 1);
    CHECK(engine_mailbox_by_name(f->e, alice, S("Sent"), &m));
    CHECK_STR(m.special_use, S("\\Sent"));
    struct delivered d = deliver(f, alice, S("Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"));
    CHECK_NUM(d.outcome, DONE);
    CHECK_NUM(d.uid, 1);
    d = deliver(f, alice, S("Subject: two\r\n\r\nbody 2\r\n"));
    CHECK_NUM(d.uid, 2);
    CHECK_STR(read_message(f, alice, 1, 1), S("Return-Path: <x@y>\r\nReceived: here\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"));
    CHECK_STR(read_message(f, alice, 1, 2), S("Return-Path: <x@y>\r\nReceived: here\r\nSubject: two\r\n\r\nbody 2\r\n"));
    CHECK(engine_mailbox_by_name(f->e, alice, S("INBOX"), &m));
    CHECK_NUM(m.messages, 2);
    CHECK_NUM(m.uidnext, 3);
    CHECK(engine_account_by_name(f->e, S("alice@demo.test"), &a));
    CHECK_NUM(a.messages, 2);
    CHECK_NUM(a.used, m.bytes);
}

TEST(accounts_and_delivery) { with_modes(accounts_and_delivery); }
