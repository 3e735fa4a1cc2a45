// SPDX-License-Identifier: ISC
/* BDAT, RFC 3030 2: a counted chunk of the message. Its octets follow the command at once, so they are read whatever becomes of
   the command. */
#include "smtp/inside.h"

static enum next step_skip_chunk(struct machine *m)
{
    struct smtp_server *s = (struct smtp_server *)(void *)m;
    struct smtp_state *st = s->state;
    bool timed_out = m->timed_out;
    m->timed_out = false;
    if (st->deadline_ms == 0)
        st->deadline_ms = m->now_ms + s->settings->data_timeout_ms;
    size_t n = st->skip < m->in.n ? (size_t)st->skip : m->in.n;
    m->in = str_skip(m->in, n);
    st->skip -= n;
    if (n >= DATA_PROGRESS)
        st->deadline_ms = m->now_ms + s->settings->data_timeout_ms;
    if (st->skip == 0) {
        enum next next = smtp_refuse(s, st->after_skip);
        if (st->skip_last && st->t && st->t->failed.code)
            smtp_transaction_drop(s); /* the message is over, though nothing came of it */
        return next;
    }
    if (m->in_end)
        return smtp_hang_up(s);
    if (timed_out && m->now_ms >= st->deadline_ms)
        return smtp_goodbye(s, 421, "4.4.2", "The chunk did not come to its end in time");
    return machine_wait(m, WANT_INPUT, st->deadline_ms);
}

/* Why this chunk cannot be taken; code 0: it can. */
static struct smtp_refusal judge(const struct smtp_server *s, uint64_t size)
{
    const struct smtp_state *st = s->state;
    const struct transaction *t = st->t;
    uint64_t max = s->settings->message_max;
    if (st->phase == PHASE_NEW)
        return (struct smtp_refusal){503, "5.5.1", "Send EHLO first"};
    if (s->settings->require_login && s->user.n == 0)
        return (struct smtp_refusal){530, "5.7.0", "Authentication required"};
    if (!t)
        return (struct smtp_refusal){503, "5.5.1", "Send MAIL first"};
    if (t->env.rcpt_count == 0)
        return (struct smtp_refusal){s->settings->kind == SMTP_LMTP ? 503 : 554, "5.5.1", "No valid recipients"};
    if (t->failed.code)
        return (struct smtp_refusal){503, "5.5.1", "An earlier chunk failed; send RSET"};
    if (max && (size > max || t->octets > max - size))
        return (struct smtp_refusal){552, "5.3.4", "The message is larger than this server takes"};
    return (struct smtp_refusal){0, NULL, NULL};
}

static enum next refuse_chunk(struct smtp_server *s, uint64_t size, bool last, struct smtp_refusal r)
{
    struct smtp_state *st = s->state;
    uint64_t max = s->settings->message_max;
    if (max && size > max && size - max > max + DISCARD_SPARE)
        return smtp_goodbye(s, r.code == 552 ? 552 : 421, r.code == 552 ? "5.3.4" : "4.5.0",
                            "The chunk is far larger than this server takes");
    if (r.code == 552 && st->t) {
        st->t->failed = r; /* further chunks: 503 until RSET */
        if (st->t->begun) {
            buf_clear(s->body);
            s->body_aborted = true;
        }
        st->phase = PHASE_BDAT;
    }
    st->skip_last = last;
    st->skip = size;
    st->after_skip = r;
    st->deadline_ms = 0;
    s->m.step = step_skip_chunk;
    return AGAIN;
}

enum next smtp_cmd_bdat(struct smtp_server *s, struct str arg)
{
    struct str size_text = str_word(&arg), end = str_word(&arg);
    uint64_t size;
    bool last = str_eq_icase(end, S("LAST"));
    bool digits = size_text.n > 0 && size_text.n <= 20 && str_to_u64(size_text, &size);
    if (!digits || (end.n && !last) || str_trim(arg).n) /* where the chunk ends cannot be known: what follows must not be read as
                                                           commands */
        return smtp_goodbye(s, 501, "5.5.4", "Write BDAT size [LAST]; closing, since the end of the chunk is unknown");
    struct smtp_refusal r = judge(s, size);
    if (r.code)
        return refuse_chunk(s, size, last, r);
    struct transaction *t = s->state->t;
    t->chunk_left = t->chunk_size = size;
    t->chunk_last = last;
    s->m.step = smtp_step_chunk;
    s->state->deadline_ms = 0;
    if (s->state->phase == PHASE_BDAT)
        return AGAIN;
    s->state->phase = PHASE_BDAT;
    return smtp_data_begin(s);
}
