// SPDX-License-Identifier: ISC
/* A header read whole and scanned in pieces must be the same header; dropping and capturing lose nothing; decoding and writing
 * give sound lines. */
#include "base/check.h"
#include "base/utf8.h"
#include "message/header.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    struct header_scan scan;
    struct buf pass, captured;
};

static void scan(struct result *r, struct str in, uint32_t seed)
{
    memset(r, 0, sizeof *r);
    header_scan_init(&r->scan);
    buf_init(&r->pass, in.n + 1);
    buf_init(&r->captured, in.n + 1);
    r->scan.drop = HEADER_BCC | HEADER_RESENT_BCC;
    r->scan.capture = HEADER_BCC | HEADER_FROM;
    r->scan.captured = &r->captured;
    while (in.n > 0) {
        seed = seed * 1664525 + 1013904223;
        struct str piece = str_head(in, seed >> 28 == 0 ? in.n : (seed >> 16) % 9);
        char *copy = malloc(piece.n + 1); /* so that a sanitizer sees reads beyond the piece */
        check(copy);
        memcpy(copy, piece.p, piece.n);
        header_scan_feed(&r->scan, str_of(copy, piece.n), &r->pass);
        free(copy);
        in = str_skip(in, piece.n);
    }
    header_scan_end(&r->scan, &r->pass);
    check(!r->pass.full && !r->captured.full);
}

static void sound_lines(struct str text)
{
    for (size_t i = 0, column = 0; i < text.n; i++) {
        column = text.p[i] == '\n' ? 0 : column + 1;
        check(column <= 999 && text.p[i] != 0);
        check(text.p[i] != '\r' || (i + 1 < text.n && text.p[i + 1] == '\n'));
        check(text.p[i] != '\n' || (i > 0 && text.p[i - 1] == '\r' && (i + 1 == text.n || text.p[i + 1] == ' ')));
    }
}

static void compare(struct str in, struct result *whole)
{
    struct header_reader r;
    struct header_field f;
    uint32_t received = 0, seen = 0;
    struct buf kept;
    buf_init(&kept, in.n + 1);
    header_reader_init(&r, in);
    size_t at = 0;
    while (header_next(&r, &f)) {
        check(f.offset >= at && f.offset + f.size <= in.n);
        at = f.offset + f.size;
        uint32_t bit = header_bit(f.name);
        received += bit == HEADER_RECEIVED;
        seen |= bit;
        if (bit & (HEADER_BCC | HEADER_FROM))
            buf_add(&kept, str_of(in.p + f.offset, f.size));
    }
    check(received == whole->scan.received && seen == whole->scan.seen && r.broken == whole->scan.broken);
    check(r.at == whole->scan.size);
    check(str_eq(buf_str(&kept), buf_str(&whole->captured)));
    if (!whole->scan.no_header) {
        check(whole->scan.utf8 == !utf8_is_ascii(str_head(in, r.at)));
        check(whole->scan.bad_utf8 == !utf8_is_valid(str_head(in, r.at)));
    }
    buf_free(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct result whole, pieces;
    struct buf text, field;
    scan(&whole, in, 0);
    compare(in, &whole);
    for (uint32_t seed = 1; seed < 4; seed++) {
        scan(&pieces, in, seed * 77);
        check(str_eq(buf_str(&pieces.pass), buf_str(&whole.pass)) && str_eq(buf_str(&pieces.captured), buf_str(&whole.captured)));
        check(pieces.scan.seen == whole.scan.seen && pieces.scan.size == whole.scan.size &&
              pieces.scan.ended == whole.scan.ended);
        check(pieces.scan.utf8 == whole.scan.utf8 && pieces.scan.bad_utf8 == whole.scan.bad_utf8 &&
              pieces.scan.broken == whole.scan.broken);
        buf_free(&pieces.pass);
        buf_free(&pieces.captured);
    }
    buf_free(&whole.pass);
    buf_free(&whole.captured);
    buf_init(&text, 16 * size + 100);
    buf_init(&field, 64 * size + 200);
    header_decode(&text, in);
    check(!text.full && utf8_is_valid(buf_str(&text)));
    header_write_text(&field, "Subject", buf_str(&text));
    check(!field.full);
    sound_lines(buf_str(&field));
    buf_clear(&field);
    header_write_raw(&field, "X", in);
    sound_lines(buf_str(&field));
    buf_clear(&field);
    header_decode_phrase(&field, in);
    check(utf8_is_valid(buf_str(&field)));
    buf_free(&text);
    buf_free(&field);
    return 0;
}
