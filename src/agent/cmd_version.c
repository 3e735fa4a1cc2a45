// SPDX-License-Identifier: ISC
/* penny version, man, completion */
#include "agent/inside.h"

#ifndef PENNY_VERSION
#define PENNY_VERSION "0.1"
#endif

int agent_do_version(struct agent *g)
{
    if (g->json)
        puts("{\"v\":1,\"name\":\"penny\",\"version\":\"" PENNY_VERSION "\"}");
    else
        puts("penny " PENNY_VERSION);
    return agent_flush(DONE_OK);
}

int agent_do_completion(struct agent *g)
{
    if (strcmp(g->arg[0], "bash") != 0)
        return agent_fail(BAD_USAGE, "bash is there: penny completion bash > /usr/share/bash-completion/completions/penny",
                          "no completion for '%s'", g->arg[0]);
    puts("# bash completion for penny; made by: penny completion bash\n_penny() {\n    local cur=${COMP_WORDS[COMP_CWORD]} "
         "prev=${COMP_WORDS[COMP_CWORD-1]} words=''\n"
         "    case \" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" in");
    for (size_t i = 0; i < agent_command_count; i++) { /* second words, each noun once */
        struct str rest = str_c(agent_commands[i].words), noun = str_word(&rest);
        bool seen = !rest.n;
        for (size_t j = 0; j < i && !seen; j++) {
            struct str r = str_c(agent_commands[j].words);
            seen = str_eq(str_word(&r), noun);
        }
        if (seen)
            continue;
        printf("    *' %.*s '*) words='", STR_ARG(noun));
        for (size_t j = i; j < agent_command_count; j++) {
            struct str r = str_c(agent_commands[j].words);
            if (str_eq(str_word(&r), noun) && r.n)
                printf("%.*s ", STR_ARG(str_trim(r)));
        }
        puts("';;");
    }
    fputs("    *) words='", stdout);
    for (size_t i = 0; i < agent_command_count; i++) {
        struct str rest = str_c(agent_commands[i].words), first = str_word(&rest);
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++) {
            struct str r = str_c(agent_commands[j].words);
            seen = str_eq(str_word(&r), first);
        }
        if (!seen)
            printf("%.*s ", STR_ARG(first));
    }
    fputs("';;\n    esac\n    case $prev in\n    explain) words+=' ", stdout);
    const char *word;
    for (size_t i = 0; (word = config_word(i)); i++)
        printf("%s ", word);
    fputs("';;\n    -c|--config|-a|--attach|--html|--trust|-o|--output|--dir) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n  "
          "  esac\n    [[ $cur == -* ]] && words='",
          stdout);
    for (size_t o = 0; o < OPTION_COUNT; o++)
        printf("--%s ", agent_options[o].word);
    puts("'\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _penny penny");
    return agent_flush(DONE_OK);
}
