// SPDX-License-Identifier: ISC
/* The data phase, RFC 5321 4.1.1.4 and 4.5.2. The reader's states (arrows on the octet that comes; "out:" what is written):

     START                            at the start of a line: of the message, or after a written CRLF
     START --.--> DOT                 (dots only)
     DOT --CR--> DOT_CR
     DOT --LF--> START                bare; out: CRLF: the line was ".", its dot is removed
     DOT --else--> MIDDLE             out: it
     DOT_CR --LF--> END               only here does a message end
     DOT_CR --else--> as CR on an empty line: the CR stood alone (bare; out: CRLF), then START takes the octet
     START, MIDDLE --CR--> CR
     CR --LF--> START                 out: CRLF
     CR --CR--> CR                    bare, out: CRLF
     CR --else--> START               bare, out: CRLF; START takes the octet
     START, MIDDLE --LF--> START      bare, out: CRLF
     after a bare CR or LF a dot is no end: LINE takes the place of START, where a first dot is removed but ".CRLF" does not end

   That last rule keeps "LF.CRLF" from being an end while our output, where that LF has become CRLF, is stuffed afresh by
   whoever sends it on. */
#include "smtp/codec.h"

enum { START, MIDDLE, CR, DOT, DOT_CR, LINE, LINE_DOT };

/* The first octet of s that needs thought: CR or LF. */
static size_t plain_run(struct str s)
{
    const char *lf = memchr(s.p, '\n', s.n);
    size_t n = lf ? (size_t)(lf - s.p) : s.n;
    const char *cr = memchr(s.p, '\r', n);
    return cr ? (size_t)(cr - s.p) : n;
}

bool smtp_has_8bit(struct str s)
{
    uint64_t all = 0, word;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        memcpy(&word, s.p + i, 8);
        all |= word;
    }
    unsigned char rest = 0;
    for (; i < s.n; i++)
        rest |= (unsigned char)s.p[i];
    return (all & 0x8080808080808080u) != 0 || (rest & 0x80) != 0;
}

static void bare(struct smtp_data_reader *r, struct buf *to)
{
    r->bare = true;
    r->at = LINE;
    buf_add(to, S("\r\n"));
}

/* One octet in a state where it matters. False: the octet was not taken, look again in the new state. */
static bool take_octet(struct smtp_data_reader *r, char c, struct buf *to)
{
    switch (r->at) {
    case CR:
    case DOT_CR:
        if (c != '\n') {
            bare(r, to);
            return false;
        }
        r->ended = r->at == DOT_CR;
        if (!r->ended)
            buf_add(to, S("\r\n"));
        r->at = START;
        return true;
    case START:
    case LINE:
        if (c == '.' && r->dots) {
            r->at = r->at == START ? DOT : LINE_DOT;
            return true;
        }
        FALLTHROUGH;
    case MIDDLE:
    case DOT:
    case LINE_DOT:
        if (c == '\n') {
            bare(r, to);
        } else if (c == '\r') {
            r->at = r->at == DOT ? DOT_CR : CR;
        } else {
            buf_add_byte(to, c);
            r->at = MIDDLE;
        }
        return true;
    default: return true;
    }
}

void smtp_data_read(struct smtp_data_reader *r, struct str *in, struct buf *to)
{
    struct str all = *in;
    while (in->n && !r->ended && buf_room(to) >= SMTP_DATA_ROOM) {
        if (r->at != MIDDLE) {
            if (take_octet(r, in->p[0], to))
                *in = str_skip(*in, 1);
            continue;
        }
        /* the fast way: the rest of the line, and its CRLF when that is whole */
        size_t room = buf_room(to) - SMTP_DATA_ROOM + 1;
        struct str run = str_head(*in, plain_run(str_head(*in, room)));
        struct str next = str_skip(*in, run.n);
        bool crlf = next.n >= 2 && next.p[0] == '\r' && next.p[1] == '\n';
        buf_add(to, run);
        *in = next;
        if (crlf) {
            buf_add(to, S("\r\n"));
            *in = str_skip(next, 2);
            r->at = START;
        } else if (next.n && run.n < room && take_octet(r, next.p[0], to)) {
            *in = str_skip(next, 1);
        }
    }
    r->eight_bit = r->eight_bit || smtp_has_8bit(str_head(all, all.n - in->n));
}

void smtp_data_read_end(struct smtp_data_reader *r, struct buf *to)
{
    if (r->at == CR)
        r->bare = true;
    if (r->at == CR || r->at == MIDDLE)
        buf_add(to, S("\r\n"));
    r->at = START;
}

/* --- the writer: START, MIDDLE, CR as above ------------------------------ */

void smtp_data_write(struct smtp_data_writer *w, struct str *in, struct buf *to)
{
    while (in->n && buf_room(to) >= SMTP_DATA_ROOM) {
        char c = in->p[0];
        if (w->at == CR) {
            buf_add(to, S("\r\n"));
            w->at = START;
            if (c == '\n')
                *in = str_skip(*in, 1);
            continue;
        }
        if (w->at == START && c == '.' && w->dots)
            buf_add_byte(to, '.');
        if (c == '\r' || c == '\n') {
            w->at = c == '\r' ? CR : START;
            if (c == '\n')
                buf_add(to, S("\r\n"));
            *in = str_skip(*in, 1);
            continue;
        }
        size_t n = plain_run(str_head(*in, buf_room(to) - SMTP_DATA_ROOM + 1));
        buf_add(to, str_head(*in, n));
        *in = str_skip(*in, n);
        w->at = MIDDLE;
    }
}

bool smtp_data_write_end(struct smtp_data_writer *w, struct buf *to)
{
    if (buf_room(to) < SMTP_DATA_ROOM)
        return false;
    if (w->at != START)
        buf_add(to, S("\r\n"));
    if (w->dots)
        buf_add(to, S(".\r\n"));
    w->at = START;
    return true;
}
