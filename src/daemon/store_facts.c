// SPDX-License-Identifier: ISC
/* What store knows about the whole server: the counters and gauges that the roles send, their state as master sees it, and the
   engine's own numbers. */
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/store_queue.h"
#include "message/date.h"

/* Upper bounds in microseconds; the last bucket has none. */
static const int64_t latency_bounds[LATENCY_BUCKETS] = {100,   250,   500,    1000,   2500,   5000,    10000,
                                                        25000, 50000, 100000, 250000, 500000, 1000000, 5000000};

void store_latency(struct store *st, int64_t us)
{
    size_t i = 0;

    while (i < LATENCY_BUCKETS && us > latency_bounds[i])
        i++;
    st->latency[i]++;
    st->latency_us += us > 0 ? (uint64_t)us : 0;
}

void store_role_state(struct store *st, const struct msg_role_state *m)
{
    struct role_info *r = &st->roles[m->who];

    r->pid = m->pid;
    r->restarts = m->restarts;
    r->since_ms = m->since_ms;
    r->up = m->up;
}

/* "edge.no-descriptors" → "edge_no_descriptors": names come from our own roles, but a role may have been taken over. */
static bool metric_name(struct str name, char to[64])
{
    if (name.n == 0 || name.n >= 64 || !ascii_is_alpha(name.p[0]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        to[i] = ascii_is_alnum(name.p[i]) ? ascii_lower(name.p[i]) : '_';
    to[name.n] = '\0';
    return true;
}

void store_count(struct store *st, enum role who, struct str name, uint64_t value, bool gauge)
{
    struct role_info *r = &st->roles[who];
    char clean[64];
    size_t i = 0;

    if (!metric_name(name, clean) || (!r->count && !(r->count = calloc(ROLE_COUNTS_MAX, sizeof *r->count))))
        return;
    while (i < r->counts && strcmp(r->count[i].name, clean) != 0)
        i++;
    if (i == ROLE_COUNTS_MAX)
        return;
    if (i == r->counts) {
        memcpy(r->count[i].name, clean, sizeof clean);
        r->counts++;
    }
    r->count[i].value = value;
    r->count[i].gauge = gauge;
}

static void own_count(void *to, const char *name, uint64_t value)
{
    store_count(to, ROLE_STORE, str_c(name), value, false);
}

/* ---- Prometheus text ---- */

/* Every role that has it, under one TYPE line, as the format wants. */
static void role_counts(struct store *st, struct buf *to)
{
    for (size_t k = 0; k < ROLE_COUNT; k++)
        for (size_t i = 0; i < st->roles[k].counts; i++) {
            const struct role_count *c = &st->roles[k].count[i];
            bool first = true, head = false;
            for (size_t j = 0; j < k && first; j++)
                for (size_t x = 0; x < st->roles[j].counts; x++)
                    first &= strcmp(st->roles[j].count[x].name, c->name) != 0;
            for (size_t j = k; j < ROLE_COUNT && first; j++)
                for (size_t x = 0; x < st->roles[j].counts; x++) {
                    const struct role_count *o = &st->roles[j].count[x];
                    if (strcmp(o->name, c->name) != 0 || o->gauge != c->gauge)
                        continue;
                    if (!head)
                        buf_printf(to, "# TYPE penny_%s%s %s\n", c->name, c->gauge ? "" : "_total",
                                   c->gauge ? "gauge" : "counter");
                    head = true;
                    buf_printf(to, "penny_%s%s{role=\"%s\"} %llu\n", c->name, c->gauge ? "" : "_total",
                               st->actor->single ? "all" : role_name((enum role)j), (unsigned long long)o->value);
                }
        }
}

static void one(struct buf *to, const char *name, const char *type, const char *help, uint64_t value)
{
    buf_printf(to, "# HELP penny_%s %s\n# TYPE penny_%s %s\npenny_%s %llu\n", name, help, name, type, name,
               (unsigned long long)value);
}

static void seconds(struct buf *to, const char *name, uint64_t us)
{
    buf_printf(to, "penny_%s %llu.%06llu\n", name, (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000));
}

static void latency(struct store *st, struct buf *to)
{
    uint64_t sum = 0;

    buf_add_c(
        to,
        "# HELP penny_accept_seconds From the end of a message to its acknowledgement.\n# TYPE penny_accept_seconds histogram\n");
    for (size_t i = 0; i <= LATENCY_BUCKETS; i++) {
        sum += st->latency[i];
        if (i < LATENCY_BUCKETS)
            buf_printf(to, "penny_accept_seconds_bucket{le=\"%lld.%06lld\"} %llu\n", (long long)(latency_bounds[i] / 1000000),
                       (long long)(latency_bounds[i] % 1000000), (unsigned long long)sum);
        else
            buf_printf(to, "penny_accept_seconds_bucket{le=\"+Inf\"} %llu\n", (unsigned long long)sum);
    }
    seconds(to, "accept_seconds_sum", st->latency_us);
    buf_printf(to, "penny_accept_seconds_count %llu\n", (unsigned long long)sum);
}

/* Of the engine: buckets by powers of two; the caller adds the sum. */
static void histogram(struct buf *to, const char *name, const char *help, const uint64_t counts[ENGINE_BUCKETS + 1], bool times)
{
    uint64_t sum = 0;

    buf_printf(to, "# HELP penny_%s %s\n# TYPE penny_%s histogram\n", name, help, name);
    for (unsigned i = 0; i < ENGINE_BUCKETS; i++) {
        uint64_t us = ENGINE_SYNC_US(i);
        sum += counts[i];
        if (times)
            buf_printf(to, "penny_%s_bucket{le=\"%llu.%06llu\"} %llu\n", name, (unsigned long long)(us / 1000000),
                       (unsigned long long)(us % 1000000), (unsigned long long)sum);
        else
            buf_printf(to, "penny_%s_bucket{le=\"%llu\"} %llu\n", name, (unsigned long long)ENGINE_OPS(i), (unsigned long long)sum);
    }
    sum += counts[ENGINE_BUCKETS];
    buf_printf(to, "penny_%s_bucket{le=\"+Inf\"} %llu\npenny_%s_count %llu\n", name, (unsigned long long)sum, name, (unsigned long long)sum);
}

void store_metrics_text(struct store *st, struct buf *to)
{
    struct engine_stat s = {0};

    if (st->engine)
        engine_stat(st->engine, &s);
    fact_counters(own_count, st);
    one(to, "uptime_seconds", "gauge", "Since the server was started.",
        (uint64_t)(clock_unix_ms() - st->control.started_ms) / 1000);
    one(to, "messages_accepted_total", "counter", "Messages acknowledged to their senders.", st->accepted);
    one(to, "messages_refused_total", "counter", "Messages refused or put off after their last octet.", st->refused);
    one(to, "copies_delivered_total", "counter", "Copies put into mailboxes.", st->delivered);
    one(to, "recipients_queued_total", "counter", "Recipients elsewhere that were queued.", st->queued);
    one(to, "queue_sent_total", "counter", "Recipients handed on to other hosts.", st->queue->sent);
    one(to, "queue_deferred_total", "counter", "Attempts that will be made again.", st->queue->deferred);
    one(to, "queue_failed_total", "counter", "Recipients elsewhere that were refused or given up.", st->queue->failed);
    one(to, "queue_jobs", "gauge", "Messages that are at the relay now.", st->queue->out_count);
    one(to, "notifications_total", "counter", "Delivery status notifications written.", st->notified);
    one(to, "commits_in_work", "gauge", "Messages that wait for the disk.", st->commit_count);
    one(to, "bodies_held_octets", "gauge", "Octets of messages held in memory.", st->bodies_held);
    one(to, "maildrops_open", "gauge", "Mailboxes under a POP3 lock.", st->drop_count);
    one(to, "store_commits_total", "counter", "Batches written.", s.commits);
    one(to, "store_operations_total", "counter", "Operations in those batches: divided by the batches, how many share one sync.",
        s.ops);
    one(to, "store_fdatasync_total", "counter", "Times the disk was made to keep what it has.", s.fdatasyncs);
    histogram(to, "store_fdatasync_seconds", "Time that one fdatasync took.", s.sync_times, true);
    seconds(to, "store_fdatasync_seconds_sum", (uint64_t)s.fdatasync_us_total);
    histogram(to, "store_commit_operations", "Operations that one commit carried.", s.batch_sizes, false);
    buf_printf(to, "penny_store_commit_operations_sum %llu\n", (unsigned long long)s.ops);
    one(to, "store_segments", "gauge", "Files of the log.", s.segments);
    one(to, "store_octets", "gauge", "Size of the log.", s.bytes);
    one(to, "store_dead_octets", "gauge", "Of it, what nothing refers to.", s.dead_bytes);
    one(to, "store_accounts", "gauge", "Accounts.", s.accounts);
    one(to, "store_messages", "gauge", "Messages in mailboxes.", s.messages);
    one(to, "store_bodies", "gauge", "Bodies in the log.", s.bodies);
    one(to, "store_queued", "gauge", "Recipients in the queue.", s.queued);
    one(to, "facts_dropped_total", "counter", "Lines of this role's log that found no room.", fact_dropped());
    buf_add_c(to, "# TYPE penny_role_up gauge\n");
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (st->roles[i].pid)
            buf_printf(to, "penny_role_up{role=\"%s\"} %d\n", role_name((enum role)i), st->roles[i].up);
    buf_add_c(to, "# TYPE penny_role_restarts_total counter\n");
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (st->roles[i].pid)
            buf_printf(to, "penny_role_restarts_total{role=\"%s\"} %lu\n", role_name((enum role)i),
                       (unsigned long)st->roles[i].restarts);
    latency(st, to);
    role_counts(st, to);
}

/* ---- penny status ---- */

static void role_json(struct store *st, struct json_writer *w, enum role who)
{
    const struct role_info *r = &st->roles[who];
    char since[40];
    struct buf b;

    buf_fixed(&b, since, sizeof since);
    date_print_iso(&b, r->since_ms);
    json_object(w, NULL);
    json_str(w, "role", str_c(role_name(who)));
    json_num(w, "pid", r->pid);
    json_bool(w, "up", r->up);
    json_num(w, "restarts", r->restarts);
    json_str(w, "since", buf_str(&b));
    json_object(w, "counts");
    for (size_t i = 0; i < r->counts; i++)
        json_num(w, r->count[i].name, (int64_t)r->count[i].value);
    json_end(w);
    json_end(w);
}

void store_status_json(struct store *st, struct json_writer *w)
{
    fact_counters(own_count, st);
    json_bool(w, "single", st->actor->single);
    json_array(w, "roles");
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (st->roles[i].pid || st->roles[i].counts)
            role_json(st, w, (enum role)i);
    json_end(w);
    json_object(w, "mail");
    json_num(w, "accepted", (int64_t)st->accepted);
    json_num(w, "refused", (int64_t)st->refused);
    json_num(w, "delivered", (int64_t)st->delivered);
    json_num(w, "queued", (int64_t)st->queued);
    json_num(w, "notified", (int64_t)st->notified);
    json_num(w, "in_work", (int64_t)st->commit_count);
    json_num(w, "maildrops_open", (int64_t)st->drop_count);
    json_end(w);
}
