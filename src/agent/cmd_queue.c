// SPDX-License-Identifier: ISC
/* penny queue ls|show|why|shape: what waits for other machines. */
#include "agent/inside.h"
#include "agent/queue.h"

static const struct column columns[] = {{"ID", false, false},  {"AGE", true, false},       {"SIZE", true, false},
                                        {"FROM", false, true}, {"TO", false, true},        {"STATE", false, false},
                                        {"NEXT", true, false}, {"LAST REPLY", false, true}};

/* "in 4 min", "now" */
static struct str until(struct agent *g, int64_t unix_ms)
{
    int64_t s = (unix_ms - clock_unix_ms() + 999) / 1000;
    if (s <= 0)
        return S("now");
    if (s < 120)
        return agent_text(&g->a, "in %lld s", (long long)s);
    if (s < 7200)
        return agent_text(&g->a, "in %lld min", (long long)((s + 30) / 60));
    return s < 172800 ? agent_text(&g->a, "in %lld h", (long long)((s + 1800) / 3600))
                      : agent_text(&g->a, "in %lld d", (long long)((s + 43200) / 86400));
}

static void row(struct agent *g, void *self, const struct json *j)
{
    struct str from = json_get_str(j, "from"), state = json_get_str(j, "state");
    struct str cells[] = {json_get_str(j, "id"),
                          agent_age_text(&g->a, agent_time_of(json_get_str(j, "received"))),
                          agent_size_text(&g->a, (uint64_t)json_get_num(j, "size", 0)),
                          from.n ? from : S("<>"),
                          json_get_str(j, "to"),
                          state,
                          str_eq(state, S("held")) ? S("-") : until(g, agent_time_of(json_get_str(j, "next"))),
                          json_get_str(j, "last_reply")};
    table_add(g, self, NULL, cells);
}

static void field(const char *name, struct str value)
{
    if (!value.n)
        return;
    printf("   %-10s ", name);
    agent_print(value);
    putchar('\n');
}

static struct str when(struct agent *g, struct str time)
{
    int64_t ms = agent_time_of(time);
    return agent_text(&g->a, "%.*s (%.*s)", STR_ARG(agent_time_text(&g->a, ms)), STR_ARG(until(g, ms)));
}

/* One recipient, in full. */
static void whole(struct agent *g, void *self, const struct json *j)
{
    struct str from = json_get_str(j, "from"), host = json_get_str(j, "host"), ip = json_get_str(j, "ip");
    bool held = str_eq(json_get_str(j, "state"), S("held"));
    unsigned *n = self;
    if ((*n)++)
        putchar('\n');
    printf("%s", agent_paint(g, "\033[1m"));
    agent_print(json_get_str(j, "id"));
    printf("%s  ", agent_paint(g, "\033[0m"));
    agent_print(from.n ? from : S("<>"));
    printf(" → ");
    agent_print(json_get_str(j, "to"));
    printf("   %.*s\n", STR_ARG(agent_size_text(&g->a, (uint64_t)json_get_num(j, "size", 0))));
    field("state", json_get_str(j, "state"));
    field("received", agent_time_text(&g->a, agent_time_of(json_get_str(j, "received"))));
    field("attempts", agent_text(&g->a, "%lld", (long long)json_get_num(j, "attempts", 0)));
    if (json_get_str(j, "tried").n) {
        field("last", agent_time_text(&g->a, agent_time_of(json_get_str(j, "tried"))));
        field("host", ip.n ? agent_text(&g->a, "%.*s [%.*s]", STR_ARG(str_head(host, 255)), STR_ARG(str_head(ip, 64))) : host);
        field("TLS", json_get_str(j, "tls"));
        field("reply", json_get_str(j, "last_reply"));
    }
    field("means", json_get_str(j, "means"));
    field("waits", json_get_str(j, "domain_waits"));
    field("route", json_get_str(j, "route"));
    field("next", held ? S("when it is released: penny queue release") : when(g, json_get_str(j, "next")));
    field("given up", when(g, json_get_str(j, "expires")));
}

int agent_do_queue_ls(struct agent *g)
{
    struct table t;
    struct control_request *r = agent_request(g, CONTROL_QUEUE_LS);
    table_init(&t, columns, countof(columns));
    int status = agent_queue_filter(g, r);
    if (status < 0)
        status = agent_open(g, false);
    if (status < 0)
        status = agent_ask_server(g, r, row, &t);
    agent_pager_begin(g);
    table_print(g, &t);
    return agent_flush(status);
}

static int in_full(struct agent *g, enum control_verb verb)
{
    unsigned n = 0;
    struct control_request *r = agent_request(g, verb);
    int status = agent_queue_filter(g, r);
    if (status < 0)
        status = agent_open(g, false);
    if (status >= 0)
        return status;
    agent_pager_begin(g);
    return agent_ask_server(g, r, whole, &n);
}

int agent_do_queue_show(struct agent *g)
{
    return in_full(g, CONTROL_QUEUE_SHOW);
}
int agent_do_queue_why(struct agent *g)
{
    return in_full(g, CONTROL_QUEUE_WHY);
}

/* ---- shape ---- */

static void shape(struct agent *g, void *self, const struct json *j)
{
    long long all = json_get_num(j, "entries", 0), hour = json_get_num(j, "last_hour", 0),
              four = json_get_num(j, "last_4_hours", 0), day = json_get_num(j, "last_day", 0);
    struct str domain = json_get_str(j, "domain");
    struct str cells[] = {domain.n ? domain : S("(none)"),
                          agent_text(&g->a, "%lld", all),
                          agent_text(&g->a, "%lld", hour),
                          agent_text(&g->a, "%lld", four - hour),
                          agent_text(&g->a, "%lld", day - four),
                          agent_text(&g->a, "%lld", all - day),
                          agent_text(&g->a, "%lld", (long long)json_get_num(j, "held", 0)),
                          json_get_str(j, "domain_waits")};
    table_add(g, self, NULL, cells);
}

int agent_do_queue_shape(struct agent *g)
{
    static const struct column shapes[] = {{"DOMAIN", false, true}, {"ALL", true, false},   {"< 1 H", true, false},
                                           {"< 4 H", true, false},  {"< 1 D", true, false}, {"OLDER", true, false},
                                           {"HELD", true, false},   {"WAITS", false, true}};
    struct table t;
    struct control_request *r = agent_request(g, CONTROL_QUEUE_SHAPE);
    const char *limit = agent_option(g, OPTION_LIMIT);
    uint64_t n = 0;
    table_init(&t, shapes, countof(shapes));
    if (limit && (!str_to_u64(str_c(limit), &n) || n < 1 || n > 1000))
        return agent_fail(BAD_USAGE, NULL, "--limit takes a number from 1 to 1000, not '%s'", limit);
    r->num[0] = (int64_t)n;
    int status = agent_open(g, false);
    if (status < 0)
        status = agent_ask_server(g, r, shape, &t);
    agent_pager_begin(g);
    table_print(g, &t);
    return agent_flush(status);
}
