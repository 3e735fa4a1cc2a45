// SPDX-License-Identifier: ISC
/* Two passes over the stream of scan.c. The first notes for every part what is in it; then it is decided what happens to each; the second does it.

       LOOK ── convert_looked ──► decided ── convert_feed … convert_end ──► out
                                     ▲───────── convert_rewind ────────────┘        */
#include "message/convert.h"
#include "base/check.h"
#include "message/inside.h"
#include "message/scan.h"

enum { HAS_HIGH = 1, HAS_NUL = 2, HAS_BARE = 4, HAS_LONG = 8, HAS_BAD_UTF8 = 16 };
enum { LINE_FOLD = 990, CHUNK_MIN = 128, ROOM = 2048, FIRST_PARTS = 64 };

enum action {
    KEEP,       /* byte for byte */
    RELABEL,    /* the content is fit, only its label promises more */
    TO_QP, TO_BASE64,
    SANITIZE,   /* cannot be decoded, so cannot be encoded anew: unfit octets become "?" */
};

struct part { uint32_t high, size; uint8_t flags, action, encoding, kind; bool text, root, mime_version, typed, fields_first; };

/* Octets that go through as they are, made fit one by one. */
struct filter { size_t column; bool cr, dropping; };

struct convert {
    struct mime_scan scan;
    enum convert_to to;
    struct arena *arena;
    struct part *parts;
    uint32_t count, max;
    uint32_t stack[MIME_DEPTH_MAX + 3], depth; /* parts that are open */
    uint32_t structure;                        /* flags of headers and glue */
    bool overflow;                             /* no memory for a part: it is sanitized */
    struct part lost;                          /* stands for such a part */
    /* first pass: the leaf that is open */
    struct utf8_watch utf8;
    size_t column;
    bool cr;
    /* second pass */
    bool writing, begun;
    uint32_t next;
    struct buf *out;
    struct filter filter;
    struct header_scan strip;
    struct buf stripped;
    struct mime_decoder decoder;
    struct mime_encoder encoder;
    char strip_storage[2048];
};

static struct part *at(struct convert *c, uint32_t i)
{
    return i < c->count ? &c->parts[i] : &c->lost;
}

static struct part *current(struct convert *c)
{
    return at(c, c->stack[c->depth - 1]);
}

/* ---- first pass ---- */

static void add_part(struct convert *c)
{
    if (c->count == c->max) {
        uint32_t max = c->max ? 2 * c->max : FIRST_PARTS;
        struct part *more = arena_array(c->arena, max, sizeof *more);
        if (!more) {
            c->overflow = true;
            return;
        }
        if (c->count)
            memcpy(more, c->parts, c->count * sizeof *more);
        c->parts = more;
        c->max = max;
    }
    c->parts[c->count++] = (struct part){0};
}

static void enter(struct convert *c, uint32_t index)
{
    check(c->depth < countof(c->stack));
    bool root = c->depth == 0 || current(c)->kind == SCAN_MESSAGE;
    c->stack[c->depth++] = index;
    if (index < c->count && !c->writing)
        c->parts[index].root = root;
}

static void look_begin(void *self, uint64_t offset)
{
    struct convert *c = self;
    (void)offset;
    add_part(c);
    enter(c, c->overflow ? UINT32_MAX : c->count - 1);
    c->column = 0;
    c->cr = false;
    c->utf8 = (struct utf8_watch){0};
}

/* Notes what is in bytes: flags of enum HAS_. */
static uint32_t inspect(struct convert *c, struct str bytes, uint32_t *high)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        char x = bytes.p[i];
        if (c->cr != (x == '\n'))
            flags |= HAS_BARE; /* a CR without LF, or an LF without CR */
        c->cr = x == '\r';
        c->column = x == '\n' ? 0 : c->column + 1;
        if (c->column > TEXT_LINE_MAX + (size_t)c->cr)
            flags |= HAS_LONG;
        if (x == 0)
            flags |= HAS_NUL;
        if (is_high(x)) {
            flags |= HAS_HIGH;
            ++*high;
        }
    }
    return flags;
}

static void look_body(void *self, struct str bytes)
{
    struct convert *c = self;
    struct part *p = current(c);
    uint32_t high = 0;
    p->flags |= (uint8_t)inspect(c, bytes, &high);
    if (high || c->utf8.left)
        for (size_t i = 0; i < bytes.n; i++)
            utf8_watch_byte(&c->utf8, (unsigned char)bytes.p[i]);
    p->high = p->high > UINT32_MAX / 4 ? p->high : p->high + high;
    p->size = p->size > UINT32_MAX / 4 ? p->size : p->size + (uint32_t)bytes.n;
}

static void look_structure(void *self, struct str bytes)
{
    struct convert *c = self;
    uint32_t high = 0;
    c->structure |= inspect(c, bytes, &high) & ~(uint32_t)HAS_HIGH;
}

static void look_glue(void *self, struct str bytes)
{
    struct convert *c = self;
    uint32_t high = 0;
    c->structure |= inspect(c, bytes, &high);
}

static void look_headed(void *self, uint64_t offset, const struct scan_facts *f)
{
    struct convert *c = self;
    struct part *p = current(c);
    (void)offset;
    p->encoding = (uint8_t)f->encoding;
    p->kind = (uint8_t)f->kind;
    p->text = strcmp(f->type, "text") == 0 || strcmp(f->type, "message") == 0 || strcmp(f->type, "multipart") == 0;
    p->typed = f->typed;
    p->fields_first = f->broken > 0; /* with its first field gone, such a line could stand first and make the header none */
    p->mime_version = (f->seen & HEADER_MIME_VERSION) != 0;
    if (c->cr)
        c->structure |= HAS_BARE;
    c->column = 0;
    c->cr = false;
}

static void look_end(void *self, uint64_t offset, bool unfinished)
{
    struct convert *c = self;
    struct part *p = current(c);
    (void)offset;
    (void)unfinished;
    if (c->cr)
        p->flags |= HAS_BARE;
    if (c->cr && p->kind != SCAN_LEAF)
        c->structure |= HAS_BARE;
    utf8_watch_end(&c->utf8);
    if (c->utf8.bad)
        p->flags |= HAS_BAD_UTF8;
    c->cr = false;
    c->column = 0;
    c->utf8 = (struct utf8_watch){0};
    c->depth--;
}

/* ---- decision ---- */

static uint32_t unfit_flags(const struct convert *c)
{
    return HAS_NUL | HAS_BARE | HAS_LONG | (c->to == CONVERT_7BIT ? HAS_HIGH : 0u);
}

static enum action decide(const struct convert *c, const struct part *p, bool any)
{
    bool unfit = (p->flags & unfit_flags(c)) != 0;
    if (p->kind != SCAN_LEAF || !unfit)
        return p->encoding == MIME_BINARY || (any && p->kind != SCAN_LEAF && p->encoding == MIME_8BIT && c->to == CONVERT_7BIT) ? RELABEL : KEEP;
    if (p->encoding == MIME_UNKNOWN_ENCODING)
        return SANITIZE;
    bool dense = 4 * (uint64_t)p->high > p->size; /* base64 is clearly shorter then; below, a person can still read quoted-printable */
    return p->text && !(p->flags & HAS_NUL) && !dense ? TO_QP : TO_BASE64;
}

bool convert_looked(struct convert *c)
{
    bool any = false, change;
    scan_end(&c->scan);
    for (uint32_t i = 0; i < c->count; i++)
        any = any || (c->parts[i].flags & unfit_flags(c)) != 0;
    change = (c->structure & unfit_flags(c)) != 0 || c->overflow;
    for (uint32_t i = 0; i < c->count; i++) {
        c->parts[i].action = (uint8_t)decide(c, &c->parts[i], any);
        change = change || c->parts[i].action != KEEP;
    }
    c->lost.action = SANITIZE;
    c->lost.kind = SCAN_LEAF;
    convert_rewind(c);
    return change;
}

/* ---- second pass ---- */

enum filter_kind { FILTER_HEADER, FILTER_DELIMITER, FILTER_GLUE };

static void filter_newline(struct convert *c)
{
    buf_add(c->out, S("\r\n"));
    c->filter = (struct filter){0};
}

/* Line ends become CRLF; what cannot stand becomes "?", so that no line and no field begins or ends that did not before; long lines are folded, a delimiter's padding is cut. */
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
    case TO_QP: return "quoted-printable";
    case TO_BASE64: return "base64";
    case RELABEL: return c->to == CONVERT_8BIT && (p->kind != SCAN_LEAF || (p->flags & HAS_HIGH)) ? "8bit" : "7bit";
    case KEEP:
    case SANITIZE: break;
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
    enter(c, c->next < c->count ? c->next : UINT32_MAX);
    c->next++;
    c->filter = (struct filter){0};
    header_scan_init(&c->strip);
    enum action a = (enum action)current(c)->action;
    if (a != KEEP && a != SANITIZE)
        c->strip.drop = HEADER_CONTENT_TRANSFER_ENCODING;
    if (current(c)->fields_first)
        add_fields(c, current(c));
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
    const struct part *p = current(c);
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
    if (blank || encoding)
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
    const struct part *p = current(c);
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
    const struct part *p = current(c);
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

/* ---- the door ---- */

struct convert *convert_begin(struct arena *a, enum convert_to to)
{
    const struct scan_watch look = {look_begin, look_structure, look_headed, look_body, look_glue, look_structure, look_end, NULL};
    struct scan_watch watch = look;
    struct convert *c = arena_new(a, struct convert);
    if (!c)
        return NULL;
    c->to = to;
    c->arena = a;
    watch.self = c;
    scan_init(&c->scan, &watch);
    return c;
}

void convert_look(struct convert *c, struct str piece)
{
    scan_feed(&c->scan, piece);
}

void convert_rewind(struct convert *c)
{
    c->writing = true;
    c->begun = false;
    c->next = c->depth = 0;
    c->filter = (struct filter){0};
    buf_fixed(&c->stripped, c->strip_storage, sizeof c->strip_storage);
}

/* The scanner begins its first part at once, and that may write. */
static void begin_writing(struct convert *c, struct buf *out)
{
    const struct scan_watch write = {write_begin, write_header, write_headed, write_body, write_glue, write_delimiter, write_end, c};
    c->out = out;
    if (!c->begun)
        scan_init(&c->scan, &write);
    c->begun = true;
}

void convert_feed(struct convert *c, struct str *in, struct buf *out)
{
    if (buf_room(out) < ROOM)
        return;
    begin_writing(c, out);
    while (in->n > 0 && buf_room(out) >= ROOM) {
        size_t most = CHUNK_MIN + (buf_room(out) - ROOM) / 4; /* quoted-printable triples, and some; what was held comes on top */
        struct str piece = str_head(*in, most);
        scan_feed(&c->scan, piece);
        *in = str_skip(*in, piece.n);
    }
    c->out = NULL;
}

bool convert_end(struct convert *c, struct buf *out)
{
    if (buf_room(out) < ROOM)
        return false;
    begin_writing(c, out);
    scan_end(&c->scan);
    c->out = NULL;
    return true;
}
