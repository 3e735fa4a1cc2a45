// SPDX-License-Identifier: ISC
/* The octets of one message, pulled from the host in pieces.

     DATA   step_data <--> ask DATA;  end: final dot --> step_final
     BDAT   step_fill <--> ask DATA;  chunk full or end --> "BDAT n [LAST]" --> step_send --> step_fill …
            after LAST --> step_final
     step_final: one reply, in LMTP one for each accepted recipient (RFC 2033 4.2) --> smtp_client_finish
   A server that refuses in the middle and goes away is heard: its last reply is the result. */
#include "smtp/client_inside.h"
#include "base/check.h"

static struct smtp_client *client_of(struct machine *m)
{
    return (struct smtp_client *)(void *)m;
}

static int64_t block_timeout(const struct smtp_client *c)
{
    return smtp_client_timeout(c->settings->data_block_timeout_ms, 3 * 60 * 1000);
}

/* --- the last reply ------------------------------------------------------ */

static struct smtp_client_rcpt *next_accepted(struct smtp_client *c)
{
    struct smtp_client_message *msg = c->message;
    while (c->state->lmtp_at < msg->rcpt_count)
        if (msg->rcpt[c->state->lmtp_at++].result.outcome == 0)
            return &msg->rcpt[c->state->lmtp_at - 1];
    return NULL;
}

static enum next final_answered(struct smtp_client *c, unsigned code)
{
    struct smtp_result r = smtp_client_result(c, code);
    if (code >= 300 && code < 400)
        return smtp_client_fail(c, "end of data",
                                smtp_client_verdict(RETRY, "4.5.0", "The server asks for more after the message"), false);
    if (c->settings->lmtp) {
        struct smtp_client_rcpt *rcpt = next_accepted(c);
        check(rcpt != NULL);
        rcpt->result = r;
        if (c->message->result.outcome == 0 || r.outcome == DONE)
            c->message->result = r; /* one success makes the message a success */
        if (code != 421 && --c->state->accepted > 0)
            return smtp_client_wait_reply(c, "end of data", smtp_client_timeout(c->settings->data_end_timeout_ms, 10 * 60 * 1000),
                                          final_answered);
    }
    smtp_client_settle(c, r);
    if (code == 421)
        return smtp_client_fail(c, "end of data", r, false);
    return smtp_client_finish(c, false);
}

static enum next await_final(struct smtp_client *c)
{
    return smtp_client_wait_reply(c, "end of data", smtp_client_timeout(c->settings->data_end_timeout_ms, 10 * 60 * 1000),
                                  final_answered);
}

/* The server said something, or went away, while we were still sending. */
static enum next interrupted(struct smtp_client *c)
{
    unsigned code = 0;
    c->state->at = "message";
    enum smtp_got got = smtp_client_take_reply(c, &code);
    if (got == SMTP_GOT_REPLY && code >= 400)
        return smtp_client_fail(c, "message", smtp_client_result(c, code), false);
    return smtp_client_lost(c, got == SMTP_GOT_REPLY ? SMTP_GOT_RUBBISH : SMTP_GOT_END);
}

static enum next unreadable(struct smtp_client *c)
{
    return smtp_client_fail(
        c, "message",
        smtp_client_verdict(RETRY, "4.3.0", "The message could not be read to its end; the transfer was broken off"), false);
}

static enum next ask_piece(struct smtp_client *c)
{
    c->ask.kind = SMTP_CLIENT_ASK_DATA;
    c->ask.data = STR_NONE;
    c->ask.outcome = RETRY;
    c->m.answered = false;
    return AGAIN;
}

/* True when a piece is there, or the end was told (body_ended). */
static bool take_answer(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    c->m.answered = false;
    c->ask.kind = SMTP_CLIENT_ASK_NONE;
    if (c->ask.outcome != DONE)
        return false;
    st->piece = c->ask.data;
    st->body_ended = st->piece.n == 0;
    c->ask.offset += st->piece.n;
    return true;
}

/* Waiting for the peer to read: the time runs from the last octet that it took. */
static enum next wait_for_room(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    size_t room = buf_room(c->m.out);
    if (room != st->room_seen || st->deadline_ms == 0)
        st->deadline_ms = c->m.now_ms + block_timeout(c);
    st->room_seen = room;
    if (smtp_client_timed_out(c))
        return smtp_client_fail(c, "message", smtp_client_verdict(RETRY, "4.4.2", "The server did not take the message in time"),
                                false);
    return machine_wait(&c->m, WANT_ROOM | WANT_INPUT, st->deadline_ms);
}

static void begin_body(struct smtp_client *c, bool dots)
{
    struct smtp_client_state *st = c->state;
    st->writer = (struct smtp_data_writer){.dots = dots};
    st->piece = STR_NONE;
    st->body_ended = st->last_sent = false;
    st->deadline_ms = 0;
    st->room_seen = 0;
    c->ask = (struct smtp_client_ask){0};
}

/* --- DATA ---------------------------------------------------------------- */

static enum next step_data(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    struct smtp_client_state *st = c->state;
    if (m->in_end)
        return interrupted(c);
    if (c->ask.kind == SMTP_CLIENT_ASK_DATA) {
        if (!m->answered)
            return machine_wait(m, WANT_ANSWER, 0);
        if (!take_answer(c))
            return unreadable(c);
    }
    smtp_data_write(&st->writer, &st->piece, m->out);
    if (st->piece.n)
        return wait_for_room(c);
    if (!st->body_ended)
        return ask_piece(c);
    if (!smtp_data_write_end(&st->writer, m->out))
        return wait_for_room(c);
    return await_final(c);
}

enum next smtp_client_data(struct smtp_client *c)
{
    begin_body(c, true);
    c->m.step = step_data;
    return ask_piece(c);
}

static enum next dot_answered(struct smtp_client *c, unsigned code)
{
    (void)code; /* whatever it says: nobody was to get anything */
    return smtp_client_finish(c, false);
}

enum next smtp_client_lone_dot(struct smtp_client *c)
{
    smtp_client_settle(c, c->message->rcpt[0].result);
    return smtp_client_send(c, "end of data", S("."), smtp_client_timeout(c->settings->data_end_timeout_ms, 10 * 60 * 1000),
                            dot_answered);
}

/* --- BDAT ---------------------------------------------------------------- */

static enum next step_fill(struct machine *m);

static enum next chunks_failed(struct smtp_client *c, unsigned code)
{
    smtp_client_settle(c, smtp_client_result(c, code));
    return smtp_client_finish(c, true); /* RFC 3030 2: only RSET leads on */
}

static enum next chunk_answered(struct smtp_client *c, unsigned code)
{
    if (code == 421)
        return smtp_client_fail(c, "BDAT", smtp_client_result(c, code), false);
    if (code < 200 || code >= 300)
        return chunks_failed(c, code);
    buf_clear(&c->state->chunk);
    c->state->deadline_ms = 0;
    c->m.step = step_fill;
    return AGAIN;
}

static enum next step_send(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    struct smtp_client_state *st = c->state;
    if (m->in_end)
        return interrupted(c);
    struct str octets = str_head(buf_str(&st->chunk), buf_room(m->out));
    buf_add(m->out, octets);
    buf_consume(&st->chunk, octets.n);
    if (st->chunk.n)
        return wait_for_room(c);
    if (st->last_sent)
        return await_final(c);
    return smtp_client_wait_reply(c, "BDAT", block_timeout(c), chunk_answered);
}

static enum next send_chunk(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    if (buf_room(c->m.out) < 64)
        return wait_for_room(c);
    buf_add(c->m.out, S("BDAT "));
    buf_add_u64(c->m.out, st->chunk.n);
    buf_add_c(c->m.out, st->body_ended ? " LAST\r\n" : "\r\n");
    st->last_sent = st->body_ended;
    c->m.step = step_send;
    return AGAIN;
}

static void fill(struct smtp_client *c)
{
    struct smtp_client_state *st = c->state;
    if (c->message->body != SMTP_BODY_BINARY) {
        smtp_data_write(&st->writer, &st->piece, &st->chunk);
        return;
    }
    struct str run = str_head(st->piece, buf_room(&st->chunk));
    buf_add(&st->chunk, run);
    st->piece = str_skip(st->piece, run.n);
}

static enum next step_fill(struct machine *m)
{
    struct smtp_client *c = client_of(m);
    struct smtp_client_state *st = c->state;
    if (m->in_end)
        return interrupted(c);
    if (c->ask.kind == SMTP_CLIENT_ASK_DATA) {
        if (!m->answered)
            return machine_wait(m, WANT_ANSWER, 0);
        if (!take_answer(c))
            return unreadable(c);
    }
    fill(c);
    if (st->piece.n)
        return send_chunk(c);
    if (!st->body_ended)
        return ask_piece(c);
    if (c->message->body != SMTP_BODY_BINARY && !smtp_data_write_end(&st->writer, &st->chunk))
        st->body_ended = false; /* no room for the last line end: it comes with the next chunk, after asking once more */
    return send_chunk(c);
}

enum next smtp_client_chunks(struct smtp_client *c)
{
    char *storage = arena_alloc(c->transaction, CHUNK_MAX);
    if (!storage)
        return smtp_client_fail(c, "BDAT", smtp_client_verdict(RETRY, "4.3.1", "No memory for the message"), true);
    begin_body(c, false);
    buf_fixed(&c->state->chunk, storage, CHUNK_MAX);
    c->m.step = step_fill;
    return ask_piece(c);
}
