// SPDX-License-Identifier: ISC
/* Dates: what is taken prints and is taken again as the same moment. */
#include "base/check.h"
#include "message/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool (*const parse[])(struct str, struct date *) = {date_parse, date_parse_loose};
    for (int i = 0; i < 2; i++) {
        char storage[64];
        struct buf b;
        struct date d, again;
        if (!parse[i](str_of(data, size), &d))
            continue;
        buf_fixed(&b, storage, sizeof storage);
        date_print(&b, d.unix_ms, d.offset_min);
        bool edge = d.unix_ms < -62135500000000 || d.unix_ms > 253402200000000; /* the years 1 and 9999 are clipped */
        check(edge || (date_parse(buf_str(&b), &again) && again.unix_ms == d.unix_ms && again.offset_min == d.offset_min));
        buf_clear(&b);
        date_print_iso(&b, d.unix_ms);
        check(!b.full);
    }
    return 0;
}
