/* SPDX-License-Identifier: ISC */
#include "os/sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "base/facts.h"
#include "os/inside.h"
#include "os/process.h"
#include "os/sandbox_inside.h"

#ifdef PENNY_SANITIZED
static const bool relaxed = true; /* a sanitizer reads /proc, maps memory at will and starts a process to look for leaks */
#else
static const bool relaxed = false;
#endif

const char *sandbox_role_name(enum sandbox_role role)
{
    static const char *const names[] = {"master", "edge", "store", "keys", "single", "dns", "relay"};
    return role <= SANDBOX_RELAY ? names[role] : "?";
}

static unsigned count_threads(void)
{
    DIR *d = opendir("/proc/self/task");
    unsigned n = 0;
    if (!d)
        return 1; /* without /proc nobody can tell */
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static bool no(struct why *why, const char *what, int error)
{
    why_errno(why, what, error);
    return false;
}

static void report(const struct sandbox_profile *p, unsigned in_force, const char *hint)
{
    enum fact_level level = *hint ? FACT_WARN : FACT_INFO;
    fact(level, "os.sandbox", fact_c("profile", relaxed ? "relaxed" : sandbox_role_name(p->role)),
         fact_num("seccomp", (in_force & SANDBOX_SECCOMP) != 0), fact_num("files", (in_force & SANDBOX_FILES) != 0),
         fact_num("net", (in_force & SANDBOX_NET) != 0), fact_c("hint", hint));
}

bool sandbox_enter(const struct sandbox_profile *p, unsigned *in_force, struct why *why)
{
    unsigned got = 0;
    const char *failed, *hint = "";
    bool master = p->role == SANDBOX_MASTER;
    bool may = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; /* else only privilege lets a filter in */
    if (count_threads() > 1) {
        why_text(why, "a thread runs already: it would keep its rights");
        return false;
    }
    if (!master && !may && !process_no_new_privs())
        return no(why, "no_new_privs", errno);
    int error = sandbox_landlock(p, relaxed, &got, &failed);
    if (error != 0 && !(master && !may && error == -EPERM))
        return no(why, failed ? failed : "landlock", -error);
    if (!(got & SANDBOX_FILES))
        hint = "files are not walled off: the kernel has no Landlock, or it is switched off (lsm= on its command line)";
    else if (!(got & SANDBOX_NET) && !relaxed && !sandbox_any_port(p->role))
        hint = "TCP is not walled off by Landlock: the kernel is older than 6.7; seccomp still is in the way";
    if (!relaxed) {
        error = sandbox_filter_load(p->role, !master);
        if (error != 0 && !(master && !may && (error == -EACCES || error == -EPERM || error == -ECANCELED)))
            return no(why, "seccomp", -error);
        got |= error == 0 ? SANDBOX_SECCOMP : 0U;
        if (error != 0)
            hint = "the master has no filter: that takes privilege or no_new_privs";
    }
    report(p, got, hint);
    if (in_force)
        *in_force = got;
    return true;
}
