/* SPDX-License-Identifier: ISC */
/* Processes: our own binary again in another role, and what a process may still do to itself. */
#pragma once
#include <sys/types.h>
#include "base/compiler.h"
#include "base/outcome.h"
#include "base/str.h"

/* First thing in main: keeps a descriptor of the running binary, so that a replaced file never mixes versions, and opens 0, 1, 2
   on /dev/null if they are closed. */
bool process_init(struct why *why);

struct process_fd { int from, to; };   /* descriptor of ours, number in the child (3 …); each to once */
struct process_spec {
    const char *const *argv;           /* ended by NULL; argv[0] is the title: "penny: edge-mx" */
    const char *const *env;            /* NULL: ours */
    const struct process_fd *fds;      /* everything else but 0, 1, 2 is closed */
    size_t fd_count;                   /* at most PROCESS_FDS_MAX */
    uid_t uid; gid_t gid;              /* with change_user: no supplementary groups, no way back */
    bool change_user;
    bool no_new_privs;
    bool session;                      /* setsid: a terminal's ^C does not reach it; the parent stops it in order */
    bool keep_stdin;                   /* else 0 is /dev/null */
    int death_signal;                  /* what it gets when we die; 0: nothing */
};
enum { PROCESS_FDS_MAX = 64 };
/* The child's pid once exec has succeeded, or -1 with why (which step, which error). Blocks only for fork and exec. Signals are
   unblocked and default in the child. */
pid_t process_spawn(const struct process_spec *spec, struct why *why);
/* One ended child; false: none. Never blocks. */
bool process_reap(pid_t *pid, int *status);
struct process_text { char c[64]; };
/* "exit status 1", "killed by signal 11 (Segmentation fault), core dumped" */
struct process_text process_status_text(int status);
bool process_kill(pid_t pid, int signal);

void process_title(const char *title);      /* at most 15 bytes are kept: what ps and top call the thread */
bool process_own_session(void);             /* setsid; false: we lead a process group already (started by a shell) */
bool process_user_find(const char *name, uid_t *uid, gid_t *gid); /* name or number; before the sandbox */
bool process_user_drop(uid_t uid, gid_t gid, struct why *why);    /* for good; checked */
bool process_is_root(void);
bool process_no_new_privs(void);
void process_undumpable(void);              /* no core, no ptrace by the same user: for those who hold secrets */
void process_no_core(void);
uint64_t process_raise_nofile(void);        /* soft limit to hard limit; the limit that holds now */
bool process_hostname(char to[256]);        /* the kernel's */
unsigned process_cpus(void);

/* systemd without its library. state: "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…", "STATUS=…". No NOTIFY_SOCKET:
   nothing happens, true. */
bool process_notify(const char *state);
/* Sockets that systemd (or a test) passes: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES. Writes at most max, returns how many; unsets
   the variables; they get close-on-exec. */
struct process_listen { int fd; char name[64]; };
size_t process_listen_fds(struct process_listen *to, size_t max);
NORETURN void process_exit(int status);     /* without running atexit handlers */
