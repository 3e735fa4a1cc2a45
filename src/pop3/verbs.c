// SPDX-License-Identifier: ISC
/* The only statement of which command is legal when. APOP (RFC 1939 7) is absent on purpose: it needs the password itself on the server and hashes
   it with MD5; SCRAM does its job. */
#include "base/compiler.h"
#include "pop3/inside.h"

const struct verb pop3_verbs[] = {
    {"AUTH", PHASE_AUTHORIZATION, ARG_MAY, pop3_cmd_auth, "AUTH mechanism [initial-response]"}, /* RFC 5034 4 */
    {"CAPA", PHASE_BOTH, ARG_NONE, pop3_cmd_capa, "CAPA"},                                      /* RFC 2449 5 */
    {"DELE", PHASE_TRANSACTION, ARG_MUST, pop3_cmd_dele, "DELE message"},                       /* RFC 1939 5 */
    {"LANG", PHASE_BOTH, ARG_MAY, pop3_cmd_lang, "LANG [language]"},                            /* RFC 6856 3 */
    {"LIST", PHASE_TRANSACTION, ARG_MAY, pop3_cmd_list, "LIST [message]"},
    {"NOOP", PHASE_TRANSACTION, ARG_NONE, pop3_cmd_noop, "NOOP"},
    {"PASS", PHASE_AUTHORIZATION, ARG_MUST, pop3_cmd_pass, "PASS password"},                    /* RFC 1939 7 */
    {"QUIT", PHASE_BOTH, ARG_NONE, pop3_cmd_quit, "QUIT"},                                      /* RFC 1939 4, 6 */
    {"RETR", PHASE_TRANSACTION, ARG_MUST, pop3_cmd_retr, "RETR message"},
    {"RSET", PHASE_TRANSACTION, ARG_NONE, pop3_cmd_rset, "RSET"},
    {"STAT", PHASE_TRANSACTION, ARG_NONE, pop3_cmd_stat, "STAT"},
    {"STLS", PHASE_AUTHORIZATION, ARG_NONE, pop3_cmd_stls, "STLS"},                             /* RFC 2595 4 */
    {"TOP", PHASE_TRANSACTION, ARG_MUST, pop3_cmd_top, "TOP message lines"},                    /* RFC 1939 7 */
    {"UIDL", PHASE_TRANSACTION, ARG_MAY, pop3_cmd_uidl, "UIDL [message]"},
    {"USER", PHASE_AUTHORIZATION, ARG_MUST, pop3_cmd_user, "USER name"},
    {"UTF8", PHASE_AUTHORIZATION, ARG_NONE, pop3_cmd_utf8, "UTF8"},                             /* RFC 6856 2 */
};
const size_t pop3_verb_count = countof(pop3_verbs);
