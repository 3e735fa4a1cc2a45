/* SPDX-License-Identifier: ISC */
/* Every text is one spelling of what it decodes to; every content comes back. */
#include "base/check.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct buf plain, coded;
    uint64_t id, again;
    buf_init(&plain, 1 << 22);
    buf_init(&coded, 1 << 22);
    if (base64_decode(&plain, in)) {
        base64_encode(&coded, buf_str(&plain));
        check(str_eq(buf_str(&coded), in));
    } else {
        check(plain.n == 0);
    }
    buf_clear(&plain);
    buf_clear(&coded);
    base64_encode(&coded, in);
    check(base64_decode(&plain, buf_str(&coded)) && str_eq(buf_str(&plain), in));
    buf_clear(&plain);
    buf_clear(&coded);
    hex_encode(&coded, in);
    check(hex_decode(&plain, buf_str(&coded)) && str_eq(buf_str(&plain), in));
    buf_clear(&plain);
    (void)hex_decode(&plain, in);
    if (id_parse(in, &id)) {
        struct id_text t = id_text(id);
        check(strlen(t.c) == in.n && id_parse(str_c(t.c), &again) && again == id);
    }
    buf_free(&plain);
    buf_free(&coded);
    return 0;
}
