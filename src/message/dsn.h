// SPDX-License-Identifier: ISC
/* Delivery status notifications: RFC 3461, 3464, 6522, 6533. A message that a person can read first and a program can read too.
 * Its envelope has the null reverse-path. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "message/address.h"
#include "message/source.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };
struct dsn_recipient {
    struct str orcpt; /* "rfc822;bob@example.org" as the sender gave it, decoded; empty: none */
    struct str final; /* the address as we used it, UTF-8 */
    enum dsn_action action;
    struct str status;     /* "5.1.1"; empty: by the action */
    struct str diagnostic; /* a reply of another server, one line ("550 5.1.1 no such user"), or empty */
    struct str remote_mta; /* host name that said it; empty: we said it */
    struct str why;        /* in plain words for the person: "the mailbox does not exist"; empty: from status */
    int64_t last_attempt_ms, will_retry_until_ms; /* 0: not said */
};
struct dsn {
    struct str hostname;        /* Reporting-MTA, and of the From address mailer-daemon@ (or postmaster) */
    struct address to;          /* the original sender; never null */
    struct str message_id;      /* of the notification, without <>; empty: made */
    int64_t now_ms, arrival_ms; /* civil; arrival of the original, 0: unknown */
    struct str envid;           /* decoded; empty: none */
    struct str id;              /* of the original in our trace, for the person */
    struct str subject;         /* of the original, decoded UTF-8, may be empty */
    const struct dsn_recipient *recipients;
    size_t count;
    bool utf8;         /* the original was SMTPUTF8, so may this be: message/global-delivery-status, message/global(-headers) */
    bool full;         /* RET=FULL: the whole original, if its size is known and at most full_max */
    uint64_t full_max; /* octets; 0: 64 KiB */
    struct source original; /* read NULL: none, then no third part. Only the header is taken unless full. */
    uint32_t original_bits; /* what the original holds: 0 7-bit, 1 8-bit, 2 binary; with full, 8-bit data is carried as 8bit,
                               binary is cut to the header */
};
/* Writes the whole notification (header to last boundary, CRLF lines, at most 998 octets each) to sink. False: the sink refused,
   or the original could not be read; why says which. scratch holds 64 KiB for the time of the call. */
bool dsn_write(const struct dsn *d, struct arena *scratch, struct sink to, const char **why);
/* Reads one back: for the user agent and for bounce handling later. Fields of every recipient block of a message/delivery-status
 * body. */
struct dsn_report {
    struct str reporting_mta, envid;
    struct dsn_recipient *recipients;
    size_t count;
};
bool dsn_parse(struct arena *a, struct str message, struct dsn_report *to);
const char *dsn_action_name(enum dsn_action action);
/* Plain words for an enhanced status code (RFC 3463 and the IANA registry), never NULL: "the mailbox is full". */
const char *dsn_status_words(struct str status);
