// SPDX-License-Identifier: ISC
/* penny alias add|ls|show|rm */
#include "agent/inside.h"

static const struct column columns[] = {{"ALIAS", false, true}, {"LEADS TO", false, true}, {"SAID BY", false, true}};

static void row(struct agent *g, void *self, const struct json *j)
{
    char text[4000];
    struct buf b;
    const struct json *targets = json_get(j, "targets");
    int64_t shown = 0;
    buf_fixed(&b, text, sizeof text - 64);
    for (const struct json *t = targets ? targets->child : NULL; t && !b.full; t = t->next, shown++) {
        if (shown)
            buf_add_byte(&b, ' ');
        buf_add(&b, t->str);
    }
    struct str cells[] = {json_get_str(j, "name"), buf_str(&b), json_get_str(j, "source")};
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
    table_print(g, &t);
    return agent_flush(status);
}

int agent_do_alias_add(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_ALIAS_ADD);
    if (!control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    for (uint32_t i = 1; i < g->arg_count; i++)
        if (!control_request_arg(r, str_c(g->arg[i])))
            return agent_fail(BAD_USAGE, "write it into the configuration: domain NAME { alias … -> … }",
                              "that are too many addresses for one command");
    int status = agent_open(g, true);
    return status >= 0 ? status : agent_ask_server(g, r, NULL, NULL);
}

int agent_do_alias_ls(struct agent *g)
{
    return list(g, CONTROL_ALIAS_LS);
}
int agent_do_alias_show(struct agent *g)
{
    return list(g, CONTROL_ALIAS_SHOW);
}
int agent_do_alias_rm(struct agent *g)
{
    return agent_simple(g, CONTROL_ALIAS_RM, false);
}
