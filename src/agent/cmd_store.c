// SPDX-License-Identifier: ISC
/* penny store stat|verify|compact|rebuild, backup, restore */
#include <stdlib.h>
#include <unistd.h>
#include "agent/inside.h"
#include "base/clock.h"
#include "os/file.h"

static void stat_row(struct agent *g, void *self, const struct json *j)
{
    (void)g, (void)self;
    for (const struct json *m = j->child; m; m = m->next)
        if (m->kind == JSON_NUM && !str_eq(m->name, S("v")))
            printf("%-20.*s %lld\n", STR_ARG(m->name), (long long)m->num);
}

int agent_do_store_stat(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_STORE_STAT);
    int status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, stat_row, NULL);
}

static void finding(struct agent *g, void *self, const struct json *j)
{
    (void)g, (void)self;
    agent_print(json_get_str(j, "finding"));
    putchar('\n');
}

int agent_do_store_verify(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_STORE_VERIFY);
    int status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, finding, NULL);
}

int agent_do_store_compact(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_STORE_COMPACT);
    if (agent_has(g, OPTION_ALL))
        r->flags |= CONTROL_ALL;
    int status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, NULL, NULL);
}

static void bar(void *to, uint32_t permille)
{
    (void)to;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%3u.%u %% ", permille / 10, permille % 10);
}

/* -1: no server holds the directory, as far as can be seen; the lock is taken by what follows. */
static int must_not_run(struct agent *g)
{
    struct why why;
    int status = agent_config(g);
    if (status >= 0)
        return status;
    struct control_client *cl = control_client_connect(agent_c(&g->a, agent_socket(g)), &why);
    control_client_free(cl);
    return cl ? agent_fail(NOT_ALLOWED, "stop it first: penny stop", "a server runs on %s", g->dir) : -1;
}

int agent_do_store_rebuild(struct agent *g)
{
    struct why why = {"", ""};
    int status = must_not_run(g);
    if (status >= 0)
        return status;
    if (g->dry_run) {
        agent_note(g, "would make the index of %s anew from its log", g->dir);
        return DONE_OK;
    }
    enum outcome o = engine_rebuild(g->dir, -1, bar, NULL, &why);
    if (isatty(STDERR_FILENO))
        fputs("\r            \r", stderr);
    if (o != DONE)
        return agent_fail(o == RETRY ? TRY_LATER : IO_ERROR, "penny store verify tells more", "the index could not be made: %s", why.text);
    agent_note(g, "the index was made anew from the log");
    return DONE_OK;
}

/* A path as the server sees it. */
static struct str whole_path(struct agent *g, const char *path)
{
    char cwd[4096];
    if (path[0] == '/')
        return str_c(path);
    return getcwd(cwd, sizeof cwd) ? agent_text(&g->a, "%s/%s", cwd, path) : STR_NONE;
}

int agent_do_backup(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_BACKUP);
    struct str path = whole_path(g, g->arg[0]);
    if (!path.n || !control_request_name(r, path))
        return agent_fail(BAD_USAGE, NULL, "the path of '%s' is too long", g->arg[0]);
    int status = agent_open(g, false);
    return status >= 0 ? status : agent_ask_server(g, r, NULL, NULL);
}

/* A backup is a store: it is opened (and so checked), and its own backup becomes the new store. What was there before is kept beside it. */
static int put_back(struct agent *g, const char *backup, const char *store)
{
    struct why why = {"", ""};
    struct engine_options o = {.read_only = true};
    const char *aside = agent_c(&g->a, agent_text(&g->a, "%s.before-%lld", store, (long long)(clock_unix_ms() / 1000)));
    bool moved = file_exists(store);
    if (!file_exists(agent_c(&g->a, agent_text(&g->a, "%s/store", backup))))
        return agent_fail(NO_INPUT, "name the directory that penny backup wrote", "there is no backup in %s", backup);
    struct engine *from = engine_open(backup, -1, &o, &why);
    if (!from)
        return agent_fail(NO_INPUT, NULL, "the backup %s cannot be opened: %s", backup, why.text);
    int status = DONE_OK;
    if (moved && rename(store, aside) != 0)
        status = agent_fail(CANNOT_CREATE, NULL, "the present store cannot be moved aside to %s", aside);
    else if (engine_backup(from, g->dir, bar, NULL, &why) != DONE) {
        status = agent_fail(IO_ERROR, moved ? "the store that was there is in place again" : NULL, "not restored: %s", why.text);
        if (moved && rename(store, agent_c(&g->a, agent_text(&g->a, "%s.broken", aside))) <= 0 && rename(aside, store) != 0)
            (void)agent_fail(IO_ERROR, NULL, "the store that was there is in %s", aside);
    }
    engine_close(from);
    if (isatty(STDERR_FILENO))
        fputs("\r            \r", stderr);
    if (status == DONE_OK)
        agent_note(g, "restored%s%s", moved ? "; the store that was there before is in " : "", moved ? aside : "");
    return status;
}

int agent_do_restore(struct agent *g)
{
    int status = must_not_run(g);
    if (status >= 0)
        return status;
    const char *store = agent_c(&g->a, agent_text(&g->a, "%s/store", g->dir));
    if (file_exists(store) && !g->dry_run && !agent_ask(g, agent_c(&g->a, agent_text(&g->a, "%s holds a store already; put the backup in its place?", g->dir))))
        return agent_fail(NOT_ALLOWED, "with -y the present store is kept aside and the backup takes its place", "there is a store in %s already", g->dir);
    if (g->dry_run) {
        agent_note(g, "would put the backup %s in place of %s", g->arg[0], store);
        return DONE_OK;
    }
    return put_back(g, agent_c(&g->a, whole_path(g, g->arg[0])), store);
}
