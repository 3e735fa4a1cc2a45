// SPDX-License-Identifier: ISC
/* TOP, RFC 1939 7: the header, the empty line, and so many lines of the body. */
#include "pop3/inside.h"

enum next pop3_cmd_top(struct pop3_server *s, struct str arg)
{
    enum next next = AGAIN;
    uint64_t lines;
    struct str number = str_word(&arg), count = str_word(&arg);
    if (!str_to_u64(count, &lines) || str_trim(arg).n > 0)
        return pop3_err(s, NULL, "Write TOP message lines");
    struct pop3_message *m = pop3_find(s, number, &next);
    return m ? pop3_send(s, m, true, lines) : next;
}
