// SPDX-License-Identifier: ISC
/* Laying out a message: its header, and the list of steps that its body is written in.

       text                               text/plain
       text and HTML                      multipart/alternative (text, HTML)
       HTML that shows its own pictures   multipart/related (HTML, pictures) in the place of the HTML
       anything with attachments          multipart/mixed (what is above, attachments)                      */
#include "base/encode.h"
#include "base/random.h"
#include "base/utf8.h"
#include "message/compose_inside.h"
#include "message/inside.h"

struct boundary {
    char text[BOUNDARY_TEXT];
};

static struct boundary new_boundary(void)
{
    struct boundary b;
    unsigned char bytes[15];
    struct buf text;
    random_bytes(bytes, sizeof bytes);
    buf_fixed(&text, b.text, sizeof b.text);
    buf_add(&text, S("=_")); /* never in base64 or quoted-printable */
    hex_encode(&text, str_of(bytes, sizeof bytes));
    buf_add_byte(&text, 0);
    return b;
}

struct layout {
    struct composer *w;
    struct buf *text; /* literal text since the last step of another kind */
};

static struct compose_step *add_step(struct composer *w, enum step_kind kind)
{
    struct compose_step *s = &w->steps[w->step_count++];
    *s = (struct compose_step){.kind = kind};
    return s;
}

/* What was gathered as literal text becomes a step. */
static void flush(struct layout *l)
{
    if (l->text->n == 0)
        return;
    struct str s = l->text->full ? STR_NONE : arena_str(l->w->arena, buf_str(l->text));
    if (!s.p)
        l->text->full = true; /* stays set: no later step hides it */
    else
        buf_clear(l->text);
    add_step(l->w, STEP_LITERAL)->text = s;
}

static void open_multipart(struct layout *l, const char *subtype, const struct boundary *b, const char *type)
{
    buf_printf(l->text, "Content-Type: multipart/%s;\r\n boundary=\"%s\"", subtype, b->text);
    if (type)
        buf_printf(l->text, ";\r\n type=\"%s\"", type);
    buf_add(l->text, S("\r\n\r\n"));
}

static void delimit(struct layout *l, const struct boundary *b, bool first, bool last)
{
    buf_printf(l->text, "%s--%s%s\r\n", first ? "" : "\r\n", b->text, last ? "--" : "");
}

static void add_text_part(struct layout *l, struct str text, const char *subtype, bool flowed)
{
    enum mime_encoding e = compose_text_encoding(text, flowed, l->w->c.eight_bit);
    bool ascii = utf8_is_ascii(text);
    buf_printf(l->text, "Content-Type: text/%s; charset=%s%s\r\n", subtype, ascii ? "us-ascii" : "utf-8",
               flowed ? "; format=flowed" : "");
    buf_printf(l->text, "Content-Transfer-Encoding: %s\r\n\r\n",
               e == MIME_7BIT     ? "7bit"
               : e == MIME_8BIT   ? "8bit"
               : e == MIME_BASE64 ? "base64"
                                  : "quoted-printable");
    flush(l);
    struct compose_step *s = add_step(l->w, STEP_TEXT);
    s->text = text;
    s->flowed = flowed;
    s->encoding = e;
}

static void add_attachment(struct layout *l, size_t i)
{
    flush(l);
    add_step(l->w, STEP_ATTACHMENT_HEAD)->attachment = i;
    add_step(l->w, STEP_ATTACHMENT_BODY)->attachment = i;
}

/* Pictures that the HTML names by cid: stand beside it. */
static bool is_related(const struct compose *c, size_t i)
{
    return c->html.n && c->attachments[i].show && c->attachments[i].content_id.n;
}

static void add_html(struct layout *l)
{
    const struct compose *c = &l->w->c;
    struct boundary b = new_boundary();
    size_t related = 0;
    for (size_t i = 0; i < c->attachment_count; i++)
        related += is_related(c, i);
    if (related) {
        open_multipart(l, "related", &b, "text/html");
        delimit(l, &b, true, false);
    }
    add_text_part(l, c->html, "html", false);
    for (size_t i = 0; i < c->attachment_count; i++)
        if (is_related(c, i)) {
            delimit(l, &b, false, false);
            add_attachment(l, i);
        }
    if (related)
        delimit(l, &b, false, true);
}

static void add_body(struct layout *l)
{
    const struct compose *c = &l->w->c;
    bool flowed = !c->no_flowed;
    if (!c->html.n) {
        add_text_part(l, c->text, "plain", flowed);
    } else if (!c->text.n) {
        add_html(l);
    } else {
        struct boundary b = new_boundary();
        open_multipart(l, "alternative", &b, NULL);
        delimit(l, &b, true, false);
        add_text_part(l, c->text, "plain", flowed);
        delimit(l, &b, false, false);
        add_html(l);
        delimit(l, &b, false, true);
    }
}

bool compose_lay_out(struct composer *w, struct buf *header)
{
    struct layout all = {w, header}, *l = &all;
    const struct compose *c = &l->w->c;
    size_t mixed = 0;
    for (size_t i = 0; i < c->attachment_count; i++)
        mixed += !is_related(c, i);
    struct boundary b = new_boundary();
    bool body = c->text.n || c->html.n, first = true;
    if (mixed) {
        open_multipart(l, "mixed", &b, NULL);
        if (body) {
            delimit(l, &b, true, false);
            first = false;
        }
    }
    if (body || !mixed)
        add_body(l);
    for (size_t i = 0; i < c->attachment_count; i++)
        if (!is_related(c, i)) {
            delimit(l, &b, first, false);
            first = false;
            add_attachment(l, i);
        }
    if (mixed)
        delimit(l, &b, false, true);
    flush(l);
    return !header->full;
}
