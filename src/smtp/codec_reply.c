// SPDX-License-Identifier: ISC
/* Replies, RFC 5321 4.2, with enhanced status codes, RFC 2034 and 3463. */
#include "base/check.h"
#include "base/utf8.h"
#include "smtp/codec.h"

void smtp_text_add(struct buf *to, struct str s, bool utf8, size_t max)
{
    size_t used = 0;
    while (s.n) {
        size_t n = 1;
        unsigned char c = (unsigned char)s.p[0];
        struct str out = str_head(s, 1);
        if (c < ' ' || c == 127) {
            out = S(" ");
        } else if (c > 127) {
            uint32_t scalar = utf8_next(s, &n);
            bool broken = n == 1 || scalar < 0xa0; /* C1 controls too */
            out = utf8 && !broken ? str_head(s, n) : S("?");
        }
        if (used + out.n > max)
            return;
        buf_add(to, out);
        used += out.n;
        s = str_skip(s, n);
    }
}

void smtp_reply_add(struct buf *to, unsigned code, const char *status, struct str text, bool utf8)
{
    check(code >= 200 && code <= 599);
    struct str st = str_c(status);
    size_t prefix = 4 + (st.n ? st.n + 1 : 0);
    bool last;
    do {
        struct str rest = text, line = str_cut(text, '\n', &rest);
        last = rest.p == text.p || (line.n == text.n);
        buf_add_u64(to, code);
        buf_add_byte(to, last ? ' ' : '-');
        if (st.n) {
            buf_add(to, st);
            buf_add_byte(to, ' ');
        }
        smtp_text_add(to, line, utf8, SMTP_REPLY_LINE_MAX - 2 - prefix);
        buf_add(to, S("\r\n"));
        text = rest;
    } while (!last);
}

/* 1*3DIGIT without a leading zero (RFC 3463 2). */
static size_t status_number(struct str s)
{
    size_t n = 0;
    while (n < 3 && n < s.n && ascii_is_digit(s.p[n]))
        n++;
    return n > 1 && s.p[0] == '0' ? 0 : n;
}

bool smtp_status_take(unsigned code, struct str *text, char status[12])
{
    struct str s = *text;
    status[0] = 0;
    if (s.n < 5 || s.p[0] != (char)('0' + code / 100) || s.p[1] != '.' || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
        return false;
    size_t subject = status_number(str_skip(s, 2));
    if (!subject || 2 + subject >= s.n || s.p[2 + subject] != '.')
        return false;
    size_t detail = status_number(str_skip(s, 3 + subject)), n = 3 + subject + detail;
    if (!detail || (n < s.n && s.p[n] != ' '))
        return false;
    str_to_c(str_head(s, n), status, 12);
    *text = str_skip(s, n < s.n ? n + 1 : n);
    return true;
}

enum smtp_reply_step smtp_reply_feed(struct smtp_reply_reader *r, struct str line, struct buf *text)
{
    enum { CODE = 3 };
    bool digits = line.n >= CODE && ascii_is_digit(line.p[0]) && ascii_is_digit(line.p[1]) && ascii_is_digit(line.p[2]);
    unsigned code =
        digits ? (unsigned)(line.p[0] - '0') * 100 + (unsigned)(line.p[1] - '0') * 10 + (unsigned)(line.p[2] - '0') : 0;
    /* 4.2: 2yz to 5yz, the second digit 0 to 5; others send 6 to 9 there, and the first digit says enough (4.3.2) */
    bool broken = code < 200 || code > 599 || (r->lines && code != r->code) || r->lines >= SMTP_REPLY_LINES_MAX ||
                  (line.n > CODE && line.p[CODE] != ' ' && line.p[CODE] != '-');
    if (broken) {
        *r = (struct smtp_reply_reader){0};
        return SMTP_REPLY_BROKEN;
    }
    r->code = (uint16_t)code;
    if (r->lines++)
        buf_add_byte(text, '\n');
    smtp_text_add(text, str_skip(line, CODE + 1), true, buf_room(text));
    if (line.n > CODE && line.p[CODE] == '-')
        return SMTP_REPLY_MORE;
    return SMTP_REPLY_DONE;
}
