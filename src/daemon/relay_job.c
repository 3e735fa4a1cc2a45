// SPDX-License-Identifier: ISC
/* Jobs: what store hands over, and what it hears of them. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/facts.h"
#include "daemon/relay_inside.h"
#include <stdio.h>
#include <stdlib.h>

static struct peer *store(struct relay *r)
{
    return actor_peer(r->actor, ROLE_STORE);
}

static struct relay_job **place(struct relay *r, uint64_t number)
{
    struct relay_job **p = &r->jobs[number % RELAY_BUCKETS];

    while (*p && (*p)->number != number)
        p = &(*p)->bucket;
    return p;
}

static void job_free(struct relay_job *j, struct relay *r)
{
    struct relay_job **p = place(r, j->number);

    if (*p == j)
        *p = j->bucket;
    r->job_count--;
    if (j->hop)
        relay_hop_drop(j->hop);
    relay_convert_end(j);
    free(j->first);
    free(j->piece);
    arena_clear(&j->arena);
    free(j);
}

void relay_job_begin(struct relay *r, const struct msg_work_begin *m)
{
    struct peer *p = store(r);
    struct relay_job *j;

    if (*place(r, m->job) || m->rcpt_count == 0 || m->rcpt_count > RELAY_RCPT_MAX) {
        peer_breach(p, "a job that is there already, or of nobody");
        return;
    }
    j = r->job_count < 2 * RELAY_JOBS_MAX && !r->stopping ? calloc(1, sizeof *j) : NULL;
    if (!j) {
        peer_send(p, &MSG(work_back, .job = m->job, .not_before_ms = clock_unix_ms() + 1000,
                          .why = {"4.3.2", "the relay has too much to do, or stops"}));
        return;
    }
    j->number = m->job;
    j->id = m->id;
    j->size = m->size;
    arena_init(&j->arena, RELAY_JOB_MEM);
    j->expected = m->rcpt_count;
    j->next_hop = arena_str(&j->arena, m->next_hop);
    j->route = arena_str(&j->arena, m->route);
    j->now = m->now;
    j->demand = (struct relay_demand){
        .requiretls = m->requiretls, .null_sender = m->from.n == 0, .tls_optional = m->tls_optional && !m->requiretls};
    j->body = m->body == SMTP_BODY_BINARY                                   ? SMTP_BODY_BINARY
              : m->body_8bit || m->header_8bit || m->body == SMTP_BODY_8BIT ? SMTP_BODY_8BIT
                                                                            : SMTP_BODY_7BIT;
    j->message = (struct smtp_client_message){
        .from = arena_str(&j->arena, m->from),
        .envid = arena_str(&j->arena, m->envid),
        .smtputf8 = (m->smtputf8 && m->header_8bit) || smtp_has_8bit(m->from),
        .priority = m->priority >= -9 && m->priority <= 9 ? (int)m->priority : 0,
        .has_priority = true,
        .ret = m->ret <= SMTP_RET_HDRS ? (enum smtp_ret)m->ret : SMTP_RET_NONE,
        .size = m->size,
        .rcpt = arena_array(&j->arena, m->rcpt_count, sizeof *j->message.rcpt),
    };
    j->queue_id = arena_array(&j->arena, m->rcpt_count, sizeof *j->queue_id);
    j->broken = !j->message.rcpt || !j->queue_id || !j->next_hop.p || !j->route.p || !j->message.from.p || !j->message.envid.p;
    *place(r, m->job) = j;
    r->job_count++;
}

void relay_job_rcpt(struct relay *r, const struct msg_work_rcpt *m)
{
    struct relay_job *j = *place(r, m->job);

    if (!j || j->state != JOB_COMING)
        return; /* it was given back when it began */
    if (j->message.rcpt_count == j->expected) {
        peer_breach(store(r), "more recipients than announced");
        return;
    }
    if (j->broken)
        return;
    uint32_t i = j->message.rcpt_count++;
    j->message.rcpt[i] = (struct smtp_client_rcpt){
        .address = arena_str(&j->arena, m->to), .orcpt = arena_str(&j->arena, m->orcpt), .notify = m->notify};
    j->queue_id[i] = m->queue_id;
    j->message.smtputf8 |= smtp_has_8bit(m->to);
    j->broken = !j->message.rcpt[i].address.p || !j->message.rcpt[i].orcpt.p;
}

static bool keep(char **to, uint32_t *n, struct str data)
{
    char *p = data.n <= BODY_PIECE_MAX ? realloc(*to, data.n ? data.n : 1) : NULL;

    if (!p)
        return false;
    if (data.n)
        memcpy(p, data.p, data.n);
    *to = p;
    *n = (uint32_t)data.n;
    return true;
}

void relay_job_end(struct relay *r, const struct msg_work_end *m)
{
    struct relay_job *j = *place(r, m->job);

    if (!j || j->state != JOB_COMING)
        return;
    j->first_last = m->last;
    if (j->broken || j->message.rcpt_count != j->expected || !keep(&j->first, &j->first_n, m->data)) {
        relay_job_back(j, r, clock_unix_ms() + 1000, "no memory for it");
        return;
    }
    relay_hop_take(r, j);
}

void relay_job_piece(struct relay *r, const struct msg_work_piece *m)
{
    struct relay_job *j = *place(r, m->job);

    if (!j || !j->asked || m->offset != j->asked_at)
        return;
    j->asked = false;
    j->piece_at = m->offset;
    j->piece_last = m->last;
    j->broken = m->outcome != DONE || (m->data.n == 0 && !m->last) || !keep(&j->piece, &j->piece_n, m->data);
    if (j->conn)
        relay_conn_run(j->conn);
}

enum relay_data relay_job_data(struct relay_job *j, struct relay *r, uint64_t offset, struct str *to)
{
    if (j->broken) {
        j->broken = false; /* a later connection asks again */
        return RELAY_DATA_FAILED;
    }
    if (offset < j->first_n || (offset == j->first_n && j->first_last)) {
        *to = str_of(j->first + offset, j->first_n - (size_t)offset);
        return RELAY_DATA_HERE;
    }
    if (!j->asked && j->piece && offset >= j->piece_at &&
        (offset < j->piece_at + j->piece_n || (offset == j->piece_at + j->piece_n && j->piece_last))) {
        *to = str_of(j->piece + (offset - j->piece_at), j->piece_n - (size_t)(offset - j->piece_at));
        return RELAY_DATA_HERE;
    }
    if (!j->asked || j->asked_at != offset) {
        j->asked = true;
        j->asked_at = offset;
        if (!peer_send(store(r), &MSG(work_more, .job = j->number, .offset = offset, .room = BODY_PIECE_MAX)))
            return RELAY_DATA_FAILED;
    }
    return RELAY_DATA_LATER;
}

/* ---- what came of it ---- */

static const char *result_text(enum outcome o)
{
    return o == DONE ? "sent" : o == RETRY ? "later" : "refused";
}

void relay_job_result(struct relay_job *j, struct relay *r, uint32_t i, const struct smtp_result *result, const char *stage,
                      const struct relay_conn *c)
{
    char tls[128] = "";

    if (c)
        relay_tls_text(c, tls);
    struct str host = c ? c->host_name : STR_NONE, text = str_head(result->text, 512);
    peer_send(store(r),
              &MSG(work_result, .job = j->number, .queue_id = j->queue_id[i], .outcome = result->outcome, .code = result->code,
                   .status = str_c(result->status), .text = text, .stage = str_c(stage ? stage : ""), .host = str_head(host, 255),
                   .ip = str_c(c ? c->ip_text : ""), .tls = str_c(tls),
                   .dsn = result->outcome == DONE && c && c->machine && c->client.offers.dsn, .at_ms = clock_unix_ms()));
    fact(FACT_DEBUG, "relay.result", fact_c("id", id_text(j->id).c), fact_str("to", j->message.rcpt[i].address),
         fact_c("result", result_text(result->outcome)), fact_num("code", result->code), fact_str("text", str_head(text, 200)),
         fact_str("host", host), fact_c("ip", c ? c->ip_text : ""), fact_c("tls", tls));
    fact_count(result->outcome == DONE ? "relay.sent" : result->outcome == RETRY ? "relay.deferred" : "relay.refused", 1);
}

void relay_job_fail(struct relay_job *j, struct relay *r, const struct smtp_result *result, const char *stage,
                    const struct relay_conn *c)
{
    for (uint32_t i = 0; i < j->message.rcpt_count; i++)
        relay_job_result(j, r, i, result, stage, c);
    relay_job_done(j, r);
}

void relay_job_back(struct relay_job *j, struct relay *r, int64_t not_before_ms, const char *why)
{
    struct msg_work_back m = {.job = j->number, .not_before_ms = not_before_ms};

    snprintf(m.why.text, sizeof m.why.text, "%s", why);
    peer_send(store(r), &(struct message){.kind = MSG_work_back, .work_back = m});
    fact_count("relay.given-back", 1);
    job_free(j, r);
}

void relay_job_done(struct relay_job *j, struct relay *r)
{
    peer_send(store(r), &MSG(work_done, .job = j->number));
    job_free(j, r);
}

void relay_job_cancel(struct relay *r, uint64_t number)
{
    struct relay_job *j = *place(r, number);

    if (!j || j->state == JOB_SENDING || j->state == JOB_LOOKING)
        return; /* LOOKING: it ends soon enough */
    if (j->state == JOB_QUEUED)
        relay_site_remove(j->hop->site, j);
    relay_job_back(j, r, 0, "cancelled");
}

static void unlist(struct relay_job *j)
{
    struct relay_job **p = &j->hop->waiting;

    while (*p && *p != j)
        p = &(*p)->next;
    if (*p)
        *p = j->next;
    if (!j->next)
        j->hop->waiting_last = p;
}

static void drop_all(struct relay *r, bool sending)
{
    for (size_t b = 0; b < RELAY_BUCKETS; b++)
        for (struct relay_job *j = r->jobs[b], *next; j; j = next) {
            next = j->bucket;
            if (j->state == JOB_SENDING && !sending)
                continue;
            if (j->state == JOB_QUEUED)
                relay_site_remove(j->hop->site, j);
            if (j->state == JOB_LOOKING)
                unlist(j);
            job_free(j, r);
        }
}

void relay_jobs_drop(struct relay *r)
{
    drop_all(r, false); /* what waits first: a connection that ends makes room for it */
    relay_conns_kill(r);
    drop_all(r, true);
}
