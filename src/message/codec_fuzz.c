// SPDX-License-Identifier: ISC
/* Encoders and decoders in pieces: encoding then decoding gives back what went in; decoding in pieces gives what decoding at once
 * gives. */
#include "base/check.h"
#include "base/utf8.h"
#include "message/mime.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t state;
static size_t dice(size_t n)
{
    state = state * 1664525 + 1013904223;
    return (state >> 12) % n;
}

/* Feeds pieces of odd sizes into buffers of odd sizes. */
static void decode(enum mime_encoding e, struct str in, struct buf *to, bool odd)
{
    struct mime_decoder d;
    mime_decoder_init(&d, e);
    while (in.n > 0) {
        char small[600];
        struct buf out;
        struct str piece = str_head(in, odd ? 1 + dice(5) : in.n);
        struct str left = piece;
        buf_fixed(&out, small, odd ? 140 + dice(100) : sizeof small);
        mime_decode(&d, &left, &out);
        buf_add(to, buf_str(&out));
        check(left.n < piece.n || out.n > 0);
        in = str_skip(in, piece.n - left.n);
    }
    char small[256];
    struct buf out;
    buf_fixed(&out, small, sizeof small);
    mime_decode_end(&d, &out);
    buf_add(to, buf_str(&out));
}

static void encode(enum mime_encoding e, bool text, struct str in, struct buf *to)
{
    struct mime_encoder x;
    mime_encoder_init(&x, e, text);
    while (in.n > 0) {
        char small[700];
        struct buf out;
        struct str piece = str_head(in, 1 + dice(80)), left = piece;
        buf_fixed(&out, small, 256 + dice(400));
        mime_encode(&x, &left, &out);
        buf_add(to, buf_str(&out));
        in = str_skip(in, piece.n - left.n);
    }
    char small[256];
    struct buf out;
    buf_fixed(&out, small, sizeof small);
    mime_encode_end(&x, &out);
    buf_add(to, buf_str(&out));
}

static void sound_lines(struct str text, bool high_ok)
{
    for (size_t i = 0, column = 0; i < text.n; i++) {
        column = text.p[i] == '\n' ? 0 : column + 1;
        check(column <= 77 && text.p[i] != 0 && (high_ok || (unsigned char)text.p[i] < 0x80));
        check(text.p[i] != '\r' || (i + 1 < text.n && text.p[i + 1] == '\n'));
        check(text.p[i] != '\n' || (text.p[i - 1] == '\r' && (i < 2 || (text.p[i - 2] != ' ' && text.p[i - 2] != '\t'))));
    }
}

static void charset(struct str name, struct str in)
{
    struct charset_decoder d;
    struct buf whole, pieces;
    struct str left = in;
    buf_init(&whole, in.n * 8 + 2000);
    buf_init(&pieces, in.n * 8 + 2000);
    charset_decoder_init(&d, name);
    charset_decode(&d, &left, &whole);
    charset_decode_end(&d, &whole);
    check(left.n == 0 && utf8_is_valid(buf_str(&whole)));
    charset_decoder_init(&d, name);
    for (left = in; left.n > 0;) {
        struct str piece = str_head(left, 1 + dice(4));
        left = str_skip(left, piece.n);
        charset_decode(&d, &piece, &pieces);
        check(piece.n == 0);
    }
    charset_decode_end(&d, &pieces);
    check(utf8_is_valid(buf_str(&pieces)));
    if (!d.broken)
        check(str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_free(&whole);
    buf_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"utf-8",   "us-ascii", "iso-8859-1",  "iso-8859-15", "koi8-r", "shift_jis",
                                        "gb18030", "euc-kr",   "iso-2022-jp", "utf-16",      "utf-7",  "x"};
    struct str in = str_of(data, size);
    struct buf coded, back, whole;
    state = (uint32_t)size;
    buf_init(&coded, 4 * size + 1000);
    buf_init(&back, 4 * size + 1000);
    buf_init(&whole, 4 * size + 1000);
    for (int i = 0; i < 3; i++) {
        enum mime_encoding e = i == 0 ? MIME_BASE64 : MIME_QUOTED_PRINTABLE;
        buf_clear(&coded);
        buf_clear(&back);
        encode(e, i == 2, in, &coded);
        check(!coded.full);
        sound_lines(buf_str(&coded), false);
        check(e != MIME_BASE64 || coded.n == mime_base64_size(size));
        decode(e, buf_str(&coded), &back, true);
        check(str_eq(buf_str(&back), in));
    }
    for (enum mime_encoding e = MIME_7BIT; e <= MIME_UNKNOWN_ENCODING; e++) {
        buf_clear(&whole);
        buf_clear(&back);
        decode(e, in, &whole, false);
        decode(e, in, &back, true);
        check(!whole.full && str_eq(buf_str(&whole), buf_str(&back)));
    }
    buf_free(&coded);
    buf_free(&back);
    buf_free(&whole);
    for (size_t i = 0; i < countof(names) && size < 4000; i++)
        charset(str_c(names[i]), in);
    return 0;
}
