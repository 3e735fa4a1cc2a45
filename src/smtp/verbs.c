// SPDX-License-Identifier: ISC
/* What is legal when. This table is the only place that says so; server.c obeys it, HELP prints it. */
#include "base/compiler.h"
#include "smtp/inside.h"

enum { SMTP = 1 << SMTP_RELAY | 1 << SMTP_SUBMISSION, LMTP = 1 << SMTP_LMTP, ANY = SMTP | LMTP };
enum { N = PHASE_NEW, R = PHASE_READY, M = PHASE_MAIL, T = PHASE_RCPT, B = PHASE_BDAT, EVER = N | R | M | T | B };

#define FOREIGN(name) {name, EVER, ANY, VERB_FOREIGN, NULL, NULL, NULL}

const struct verb smtp_verbs[] = {
    {"HELO", EVER, SMTP, VERB_LAST, smtp_cmd_helo, NULL, "HELO name (RFC 5321 4.1.1.1)"},
    {"EHLO", EVER, SMTP, VERB_LAST, smtp_cmd_ehlo, NULL, "EHLO name (RFC 5321 4.1.1.1)"},
    {"LHLO", EVER, LMTP, VERB_LAST, smtp_cmd_lhlo, NULL, "LHLO name (RFC 2033 4.1)"},
    {"MAIL", R, ANY, VERB_LOGIN, smtp_cmd_mail, "A transaction is open; finish it or send RSET",
     "MAIL FROM:<sender> [SIZE=n] [BODY=7BIT|8BITMIME|BINARYMIME] [SMTPUTF8] [RET=FULL|HDRS] [ENVID=x] [AUTH=x] [REQUIRETLS] [MT-PRIORITY=n]"},
    {"RCPT", M | T, ANY, VERB_LOGIN, smtp_cmd_rcpt, "Send MAIL first; no RCPT stands behind BDAT",
     "RCPT TO:<recipient> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=type;address]"},
    {"DATA", M | T, ANY, VERB_LOGIN | VERB_LAST, smtp_cmd_data, "Send MAIL and RCPT first, and do not mix DATA with BDAT",
     "DATA, then the message, then a line with a single dot"},
    {"BDAT", EVER, ANY, 0, smtp_cmd_bdat, NULL,
     "BDAT size [LAST], then size octets (RFC 3030)"}, /* checks for itself: its octets come in any case */
    {"RSET", EVER, ANY, VERB_NO_ARG, smtp_cmd_rset, NULL, "RSET: forget the transaction"},
    {"VRFY", EVER, ANY, VERB_LOGIN, smtp_cmd_vrfy, NULL, "VRFY address [SMTPUTF8]"},
    {"EXPN", EVER, ANY, VERB_LOGIN, smtp_cmd_expn, NULL, "EXPN list [SMTPUTF8]"},
    {"HELP", EVER, ANY, 0, smtp_cmd_help, NULL, "HELP [verb]"},
    {"NOOP", EVER, ANY, 0, smtp_cmd_noop, NULL, "NOOP"},
    {"QUIT", EVER, ANY, VERB_NO_ARG, smtp_cmd_quit, NULL, "QUIT"},
    {"STARTTLS", R, ANY, VERB_LAST | VERB_NO_ARG, smtp_cmd_starttls, "STARTTLS stands outside of a transaction",
     "STARTTLS (RFC 3207)"},
    {"AUTH", R, ANY, VERB_LAST, smtp_cmd_auth, "AUTH stands outside of a transaction",
     "AUTH mechanism [initial-response] (RFC 4954)"},
    /* RFC 5321 appendix F and others' extensions: known, refused as not implemented, not as unknown */
    {"SEND", EVER, ANY, 0, NULL, NULL, NULL},
    {"SOML", EVER, ANY, 0, NULL, NULL, NULL},
    {"SAML", EVER, ANY, 0, NULL, NULL, NULL},
    {"TURN", EVER, ANY, 0, NULL, NULL, NULL},
    {"ETRN", EVER, ANY, 0, NULL, NULL, NULL},
    {"ATRN", EVER, ANY, 0, NULL, NULL, NULL},
    {"BURL", EVER, ANY, 0, NULL, NULL, NULL},
    /* Browsers that were talked into speaking to us: what follows is somebody's text, not commands */
    FOREIGN("GET"),
    FOREIGN("POST"),
    FOREIGN("PUT"),
    FOREIGN("HEAD"),
    FOREIGN("CONNECT"),
    FOREIGN("OPTIONS"),
    FOREIGN("PATCH"),
    FOREIGN("DELETE"),
};
const size_t smtp_verb_count = countof(smtp_verbs);
