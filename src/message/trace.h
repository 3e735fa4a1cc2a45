// SPDX-License-Identifier: ISC
/* Trace header lines, RFC 5321 4.4: folded, CRLF ended, and safe whatever the peer called itself. */
#pragma once
#include "base/buf.h"
#include "message/address.h"

struct trace_received {
    struct str helo;                     /* what the client said; empty: it said nothing */
    struct str client_ip;                /* "192.0.2.1", "2001:db8::1", "unix" */
    struct str client_name;              /* from reverse DNS; empty: unknown */
    struct str by;                       /* our host name */
    struct str id;                       /* message id text */
    const struct address *for_recipient; /* NULL unless there is exactly one */
    struct str tls_version, tls_cipher;  /* empty without TLS */
    bool lmtp, esmtp, tls, auth, utf8;   /* the "with" keyword: RFC 3848, 6531 4.3 and the registry */
    int priority;                        /* -9 … 9; 0, the usual one, is not written (RFC 6710 7) */
    int64_t unix_ms;
    int32_t offset_min;
};
/* Received: from helo (name [ip]) by host with ESMTPSA (TLSv1.3 cipher) id X for <a@b> priority 3; date CRLF. "for" is left out
 * when the recipient needs UTF-8 and utf8 is not set. */
void trace_received(struct buf *to, const struct trace_received *t);
/* The "with" keyword alone: "ESMTPSA", "UTF8LMTPS". */
const char *trace_with(bool lmtp, bool esmtp, bool tls, bool auth, bool utf8);
void trace_return_path(struct buf *to, const struct address *from); /* "Return-Path: <…>" CRLF; <> for the null path */
void trace_delivered_to(struct buf *to, struct str address);        /* "Delivered-To: a@b" CRLF */
void trace_original_to(struct buf *to, struct str address);         /* "X-Original-To: …" CRLF */
/* Bits for a message that came without them (submission, RFC 6409 8): */
void trace_date(struct buf *to, int64_t unix_ms, int32_t offset_min);  /* "Date: …" CRLF */
void trace_message_id(struct buf *to, struct str id, struct str host); /* "Message-ID: <id.random@host>" CRLF */
