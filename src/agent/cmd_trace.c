// SPDX-License-Identifier: ISC
/* penny trace WHAT: id, way and steps of each message found. penny explain ADDRESS: the way that mail would take. */
#include "agent/inside.h"
#include "message/header.h"

static void field(const char *name, struct str value)
{
    if (!value.n)
        return;
    printf("   %-10s ", name);
    agent_print(value);
    putchar('\n');
}

/* A subject stands in the facts as it came: with encoded words. */
static void print_decoded(struct str text)
{
    struct buf b;
    buf_init(&b, text.n * 4 + 64);
    if (str_find_str(text, S("=?")) < text.n)
        header_decode(&b, text);
    agent_print(b.n ? buf_str(&b) : text);
    buf_free(&b);
}

static void row(struct agent *g, void *self, const struct json *j)
{
    struct str from = json_get_str(j, "from"), about = json_get_str(j, "about");
    unsigned *n = self;
    if ((*n)++)
        putchar('\n');
    printf("%s", agent_paint(g, "\033[1m"));
    agent_print(json_get_str(j, "id"));
    printf("%s  ", agent_paint(g, "\033[0m"));
    agent_print(from.n ? from : S("<>"));
    printf("   %.*s   ", STR_ARG(agent_size_text(&g->a, (uint64_t)json_get_num(j, "size", 0))));
    printf("%.*s", STR_ARG(agent_time_text(&g->a, agent_time_of(json_get_str(j, "received")))));
    printf("   (%.*s)\n", STR_ARG(agent_age_text(&g->a, agent_time_of(json_get_str(j, "received")))));
    field("came by", json_get_str(j, "kind"));
    field("client", json_get_str(j, "client"));
    field("called", json_get_str(j, "helo"));
    field("TLS", json_get_str(j, "tls"));
    field("user", json_get_str(j, "user"));
    field("about", about);
    const struct json *steps = json_get(j, "steps");
    for (const struct json *s = steps ? steps->child : NULL; s; s = s->next) {
        int64_t ms = json_get_num(s, "ms", 0);
        struct str event = json_get_str(s, "event");
        if (ms > -100000 && ms < 100000)
            printf("%9lld ms  ", (long long)ms);
        else
            printf("%9lld s   ", (long long)(ms / 1000));
        agent_print(event);
        for (size_t i = event.n; i < 12; i++)
            putchar(' ');
        print_decoded(json_get_str(s, "text"));
        putchar('\n');
    }
}

static int all_words(struct agent *g, struct control_request *r)
{
    struct buf b;
    buf_fixed(&b, r->name, sizeof r->name);
    for (uint32_t i = 0; i < g->arg_count; i++) {
        if (i)
            buf_add_byte(&b, ' ');
        buf_add_c(&b, g->arg[i]);
    }
    r->name_n = (uint32_t)b.n;
    return b.full ? agent_fail(BAD_USAGE, NULL, "that are too many words") : -1;
}

int agent_do_trace(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_TRACE);
    const char *limit = agent_option(g, OPTION_LIMIT);
    uint64_t n = 0;
    unsigned found = 0;
    int status = all_words(g, r);
    if (status >= 0)
        return status;
    if (limit && (!str_to_u64(str_c(limit), &n) || n < 1 || n > 1000))
        return agent_fail(BAD_USAGE, NULL, "--limit takes a number from 1 to 1000, not '%s'", limit);
    r->num[0] = (int64_t)n;
    status = agent_open(g, false);
    if (status >= 0)
        return status;
    agent_pager_begin(g);
    return agent_ask_server(g, r, row, &found);
}

static void explained(struct agent *g, void *self, const struct json *j)
{
    (void)self;
    printf("%s", agent_paint(g, "\033[1m"));
    agent_print(json_get_str(j, "address"));
    printf("%s  ", agent_paint(g, "\033[0m"));
    agent_print(json_get_str(j, "outcome"));
    if (json_get_str(j, "status").n) {
        printf("  ");
        agent_print(json_get_str(j, "status"));
        printf(" ");
        agent_print(json_get_str(j, "why"));
    }
    putchar('\n');
}

int agent_do_explain(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_EXPLAIN);
    const char *size = agent_option(g, OPTION_SIZE);
    uint64_t v = 0;
    if (size && !config_size_of(str_c(size), &v))
        return agent_fail(BAD_USAGE, "for example 5M", "'%s' is not a size", size);
    r->num[0] = (int64_t)(v & INT64_MAX);
    if (!control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    int status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, explained, NULL);
}
