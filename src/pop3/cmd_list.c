// SPDX-License-Identifier: ISC
/* LIST, RFC 1939 5, and the long form that UIDL shares: as many lines a step as there is room for. */
#include "pop3/inside.h"

enum { LISTING_LINE_MAX = 64 };

static void line_add(const struct pop3_server *s, const struct pop3_message *m)
{
    buf_printf(s->m.out, "%lu ", (unsigned long)(m - s->messages) + 1);
    if (s->state->uidl)
        pop3_uidl_add(s, m);
    else
        buf_printf(s->m.out, "%llu", (unsigned long long)m->size);
    buf_add(s->m.out, S("\r\n"));
}

static enum next step_listing(struct machine *m)
{
    struct pop3_server *s = (struct pop3_server *)(void *)m;
    while (s->state->listed < s->message_count) {
        if (buf_room(m->out) < LISTING_LINE_MAX)
            return AGAIN;
        const struct pop3_message *msg = &s->messages[s->state->listed++];
        if (!msg->deleted)
            line_add(s, msg);
    }
    if (buf_room(m->out) < LISTING_LINE_MAX)
        return AGAIN;
    buf_add(m->out, S(".\r\n"));
    return pop3_next(s);
}

enum next pop3_list_all(struct pop3_server *s, bool uidl)
{
    uint32_t count;
    uint64_t octets;
    pop3_count(s, &count, &octets);
    buf_printf(s->m.out, "+OK %lu messages (%llu octets)\r\n", (unsigned long)count, (unsigned long long)octets);
    s->state->listed = 0;
    s->state->uidl = uidl;
    s->m.step = step_listing;
    return AGAIN;
}

enum next pop3_cmd_list(struct pop3_server *s, struct str arg)
{
    enum next next = AGAIN;
    if (arg.n == 0)
        return pop3_list_all(s, false);
    const struct pop3_message *m = pop3_find(s, arg, &next);
    if (!m)
        return next;
    s->state->uidl = false;
    buf_add(s->m.out, S("+OK "));
    line_add(s, m);
    return pop3_next(s);
}
