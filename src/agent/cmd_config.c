// SPDX-License-Identifier: ISC
/* penny config check|show|explain: on the file, no server is asked. */
#include "agent/inside.h"

int agent_do_config_check(struct agent *g)
{
    struct buf errors;
    int status = -1;
    if (g->arg_count) {
        buf_init(&errors, CONFIG_ERRORS_MAX);
        g->config = agent_config_read(&g->a, g->arg[0], &errors, g->color, &status);
        fwrite(errors.p ? errors.p + errors.head : "", 1, errors.n, stderr);
        buf_free(&errors);
        if (!g->config)
            return status;
    } else if ((status = agent_config(g)) >= 0) {
        return status;
    }
    if (g->config->path.n)
        agent_note(g, "%.*s is fine", STR_ARG(g->config->path));
    else
        agent_note(g, "there is no configuration file; the defaults hold");
    return DONE_OK;
}

/* The lines of one word. */
static bool one_json(struct agent *g, struct str key, struct buf *to)
{
    struct buf all;
    struct str want = agent_text(&g->a, "\"key\":\"%.*s\",", STR_ARG(key));
    buf_init(&all, 16 << 20);
    config_show_json(g->config, &all);
    for (struct str rest = buf_str(&all); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (str_find_str(line, want) < line.n) {
            buf_add(to, line);
            buf_add_byte(to, '\n');
        }
    }
    buf_free(&all);
    return to->n > 0;
}

int agent_do_config_show(struct agent *g)
{
    struct buf b;
    struct str key = g->arg_count ? str_c(g->arg[0]) : STR_NONE;
    int status = agent_config(g);
    if (status >= 0)
        return status;
    buf_init(&b, 16 << 20);
    bool found = true;
    if (g->json && key.n)
        found = one_json(g, key, &b);
    else if (g->json)
        config_show_json(g->config, &b);
    else
        found = config_show(g->config, key, &b);
    if (!found) {
        config_explain(key, &b);
        status = agent_fail(BAD_USAGE, agent_c(&g->a, buf_str(&b)), "there is no setting '%s'", g->arg[0]);
    } else {
        if (!key.n)
            agent_pager_begin(g);
        agent_print_raw(buf_str(&b));
        status = agent_flush(DONE_OK);
    }
    buf_free(&b);
    return status;
}

int agent_do_config_explain(struct agent *g)
{
    struct buf b;
    const char *word;
    buf_init(&b, 1 << 20);
    int status = DONE_OK;
    if (!g->arg_count) {
        for (size_t i = 0; (word = config_word(i)); i++)
            printf("%s\n", word);
    } else if (config_explain(str_c(g->arg[0]), &b)) {
        agent_print_raw(buf_str(&b));
    } else {
        status = agent_fail(BAD_USAGE, b.n ? agent_c(&g->a, buf_str(&b)) : "penny config explain lists all words",
                            "there is no setting '%s'", g->arg[0]);
    }
    buf_free(&b);
    return agent_flush(status);
}
