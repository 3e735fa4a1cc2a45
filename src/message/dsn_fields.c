// SPDX-License-Identifier: ISC
/* The fields of message/delivery-status (RFC 3464 2) and message/global-delivery-status (RFC 6533 4). Values of others are cut,
 * cleaned and folded. */
#include "base/limits.h"
#include "base/utf8.h"
#include "message/date.h"
#include "message/dsn_inside.h"
#include "message/header.h"
#include "message/inside.h"

static void add_field(struct dsn_out *o, const char *name, struct buf *value)
{
    char storage[3 * DSN_FIELD_MAX + 200];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    header_write_raw(&b, name, buf_str(value));
    dsn_add(o, buf_str(&b));
}

/* Text of others: UTF-8 where it may stand, else "?" for what is not ASCII. */
static void add_text(struct buf *to, struct str s, bool utf8)
{
    bool high_ok = utf8 && utf8_is_valid(s);
    s = str_head(s, DSN_FIELD_MAX);
    for (size_t i = 0; i < s.n; i++)
        buf_add_byte(to, is_ctl(s.p[i]) ? ' ' : is_high(s.p[i]) && !high_ok ? '?' : s.p[i]);
}

static void add_typed(struct dsn_out *o, const char *name, const char *type, struct str value, bool utf8)
{
    char storage[DSN_FIELD_MAX + 64];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    buf_add_c(&b, type);
    add_text(&b, value, utf8);
    add_field(o, name, &b);
}

static void add_date(struct dsn_out *o, const char *name, int64_t unix_ms)
{
    char storage[64];
    struct buf b;
    if (!unix_ms)
        return;
    buf_fixed(&b, storage, sizeof storage);
    date_print(&b, unix_ms, 0);
    add_field(o, name, &b);
}

/* "rfc822;bob@example.org", or "utf-8;…": as it is in a global notification, with \x{…} in a 7-bit one (RFC 6533 3). */
static void add_address(struct dsn_out *o, const char *name, struct str type, struct str address, bool utf8)
{
    char storage[4 * DSN_FIELD_MAX];
    struct buf b;
    bool ascii = utf8_is_ascii(address);
    address = str_head(address, 400);
    buf_fixed(&b, storage, sizeof storage);
    if (ascii || !utf8_is_valid(address)) {
        buf_add(&b, type.n ? type : S("rfc822"));
        buf_add(&b, S(";"));
        add_text(&b, address, false);
    } else {
        buf_add(&b, S("utf-8;"));
        for (size_t i = 0, n; i < address.n; i += n) {
            uint32_t c = utf8_next(str_skip(address, i), &n);
            bool plain = c > ' ' && c < 0x7f && c != '\\' && c != '+' && c != '=';
            if (plain || (utf8 && c >= 0xa0))
                buf_add(&b, str_of(address.p + i, n));
            else
                buf_printf(&b, "\\x{%02X}", (unsigned)c);
        }
    }
    dsn_add_c(o, name); /* in one piece: a fold could eat a blank of a quoted local part */
    dsn_add(o, S(": "));
    dsn_add(o, str_head(buf_str(&b), TEXT_LINE_MAX - 30));
    dsn_add(o, S("\r\n"));
}

static void add_original(struct dsn_out *o, struct str orcpt, bool utf8)
{
    struct str address, type = str_cut(orcpt, ';', &address);
    for (size_t i = 0; i < type.n; i++)
        if (!is_token(type.p[i]))
            return;
    if (type.n && type.n < 40 && address.n)
        add_address(o, "Original-Recipient", type, address, utf8);
}

void dsn_write_fields(struct dsn_out *o, const struct dsn *d)
{
    add_typed(o, "Reporting-MTA", "dns; ", d->hostname, d->utf8);
    if (d->envid.n)
        add_typed(o, "Original-Envelope-Id", "", d->envid, d->utf8);
    add_date(o, "Arrival-Date", d->arrival_ms);
    for (size_t i = 0; i < d->count; i++) {
        const struct dsn_recipient *r = &d->recipients[i];
        dsn_add(o, S("\r\n"));
        add_original(o, r->orcpt, d->utf8);
        add_address(o, "Final-Recipient", S("rfc822"), r->final, d->utf8);
        add_typed(o, "Action", dsn_action_name(r->action), S(""), false);
        add_typed(o, "Status", "", str_head(dsn_status(r), 20), false);
        if (r->remote_mta.n)
            add_typed(o, "Remote-MTA", "dns; ", str_head(r->remote_mta, 255), d->utf8);
        if (r->diagnostic.n)
            add_typed(o, "Diagnostic-Code", "smtp; ", r->diagnostic, d->utf8);
        add_date(o, "Last-Attempt-Date", r->last_attempt_ms);
        if (r->action == DSN_DELAYED)
            add_date(o, "Will-Retry-Until", r->will_retry_until_ms);
    }
}
