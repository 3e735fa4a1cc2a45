// SPDX-License-Identifier: ISC
/* Writing a notification: multipart/report with a part for a person, one for programs, and what came back of the original (RFC
 * 6522, 3464 2, 6533). */
#include "message/dsn.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/utf8.h"
#include "message/date.h"
#include "message/dsn_inside.h"
#include "message/header.h"
#include "message/inside.h"

enum { FULL_DEFAULT = 64 * 1024 };

static void flush(struct dsn_out *o)
{
    if (o->out.n && !o->failed)
        o->failed = !o->to.write(o->to.self, buf_str(&o->out));
    buf_clear(&o->out);
}

void dsn_add(struct dsn_out *o, struct str s)
{
    while (s.n > 0) {
        if (buf_room(&o->out) < 512)
            flush(o);
        if (o->encode) {
            mime_encode(&o->encoder, &s, &o->out);
        } else {
            struct str piece = str_head(s, buf_room(&o->out));
            buf_add(&o->out, piece);
            s = str_skip(s, piece.n);
        }
    }
}

void dsn_add_c(struct dsn_out *o, const char *c)
{
    dsn_add(o, str_c(c));
}

void dsn_encode_begin(struct dsn_out *o, bool qp)
{
    o->encode = qp;
    if (qp)
        mime_encoder_init(&o->encoder, MIME_QUOTED_PRINTABLE, true);
}

void dsn_encode_end(struct dsn_out *o)
{
    if (buf_room(&o->out) < 512)
        flush(o);
    if (o->encode)
        mime_encode_end(&o->encoder, &o->out);
    o->encode = false;
}

/* ---- the original ---- */

struct original {
    struct str header; /* up to and without its empty line; clipped */
    bool clean, ascii, utf8;
};

/* Reads the header into scratch. False: the source failed. */
static bool read_header(const struct dsn *d, struct arena *scratch, struct original *o)
{
    struct header_scan scan;
    struct buf text, piece;
    uint64_t at = 0;
    char *storage = arena_alloc(scratch, DSN_HEADER_MAX), *more = arena_alloc(scratch, DSN_PIECE);
    enum source_result r = SOURCE_MORE;
    if (!storage || !more)
        return false;
    header_scan_init(&scan);
    buf_fixed(&text, storage, DSN_HEADER_MAX);
    while (r == SOURCE_MORE && !scan.ended && buf_room(&text) > 0) {
        buf_fixed(&piece, more, DSN_PIECE);
        r = d->original.read(d->original.self, at, &piece);
        if (r == SOURCE_FAILED || r == SOURCE_LATER || (r == SOURCE_MORE && piece.n == 0))
            return false;
        at += piece.n;
        header_scan_feed(&scan, buf_str(&piece), NULL);
        buf_add(&text, str_head(buf_str(&piece), buf_room(&text)));
    }
    o->header = scan.no_header ? S("") : str_head(buf_str(&text), scan.size);
    while (str_ends(o->header, S("\n")) && (str_ends(o->header, S("\n\n")) || str_ends(o->header, S("\n\r\n"))))
        o->header.n -= str_ends(o->header, S("\r\n")) ? 2 : 1;
    if (o->header.n == DSN_HEADER_MAX) /* cut at a line, so that no field is told wrongly */
        o->header = str_head(o->header, str_find_last(o->header, '\n') < o->header.n ? str_find_last(o->header, '\n') + 1 : 0);
    o->ascii = utf8_is_ascii(o->header);
    o->utf8 = utf8_is_valid(o->header);
    o->clean = true;
    for (size_t i = 0, column = 0; i < o->header.n; i++) {
        char c = o->header.p[i];
        bool pair =
            c == '\n' ? i > 0 && o->header.p[i - 1] == '\r' : c != '\r' || (i + 1 < o->header.n && o->header.p[i + 1] == '\n');
        column = c == '\n' ? 0 : column + 1;
        o->clean = o->clean && c != 0 && pair && column <= 998 + 1;
    }
    return true;
}

/* The whole original, line ends made CRLF, NULs "?", lines cut at 998: it was ours to carry, not to mend. */
static bool write_whole(struct dsn_out *o, const struct dsn *d, struct arena *scratch)
{
    struct buf piece;
    uint64_t at = 0;
    size_t column = 0;
    bool cr = false;
    enum source_result r = SOURCE_MORE;
    char *storage = arena_alloc(scratch, DSN_PIECE);
    if (!storage)
        return false;
    while (r == SOURCE_MORE && !o->failed) {
        buf_fixed(&piece, storage, DSN_PIECE);
        r = d->original.read(d->original.self, at, &piece);
        if (r == SOURCE_FAILED || r == SOURCE_LATER || (r == SOURCE_MORE && piece.n == 0))
            return false;
        at += piece.n;
        struct str s = buf_str(&piece);
        for (size_t i = 0; i < s.n; i++) {
            char c = s.p[i] ? s.p[i] : '?';
            if (cr || c == '\n' || (c != '\r' && column >= 998)) {
                dsn_add(o, S("\r\n"));
                column = 0;
            }
            bool pair = cr && c == '\n';
            cr = c == '\r';
            if (pair || c == '\r' || c == '\n')
                continue;
            dsn_add(o, str_of(&c, 1));
            column++;
        }
    }
    if (cr)
        dsn_add(o, S("\r\n"));
    return true;
}

/* ---- the message ---- */

struct names {
    char boundary[48], id[48];
};

static void make_names(struct names *n)
{
    unsigned char bytes[24];
    struct buf b;
    random_bytes(bytes, sizeof bytes);
    buf_fixed(&b, n->boundary, sizeof n->boundary);
    buf_add(&b, S("=_"));
    hex_encode(&b, str_of(bytes, 12));
    buf_add_byte(&b, 0);
    buf_fixed(&b, n->id, sizeof n->id);
    hex_encode(&b, str_of(bytes + 12, 12));
    buf_add_byte(&b, 0);
}

static const char *subject_start(const struct dsn *d)
{
    static const char *const starts[] = {
        "Not delivered: ", "Still waiting: ", "Delivered: ", "Passed on: ", "Passed on to a list: "};
    enum dsn_action worst = DSN_EXPANDED;
    for (size_t i = 0; i < d->count; i++)
        worst = d->recipients[i].action < worst ? d->recipients[i].action : worst;
    return starts[worst];
}

static void add_host(struct buf *b, struct str host)
{
    host = host.n ? str_head(host, 255) : S("localhost");
    for (size_t i = 0; i < host.n; i++)
        buf_add_byte(b, ascii_is_alnum(host.p[i]) || (host.p[i] && strchr(".-[]:", host.p[i])) ? host.p[i] : '-');
}

static void write_id(struct buf *b, const struct dsn *d, const struct names *n)
{
    buf_add(b, S("Message-ID: <"));
    if (d->message_id.n)
        for (size_t i = 0; i < d->message_id.n && i < 250; i++)
            buf_add_byte(b, d->message_id.p[i] > ' ' && d->message_id.p[i] < 0x7f && !strchr("<>", d->message_id.p[i])
                                ? d->message_id.p[i]
                                : '-');
    else
        buf_printf(b, "%s@", n->id);
    if (!d->message_id.n)
        add_host(b, d->hostname);
    buf_add(b, S(">\r\n"));
}

static void write_head(struct dsn_out *o, const struct dsn *d, const struct names *n, const struct original *original,
                       bool eight_bit)
{
    char storage[8192], address[400];
    struct buf b, from;
    buf_fixed(&b, storage, sizeof storage);
    buf_add(&b, S("Date: "));
    date_print(&b, d->now_ms, 0);
    buf_add(&b, S("\r\n"));
    buf_fixed(&from, address, sizeof address);
    buf_add(&from, S("Mail Delivery System <postmaster@"));
    add_host(&from, d->hostname);
    buf_add(&from, S(">"));
    header_write_raw(&b, "From", buf_str(&from));
    struct header_address to = {.name = S(""), .adr = d->to};
    header_write_addresses(&b, "To", &to, 1, d->utf8);
    char subject[600];
    struct buf s;
    buf_fixed(&s, subject, sizeof subject);
    buf_add_c(&s, subject_start(d));
    buf_add(&s, d->subject.n ? str_head(d->subject, 500) : S("your message"));
    header_write_text(&b, "Subject", buf_str(&s));
    write_id(&b, d, n);
    struct header_field f;
    if (header_find(original->header, "Message-ID", &f) && f.value.n < 500 && utf8_is_ascii(f.value)) {
        header_write_raw(&b, "In-Reply-To", f.value);
        header_write_raw(&b, "References", f.value);
    }
    buf_add(&b, S("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"));
    buf_printf(&b, "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n boundary=\"%s\"\r\n",
               d->utf8 ? "global-" : "", n->boundary);
    if (eight_bit)
        buf_add(&b, S("Content-Transfer-Encoding: 8bit\r\n"));
    buf_add(&b, S("\r\n"));
    dsn_add(o, buf_str(&b));
}

static void delimit(struct dsn_out *o, const struct names *n, const char *end)
{
    dsn_add(o, S("\r\n--"));
    dsn_add_c(o, n->boundary);
    dsn_add_c(o, end);
    dsn_add(o, S("\r\n"));
}

/* The header alone: as it is when it can stand so, else quoted-printable. */
static void write_header_part(struct dsn_out *o, const struct dsn *d, const struct original *original)
{
    bool as_is = original->clean && (original->ascii || (d->utf8 && original->utf8));
    dsn_add_c(o, d->utf8 ? "Content-Type: message/global-headers\r\n" : "Content-Type: text/rfc822-headers");
    if (!d->utf8)
        dsn_add_c(o, original->ascii || !original->utf8 ? "\r\n" : "; charset=utf-8\r\n");
    dsn_add_c(o, !as_is            ? "Content-Transfer-Encoding: quoted-printable\r\n"
                 : original->ascii ? ""
                                   : "Content-Transfer-Encoding: 8bit\r\n");
    dsn_add(o, S("\r\n"));
    dsn_encode_begin(o, !as_is);
    dsn_add(o, original->header);
    dsn_encode_end(o);
}

bool dsn_write(const struct dsn *asked, struct arena *scratch, struct sink to, const char **why)
{
    struct dsn copy = *asked, *d = &copy;
    struct names n;
    struct original original = {.header = S(""), .clean = true, .ascii = true};
    char *storage = arena_alloc(scratch, DSN_PIECE);
    struct dsn_out o = {.to = to};
    bool has = d->original.read != NULL, ascii = dsn_text_is_ascii(d);
    d->utf8 = d->utf8 || !utf8_is_ascii(d->to.local); /* such an address can stand in no other header */
    *why = "the original message cannot be read";
    if (!storage || (has && !read_header(d, scratch, &original)))
        return false;
    bool full = has && d->full && d->original.again && d->original_bits < 2 &&
                d->original.size <= (d->full_max ? d->full_max : FULL_DEFAULT);
    bool eight_bit = d->utf8 || (full && d->original_bits == 1);
    buf_fixed(&o.out, storage, DSN_PIECE);
    make_names(&n);
    write_head(&o, d, &n, &original, eight_bit);
    dsn_add_c(&o, "This is a delivery status notification in MIME format (RFC 3464).\r\n");

    delimit(&o, &n, "");
    dsn_add_c(&o, "Content-Description: Notification\r\n");
    dsn_add_c(&o, ascii ? "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
                        : "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    dsn_encode_begin(&o, !ascii);
    dsn_write_text(&o, d);
    dsn_encode_end(&o);

    delimit(&o, &n, "");
    dsn_add_c(&o, "Content-Description: Delivery report\r\n");
    dsn_add_c(&o, d->utf8 ? "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                          : "Content-Type: message/delivery-status\r\n\r\n");
    dsn_write_fields(&o, d);

    if (has) {
        delimit(&o, &n, "");
        dsn_add_c(&o, full ? "Content-Description: Undelivered message\r\n" : "Content-Description: Header of the message\r\n");
    }
    bool read = true;
    if (full) {
        dsn_add_c(&o, d->utf8 ? "Content-Type: message/global\r\n" : "Content-Type: message/rfc822\r\n");
        dsn_add_c(&o, eight_bit ? "Content-Transfer-Encoding: 8bit\r\n\r\n" : "\r\n");
        read = write_whole(&o, d, scratch);
    } else if (has) {
        write_header_part(&o, d, &original);
    }
    delimit(&o, &n, "--");
    flush(&o);
    if (read && o.failed)
        *why = "the notification cannot be written on";
    return read && !o.failed;
}
