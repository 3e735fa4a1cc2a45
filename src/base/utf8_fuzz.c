/* SPDX-License-Identifier: ISC */
/* Decoding scalar by scalar agrees with the check of the whole; what is made printable is valid and stays as it is. */
#include "base/check.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size), rest = in;
    struct buf again, once, twice;
    size_t n;
    bool broken = false;
    buf_init(&again, 1 << 22);
    buf_init(&once, 1 << 22);
    buf_init(&twice, 1 << 24);
    for (; rest.n > 0; rest = str_skip(rest, n)) {
        uint32_t c = utf8_next(rest, &n);
        check(n >= 1 && n <= 4 && n <= rest.n);
        broken = broken || (c == 0xfffd && n == 1);
        utf8_add(&again, c);
    }
    check(utf8_is_valid(in) == !broken);
    check(broken || str_eq(buf_str(&again), in));
    check(utf8_is_valid(buf_str(&again)));
    utf8_add_printable(&once, in);
    utf8_add_printable(&twice, buf_str(&once));
    check(utf8_is_valid(buf_str(&once)) && str_eq(buf_str(&once), buf_str(&twice)));
    check(utf8_width(buf_str(&once)) <= 2 * once.n);
    check(!utf8_is_ascii(in) || utf8_is_valid(in));
    buf_free(&again);
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
