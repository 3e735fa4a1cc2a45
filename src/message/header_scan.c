// SPDX-License-Identifier: ISC
/* A header in a stream, constant memory. What is held is at most the start of a line whose name is not known yet.

       START ──CR──► START_CR ──LF──► (ended)
         │  ▲            └─other─► VALUE (a broken line)
         │  └────────LF─────────┐
         ├──blank──────────► VALUE   (the field goes on)
         └──name byte──► NAME ──":"─► VALUE
                           └─anything else─► VALUE (a broken line), or (ended, no header) on the first line      */
#include "base/check.h"
#include "message/header.h"
#include "message/inside.h"

enum { START, START_CR, NAME, VALUE };

void header_scan_init(struct header_scan *s)
{
    memset(s, 0, sizeof *s);
}

uint32_t header_bit(struct str name)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {
        {"Date", HEADER_DATE},
        {"Message-ID", HEADER_MESSAGE_ID},
        {"From", HEADER_FROM},
        {"Sender", HEADER_SENDER},
        {"Reply-To", HEADER_REPLY_TO},
        {"To", HEADER_TO},
        {"Cc", HEADER_CC},
        {"Bcc", HEADER_BCC},
        {"Subject", HEADER_SUBJECT},
        {"Received", HEADER_RECEIVED},
        {"Return-Path", HEADER_RETURN_PATH},
        {"MIME-Version", HEADER_MIME_VERSION},
        {"Content-Type", HEADER_CONTENT_TYPE},
        {"Content-Transfer-Encoding", HEADER_CONTENT_TRANSFER_ENCODING},
        {"Auto-Submitted", HEADER_AUTO_SUBMITTED},
        {"Delivered-To", HEADER_DELIVERED_TO},
        {"DKIM-Signature", HEADER_DKIM_SIGNATURE},
        {"Resent-Date", HEADER_RESENT_DATE},
        {"Resent-From", HEADER_RESENT_FROM},
        {"Resent-Sender", HEADER_RESENT_SENDER},
        {"Resent-To", HEADER_RESENT_TO},
        {"Resent-Cc", HEADER_RESENT_CC},
        {"Resent-Bcc", HEADER_RESENT_BCC},
        {"Resent-Message-ID", HEADER_RESENT_MESSAGE_ID},
        {"In-Reply-To", HEADER_IN_REPLY_TO},
        {"References", HEADER_REFERENCES},
        {"List-ID", HEADER_LIST_ID},
        {"Precedence", HEADER_PRECEDENCE},
    };
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_icase(name, str_c(names[i].name)))
            return names[i].bit;
    return 0;
}

/* As much as there is room for: a captured field may be cut, never lost whole. */
static void add_fitting(struct buf *to, struct str s)
{
    if (to)
        buf_add(to, str_head(s, buf_room(to)));
}

static void watch_utf8(struct header_scan *s, struct str bytes)
{
    struct utf8_watch w = {(uint8_t)s->utf8_left, (uint8_t)s->utf8_low, (uint8_t)s->utf8_high, s->utf8, s->bad_utf8};
    for (size_t i = 0; i < bytes.n; i++)
        utf8_watch_byte(&w, (unsigned char)bytes.p[i]);
    s->utf8_left = w.left;
    s->utf8_low = w.low;
    s->utf8_high = w.high;
    s->utf8 = w.seen;
    s->bad_utf8 = w.bad;
}

static void emit(struct header_scan *s, struct str piece, struct buf *pass)
{
    if (pass && !s->dropping)
        buf_add(pass, piece);
    if (s->capturing)
        add_fitting(s->captured, piece);
}

static void release(struct header_scan *s, struct buf *pass)
{
    emit(s, str_of(s->hold, s->held), pass);
    s->held = 0;
}

static void end_header(struct header_scan *s)
{
    s->ended = true;
    s->bad_utf8 = s->bad_utf8 || s->utf8_left > 0;
    s->dropping = s->capturing = false;
}

/* The line that is held is no field. */
static void broken_line(struct header_scan *s, struct buf *pass)
{
    struct str held = str_of(s->hold, s->held);
    s->dropping = s->capturing = false;
    if (!s->fields && !str_starts(held, S("From ")) && !str_starts(held, S(">From "))) {
        s->no_header = true;
        s->utf8 = s->bad_utf8 = false;
        s->utf8_left = 0;
        s->size = 0;
        end_header(s);
    } else {
        s->broken++;
        s->fields = true;
        s->state = VALUE;
    }
    release(s, pass);
}

static void field_begins(struct header_scan *s, struct buf *pass)
{
    uint32_t name = s->held - s->blanks; /* the colon is not held yet */
    s->field = header_bit(str_of(s->hold, name));
    s->seen |= s->field;
    s->received += s->field == HEADER_RECEIVED;
    s->from += s->field == HEADER_FROM;
    s->dropping = (s->field & s->drop) != 0;
    s->capturing = (s->field & s->capture) != 0 && s->captured;
    s->fields = true;
    s->state = VALUE;
    release(s, pass);
    emit(s, S(":"), pass);
}

/* One byte of a name. False: it is not taken, the line was found broken and the byte belongs to the next state. */
static bool name_byte(struct header_scan *s, char c, struct buf *pass)
{
    if (c == ':' && s->held > s->blanks) {
        field_begins(s, pass);
        return true;
    }
    bool blank = is_wsp(c);
    if (s->held == sizeof s->hold || (!blank && (c <= ' ' || c >= 0x7f || c == ':' || s->blanks))) {
        broken_line(s, pass); /* "From " is there whole: only the byte behind its blank shows that it is no name */
        return false;
    }
    s->hold[s->held++] = c;
    s->blanks += blank;
    return true;
}

/* Line starts and names, byte by byte. False: not taken. */
static bool start_byte(struct header_scan *s, char c, struct buf *pass)
{
    if (s->state == START_CR) {
        if (c == '\n') {
            end_header(s);
            release(s, pass);
            if (pass)
                buf_add_byte(pass, c);
            return true;
        }
        broken_line(s, pass);
        return false;
    }
    if (c == '\r') {
        s->hold[s->held++] = c;
        s->state = START_CR;
        return true;
    }
    if (c == '\n') {
        end_header(s);
        if (pass)
            buf_add_byte(pass, c);
        return true;
    }
    if (is_wsp(c)) {
        if (!s->fields) {
            broken_line(s, pass);
            return false;
        }
        s->state = VALUE;
        return false;
    }
    s->state = NAME;
    s->blanks = 0;
    return name_byte(s, c, pass);
}

void header_scan_feed(struct header_scan *s, struct str piece, struct buf *pass)
{
    size_t i = 0;
    while (i < piece.n && !s->ended) {
        char c = piece.p[i];
        if (s->state == VALUE) {
            struct str line = str_skip(piece, i);
            size_t n = str_find(line, '\n');
            n += n < line.n;
            watch_utf8(s, str_head(line, n));
            emit(s, str_head(line, n), pass);
            s->size += n;
            i += n;
            if (line.p[n - 1] == '\n')
                s->state = START;
            continue;
        }
        bool taken = s->state == NAME ? name_byte(s, c, pass) : start_byte(s, c, pass);
        if (taken) {
            watch_utf8(s, str_of(&c, 1));
            s->size++;
            i++;
        }
    }
    if (pass && i < piece.n)
        buf_add(pass, str_skip(piece, i));
}

void header_scan_end(struct header_scan *s, struct buf *pass)
{
    if (s->ended)
        return;
    if (s->held)
        broken_line(s, pass);
    if (!s->ended)
        end_header(s);
}
