// SPDX-License-Identifier: ISC
/* What a message must have before it can be written, and its header. */
#include "message/compose.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/utf8.h"
#include "message/compose_inside.h"
#include "message/date.h"
#include "message/inside.h"

enum { HEADER_MAX = 1024 * 1024, OWN_STEPS = 24 /* literals and texts that are there without attachments */ };

static bool fail(const char **why, const char *text)
{
    *why = text;
    return false;
}

static bool has_utf8_local(const struct header_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!utf8_is_ascii(list[i].adr.local))
            return true;
    return false;
}

bool compose_needs_utf8(const struct compose *c)
{
    return has_utf8_local(&c->from, 1) || (c->sender && has_utf8_local(c->sender, 1)) || has_utf8_local(c->to, c->to_count) ||
           has_utf8_local(c->cc, c->cc_count) || has_utf8_local(c->bcc, c->bcc_count) ||
           has_utf8_local(c->reply_to, c->reply_to_count);
}

static bool is_own_field(struct str name)
{
    const uint32_t own = HEADER_DATE | HEADER_MESSAGE_ID | HEADER_FROM | HEADER_SENDER | HEADER_REPLY_TO | HEADER_TO | HEADER_CC |
                         HEADER_BCC | HEADER_SUBJECT | HEADER_RECEIVED | HEADER_RETURN_PATH | HEADER_MIME_VERSION |
                         HEADER_IN_REPLY_TO | HEADER_REFERENCES | HEADER_RESENT_BCC;
    return (header_bit(name) & own) != 0 || str_starts_icase(name, S("Content-")) || str_eq_icase(name, S("User-Agent"));
}

/* Without <>: no blanks, no brackets, one "@". */
static bool is_message_id(struct str s)
{
    size_t at = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_ctl(s.p[i]) || s.p[i] == ' ' || s.p[i] == '<' || s.p[i] == '>')
            return false;
        at += s.p[i] == '@';
    }
    return at == 1 && s.n < 250;
}

static bool is_sound(const struct compose *c, const char **why)
{
    if (c->from.adr.domain.text.n == 0)
        return fail(why, "there is no From address");
    if (!c->utf8 && compose_needs_utf8(c))
        return fail(why, "an address is not ASCII: it needs SMTPUTF8");
    if (!utf8_is_valid(c->text) || !utf8_is_valid(c->html))
        return fail(why, "the text is not UTF-8");
    if (c->message_id.n && !is_message_id(c->message_id))
        return fail(why, "the Message-ID is not one");
    for (size_t i = 0; i < c->extra_count; i++) {
        if (!header_name_is_ok(c->extra[i].name))
            return fail(why, "a header name may hold only letters, digits and other printable ASCII but no colon");
        if (is_own_field(c->extra[i].name))
            return fail(why, "this header field is written by the program itself");
    }
    return true;
}

static struct str make_message_id(struct arena *a, struct str domain)
{
    unsigned char bytes[12];
    char storage[300];
    struct buf b;
    random_bytes(bytes, sizeof bytes);
    buf_fixed(&b, storage, sizeof storage);
    hex_encode(&b, str_of(bytes, sizeof bytes));
    buf_add_byte(&b, '@');
    for (size_t i = 0; i < domain.n && i < 255; i++)
        buf_add_byte(&b, is_atext(domain.p[i]) || domain.p[i] == '.' ? domain.p[i] : '-');
    buf_add(&b, domain.n ? S("") : S("localhost"));
    return arena_str(a, buf_str(&b));
}

/* ---- header ---- */

static void add_list(struct buf *b, const char *name, const struct header_address *list, size_t count, bool utf8)
{
    if (count)
        header_write_addresses(b, name, list, count, utf8);
}

static void add_threading(struct buf *b, const struct compose *c)
{
    if (c->in_reply_to.n)
        header_write_raw(b, "In-Reply-To", c->in_reply_to);
    if (c->references.n)
        header_write_raw(b, "References", c->references);
}

static void add_header(struct buf *b, const struct composer *w)
{
    const struct compose *c = &w->c;
    buf_add(b, S("Date: "));
    date_print(b, c->unix_ms, c->offset_min);
    buf_add(b, S("\r\n"));
    add_list(b, "From", &c->from, 1, c->utf8);
    add_list(b, "Sender", c->sender, c->sender ? 1 : 0, c->utf8);
    add_list(b, "Reply-To", c->reply_to, c->reply_to_count, c->utf8);
    add_list(b, "To", c->to, c->to_count, c->utf8);
    add_list(b, "Cc", c->cc, c->cc_count, c->utf8);
    if (c->to_count + c->cc_count == 0)
        buf_add(b, S("To: undisclosed-recipients:;\r\n"));
    header_write_text(b, "Subject", c->subject);
    buf_add(b, S("Message-ID: <"));
    buf_add(b, w->message_id);
    buf_add(b, S(">\r\n"));
    add_threading(b, c);
    for (size_t i = 0; i < c->extra_count; i++) {
        char name[80];
        if (str_to_c(c->extra[i].name, name, sizeof name))
            header_write_text(b, name, c->extra[i].value);
    }
    if (c->user_agent.n)
        header_write_text(b, "User-Agent", c->user_agent);
    buf_add(b, S("MIME-Version: 1.0\r\n"));
}

static void count_total(struct composer *w)
{
    w->progress =
        (struct compose_progress){.total = w->c.text.n + w->c.html.n, .total_known = true, .attachment = w->c.attachment_count};
    for (size_t i = 0; i < w->c.attachment_count; i++) {
        uint64_t size = w->c.attachments[i].source.size;
        w->progress.total_known = w->progress.total_known && size != SOURCE_SIZE_UNKNOWN;
        w->progress.total += size == SOURCE_SIZE_UNKNOWN ? 0 : size;
    }
}

struct composer *compose_begin(struct arena *a, const struct compose *c, const char **why)
{
    if (!is_sound(c, why))
        return NULL;
    *why = "there is not enough memory to write this message";
    struct composer *w = arena_new(a, struct composer);
    char *line = arena_alloc(a, COMPOSE_LINE_MAX + 60), *raw = arena_alloc(a, COMPOSE_RAW);
    if (!w || !line || !raw)
        return NULL;
    w->c = *c;
    w->arena = a;
    w->step_max = OWN_STEPS + c->attachment_count * 3;
    w->steps = arena_array(a, w->step_max, sizeof *w->steps);
    w->message_id = c->message_id.n ? arena_str(a, c->message_id) : make_message_id(a, c->message_id_domain);
    if (!w->steps || !w->message_id.p)
        return NULL;
    buf_fixed(&w->line, line, COMPOSE_LINE_MAX + 60);
    buf_fixed(&w->raw, raw, COMPOSE_RAW);
    struct buf header;
    buf_init(&header, HEADER_MAX);
    add_header(&header, w);
    bool laid = compose_lay_out(w, &header);
    buf_free(&header);
    if (!laid)
        return NULL;
    count_total(w);
    *why = NULL;
    return w;
}

struct str compose_message_id(const struct composer *w)
{
    return w->message_id;
}

struct compose_progress compose_progress(const struct composer *w)
{
    return w->progress;
}

const char *compose_failure(const struct composer *w)
{
    return w->failure ? w->failure : "";
}
