// SPDX-License-Identifier: ISC
/* From what was typed to one command's function and its exit status. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "agent/agent.h"
#include "agent/inside.h"
#include "base/facts.h"

/* penny alone: the few things that one wants first, and whether a server runs. */
static int welcome(struct agent *g)
{
    struct why why;
    fputs("penny: a whole mail system in one program\n\n"
          "  penny serve                      the server, in the foreground\n"
          "  penny user add you@example.org   make a user (the domain is made with it)\n"
          "  penny send -s hello TO < text    send a message          penny ls, read, save   read them\n"
          "  penny trace WHAT                 what became of a message\n\n",
          stdout);
    if (agent_config(g) >= 0)
        return agent_flush(BAD_CONFIG);
    struct control_client *cl = control_client_connect(agent_c(&g->a, agent_socket(g)), &why);
    if (cl)
        printf("A server runs on %s (penny status).", g->dir);
    else
        printf("No server runs on %s.", g->dir);
    control_client_free(cl);
    puts("   penny help lists everything.");
    return agent_flush(DONE_OK);
}

/* main.c sends this word to the daemon; it comes here only behind an option that serve does not take. */
int agent_do_serve(struct agent *g)
{
    (void)g;
    return agent_fail(BAD_USAGE, "penny serve [-c FILE] [--dir DIR] [--single] [--loopback]", "serve takes no such option");
}

int agent_main(int argc, char **argv)
{
    struct agent *g = calloc(1, sizeof *g);
    if (!g)
        return agent_fail(IO_ERROR, NULL, "no memory");
    fact_level_max(FACT_WARN); /* on standard error, beside what a person reads */
    setlocale(LC_TIME, "");
    signal(SIGPIPE, SIG_IGN);
    arena_init(&g->a, AGENT_MEM);
    g->to_terminal = isatty(STDOUT_FILENO);
    int status = agent_args(g, argc, argv);
    if (status < 0)
        status = g->command                  ? g->command->run(g)
                 : agent_has(g, OPTION_HELP) ? (agent_help(stdout), agent_flush(DONE_OK))
                                             : welcome(g);
    agent_close(g);
    agent_pager_end(g);
    arena_clear(&g->a);
    free(g);
    return status;
}
