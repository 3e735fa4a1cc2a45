/* SPDX-License-Identifier: ISC */
/* Every maximum that is not a setting, with its reason. */
#pragma once

enum {
    SMTP_COMMAND_MAX = 2048,       /* RFC 5321 4.5.3.1.4 asks 512; DSN adds 1,000 and SMTPUTF8 more (RFC 3461 4.5, 6531 3.4) */
    SMTP_AUTH_LINE_MAX = 12288,    /* RFC 4954 4: base64 of long responses */
    SMTP_REPLY_LINE_MAX = 512,     /* RFC 5321 4.5.3.1.5 */
    TEXT_LINE_MAX = 998,           /* RFC 5322 2.1.1, without CRLF; longer lines are accepted and folded on the way out */
    LOCAL_PART_MAX = 64,           /* RFC 5321 4.5.3.1.1, octets */
    DOMAIN_MAX = 255,              /* RFC 5321 4.5.3.1.2 */
    PATH_MAX_MAIL = 320,           /* local part, @, domain; RFC 5321 4.5.3.1.3 says 256 and is a minimum */
    RECEIVED_MAX = 100,            /* RFC 5321 6.3: loop detection */
    BODY_PIECE_MAX = 64 * 1024,    /* a body travels and is logged in pieces of at most this */
    SESSION_CONNECTION_MEM = 64 * 1024,
    SESSION_TRANSACTION_MEM = 1024 * 1024, /* 1,000 recipients with DSN parameters */
    SESSION_SCRATCH_MEM = 64 * 1024,
    MIME_DEPTH_MAX = 50,           /* nested multiparts */
    MIME_PARTS_MAX = 10000,
    ALIAS_DEPTH_MAX = 20,          /* nested aliases: deeper is a loop */
    ALIAS_TARGETS_MAX = 10000,
    FRAME_MAX = 256 * 1024,        /* one message on a link between roles */
};
