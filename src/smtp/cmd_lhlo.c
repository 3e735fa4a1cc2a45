// SPDX-License-Identifier: ISC
/* LHLO, RFC 2033 4.1: EHLO of LMTP. */
#include "smtp/inside.h"

enum next smtp_cmd_lhlo(struct smtp_server *s, struct str arg)
{
    return smtp_cmd_ehlo(s, arg); /* the verb table sees to it that each stands only in its own protocol */
}
