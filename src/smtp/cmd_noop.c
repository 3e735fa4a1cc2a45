// SPDX-License-Identifier: ISC
/* NOOP, RFC 5321 4.1.1.9; an argument is ignored. */
#include "smtp/inside.h"

enum next smtp_cmd_noop(struct smtp_server *s, struct str arg)
{
    (void)arg;
    return smtp_answer(s, 250, "2.0.0", "Ok");
}
