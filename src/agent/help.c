// SPDX-License-Identifier: ISC
/* Help, from the tables. */
#include "agent/inside.h"

static const char *const group_names[GROUP_COUNT] = {
    [RUN] = "run",   [LOOK] = "look", [QUEUE] = "queue", [PEOPLE] = "people and names", [CONFIG] = "configuration",
    [DATA] = "data", [MAIL] = "mail", [TOOLS] = "tools",
};

void agent_help(FILE *to)
{
    fputs("penny: a whole mail system in one program\n\nusage: penny [OPTIONS] COMMAND [ARGUMENTS]\n", to);
    for (int g = 0; g < GROUP_COUNT; g++) {
        fprintf(to, "\n%s\n", group_names[g]);
        for (size_t i = 0; i < agent_command_count; i++)
            if (agent_commands[i].group == (enum group)g)
                fprintf(to, "  %-16s %s\n", agent_commands[i].words, agent_commands[i].what);
    }
    fputs("\noptions of every command\n", to);
    for (size_t o = 0; o < OPTION_COUNT; o++)
        if (agent_options[o].everywhere) {
            const struct option_row *r = &agent_options[o];
            fprintf(to, "  %c%c %s--%s%s%s\n        %s\n", r->letter ? '-' : ' ', r->letter ? r->letter : ' ',
                    r->letter ? ", " : "  ", r->word, r->value ? " " : "", r->value ? r->value : "", r->help);
        }
    fputs("\npenny help COMMAND    more of one        penny man    the manual page\n", to);
}

void agent_help_command(FILE *to, const struct command *c)
{
    fprintf(to, "usage: penny %s%s%s\n       %s\n", c->words, *c->arguments ? " " : "", c->arguments, c->what);
    for (size_t o = 0; o < OPTION_COUNT; o++)
        if (c->options >> o & 1) {
            const struct option_row *r = &agent_options[o];
            fprintf(to, "  %c%c %s--%s%s%s\n        %s\n", r->letter ? '-' : ' ', r->letter ? r->letter : ' ',
                    r->letter ? ", " : "  ", r->word, r->value ? " " : "", r->value ? r->value : "", r->help);
        }
}

int agent_unknown(const char *word, const char *second)
{
    const char *words[128], *near[2];
    size_t count = 0;
    bool is_noun = false;
    for (size_t i = 0; i < agent_command_count; i++) {
        struct str rest = str_c(agent_commands[i].words), first = str_word(&rest);
        if (rest.n && str_eq(first, str_c(word))) { /* penny user … */
            is_noun = true;
            if (count < countof(words))
                words[count++] = str_trim(rest).p;
        }
    }
    if (is_noun) {
        size_t n = second ? config_nearest(str_c(second), words, count, near) : 0;
        if (n)
            return agent_fail(BAD_USAGE, NULL, "unknown word '%s' behind '%s': did you mean '%s'?", second, word, near[0]);
        fprintf(stderr, "penny: %s '%s'", second ? "unknown word behind" : "something is missing behind", word);
        for (size_t i = 0; i < count; i++)
            fprintf(stderr, "%s%s", i ? " | " : ": ", words[i]);
        fputc('\n', stderr);
        return BAD_USAGE;
    }
    for (size_t i = 0; i < agent_command_count && count < countof(words); i++) {
        struct str rest = str_c(agent_commands[i].words), first = str_word(&rest);
        if (!rest.n)
            words[count++] = first.p;
    }
    static const char *const nouns[] = {"user", "domain", "alias", "queue", "config", "store", "account"};
    for (size_t i = 0; i < countof(nouns) && count < countof(words); i++)
        words[count++] = nouns[i];
    size_t n = config_nearest(str_c(word), words, count, near);
    if (n == 2)
        return agent_fail(BAD_USAGE, NULL, "unknown command '%s': did you mean '%s' or '%s'?", word, near[0], near[1]);
    return n ? agent_fail(BAD_USAGE, NULL, "unknown command '%s': did you mean '%s'?", word, near[0])
             : agent_fail(BAD_USAGE, "penny help lists the commands", "unknown command '%s'", word);
}

int agent_do_help(struct agent *g)
{
    if (g->arg_count == 0) {
        agent_help(stdout);
        return agent_flush(DONE_OK);
    }
    bool found = false;
    for (size_t i = 0; i < agent_command_count; i++) {
        struct str rest = str_c(agent_commands[i].words), w;
        uint32_t n = 0;
        while (n < g->arg_count && (w = str_word(&rest)).n && str_eq(w, str_c(g->arg[n])))
            n++;
        if (n == g->arg_count) {
            fputs(found ? "\n" : "", stdout);
            agent_help_command(stdout, &agent_commands[i]);
            found = true;
        }
    }
    return found ? agent_flush(DONE_OK) : agent_unknown(g->arg[0], g->arg_count > 1 ? g->arg[1] : NULL);
}
