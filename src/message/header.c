// SPDX-License-Identifier: ISC
/* Reading a header that lies in memory. The same rules as header_scan.c, which reads a stream; a test holds both against each
 * other. */
#include "message/header.h"
#include "message/inside.h"

void header_reader_init(struct header_reader *r, struct str message)
{
    *r = (struct header_reader){.text = message};
}

/* Octets of the line at the front of s with its line end. */
static size_t line_size(struct str s)
{
    size_t n = str_find(s, '\n');
    return n < s.n ? n + 1 : n;
}

/* The line and all that continue it. */
static size_t folded_size(struct str s)
{
    size_t n = line_size(s);
    while (n < s.n && is_wsp(s.p[n]))
        n += line_size(str_skip(s, n));
    return n;
}

static bool is_mbox_line(struct str s)
{
    return str_starts(s, S("From ")) || str_starts(s, S(">From "));
}

/* Length of "name" and of "name WSP* :" at the front; false when the line is no field. */
static bool field_start(struct str s, size_t *name, size_t *colon)
{
    size_t i = 0;
    while (i < s.n && s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != ':')
        i++;
    *name = i;
    while (i < s.n && is_wsp(s.p[i]))
        i++;
    *colon = i;
    return *name > 0 && i <= HEADER_NAME_HOLD && i < s.n && s.p[i] == ':';
}

bool header_next(struct header_reader *r, struct header_field *f)
{
    while (!r->end) {
        struct str rest = str_skip(r->text, r->at);
        size_t name, colon;
        if (rest.n == 0 || rest.p[0] == '\n' || str_starts(rest, S("\r\n"))) {
            r->at += rest.n == 0 ? 0 : rest.p[0] == '\n' ? 1 : 2;
            r->end = true;
        } else if (field_start(rest, &name, &colon)) {
            size_t size = folded_size(rest);
            struct str value = str_of(rest.p + colon + 1, size - colon - 1);
            if (value.n && value.p[value.n - 1] == '\n')
                value.n -= value.n > 1 && value.p[value.n - 2] == '\r' ? 2 : 1;
            *f = (struct header_field){str_head(rest, name), value, r->at, size};
            r->at += size;
            return true;
        } else if (r->at == 0 && !is_mbox_line(rest)) {
            r->end = true; /* no header at all */
        } else {
            r->broken++;
            r->at += folded_size(rest);
        }
    }
    return false;
}

size_t header_body(struct str message)
{
    struct header_reader r;
    struct header_field f;
    header_reader_init(&r, message);
    while (header_next(&r, &f))
        ;
    return r.at;
}

bool header_find(struct str message, const char *name, struct header_field *f)
{
    struct header_reader r;
    header_reader_init(&r, message);
    while (header_next(&r, f))
        if (str_eq_icase(f->name, str_c(name)))
            return true;
    return false;
}

void header_unfold(struct buf *to, struct str raw)
{
    raw = str_trim(raw);
    while (raw.n > 0) {
        size_t n = 0;
        while (n < raw.n && raw.p[n] != '\r' && raw.p[n] != '\n')
            n++;
        buf_add(to, str_head(raw, n));
        raw = str_skip(raw, n);
        while (raw.n > 0 && (raw.p[0] == '\r' || raw.p[0] == '\n'))
            raw = str_skip(raw, 1);
    }
}

struct str header_value(struct arena *a, struct str message, const char *name)
{
    struct header_field f;
    struct buf b;
    if (!header_find(message, name, &f))
        return S("");
    buf_init(&b, f.value.n + 1);
    header_unfold(&b, f.value);
    struct str s = arena_buf(a, &b);
    return s.p ? s : S("");
}

struct str header_text(struct arena *a, struct str message, const char *name)
{
    struct header_field f;
    struct buf b;
    if (!header_find(message, name, &f))
        return S("");
    buf_init(&b, f.value.n * 3 + 64);
    header_decode(&b, f.value);
    struct str s = arena_buf(a, &b);
    return s.p ? str_trim(s) : S("");
}
