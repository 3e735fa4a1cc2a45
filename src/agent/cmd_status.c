// SPDX-License-Identifier: ISC
/* penny status, reload, stop */
#include "agent/inside.h"

static void member(const struct json *j, const char *name, const char *shown)
{
    const struct json *m = json_get(j, name);
    if (!m)
        return;
    if (m->kind == JSON_STR && m->str.n) {
        printf("%-12s ", shown);
        agent_print(m->str);
        putchar('\n');
    } else if (m->kind == JSON_NUM) {
        printf("%-12s %lld\n", shown, (long long)m->num);
    }
}

/* What the server adds (roles, sessions …) in its own words, whatever it is. */
static void tree(const struct json *j, unsigned depth)
{
    for (const struct json *m = j->child; m; m = m->next) {
        bool plain = true;
        printf("%*s", (int)depth * 2, "");
        if (m->name.n) {
            agent_print(m->name);
            for (size_t i = m->name.n + depth * 2; i < 12; i++)
                putchar(' ');
            putchar(' ');
        }
        switch (m->kind) {
        case JSON_NUM:
            printf("%lld", (long long)m->num);
            break;
        case JSON_BOOL:
            printf("%s", m->num ? "yes" : "no");
            break;
        case JSON_STR:
            agent_print(m->str);
            break;
        case JSON_NULL:
            break;
        case JSON_ARRAY:
        case JSON_OBJECT:
            for (const struct json *c = m->child; c; c = c->next)
                plain &= c->kind != JSON_ARRAY && c->kind != JSON_OBJECT;
            if (plain)
                for (const struct json *c = m->child; c; c = c->next) {
                    fputs(c == m->child ? "" : "  ", stdout);
                    if (c->name.n && c->kind != JSON_STR) {
                        agent_print(c->name);
                        putchar(' ');
                    }
                    if (c->kind == JSON_STR)
                        agent_print(c->str);
                    else if (c->kind == JSON_BOOL)
                        printf("%s", c->num ? "yes" : "no");
                    else
                        printf("%lld", (long long)c->num);
                }
            break;
        }
        putchar('\n');
        if (!plain)
            tree(m, depth + 1);
    }
}

static bool is_ours(struct str name)
{
    static const char *const known[] = {"v", "running", "hostname", "config", "dir", "started", "uptime_s", "store", "listen"};
    for (size_t i = 0; i < countof(known); i++)
        if (str_eq(name, str_c(known[i])))
            return true;
    return false;
}

static void row(struct agent *g, void *self, const struct json *j)
{
    bool running = json_get_num(j, "running", 0) != 0;
    const struct json *store = json_get(j, "store"), *listen = json_get(j, "listen");
    *(bool *)self = running;
    printf("%-12s %s\n", "server", running ? "runs" : "does not run");
    member(j, "hostname", "hostname");
    if (running)
        printf("%-12s %.*s (%.*s)\n", "since", STR_ARG(agent_time_text(&g->a, agent_time_of(json_get_str(j, "started")))), STR_ARG(agent_age_text(&g->a, agent_time_of(json_get_str(j, "started")))));
    member(j, "config", "config");
    member(j, "dir", "directory");
    if (store)
        printf("%-12s %lld users, %lld domains, %lld messages, %lld queued, %.*s\n", "store", (long long)json_get_num(store, "accounts", 0), (long long)json_get_num(store, "domains", 0),
               (long long)json_get_num(store, "messages", 0), (long long)json_get_num(store, "queued", 0), STR_ARG(agent_size_text(&g->a, (uint64_t)json_get_num(store, "bytes", 0))));
    for (const struct json *l = listen ? listen->child : NULL; l; l = l->next) {
        struct str host = json_get_str(l, "host");
        bool v6 = str_find(host, ':') < host.n, path = host.n && host.p[0] == '/';
        printf("%-12s ", l == listen->child ? "listens" : "");
        agent_print(json_get_str(l, "kind"));
        printf(" %s", v6 ? "[" : "");
        agent_print(host);
        printf("%s", v6 ? "]" : "");
        if (!path)
            printf(":%lld", (long long)json_get_num(l, "port", 0));
        putchar('\n');
    }
    struct json rest = *j, *kept = NULL, **last = &kept; /* a shallow copy of what is not ours */
    for (const struct json *m = j->child; m; m = m->next) {
        struct json *copy = is_ours(m->name) ? NULL : arena_new(&g->a, struct json);
        if (!copy)
            continue;
        *copy = *m;
        copy->next = NULL;
        *last = copy;
        last = &copy->next;
    }
    rest.child = kept;
    tree(&rest, 0);
}

int agent_do_status(struct agent *g)
{
    bool running = true;
    struct control_request *r = agent_request(g, CONTROL_STATUS);
    int status = agent_open(g, false);
    if (status < 0)
        status = agent_ask_server(g, r, row, &running);
    return status == DONE_OK && g->engine ? NOT_RUNNING : status;
}

static void complaints(void *self, struct str piece)
{
    (void)self;
    fflush(stdout);
    fwrite(piece.p, 1, piece.n, stderr);
}

int agent_do_reload(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_RELOAD);
    struct control_replies replies = {NULL, NULL, complaints, NULL};
    struct control_end end;
    struct why why = {"", ""};
    (void)agent_config(g); /* only for run-dir; the server reads and judges the file itself */
    if (!g->config)
        g->config = config_default(&g->a);
    g->client = control_client_connect(agent_c(&g->a, agent_socket(g)), &why);
    if (!g->client)
        return agent_fail(NOT_RUNNING, "start it: penny serve", "no server answers on %s: %s", g->dir, why.text);
    agent_ask_raw(g, r, NULL, NULL, &replies, &end);
    return agent_end(g, &end);
}

int agent_do_stop(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_STOP);
    struct control_replies replies = {NULL, NULL, NULL, NULL};
    struct control_end end;
    struct why why = {"", ""};
    (void)agent_config(g);
    if (!g->config)
        g->config = config_default(&g->a);
    g->client = control_client_connect(agent_c(&g->a, agent_socket(g)), &why);
    if (!g->client)
        return agent_fail(NOT_RUNNING, NULL, "no server runs on %s: %s", g->dir, why.text);
    agent_ask_raw(g, r, NULL, NULL, &replies, &end);
    return agent_end(g, &end);
}
