// SPDX-License-Identifier: ISC
/* The octets of a message on their way to s->body: dots and line ends by the codec's reader, then through the header scanner
   (Received are counted, Bcc is dropped from submissions), then straight. What is refused is read to its end and thrown away,
   up to a limit.

       smtp_data_begin -> smtp_step_data (DATA) -- CRLF.CRLF --> smtp_commit
       cmd_bdat -> smtp_step_chunk -- chunk full --> 250, next command;  -- chunk full and LAST --> smtp_commit
       either, when the peer goes away or stays silent: the message is given up, body_aborted */
#include "base/check.h"
#include "smtp/inside.h"

enum { PIECE = 4096, BODY_ROOM = HEADER_NAME_HOLD + SMTP_DATA_ROOM + 16 };

static struct smtp_server *server_of(struct machine *m)
{
    return (struct smtp_server *)(void *)m;
}

enum next smtp_data_begin(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    t->begun = true;
    t->data_ms = s->m.unix_ms;
    header_scan_init(&t->scan);
    if (s->settings->add_missing) {
        t->scan.drop = HEADER_BCC | HEADER_RESENT_BCC;
        t->scan.capture = HEADER_FROM;
        t->scan.captured = &t->from_field;
    }
    s->state->deadline_ms = 0;
    return AGAIN;
}

static void fail(struct smtp_server *s, unsigned code, const char *status, const char *text)
{
    struct transaction *t = s->state->t;
    if (t->failed.code)
        return;
    t->failed = (struct smtp_refusal){code, status, text};
    buf_clear(s->body);
    s->body_aborted = true;
}

/* Room for what the next piece can become. */
static bool has_room(const struct smtp_server *s)
{
    return s->state->t->failed.code || buf_room(s->body) >= BODY_ROOM;
}

static void take(const struct transaction *t, struct smtp_data_reader *r, struct str *in, struct buf *to)
{
    if (t->env.body != SMTP_BODY_BINARY) {
        smtp_data_read(r, in, to);
        return;
    }
    struct str run = str_head(*in, buf_room(to));
    buf_add(to, run);
    *in = str_skip(*in, run.n);
}

static bool in_header(const struct transaction *t)
{
    return !t->scan.ended && !t->scan.no_header;
}

static void take_header(struct smtp_server *s, struct str *in)
{
    struct transaction *t = s->state->t;
    char storage[PIECE];
    struct buf piece;
    size_t room = buf_room(s->body) - HEADER_NAME_HOLD;
    buf_fixed(&piece, storage, room < sizeof storage ? room : sizeof storage);
    take(t, &t->reader, in, &piece);
    uint64_t before = t->scan.size;
    size_t waiting = s->body->n;
    header_scan_feed(&t->scan, buf_str(&piece), s->body);
    check(!s->body->full);
    t->octets += piece.n;
    t->stored += s->body->n - waiting;
    if (t->scan.no_header)
        t->body_8bit = t->body_8bit || t->scan.utf8 || smtp_has_8bit(buf_str(&piece));
    else if (t->scan.ended)
        t->body_8bit = t->body_8bit || smtp_has_8bit(str_skip(buf_str(&piece), (size_t)(t->scan.size - before)));
    if (!in_header(t))
        t->reader.eight_bit = false; /* from here on it speaks of the body */
}

static void take_body(struct smtp_server *s, struct str *in)
{
    struct transaction *t = s->state->t;
    struct str all = *in;
    size_t waiting = s->body->n;
    take(t, &t->reader, in, s->body);
    if (t->env.body == SMTP_BODY_BINARY)
        t->body_8bit = t->body_8bit || smtp_has_8bit(str_head(all, all.n - in->n));
    else
        t->body_8bit = t->body_8bit || t->reader.eight_bit;
    check(!s->body->full);
    t->octets += s->body->n - waiting;
    t->stored += s->body->n - waiting;
}

static void throw_away(struct smtp_server *s, struct str *in)
{
    struct transaction *t = s->state->t;
    char storage[PIECE];
    struct buf piece;
    buf_fixed(&piece, storage, sizeof storage);
    take(t, &t->reader, in, &piece);
    t->octets += piece.n;
}

static void take_piece(struct smtp_server *s, struct str *in)
{
    struct transaction *t = s->state->t;
    uint64_t max = s->settings->message_max;
    size_t before = in->n;
    if (t->failed.code)
        throw_away(s, in);
    else if (in_header(t))
        take_header(s, in);
    else
        take_body(s, in);
    t->progress += before - in->n;
    if (max && t->octets > max)
        fail(s, 552, "5.3.4", "The message is larger than this server takes");
    if (t->scan.received > RECEIVED_MAX) /* RFC 5321 6.3 */
        fail(s, 554, "5.4.6", "Too many Received fields: the message runs in circles");
}

/* Time: another data_timeout for every DATA_PROGRESS octets, so that neither silence nor a trickle holds the session for ever. */
static void move_deadline(struct smtp_server *s)
{
    struct smtp_state *st = s->state;
    if (st->deadline_ms && st->t->progress < DATA_PROGRESS)
        return;
    st->t->progress = 0;
    st->deadline_ms = s->m.now_ms + s->settings->data_timeout_ms;
}

static enum next wait_for_octets(struct smtp_server *s, bool timed_out)
{
    if (s->m.in_end)
        return smtp_hang_up(s);
    if (timed_out && s->m.now_ms >= s->state->deadline_ms)
        return smtp_goodbye(s, 421, "4.4.2", "The message did not come to its end in time");
    return machine_wait(&s->m, WANT_INPUT, s->state->deadline_ms);
}

static bool beyond_patience(const struct smtp_server *s)
{
    uint64_t max = s->settings->message_max;
    return s->state->t->failed.code && max && s->state->t->octets > max && s->state->t->octets - max > max + DISCARD_SPARE;
}

enum next smtp_step_data(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    struct transaction *t = s->state->t;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    move_deadline(s);
    if (m->in.n == 0)
        return wait_for_octets(s, timed_out);
    if (!has_room(s))
        return machine_wait(m, WANT_ROOM, 0);
    take_piece(s, &m->in);
    if (t->reader.ended)
        return smtp_commit(s);
    if (beyond_patience(s))
        return smtp_goodbye(s, 552, "5.3.4", "The message is far larger than this server takes");
    return AGAIN;
}

static enum next chunk_done(struct smtp_server *s)
{
    struct transaction *t = s->state->t;
    if (t->chunk_last)
        return smtp_commit(s);
    if (t->failed.code) {
        struct smtp_refusal why = t->failed;
        return smtp_refuse(s, why); /* the phase stays: later chunks are read and refused until RSET */
    }
    char text[64];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    buf_add_u64(&b, t->chunk_size);
    buf_add(&b, S(" octets received"));
    return smtp_answer_str(s, 250, "2.0.0", buf_str(&b));
}

enum next smtp_step_chunk(struct machine *m)
{
    struct smtp_server *s = server_of(m);
    struct transaction *t = s->state->t;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    move_deadline(s);
    if (t->chunk_left == 0)
        return chunk_done(s);
    if (m->in.n == 0)
        return wait_for_octets(s, timed_out);
    if (!has_room(s))
        return machine_wait(m, WANT_ROOM, 0);
    struct str piece = t->chunk_left < m->in.n ? str_head(m->in, (size_t)t->chunk_left) : m->in;
    size_t before = piece.n;
    take_piece(s, &piece);
    m->in = str_skip(m->in, before - piece.n);
    t->chunk_left -= before - piece.n;
    return AGAIN;
}
