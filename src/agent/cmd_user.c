// SPDX-License-Identifier: ISC
/* penny user add|ls|show|passwd|quota|suspend|rm */
#include "agent/inside.h"

static const struct column columns[] = {{"USER", false, true},  {"MESSAGES", true, false}, {"USED", true, false},
                                        {"QUOTA", true, false}, {"SINCE", false, false},   {"", false, false}};

static void row(struct agent *g, void *self, const struct json *j)
{
    uint64_t quota = (uint64_t)json_get_num(j, "quota", 0);
    bool suspended = json_get_num(j, "suspended", 0) != 0;
    struct str cells[] = {json_get_str(j, "name"),
                          agent_text(&g->a, "%lld", (long long)json_get_num(j, "messages", 0)),
                          agent_size_text(&g->a, (uint64_t)json_get_num(j, "used", 0)),
                          quota ? agent_size_text(&g->a, quota) : S("none"),
                          agent_age_text(&g->a, agent_time_of(json_get_str(j, "created"))),
                          suspended ? S("suspended") : S("")};
    table_add(g, self, suspended ? "\033[33m" : NULL, cells);
}

static int list(struct agent *g, enum control_verb verb, bool change)
{
    struct table t;
    struct control_request *r = agent_request(g, verb);
    table_init(&t, columns, countof(columns));
    if (g->arg_count && !control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    int status = agent_open(g, change);
    if (status < 0)
        status = agent_ask_server(g, r, row, &t);
    table_print(g, &t);
    return agent_flush(status);
}

int agent_do_user_ls(struct agent *g)
{
    return list(g, CONTROL_USER_LS, false);
}
int agent_do_user_show(struct agent *g)
{
    return list(g, CONTROL_USER_SHOW, false);
}

/* -1: fine. -1 as configured, -2 none, else octets. */
static int quota_of(const char *text, int64_t *to)
{
    uint64_t v;
    if (strcmp(text, "default") == 0)
        *to = -1;
    else if (strcmp(text, "none") == 0)
        *to = -2;
    else if (config_size_of(str_c(text), &v) && v <= 1ULL << 50)
        *to = v ? (int64_t)v : -2;
    else
        return agent_fail(BAD_USAGE, "for example 5G, 500M, none, default", "'%s' is not a size", text);
    return -1;
}

static int with_password(struct agent *g, enum control_verb verb)
{
    char secret[CONTROL_SECRET_MAX + 1];
    struct buf password;
    struct control_request *r = agent_request(g, verb);
    const char *quota = agent_option(g, OPTION_QUOTA);
    int status = -1;
    r->num[0] = -1;
    if (quota && (status = quota_of(quota, &r->num[0])) >= 0)
        return status;
    if (!control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    status = agent_open(g, verb == CONTROL_USER_ADD);
    if (status >= 0)
        return status;
    buf_fixed(&password, secret, sizeof secret);
    if (!g->dry_run)
        status = agent_secret(g, agent_c(&g->a, agent_text(&g->a, "password for %s: ", g->arg[0])), true, &password);
    if (status < 0 && !control_request_secret(r, buf_str(&password)))
        status = agent_fail(BAD_DATA, NULL, "the password is longer than 1,000 octets");
    if (status < 0)
        status = agent_ask_server(g, r, NULL, NULL);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(r, sizeof *r);
    if (status == DONE_OK && !g->dry_run)
        agent_note(g, verb == CONTROL_USER_ADD ? "user %s can receive, send and read mail" : "the password of %s is changed",
                   g->arg[0]);
    return status;
}

int agent_do_user_add(struct agent *g)
{
    return with_password(g, CONTROL_USER_ADD);
}
int agent_do_user_passwd(struct agent *g)
{
    return with_password(g, CONTROL_USER_PASSWD);
}

int agent_do_user_quota(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_USER_QUOTA);
    int status = quota_of(g->arg[1], &r->num[0]);
    if (status >= 0)
        return status;
    if (!control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, NULL, NULL);
}

int agent_do_user_suspend(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_USER_SUSPEND);
    if (agent_has(g, OPTION_OFF))
        r->flags |= CONTROL_OFF;
    if (!control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    int status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, NULL, NULL);
}

int agent_do_user_rm(struct agent *g)
{
    return agent_simple(g, CONTROL_USER_RM, false);
}
