/* SPDX-License-Identifier: ISC */
/* The server: `penny serve` and, re-executed by it, the roles. */
#pragma once

/* penny serve [-c FILE] [--dir DIR] [--single] [--user NAME]; argv[0] is "serve". Runs in the foreground until SIGTERM or SIGINT;
   returns the exit status (0: orderly stop; 64 usage, 78 configuration, 71 and others of sysexits.h; a line on standard error
   says what and where). */
int daemon_serve(int argc, char **argv);
/* The entry of a role's process: argv[0] is "role", argv[1] its name; descriptor 3 is the link to master. Nobody types that. */
int daemon_role(int argc, char **argv);
