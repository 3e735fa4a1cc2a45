/* SPDX-License-Identifier: ISC */
/* What a role may still ask of the kernel: a seccomp allow-list by role and Landlock rules for files and TCP. Enter before any
   thread is started: a thread that runs already keeps its rights. Descriptors that are open stay usable.

   | role   | files                       | sockets                                     | otherwise                           |
   | master | the paths given             | makes, binds, passes descriptors            | spawns; kills its roles             |
   | edge   | none                        | accepts, reads, writes; makes and connects none | threads, memory, clock, random  |
   | store  | the paths given             | accepts on what it inherited                | fdatasync, locks, rename (SQLite)   |
   | keys   | none                        | reads and writes its links                  | as edge                             |
   | dns    | none                        | UDP; TCP connects to the ports given        | as edge; libunbound's thread        |
   | relay  | none                        | connects to the ports given                 | as edge                             |
   | single | the paths given             | union of all                                | no exec                             |

   What is not on the list kills the process (edge, keys, store, single) with SIGSYS; a few harmless calls that libraries try get
   ENOSYS or EPERM. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/compiler.h"
#include "base/outcome.h"
#include <stdbool.h>

enum sandbox_role { SANDBOX_MASTER, SANDBOX_EDGE, SANDBOX_STORE, SANDBOX_KEYS, SANDBOX_SINGLE, SANDBOX_DNS, SANDBOX_RELAY };

struct sandbox_path {
    const char *path;   /* a directory (with all below it) or a file that exists */
    bool write;         /* also create, write, truncate, rename and remove within */
};
struct sandbox_profile {
    enum sandbox_role role;
    const struct sandbox_path *paths;
    size_t path_count;
    const uint16_t *ports;  /* dns, relay: TCP ports that it may connect to */
    size_t port_count;
};

enum sandbox_level {    /* bits of what is in force */
    SANDBOX_SECCOMP = 1, SANDBOX_FILES = 2, SANDBOX_NET = 4,
};
/* False with why: the role must not go on. Where the kernel lacks Landlock a fact says so and the rest holds. *in_force (may be
   NULL): enum sandbox_level. Sets no_new_privs, but for master, whose children may be set-uid programs: without privilege and
   without an earlier process_no_new_privs() it gets no seccomp filter and a warning. A master that starts nothing but roles calls
   process_no_new_privs() first. Sanitizer builds (PENNY_SANITIZED) get the named profile "relaxed": Landlock only for writing, no
   seccomp, and say so. */
bool sandbox_enter(const struct sandbox_profile *profile, unsigned *in_force, struct why *why) MUST_USE;
const char *sandbox_role_name(enum sandbox_role role);
