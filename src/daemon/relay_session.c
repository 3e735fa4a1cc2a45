// SPDX-License-Identifier: ISC
/* What the client machine asks, and what becomes of a message when it has an end. */
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/relay_inside.h"
#include <stdio.h>
#include <string.h>

static bool too_many(const struct smtp_result *r)
{
    return r->outcome == RETRY && r->code == 452; /* RFC 5321 4.5.3.1.10: the rest in another transaction */
}

static void fresh_results(struct relay_job *j)
{
    j->message.finished = false;
    j->message.result = (struct smtp_result){0};
    for (uint32_t i = 0; i < j->message.rcpt_count; i++)
        j->message.rcpt[i].result = (struct smtp_result){0};
}

/* Back to the front of the queue: it was not its turn yet. */
static void again(struct relay_job *j)
{
    struct relay_site *s = j->hop->site;

    relay_convert_end(j);
    fresh_results(j);
    relay_site_add(s, j, true);
}

/* The machine has an outcome for each recipient. */
static void settle(struct relay_conn *c, const char *stage)
{
    struct relay_job *j = c->job;
    struct smtp_client_message *m = &j->message;
    uint32_t done = 0, left = 0;

    c->job = NULL;
    j->conn = NULL;
    for (uint32_t i = 0; i < m->rcpt_count; i++)
        done += m->rcpt[i].result.outcome == DONE;
    if (done)
        relay_gate_success(&c->site->gate);
    for (uint32_t i = 0; i < m->rcpt_count; i++) {
        if (done && too_many(&m->rcpt[i].result)) {
            j->queue_id[left] = j->queue_id[i];
            m->rcpt[left++] = m->rcpt[i];
            continue;
        }
        relay_job_result(j, c->relay, i, &m->rcpt[i].result, stage, c);
    }
    m->rcpt_count = left;
    if (left)
        again(j);
    else
        relay_job_done(j, c->relay);
}

/* Store cannot read it now: no fault of the peer's. */
static void unreadable(struct relay_conn *c)
{
    struct relay_job *j = c->job;

    c->job = NULL;
    j->conn = NULL;
    relay_job_back(j, c->relay, clock_unix_ms() + 60 * 1000, "the message cannot be read just now");
}

static bool next_message(struct relay_conn *c)
{
    struct relay_site *s = c->site;
    struct smtp_client *client = &c->client;

    bool first = !c->greeted;
    if (first && c->security.requiretls && !client->offers.requiretls) {
        c->unfit = true;
        client->message = NULL;
        return true;
    }
    if (first) {
        c->greeted = true;
        relay_gate_greeted(&s->gate, loop_now_ms(c->relay->loop));
        s->told = false;
        fact_count("relay.connections", 1);
    }
    if (c->job && !c->preparing)
        settle(c, client->message->result.code ? "reply" : "");
    bool enough = c->messages >= RELAY_CONN_MESSAGES || c->relay->stopping || c->in_end || c->idle_over;
    struct relay_job *j = c->preparing ? c->job : enough ? NULL : relay_site_take(s, c);
    if (!j && !enough) {
        client->message = NULL;
        c->idle = true;
        return false;
    }
    c->idle = false;
    client->message = j ? &j->message : NULL;
    if (!j)
        return true;
    if (!c->preparing) {
        fresh_results(j);
        j->state = JOB_SENDING;
        j->conn = c;
        c->job = j;
        c->messages++;
        if (first && s->waiting > 0)
            relay_site_work(s); /* there may be more than one now */
    }
    c->preparing = false;
    j->message.requiretls = j->demand.requiretls && client->offers.requiretls; /* where it has to be, it is: relay_tls_fits */
    switch (relay_convert_begin(j, c->relay, &client->offers)) {
    case RELAY_DATA_HERE:
        return true;
    case RELAY_DATA_LATER:
        client->message = NULL;
        c->preparing = true;
        return false;
    case RELAY_DATA_FAILED:
        break;
    }
    unreadable(c);
    return next_message(c);
}

bool relay_session_answer(struct relay_conn *c)
{
    struct smtp_client *client = &c->client;

    switch (client->ask.kind) {
    case SMTP_CLIENT_ASK_NONE:
        return false;
    case SMTP_CLIENT_ASK_MESSAGE:
        return next_message(c);
    case SMTP_CLIENT_ASK_DATA:
        client->ask.outcome = DONE;
        client->ask.data = STR_NONE;
        switch (relay_convert_data(c->job, c->relay, client->ask.offset, &client->ask.data)) {
        case RELAY_DATA_HERE:
            return true;
        case RELAY_DATA_LATER:
            return false;
        case RELAY_DATA_FAILED:
            client->ask.outcome = RETRY;
            return true;
        }
    }
    return false;
}

/* A connection that was kept may have been closed by the peer just as we began, and one too many is told so with 421: neither is
 * the message's fault. */
static bool not_its_fault(const struct relay_conn *c, const struct relay_job *j)
{
    const struct smtp_result *f = &c->client.failure;
    bool before = c->client.failed_at && (strcmp(c->client.failed_at, "MAIL") == 0 || strcmp(c->client.failed_at, "RSET") == 0);

    for (uint32_t i = 0; i < j->message.rcpt_count; i++)
        before = before && j->message.rcpt[i].result.outcome == RETRY;
    return before && f->outcome == RETRY && (f->code == 421 || (f->code == 0 && c->messages > 1)) && j->tries < RELAY_TRIES_MAX;
}

void relay_session_over(struct relay_conn *c)
{
    struct relay_job *j = c->job;
    struct smtp_result lost = {.outcome = RETRY, .status = "4.4.2", .text = S("The connection was lost")};

    if (!j)
        return;
    if (!j->message.finished)
        for (uint32_t i = 0; i < j->message.rcpt_count; i++)
            if (j->message.rcpt[i].result.outcome == 0)
                j->message.rcpt[i].result = c->client.failure.outcome ? c->client.failure : lost;
    if (c->preparing || not_its_fault(c, j)) {
        j->tries++;
        c->job = NULL;
        again(j);
        return;
    }
    settle(c, c->client.failed_at);
}
