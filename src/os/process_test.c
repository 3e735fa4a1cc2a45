/* SPDX-License-Identifier: ISC */
/* The test's own binary is what is started again: a constructor that runs before main takes the role's part. */
#include "os/process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/test.h"
#include "os/fail.h"

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* What a started child says about itself on descriptor 5. */
static void child_part(char **argv)
{
    char out[400];
    sigset_t mask;
    struct sigaction pipe_action;
    int death = 0;
    struct stat null, in;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGPIPE, NULL, &pipe_action);
    prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
    bool null_in = stat("/dev/null", &null) == 0 && fstat(0, &in) == 0 && null.st_rdev == in.st_rdev;
    int n = snprintf(out, sizeof out, "%s|%s|open=%d|4=%d|leader=%d|blocked=%d|pipe=%s|uid=%d|nnp=%d|death=%d|null=%d|env=%s",
                     argv[0], argv[1], open_descriptors(), fcntl(4, F_GETFD) >= 0, getsid(0) == getpid(),
                     sigismember(&mask, SIGUSR1), pipe_action.sa_handler == SIG_DFL ? "default" : "other", (int)getuid(),
                     prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), death, null_in, getenv("PENNY_TEST") ? getenv("PENNY_TEST") : "");
    _exit(write(5, out, (size_t)n) == n ? 0 : 1);
}

__attribute__((constructor)) static void take_part(int argc, char **argv, char **env)
{
    (void)env;
    if (argc > 1 && strcmp(argv[1], "--say") == 0)
        child_part(argv);
    if (argc > 1 && strcmp(argv[1], "--segv") == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would catch it */
        process_no_core();
        raise(SIGSEGV);
    }
    if (argc > 1 && strcmp(argv[1], "--three") == 0)
        _exit(3);
    if (argc > 1 && strcmp(argv[1], "--stay") == 0)
        for (;;)
            pause();
}

static struct why why;

static pid_t start(const char *what, struct process_spec spec)
{
    const char *const argv[] = {"penny: test-role", what, NULL};
    spec.argv = argv;
    return process_spawn(&spec, &why);
}

static int wait_for(pid_t pid)
{
    pid_t ended;
    int status = -1;
    for (int64_t until = clock_mono_ms() + 10000; clock_mono_ms() < until; usleep(1000))
        if (process_reap(&ended, &status)) {
            CHECK_NUM(ended, pid);
            return status;
        }
    CHECK_NUM(0, 1);
    return -1;
}

static void read_all(int fd, char *to, size_t cap)
{
    size_t n = 0;
    for (ssize_t got; (got = read(fd, to + n, cap - 1 - n)) > 0;)
        n += (size_t)got;
    to[n] = 0;
    close(fd);
}

TEST(a_child_gets_what_was_given_and_nothing_else)
{
    char said[500], want[500];
    int p[2];
    sigset_t block;
    CHECK(process_init(&why));
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    signal(SIGPIPE, SIG_IGN);
    setenv("PENNY_TEST", "inherited", 1);
    int leak = dup(2); /* without close-on-exec */
    CHECK(pipe(p) == 0);
    /* Targets that are sources of others: 5 and 3 change places with what lies there. */
    int at3 = fcntl(p[1], F_DUPFD, 3);
    struct process_fd fds[] = {{p[1], 5}, {at3, 3}};
    pid_t pid =
        start("--say",
              (struct process_spec){.fds = fds, .fd_count = 2, .session = true, .no_new_privs = true, .death_signal = SIGTERM});
    CHECK(pid > 0);
    close(p[1]);
    close(at3);
    close(leak);
    read_all(p[0], said, sizeof said);
    snprintf(want, sizeof want,
             "penny: test-role|--say|open=5|4=0|leader=1|blocked=0|pipe=default|uid=%d|nnp=1|death=%d|null=1|env=inherited",
             (int)getuid(), SIGTERM);
    CHECK_STR(str_c(said), str_c(want));
    CHECK_NUM(wait_for(pid), 0);
    CHECK(pipe(p) == 0);
    const char *const env[] = {"PENNY_TEST=given", NULL};
    pid = start("--say", (struct process_spec){.fds = &(struct process_fd){p[1], 5}, .fd_count = 1, .env = env});
    close(p[1]);
    read_all(p[0], said, sizeof said);
    CHECK(strstr(said, "open=4|4=0|leader=0") && strstr(said, "nnp=0|death=0") && strstr(said, "env=given"));
    CHECK_NUM(wait_for(pid), 0);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

TEST(another_user)
{
    char said[500];
    int p[2];
    uid_t uid = 0;
    gid_t gid = 0;
    CHECK(process_user_find("root", &uid, &gid) && uid == 0);
    CHECK(!process_user_find("no-such-user-here", &uid, &gid) && !process_user_find("", &uid, &gid));
    bool have = process_user_find("nobody", &uid, &gid);
    CHECK(!process_is_root() || process_user_find("0", &(uid_t){0}, &(gid_t){0}));
    if (!process_is_root() || !have)
        return;
    CHECK(pipe(p) == 0);
    pid_t pid = start("--say", (struct process_spec){.fds = &(struct process_fd){p[1], 5},
                                                     .fd_count = 1,
                                                     .uid = uid,
                                                     .gid = gid,
                                                     .change_user = true,
                                                     .death_signal = SIGKILL});
    close(p[1]);
    CHECK(pid > 0);
    read_all(p[0], said, sizeof said);
    char want[50];
    snprintf(want, sizeof want, "uid=%d|nnp=0|death=9", (int)uid);
    CHECK(strstr(said, want) != NULL);
    CHECK_NUM(wait_for(pid), 0);
}

TEST(how_children_end)
{
    int status;
    pid_t pid = start("--three", (struct process_spec){0});
    CHECK_STR(str_c(process_status_text(wait_for(pid)).c), S("exit status 3"));
    pid = start("--segv", (struct process_spec){0});
    struct process_text t = process_status_text(wait_for(pid));
    CHECK(strstr(t.c, "killed by signal 11 (Segmentation fault)") == t.c);
    pid = start("--stay", (struct process_spec){0});
    CHECK(!process_reap(&(pid_t){0}, &status));
    CHECK(process_kill(pid, SIGTERM));
    CHECK(strstr(process_status_text(wait_for(pid)).c, "signal 15"));
    CHECK(!process_kill(0, 0) && !process_kill(-1, 0) && !process_kill(1, 0));
    CHECK(!process_reap(&(pid_t){0}, &status));
}

TEST(a_start_that_fails_says_where)
{
    struct process_fd bad = {190, 3};
    CHECK(start("--three", (struct process_spec){.fds = &bad, .fd_count = 1}) == -1);
    CHECK(strstr(why.text, "descriptors: Bad file descriptor") == why.text);
    for (uint64_t n = 1; n <= 2; n++) {
        os_fail_at(n, EAGAIN);
        CHECK(start("--three", (struct process_spec){0}) == -1);
        CHECK(strstr(why.text, n == 1 ? "pipe" : "fork") == why.text);
    }
    os_fail_at(0, 0);
    CHECK(!process_reap(&(pid_t){0}, &(int){0}));
    int before = open_descriptors();
    CHECK(start("--three", (struct process_spec){.fds = &bad, .fd_count = 1}) == -1);
    CHECK_NUM(open_descriptors(), before);
}

TEST(notify)
{
    char dir[] = "/tmp/penny-notify-XXXXXX", path[64], got[100] = "";
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/s", dir);
    unsetenv("NOTIFY_SOCKET");
    CHECK(process_notify("READY=1"));
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, path);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    setenv("NOTIFY_SOCKET", path, 1);
    CHECK(process_notify("READY=1\nSTATUS=ready"));
    CHECK(recv(fd, got, sizeof got - 1, 0) == 20);
    CHECK_STR(str_c(got), S("READY=1\nSTATUS=ready"));
    close(fd);
    CHECK(!process_notify("READY=1"));
    setenv("NOTIFY_SOCKET", "relative", 1);
    CHECK(!process_notify("READY=1"));
    /* the abstract name space */
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    int n = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "penny-test-%d", (int)getpid());
    CHECK(bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0);
    snprintf(path, sizeof path, "@penny-test-%d", (int)getpid());
    setenv("NOTIFY_SOCKET", path, 1);
    CHECK(process_notify("STOPPING=1") && recv(fd, got, sizeof got, 0) == 10);
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    unlink(a.sun_path);
    snprintf(path, sizeof path, "%s/s", dir);
    unlink(path);
    CHECK(rmdir(dir) == 0);
}

TEST(listen_fds)
{
    struct process_listen l[4];
    char pid[20];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    int status;
    pid_t child = fork(); /* it rearranges descriptors */
    if (child == 0) {
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        dup2(2, 3);
        dup2(2, 4);
        dup2(2, 5);
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "3", 1);
        setenv("LISTEN_FDNAMES", "smtp:submission", 1);
        bool ok = process_listen_fds(l, 4) == 3 && l[0].fd == 3 && l[2].fd == 5 && strcmp(l[0].name, "smtp") == 0 &&
                  strcmp(l[1].name, "submission") == 0 && l[2].name[0] == 0;
        ok =
            ok && !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES") && (fcntl(4, F_GETFD) & FD_CLOEXEC);
        _exit(!ok);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_NUM(status, 0);
    static const struct {
        const char *pid, *count;
    } cases[] = {{"1", "1"}, {"", "1"}, {NULL, "1"}, {"self", "x"}, {"self", "-1"}, {"self", "99999"}, {"self", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].pid)
            setenv("LISTEN_PID", strcmp(cases[i].pid, "self") == 0 ? pid : cases[i].pid, 1);
        if (cases[i].count)
            setenv("LISTEN_FDS", cases[i].count, 1);
        CHECK_NUM(process_listen_fds(l, 4), 0);
        CHECK(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS"));
    }
}

TEST(itself)
{
    char name[256], title[17] = "";
    struct rlimit r;
    CHECK(process_hostname(name) && name[0]);
    CHECK(process_cpus() >= 1);
    process_title("penny:test");
    CHECK(prctl(PR_GET_NAME, title, 0, 0, 0) == 0);
    CHECK_STR(str_c(title), S("penny:test"));
    CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0 && process_raise_nofile() == r.rlim_max);
    CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == r.rlim_max);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        process_undumpable();
        process_no_core();
        bool ok = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0;
        ok = ok && process_own_session() && getsid(0) == getpid() && !process_own_session();
        process_exit(!ok);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_NUM(status, 0);
    CHECK(process_user_drop(getuid(), getgid(), &why) || process_is_root());
}
