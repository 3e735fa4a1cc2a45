// SPDX-License-Identifier: ISC
/* The queue's scheduler against a relay that is played by hand: what it is given, what it answers, what senders hear; restarts
 * and deaths in between. */
#include "base/hash.h"
#include "daemon/role_rig.h"
#include "daemon/store_queue.h"

enum { HOUR = 3600 * 1000, MINUTE = 60 * 1000 };

struct play {
    struct rig *r;
    struct rig_edge relay;
    struct buf text;
    account_id alice;
    int64_t now; /* simulated, when not 0 */
};

static void relay_up(struct play *p, uint32_t window)
{
    rig_connect(p->r, &p->relay, ROLE_RELAY, p->r->store, ++p->r->next_incarnation);
    rig_send(&p->relay, &MSG(work_ready, .window = window, .octets = 1 << 20));
    rig_turns(p->r, 5);
}

static void play_open(struct play *p, uint32_t window)
{
    *p = (struct play){.r = rig_new(NULL)};
    buf_init(&p->text, 1 << 20);
    p->alice = rig_account(p->r, "alice@demo.test", 0, S("x"));
    if (window)
        relay_up(p, window);
}

static void play_close(struct play *p)
{
    rig_hang_up(&p->relay);
    rig_free(p->r);
    buf_free(&p->text);
    clock_simulate(0, 0);
}

/* Time passes; the store looks at its queue as it does every second. */
static void pass(struct play *p, int64_t ms)
{
    p->now = (p->now ? p->now : clock_unix_ms()) + ms;
    clock_simulate(p->now * 1000, p->now);
    for (int i = 0; i < 3; i++) {
        store_queue_second(rig_store(p->r));
        rig_turns(p->r, 10);
    }
}

/* Relayed mail of alice: she is logged in as far as the store is concerned when the session has her handle. */
static uint64_t handle_of(struct play *p, uint64_t session)
{
    struct store_session *s = store_session_get(&rig_store(p->r)->edges[1], session);
    struct engine_account a;

    engine_account_by_id(rig_store(p->r)->engine, p->alice, &a);
    s->account = p->alice;
    s->let_in_by = hash_table(a.verifier);
    s->handle = 77;
    return s->handle;
}

static void send_mail(struct play *p, struct rig_mail *m)
{
    m->kind = SMTP_SUBMISSION;
    m->session = p->r->next_session++;
    m->handle = handle_of(p, m->session);
    const struct message *c = rig_mail(&p->r->user, m);
    CHECK(c && c->committed.outcome == DONE);
    if (c && c->committed.outcome != DONE)
        fprintf(stderr, "%s %s\n", c->committed.why.status, c->committed.why.text);
}
#define ALICE "alice@demo.test"

/* The next job, whole: "hop: to to | first line of its text". */
struct job {
    uint64_t number, id, entry[128];
    uint32_t count, attempt;
};
static struct str next_job(struct play *p, struct job *j)
{
    buf_clear(&p->text);
    *j = (struct job){0};
    const struct message *b = rig_wait(&p->relay, MSG_work_begin);
    CHECK(b != NULL);
    if (!b)
        return S("(none)");
    j->number = b->work_begin.job;
    j->id = b->work_begin.id;
    j->attempt = b->work_begin.attempt;
    buf_printf(&p->text, "%.*s:", STR_ARG(b->work_begin.next_hop));
    for (uint32_t n = b->work_begin.rcpt_count; n > 0; n--) {
        const struct message *m = rig_wait(&p->relay, MSG_work_rcpt);
        CHECK(m && m->work_rcpt.job == j->number);
        j->entry[j->count++] = m->work_rcpt.queue_id;
        buf_printf(&p->text, " %.*s", STR_ARG(m->work_rcpt.to));
    }
    const struct message *e = rig_wait(&p->relay, MSG_work_end);
    CHECK(e && e->work_end.job == j->number);
    return buf_str(&p->text);
}

/* How that job began. */
static const struct message *last_job(struct play *p, const struct job *j)
{
    for (size_t i = p->relay.count; i-- > 0;)
        if (p->relay.seen[i]->kind == MSG_work_begin && p->relay.seen[i]->work_begin.job == j->number)
            return p->relay.seen[i];
    return NULL;
}

static bool no_job(struct play *p)
{
    rig_turns(p->r, 20);
    for (size_t i = p->relay.read; i < p->relay.count; i++)
        if (p->relay.seen[i]->kind == MSG_work_begin)
            return false;
    return true;
}

static void answer(struct play *p, const struct job *j, uint32_t i, enum outcome o, unsigned code, const char *status,
                   const char *text)
{
    rig_send(&p->relay, &MSG(work_result, .job = j->number, .queue_id = j->entry[i], .outcome = o, .code = (uint16_t)code,
                             .status = str_c(status), .text = str_c(text), .stage = S("RCPT"), .host = S("mx.far.test"),
                             .ip = S("192.0.2.9"), .tls = S("TLSv1.3"), .at_ms = clock_unix_ms()));
}
static void end_job(struct play *p, const struct job *j)
{
    rig_send(&p->relay, &MSG(work_done, .job = j->number));
    for (int i = 0; i < 200 && (rig_store(p->r)->queue->settling || i < 10); i++)
        loop_turn(p->r->loop, 5);
    CHECK_NUM(rig_store(p->r)->queue->settling, 0);
}
static void answer_all(struct play *p, const struct job *j, enum outcome o, unsigned code, const char *status, const char *text)
{
    for (uint32_t i = 0; i < j->count; i++)
        answer(p, j, i, o, code, status, text);
    end_job(p, j);
}

static uint64_t queued_count(struct play *p)
{
    struct engine_stat s;

    engine_stat(rig_store(p->r)->engine, &s);
    return s.queued;
}
static struct str inbox(struct play *p)
{
    return rig_read(p->r, p->alice, "INBOX", &p->text);
}
static uint32_t inbox_count(struct play *p)
{
    return rig_box(p->r, p->alice, "INBOX").count;
}

TEST(a_message_goes_out_at_once)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test", "b@near.test", "c@FAR.test"}));
    CHECK_STR(next_job(&p, &j), S("far.test: a@far.test c@far.test"));
    struct job far = j;
    CHECK_STR(next_job(&p, &j), S("near.test: b@near.test"));
    CHECK(no_job(&p));
    answer_all(&p, &far, DONE, 250, "2.0.0", "2.0.0 ok");
    CHECK_NUM(queued_count(&p), 1);
    answer_all(&p, &j, DONE, 250, "2.0.0", "2.0.0 ok");
    CHECK_NUM(queued_count(&p), 0);
    CHECK_NUM(inbox_count(&p), 0);
    CHECK(no_job(&p));
    play_close(&p);
}

TEST(bodies_travel_whole_or_on_demand)
{
    struct play p;
    struct job j;
    char *big = malloc(200001);
    struct buf got;
    play_open(&p, 10);
    memcpy(big, "Subject: big\r\n\r\n", 16);
    for (int i = 16; i < 200000; i++)
        big[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : 'x';
    big[200000] = '\0';
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}, .text = big));
    next_job(&p, &j);
    const struct msg_work_end *e = &p.relay.seen[p.relay.read - 1]->work_end;
    CHECK(!e->last && e->data.n > 0);
    buf_init(&got, 1 << 20);
    for (bool last = false; !last && got.n < 300000;) {
        rig_send(&p.relay, &MSG(work_more, .job = j.number, .offset = got.n, .room = 60000));
        const struct message *m = rig_wait(&p.relay, MSG_work_piece);
        CHECK(m && m->work_piece.outcome == DONE && m->work_piece.offset == got.n);
        if (!m || m->work_piece.outcome != DONE)
            break;
        last = m->work_piece.last;
        buf_add(&got, m->work_piece.data);
    }
    CHECK(str_ends(buf_str(&got), str_c(big)));
    CHECK(str_starts(buf_str(&got), S("Received: from client.test")));
    rig_send(&p.relay, &MSG(work_more, .job = 12345, .offset = 0, .room = 10));
    const struct message *m = rig_wait(&p.relay, MSG_work_piece);
    CHECK(m && m->work_piece.outcome == RETRY);
    answer_all(&p, &j, DONE, 250, "", "ok");
    buf_free(&got);
    free(big);
    play_close(&p);
}

TEST(a_refusal_is_told_at_once)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test", "b@far.test", "quiet@far.test"}, .notify = {0, 0, SMTP_NOTIFY_NEVER},
                       .envid = "E1"));
    next_job(&p, &j);
    answer(&p, &j, 0, REFUSE, 550, "5.1.1", "5.1.1 <a@far.test>: no such person");
    answer(&p, &j, 1, DONE, 250, "2.0.0", "ok");
    answer(&p, &j, 2, REFUSE, 550, "5.1.1", "5.1.1 <quiet@far.test>: no such person");
    end_job(&p, &j);
    CHECK_NUM(queued_count(&p), 0);
    CHECK_NUM(inbox_count(&p), 1);
    struct str dsn = inbox(&p);
    CHECK(has(dsn, "Action: failed") && has(dsn, "Status: 5.1.1") && has(dsn, "a@far.test") && has(dsn, "no such person") &&
          has(dsn, "mx.far.test") && has(dsn, "Original-Envelope-Id: E1") && has(dsn, "Auto-Submitted: auto-replied"));
    CHECK(!has(dsn, "quiet@far.test") && !has(dsn, "b@far.test"));
    play_close(&p);
}

TEST(what_requires_tls_is_marked_and_so_is_what_is_told_of_it)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}, .requiretls = true, .text = "TLS-Required: No\r\n\r\nsecret text\r\n"));
    next_job(&p, &j);
    const struct message *b = last_job(&p, &j);
    CHECK(b && b->work_begin.requiretls && !b->work_begin.tls_optional); /* RFC 8689 4.1: the parameter counts */
    answer_all(&p, &j, REFUSE, 0, "5.7.30", "REQUIRETLS support required");
    CHECK(has(inbox(&p), "Status: 5.7.30"));
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}, .text = "tls-required:\r\n no\r\n\r\nx\r\n"));
    next_job(&p, &j);
    b = last_job(&p, &j);
    CHECK(b && !b->work_begin.requiretls && b->work_begin.tls_optional);
    answer_all(&p, &j, DONE, 250, "", "ok");
    /* a bounce is protected as its message is, and holds no more of it than the header: RFC 8689 5 */
    rig_alias(p.r, "alice2@demo.test", "alice@elsewhere.test", NULL);
    const struct message *c = rig_mail(&p.r->mx, MAIL("sender@elsewhere.test", .to = {"alice2@demo.test"}, .requiretls = true,
                                                      .ret = SMTP_RET_FULL, .text = "Subject: s\r\n\r\nsecret text\r\n"));
    CHECK(c && c->committed.outcome == DONE);
    CHECK_STR(next_job(&p, &j), S("elsewhere.test: alice@elsewhere.test"));
    answer_all(&p, &j, REFUSE, 550, "5.1.1", "no such person");
    CHECK_STR(next_job(&p, &j), S("elsewhere.test: sender@elsewhere.test"));
    b = last_job(&p, &j);
    CHECK(b && b->work_begin.requiretls && b->work_begin.from.n == 0);
    struct str dsn = p.relay.seen[p.relay.read - 1]->work_end.data;
    CHECK(has(dsn, "Subject: s") && !has(dsn, "secret text"));
    answer_all(&p, &j, DONE, 250, "", "ok");
    play_close(&p);
}

TEST(success_is_told_where_it_was_asked_for)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}, .notify = {SMTP_NOTIFY_SUCCESS}));
    next_job(&p, &j);
    answer_all(&p, &j, DONE, 250, "2.0.0", "ok");
    CHECK(has(inbox(&p), "Action: relayed"));
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}, .notify = {SMTP_NOTIFY_SUCCESS}));
    next_job(&p, &j);
    rig_send(&p.relay, &MSG(work_result, .job = j.number, .queue_id = j.entry[0], .outcome = DONE, .code = 250, .text = S("ok"),
                            .dsn = true));
    end_job(&p, &j);
    CHECK_NUM(inbox_count(&p), 1); /* the other side does that itself */
    play_close(&p);
}

TEST(five_days)
{
    struct play p;
    struct job j;
    int tries = 1, warned_at = 0;
    play_open(&p, 10);
    pass(&p, 0);
    int64_t start = p.now;
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}));
    next_job(&p, &j);
    CHECK_NUM(j.attempt, 0);
    answer_all(&p, &j, RETRY, 451, "4.7.1", "4.7.1 come back later");
    CHECK(no_job(&p));
    pass(&p, 4 * MINUTE);
    CHECK(no_job(&p));
    while (queued_count(&p) > 0 && p.now - start < 240LL * HOUR) {
        pass(&p, 5 * MINUTE);
        if (no_job(&p))
            continue;
        next_job(&p, &j);
        CHECK_NUM(j.attempt, tries);
        tries++;
        answer_all(&p, &j, RETRY, 451, "4.7.1", "4.7.1 come back later");
        if (!warned_at && inbox_count(&p) == 1) {
            warned_at = (int)((p.now - start) / MINUTE);
            CHECK(has(inbox(&p), "Action: delayed") && has(inbox(&p), "Will-Retry-Until:") && has(inbox(&p), "come back later"));
        }
    }
    CHECK(warned_at >= 4 * 60 && warned_at <= 4 * 60 + 15);
    CHECK((p.now - start) / HOUR >= 120 && (p.now - start) / HOUR <= 121);
    CHECK(tries > 50 && tries < 80);
    CHECK_NUM(inbox_count(&p), 2); /* one word that it is late, one that it is given up */
    CHECK(has(inbox(&p), "Action: failed") && has(inbox(&p), "Status: 5.7.1") && has(inbox(&p), "451 4.7.1 come back later"));
    CHECK(no_job(&p));
    play_close(&p);
}

TEST(no_word_of_delay_where_it_was_not_wanted)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    pass(&p, 0);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}, .notify = {SMTP_NOTIFY_FAILURE}));
    next_job(&p, &j);
    for (int i = 0; i < 4; i++) {
        answer_all(&p, &j, RETRY, 0, "4.4.1", "connection refused");
        pass(&p, 3 * HOUR);
        next_job(&p, &j);
    }
    CHECK_NUM(inbox_count(&p), 0);
    answer_all(&p, &j, REFUSE, 0, "5.1.2", "there is no such domain");
    CHECK(has(inbox(&p), "there is no such domain"));
    play_close(&p);
}

TEST(a_bounce_of_a_bounce_goes_to_postmaster_once)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    const struct message *c =
        rig_mail(&p.r->user,
                 &(struct rig_mail){
                     .from = "", .to = {"gone@far.test"}, .kind = SMTP_SUBMISSION, .session = 900, .handle = handle_of(&p, 900)});
    CHECK(c && c->committed.outcome == DONE);
    next_job(&p, &j);
    answer_all(&p, &j, REFUSE, 550, "5.1.1", "no such person");
    CHECK_NUM(queued_count(&p), 0);
    CHECK_NUM(inbox_count(&p), 1); /* alice is the oldest account: she reads postmaster's mail */
    struct str notice = inbox(&p);
    CHECK(has(notice, "Return-Path: <>") && has(notice, "gone@far.test") && has(notice, "no such person"));
    play_close(&p);
}

TEST(a_notice_that_fails_ends)
{
    struct play p;
    struct job j;
    p = (struct play){.r = rig_new("hostname mail.demo.test\ndomain demo.test\nadmin boss@far.test\n")};
    buf_init(&p.text, 1 << 20);
    p.alice = rig_account(p.r, "alice@demo.test", 0, S("x"));
    rig_alias(p.r, "postmaster@demo.test", "boss@far.test", NULL);
    relay_up(&p, 10);
    rig_mail(&p.r->user,
             &(struct rig_mail){
                 .from = "", .to = {"gone@far.test"}, .kind = SMTP_SUBMISSION, .session = 900, .handle = handle_of(&p, 900)});
    next_job(&p, &j);
    answer_all(&p, &j, REFUSE, 550, "5.1.1", "no such person");
    CHECK_STR(next_job(&p, &j), S("far.test: boss@far.test"));
    answer_all(&p, &j, REFUSE, 550, "5.1.1", "nor such a boss");
    CHECK_NUM(queued_count(&p), 0);
    CHECK(no_job(&p));
    play_close(&p);
}

TEST(a_relay_that_dies_loses_nothing)
{
    struct play p;
    struct job j, k;
    play_open(&p, 10);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test", "b@far.test"}));
    next_job(&p, &j);
    answer(&p, &j, 0, DONE, 250, "", "ok");
    rig_turns(p.r, 10);
    CHECK_NUM(rig_store(p.r)->queue->out_count, 1);
    rig_hang_up(&p.relay);
    for (int i = 0; i < 50; i++)
        loop_turn(p.r->loop, 5);
    CHECK_NUM(rig_store(p.r)->queue->out_count, 0);
    CHECK_NUM(queued_count(&p), 1); /* what was answered counts */
    relay_up(&p, 10);
    pass(&p, 1000);
    CHECK_STR(next_job(&p, &k), S("far.test: b@far.test"));
    CHECK_NUM(k.entry[0], j.entry[1]);
    CHECK(no_job(&p));
    rig_send(&p.relay,
             &MSG(work_result, .job = j.number, .queue_id = k.entry[0], .outcome = REFUSE)); /* of a job that is none any more */
    rig_send(&p.relay, &MSG(work_done, .job = j.number));
    rig_turns(p.r, 10);
    CHECK_NUM(queued_count(&p), 1);
    answer_all(&p, &k, DONE, 250, "", "ok");
    CHECK_NUM(queued_count(&p), 0);
    play_close(&p);
}

TEST(a_store_that_starts_anew_finds_all)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test", "b@near.test"}));
    next_job(&p, &j);
    rig_hang_up(&p.relay);
    rig_close_store(p.r);
    rig_open_store(p.r, RIG_CONFIG);
    relay_up(&p, 10);
    bool far = str_starts(next_job(&p, &j), S("far.test: a@far.test"));
    answer_all(&p, &j, DONE, 250, "", "ok");
    CHECK_STR(next_job(&p, &j), far ? S("near.test: b@near.test") : S("far.test: a@far.test"));
    answer_all(&p, &j, RETRY, 450, "", "later");
    CHECK_NUM(queued_count(&p), 1);
    CHECK(no_job(&p));
    rig_hang_up(&p.relay);
    rig_close_store(p.r);
    rig_open_store(p.r, RIG_CONFIG);
    relay_up(&p, 10);
    pass(&p, MINUTE);
    CHECK(no_job(&p)); /* the schedule outlives it */
    pass(&p, 6 * MINUTE);
    next_job(&p, &j);
    CHECK_NUM(j.attempt, 1);
    answer_all(&p, &j, DONE, 250, "", "ok");
    CHECK_NUM(queued_count(&p), 0);
    play_close(&p);
}

TEST(back_is_no_attempt)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    pass(&p, 0);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}));
    next_job(&p, &j);
    send_mail(&p, MAIL(ALICE, .to = {"b@far.test"}));
    struct job k;
    next_job(&p, &k);
    rig_send(&p.relay, &MSG(work_back, .job = j.number, .not_before_ms = p.now + 30000, .why = {"", "its host is down"}));
    rig_send(&p.relay, &MSG(work_back, .job = k.number, .not_before_ms = p.now + 30000, .why = {"", "its host is down"}));
    rig_turns(p.r, 10);
    send_mail(&p, MAIL(ALICE, .to = {"c@far.test"}));
    pass(&p, 20000);
    CHECK(no_job(&p));
    pass(&p, 11000);
    unsigned seen = 0;
    for (int i = 0; i < 3; i++) {
        struct str got = next_job(&p, &j);
        seen |= has(got, "a@far") ? 1 : has(got, "b@far") ? 2 : has(got, "c@far") ? 4 : 8;
        CHECK_NUM(j.attempt, 0);
        answer_all(&p, &j, DONE, 250, "", "ok");
    }
    CHECK_NUM(seen, 7);
    CHECK(no_job(&p));
    CHECK_NUM(queued_count(&p), 0);
    play_close(&p);
}

TEST(a_window_is_shared_fairly)
{
    struct play p;
    struct job j, out[4];
    char to[32];
    play_open(&p, 0);
    for (int i = 0; i < 30; i++) {
        snprintf(to, sizeof to, "u%d@slow.test", i);
        send_mail(&p, MAIL(ALICE, .to = {to}));
    }
    send_mail(&p, MAIL(ALICE, .to = {"a@quick.test"}));
    relay_up(&p, 4);
    unsigned quick = 0;
    for (int i = 0; i < 4; i++)
        quick += str_starts(next_job(&p, &out[i]), S("quick.test"));
    CHECK_NUM(quick, 1); /* though 30 stood before it */
    CHECK(no_job(&p));
    uint64_t seen = 0;
    for (int i = 0; i < 4; i++)
        answer_all(&p, &out[i], DONE, 250, "", "ok");
    for (int i = 0; i < 27; i++) {
        CHECK(str_starts(next_job(&p, &j), S("slow.test: u")));
        CHECK(!(seen & 1ULL << j.entry[0]));
        seen |= 1ULL << j.entry[0];
        answer_all(&p, &j, DONE, 250, "", "ok");
    }
    CHECK(no_job(&p));
    CHECK_NUM(queued_count(&p), 0);
    play_close(&p);
}

TEST(what_is_urgent_goes_first)
{
    struct play p;
    struct job j, out[4];
    char to[32];
    play_open(&p, 0);
    p.r->next_session = 100;
    for (int i = 0; i < 250; i++) { /* more than a page of the index */
        snprintf(to, sizeof to, "u%d@far.test", i);
        send_mail(&p, MAIL(ALICE, .to = {to}, .priority = i % 2 ? 0 : -9));
    }
    send_mail(&p, MAIL(ALICE, .to = {"old@far.test"}, .priority = 3));
    rig_close_store(p.r);
    rig_open_store(p.r, RIG_CONFIG);
    relay_up(&p, 2);
    CHECK_STR(next_job(&p, &out[0]), S("far.test: old@far.test"));
    CHECK_NUM(last_job(&p, &out[0])->work_begin.priority, 3);
    next_job(&p, &out[1]);
    CHECK_NUM(last_job(&p, &out[1])->work_begin.priority, 0);
    send_mail(&p, MAIL(ALICE, .to = {"x@near.test"}));
    send_mail(&p, MAIL(ALICE, .to = {"new@far.test"}, .priority = 9));
    send_mail(&p, MAIL(ALICE, .to = {"y@near.test"}));
    answer_all(&p, &out[0], DONE, 250, "", "ok");
    CHECK_STR(next_job(&p, &j), S("far.test: new@far.test"));
    CHECK_NUM(last_job(&p, &j)->work_begin.priority, 4); /* more is not for users: priority-most */
    answer_all(&p, &j, DONE, 250, "", "ok");
    bool near = str_starts(next_job(&p, &j), S("near.test")); /* then each has its turn */
    answer_all(&p, &j, DONE, 250, "", "ok");
    CHECK(near || str_starts(next_job(&p, &j), S("near.test")));
    play_close(&p);
}

TEST(nobody_raises_his_mail_who_may_not)
{
    struct play p;
    struct job j;
    play_open(&p, 10);
    rig_alias(p.r, "a@demo.test", "a@far.test", NULL);
    CHECK(rig_mail(&p.r->mx, MAIL(STRANGER, .to = {"a@demo.test"}, .priority = 9))->committed.outcome == DONE);
    next_job(&p, &j);
    CHECK_NUM(last_job(&p, &j)->work_begin.priority, 0);
    answer_all(&p, &j, DONE, 250, "", "ok");
    CHECK(rig_mail(&p.r->mx, MAIL(STRANGER, .to = {"a@demo.test"}, .priority = -5))->committed.outcome == DONE);
    next_job(&p, &j);
    CHECK_NUM(last_job(&p, &j)->work_begin.priority, -5);
    answer_all(&p, &j, REFUSE, 550, "", "no"); /* what is told of it is no more urgent */
    CHECK_STR(next_job(&p, &j), S("elsewhere.test: sender@elsewhere.test"));
    CHECK_NUM(last_job(&p, &j)->work_begin.priority, -5);
    answer_all(&p, &j, DONE, 250, "", "ok");
    /* an edge that says such a thing is ended */
    CHECK(rig_mail(&p.r->mx, MAIL(STRANGER, .to = {"a@demo.test"}, .priority = 10)) == NULL);
    play_close(&p);
}

static void change(struct play *p, struct op op)
{
    CHECK_NUM(rig_op(p->r, &op), DONE);
    store_queue_changed(rig_store(p->r), &op);
    rig_turns(p->r, 20);
}

TEST(an_operator_has_his_way)
{
    struct play p;
    struct job j;
    uint64_t one = 1;
    play_open(&p, 0);
    pass(&p, 0);
    send_mail(&p, MAIL(ALICE, .to = {"a@far.test"}));
    change(&p, (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.ids = &one, .count = 1, .what = QUEUE_HOLD}});
    relay_up(&p, 10);
    pass(&p, HOUR);
    CHECK(no_job(&p));
    change(&p, (struct op){.kind = OP_QUEUE_CHANGE,
                           .queue_change = {.what = QUEUE_RELEASE | QUEUE_NEXT | QUEUE_ROUTE,
                                            .next_ms = p.now,
                                            .route = S("smtp://127.0.0.1:2525")}});
    pass(&p, 1000);
    next_job(&p, &j);
    answer_all(&p, &j, RETRY, 450, "", "later");
    CHECK(no_job(&p));
    change(&p, (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.what = QUEUE_NEXT, .next_ms = p.now}});
    pass(&p, 1000);
    next_job(&p, &j); /* at once */
    change(&p, (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.ids = &one, .count = 1, .what = QUEUE_DROP}});
    CHECK(rig_wait(&p.relay, MSG_work_cancel) != NULL);
    answer_all(&p, &j, REFUSE, 550, "", "no");
    CHECK_NUM(inbox_count(&p), 0); /* dropped is dropped */
    CHECK_NUM(queued_count(&p), 0);
    send_mail(&p, MAIL(ALICE, .to = {"b@far.test"}));
    next_job(&p, &j);
    answer_all(&p, &j, RETRY, 450, "4.3.0", "the last words");
    change(&p, (struct op){.kind = OP_QUEUE_CHANGE,
                           .queue_change = {.what = QUEUE_EXPIRE | QUEUE_NEXT, .next_ms = p.now, .expire_ms = 1}});
    for (int i = 0; i < 200 && queued_count(&p) > 0; i++) {
        usleep(5000);
        pass(&p, 1);
    }
    CHECK(no_job(&p));
    CHECK_NUM(queued_count(&p), 0);
    CHECK(has(inbox(&p), "Action: failed") && has(inbox(&p), "the last words"));
    play_close(&p);
}

TEST(schedule)
{
    struct queue_schedule s = {5 * MINUTE, 2 * HOUR, 4 * HOUR, 120LL * HOUR};
    struct queue_verdict v = queue_verdict(&s, RETRY, 0, 1000, 0, false);
    CHECK(!v.done && !v.warn && v.next_ms >= 1000 + 5 * MINUTE && v.next_ms <= 1000 + 5 * MINUTE * 5 / 4 + 1);
    v = queue_verdict(&s, RETRY, 0, 30 * MINUTE, 0, false);
    CHECK(v.next_ms >= HOUR && v.next_ms <= 30 * MINUTE + 30 * MINUTE * 5 / 4 + 1);
    v = queue_verdict(&s, RETRY, 0, 3 * HOUR, 0, false);
    CHECK_NUM(v.next_ms, 4 * HOUR);
    v = queue_verdict(&s, RETRY, 0, 4 * HOUR, 0, false);
    CHECK(v.warn && !v.done);
    v = queue_verdict(&s, RETRY, 0, 4 * HOUR, 0, true);
    CHECK(!v.warn);
    v = queue_verdict(&s, RETRY, 0, 119LL * HOUR, 0, true);
    CHECK_NUM(v.next_ms, 120LL * HOUR);
    v = queue_verdict(&s, RETRY, 0, 120LL * HOUR, 0, true);
    CHECK(v.done && v.fail);
    v = queue_verdict(&s, RETRY, 0, HOUR, HOUR, false);
    CHECK(v.done && v.fail);
    v = queue_verdict(&s, REFUSE, 0, 1, 0, false);
    CHECK(v.done && v.fail);
    v = queue_verdict(&s, DONE, 0, 1, 0, false);
    CHECK(v.done && !v.fail);
}

/* A relay that says anything at any time: nothing is lost, nothing is there twice, and an honest one after it finishes the work.
 */
TEST(a_mad_relay)
{
    struct play p;
    struct job j;
    uint64_t rng = 7;
    play_open(&p, 10);
    for (int i = 0; i < 12; i++) {
        char a[32], b[32];
        snprintf(a, sizeof a, "u%d@h%d.test", i, i % 5);
        snprintf(b, sizeof b, "v%d@h%d.test", i, i % 3);
        send_mail(&p, MAIL(ALICE, .to = {a, b}));
    }
    rig_turns(p.r, 20);
    for (int i = 0; i < 3000; i++) {
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        uint64_t r = rng >> 33, job = r % 3 ? 1024 + r % 20 * 1025 : r * r, entry = r % 30;
        switch (r / 7 % 8) {
        case 0:
            rig_send(&p.relay, &MSG(work_ready, .window = (uint32_t)(r % 12), .octets = r % 100000));
            break;
        case 1:
            rig_send(&p.relay, &MSG(work_more, .job = job, .offset = r % 3 ? r % 200 : rng, .room = (uint32_t)(r % 70000)));
            break;
        case 2:
        case 3:
            rig_send(&p.relay, &MSG(work_result, .job = job, .queue_id = entry, .outcome = RETRY, .code = (uint16_t)r,
                                    .status = S("x.y"), .at_ms = (int64_t)rng));
            break;
        case 4:
            rig_send(&p.relay, &MSG(work_back, .job = job, .not_before_ms = r % 2 ? 0 : clock_unix_ms() + 5));
            break;
        case 5:
            rig_send(&p.relay, &MSG(work_hop, .next_hop = r % 2 ? S("h1.test") : S(""), .jobs = (uint32_t)(r % 4),
                                    .not_before_ms = (int64_t)(rng >> 1)));
            break;
        default:
            rig_send(&p.relay, &MSG(work_done, .job = job));
        }
        if (i % 16 == 0)
            rig_turns(p.r, 3);
        if (i % 500 == 499)
            store_queue_second(rig_store(p.r));
        if (p.relay.count > RIG_SEEN_MAX / 2)
            rig_forget(&p.relay);
    }
    for (int i = 0; i < 100; i++)
        loop_turn(p.r->loop, 5);
    CHECK(queued_count(&p) == 24);
    rig_hang_up(&p.relay);
    rig_turns(p.r, 20);
    change(&p, (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.what = QUEUE_NEXT, .next_ms = 1}});
    relay_up(&p, 10);
    uint64_t seen = 0;
    for (int n = 0; n < 100 && queued_count(&p) > 0; n++) {
        store_queue_second(rig_store(p.r));
        next_job(&p, &j);
        for (uint32_t i = 0; i < j.count; i++) {
            CHECK(!(seen & 1ULL << j.entry[i]));
            seen |= 1ULL << j.entry[i];
        }
        answer_all(&p, &j, DONE, 250, "", "ok");
    }
    CHECK_NUM(queued_count(&p), 0);
    play_close(&p);
}
