// SPDX-License-Identifier: ISC
/* The end of a message: what is held goes to the body, the host drains it, the trace lines are written, COMMIT is asked, the
   reply given.

       smtp_commit -> step_finish -- room --> step_drain -- body drained --> ask COMMIT -- answered --> one reply,
       in LMTP step_lmtp_reply for each recipient */
#include "base/check.h"
#include "base/encode.h"
#include "message/trace.h"
#include "smtp/inside.h"

enum { FINISH_ROOM = HEADER_NAME_HOLD + 16 };

static struct smtp_server *server_of(struct machine *m)
{
    return (struct smtp_server *)(void *)m;
}

/* --- replies ------------------------------------------------------------- */

static enum next done(struct smtp_server *s)
{
    s->m.step = smtp_step_command;
    s->state->deadline_ms = 0;
    smtp_transaction_end(s);
    return AGAIN;
}

/* The message's own refusal: LMTP has one reply for each recipient also then (RFC 2033 4.2). */
static enum next step_lmtp_reply(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    struct transaction *t = s->state->t;
    if (t->replied == t->env.rcpt_count)
        return done(s);
    uint32_t i = t->replied++;
    struct buf text;
    char storage[SMTP_REPLY_LINE_MAX];
    buf_fixed(&text, storage, sizeof storage);
    buf_add_byte(&text, '<');
    address_print(&text, &t->env.rcpt[i].adr, !t->env.smtputf8);
    buf_add(&text, S("> "));
    if (t->failed.code == 0 && t->rcpt_outcome[i] == DONE) {
        buf_add(&text, S("delivered, id "));
        buf_add_c(&text, id_text(s->ask.id).c);
        smtp_reply_add(m->out, 250, "2.1.5", buf_str(&text), t->env.smtputf8);
    } else {
        struct smtp_refusal r = t->failed.code ? t->failed : smtp_why(t->rcpt_outcome[i], &t->rcpt_why[i], 451, 550);
        buf_add_c(&text, r.text);
        smtp_reply_add(m->out, r.code, r.status, buf_str(&text), t->env.smtputf8);
    }
    return AGAIN;
}

static enum next refuse_message(struct smtp_server *s, struct smtp_refusal r)
{
    if (s->settings->kind == SMTP_LMTP) {
        if (!s->state->t->failed.code) {
            buf_clear(s->body);
            s->body_aborted = true;
        }
        s->state->t->failed = r;
        s->m.step = step_lmtp_reply;
        return AGAIN;
    }
    enum next next = smtp_refuse(s, r);
    smtp_transaction_drop(s);
    return next;
}

static enum next lmtp_answered(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    for (uint32_t i = 0; i < t->env.rcpt_count; i++) {
        t->rcpt_outcome[i] = s->ask.rcpt_outcome ? s->ask.rcpt_outcome[i] : s->ask.outcome;
        t->rcpt_why[i] = s->ask.rcpt_outcome && s->ask.rcpt_why ? s->ask.rcpt_why[i] : s->ask.why;
    }
    s->m.step = step_lmtp_reply;
    return AGAIN;
}

static enum next committed(struct smtp_server *s)
{
    s->state->t->begun = false; /* the octets are the store's now, whatever it says */
    if (s->settings->kind == SMTP_LMTP)
        return lmtp_answered(s);
    struct smtp_refusal r = smtp_why(s->ask.outcome, &s->ask.why, 451, 554);
    enum next next;
    if (s->ask.outcome == DONE) {
        char storage[64];
        struct buf text;
        buf_fixed(&text, storage, sizeof storage);
        buf_add(&text, S("Accepted, id "));
        buf_add_c(&text, id_text(s->ask.id).c);
        next = smtp_answer_str(s, 250, "2.0.0", buf_str(&text));
    } else {
        next = smtp_refuse(s, r);
    }
    smtp_transaction_end(s);
    return next;
}

/* --- before the question ------------------------------------------------- */

/* RFC 6409 8 and RFC 5322 3.6: a submission gets what it lacks. */
static struct smtp_refusal complete(struct smtp_server *s, struct buf *trace, struct str id)
{
    struct transaction *t = s->state->t;
    const struct address *from = &t->env.from;
    if (t->scan.from > 1)
        return (struct smtp_refusal){554, "5.6.0", "The message has more than one From field"};
    if (t->scan.from == 0 && (address_is_null(from) || from->domain.text.n == 0))
        return (struct smtp_refusal){554, "5.6.0", "The message has no From field and no sender to make one of"};
    if (t->scan.from == 0) {
        buf_add(trace, S("From: "));
        address_print(trace, from, !t->env.smtputf8);
        buf_add(trace, S("\r\n"));
    }
    if (!(t->scan.seen & HEADER_DATE))
        trace_date(trace, s->m.unix_ms, 0);
    if (!(t->scan.seen & HEADER_MESSAGE_ID))
        trace_message_id(trace, id, s->settings->hostname);
    return (struct smtp_refusal){0, NULL, NULL};
}

static struct smtp_refusal make_trace(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    struct buf trace;
    buf_fixed(&trace, t->trace, sizeof t->trace);
    struct id_text id = id_text(s->ask.id);
    trace_received(&trace, &(struct trace_received){
        .helo = s->helo, .client_ip = str_c(s->client.ip), .client_name = str_c(s->client.name), .by = s->settings->hostname,
        .id = str_c(id.c),
        .for_recipient = t->env.rcpt_count == 1 ? &t->env.rcpt[0].adr : NULL,
        .tls_version = str_c(s->m.tls.active ? s->m.tls.version : ""),
        .tls_cipher = str_c(s->m.tls.active ? s->m.tls.cipher : ""),
        .lmtp = s->settings->kind == SMTP_LMTP, .esmtp = s->esmtp, .tls = s->m.tls.active, .auth = s->user.n > 0,
        .utf8 = t->env.smtputf8,
        .priority = t->env.priority,
        .unix_ms = s->m.unix_ms,
    });
    struct smtp_refusal r = {0, NULL, NULL};
    if (s->settings->add_missing)
        r = complete(s, &trace, str_c(id.c));
    if (t->scan.no_header)
        buf_add(&trace, S("\r\n")); /* else the first line of the text would be read as a header field */
    check(!trace.full); /* names have their limits: TRACE_MAX is their sum and more */
    s->ask.trace = buf_str(&trace);
    return r;
}

static enum next ask_commit(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    s->ask.id = s->next_id(s->host);
    struct smtp_refusal r = make_trace(s);
    if (r.code)
        return refuse_message(s, r);
    s->ask.envelope = &t->env;
    s->ask.size = t->stored;
    s->ask.received_count = t->scan.received;
    s->ask.header_8bit = t->scan.utf8 && !t->scan.no_header;
    s->ask.body_8bit = t->body_8bit;
    s->ask.header_from = buf_str(&t->from_field);
    s->ask.connected_ms = s->state->connected_ms;
    s->ask.mail_ms = t->mail_ms;
    s->ask.data_ms = t->data_ms;
    s->ask.end_ms = s->m.unix_ms;
    return smtp_ask_host(s, SMTP_ASK_COMMIT, committed);
}

/* --- the last octets ----------------------------------------------------- */

static enum next step_drain(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    m->timed_out = false;
    return s->body->n ? machine_wait(m, WANT_ROOM, 0) : ask_commit(s);
}

static enum next step_finish(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    struct transaction *t = s->state->t;
    char storage[8];
    struct buf last;
    m->timed_out = false;
    if (t->failed.code) {
        struct smtp_refusal why = t->failed;
        return refuse_message(s, why);
    }
    if (buf_room(s->body) < FINISH_ROOM)
        return machine_wait(m, WANT_ROOM, 0);
    buf_fixed(&last, storage, sizeof storage);
    if (t->env.body != SMTP_BODY_BINARY)
        smtp_data_read_end(&t->reader, &last);
    if (t->reader.bare && s->settings->bare == SMTP_BARE_REFUSE)
        return refuse_message(
            s, (struct smtp_refusal){554, "5.6.0", "A CR or LF stands alone in the message; lines end with CR LF"});
    size_t waiting = s->body->n;
    header_scan_feed(&t->scan, buf_str(&last), s->body);
    header_scan_end(&t->scan, s->body);
    check(!s->body->full);
    t->stored += s->body->n - waiting;
    m->step = step_drain;
    return AGAIN;
}

enum next smtp_commit(struct smtp_server *s)
{
    s->m.step = step_finish;
    return AGAIN;
}
