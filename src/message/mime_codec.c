// SPDX-License-Identifier: ISC
/* Transfer encodings as streams, RFC 2045 6: tolerant when decoding, strict when encoding. A decoder never takes input that it has no room for. */
#include "base/check.h"
#include "message/inside.h"
#include "message/mime.h"

enum { DECODE_ROOM = 128 /* what one held line can become */ };

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding)
{
    *d = (struct mime_decoder){.encoding = encoding};
}

/* ---- base64: everything that is not of the alphabet is passed over; "=" ends a group, what follows starts a new one (joined texts) ---- */

static void base64_flush(struct mime_decoder *d, struct buf *out)
{
    if (d->count >= 2)
        buf_add_byte(out, (char)(d->bits >> (d->count == 2 ? 4 : 10)));
    if (d->count == 3)
        buf_add_byte(out, (char)(d->bits >> 2));
    d->broken = d->broken || d->count == 1;
    d->bits = d->count = 0;
}

static void base64_decode_some(struct mime_decoder *d, struct str *in, struct buf *out)
{
    size_t i = 0;
    while (i < in->n && buf_room(out) >= 3) {
        char group[768];
        size_t n = 0, most = buf_room(out) < sizeof group ? buf_room(out) : sizeof group;
        bool padding = false;
        for (; i < in->n && n + 3 <= most && !padding; i++) {
            int v = base64_value(in->p[i]);
            if (v < 0) {
                padding = in->p[i] == '=' && d->count > 0;
                d->broken = d->broken || (!is_fws(in->p[i]) && in->p[i] != '=');
                continue;
            }
            d->bits = d->bits << 6 | (uint32_t)v;
            if (++d->count == 4) {
                group[n++] = (char)(d->bits >> 16);
                group[n++] = (char)(d->bits >> 8);
                group[n++] = (char)d->bits;
                d->bits = d->count = 0;
            }
        }
        buf_add(out, str_of(group, n));
        if (padding && buf_room(out) < 3) {
            i--; /* meet it again when there is room */
            break;
        }
        if (padding)
            base64_flush(d, out);
    }
    *in = str_skip(*in, i);
}

/* ---- quoted-printable: what may be rubbish is held: blanks before a line end, and "=" with up to two octets behind it ---- */

static void release_hold(struct mime_decoder *d, struct buf *out)
{
    buf_add(out, str_of(d->hold, d->held));
    d->held = 0;
}

/* Something is held. False: c is not taken yet. */
static bool qp_held(struct mime_decoder *d, char c, struct buf *out)
{
    bool escape = d->hold[0] == '=';
    if (!escape) { /* blanks: rubbish only at the end of a line */
        if (is_wsp(c) && d->held < sizeof d->hold) {
            d->hold[d->held++] = c;
            return true;
        }
        if (c == '\r' || c == '\n')
            d->held = 0;
        else
            release_hold(d, out);
        return false;
    }
    if (c == '\n') { /* soft line end, with blanks or CR between */
        d->held = 0;
        return true;
    }
    bool first_is_hex = d->held == 2 && hex_value(d->hold[1]) >= 0;
    if (first_is_hex && hex_value(c) >= 0) {
        buf_add_byte(out, (char)(hex_value(d->hold[1]) << 4 | hex_value(c)));
        d->held = 0;
        return true;
    }
    bool blanks = d->held == 1 || is_fws(d->hold[1]);
    if ((d->held == 1 && hex_value(c) >= 0) || (blanks && (is_wsp(c) || c == '\r') && d->held < sizeof d->hold)) {
        d->hold[d->held++] = c;
        return true;
    }
    d->broken = true; /* no escape after all: the text as it stands, RFC 2045 6.7 (2) */
    release_hold(d, out);
    return false;
}

static void qp_decode_some(struct mime_decoder *d, struct str *in, struct buf *out)
{
    size_t i = 0;
    while (i < in->n && buf_room(out) >= DECODE_ROOM + 1) {
        char c = in->p[i];
        if (d->held > 0) {
            i += qp_held(d, c, out);
            continue;
        }
        if (c == '=' || is_wsp(c)) {
            d->hold[d->held++] = c;
            i++;
            continue;
        }
        size_t run = i, most = buf_room(out) - DECODE_ROOM;
        while (i < in->n && i - run < most && in->p[i] != '=' && !is_wsp(in->p[i]))
            i++;
        buf_add(out, str_of(in->p + run, i - run));
    }
    *in = str_skip(*in, i);
}

/* ---- uuencode: between "begin" and "end", a line at a time ---- */

static void uu_line(struct mime_decoder *d, struct buf *out)
{
    struct str s = str_trim(str_of(d->hold, d->held));
    d->held = 0;
    if (!d->started) {
        d->started = str_starts(s, S("begin "));
        return;
    }
    if (d->ended || str_eq(s, S("end"))) {
        d->ended = true;
        return;
    }
    if (s.n == 0)
        return;
    size_t n = (size_t)((s.p[0] - ' ') & 63);
    for (size_t i = 0, at = 1; i < n; i += 3, at += 4) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++)
            v = v << 6 | (at + k < s.n ? (uint32_t)((s.p[at + k] - ' ') & 63) : 0);
        for (size_t k = 0; k < 3 && i + k < n; k++)
            buf_add_byte(out, (char)(v >> (16 - 8 * k)));
        d->broken = d->broken || at >= s.n;
    }
}

static void uu_decode_some(struct mime_decoder *d, struct str *in, struct buf *out)
{
    size_t i = 0;
    for (; i < in->n && buf_room(out) >= DECODE_ROOM; i++) {
        if (in->p[i] == '\n')
            uu_line(d, out);
        else if (d->held < sizeof d->hold)
            d->hold[d->held++] = in->p[i];
        else
            d->broken = true;
    }
    *in = str_skip(*in, i);
}

void mime_decode(struct mime_decoder *d, struct str *in, struct buf *out)
{
    switch (d->encoding) {
    case MIME_BASE64: base64_decode_some(d, in, out); return;
    case MIME_QUOTED_PRINTABLE: qp_decode_some(d, in, out); return;
    case MIME_UUENCODE: uu_decode_some(d, in, out); return;
    case MIME_7BIT:
    case MIME_8BIT:
    case MIME_BINARY:
    case MIME_UNKNOWN_ENCODING: break;
    }
    size_t n = buf_room(out) < in->n ? buf_room(out) : in->n;
    buf_add(out, str_head(*in, n));
    *in = str_skip(*in, n);
}

void mime_decode_end(struct mime_decoder *d, struct buf *out)
{
    if (d->encoding == MIME_BASE64)
        base64_flush(d, out);
    if (d->encoding == MIME_QUOTED_PRINTABLE && d->held > 0) {
        bool soft = d->hold[0] == '=' && (d->held == 1 || is_fws(d->hold[1]));
        if (d->hold[0] == '=' && !soft) {
            release_hold(d, out);
            d->broken = true;
        }
        d->held = 0; /* blanks at the end of the text are rubbish, too */
    }
    if (d->encoding == MIME_UUENCODE && d->held > 0)
        uu_line(d, out);
}

/* ---- encoders ---- */

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

/* n columns that must not be cut; a soft line end first when they do not fit before the "=" that might follow. */
static void qp_put(struct mime_encoder *e, struct str s, struct buf *out)
{
    if (e->column + s.n > ENCODED_LINE - 1) {
        buf_add(out, S("=\r\n"));
        e->column = 0;
    }
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
        else if (c > ' ' && c < 0x7f && c != '=' && !(e->column == 0 && (c == '.' || c == 'F')))
            qp_put(e, str_of(&c, 1), out); /* a dot or "From " at a line start is best kept from old relays, RFC 2049 3 */
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
