// SPDX-License-Identifier: ISC
/* penny status, reload, stop */
#include <string.h>
#include "agent/inside.h"
#include "os/file.h"

enum { STOP_MS = 60000 };

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

static void value(struct agent *g, const struct json *m)
{
    int64_t at = m->kind == JSON_STR && m->str.n == 20 && m->str.p[10] == 'T' ? agent_time_of(m->str) : 0;
    if (at)
        agent_print(agent_age_text(&g->a, at));
    else if (m->kind == JSON_STR)
        agent_print(m->str);
    else if (m->kind == JSON_BOOL)
        fputs(m->num ? "yes" : "no", stdout);
    else
        printf("%lld", (long long)m->num);
}

/* Members side by side; what is nested follows in the same line. */
static void side_by_side(struct agent *g, const struct json *j)
{
    bool first = true;
    for (const struct json *c = j->child; c; c = c->next) {
        bool nested = c->kind == JSON_ARRAY || c->kind == JSON_OBJECT;
        if ((nested && !c->child) || c->kind == JSON_NULL)
            continue;
        fputs(first ? "" : "  ", stdout);
        if (c->name.n && !(first && c->kind == JSON_STR)) { /* the first text names the line: no word before it */
            agent_print(c->name);
            putchar(' ');
        }
        first = false;
        if (nested)
            side_by_side(g, c);
        else
            value(g, c);
    }
}

/* The memory that is a role's own and its share of what is shared; only root may look into roles, who hide their memory. 0: not known. */
static uint64_t pss_of(int64_t pid)
{
    char path[64], text[4096], *line;
    struct buf b;
    struct why why;
    unsigned long long kb = 0;
    snprintf(path, sizeof path, "/proc/%lld/smaps_rollup", (long long)pid);
    buf_fixed(&b, text, sizeof text - 1);
    if (pid <= 0 || file_read(path, sizeof text - 1, &b, &why) != DONE)
        return 0;
    text[b.n] = '\0';
    line = strstr(text, "\nPss:");
    return line && sscanf(line + 5, "%llu kB", &kb) == 1 ? (uint64_t)kb * 1024 : 0;
}

/* What the server adds (roles, sessions …) in its own words, whatever it is: a line a member, a line an element of a list. */
static void tree(struct agent *g, const struct json *j)
{
    for (const struct json *m = j->child; m; m = m->next) {
        bool list = m->kind == JSON_ARRAY && m->child && m->child->kind == JSON_OBJECT;
        const struct json *e = list ? m->child : m;
        do {
            printf("%-12.*s ", e == m || e == m->child ? (int)m->name.n : 0, m->name.p);
            if (e->kind == JSON_OBJECT || e->kind == JSON_ARRAY)
                side_by_side(g, e);
            else
                value(g, e);
            uint64_t pss = str_eq(m->name, S("roles")) ? pss_of(json_get_num(e, "pid", 0)) : 0;
            if (pss)
                printf("  memory %.*s", STR_ARG(agent_size_text(&g->a, pss)));
            putchar('\n');
        } while (list && (e = e->next));
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
        printf("%-12s %.*s (%.*s)\n", "since", STR_ARG(agent_time_text(&g->a, agent_time_of(json_get_str(j, "started")))),
               STR_ARG(agent_age_text(&g->a, agent_time_of(json_get_str(j, "started")))));
    member(j, "config", "config");
    member(j, "dir", "directory");
    if (store)
        printf("%-12s %lld users, %lld domains, %lld messages, %lld queued, %.*s\n", "store",
               (long long)json_get_num(store, "accounts", 0), (long long)json_get_num(store, "domains", 0),
               (long long)json_get_num(store, "messages", 0), (long long)json_get_num(store, "queued", 0),
               STR_ARG(agent_size_text(&g->a, (uint64_t)json_get_num(store, "bytes", 0))));
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
    tree(g, &rest);
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
    if (agent_ask_raw(g, r, NULL, NULL, &replies, &end) != DONE_OK || g->dry_run)
        return agent_end(g, &end);
    if (!control_client_wait_end(g->client, STOP_MS))
        return agent_fail(TRY_LATER, "it finishes what it has acknowledged; penny status says whether it is through",
                          "the server has not ended yet");
    agent_note(g, "the server has stopped");
    return DONE_OK;
}
