// SPDX-License-Identifier: ISC
/* The text of a message for reading: which part, its charset, flowed lines (RFC 3676), and the words of HTML. */
#include "base/utf8.h"
#include "message/inside.h"
#include "message/mime.h"

static bool is_shown_text(const struct mime_part *p, const char *subtype)
{
    return mime_is(p, "text", subtype) && !str_eq(p->disposition, S("attachment"));
}

/* First such part that does not lie in an attached message (the message itself may be one inside another: then that is what is
 * read). */
static const struct mime_part *find_text(const struct mime *m, const char *subtype)
{
    for (const struct mime_part *p = m->root; p; p = mime_next(p)) {
        if (!is_shown_text(p, subtype))
            continue;
        bool inside = false;
        for (const struct mime_part *up = p->parent; up; up = up->parent)
            inside = inside || (mime_is(up, "message", NULL) && up->depth > 0);
        if (!inside)
            return p;
    }
    return NULL;
}

const struct mime_part *mime_text_part(const struct mime *m, bool html)
{
    return find_text(m, html ? "html" : "plain");
}

/* ---- line by line: transfer encoding and charset undone before, line ends and flow here ---- */
struct flow {
    struct buf *out;
    bool flowed, delsp;
    bool joining; /* joining: the last line ended in a space and asked for more */
    uint32_t quote, last_quote;
    bool counting, cr; /* counting: at a line start, before its text */
    char sig[4];
    uint32_t sig_n; /* octets of the line while it could still be "-- " */
    bool space;     /* a space that may be the soft one at the line end */
};

static void flow_text(struct flow *f, char c)
{
    if (f->space) {
        buf_add_byte(f->out, ' ');
        f->space = false;
    }
    if (c == ' ' && f->flowed)
        f->space = true;
    else if (c != 0)
        buf_add_byte(f->out, c);
    if (f->sig_n < sizeof f->sig)
        f->sig[f->sig_n++] = c;
}

/* The quote depth of a flowed line is known: go on with the paragraph or start a new line. */
static void flow_begin(struct flow *f)
{
    f->counting = false;
    if (!f->joining || f->quote != f->last_quote) {
        if (f->joining)
            buf_add_byte(f->out, '\n');
        for (uint32_t i = 0; i < f->quote; i++)
            buf_add_byte(f->out, '>');
        if (f->quote)
            buf_add_byte(f->out, ' ');
    }
    f->joining = false;
    f->sig_n = 0;
    f->space = false;
}

static void flow_line_end(struct flow *f)
{
    if (f->counting)
        flow_begin(f);
    bool signature = f->sig_n == 3 && memcmp(f->sig, "-- ", 3) == 0;
    if (f->flowed && f->space && !signature) {
        if (!f->delsp)
            buf_add_byte(f->out, ' ');
        f->joining = true;
    } else {
        if (f->space)
            buf_add_byte(f->out, ' ');
        buf_add_byte(f->out, '\n');
    }
    f->space = false;
    f->last_quote = f->quote;
    f->quote = 0;
    f->counting = f->flowed;
    f->sig_n = 0;
}

static void flow_byte(struct flow *f, char c)
{
    if (f->cr) {
        f->cr = false;
        flow_line_end(f);
        if (c == '\n')
            return;
    }
    if (c == '\r') {
        f->cr = true;
        return;
    }
    if (c == '\n') {
        flow_line_end(f);
        return;
    }
    if (f->counting) {
        if (c == '>') {
            f->quote++;
            return;
        }
        flow_begin(f);
        if (c == ' ')
            return; /* space-stuffing */
    }
    flow_text(f, c);
}

static void flow_end(struct flow *f)
{
    if (f->cr)
        flow_line_end(f);
    else if (f->counting && f->quote)
        flow_begin(f);
    if (f->space)
        buf_add_byte(f->out, ' ');
    if (f->joining)
        buf_add_byte(f->out, '\n');
}

/* What came out of the decoder goes through the charset and from there to the lines. False: no room. */
static bool pump(struct charset_decoder *c, struct flow *f, struct buf *raw, bool last)
{
    char storage[2048];
    struct buf text;
    struct str in = buf_str(raw);
    buf_fixed(&text, storage, sizeof storage);
    do {
        buf_clear(&text);
        charset_decode(c, &in, &text);
        if (last && in.n == 0)
            charset_decode_end(c, &text);
        struct str s = buf_str(&text);
        for (size_t i = 0; i < s.n; i++) {
            if (buf_room(f->out) < (size_t)f->quote + 4)
                return false;
            flow_byte(f, s.p[i]);
        }
    } while (in.n > 0 && !f->out->full);
    buf_clear(raw);
    return !f->out->full;
}

bool mime_text(const struct mime *m, const struct mime_part *p, struct buf *out)
{
    char storage[2048];
    struct buf raw;
    struct mime_decoder d;
    struct charset_decoder c;
    struct str in = mime_body(m, p), charset = header_param(p->params, "charset"), format = header_param(p->params, "format");
    struct flow f = {.out = out, .flowed = mime_is(p, "text", "plain") && str_eq_icase(format, S("flowed"))};
    f.delsp = str_eq_icase(header_param(p->params, "delsp"), S("yes"));
    f.counting = f.flowed;
    buf_fixed(&raw, storage, sizeof storage);
    mime_decoder_init(&d, p->encoding);
    charset_decoder_init(&c, charset.n ? charset : S("us-ascii"));
    while (in.n > 0) {
        mime_decode(&d, &in, &raw);
        if (!pump(&c, &f, &raw, false))
            return false;
    }
    mime_decode_end(&d, &raw);
    if (!pump(&c, &f, &raw, true))
        return false;
    flow_end(&f);
    return !out->full;
}
