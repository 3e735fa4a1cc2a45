// SPDX-License-Identifier: ISC
/* The server that a command talks to: the running one over its socket, or the directory itself when none runs. */
#include <stdlib.h>
#include <unistd.h>
#include "agent/inside.h"
#include "os/file.h"
#include "os/process.h"

static const char *config_path(struct agent *g)
{
    const char *path = agent_option(g, OPTION_CONFIG);
    if (!path)
        path = getenv("PENNY_CONFIG");
    if (path && *path)
        return path;
    path = agent_c(&g->a, agent_text(&g->a, "%s/penny.conf", g->dir));
    if (file_exists(path))
        return path;
    return !g->dir_named && file_exists("/etc/penny/penny.conf") ? "/etc/penny/penny.conf" : NULL;
}

int agent_config(struct agent *g)
{
    const char *path = config_path(g);
    struct buf errors;
    int status = -1;
    if (g->config)
        return -1;
    if (!path) {
        g->config = config_default(&g->a);
        return g->config ? -1 : agent_fail(IO_ERROR, NULL, "no memory");
    }
    buf_init(&errors, CONFIG_ERRORS_MAX);
    g->config = agent_config_read(&g->a, path, &errors, g->color, &status);
    if (g->config)
        status = -1;
    else
        fwrite(errors.p ? errors.p + errors.head : "", 1, errors.n, stderr);
    buf_free(&errors);
    return status;
}

struct str agent_socket(struct agent *g)
{
    char text[512];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    return control_socket_path(&b, g->config ? g->config->run_dir : STR_NONE, str_c(g->dir)) ? arena_str(&g->a, buf_str(&b))
                                                                                             : S("");
}

/* No server: the engine in this process. */
static int open_direct(struct agent *g, bool change, const struct why *no_server)
{
    struct why why = {"", ""};
    struct engine_options o = {.read_only = false};
    const char *store = agent_c(&g->a, agent_text(&g->a, "%s/store", g->dir));
    if (!change && !file_exists(store))
        return agent_fail(NOT_RUNNING, "start one: penny serve --dir DIR; or name the directory: --dir DIR, PENNY_DIR",
                          "no server answers, and there is no store in %s", g->dir);
    g->engine = engine_open(g->dir, -1, &o, &why);
    if (!g->engine)
        return agent_fail(NOT_RUNNING,
                          agent_c(&g->a, agent_text(&g->a, "%s\nif its server has a run-dir, name its configuration: -c FILE",
                                                    no_server->text)),
                          "the directory %s cannot be opened: %s", g->dir, why.text);
    if (g->config->hostname.n == 0) {
        char name[256];
        struct config *c = arena_new(&g->a, struct config);
        if (c && process_hostname(name)) {
            *c = *g->config;
            c->hostname = arena_str(&g->a, str_c(name));
            g->config = c;
        }
    }
    g->context = (struct control_context){.engine = g->engine, .config = g->config, .dir = str_c(g->dir)};
    g->client = control_client_direct(&g->context);
    return g->client ? -1 : agent_fail(IO_ERROR, NULL, "no memory");
}

int agent_open(struct agent *g, bool change)
{
    struct why why = {"", ""};
    int status = agent_config(g);
    if (status >= 0)
        return status;
    g->client = control_client_connect(agent_c(&g->a, agent_socket(g)), &why);
    if (g->client)
        return -1;
    return open_direct(g, change, &why);
}

void agent_close(struct agent *g)
{
    control_client_free(g->client);
    g->client = NULL;
    if (g->engine)
        engine_close(g->engine);
    g->engine = NULL;
}

struct control_request *agent_request(struct agent *g, enum control_verb verb)
{
    struct control_request *r = arena_new(&g->a, struct control_request);
    if (!r)
        exit(agent_fail(IO_ERROR, NULL, "no memory"));
    control_request_init(r, verb);
    if (g->dry_run)
        r->flags |= CONTROL_DRY_RUN;
    if (g->yes)
        r->flags |= CONTROL_FORCE;
    return r;
}

int agent_end(struct agent *g, const struct control_end *end)
{
    if (end->code == 0) {
        if (end->text[0])
            agent_note(g, "%s", end->text);
        if (end->hint[0])
            agent_note(g, "   → %s", end->hint);
        return DONE_OK;
    }
    if (end->text[0] == 0)
        return (int)end->code;
    return agent_fail(end->code < 128 ? (int)end->code : BUG, end->hint, "%s", end->text);
}

struct asking {
    struct agent *g;
    void (*row)(struct agent *g, void *self, const struct json *line);
    void *self;
    struct arena scratch;
    bool bar;
};

static void on_line(void *self, struct str line)
{
    struct asking *x = self;
    if (x->g->json || !x->row) {
        if (x->g->json) {
            agent_print_raw(line);
            putchar('\n');
        }
        return;
    }
    const struct json *j = json_parse(&x->scratch, line);
    if (j)
        x->row(x->g, x->self, j);
    arena_clear(&x->scratch);
}

static void on_bytes(void *self, struct str piece)
{
    struct asking *x = self;
    if (!x->g->json)
        agent_print_raw(piece);
}

static void on_progress(void *self, uint32_t permille)
{
    struct asking *x = self;
    if (!isatty(STDERR_FILENO) || x->g->quiet)
        return;
    x->bar = true;
    fprintf(stderr, "\r%3u.%u %% ", permille / 10, permille % 10);
}

int agent_ask_server(struct agent *g, struct control_request *r,
                     void (*row)(struct agent *g, void *self, const struct json *line), void *self)
{
    struct asking x = {.g = g, .row = row, .self = self};
    struct control_replies replies = {&x, on_line, on_bytes, on_progress};
    struct control_end end;
    arena_init(&x.scratch, 4 << 20);
    agent_ask_raw(g, r, NULL, NULL, &replies, &end);
    if (x.bar)
        fputs("\r            \r", stderr);
    if (end.code == CONTROL_CONFIRM) {
        fprintf(stderr, "penny: %s\n", end.text);
        if (!agent_ask(g, "go on?"))
            return agent_fail(NOT_ALLOWED, end.hint, "nothing was changed");
        r->flags |= CONTROL_FORCE;
        agent_ask_raw(g, r, NULL, NULL, &replies, &end);
    }
    arena_clear(&x.scratch);
    int status = agent_end(g, &end);
    return agent_flush(status);
}

int agent_ask_raw(struct agent *g, struct control_request *r, int (*body)(void *self, struct buf *to), void *body_self,
                  const struct control_replies *replies, struct control_end *end)
{
    (void)control_client_ask(g->client, r, body, body_self, replies, end);
    return (int)end->code;
}

int agent_simple(struct agent *g, enum control_verb verb, bool change)
{
    struct control_request *r = agent_request(g, verb);
    if (g->arg_count && !control_request_name(r, str_c(g->arg[0])))
        return agent_fail(BAD_USAGE, NULL, "'%s' is too long", g->arg[0]);
    int status = agent_open(g, change);
    return status >= 0 ? status : agent_ask_server(g, r, NULL, NULL);
}

int agent_secret(struct agent *g, const char *prompt, bool twice, struct buf *to)
{
    struct why why = {"", ""};
    (void)g;
    enum outcome o = file_read_secret(prompt, twice, to, &why);
    return o == DONE
               ? -1
               : agent_fail(BAD_DATA, "type it when asked, or give one line on standard input: penny user passwd ADDRESS < FILE",
                            "no password: %s", why.text);
}
