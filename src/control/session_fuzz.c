// SPDX-License-Identifier: ISC
/* Frames from somebody who may ask nothing: whatever they are, they are read and refused, and nothing is asked of the engine
 * (there is none). */
#include "control/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_context c = {.owner_uid = 1};
    struct control_session *s = control_session_new(&c, 2);
    struct str rest = str_of(data, size);
    if (!s)
        return 0;
    while (rest.n) {
        struct buf *in = control_session_in(s);
        struct str piece = str_head(rest, buf_room(in) < 4096 ? buf_room(in) : 4096);
        buf_add(in, piece);
        rest = str_skip(rest, piece.n);
        if (control_session_run(s) == CONTROL_WANTS_CLOSE || !piece.n)
            break;
        buf_clear(control_session_out(s));
    }
    control_session_free(s);
    return 0;
}
