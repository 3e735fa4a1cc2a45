// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/header.h"
#include "message/trace.h"

static struct str line(char *storage, size_t size, const struct trace_received *t)
{
    struct buf b;
    buf_fixed(&b, storage, size);
    trace_received(&b, t);
    return buf_str(&b);
}

TEST(received)
{
    struct arena a;
    struct address to, utf8;
    char storage[4096];
    arena_init(&a, 10000);
    CHECK_NUM(address_parse(&a, S("bob@example.org"), false, &to), ADDRESS_OK);
    CHECK_NUM(address_parse(&a, S("j\xc3\xb6@example.org"), true, &utf8), ADDRESS_OK);
    struct trace_received t = {.helo = S("mail.example.com"),
                               .client_ip = S("192.0.2.1"),
                               .client_name = S("mx.example.com"),
                               .by = S("mx.example.org"),
                               .id = S("7F3K2"),
                               .for_recipient = &to,
                               .tls_version = S("TLSv1.3"),
                               .tls_cipher = S("TLS_AES_256_GCM_SHA384"),
                               .esmtp = true,
                               .tls = true,
                               .unix_ms = 1795548001000};
    CHECK_STR(line(storage, sizeof storage, &t),
              S("Received: from mail.example.com (mx.example.com [192.0.2.1])\r\n"
                "\tby mx.example.org with ESMTPS\r\n\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tid 7F3K2\r\n"
                "\tfor <bob@example.org>;\r\n\tTue, 24 Nov 2026 19:20:01 +0000\r\n"));
    t = (struct trace_received){
        .helo = S("x\r\nBcc: y) (z;\"\\"), .client_ip = S("2001:db8::1"), .by = S("h"), .id = S("1"), .for_recipient = &utf8};
    CHECK_STR(line(storage, sizeof storage, &t), S("Received: from x??Bcc:?y???z??\? ([IPv6:2001:db8::1])\r\n\tby h with "
                                                   "SMTP\r\n\tid 1;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"));
    t.utf8 = true;
    t.helo = S("b\xc3\xbc"
               "cher.example");
    CHECK_STR(line(storage, sizeof storage, &t), S("Received: from b\xc3\xbc"
                                                   "cher.example ([IPv6:2001:db8::1])\r\n\tby h with UTF8SMTP\r\n\tid 1\r\n"
                                                   "\tfor <j\xc3\xb6@example.org>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"));
    t = (struct trace_received){.by = S("h"), .client_ip = S("unix"), .lmtp = true};
    CHECK_STR(line(storage, sizeof storage, &t),
              S("Received: from unknown (unix)\r\n\tby h with LMTP\r\n\tid 0;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"));
    arena_clear(&a);
}

TEST(with)
{
    /* RFC 3848, RFC 6531 4.3, and the Mail Transmission Types registry */
    CHECK_STR(str_c(trace_with(false, false, false, false, false)), S("SMTP"));
    CHECK_STR(str_c(trace_with(false, true, false, false, false)), S("ESMTP"));
    CHECK_STR(str_c(trace_with(false, true, true, true, false)), S("ESMTPSA"));
    CHECK_STR(str_c(trace_with(false, true, true, true, true)), S("UTF8SMTPSA"));
    CHECK_STR(str_c(trace_with(true, true, true, false, false)), S("LMTPS"));
    CHECK_STR(str_c(trace_with(true, true, false, true, true)), S("UTF8LMTPA"));
}

TEST(lines)
{
    struct arena a;
    struct address from = {0};
    struct buf b;
    char storage[2000];
    arena_init(&a, 10000);
    buf_fixed(&b, storage, sizeof storage);
    trace_return_path(&b, &from);
    CHECK_NUM(address_parse(&a, S("\"a b\"@example.org"), false, &from), ADDRESS_OK);
    trace_return_path(&b, &from);
    trace_delivered_to(&b, S("bob@example.org\r\nX: y"));
    trace_original_to(&b, S("c@d"));
    trace_date(&b, 0, 60);
    CHECK_STR(
        buf_str(&b),
        S("Return-Path: <>\r\nReturn-Path: <\"a b\"@example.org>\r\nDelivered-To: bob@example.org??X: y\r\nX-Original-To: c@d\r\n"
          "Date: Thu, 1 Jan 1970 01:00:00 +0100\r\n"));
    buf_clear(&b);
    trace_message_id(&b, S("7F3K2"), S("mail.example.org"));
    CHECK(str_starts(buf_str(&b), S("Message-ID: <7F3K2.")) && str_ends(buf_str(&b), S("@mail.example.org>\r\n")));
    arena_clear(&a);
}
