// SPDX-License-Identifier: ISC
/* penny domain add|ls|show|rm */
#include "agent/inside.h"

static const struct column columns[] = {
    {"DOMAIN", false, true}, {"USERS", true, false}, {"ALIASES", true, false}, {"QUOTA", true, false}, {"SAID BY", false, true}};

static void row(struct agent *g, void *self, const struct json *j)
{
    uint64_t quota = (uint64_t)json_get_num(j, "quota", 0);
    struct str cells[] = {json_get_str(j, "name"), agent_text(&g->a, "%lld", (long long)json_get_num(j, "users", 0)),
                          agent_text(&g->a, "%lld", (long long)json_get_num(j, "aliases", 0)),
                          quota ? agent_size_text(&g->a, quota) : S("none"), json_get_str(j, "source")};
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

int agent_do_domain_add(struct agent *g)
{
    return agent_simple(g, CONTROL_DOMAIN_ADD, true);
}
int agent_do_domain_ls(struct agent *g)
{
    return list(g, CONTROL_DOMAIN_LS);
}
int agent_do_domain_show(struct agent *g)
{
    return list(g, CONTROL_DOMAIN_SHOW);
}
int agent_do_domain_rm(struct agent *g)
{
    return agent_simple(g, CONTROL_DOMAIN_RM, false);
}
