// SPDX-License-Identifier: ISC
/* penny queue retry|hold|release|route|bounce|drop: one message, some, or all. What cannot be taken back asks. */
#include "agent/queue.h"

static bool word(struct control_request *r, const char *key, const char *value)
{
    char text[1100];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    buf_add_c(&b, key);
    buf_add_byte(&b, '=');
    buf_add_c(&b, value);
    return !b.full && control_request_arg(r, buf_str(&b));
}

int agent_queue_filter(struct agent *g, struct control_request *r)
{
    static const struct {
        enum option_id option;
        const char *key;
    } words[] = {{OPTION_TO, "to"}, {OPTION_FROM, "from"}, {OPTION_DOMAIN, "domain"}};
    const char *older = agent_option(g, OPTION_OLDER);
    if (g->arg_count && !control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    for (size_t i = 0; i < countof(words); i++) {
        const char *value = agent_option(g, words[i].option);
        if (value && !word(r, words[i].key, value))
            return agent_fail(BAD_USAGE, NULL, "'%s' is too long", value);
    }
    if (older && (!config_duration_of(str_c(older), &r->num[0]) || r->num[0] <= 0))
        return agent_fail(BAD_USAGE, "for example 4h", "'%s' is not a duration", older);
    if (agent_has(g, OPTION_ALL))
        r->flags |= CONTROL_ALL;
    if (agent_has(g, OPTION_ALL) && (r->name_n || r->args_n || r->num[0]))
        return agent_fail(BAD_USAGE, NULL, "--all is everything: it goes with nothing else that chooses");
    return -1;
}

static void changed(struct agent *g, void *self, const struct json *j)
{
    struct str done = json_get_str(j, "done");
    long long n = json_get_num(j, "entries", 0);
    (void)self;
    agent_note(g, "%lld recipient%s %.*s", n, n == 1 ? ":" : "s", STR_ARG(done));
}

static int change(struct agent *g, enum control_verb verb)
{
    struct control_request *r = agent_request(g, verb);
    int status = agent_queue_filter(g, r);
    const char *via = agent_option(g, OPTION_VIA);
    if (status >= 0)
        return status;
    if (verb == CONTROL_QUEUE_ROUTE && !via)
        return agent_fail(BAD_USAGE, "penny queue route --domain example.org --via smtp://192.0.2.1", "where to? --via says it");
    if (via && !word(r, "route", strcmp(via, "-") == 0 ? "" : via))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", via);
    status = agent_open(g, true);
    return status >= 0 ? status : agent_ask_server(g, r, changed, NULL);
}

int agent_do_queue_retry(struct agent *g)
{
    return change(g, CONTROL_QUEUE_RETRY);
}
int agent_do_queue_hold(struct agent *g)
{
    return change(g, CONTROL_QUEUE_HOLD);
}
int agent_do_queue_release(struct agent *g)
{
    return change(g, CONTROL_QUEUE_RELEASE);
}
int agent_do_queue_route(struct agent *g)
{
    return change(g, CONTROL_QUEUE_ROUTE);
}
int agent_do_queue_bounce(struct agent *g)
{
    return change(g, CONTROL_QUEUE_BOUNCE);
}
int agent_do_queue_drop(struct agent *g)
{
    return change(g, CONTROL_QUEUE_DROP);
}
