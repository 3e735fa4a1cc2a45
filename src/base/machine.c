/* SPDX-License-Identifier: ISC */
#include "base/machine.h"
#include "base/check.h"

enum next machine_run(struct machine *m)
{
    for (;;) {
        if (buf_room(m->out) < m->out_room)
            return machine_wait(m, WANT_ROOM, 0); /* the peer does not read its replies: stop working for it */
        enum next next = m->step(m);
        if (next != AGAIN)
            return next;
    }
}

enum next machine_wait(struct machine *m, uint32_t wants, int64_t deadline_ms)
{
    check(wants != 0);
    m->wants = wants;
    m->deadline_ms = deadline_ms;
    return WAIT;
}

bool machine_take_line(struct machine *m, struct str *line, bool lf_ends)
{
    size_t from = 0;
    for (;;) {
        const char *lf = m->in.n == from ? NULL : memchr(m->in.p + from, '\n', m->in.n - from);
        if (!lf)
            return false;
        size_t at = (size_t)(lf - m->in.p);
        bool crlf = at > 0 && m->in.p[at - 1] == '\r';
        if (crlf || lf_ends) {
            *line = str_head(m->in, crlf ? at - 1 : at);
            m->in = str_skip(m->in, at + 1);
            return true;
        }
        from = at + 1;
    }
}
