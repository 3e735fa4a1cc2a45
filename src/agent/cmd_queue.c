// SPDX-License-Identifier: ISC
/* penny queue ls|show */
#include "agent/inside.h"

static const struct column columns[] = {{"ID", false, false},       {"AGE", true, false}, {"SIZE", true, false},
                                        {"FROM", false, true},      {"TO", false, true},  {"TRIES", true, false},
                                        {"LAST REPLY", false, true}};

static void row(struct agent *g, void *self, const struct json *j)
{
    struct str from = json_get_str(j, "from");
    struct str cells[] = {json_get_str(j, "id"),
                          agent_age_text(&g->a, agent_time_of(json_get_str(j, "received"))),
                          agent_size_text(&g->a, (uint64_t)json_get_num(j, "size", 0)),
                          from.n ? from : S("<>"),
                          json_get_str(j, "to"),
                          agent_text(&g->a, "%lld", (long long)json_get_num(j, "attempts", 0)),
                          json_get_str(j, "last_reply")};
    table_add(g, self, NULL, cells);
}

static int list(struct agent *g, enum control_verb verb)
{
    struct table t;
    struct control_request *r = agent_request(g, verb);
    table_init(&t, columns, countof(columns));
    if (g->arg_count && !control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    int status = agent_open(g, false);
    if (status < 0)
        status = agent_ask_server(g, r, row, &t);
    agent_pager_begin(g);
    table_print(g, &t);
    return agent_flush(status);
}

int agent_do_queue_ls(struct agent *g)
{
    return list(g, CONTROL_QUEUE_LS);
}
int agent_do_queue_show(struct agent *g)
{
    return list(g, CONTROL_QUEUE_SHOW);
}
