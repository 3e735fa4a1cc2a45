// SPDX-License-Identifier: ISC
/* RSET, RFC 5321 4.1.1.5. */
#include "smtp/inside.h"

enum next smtp_cmd_rset(struct smtp_server *s, struct str arg)
{
    (void)arg;
    smtp_transaction_drop(s);
    return smtp_answer(s, 250, "2.0.0", "Forgotten");
}
