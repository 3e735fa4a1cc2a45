// SPDX-License-Identifier: ISC
/* Trace header lines. What a peer said about itself is cut and cleaned, never trusted: a HELO name cannot open or close a comment
 * or start a line. */
#include "message/trace.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/utf8.h"
#include "message/date.h"
#include "message/inside.h"

enum { CLEAN_MAX = 255 };

/* A peer's word: graphic ASCII (and UTF-8 under SMTPUTF8) without what has a meaning in a structured field; everything else
 * becomes '?'. */
static void add_word(struct buf *to, struct str s, bool utf8, const char *refuse)
{
    s = str_head(s, CLEAN_MAX);
    bool high_ok = utf8 && utf8_is_valid(s);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = is_high(c) ? high_ok : c > ' ' && c < 0x7f && !strchr(refuse, c);
        buf_add_byte(to, good ? c : '?');
    }
}

static void add_domain(struct buf *to, struct str s, bool utf8)
{
    add_word(to, s.n ? s : S("unknown"), utf8, "()<>,;\\\"");
}

const char *trace_with(bool lmtp, bool esmtp, bool tls, bool auth, bool utf8)
{
    static const char *const smtp[8] = {"ESMTP",    "ESMTPS",    "ESMTPA",    "ESMTPSA",
                                        "UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
    static const char *const local[8] = {"LMTP", "LMTPS", "LMTPA", "LMTPSA", "UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"};
    int i = (tls ? 1 : 0) + (auth ? 2 : 0) + (utf8 ? 4 : 0);
    return lmtp ? local[i] : !esmtp && i == 0 ? "SMTP" : smtp[i];
}

static void add_from(struct buf *to, const struct trace_received *t)
{
    buf_add(to, S("Received: from "));
    add_domain(to, t->helo, t->utf8);
    bool fits = t->helo.n + t->client_name.n + t->client_ip.n < 50; /* into 78 columns */
    buf_add(to, fits ? S(" (") : S("\r\n\t("));
    if (t->client_name.n) {
        add_domain(to, t->client_name, false);
        buf_add_byte(to, ' ');
    }
    if (str_find(t->client_ip, ':') < t->client_ip.n) { /* TCP-info is an address literal */
        buf_add(to, S("[IPv6:"));
        add_word(to, t->client_ip, false, "()<>,;\\\"[]");
        buf_add_byte(to, ']');
    } else if (t->client_ip.n && ascii_is_digit(t->client_ip.p[0])) {
        buf_add_byte(to, '[');
        add_word(to, t->client_ip, false, "()<>,;\\\"[]");
        buf_add_byte(to, ']');
    } else {
        add_domain(to, t->client_ip, false);
    }
    buf_add(to, S(")\r\n"));
}

void trace_received(struct buf *to, const struct trace_received *t)
{
    add_from(to, t);
    buf_add(to, S("\tby "));
    add_domain(to, t->by, t->utf8);
    buf_add(to, S(" with "));
    buf_add_c(to, trace_with(t->lmtp, t->esmtp, t->tls, t->auth, t->utf8));
    if (t->tls && t->tls_version.n) {
        buf_add(to, S("\r\n\t("));
        add_word(to, t->tls_version, false, "()\\");
        if (t->tls_cipher.n) {
            buf_add_byte(to, ' ');
            add_word(to, t->tls_cipher, false, "()\\");
        }
        buf_add_byte(to, ')');
    }
    buf_add(to, S("\r\n\tid "));
    add_word(to, t->id.n ? t->id : S("0"), false, "()<>,;\\\"");
    if (t->for_recipient && (!t->for_recipient->utf8 || t->utf8)) {
        buf_add(to, S("\r\n\tfor <"));
        address_print(to, t->for_recipient, false);
        buf_add_byte(to, '>');
    }
    if (t->priority)
        buf_printf(to, "\r\n\tpriority %d", t->priority);
    buf_add(to, S(";\r\n\t"));
    date_print(to, t->unix_ms, t->offset_min);
    buf_add(to, S("\r\n"));
}

void trace_return_path(struct buf *to, const struct address *from)
{
    buf_add(to, S("Return-Path: <"));
    address_print(to, from, false);
    buf_add(to, S(">\r\n"));
}

/* An address as text, made by our own printer: only what could break the line is taken out. */
static void add_address_field(struct buf *to, const char *name, struct str address)
{
    buf_add_c(to, name);
    address = str_head(address, TEXT_LINE_MAX - 20);
    for (size_t i = 0; i < address.n; i++)
        buf_add_byte(to, is_ctl(address.p[i]) ? '?' : address.p[i]);
    buf_add(to, S("\r\n"));
}

void trace_delivered_to(struct buf *to, struct str address)
{
    add_address_field(to, "Delivered-To: ", address);
}

void trace_original_to(struct buf *to, struct str address)
{
    add_address_field(to, "X-Original-To: ", address);
}

void trace_date(struct buf *to, int64_t unix_ms, int32_t offset_min)
{
    buf_add(to, S("Date: "));
    date_print(to, unix_ms, offset_min);
    buf_add(to, S("\r\n"));
}

void trace_message_id(struct buf *to, struct str id, struct str host)
{
    buf_add(to, S("Message-ID: <"));
    add_word(to, id.n ? id : S("0"), false, "()<>@,;:\\\"[]");
    buf_printf(to, ".%016llx@", (unsigned long long)random_u64());
    add_word(to, host.n ? host : S("localhost"), false, "()<>@,;\\\"");
    buf_add(to, S(">\r\n"));
}
