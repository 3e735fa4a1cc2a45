// SPDX-License-Identifier: ISC
/* The queue: what is due and when, results, changes, notes; across restarts, rebuilds and compaction. */
#include "base/encode.h"
#include "store/test_util.h"

static uint64_t queued(struct fixture *f, const char *const *to, unsigned n, struct op_place *place)
{
    struct op_queued q[8] = {0};
    for (unsigned i = 0; i < n; i++)
        q[i] = (struct op_queued){.address = str_c(to[i]), .notify = 6, .rcpt = i};
    struct op op = accept_op(NULL, 0, q, n, NULL, 0);
    op.accept.id = engine_lease_ids(f->e, 1);
    op.accept.received_ms = 1000;
    op.accept.body = put_body(f, S("Subject: one\r\n\r\nbody\r\n"), 1000);
    CHECK_NUM(run_op(f, &op), DONE);
    if (place)
        *place = op.accept.place;
    return op.accept.id;
}

static void due_one(void *to, const struct engine_queued *q)
{
    buf_printf(to, "%llu@%lld %.*s ", (unsigned long long)q->queue_id, (long long)q->next_ms, STR_ARG(q->domain));
}
static void due_whole(void *to, const struct engine_queued *q)
{
    buf_printf(to, "%llu n%u a%u w%d r%.*s ", (unsigned long long)q->queue_id, q->n, q->attempts, q->warned, STR_ARG(q->route));
}
static struct str due(struct fixture *f, int64_t now, uint32_t limit)
{
    struct engine_due c = {0};
    buf_clear(&f->text);
    while (engine_queue_due(f->e, now, &c, limit, due_one, &f->text)) {
    }
    return buf_str(&f->text);
}
static struct str due_of(struct fixture *f, const char *domain, int64_t now)
{
    struct engine_due c = {0};
    buf_clear(&f->text);
    while (engine_queue_due_of(f->e, str_c(domain), now, &c, 2, due_whole, &f->text)) {
    }
    return buf_str(&f->text);
}

static void again(struct fixture *f, bool rebuild);
static uint64_t urgent_one(struct fixture *f, const char *to, int priority)
{
    struct op_queued q = {.address = str_c(to)};
    struct op op = accept_op(NULL, 0, &q, 1, NULL, 0);
    op.accept.id = engine_lease_ids(f->e, 1);
    op.accept.received_ms = 1000;
    op.accept.priority = priority;
    op.accept.body = put_body(f, S("Subject: one\r\n\r\nbody\r\n"), 1000);
    CHECK_NUM(run_op(f, &op), DONE);
    return op.accept.id;
}

static void due_urgent(void *to, const struct engine_queued *q)
{
    buf_printf(to, "%llu p%d ", (unsigned long long)q->queue_id, (int)q->priority);
}

TEST(urgent_ones_are_found_among_many)
{
    struct fixture f;
    struct engine_envelope v;
    fixture_open(&f, &(struct engine_options){.segment_size = 256 * 1024});
    uint64_t low = urgent_one(&f, "a@one.test", -9), high = urgent_one(&f, "b@one.test", 3);
    urgent_one(&f, "c@one.test", 0);
    urgent_one(&f, "d@one.test", 9);
    urgent_one(&f, "e@two.test", 9);
    for (int i = 0; i < 3; i++) {
        again(&f, i == 1);
        if (i == 2)
            CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &f.why), DONE);
        buf_clear(&f.text);
        due_of(&f, "one.test", 1000); /* waits for the index */
        buf_clear(&f.text);
        engine_queue_urgent(f.e, S("one.test"), 1000, 10, due_urgent, &f.text);
        CHECK_STR(buf_str(&f.text), S("4 p9 2 p3 "));
        buf_clear(&f.text);
        engine_queue_urgent(f.e, S("one.test"), 1000, 1, due_urgent, &f.text);
        CHECK_STR(buf_str(&f.text), S("4 p9 "));
        buf_clear(&f.text);
        engine_queue_urgent(f.e, S("one.test"), 999, 10, due_urgent, &f.text);
        CHECK_STR(buf_str(&f.text), S(""));
        CHECK(engine_envelope(f.e, low, NULL, &v) && v.priority == -9);
        CHECK(engine_envelope(f.e, high, NULL, &v) && v.priority == 3);
    }
    fixture_close(&f);
}

static void result(struct fixture *f, uint64_t id, struct op_result r)
{
    struct op op = {.kind = OP_QUEUE_RESULT, .queue_result = {id, &r, 1}};
    CHECK_NUM(run_op(f, &op), DONE);
}

static bool one_queued(void *to, const struct engine_queued *q)
{
    buf_printf(to, "%llu:%.*s:%.*s ", (unsigned long long)q->queue_id, STR_ARG(q->address), STR_ARG(q->last_reply));
    return true;
}
static struct str filtered(struct fixture *f, struct engine_filter filter, uint32_t limit)
{
    struct engine_queue_cursor c = {0};
    buf_clear(&f->text);
    while (engine_queue_filter(f->e, &filter, &c, limit, one_queued, &f->text)) {
    }
    return buf_str(&f->text);
}

static void again(struct fixture *f, bool rebuild)
{
    engine_close(f->e);
    if (rebuild) {
        char path[200];
        snprintf(path, sizeof path, "%s/store/index.db", f->dir);
        index_remove_files(path);
    }
    fixture_reopen(f);
}

static void life(bool compact)
{
    struct fixture f;
    fixture_open(&f, &(struct engine_options){.segment_size = 256 * 1024});
    uint64_t id = queued(&f, (const char *const[]){"a@One.test", "b@two.test", "c@one.test"}, 3, NULL);
    queued(&f, (const char *const[]){"d@two.test"}, 1, NULL);
    CHECK_STR(due(&f, 999, 10), S(""));
    CHECK_STR(due(&f, 1000, 1), S("1@1000 one.test 2@1000 two.test 3@1000 one.test 4@1000 two.test "));
    CHECK_STR(due_of(&f, "one.test", 1000), S("1 n0 a0 w0 r 3 n2 a0 w0 r "));
    CHECK_NUM(engine_queue_next(f.e, 0), 1000);
    CHECK_NUM(engine_queue_next(f.e, 1000), INT64_MAX);
    result(&f, id,
           (struct op_result){.queue_id = 1,
                              .outcome = RETRY,
                              .code = 451,
                              .status = S("4.7.1"),
                              .text = S("4.7.1 grey"),
                              .host = S("mx.one.test"),
                              .ip = S("192.0.2.1"),
                              .attempts = 1,
                              .at_ms = 2000,
                              .next_ms = 5000,
                              .warned = true});
    result(&f, id,
           (struct op_result){
               .queue_id = 2, .outcome = DONE, .done = true, .code = 250, .text = S("2.0.0 ok"), .attempts = 1, .at_ms = 2100});
    CHECK_STR(due(&f, 1000, 10), S("3@1000 one.test 4@1000 two.test "));
    CHECK_STR(due(&f, 5000, 2), S("3@1000 one.test 4@1000 two.test 1@5000 one.test "));
    struct op op = {
        .kind = OP_QUEUE_CHANGE,
        .queue_change = {.ids = (uint64_t[]){3}, .count = 1, .what = QUEUE_HOLD | QUEUE_ROUTE, .route = S("smtp://x")}};
    CHECK_NUM(run_op(&f, &op), DONE);
    CHECK_STR(due(&f, 5000, 2), S("4@1000 two.test 1@5000 one.test "));
    CHECK_STR(filtered(&f, (struct engine_filter){.held = true}, 1), S("3:c@one.test: "));
    CHECK_STR(filtered(&f, (struct engine_filter){.domain = S("ONE.test")}, 1), S("1:a@One.test:451 4.7.1 grey 3:c@one.test: "));
    CHECK_STR(filtered(&f, (struct engine_filter){.id = id}, 1), S("1:a@One.test:451 4.7.1 grey 3:c@one.test: "));
    CHECK_STR(filtered(&f, (struct engine_filter){.to = S("A@one.test")}, 1), S("1:a@One.test:451 4.7.1 grey "));
    CHECK_STR(filtered(&f, (struct engine_filter){.from = S("X@y"), .before_ms = 1001}, 2),
              S("1:a@One.test:451 4.7.1 grey 3:c@one.test: 4:d@two.test: "));
    CHECK_STR(filtered(&f, (struct engine_filter){.before_ms = 1000}, 2), S(""));
    if (compact) {
        for (int i = 0; i < 20; i++)
            result(&f, 77, (struct op_result){.queue_id = 1000, .text = S("of nothing")});
        CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &f.why), DONE);
    }
    for (int i = 0; i < 3; i++) {
        again(&f, i == 1);
        CHECK_STR(due(&f, 5000, 2), S("4@1000 two.test 1@5000 one.test "));
        CHECK_STR(due_of(&f, "one.test", 9000), S("1 n0 a1 w1 r "));
        check_sound(&f);
    }
    op = (struct op){.kind = OP_QUEUE_CHANGE,
                     .queue_change = {.domain = S("one.test"), .what = QUEUE_RELEASE | QUEUE_NEXT, .next_ms = 10}};
    CHECK_NUM(run_op(&f, &op), DONE);
    CHECK_STR(due_of(&f, "one.test", 9000), S("1 n0 a1 w1 r 3 n2 a0 w0 rsmtp://x "));
    op = (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.domain = S("one.test"), .what = QUEUE_DROP}};
    CHECK_NUM(run_op(&f, &op), DONE);
    CHECK_STR(due(&f, 9000, 2), S("4@1000 two.test "));
    struct engine_stat stat;
    engine_stat(f.e, &stat);
    CHECK_NUM(stat.queued, 1);
    CHECK_NUM(stat.bodies, 1);
    op = (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.what = QUEUE_DROP}};
    CHECK_NUM(run_op(&f, &op), DONE);
    engine_stat(f.e, &stat);
    CHECK_NUM(stat.queued, 0);
    CHECK_NUM(stat.bodies, 0); /* the last entry takes the body with it */
    check_sound(&f);
    fixture_close(&f);
}

TEST(entries_live_until_they_are_finished)
{
    life(false);
}
TEST(compaction_keeps_what_waits)
{
    life(true);
}

TEST(a_message_is_read_with_and_without_its_place)
{
    struct fixture f;
    struct op_place place, wrong;
    struct engine_envelope v;
    struct op_queued q;
    char text[200];
    struct buf b;
    bool more;
    fixture_open(&f, &(struct engine_options){.threads = true});
    uint64_t id = queued(&f, (const char *const[]){"a@one.test", "b@two.test"}, 2, &place);
    wrong = place;
    wrong.accept += 8, wrong.body = pos_of(77, 4096);
    const struct op_place *const hints[] = {&place, NULL, &wrong};
    for (int i = 0; i < 3; i++) {
        CHECK(engine_envelope(f.e, id, hints[i], &v));
        CHECK_STR(v.from, S("x@y"));
        CHECK_NUM(v.queued_count, 2);
        CHECK(engine_envelope_next(&v, &q) && engine_envelope_next(&v, &q) && q.queue_id == 2 && q.notify == 6);
        CHECK_STR(q.address, S("b@two.test"));
        CHECK(!engine_envelope_next(&v, &q));
        for (size_t at = 0; at <= v.size; at += 7) {
            buf_fixed(&b, text, sizeof text);
            CHECK_NUM(engine_queue_read(f.e, id, hints[i], at, &b, &more, &f.why), DONE);
            CHECK(!more && b.n == v.size - at);
        }
        buf_fixed(&b, text, sizeof text);
        engine_queue_read(f.e, id, hints[i], 0, &b, &more, &f.why);
        CHECK_STR(buf_str(&b), S("Received: here\r\nSubject: one\r\n\r\nbody\r\n"));
        buf_fixed(&b, text, 10);
        CHECK_NUM(engine_queue_read(f.e, id, hints[i], 10, &b, &more, &f.why), DONE);
        CHECK(more);
    }
    CHECK(!engine_envelope(f.e, id + 1, &place, &v));
    CHECK_NUM(engine_queue_read(f.e, id + 1, NULL, 0, &b, &more, &f.why), REFUSE);
    fixture_close(&f);
}

static bool attempts(void *to, const struct engine_trace *t)
{
    for (uint32_t i = 0; i < t->step_count; i++)
        if (str_eq(t->steps[i].event, S("deferred")) || str_eq(t->steps[i].event, S("sent")))
            buf_printf(to, "%lld %.*s %.*s|", (long long)t->steps[i].at_ms, STR_ARG(t->steps[i].event),
                       STR_ARG(t->steps[i].text));
    return true;
}

TEST(every_attempt_is_told)
{
    struct fixture f;
    struct arena a;
    fixture_open(&f, &(struct engine_options){0});
    uint64_t id = queued(&f, (const char *const[]){"a@one.test", "b@two.test"}, 2, NULL);
    result(&f, id,
           (struct op_result){
               .queue_id = 2, .outcome = RETRY, .text = S("connection refused"), .attempts = 1, .at_ms = 2000, .next_ms = 5000});
    result(&f, id,
           (struct op_result){.queue_id = 1,
                              .outcome = RETRY,
                              .code = 451,
                              .text = S("4.7.1 grey"),
                              .host = S("mx"),
                              .ip = S("192.0.2.1"),
                              .attempts = 1,
                              .at_ms = 3000});
    result(&f, id,
           (struct op_result){.queue_id = 2,
                              .outcome = DONE,
                              .done = true,
                              .code = 250,
                              .text = S("2.0.0 ok"),
                              .tls = S("TLSv1.3"),
                              .attempts = 2,
                              .at_ms = 4000});
    arena_init(&a, 1 << 20);
    for (int i = 0; i < 2; i++) {
        buf_clear(&f.text);
        engine_trace_find(f.e, &a, S("b@two.test"), 1, attempts, &f.text);
        (void)id;
        again(&f, true);
    }
    buf_clear(&f.text);
    struct id_text t = id_text(id);
    engine_trace_find(f.e, &a, str_c(t.c), 1, attempts, &f.text);
    CHECK_STR(buf_str(&f.text),
              S("2000 deferred b@two.test: connection refused|3000 deferred a@one.test by mx [192.0.2.1]: 451 4.7.1 grey|"
                "4000 sent b@two.test: 250 2.0.0 ok (TLSv1.3)|"));
    arena_clear(&a);
    fixture_close(&f);
}

static bool note_one(void *to, const struct engine_note *n)
{
    buf_printf(to, "%.*s=%.*s ", STR_ARG(n->key), STR_ARG(n->value));
    return true;
}

static void note(struct fixture *f, const char *key, const char *value, int64_t expires_ms)
{
    struct op op = {.kind = OP_NOTE, .note = {7, str_c(key), str_c(value), expires_ms}};
    CHECK_NUM(run_op(f, &op), DONE);
}

TEST(notes)
{
    struct fixture f;
    struct engine_note n;
    fixture_open(&f, &(struct engine_options){0});
    note(&f, "b", "2", 0);
    note(&f, "a", "1", 0);
    note(&f, "c", "old", 1000);
    note(&f, "d", "3", 0);
    note(&f, "d", "", 0);
    note(&f, "a", "one", 0);
    CHECK(engine_note_get(f.e, 7, S("a"), &n));
    CHECK_STR(n.value, S("one"));
    CHECK(!engine_note_get(f.e, 7, S("c"), &n) && !engine_note_get(f.e, 7, S("d"), &n) && !engine_note_get(f.e, 6, S("a"), &n));
    for (int i = 0; i < 3; i++) {
        buf_clear(&f.text);
        engine_notes(f.e, 7, false, note_one, &f.text);
        CHECK_STR(buf_str(&f.text), S("a=one b=2 "));
        buf_clear(&f.text);
        engine_notes(f.e, 7, true, note_one, &f.text);
        CHECK_STR(buf_str(&f.text), S("c=old "));
        again(&f, i == 1);
    }
    struct op op = {.kind = OP_NOTE, .note = {7, S(""), S("x"), 0}};
    CHECK_NUM(run_op(&f, &op), REFUSE);
    check_sound(&f);
    fixture_close(&f);
}

static void shape_one(void *to, const struct engine_shape *s)
{
    buf_printf(to, "%.*s %llu %llu %llu|", STR_ARG(s->domain), (unsigned long long)s->entries, (unsigned long long)s->held,
               (unsigned long long)s->younger[0]);
}

TEST(shape)
{
    struct fixture f;
    fixture_open(&f, &(struct engine_options){0});
    queued(&f, (const char *const[]){"a@one.test", "b@two.test", "c@one.test", "postmaster"}, 4, NULL);
    buf_clear(&f.text);
    engine_queue_shape(f.e, (int64_t[]){999, 1000, 1001}, 10, shape_one, &f.text);
    CHECK_STR(buf_str(&f.text), S("one.test 2 0 2| 1 0 1|two.test 1 0 1|"));
    fixture_close(&f);
}

TEST(a_look_at_one_does_not_stop_time)
{
    struct fixture f;
    struct engine_queued q;
    struct engine_note n;
    fixture_open(&f, &(struct engine_options){.threads = true});
    uint64_t id = queued(&f, (const char *const[]){"a@one.test"}, 1, NULL);
    note(&f, "a", "1", 0);
    CHECK(engine_queue_get(f.e, 1, &q) && engine_note_get(f.e, 7, S("a"), &n));
    result(&f, id,
           (struct op_result){
               .queue_id = 1, .outcome = RETRY, .code = 451, .status = S("4.7.1"), .text = S("grey"), .attempts = 1, .at_ms = 1});
    note(&f, "a", "2", 0);
    CHECK(engine_queue_get(f.e, 1, &q) && q.attempts == 1);
    CHECK_STR(q.domain, S("one.test"));
    CHECK_STR(q.last_reply, S("451 4.7.1 grey"));
    CHECK_STR(filtered(&f, (struct engine_filter){.domain = S("one.test")}, 5), S("1:a@one.test:451 4.7.1 grey "));
    CHECK(engine_note_get(f.e, 7, S("a"), &n));
    CHECK_STR(n.value, S("2"));
    CHECK(!engine_queue_get(f.e, 2, &q));
    fixture_close(&f);
}
