// SPDX-License-Identifier: ISC
/* Writing the steps of a message into whatever room there is.

       next step ─► LITERAL ── copied ──────────────────────────────► next step
                    TEXT ── line ─► (encoder) ─► out, line by line ─► next step
                    ATTACHMENT_HEAD ── first octets read, type found, header fields out ─► ATTACHMENT_BODY
                    ATTACHMENT_BODY ── read ─► base64 (or CRLF lines) ─► out ─► … ─► next step              */
#include "base/utf8.h"
#include "message/compose_inside.h"
#include "message/inside.h"
#include "message/scan.h"
#include <stdio.h>

enum { PULL_ROOM = 4096 };

static enum compose_result fail(struct composer *w, size_t i, const char *what)
{
    char text[400], name[200];
    str_to_c(str_head(w->c.attachments[i].name, sizeof name - 1), name, sizeof name);
    int n = snprintf(text, sizeof text, "attachment %zu (%s) %s", i + 1, name, what);
    const char *copy = n > 0 ? arena_str_c(w->arena, str_of(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1)) : NULL;
    w->failure = copy ? copy : what;
    return COMPOSE_FAILED;
}

/* Fills raw from the source unless something is there. MORE: raw_left holds octets, or the source ended. */
static enum compose_result fill(struct composer *w, size_t i)
{
    if (w->raw_left.n > 0 || w->source_ended)
        return COMPOSE_MORE;
    const struct source *s = &w->c.attachments[i].source;
    buf_clear(&w->raw);
    enum source_result r = s->read(s->self, w->offset, &w->raw);
    if (r == SOURCE_FAILED)
        return fail(w, i, "cannot be read");
    w->offset += w->raw.n;
    w->raw_left = buf_str(&w->raw);
    w->source_ended = r == SOURCE_END;
    return r == SOURCE_LATER || (r == SOURCE_MORE && w->raw.n == 0) ? COMPOSE_LATER : COMPOSE_MORE;
}

/* An attached message may go as message/rfc822 only without encoding (RFC 2046 5.2.1): is it fit for that? Reads it once from
 * start to end. */
enum fitness { FIT_7BIT, FIT_8BIT, UNFIT };
static enum fitness read_through(struct composer *w, const struct source *s)
{
    bool high = false;
    size_t line = 0;
    uint64_t at = 0;
    for (;;) {
        buf_clear(&w->raw);
        enum source_result r = s->read(s->self, at, &w->raw);
        struct str piece = buf_str(&w->raw);
        at += piece.n;
        for (size_t i = 0; i < piece.n; i++) {
            char c = piece.p[i];
            line = c == '\n' ? 0 : line + 1;
            high = high || is_high(c);
            if (c == 0 || line > COMPOSE_LINE_MAX)
                return UNFIT;
        }
        if (r == SOURCE_END)
            break;
        if (r != SOURCE_MORE)
            return UNFIT;
    }
    return !high ? FIT_7BIT : w->c.eight_bit ? FIT_8BIT : UNFIT;
}

static struct str last_component(struct str name)
{
    size_t slash = str_find_last(name, '/');
    return slash < name.n ? str_skip(name, slash + 1) : name;
}

static void write_type(struct composer *w, const struct compose_attachment *a, struct str type, bool text, struct buf *out)
{
    struct header_writer h;
    struct str name = last_component(a->name);
    header_write_begin(&h, out, "Content-Type", false);
    header_write_atom(&h, type);
    if (text && str_starts_icase(type, S("text/")))
        header_write_param(&h, "charset", utf8_is_ascii(w->raw_left) && w->source_ended ? S("us-ascii") : S("utf-8"));
    if (name.n)
        header_write_param_2047(&h, "name", name);
    header_write_end(&h);
    header_write_begin(&h, out, "Content-Disposition", false);
    header_write_atom(&h, a->show ? S("inline") : S("attachment"));
    if (name.n)
        header_write_param(&h, "filename", name);
    if (a->source.size != SOURCE_SIZE_UNKNOWN) {
        char size[24];
        snprintf(size, sizeof size, "%llu", (unsigned long long)a->source.size);
        header_write_param(&h, "size", str_c(size));
    }
    header_write_end(&h);
    if (a->content_id.n) {
        buf_add(out, S("Content-ID: <"));
        for (size_t i = 0; i < a->content_id.n && i < 250; i++)
            buf_add_byte(out, is_ctl(a->content_id.p[i]) || strchr("<> ", a->content_id.p[i]) ? '_' : a->content_id.p[i]);
        buf_add(out, S(">\r\n"));
    }
}

/* Type and encoding can only be told once the first octets are there. */
static enum compose_result attachment_head(struct composer *w, size_t i, struct buf *out)
{
    const struct compose_attachment *a = &w->c.attachments[i];
    struct str main, sub, type = a->type;
    bool text = false;
    if (!w->begun) {
        w->offset = 0;
        w->raw_left = STR_NONE;
        w->source_ended = w->last_cr = w->plain = false;
        w->progress.attachment = i;
        w->begun = true;
    }
    enum compose_result r = fill(w, i);
    if (r != COMPOSE_MORE)
        return r;
    const char *sniffed = compose_sniff(str_head(w->raw_left, 2048), last_component(a->name), &text);
    if (!mime_split_type(type, &main, &sub) || type.n > 100)
        type = str_c(sniffed);
    mime_split_type(type, &main, &sub);
    enum fitness fit = UNFIT;
    if (str_eq_icase(type, S("message/rfc822")) && a->source.again) {
        fit = read_through(w, &a->source);
        w->offset = 0;
        w->raw_left = STR_NONE;
        w->source_ended = false;
    }
    if (fit == UNFIT && (str_eq_icase(main, S("multipart")) || str_eq_icase(main, S("message"))))
        type = S("application/octet-stream");
    w->plain = fit != UNFIT;
    write_type(w, a, type, text, out);
    buf_add(out, w->plain ? fit == FIT_8BIT ? S("Content-Transfer-Encoding: 8bit\r\n\r\n") : S("\r\n")
                          : S("Content-Transfer-Encoding: base64\r\n\r\n"));
    mime_encoder_init(&w->encoder, MIME_BASE64, false);
    return COMPOSE_END;
}

/* An attached message: its line ends become CRLF, nothing else changes. */
static void plain_lines(struct composer *w, struct buf *out)
{
    size_t i = 0;
    for (; i < w->raw_left.n && buf_room(out) >= 4; i++) {
        char c = w->raw_left.p[i];
        if (w->last_cr || c == '\n')
            buf_add(out, S("\r\n"));
        if (w->last_cr && c == '\n') {
            w->last_cr = false;
            continue;
        }
        w->last_cr = c == '\r';
        if (c != '\r' && c != '\n')
            buf_add_byte(out, c);
    }
    w->raw_left = str_skip(w->raw_left, i);
}

static enum compose_result attachment_body(struct composer *w, size_t i, struct buf *out)
{
    while (buf_room(out) >= PULL_ROOM) {
        enum compose_result r = fill(w, i);
        if (r != COMPOSE_MORE)
            return r;
        size_t before = w->raw_left.n;
        if (w->plain)
            plain_lines(w, out);
        else
            mime_encode(&w->encoder, &w->raw_left, out);
        w->progress.done += before - w->raw_left.n;
        if (w->raw_left.n > 0 || !w->source_ended)
            continue;
        if (w->plain && w->last_cr)
            buf_add(out, S("\r\n"));
        if (!w->plain)
            mime_encode_end(&w->encoder, out);
        w->progress.attachment = w->c.attachment_count;
        return COMPOSE_END;
    }
    return COMPOSE_MORE;
}

static enum compose_result text_body(struct composer *w, const struct compose_step *s, struct buf *out)
{
    bool encode = s->encoding == MIME_BASE64 || s->encoding == MIME_QUOTED_PRINTABLE;
    if (!w->begun) {
        text_lines_init(&w->lines, s->text, s->flowed);
        if (encode)
            mime_encoder_init(&w->encoder, s->encoding, true);
        w->line_left = STR_NONE;
        w->begun = true;
    }
    while (buf_room(out) >= PULL_ROOM) {
        if (w->line_left.n == 0) {
            size_t before = w->lines.rest.n;
            if (!text_lines_next(&w->lines, &w->line)) {
                if (encode)
                    mime_encode_end(&w->encoder, out);
                return COMPOSE_END;
            }
            w->progress.done += before - w->lines.rest.n;
            w->line_left = buf_str(&w->line);
        }
        if (encode) {
            mime_encode(&w->encoder, &w->line_left, out);
        } else {
            buf_add(out, w->line_left);
            w->line_left = STR_NONE;
        }
    }
    return COMPOSE_MORE;
}

static enum compose_result literal(struct composer *w, const struct compose_step *s, struct buf *out)
{
    if (!w->begun) {
        w->literal = s->text;
        w->begun = true;
    }
    struct str piece = str_head(w->literal, buf_room(out));
    buf_add(out, piece);
    w->literal = str_skip(w->literal, piece.n);
    return w->literal.n ? COMPOSE_MORE : COMPOSE_END;
}

enum compose_result compose_pull(struct composer *w, struct buf *out)
{
    if (w->failure)
        return COMPOSE_FAILED;
    while (w->at < w->step_count && buf_room(out) >= PULL_ROOM) {
        const struct compose_step *s = &w->steps[w->at];
        enum compose_result r = COMPOSE_FAILED;
        switch (s->kind) {
        case STEP_LITERAL:
            r = literal(w, s, out);
            break;
        case STEP_TEXT:
            r = text_body(w, s, out);
            break;
        case STEP_ATTACHMENT_HEAD:
            r = attachment_head(w, s->attachment, out);
            break;
        case STEP_ATTACHMENT_BODY:
            r = attachment_body(w, s->attachment, out);
            break;
        }
        if (r == COMPOSE_END) {
            w->at++;
            w->begun = false;
        } else if (r != COMPOSE_MORE) {
            return r;
        }
    }
    return w->at == w->step_count ? COMPOSE_END : COMPOSE_MORE;
}

enum compose_result compose_write(struct composer *w, struct sink to)
{
    char storage[4 * PULL_ROOM];
    struct buf out;
    buf_fixed(&out, storage, sizeof storage);
    for (;;) {
        enum compose_result r = compose_pull(w, &out);
        if (out.n && !to.write(to.self, buf_str(&out))) {
            w->failure = "the message could not be written on";
            return COMPOSE_FAILED;
        }
        buf_clear(&out);
        if (r == COMPOSE_LATER)
            w->failure = "an attachment gave nothing";
        if (r != COMPOSE_MORE)
            return r == COMPOSE_END ? r : COMPOSE_FAILED;
    }
}

static enum source_result read_memory(void *self, uint64_t offset, struct buf *into)
{
    struct str rest = str_skip(*(struct str *)self, (size_t)offset), piece = str_head(rest, buf_room(into));
    buf_add(into, piece);
    return piece.n == rest.n ? SOURCE_END : SOURCE_MORE;
}

struct source source_memory(struct str *bytes)
{
    return (struct source){read_memory, bytes, bytes->n, true};
}
