// SPDX-License-Identifier: ISC
/* Transfer decodings as streams, RFC 2045 6, tolerant. A decoder never takes input that it has no room for. */
#include "message/inside.h"
#include "message/mime.h"

enum { DECODE_ROOM = 128 /* what one held line can become */ };

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding)
{
    *d = (struct mime_decoder){.encoding = encoding};
}

/* ---- base64: everything that is not of the alphabet is passed over; "=" ends a group, what follows starts a new one (joined
 * texts) ---- */

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
    case MIME_BASE64:
        base64_decode_some(d, in, out);
        return;
    case MIME_QUOTED_PRINTABLE:
        qp_decode_some(d, in, out);
        return;
    case MIME_UUENCODE:
        uu_decode_some(d, in, out);
        return;
    case MIME_7BIT:
    case MIME_8BIT:
    case MIME_BINARY:
    case MIME_UNKNOWN_ENCODING:
        break;
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
