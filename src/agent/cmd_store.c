// SPDX-License-Identifier: ISC
/* penny store stat|verify|compact|rebuild, backup, restore */
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
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
        return agent_fail(o == RETRY ? TRY_LATER : IO_ERROR, "penny store verify tells more", "the index could not be made: %s",
                          why.text);
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

static void findings(void *to, struct str text)
{
    (void)to;
    (void)agent_fail(0, NULL, "%.*s", STR_ARG(text));
}

static int copied(struct agent *g, const char *from, const char *to, const char *what)
{
    struct why why = {"", ""};
    enum outcome o = engine_restore(from, to, findings, bar, NULL, &why);
    (void)g;
    if (isatty(STDERR_FILENO))
        fputs("\r            \r", stderr);
    return o == DONE ? -1 : agent_fail(o == RETRY ? IO_ERROR : CANNOT_CREATE, NULL, "%s: %s", what, why.text);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void path_row(struct agent *g, void *self, const struct json *j)
{
    *(const char **)self = agent_c(&g->a, json_get_str(j, "path"));
}

/* A running server may write only beside its store: it makes the backup there, and it is carried on from here. */
int agent_do_backup(struct agent *g)
{
    struct control_request *r = agent_request(g, CONTROL_BACKUP);
    struct str path = whole_path(g, g->arg[0]);
    const char *beside = NULL;
    bool json = g->json;
    int status = path.n ? agent_open(g, false) : agent_fail(BAD_USAGE, NULL, "the path of '%s' is too long", g->arg[0]);
    if (status >= 0)
        return status;
    if (g->engine && !control_request_name(r, path))
        return agent_fail(BAD_USAGE, NULL, "the path of '%s' is too long", g->arg[0]);
    g->json = false;
    status = agent_ask_server(g, r, path_row, &beside);
    g->json = json;
    if (status != DONE_OK || g->dry_run)
        return status;
    if (!g->engine && beside) {
        status = copied(g, beside, agent_c(&g->a, path), "no backup was made");
        (void)nftw(beside, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (status >= 0)
            return status;
    }
    if (g->json)
        puts("{\"v\":1,\"done\":true}");
    agent_note(g, "the backup is in %.*s", STR_ARG(path));
    return agent_flush(DONE_OK);
}

/* What was there before is kept beside it. */
static int put_back(struct agent *g, const char *backup, const char *store)
{
    const char *aside = agent_c(&g->a, agent_text(&g->a, "%s.before-%lld", store, (long long)(clock_unix_ms() / 1000)));
    bool moved = file_exists(store);
    if (!file_exists(agent_c(&g->a, agent_text(&g->a, "%s/store", backup))))
        return agent_fail(NO_INPUT, "name the directory that penny backup wrote", "there is no backup in %s", backup);
    if (moved && rename(store, aside) != 0)
        return agent_fail(CANNOT_CREATE, NULL, "the present store cannot be moved aside to %s", aside);
    int status = copied(g, backup, g->dir, "not restored");
    if (status >= 0) {
        if (moved && (nftw(store, remove_one, 16, FTW_DEPTH | FTW_PHYS), rename(aside, store) != 0))
            return agent_fail(IO_ERROR, NULL, "the store that was there is in %s", aside);
        return status;
    }
    agent_note(g, "restored%s%s", moved ? "; the store that was there before is in " : "", moved ? aside : "");
    return DONE_OK;
}

int agent_do_restore(struct agent *g)
{
    int status = must_not_run(g);
    if (status >= 0)
        return status;
    const char *store = agent_c(&g->a, agent_text(&g->a, "%s/store", g->dir));
    if (file_exists(store) && !g->dry_run &&
        !agent_ask(g, agent_c(&g->a, agent_text(&g->a, "%s holds a store already; put the backup in its place?", g->dir))))
        return agent_fail(NOT_ALLOWED, "with -y the present store is kept aside and the backup takes its place",
                          "there is a store in %s already", g->dir);
    if (g->dry_run) {
        agent_note(g, "would put the backup %s in place of %s", g->arg[0], store);
        return DONE_OK;
    }
    return put_back(g, agent_c(&g->a, whole_path(g, g->arg[0])), store);
}
