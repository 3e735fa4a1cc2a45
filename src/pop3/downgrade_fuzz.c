// SPDX-License-Identifier: ISC
/* The input is a message whose header is rewritten: the result's header is ASCII, whatever the pieces, and the same for all. */
#include <stdlib.h>
#include "base/check.h"
#include "pop3/inside.h"

static void rewrite(struct str message, size_t piece, struct buf *to)
{
    struct downgrade d;
    struct arena scratch;
    arena_init(&scratch, 256 * 1024);
    pop3_downgrade_init(&d);
    size_t at = 0;
    while (at < message.n && d.mode != DOWNGRADE_BODY) {
        at += pop3_downgrade_feed(&d, str_head(str_skip(message, at), piece), &scratch);
        buf_add(to, buf_str(&d.made));
        buf_consume(&d.made, d.made.n);
    }
    pop3_downgrade_end(&d, &scratch);
    buf_add(to, buf_str(&d.made));
    pop3_downgrade_clear(&d);
    arena_clear(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, bytes;
    buf_init(&whole, 64 << 20);
    buf_init(&bytes, 64 << 20);
    rewrite(str_of(data, size), SIZE_MAX, &whole);
    rewrite(str_of(data, size), 1, &bytes);
    for (size_t i = 0; i < whole.n; i++)
        check(!(whole.p[whole.head + i] & 0x80));
    check(whole.n == bytes.n && (whole.n == 0 || memcmp(buf_str(&whole).p, buf_str(&bytes).p, whole.n) == 0));
    buf_free(&whole);
    buf_free(&bytes);
    return 0;
}
