/* SPDX-License-Identifier: ISC */
/* fork, arrange descriptors and rights, exec ourselves. The child reports a step that failed through a pipe that a successful
   exec closes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/check.h"
#include "os/fail.h"
#include "os/inside.h"
#include "os/process.h"

extern char **environ;

static int self_fd = -1; /* the binary that runs */

bool process_init(struct why *why)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int got = open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY); /* the lowest free number, which is fd */
        if (got != fd) {
            why_errno(why, "/dev/null", got < 0 ? errno : EBADF);
            return false;
        }
    }
    if (self_fd >= 0)
        return true;
    self_fd = OS_CALL(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (self_fd < 0)
        why_errno(why, "/proc/self/exe", errno);
    return self_fd >= 0;
}

struct failure { char step[32]; int error; };

NORETURN static void give_up(int report, const char *step)
{
    struct failure f = {.error = errno};
    snprintf(f.step, sizeof f.step, "%s", step);
    ssize_t n = write(report, &f, sizeof f);
    (void)n;
    _exit(127);
}

/* Sources move above every target first, so that no dup2 overwrites one that is still needed. */
static bool place_descriptors(const struct process_spec *spec, int *report)
{
    int from[PROCESS_FDS_MAX], above = 3;
    for (size_t i = 0; i < spec->fd_count; i++)
        above = spec->fds[i].to >= above ? spec->fds[i].to + 1 : above;
    *report = fcntl(*report, F_DUPFD_CLOEXEC, above);
    int self = fcntl(self_fd, F_DUPFD_CLOEXEC, above);
    if (*report < 0 || self < 0)
        return false;
    self_fd = self;
    for (size_t i = 0; i < spec->fd_count; i++)
        if ((from[i] = fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC, above)) < 0)
            return false;
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return false;
    for (size_t i = 0; i < spec->fd_count; i++)
        if (dup2(from[i], spec->fds[i].to) < 0) /* the copy is not close-on-exec */
            return false;
    int null = spec->keep_stdin ? 0 : open("/dev/null", O_RDONLY | O_CLOEXEC);
    return null >= 0 && (null == 0 || dup2(null, 0) == 0);
}

static void default_signals(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL); /* an ignored signal would stay ignored over exec */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

NORETURN static void child(const struct process_spec *spec, int report, pid_t parent)
{
    struct why why = {{0}, {0}};
    default_signals();
    if (!place_descriptors(spec, &report))
        give_up(report, "descriptors");
    if (spec->session && setsid() < 0)
        give_up(report, "setsid");
    if (spec->change_user && !process_user_drop(spec->uid, spec->gid, &why))
        give_up(report, "change of user");
    if (spec->no_new_privs && !process_no_new_privs())
        give_up(report, "no_new_privs");
    /* After the change of user, which would clear it. The parent may have died before it was set. */
    if (spec->death_signal && (prctl(PR_SET_PDEATHSIG, spec->death_signal, 0, 0, 0) != 0 || getppid() != parent))
        give_up(report, "death signal");
    union { const char *const *in; char *const *out; } argv = {.in = spec->argv}, env = {.in = spec->env};
    execveat(self_fd, "", argv.out, spec->env ? env.out : environ, AT_EMPTY_PATH);
    give_up(report, "exec");
}

pid_t process_spawn(const struct process_spec *spec, struct why *why)
{
    int report[2];
    struct failure f;
    check(self_fd >= 0 && spec->fd_count <= PROCESS_FDS_MAX);
    for (size_t i = 0; i < spec->fd_count; i++)
        check(spec->fds[i].to >= 3);
    if (OS_CALL(pipe2(report, O_CLOEXEC)) != 0) {
        why_errno(why, "pipe", errno);
        return -1;
    }
    pid_t parent = getpid(), pid = OS_CALL(fork());
    if (pid == 0)
        child(spec, report[1], parent);
    int error = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        why_errno(why, "fork", error);
        return -1;
    }
    ssize_t n;
    do
        n = read(report[0], &f, sizeof f);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == 0)
        return pid;
    (void)waitpid(pid, NULL, 0);
    if (n == (ssize_t)sizeof f) {
        f.step[sizeof f.step - 1] = 0;
        why_errno(why, f.step, f.error);
    } else {
        why_text(why, "the child ended before exec");
    }
    return -1;
}
