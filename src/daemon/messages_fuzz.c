// SPDX-License-Identifier: ISC
/* The first two octets choose the kind, the rest is the payload. What is read must be writable, to the same octets but for text
   that was made printable. */
#include "base/check.h"
#include "daemon/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char first_bytes[FRAME_MAX * 2], again_bytes[FRAME_MAX * 2];
    struct message m, second;
    struct buf first, again;

    if (n < 2 || n > FRAME_MAX)
        return 0;
    uint32_t kind = ((uint32_t)data[0] | (uint32_t)data[1] << 8) % (MSG_COUNT + 2);
    if (!message_read(kind, str_of(data + 2, n - 2), &m))
        return 0;
    buf_fixed(&first, first_bytes, sizeof first_bytes);
    message_write(&first, &m);
    check(!first.full && first.n == n - 2);
    check(message_read(kind, buf_str(&first), &second));
    buf_fixed(&again, again_bytes, sizeof again_bytes);
    message_write(&again, &second);
    check(str_eq(buf_str(&first), buf_str(&again)));
    return 0;
}
