// SPDX-License-Identifier: ISC
/* LANG, RFC 6856 3. There is one language; it is said so. */
#include "pop3/inside.h"

enum next pop3_cmd_lang(struct pop3_server *s, struct str arg)
{
    if (arg.n == 0) {
        buf_add(s->m.out, S("+OK Languages\r\nen English\r\n.\r\n"));
        return pop3_next(s);
    }
    if (str_eq(arg, S("*")) || str_eq_icase(arg, S("en")))
        return pop3_ok(s, "en English it is");
    return pop3_err(s, NULL, "Only en is spoken here");
}
