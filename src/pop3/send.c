// SPDX-License-Identifier: ISC
/* A message on its way to the client: asked for in pieces as large as there is room for, dots stuffed afresh, line ends made CRLF (RFC 1939 3, 5).

       pop3_send ──ask READ──► piece_came ──+OK, octets──► ask READ … ──end──► step_end ──"."──► pop3_step_command
                                   │  ▲
                      rewritten    ▼  │ all sent             -ERR before the first octet, hang up behind it
                              step_made (a header field that was rewritten waits for room)                                      */
#include "pop3/inside.h"
#include "base/limits.h"

enum { STUFF_SPARE = 16 };

static enum next ask_more(struct pop3_server *s);

/* Octets that may be taken now: in the worst case each doubles. */
static size_t room_for(const struct pop3_server *s)
{
    size_t room = buf_room(s->m.out);
    room = room > STUFF_SPARE ? (room - STUFF_SPARE) / 2 : 0;
    return room < BODY_PIECE_MAX ? room : BODY_PIECE_MAX;
}

/* A line has ended. RFC 1939's TOP counts the lines behind the empty one. */
static void line_end(struct sender *d, struct buf *out, bool was_empty)
{
    buf_add(out, S("\r\n"));
    d->line_start = true;
    d->cr = false;
    if (d->in_header && was_empty)
        d->in_header = false;
    else if (!d->in_header && d->top && d->lines_left > 0)
        d->lines_left--;
    if (d->top && !d->in_header && d->lines_left == 0)
        d->done = true;
}

/* Takes octets as room allows, until TOP has enough; gives the number taken. A CR is held until it is known whether LF follows. */
static size_t stuff(struct pop3_server *s, struct str piece)
{
    struct sender *d = &s->state->send;
    struct buf *out = s->m.out;
    size_t at = 0, most = room_for(s);
    piece = str_head(piece, most);
    while (at < piece.n && !d->done) {
        char c = piece.p[at];
        if (c == '\n' || d->cr) {
            at += c == '\n';
            line_end(d, out, d->line_start);
            continue;
        }
        if (c == '\r') {
            d->cr = true;
            at++;
            continue;
        }
        struct str run = str_skip(piece, at);
        const char *lf = memchr(run.p, '\n', run.n);
        if (lf)
            run.n = (size_t)(lf - run.p);
        const char *cr = memchr(run.p, '\r', run.n);
        if (cr)
            run.n = (size_t)(cr - run.p);
        if (d->line_start && c == '.')
            buf_add_byte(out, '.');
        d->line_start = false;
        buf_add(out, run);
        at += run.n;
    }
    return at;
}

static enum next step_end(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    struct sender *d = &s->state->send;
    if (d->cr || !d->line_start)
        line_end(d, m->out, false);
    buf_add(m->out, S(".\r\n"));
    pop3_send_clear(s);
    return pop3_next(s);
}

/* What was made of a header field goes first; only then more is read. */
static enum next step_made(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    struct sender *d = &s->state->send;
    struct buf *made = &d->downgrade.made;
    buf_consume(made, stuff(s, buf_str(made)));
    if (made->n > 0 && !d->done)
        return AGAIN; /* machine_run waits for room */
    if (d->done || d->ended) {
        m->step = step_end;
        return AGAIN;
    }
    return ask_more(s);
}

static size_t take(struct pop3_server *s, struct str piece)
{
    struct sender *d = &s->state->send;
    if (!d->downgrading)
        return stuff(s, piece);
    size_t at = 0;
    while (at < piece.n && d->downgrade.made.n == 0 && d->downgrade.mode != DOWNGRADE_BODY)
        at += pop3_downgrade_feed(&d->downgrade, str_skip(piece, at), s->scratch);
    if (d->downgrade.mode == DOWNGRADE_BODY && d->downgrade.made.n == 0) {
        d->downgrading = false;
        at += stuff(s, str_skip(piece, at));
    }
    return at;
}

static enum next piece_came(struct pop3_server *s)
{
    struct sender *d = &s->state->send;
    struct str piece = s->ask.answer_data;
    if (s->ask.outcome != DONE && d->begun)
        return pop3_hang_up(s); /* a message that ends too soon must not look like a whole one */
    if (s->ask.outcome != DONE) {
        enum next next = pop3_fail_why(s, s->ask.outcome, &s->ask.why, "The message cannot be read");
        pop3_send_clear(s);
        return next;
    }
    if (!d->begun)
        buf_printf(s->m.out, "+OK %llu octets\r\n", (unsigned long long)d->message->size);
    d->begun = true;
    size_t taken = take(s, piece);
    d->offset += taken;
    if (taken == piece.n && (piece.n == 0 || s->ask.last)) {
        d->ended = true;
        if (d->downgrading)
            pop3_downgrade_end(&d->downgrade, s->scratch);
    }
    if (d->downgrading && d->downgrade.made.n > 0)
        s->m.step = step_made;
    else if (d->done || d->ended)
        s->m.step = step_end;
    else
        return ask_more(s);
    return AGAIN;
}

static enum next step_ask(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    struct sender *d = &s->state->send;
    s->ask.uid = d->message->uid;
    s->ask.offset = d->offset;
    s->ask.room = room_for(s);
    return pop3_ask_host(s, POP3_ASK_READ, piece_came);
}

/* Through a step of its own: it only runs when out has room, so each question gets on. */
static enum next ask_more(struct pop3_server *s)
{
    s->m.step = step_ask;
    return AGAIN;
}

enum next pop3_send(struct pop3_server *s, struct pop3_message *message, bool top, uint64_t lines)
{
    struct sender *d = &s->state->send;
    *d = (struct sender){.message = message, .top = top, .lines_left = lines, .in_header = true, .line_start = true};
    d->downgrading = message->utf8 && !s->state->utf8;
    if (d->downgrading)
        pop3_downgrade_init(&d->downgrade);
    return ask_more(s);
}

void pop3_send_clear(struct pop3_server *s)
{
    if (s->state && s->state->send.message)
        pop3_downgrade_clear(&s->state->send.downgrade);
    if (s->state)
        s->state->send = (struct sender){.message = NULL};
}
