// SPDX-License-Identifier: ISC
#include "agent/parts.h"
#include "message/date.h"
#include "message/header.h"

struct first {
    struct arena *a;
    struct summary *s;
};

static void take_first(void *to, const struct header_address *h)
{
    struct first *f = to;
    char text[1024];
    struct buf b;
    if (f->s->from.n || h->group_start || h->group_end)
        return;
    buf_fixed(&b, text, sizeof text);
    address_print(&b, &h->adr, false);
    f->s->from_name = arena_str(f->a, h->name);
    f->s->from = arena_str(f->a, buf_str(&b));
}

void summary_of(struct arena *a, struct str content, const struct box_message *m, struct summary *to)
{
    struct first f = {a, to};
    struct header_field field;
    struct arena scratch;
    struct date d;
    *to = (struct summary){.date_ms = m->received_ms};
    arena_init(&scratch, 4 << 20);
    if (header_find(content, "From", &field))
        (void)address_list_parse(&scratch, field.value, take_first, &f);
    if (header_find(content, "Date", &field) && date_parse_loose(field.value, &d))
        to->date_ms = d.unix_ms;
    arena_clear(&scratch);
    to->subject = header_text(a, content, "Subject");
    to->to = header_text(a, content, "To");
    to->cc = header_text(a, content, "Cc");
    to->message_id = header_value(a, content, "Message-ID");
    if (!to->from.n)
        to->from_name = header_text(a, content, "From");
}
