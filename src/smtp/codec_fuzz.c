// SPDX-License-Identifier: ISC
/* Parameters, xtext, replies and the data phase. The first octet chooses; what is decoded and encoded again must be the same,
   and reading must not depend on how the octets are cut. */
#include "base/check.h"
#include "smtp/codec.h"

enum { MAX = 4096 };

static void params(struct str s)
{
    static const struct smtp_caps all = {.esmtp = true,
                                         .size = true,
                                         .eightbitmime = true,
                                         .smtputf8 = true,
                                         .binarymime = true,
                                         .dsn = true,
                                         .auth = true,
                                         .requiretls = true,
                                     .mt_priority = true};
    struct arena a;
    struct smtp_envelope e = {0};
    struct smtp_rcpt r = {0};
    struct smtp_caps caps = {0};
    arena_init(&a, 1 << 16);
    struct smtp_refusal refusal = smtp_mail_params(&a, s, &all, &e);
    check(refusal.code == 0 || refusal.code == 501 || refusal.code == 555 || refusal.code == 452);
    check(refusal.code || (e.envid.n <= 100 && e.body <= SMTP_BODY_BINARY && e.priority >= -9 && e.priority <= 9));
    refusal = smtp_rcpt_params(&a, s, &all, true, &r);
    check(refusal.code == 0 || refusal.code == 501 || refusal.code == 555 || refusal.code == 452);
    smtp_caps_line(&caps, s);
    check(strlen(caps.mechanisms) < sizeof caps.mechanisms);
    arena_clear(&a);
}

static void xtext(struct str s)
{
    char plain_text[MAX], wire_text[3 * MAX], again_text[MAX];
    struct buf plain, wire, again;
    buf_fixed(&plain, plain_text, sizeof plain_text);
    buf_fixed(&wire, wire_text, sizeof wire_text);
    buf_fixed(&again, again_text, sizeof again_text);
    smtp_xtext_encode(&wire, s);
    check(smtp_xtext_decode(&again, buf_str(&wire)) && str_eq(buf_str(&again), s));
    (void)smtp_xtext_decode(&plain, s);
    buf_clear(&plain);
    if (smtp_orcpt_decode(&plain, s, true) && !plain.full) {
        buf_clear(&wire);
        smtp_orcpt_encode(&wire, buf_str(&plain), true);
        buf_clear(&again);
        check(smtp_orcpt_decode(&again, buf_str(&wire), true) && str_eq(buf_str(&again), buf_str(&plain)));
    }
}

static void replies(struct str s)
{
    struct smtp_reply_reader r = {0};
    char text[600], status[12];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    while (s.n) {
        enum smtp_reply_step step = smtp_reply_feed(&r, str_cut(s, '\n', &s), &b);
        check((step == SMTP_REPLY_BROKEN) == (r.code == 0));
        if (step != SMTP_REPLY_MORE) {
            struct str t = buf_str(&b);
            (void)smtp_status_take(r.code ? r.code : 250, &t, status);
            r = (struct smtp_reply_reader){0};
            buf_clear(&b);
        }
    }
}

static size_t read_in_pieces(struct str s, bool dots, size_t step, size_t room, char *result, struct smtp_data_reader *r)
{
    size_t n = 0;
    *r = (struct smtp_data_reader){.dots = dots};
    while (s.n && !r->ended) {
        char small[64];
        struct buf b;
        buf_fixed(&b, small, room);
        struct str piece = str_head(s, step);
        size_t before = piece.n;
        smtp_data_read(r, &piece, &b);
        check(!b.full);
        s = str_skip(s, before - piece.n);
        memcpy(result + n, buf_str(&b).p, b.n);
        n += b.n;
    }
    return n;
}

static void data_phase(struct str s, bool dots)
{
    static char one[3 * MAX], other[3 * MAX];
    struct smtp_data_reader r, q;
    size_t n = read_in_pieces(s, dots, MAX, 64, one, &r), k = read_in_pieces(s, dots, 1, SMTP_DATA_ROOM, other, &q);
    check(n == k && memcmp(one, other, n) == 0 && r.ended == q.ended && r.bare == q.bare && r.eight_bit == q.eight_bit);
    for (size_t i = 0; i < n; i++)
        check(one[i] != '\n' || (i > 0 && one[i - 1] == '\r'));
    /* the end of data is where CRLF.CRLF stands first, or at the very beginning .CRLF; nowhere else */
    size_t end = str_starts(s, S(".\r\n")) ? 0 : str_find_str(s, S("\r\n.\r\n"));
    check(!dots || r.ended == (end < s.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MAX)
        return 0;
    struct str s = str_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0: params(s); break;
    case 1: xtext(s); break;
    case 2: replies(s); break;
    case 3: data_phase(s, true); break;
    default: data_phase(s, false); break;
    }
    return 0;
}
