// SPDX-License-Identifier: ISC
/* The second pass of the converter: parts are encoded anew, labels changed, everything else passed on. */
#include "base/check.h"
#include "message/convert_inside.h"
#include "message/inside.h"

enum { LINE_FOLD = 990 };

enum filter_kind { FILTER_HEADER, FILTER_DELIMITER, FILTER_GLUE };

static void filter_newline(struct convert *c)
{
    buf_add(c->out, S("\r\n"));
    c->filter = (struct filter){0};
}

/* Line ends become CRLF; what cannot stand becomes "?", so that no line and no field begins or ends that did not before; long
 * lines are folded, a delimiter's padding is cut. */
static void filter_byte(struct convert *c, char x, enum filter_kind kind)
{
    struct filter *f = &c->filter;
    if (f->cr && x != '\n') {
        f->cr = false;
        if (kind == FILTER_GLUE)
            filter_newline(c);
        else
            filter_byte(c, kind == FILTER_DELIMITER ? ' ' : 0, kind);
    }
    if (x == '\n') {
        filter_newline(c);
        return;
    }
    if (x == '\r') {
        f->cr = true;
        return;
    }
    if (x == 0 || (is_high(x) && kind == FILTER_GLUE && c->to == CONVERT_7BIT))
        x = '?';
    if (kind == FILTER_HEADER && ((f->column >= LINE_FOLD && is_wsp(x)) || f->column >= TEXT_LINE_MAX)) {
        filter_newline(c);
        if (!is_wsp(x)) {
            buf_add_byte(c->out, ' ');
            f->column++;
        }
    } else if (kind == FILTER_GLUE && f->column >= TEXT_LINE_MAX) {
        filter_newline(c);
    } else if (kind == FILTER_DELIMITER && f->column >= TEXT_LINE_MAX) {
        return;
    }
    buf_add_byte(c->out, x);
    f->column++;
}

static void filter_bytes(struct convert *c, struct str bytes, enum filter_kind kind)
{
    for (size_t i = 0; i < bytes.n; i++)
        filter_byte(c, bytes.p[i], kind);
}

/* A region ends: a CR that waits was bare. */
static void filter_end(struct convert *c, enum filter_kind kind)
{
    if (c->filter.cr) {
        c->filter.cr = false;
        if (kind == FILTER_GLUE)
            filter_newline(c);
        else
            filter_byte(c, 0, kind);
    }
    c->filter = (struct filter){.column = c->filter.column};
}

static const char *label(const struct convert *c, const struct part *p)
{
    switch ((enum action)p->action) {
    case TO_QP:
        return "quoted-printable";
    case TO_BASE64:
        return "base64";
    case RELABEL:
        return c->to == CONVERT_8BIT && (p->kind != SCAN_LEAF || (p->flags & HAS_HIGH)) ? "8bit" : "7bit";
    case KEEP:
    case SANITIZE:
        break;
    }
    return NULL;
}

static void add_line(struct convert *c, const char *name, const char *value)
{
    buf_add_c(c->out, name);
    buf_add_c(c->out, value);
    buf_add(c->out, S("\r\n"));
}

/* The fields that say how the content is encoded now. */
static void add_fields(struct convert *c, const struct part *p)
{
    const char *encoding = label(c, p);
    if (!encoding)
        return;
    if (p->root && !p->mime_version)
        add_line(c, "MIME-Version: ", "1.0");
    if (p->root && !p->typed && (p->flags & HAS_HIGH)) /* RFC 1428 */
        add_line(c, "Content-Type: text/plain; charset=", p->flags & HAS_BAD_UTF8 ? "unknown-8bit" : "utf-8");
    add_line(c, "Content-Transfer-Encoding: ", encoding);
}

static void write_begin(void *self, uint64_t offset)
{
    struct convert *c = self;
    (void)offset;
    filter_end(c, FILTER_GLUE);
    convert_enter(c, c->next < c->count ? c->next : UINT32_MAX);
    c->next++;
    c->filter = (struct filter){0};
    header_scan_init(&c->strip);
    enum action a = (enum action)convert_current(c)->action;
    if (a != KEEP && a != SANITIZE)
        c->strip.drop = HEADER_CONTENT_TRANSFER_ENCODING;
    if (convert_current(c)->fields_first)
        add_fields(c, convert_current(c));
}

/* The empty line is kept back: fields may have to stand before it. */
static void write_stripped(struct convert *c)
{
    struct str s = buf_str(&c->stripped);
    if (c->strip.ended && !c->strip.no_header && str_ends(s, S("\n")))
        s.n -= str_ends(s, S("\r\n")) ? 2 : 1;
    filter_bytes(c, s, FILTER_HEADER);
    buf_clear(&c->stripped);
}

static void write_header(void *self, struct str bytes)
{
    struct convert *c = self;
    while (bytes.n > 0) {
        struct str piece = str_head(bytes, 1024);
        header_scan_feed(&c->strip, piece, &c->stripped);
        write_stripped(c);
        bytes = str_skip(bytes, piece.n);
    }
}

static void write_headed(void *self, uint64_t offset, const struct scan_facts *f)
{
    struct convert *c = self;
    const struct part *p = convert_current(c);
    const char *encoding = label(c, p);
    (void)offset;
    (void)f;
    bool blank = c->strip.ended && !c->strip.no_header;
    if (!blank) {
        header_scan_end(&c->strip, &c->stripped);
        write_stripped(c);
    }
    filter_end(c, FILTER_HEADER);
    if (encoding && c->filter.column > 0)
        filter_newline(c);
    if (!p->fields_first)
        add_fields(c, p);
    /* a message inside that gets fields needs the empty line of this header before them, even where there was no header (a
     * digest's part) */
    const struct part *inside = p->kind == SCAN_MESSAGE ? convert_part(c, c->next) : NULL;
    if (blank || encoding || (inside && label(c, inside)))
        buf_add(c->out, S("\r\n"));
    c->filter = (struct filter){0};
    mime_decoder_init(&c->decoder, (enum mime_encoding)p->encoding);
    if (p->action == TO_QP || p->action == TO_BASE64)
        mime_encoder_init(&c->encoder, p->action == TO_QP ? MIME_QUOTED_PRINTABLE : MIME_BASE64, true);
}

static void encode(struct convert *c, struct str bytes)
{
    while (bytes.n > 0) {
        size_t before = bytes.n;
        mime_encode(&c->encoder, &bytes, c->out);
        check(bytes.n < before); /* convert_feed gave room enough */
    }
}

static void write_body(void *self, struct str bytes)
{
    struct convert *c = self;
    const struct part *p = convert_current(c);
    if (p->action == KEEP || p->action == RELABEL) {
        buf_add(c->out, bytes);
    } else if (p->action == SANITIZE) {
        filter_bytes(c, bytes, FILTER_GLUE);
    } else if (mime_encoding_is_identity((enum mime_encoding)p->encoding)) {
        encode(c, bytes);
    } else {
        char storage[1024];
        struct buf plain;
        buf_fixed(&plain, storage, sizeof storage);
        while (bytes.n > 0) {
            mime_decode(&c->decoder, &bytes, &plain);
            encode(c, buf_str(&plain));
            buf_clear(&plain);
        }
    }
}

static void write_glue(void *self, struct str bytes)
{
    filter_bytes(self, bytes, FILTER_GLUE);
}

static void write_delimiter(void *self, struct str bytes)
{
    filter_bytes(self, bytes, FILTER_DELIMITER);
}

static void write_end(void *self, uint64_t offset, bool unfinished)
{
    struct convert *c = self;
    const struct part *p = convert_current(c);
    (void)offset;
    (void)unfinished;
    if (p->action == TO_QP || p->action == TO_BASE64) {
        char storage[1024];
        struct buf plain;
        buf_fixed(&plain, storage, sizeof storage);
        mime_decode_end(&c->decoder, &plain);
        encode(c, buf_str(&plain));
        mime_encode_end(&c->encoder, c->out);
    }
    if (p->kind != SCAN_LEAF || p->action == SANITIZE)
        filter_end(c, FILTER_GLUE);
    c->depth--;
}

void convert_write_begin(struct convert *c)
{
    const struct scan_watch write = {write_begin, write_header,    write_headed, write_body,
                                     write_glue,  write_delimiter, write_end,    c};
    scan_init(&c->scan, &write);
}
