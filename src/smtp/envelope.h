/* SPDX-License-Identifier: ISC */
/* The envelope of a message (RFC 5321 2.3.1) with all that the extensions add to it. */
#pragma once
#include "base/str.h"
#include "message/address.h"

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BIT, SMTP_BODY_BINARY };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };
/* bits; 0: not given */
enum smtp_notify { SMTP_NOTIFY_NEVER = 1, SMTP_NOTIFY_SUCCESS = 2, SMTP_NOTIFY_FAILURE = 4, SMTP_NOTIFY_DELAY = 8 };

struct smtp_rcpt {
    struct address adr;
    uint32_t notify;       /* enum smtp_notify bits */
    struct str orcpt;      /* as given ("rfc822;bob@example.org"), xtext decoded; empty if none */
};

struct smtp_envelope {     /* all memory in the transaction arena */
    struct address from;   /* reverse-path; may be null */
    struct str auth;       /* AUTH= of MAIL, decoded; "<>" if it was that or the client is not trusted to say so; empty: not given
                              */
    enum smtp_body body;
    bool smtputf8;
    bool requiretls;
    int priority;          /* MT-PRIORITY (RFC 6710): -9 … 9, as far as this sender may raise it */
    enum smtp_ret ret;
    struct str envid;      /* decoded xtext */
    uint64_t size_declared;
    struct smtp_rcpt *rcpt;
    uint32_t rcpt_count;
};
