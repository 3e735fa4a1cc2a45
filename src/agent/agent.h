// SPDX-License-Identifier: ISC
/* The command line: the operator's commands and the user agent. */
#pragma once

/* One command: argv[0] is the program, the rest is what was typed. Returns the exit status (penny(1), EXIT STATUS). */
int agent_main(int argc, char **argv);
