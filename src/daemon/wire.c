// SPDX-License-Identifier: ISC
#include "daemon/wire.h"
#include "base/check.h"
#include "base/utf8.h"

static const unsigned char *take(struct wire_in *in, size_t n)
{
    const unsigned char *p = (const unsigned char *)in->rest.p;

    if (in->broken || in->rest.n < n) {
        in->broken = true;
        return NULL;
    }
    in->rest = str_skip(in->rest, n);
    return p;
}

static uint64_t number(struct wire_in *in, size_t n)
{
    const unsigned char *p = take(in, n);
    uint64_t v = 0;

    for (size_t i = 0; p && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint8_t wire_u8(struct wire_in *in)
{
    return (uint8_t)number(in, 1);
}
uint16_t wire_u16(struct wire_in *in)
{
    return (uint16_t)number(in, 2);
}
uint32_t wire_u32(struct wire_in *in)
{
    return (uint32_t)number(in, 4);
}
uint64_t wire_u64(struct wire_in *in)
{
    return number(in, 8);
}

bool wire_flag(struct wire_in *in)
{
    uint8_t v = wire_u8(in);

    in->broken |= v > 1;
    return v == 1;
}

enum outcome wire_outcome(struct wire_in *in)
{
    switch (wire_u8(in)) {
    case DONE:
        return DONE;
    case REFUSE:
        return REFUSE;
    case RETRY:
        return RETRY;
    default:
        in->broken = true;
        return RETRY;
    }
}

struct str wire_bytes(struct wire_in *in, size_t most)
{
    uint32_t n = wire_u32(in);
    const unsigned char *p;

    if (n > most)
        in->broken = true;
    p = take(in, n);
    return p && n ? str_of(p, n) : STR_NONE;
}

static bool is_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
            return false;
    return true;
}

struct str wire_text(struct wire_in *in, size_t most)
{
    struct str s = wire_bytes(in, most);

    if (!is_text(s)) {
        in->broken = true;
        return STR_NONE;
    }
    return s;
}

void wire_why(struct wire_in *in, struct why *to)
{
    struct str status = wire_text(in, sizeof(to->status) - 1), text = wire_text(in, sizeof(to->text) - 1);

    *to = (struct why){0};
    for (size_t i = 0; i < status.n; i++) /* it will stand at the front of a reply line */
        if (!ascii_is_alnum(status.p[i]) && status.p[i] != '.' && status.p[i] != '-')
            in->broken = true;
    if (in->broken)
        return;
    if (status.n)
        memcpy(to->status, status.p, status.n);
    for (size_t i = 0; i < text.n; i++)
        to->text[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? '?' : text.p[i];
}

static void add_number(struct buf *to, uint64_t v, size_t n)
{
    char bytes[8];

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(unsigned char)(v >> (8 * i));
    buf_add(to, str_of(bytes, n));
}

void wire_add_u8(struct buf *to, uint8_t v)
{
    buf_add_byte(to, (char)v);
}
void wire_add_u16(struct buf *to, uint16_t v)
{
    add_number(to, v, 2);
}
void wire_add_u32(struct buf *to, uint32_t v)
{
    add_number(to, v, 4);
}
void wire_add_u64(struct buf *to, uint64_t v)
{
    add_number(to, v, 8);
}

void wire_add_bytes(struct buf *to, struct str v, size_t most)
{
    if (v.n > most) {
        to->full = true;
        return;
    }
    add_number(to, v.n, 4);
    buf_add(to, v);
}

void wire_add_text(struct buf *to, struct str v, size_t most)
{
    if (!is_text(v))
        to->full = true;
    else
        wire_add_bytes(to, v, most);
}

/* The longest head of text that fits and does not end within a character. */
static size_t cut_utf8(const char *text, size_t n, size_t most)
{
    if (n <= most)
        return n;
    for (n = most; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; n--)
        ;
    return n;
}

void wire_add_why(struct buf *to, const struct why *why)
{
    char text[sizeof why->text];
    size_t n = cut_utf8(why->text, strnlen(why->text, sizeof text), sizeof text - 1);

    for (size_t i = 0; i < n; i++)
        text[i] = (unsigned char)why->text[i] < ' ' ? ' ' : why->text[i];
    wire_add_text(to, str_of(why->status, strnlen(why->status, sizeof why->status - 1)), sizeof why->status - 1);
    wire_add_text(to, str_of(text, n), sizeof why->text - 1);
}
