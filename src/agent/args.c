// SPDX-License-Identifier: ISC
/* What was typed: command words, options anywhere behind or before them, arguments. -- ends the options. */
#include <stdlib.h>
#include "agent/inside.h"
#include "os/process.h"

const struct option_row agent_options[OPTION_COUNT] = {
#define OPTION(id, letter, word, value, everywhere, help) {letter, word, value, everywhere, help},
#include "agent/options.def"
#undef OPTION
};

const struct command agent_commands[] = {
#define COMMAND(function, words, group, arguments, least, most, options, what)                                                   \
    {agent_do_##function, words, group, arguments, least, most, options, what},
#include "agent/commands.def"
#undef COMMAND
};
const size_t agent_command_count = countof(agent_commands);

bool agent_has(const struct agent *g, enum option_id o)
{
    for (uint32_t i = 0; i < g->given_count; i++)
        if (g->given[i].option == o)
            return true;
    return false;
}

const char *agent_option(const struct agent *g, enum option_id o)
{
    for (uint32_t i = g->given_count; i-- > 0;)
        if (g->given[i].option == o)
            return g->given[i].value;
    return NULL;
}

const char *agent_option_next(const struct agent *g, enum option_id o, uint32_t *cursor)
{
    while (*cursor < g->given_count) {
        const struct given *x = &g->given[(*cursor)++];
        if (x->option == o)
            return x->value;
    }
    return NULL;
}

static int unknown_option(const char *word)
{
    const char *words[OPTION_COUNT], *near[2];
    for (size_t i = 0; i < OPTION_COUNT; i++)
        words[i] = agent_options[i].word;
    struct str bare = str_c(word);
    while (bare.n && bare.p[0] == '-')
        bare = str_skip(bare, 1);
    bare = str_head(bare, str_find(bare, '='));
    size_t n = config_nearest(bare, words, OPTION_COUNT, near);
    if (n == 0)
        return agent_fail(BAD_USAGE, "penny help COMMAND shows its options", "unknown option %s", word);
    return agent_fail(BAD_USAGE, NULL, "unknown option %s: did you mean --%s?", word, near[0]);
}

static int give(struct agent *g, size_t o, const char *value, const char *typed)
{
    if (agent_options[o].value && !value)
        return agent_fail(BAD_USAGE, NULL, "%s needs a value: %s", typed, agent_options[o].value);
    if (g->given_count == GIVEN_MAX)
        return agent_fail(BAD_USAGE, NULL, "too many options");
    g->given[g->given_count++] = (struct given){(enum option_id)o, value};
    return -1;
}

/* --word, --word=value, --word value. */
static int long_option(struct agent *g, char **argv, int argc, int *i)
{
    struct str word = str_skip(str_c(argv[*i]), 2), value;
    size_t equals = str_find(word, '=');
    value = str_skip(word, equals + 1);
    word = str_head(word, equals);
    for (size_t o = 0; o < OPTION_COUNT; o++) {
        if (!str_eq(word, str_c(agent_options[o].word)))
            continue;
        if (!agent_options[o].value)
            return equals < str_skip(str_c(argv[*i]), 2).n
                       ? agent_fail(BAD_USAGE, NULL, "--%s takes no value", agent_options[o].word)
                       : give(g, o, NULL, argv[*i]);
        if (equals < str_skip(str_c(argv[*i]), 2).n)
            return give(g, o, value.p, argv[*i]);
        const char *typed = argv[*i];
        return give(g, o, *i + 1 < argc ? argv[++*i] : NULL, typed);
    }
    return unknown_option(argv[*i]);
}

/* -q, -qy, -cFILE, -c FILE. */
static int short_options(struct agent *g, char **argv, int argc, int *i)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        size_t o = 0;
        while (o < OPTION_COUNT && agent_options[o].letter != *c)
            o++;
        if (o == OPTION_COUNT)
            return unknown_option(argv[*i]);
        if (agent_options[o].value) {
            const char *typed = argv[*i];
            return give(g, o, c[1] ? c + 1 : *i + 1 < argc ? argv[++*i] : NULL, typed);
        }
        int status = give(g, o, NULL, argv[*i]);
        if (status >= 0)
            return status;
    }
    return -1;
}

/* The command with the most words that the arguments begin with. */
static uint32_t find_command(struct agent *g, const char *const *word, uint32_t count)
{
    uint32_t best = 0;
    for (size_t i = 0; i < agent_command_count; i++) {
        struct str rest = str_c(agent_commands[i].words), w;
        uint32_t n = 0;
        while ((w = str_word(&rest)).n && n < count && str_eq(w, str_c(word[n])))
            n++;
        if (!w.n && n > best) {
            best = n;
            g->command = &agent_commands[i];
        }
    }
    return best;
}

static const struct {
    const char *typed, *means;
} fingers[] = {{"q", "queue ls"},
               {"queue", "queue ls"},
               {"mailq", "queue ls"},
               {"t", "trace"},
               {"in", "ls"},
               {"users", "user ls"},
               {"domains", "domain ls"},
               {"aliases", "alias ls"},
               {"config", "config show"},
               {"--version", "version"}};

static void find_short(struct agent *g, const char *word)
{
    for (size_t i = 0; i < countof(fingers); i++)
        if (strcmp(word, fingers[i].typed) == 0)
            for (size_t c = 0; c < agent_command_count; c++)
                if (strcmp(agent_commands[c].words, fingers[i].means) == 0)
                    g->command = &agent_commands[c];
}

static int check_options(struct agent *g)
{
    for (uint32_t i = 0; i < g->given_count; i++) {
        enum option_id o = g->given[i].option;
        if (!agent_options[o].everywhere && !(g->command->options >> o & 1))
            return agent_fail(BAD_USAGE, NULL, "--%s does not belong to penny %s", agent_options[o].word, g->command->words);
    }
    if (agent_has(g, OPTION_HELP)) {
        agent_help_command(stdout, g->command);
        return agent_flush(DONE_OK);
    }
    if (g->arg_count < g->command->least) {
        agent_help_command(stderr, g->command);
        return BAD_USAGE;
    }
    if (g->arg_count > g->command->most)
        return agent_fail(BAD_USAGE, NULL, "penny %s takes no '%s'", g->command->words, g->arg[g->command->most]);
    return -1;
}

/* As penny serve chooses it. */
static const char *usual_dir(struct agent *g)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (process_is_root())
        return "/var/lib/penny";
    return agent_c(&g->a, data && data[0] == '/' ? agent_text(&g->a, "%s/penny", data)
                                                 : agent_text(&g->a, "%s/.local/share/penny", home ? home : "."));
}

static void settle(struct agent *g)
{
    const char *color = agent_option(g, OPTION_COLOR), *dir = agent_option(g, OPTION_DIR);
    const char *no_color = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");
    g->json = agent_has(g, OPTION_JSON);
    g->quiet = agent_has(g, OPTION_QUIET);
    g->yes = agent_has(g, OPTION_YES);
    g->dry_run = agent_has(g, OPTION_DRY_RUN);
    g->color = color && strcmp(color, "auto") != 0          ? strcmp(color, "always") == 0
               : force && *force && strcmp(force, "0") != 0 ? true
                                                            : g->to_terminal && !(no_color && *no_color);
    if (!dir)
        dir = getenv("PENNY_DIR");
    g->dir_named = dir && *dir;
    g->dir = g->dir_named ? dir : usual_dir(g);
}

int agent_args(struct agent *g, int argc, char **argv)
{
    const char **words = arena_array(&g->a, (size_t)argc + 1, sizeof *words);
    bool options = true;
    uint32_t count = 0;
    if (!words)
        return agent_fail(IO_ERROR, NULL, "no memory");
    for (int i = 1; i < argc; i++) {
        int status = -1;
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && count == 0 && strcmp(argv[i], "--version") == 0)
            words[count++] = argv[i];
        else if (options && argv[i][0] == '-' && argv[i][1] == '-')
            status = long_option(g, argv, argc, &i);
        else if (options && argv[i][0] == '-' && argv[i][1])
            status = short_options(g, argv, argc, &i);
        else
            words[count++] = argv[i];
        if (status >= 0)
            return status;
    }
    settle(g);
    uint32_t used = find_command(g, words, count);
    if (!g->command && count && (count == 1 || strcmp(words[0], "t") == 0 || strcmp(words[0], "in") == 0)) {
        find_short(g, words[0]);
        used = g->command ? 1 : 0;
    }
    g->arg = words + used;
    g->arg_count = count - used;
    if (!g->command && count)
        return agent_unknown(words[0], count > 1 ? words[1] : NULL);
    return g->command ? check_options(g) : -1;
}
