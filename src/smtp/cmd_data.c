// SPDX-License-Identifier: ISC
/* DATA, RFC 5321 4.1.1.4. */
#include "smtp/inside.h"

enum next smtp_cmd_data(struct smtp_server *s, struct str arg)
{
    struct transaction *t = s->state->t;
    if (arg.n)
        return smtp_answer(s, 501, "5.5.4", "DATA takes no argument");
    if (t->env.rcpt_count == 0) /* RFC 2920 3.2 (3); RFC 2033 4.2 wants 503 of LMTP */
        return smtp_answer(s, s->settings->kind == SMTP_LMTP ? 503 : 554, "5.5.1", "No valid recipients");
    if (t->env.body == SMTP_BODY_BINARY) /* RFC 3030 3 */
        return smtp_answer(s, 503, "5.5.1", "BODY=BINARYMIME is sent with BDAT");
    t->reader = (struct smtp_data_reader){.dots = true};
    smtp_reply_add(s->m.out, 354, NULL, S("Send the message; a line with a single dot ends it"), false);
    s->m.step = smtp_step_data;
    return smtp_data_begin(s);
}
