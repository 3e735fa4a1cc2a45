// SPDX-License-Identifier: ISC
/* What was prepared once stays as it is when prepared again, or is refused: NFC may move a mark between a character and its neighbour, so that a context
   rule holds no more (RFC 8264 7). The result is valid UTF-8 within its bounds. */
#include "base/check.h"
#include "base/utf8.h"
#include "login/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_of(data, size);
    char first_text[SCALARS_MAX * 4], second_text[SCALARS_MAX * 4];
    struct buf first, second;
    struct why why;
    buf_fixed(&first, first_text, LOGIN_USER_MAX);
    buf_fixed(&second, second_text, LOGIN_USER_MAX);
    if (login_prepare_user(input, &first, &why)) {
        check(first.n > 0 && utf8_is_valid(buf_str(&first)));
        check(!login_prepare_user(buf_str(&first), &second, &why) || str_eq(buf_str(&first), buf_str(&second)));
    }
    buf_fixed(&first, first_text, LOGIN_PASSWORD_MAX);
    if (login_prepare_password(input, &first, &why))
        check(first.n > 0 && first.n <= LOGIN_PASSWORD_MAX && utf8_is_valid(buf_str(&first)));
    buf_fixed(&first, first_text, sizeof first_text);
    buf_fixed(&second, second_text, sizeof second_text);
    if (login_opaque_string(input, &first, &why))
        check(!login_opaque_string(buf_str(&first), &second, &why) || str_eq(buf_str(&first), buf_str(&second)));
    return 0;
}
