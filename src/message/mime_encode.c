// SPDX-License-Identifier: ISC
/* Transfer encodings as streams, RFC 2045 6.7 and 6.8: lines of at most 76, nothing that a relay could change. */
#include "base/check.h"
#include "message/inside.h"
#include "message/mime.h"

enum { ENCODED_LINE = 76, ENCODE_ROOM = 256 };

void mime_encoder_init(struct mime_encoder *e, enum mime_encoding encoding, bool text)
{
    check(encoding == MIME_BASE64 || encoding == MIME_QUOTED_PRINTABLE);
    *e = (struct mime_encoder){.encoding = encoding, .text = text};
}

uint64_t mime_base64_size(uint64_t octets)
{
    uint64_t groups = octets / 3 + (octets % 3 != 0), lines = groups / 19 + (groups % 19 != 0);
    return groups * 4 + lines * 2;
}

/* A line of at most 57 octets. */
static void base64_line(struct buf *out, const unsigned char *p, size_t n)
{
    char line[ENCODED_LINE + 2];
    size_t at = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0u);
        line[at++] = base64_alphabet[v >> 18];
        line[at++] = base64_alphabet[v >> 12 & 63];
        line[at++] = i + 1 < n ? base64_alphabet[v >> 6 & 63] : '=';
        line[at++] = i + 2 < n ? base64_alphabet[v & 63] : '=';
    }
    line[at++] = '\r';
    line[at++] = '\n';
    buf_add(out, str_of(line, at));
}

static void base64_encode_some(struct mime_encoder *e, struct str *in, struct buf *out)
{
    const size_t full = 57;
    while (in->n > 0 && buf_room(out) >= ENCODE_ROOM) {
        if (e->held == 0 && in->n >= full) {
            base64_line(out, (const unsigned char *)in->p, full);
            *in = str_skip(*in, full);
            continue;
        }
        size_t n = full - e->held < in->n ? full - e->held : in->n;
        memcpy(e->hold + e->held, in->p, n);
        e->held += (uint32_t)n;
        *in = str_skip(*in, n);
        if (e->held == full) {
            base64_line(out, e->hold, full);
            e->held = 0;
        }
    }
}

/* Columns that must not be cut; a soft line end first when they do not fit before the "=" that might follow. What is encoded at a
   line start: a dot and "From " are best kept from old relays (RFC 2049 3), and a "-" could begin a delimiter. */
static void qp_put(struct mime_encoder *e, struct str s, struct buf *out)
{
    if (e->column + s.n > ENCODED_LINE - 1) {
        buf_add(out, S("=\r\n"));
        e->column = 0;
    }
    if (e->column == 0 && s.n == 1 && (s.p[0] == '.' || s.p[0] == 'F' || s.p[0] == '-'))
        s = s.p[0] == '.' ? S("=2E") : s.p[0] == 'F' ? S("=46") : S("=2D");
    buf_add(out, s);
    e->column += (uint32_t)s.n;
}

static void qp_escape(struct mime_encoder *e, unsigned char c, struct buf *out)
{
    char text[3] = {'=', hex_digits[c >> 4], hex_digits[c & 15]};
    qp_put(e, str_of(text, 3), out);
}

/* What waits is a blank, a CR (text), or both in that order; c is what follows (-1: the end). */
static void qp_release(struct mime_encoder *e, int c, struct buf *out)
{
    bool cr = e->held > 0 && e->hold[e->held - 1] == '\r';
    bool line_end = cr && c == '\n';
    uint32_t blanks = cr ? e->held - 1 : e->held;
    for (uint32_t i = 0; i < blanks; i++) {
        if (line_end || (c < 0 && !cr))
            qp_escape(e, e->hold[i], out);
        else
            qp_put(e, str_of(&e->hold[i], 1), out);
    }
    if (line_end) {
        buf_add(out, S("\r\n"));
        e->column = 0;
    } else if (cr) {
        qp_escape(e, '\r', out);
    }
    e->held = 0;
}

static void qp_encode_some(struct mime_encoder *e, struct str *in, struct buf *out)
{
    size_t i = 0;
    for (; i < in->n && buf_room(out) >= ENCODE_ROOM; i++) {
        char c = in->p[i];
        if (e->held > 0) {
            bool ends_line = e->hold[e->held - 1] == '\r' && c == '\n';
            if (c == '\r' && e->text && e->hold[e->held - 1] != '\r') {
                e->hold[e->held++] = '\r';
                continue;
            }
            qp_release(e, (unsigned char)c, out);
            if (ends_line)
                continue;
        }
        if (is_wsp(c) || (c == '\r' && e->text))
            e->hold[e->held++] = (unsigned char)c;
        else if (c > ' ' && c < 0x7f && c != '=')
            qp_put(e, str_of(&c, 1), out);
        else
            qp_escape(e, (unsigned char)c, out);
    }
    *in = str_skip(*in, i);
}

void mime_encode(struct mime_encoder *e, struct str *in, struct buf *out)
{
    if (e->encoding == MIME_BASE64)
        base64_encode_some(e, in, out);
    else
        qp_encode_some(e, in, out);
}

void mime_encode_end(struct mime_encoder *e, struct buf *out)
{
    if (e->encoding == MIME_BASE64 && e->held > 0)
        base64_line(out, e->hold, e->held);
    else if (e->held > 0)
        qp_release(e, -1, out);
    e->held = 0;
}
