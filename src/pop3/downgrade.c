// SPDX-License-Identifier: ISC
/* A header with raw UTF-8 (RFC 6532) for a client that did not say UTF8. RFC 6856 2.1 leaves the choice between refusing the message and sending a
   surrogate. Refused, it would lie in the maildrop and stop each fetch there, for clients that end at the first -ERR: any stranger could do that to
   anybody. So a surrogate as RFC 6858 2 describes it: subjects become encoded words, addresses with a UTF-8 local part ones that cannot exist and
   say what they stood for, parameters RFC 2231's, what else cannot be said in ASCII is left out. The body goes as it is, as it always did.

   LIST keeps saying the size of the message as it lies there (RFC 6858 4 allows it): to know the other, the message would have to be read.

   Fields are collected until the next one begins; only those with an octet above 127 are rewritten.                                       */
#include "base/compiler.h"
#include "base/utf8.h"
#include "message/address.h"
#include "message/header.h"
#include "pop3/inside.h"

enum { ADDRESSES_MAX = 500, NAME_MAX_HERE = 64 };

struct addresses {
    struct arena *a;
    struct header_address *list;
    size_t count;
};

static void address_take(void *to, const struct header_address *h)
{
    struct addresses *all = to;
    struct header_address made = *h;
    if (all->count == ADDRESSES_MAX)
        return;
    if (!utf8_is_ascii(h->adr.local) || !utf8_is_ascii(h->adr.domain.ascii) || h->adr.domain.ascii.n == 0) {
        char text[600];
        struct buf shown;
        buf_fixed(&shown, text, sizeof text);
        address_print(&shown, &h->adr, false);
        if (made.name.n == 0)
            made.name = arena_str(all->a, buf_str(&shown));
        if (address_parse(all->a, S("invalid@internationalized-address.invalid"), false, &made.adr) != ADDRESS_OK)
            return;
    }
    all->list[all->count++] = made;
}

static void addresses_write(struct buf *to, const char *name, struct str value, struct arena *a)
{
    struct addresses all = {a, arena_array(a, ADDRESSES_MAX, sizeof *all.list), 0};
    if (!all.list)
        return;
    address_list_parse(a, value, address_take, &all);
    if (all.count > 0)
        header_write_addresses(to, name, all.list, all.count, false);
}

static void params_write(struct buf *to, const char *name, struct str value, struct arena *a)
{
    struct str head;
    struct header_writer w;
    const struct header_param *p = header_params(a, value, &head);
    if (!utf8_is_ascii(head) || head.n == 0)
        return;
    header_write_begin(&w, to, name, false);
    header_write_atom(&w, head);
    for (; p; p = p->next) {
        char param[NAME_MAX_HERE];
        if (str_to_c(p->name, param, sizeof param) && utf8_is_ascii(p->name))
            header_write_param(&w, param, p->value);
    }
    header_write_end(&w);
}

/* One field, raw, with its line ends. */
static void field_write(struct buf *to, struct str field, struct arena *a)
{
    const uint32_t addresses = HEADER_FROM | HEADER_SENDER | HEADER_REPLY_TO | HEADER_TO | HEADER_CC | HEADER_BCC | HEADER_RETURN_PATH |
                               HEADER_RESENT_FROM | HEADER_RESENT_SENDER | HEADER_RESENT_TO | HEADER_RESENT_CC | HEADER_RESENT_BCC;
    static const char *const texts[] = {"Subject", "Comments", "Content-Description", "Keywords"};
    char name[NAME_MAX_HERE];
    struct str value, head = str_trim(str_cut(field, ':', &value));
    if (!str_to_c(head, name, sizeof name) || !header_name_is_ok(head))
        return;
    arena_clear(a);
    if (header_bit(head) & addresses) {
        addresses_write(to, name, value, a);
    } else if (str_eq_icase(head, S("Content-Type")) || str_eq_icase(head, S("Content-Disposition"))) {
        params_write(to, name, value, a);
    } else {
        for (size_t i = 0; i < countof(texts); i++)
            if (str_eq_icase(head, str_c(texts[i]))) {
                char *text = arena_alloc(a, value.n * 3 + 1);
                struct buf decoded;
                if (!text)
                    return;
                buf_fixed(&decoded, text, value.n * 3 + 1);
                header_decode(&decoded, value);
                header_write_text(to, name, str_trim(buf_str(&decoded)));
            }
    }
    arena_clear(a);
}

static void field_end(struct downgrade *d, struct arena *scratch)
{
    if (d->mode == DOWNGRADE_FIELD && d->field.n > 0) {
        size_t before = d->made.n;
        if (utf8_is_ascii(buf_str(&d->field)))
            buf_add(&d->made, buf_str(&d->field));
        else
            field_write(&d->made, buf_str(&d->field), scratch);
        if (d->made.full || !utf8_is_ascii(str_skip(buf_str(&d->made), before))) {
            d->made.n = before; /* what cannot be said in ASCII after all, or became too long, is left out */
            d->made.full = false;
        }
    }
    buf_clear(&d->field);
    d->mode = DOWNGRADE_FIELD;
}

void pop3_downgrade_init(struct downgrade *d)
{
    *d = (struct downgrade){.mode = DOWNGRADE_FIELD, .line_start = true};
    buf_init(&d->field, FIELD_MAX);
    buf_init(&d->made, 8 * FIELD_MAX); /* what a field may become: six octets for three in base64, folds, addresses that say what they were */
}

/* A field that is too long to hold: plain so far, it passes; else it is dropped whole. */
static void overflow(struct downgrade *d, struct str run)
{
    if (d->mode == DOWNGRADE_FIELD) {
        d->mode = utf8_is_ascii(buf_str(&d->field)) ? DOWNGRADE_PASS : DOWNGRADE_DROP;
        if (d->mode == DOWNGRADE_PASS)
            buf_add(&d->made, buf_str(&d->field));
        buf_clear(&d->field);
    }
    if (d->mode == DOWNGRADE_PASS)
        for (size_t i = 0; i < run.n; i++)
            buf_add_byte(&d->made, run.p[i] & 0x80 ? '?' : run.p[i]);
}

size_t pop3_downgrade_feed(struct downgrade *d, struct str piece, struct arena *scratch)
{
    if (d->line_start && piece.p[0] != ' ' && piece.p[0] != '\t') {
        bool something = d->field.n > 0;
        field_end(d, scratch);
        if (piece.p[0] == '\r' || piece.p[0] == '\n') {
            d->mode = DOWNGRADE_BODY; /* the empty line is the body's; it is sent as it is */
            return 0;
        }
        if (something && d->made.n > 0)
            return 0;
    }
    struct str run = str_head(piece, str_find(piece, '\n') + 1);
    run = str_head(run, 1024);
    d->line_start = run.p[run.n - 1] == '\n';
    if (d->mode != DOWNGRADE_FIELD || run.n > buf_room(&d->field))
        overflow(d, run);
    else
        buf_add(&d->field, run);
    return run.n;
}

void pop3_downgrade_end(struct downgrade *d, struct arena *scratch)
{
    if (d->mode != DOWNGRADE_BODY)
        field_end(d, scratch);
}

void pop3_downgrade_clear(struct downgrade *d)
{
    buf_free(&d->field);
    buf_free(&d->made);
}
