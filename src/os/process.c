/* SPDX-License-Identifier: ISC */
/* What a process does to itself, and what it hears of its children. Starting one is in process_spawn.c. */
#include "os/process.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/str.h"
#include "os/fail.h"
#include "os/inside.h"

bool process_reap(pid_t *pid, int *status)
{
    pid_t p;
    do
        p = waitpid(-1, status, WNOHANG);
    while (p < 0 && errno == EINTR);
    *pid = p;
    return p > 0;
}

struct process_text process_status_text(int status)
{
    struct process_text t;
    if (WIFSIGNALED(status))
        snprintf(t.c, sizeof t.c, "killed by signal %d (%.24s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "");
    else
        snprintf(t.c, sizeof t.c, "exit status %d", WEXITSTATUS(status));
    return t;
}

bool process_kill(pid_t pid, int signal)
{
    return pid > 1 && kill(pid, signal) == 0; /* never 0 or -1: that would be our group, or everybody */
}

void process_title(const char *title)
{
    (void)prctl(PR_SET_NAME, title, 0, 0, 0);
}

bool process_own_session(void)
{
    return setsid() >= 0;
}

bool process_user_find(const char *name, uid_t *uid, gid_t *gid)
{
    char storage[4096];
    struct passwd entry, *found = NULL;
    uint64_t number;
    if (str_to_u64(str_c(name), &number) && number <= INT32_MAX)
        (void)getpwuid_r((uid_t)number, &entry, storage, sizeof storage, &found);
    else
        (void)getpwnam_r(name, &entry, storage, sizeof storage, &found);
    if (!found)
        return false;
    *uid = found->pw_uid;
    *gid = found->pw_gid;
    return true;
}

bool process_user_drop(uid_t uid, gid_t gid, struct why *why)
{
    if (uid == getuid() && uid == geteuid() && gid == getgid() && uid != 0)
        return true;
    const char *step = "setgroups";
    bool ok = OS_CALL(setgroups(0, NULL)) == 0;
    if (ok) {
        step = "setresgid";
        ok = OS_CALL(setresgid(gid, gid, gid)) == 0;
    }
    if (ok) {
        step = "setresuid";
        ok = OS_CALL(setresuid(uid, uid, uid)) == 0;
    }
    if (!ok) {
        why_errno(why, step, errno);
        return false;
    }
    if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
        why_text(why, "root could be regained after the change of user");
        return false;
    }
    return true;
}

bool process_is_root(void)
{
    return geteuid() == 0;
}

bool process_no_new_privs(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void process_undumpable(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void process_no_core(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
}

uint64_t process_raise_nofile(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 0;
    rlim_t before = r.rlim_cur;
    r.rlim_cur = r.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &r) == 0 ? r.rlim_max : before;
}

bool process_hostname(char to[256])
{
    if (gethostname(to, 256) != 0)
        to[0] = 0;
    to[255] = 0;
    return to[0] != 0;
}

unsigned process_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

NORETURN void process_exit(int status)
{
    _exit(status);
}
