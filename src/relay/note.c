// SPDX-License-Identifier: ISC
#include "relay/note.h"

void note_put_u64(struct buf *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_byte(to, (char)(v | 0x80));
    buf_add_byte(to, (char)v);
}

void note_put_time(struct buf *to, int64_t unix_ms)
{
    note_put_u64(to, unix_ms > 0 ? (uint64_t)unix_ms : 0);
}

void note_put_str(struct buf *to, struct str s)
{
    note_put_u64(to, s.n);
    buf_add(to, s);
}

uint64_t note_get_u64(struct note_reader *r, uint64_t most)
{
    uint64_t v = 0;
    for (unsigned shift = 0; !r->broken; shift += 7) {
        if (r->rest.n == 0 || shift > 63)
            break;
        uint64_t octet = (unsigned char)r->rest.p[0];
        r->rest = str_skip(r->rest, 1);
        if (shift == 63 && octet > 1)
            break;
        v |= (octet & 0x7f) << shift;
        if (octet < 0x80) {
            if (v > most || (octet == 0 && shift > 0))
                break;
            return v;
        }
    }
    r->broken = true;
    return 0;
}

int64_t note_get_time(struct note_reader *r)
{
    return (int64_t)note_get_u64(r, NOTE_TIME_MAX);
}

struct str note_get_str(struct note_reader *r, size_t most)
{
    size_t n = (size_t)note_get_u64(r, most);
    if (n > r->rest.n)
        r->broken = true;
    if (r->broken)
        return STR_NONE;
    struct str s = str_head(r->rest, n);
    r->rest = str_skip(r->rest, n);
    return s;
}
