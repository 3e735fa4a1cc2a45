/* SPDX-License-Identifier: ISC */
#include "base/encode.h"
#include "store/test_util.h"

static uint64_t send(struct fixture *f, account_id a, const char *from, const char *rcpt, const char *text)
{
    struct op_delivery d = {.account = a, .folder = S("INBOX")};
    struct op_rcpt r = {.address = str_c(rcpt)};
    struct op op = accept_op(&d, 1, NULL, 0, &r, 1);
    op.accept.from = str_c(from);
    op.accept.id = engine_lease_ids(f->e, 1);
    op.accept.connected_ms = 1000;
    op.accept.mail_ms = 1001;
    op.accept.data_ms = 1002;
    op.accept.body = put_body(f, str_c(text), 1000);
    CHECK_NUM(run_op(f, &op), DONE);
    return op.accept.id;
}

static bool note_trace(void *to, const struct engine_trace *t)
{
    buf_printf(to, "%llu %.*s %.*s;", (unsigned long long)t->id, STR_ARG(t->from), STR_ARG(t->subject));
    return true;
}

static struct str find(struct fixture *f, struct str what, uint32_t limit)
{
    struct arena a;
    arena_init(&a, 1024 * 1024);
    buf_clear(&f->text);
    engine_trace_find(f->e, &a, what, limit, note_trace, &f->text);
    arena_clear(&a);
    return buf_str(&f->text);
}

static void finds(struct fixture *f, uint64_t first, uint64_t second)
{
    char want[128], both[200], id[64];
    snprintf(want, sizeof want, "%llu ann@one.test The quick fox;", (unsigned long long)first);
    snprintf(both, sizeof both, "%llu ben@two.test A slow fox;%s", (unsigned long long)second, want);
    CHECK_STR(find(f, S("ann@one.test"), 10), str_c(want));
    CHECK_STR(find(f, S("ANN@one.TEST"), 10), str_c(want));
    CHECK_STR(find(f, S("<m1@one.test>"), 10), str_c(want));
    CHECK_STR(find(f, S("quick"), 10), str_c(want));
    CHECK_STR(find(f, S("quick fox"), 10), str_c(want));
    CHECK_STR(find(f, S("fox"), 10), str_c(both));
    CHECK_STR(find(f, S("to@here.test"), 10), str_c(both));
    snprintf(want, sizeof want, "%llu ben@two.test A slow fox;", (unsigned long long)second);
    CHECK_STR(find(f, S("fox"), 1), str_c(want));
    CHECK_STR(find(f, S("fox slow wolf"), 10), S(""));
    CHECK_STR(find(f, S("nobody@one.test"), 10), S(""));
    CHECK_STR(find(f, S(""), 10), S(""));
    snprintf(id, sizeof id, "%s", id_text(second).c);
    CHECK_STR(find(f, str_c(id), 10), str_c(want));
}

TEST(find)
{
    struct fixture f;
    fixture_open(&f, &(struct engine_options){.threads = false});
    account_id a = add_account(&f, "to@here.test");
    uint64_t first =
        send(&f, a, "ann@one.test", "to@here.test", "Message-ID: <m1@one.test>\r\nSubject: The quick\r\n fox\r\n\r\nx");
    uint64_t second = send(&f, a, "ben@two.test", "to@here.test", "subject: A slow fox\r\n\r\nSubject: no\r\n");
    finds(&f, first, second);             /* by looking through the newest */
    while (index_find_some(&f.e->writer, 1)) {
    }
    index_find_some(&f.e->writer, 10);
    finds(&f, first, second);             /* by the table */
    send(&f, a, "zoe@three.test", "to@here.test", "\r\nnothing");
    CHECK(find(&f, S("zoe@three.test"), 10).n > 0);
    fixture_close(&f);
}

static bool note_steps(void *to, const struct engine_trace *t)
{
    for (uint32_t i = 0; i < t->step_count; i++)
        buf_printf(to, "%.*s=%.*s|", STR_ARG(t->steps[i].event), STR_ARG(t->steps[i].text));
    return true;
}

static bool note_queue(void *to, const struct engine_queued *q)
{
    buf_printf(to, "%llu:%.*s>%.*s:%llu|", (unsigned long long)q->queue_id, STR_ARG(q->from), STR_ARG(q->address),
               (unsigned long long)q->size);
    return true;
}

TEST(life_and_queue)
{
    struct fixture f;
    struct arena arena;
    arena_init(&arena, 1024 * 1024);
    fixture_open(&f, &(struct engine_options){.threads = true});
    account_id a = add_account(&f, "to@here.test");
    struct op_delivery d = {.account = a, .folder = S("INBOX")};
    struct op_rcpt r[2] = {{.address = S("to@here.test")},
                           {.address = S("far@away.test"), .orcpt = S("rfc822;far@away.test"), .notify = 6}};
    struct op_queued q[2] = {{.address = S("far@away.test"), .rcpt = 1}, {.address = S("too@away.test"), .rcpt = 1}};
    struct op op = accept_op(&d, 1, q, 2, r, 2);
    op.accept.id = engine_lease_ids(f.e, 1);
    op.accept.connected_ms = 5, op.accept.data_ms = 7;
    op.accept.body = put_body(&f, S("Subject: Life\r\n\r\n12345"), 1000);
    CHECK_NUM(run_op(&f, &op), DONE);
    buf_clear(&f.text);
    engine_queue(f.e, 0, note_queue, &f.text);
    CHECK_STR(buf_str(&f.text), S("1:x@y>far@away.test:38|2:x@y>too@away.test:38|"));
    struct op gone = {.kind = OP_QUEUE_REMOVE, .queue_remove = {.id = op.accept.id, .queue_id = 1}};
    CHECK_NUM(run_op(&f, &gone), DONE);
    change_uids(&f, OP_FLAGS, a, 1, (uint32_t[]){1}, 1, FLAG_SEEN, 0);
    buf_clear(&f.text);
    engine_trace_find(f.e, &arena, S("life"), 5, note_steps, &f.text);
    CHECK_STR(buf_str(&f.text), S("connected=127.0.0.1|rcpt=to@here.test|rcpt=far@away.test|data=|accepted=Life|delivered=to@"
                                  "here.test INBOX uid 1 (read)|"
                                  "queued=far@away.test queue 1 (finished)|queued=too@away.test queue 2 (waiting)|"));
    buf_clear(&f.text);
    engine_queue(f.e, 2, note_queue, &f.text);
    CHECK_STR(buf_str(&f.text), S("2:x@y>too@away.test:38|"));
    arena_clear(&arena);
    fixture_close(&f);
}
