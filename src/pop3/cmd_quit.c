// SPDX-License-Identifier: ISC
/* QUIT, RFC 1939 4 and 6: the only way to a deletion. */
#include "pop3/inside.h"

static enum next committed(struct pop3_server *s)
{
    uint32_t deleted = 0;
    for (uint32_t i = 0; i < s->message_count; i++)
        deleted += s->messages[i].deleted;
    if (s->ask.outcome != DONE)
        return pop3_goodbye(s, s->ask.outcome == REFUSE ? "SYS/PERM" : "SYS/TEMP",
                            s->ask.why.text[0] ? s->ask.why.text : "The messages marked as deleted were not removed");
    buf_printf(s->m.out, "+OK Goodbye, %lu deleted\r\n", (unsigned long)deleted);
    return pop3_hang_up(s);
}

enum next pop3_cmd_quit(struct pop3_server *s, struct str arg)
{
    (void)arg;
    if (s->state->phase == PHASE_TRANSACTION)
        return pop3_ask_host(s, POP3_ASK_COMMIT, committed);
    buf_add(s->m.out, S("+OK Goodbye\r\n"));
    return pop3_hang_up(s);
}
