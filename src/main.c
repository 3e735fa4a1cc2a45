// SPDX-License-Identifier: ISC
/* Only chooses: a server, one of its roles, or a command. */
#include <stdio.h>
#include <string.h>
#include "agent/agent.h"
#include "base/outcome.h"
#include "daemon/daemon.h"
#include "os/process.h"

int main(int argc, char **argv)
{
    struct why why = {"", ""};
    if (!process_init(&why)) {
        fprintf(stderr, "penny: %s\n", why.text);
        return 71;
    }
    if (argc > 1 && strcmp(argv[1], "role") == 0)
        return daemon_role(argc - 1, argv + 1);
    for (int i = 1; i < argc; i++) { /* penny --dir DIR serve, too: the options before the word go behind it */
        if (strcmp(argv[i], "serve") == 0) {
            char *word = argv[i];
            for (int j = i; j > 1; j--)
                argv[j] = argv[j - 1];
            argv[1] = word;
            return daemon_serve(argc - 1, argv + 1);
        }
        bool takes_value = strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "--dir") == 0;
        if (argv[i][0] != '-')
            break;
        i += takes_value;
    }
    return agent_main(argc, argv);
}
