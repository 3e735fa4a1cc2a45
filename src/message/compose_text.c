// SPDX-License-Identifier: ISC
/* Lines of text as they are sent: format=flowed, RFC 3676. A long line becomes several that end in a space; a line that starts
   with a space, "From " or a ">" that is no quote is stuffed; blanks at line ends go, but for the signature separator. */
#include "base/utf8.h"
#include "message/compose_inside.h"
#include "message/inside.h"

void text_lines_init(struct text_lines *t, struct str text, bool flowed)
{
    *t = (struct text_lines){.rest = text, .flowed = flowed};
}

/* The next line of the text without its end. A bare CR ends a line, too. */
static struct str take_line(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    struct str line = str_head(*rest, n);
    bool crlf = n + 1 < rest->n && rest->p[n] == '\r' && rest->p[n + 1] == '\n';
    *rest = str_skip(*rest, n + (crlf ? 2 : 1));
    return line;
}

/* How much of s goes on this line: all, or up to and with the last space that fits, or to the first space there is. */
static size_t wrap_at(struct str s, size_t room)
{
    size_t best = 0;
    if (s.n <= room)
        return s.n;
    for (size_t i = 0; i < s.n && (i < room || best == 0); i++)
        if (s.p[i] == ' ' && i + 1 < s.n && s.p[i + 1] != ' ')
            best = i + 1;
    return best ? best : s.n;
}

static void begin_line(struct text_lines *t)
{
    struct str line = take_line(&t->rest);
    t->quote = 0;
    while (t->flowed && t->quote < line.n && line.p[t->quote] == '>')
        t->quote++;
    line = str_skip(line, t->quote);
    if (t->quote && line.n && line.p[0] == ' ')
        line = str_skip(line, 1);
    while (t->flowed && line.n > 0 && is_wsp(line.p[line.n - 1]) && !str_eq(line, S("-- ")))
        line.n--;
    t->line = line;
    t->wrapping = true;
}

bool text_lines_next(struct text_lines *t, struct buf *line)
{
    buf_clear(line);
    if (!t->wrapping) {
        if (t->rest.n == 0)
            return false;
        begin_line(t);
    }
    for (uint32_t i = 0; i < t->quote && i < 50; i++)
        buf_add_byte(line, '>');
    if (t->flowed && !t->cut &&
        (t->quote || (t->line.n && (t->line.p[0] == ' ' || t->line.p[0] == '>' || str_starts(t->line, S("From "))))))
        buf_add_byte(line, ' ');
    size_t n = t->flowed && !str_eq(t->line, S("-- ")) ? wrap_at(t->line, COMPOSE_LINE - line->n) : t->line.n;
    if (line->n + n > COMPOSE_LINE_MAX) { /* only where it is encoded anyway: the encoder joins what is cut here */
        n = COMPOSE_LINE_MAX - line->n;
        while (n > 1 && ((unsigned char)t->line.p[n] & 0xc0) == 0x80)
            n--;
        buf_add(line, str_head(t->line, n));
        t->line = str_skip(t->line, n);
        t->quote = 0;
        t->cut = true;
        return true;
    }
    t->cut = false;
    buf_add(line, str_head(t->line, n));
    t->line = str_skip(t->line, n);
    t->wrapping = t->line.n > 0;
    buf_add(line, S("\r\n"));
    return true;
}

enum mime_encoding compose_text_encoding(struct str text, bool flowed, bool eight_bit)
{
    size_t high = 0, run = 0, most = 0;
    bool odd = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool breaks = c == '\n' || c == '\r' || (flowed && c == ' ');
        run = breaks ? 0 : run + 1;
        most = run > most ? run : most;
        high += is_high(c);
        odd = odd || (is_ctl(c) && c != '\t' && c != '\n' && c != '\r' && c != '\f');
    }
    if (!odd && most <= 900 && (high == 0 || eight_bit))
        return high ? MIME_8BIT : MIME_7BIT;
    return 4 * high > text.n ? MIME_BASE64 : MIME_QUOTED_PRINTABLE;
}
