// SPDX-License-Identifier: ISC
/* A message for a peer that takes less than it has: RFC 6152 3 and 3030 3 ask the client to convert or to return it.

     relay_convert_begin: first pass over the octets ──nothing to change──► sent as 7-bit text
                                                     └─ second pass while it is sent: relay_convert_data */
#include "daemon/relay_inside.h"
#include <stdlib.h>

enum { CONVERT_MEM = 512 * 1024, CONVERT_OUT_MAX = 64 * 1024 };

void relay_convert_end(struct relay_job *j)
{
    struct relay_conversion *v = j->conversion;

    if (!v)
        return;
    buf_free(&v->out);
    arena_clear(&v->arena);
    free(v);
    j->conversion = NULL;
}

static bool start(struct relay_job *j, enum convert_to to)
{
    struct relay_conversion *v = calloc(1, sizeof *v);

    if (!v)
        return false;
    arena_init(&v->arena, CONVERT_MEM);
    buf_init(&v->out, CONVERT_OUT_MAX);
    v->convert = convert_begin(&v->arena, to);
    j->conversion = v;
    if (!v->convert)
        relay_convert_end(j);
    return j->conversion != NULL;
}

/* The first pass, as far as octets are there. */
static enum relay_data look(struct relay_job *j, struct relay *r)
{
    struct relay_conversion *v = j->conversion;
    struct str piece;

    while (!v->looked) {
        enum relay_data d = relay_job_data(j, r, v->read_at, &piece);
        if (d != RELAY_DATA_HERE)
            return d;
        if (piece.n) {
            convert_look(v->convert, piece);
            v->read_at += piece.n;
            continue;
        }
        v->looked = true;
        v->read_at = 0;
        if (!convert_looked(v->convert)) {
            relay_convert_end(j);
            return RELAY_DATA_HERE;
        }
        j->message.size = 0; /* nobody knows before it was written */
    }
    return RELAY_DATA_HERE;
}

enum relay_data relay_convert_begin(struct relay_job *j, struct relay *r, const struct smtp_caps *offers)
{
    bool binary = j->body == SMTP_BODY_BINARY && !(offers->binarymime && offers->chunking);
    bool eight = j->body != SMTP_BODY_7BIT && !offers->eightbitmime;

    if (!j->conversion) {
        j->message.body = j->body;
        j->message.size = j->size;
        if (!binary && !eight)
            return RELAY_DATA_HERE;
        if (j->message.smtputf8 && !offers->smtputf8)
            return RELAY_DATA_HERE; /* it is refused for its addresses anyhow */
        if (!start(j, eight ? CONVERT_7BIT : CONVERT_8BIT))
            return RELAY_DATA_FAILED;
        j->message.body = eight ? SMTP_BODY_7BIT : SMTP_BODY_8BIT;
    }
    return look(j, r);
}

enum relay_data relay_convert_data(struct relay_job *j, struct relay *r, uint64_t offset, struct str *to)
{
    struct relay_conversion *v = j->conversion;
    struct str piece;

    if (!v)
        return relay_job_data(j, r, offset, to);
    if (offset < v->out_at || offset > v->out_at + v->out.n)
        return RELAY_DATA_FAILED; /* the client machine goes forward only */
    if (offset == v->out_at + v->out.n) {
        v->out_at = offset;
        buf_clear(&v->out);
    }
    while (v->out.n == 0 && !v->ended) {
        enum relay_data d = relay_job_data(j, r, v->read_at, &piece);
        if (d != RELAY_DATA_HERE)
            return d;
        if (piece.n == 0) {
            v->ended = convert_end(v->convert, &v->out);
            continue;
        }
        size_t before = piece.n;
        convert_feed(v->convert, &piece, &v->out);
        v->read_at += before - piece.n;
    }
    *to = str_skip(buf_str(&v->out), (size_t)(offset - v->out_at));
    return RELAY_DATA_HERE;
}
