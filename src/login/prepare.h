// SPDX-License-Identifier: ISC
/* How names and passwords are made comparable. Input is UTF-8; each function appends to to and returns true, or leaves a reason in why (may be NULL). */
#pragma once
#include "base/buf.h"
#include "base/outcome.h"

enum { LOGIN_USER_MAX = 320, LOGIN_PASSWORD_MAX = 1000 }; /* octets, before and after preparation */

/* A user name: "user@example.org" or "user". The part before the last @ by UsernameCaseMapped (RFC 8265 3.3); the domain in lower case, as A-labels
   (RFC 5891): the key under which an account is found. */
bool login_prepare_user(struct str user, struct buf *to, struct why *why);
/* A password: SASLprep as a stored string (RFC 4013), which SCRAM prescribes (RFC 5802 2.2). What SASLprep cannot judge or refuses for its direction
   (Unicode after 3.2, mixed scripts) is prepared by its successor OpaqueString (RFC 8265 4.2). Refused: empty, too long, control characters. */
bool login_prepare_password(struct str password, struct buf *to, struct why *why);

/* The profiles themselves. */
bool login_saslprep(struct str s, struct buf *to, struct why *why);
bool login_username_case_mapped(struct str s, struct buf *to, struct why *why);
bool login_username_case_preserved(struct str s, struct buf *to, struct why *why);
bool login_opaque_string(struct str s, struct buf *to, struct why *why);
