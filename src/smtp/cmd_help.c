// SPDX-License-Identifier: ISC
/* HELP, RFC 5321 4.1.1.8, from the verb table. */
#include "smtp/inside.h"

enum next smtp_cmd_help(struct smtp_server *s, struct str arg)
{
    struct buf b;
    char storage[2048];
    buf_fixed(&b, storage, sizeof storage);
    for (size_t i = 0; i < smtp_verb_count; i++) {
        const struct verb *v = &smtp_verbs[i];
        if (!v->help || !(v->kinds & 1u << s->settings->kind))
            continue;
        if (arg.n == 0) {
            buf_add_c(&b, b.n ? "\n" : "");
            buf_add_c(&b, v->help);
        } else if (str_eq_icase(arg, str_c(v->name))) {
            buf_add_c(&b, v->help);
        }
    }
    if (b.n == 0)
        return smtp_answer(s, 504, "5.5.4", "No such command; HELP alone lists all");
    return smtp_answer_str(s, 214, "2.0.0", buf_str(&b));
}
