/* SPDX-License-Identifier: ISC */
/* Each case runs in a child of its own: enters the profile, does one thing, and the parent looks at how it ended. */
#include "os/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/facts.h"
#include "base/test.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/process.h"
#include "os/thread.h"

static char dir[64];

static bool no_facts(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

/* ---- what children do: true is exit status 0, false 1, death is death ---- */

static bool do_open(void) { return open("/etc/passwd", O_RDONLY) >= 0; }
static bool do_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool do_exec(void)
{
    char *argv[] = {(char *)(uintptr_t)"true", NULL};
    execv("/bin/true", argv);
    return false;
}
static bool do_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}
static int made_before = -1;
static bool do_connect(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect(made_before, (struct sockaddr *)&a, sizeof a) == 0 || errno == ECONNREFUSED;
}
static bool do_bind(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(made_before, (struct sockaddr *)&a, sizeof a) == 0;
}
static bool do_kill(void) { return kill(getppid(), 0) == 0; }
static bool do_ptrace(void) { return syscall(SYS_ptrace, 0, 0, 0, 0) == 0; }
static bool do_map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static bool do_raise_limit(void)
{
    struct rlimit r = {10, 10};
    return setrlimit(RLIMIT_NOFILE, &r) == 0;
}
static bool do_dumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0; }
static bool do_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_NAME, "x", 0, 0, 0) == 0; }
static bool do_options(void)
{
    net_nodelay(made_before);
    net_buffers(made_before, 65536, 65536);
    return true;
}
static bool do_ip_options(void) { return setsockopt(made_before, IPPROTO_IP, IP_TTL, &(int){9}, sizeof(int)) == 0; }
static bool do_isatty(void) { return !isatty(0) && errno == ENOTTY; }
static bool do_fstat(void)
{
    struct stat st;
    return fstat(0, &st) == 0;
}
static void *thread_body(void *p)
{
    void *memory = malloc(300000); /* an arena of its own */
    *(bool *)p = memory != NULL;
    free(memory);
    return NULL;
}
static bool do_thread(void)
{
    pthread_t t;
    bool ran = false;
    return pthread_create(&t, NULL, thread_body, &ran) == 0 && pthread_join(t, NULL) == 0 && ran;
}
static void ready(void *self, uint32_t what)
{
    (void)what;
    *(int *)self += 1;
}
static void job_run(struct job *j) { (void)j; }
static bool job_was_done;
static void job_done(struct job *j)
{
    (void)j;
    job_was_done = true;
}
/* The whole life of a role's plumbing: loop, eventfd, signals, sockets, a pool, time, randomness. */
static bool do_plumbing(void)
{
    const int signals[] = {SIGTERM, 0};
    struct loop_signals s;
    struct loop_io io;
    int fds[2], seen = 0;
    struct loop *loop = loop_new();
    struct pool *p = loop ? pool_new(loop, "test", 2, 4, 0) : NULL;
    struct job j = {job_run, job_done, NULL};
    struct buf b;
    if (!p || !loop_signals_start(&s, loop, signals, NULL, NULL) || !net_pair(fds) || !pool_submit(p, &j))
        return false;
    loop_io_init(&io, loop, ready, &seen);
    bool ok = loop_io_start(&io, fds[0], LOOP_READ) && write(fds[1], "x", 1) == 1;
    for (int64_t until = clock_mono_ms() + 10000; !(seen && job_was_done) && clock_mono_ms() < until;)
        loop_turn(loop, 50);
    buf_init(&b, 100);
    ok = ok && seen > 0 && job_was_done && net_read(fds[0], &b, 10) == NET_OK;
    loop_io_stop(&io);
    loop_signals_stop(&s);
    pool_free(p);
    loop_free(loop);
    buf_free(&b);
    return ok;
}
static bool do_store(void)
{
    char path[96], other[96], inner[96];
    snprintf(path, sizeof path, "%s/a", dir);
    snprintf(other, sizeof other, "%s/b", dir);
    snprintf(inner, sizeof inner, "%s/d/e", dir);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    bool ok =
        fd >= 0 && pwrite(fd, "abc", 3, 0) == 3 && fdatasync(fd) == 0 && ftruncate(fd, 2) == 0 && fcntl(fd, F_SETLK, &lock) == 0;
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ok = ok && map != MAP_FAILED && rename(path, other) == 0 && unlink(other) == 0;
    ok = ok && file_make_dirs(inner, 0700, NULL) == DONE && file_write(path, S("x"), 0600, NULL) == DONE && unlink(path) == 0;
    return ok && open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES;
}
static bool do_store_elsewhere(void) { return open("/tmp/penny-sandbox-forbidden", O_WRONLY | O_CREAT, 0600) >= 0; }
static bool do_abort(void) { abort(); }
static bool do_nothing(void) { return true; }
static bool do_spawn(void)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        char *argv[] = {(char *)(uintptr_t)"true", NULL};
        execv("/bin/true", argv);
        _exit(9);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
static bool do_listen(void)
{
    int fd = net_listen("127.0.0.1", 0, NULL);
    return fd >= 0;
}

/* ---- the table ---- */

enum end { LIVES, SAYS_NO, DIES, ABORTS };

static enum end run_child(enum sandbox_role role, bool (*act)(void), unsigned *in_force)
{
    int pipe_fds[2], status;
    unsigned got = 0;
    CHECK(pipe(pipe_fds) == 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct why why = {{0}, {0}};
        struct sandbox_path paths[] = {{dir, true}, {"/", false}};
        struct sandbox_profile p = {.role = role,
                                    .paths = paths,
                                    .path_count = role == SANDBOX_MASTER                            ? 2
                                                  : role == SANDBOX_STORE || role == SANDBOX_SINGLE ? 1
                                                                                                    : 0};
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        fact_sink(no_facts, NULL);
        if (!sandbox_enter(&p, &got, &why)) {
            fprintf(stderr, "sandbox_enter: %s\n", why.text);
            _exit(99);
        }
        if (write(pipe_fds[1], &got, sizeof got) != (ssize_t)sizeof got)
            _exit(98);
        bool ok = act();
        _exit(ok ? 0 : 1);
    }
    close(pipe_fds[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(read(pipe_fds[0], in_force ? in_force : &got, sizeof got) == (ssize_t)sizeof got);
    close(pipe_fds[0]);
    if (WIFSIGNALED(status)) {
        if (WTERMSIG(status) != SIGSYS && WTERMSIG(status) != SIGABRT)
            fprintf(stderr, "%s\n", process_status_text(status).c);
        CHECK(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGABRT);
        return WTERMSIG(status) == SIGSYS ? DIES : ABORTS;
    }
    CHECK_NUM(WEXITSTATUS(status) > 1 ? WEXITSTATUS(status) : 0, 0);
    return WEXITSTATUS(status) == 0 ? LIVES : SAYS_NO;
}

#define M SANDBOX_MASTER
#define E SANDBOX_EDGE
#define T SANDBOX_STORE
#define K SANDBOX_KEYS
#define U SANDBOX_SINGLE
#define D SANDBOX_DNS
#define R SANDBOX_RELAY
static const struct { enum sandbox_role role; const char *name; bool (*act)(void); enum end end;
} cases[] = {
#define CASE(role, act, end) {role, #role " " #act, act, end}
    CASE(E, do_open, DIES),      CASE(E, do_socket, DIES),      CASE(E, do_connect, DIES),   CASE(E, do_bind, DIES),
    CASE(E, do_exec, DIES),      CASE(E, do_fork, DIES),        CASE(E, do_kill, DIES),      CASE(E, do_ptrace, DIES),
    CASE(E, do_map_code, DIES),  CASE(E, do_raise_limit, DIES), CASE(E, do_dumpable, DIES),  CASE(E, do_undumpable, LIVES),
    CASE(E, do_options, LIVES),  CASE(E, do_ip_options, DIES),  CASE(T, do_options, LIVES),  CASE(K, do_undumpable, LIVES),
    CASE(E, do_isatty, LIVES),   CASE(E, do_fstat, LIVES),      CASE(E, do_thread, LIVES),   CASE(E, do_plumbing, LIVES),
    CASE(E, do_abort, ABORTS),   CASE(E, do_nothing, LIVES),    CASE(K, do_open, DIES),      CASE(K, do_socket, DIES),
    CASE(K, do_connect, DIES),   CASE(K, do_exec, DIES),        CASE(K, do_fork, DIES),      CASE(K, do_plumbing, LIVES),
    CASE(K, do_thread, LIVES),   CASE(T, do_open, SAYS_NO),     CASE(T, do_store, LIVES),    CASE(T, do_store_elsewhere, SAYS_NO),
    CASE(T, do_socket, DIES),    CASE(T, do_connect, DIES),     CASE(T, do_exec, DIES),      CASE(T, do_fork, DIES),
    CASE(T, do_kill, DIES),      CASE(T, do_plumbing, LIVES),   CASE(T, do_thread, LIVES),   CASE(T, do_map_code, DIES),
    CASE(U, do_open, SAYS_NO),   CASE(U, do_store, LIVES),      CASE(U, do_plumbing, LIVES), CASE(U, do_exec, DIES),
    CASE(U, do_fork, DIES),      CASE(U, do_connect, LIVES),   CASE(U, do_listen, LIVES),   CASE(M, do_open, LIVES),
    CASE(M, do_spawn, LIVES),    CASE(M, do_plumbing, LIVES),   CASE(M, do_listen, LIVES),   CASE(M, do_store_elsewhere, SAYS_NO),
    CASE(M, do_ptrace, SAYS_NO), CASE(D, do_open, DIES),        CASE(D, do_socket, LIVES),   CASE(D, do_connect, SAYS_NO),
    CASE(D, do_exec, DIES),      CASE(D, do_fork, DIES),        CASE(D, do_listen, SAYS_NO), CASE(D, do_plumbing, LIVES),
    CASE(D, do_thread, LIVES),   CASE(D, do_map_code, DIES),    CASE(R, do_open, DIES),      CASE(R, do_socket, LIVES),
    CASE(R, do_connect, SAYS_NO), CASE(R, do_exec, DIES),       CASE(R, do_bind, DIES),      CASE(R, do_plumbing, LIVES),
};

TEST(forbidden_calls_end_the_role_and_allowed_ones_work)
{
    unsigned in_force = 0;
    snprintf(dir, sizeof dir, "/tmp/penny-sandbox-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    made_before = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(run_child(SANDBOX_EDGE, do_nothing, &in_force) == LIVES);
#ifdef PENNY_SANITIZED
    CHECK((in_force & SANDBOX_SECCOMP) == 0); /* the relaxed profile says that it is none */
    CHECK(run_child(SANDBOX_STORE, do_store_elsewhere, NULL) == ((in_force & SANDBOX_FILES) ? SAYS_NO : LIVES));
    CHECK(run_child(SANDBOX_EDGE, do_plumbing, NULL) == LIVES);
    CHECK(cases[0].act == do_open && cases[0].end == DIES);
#else
    CHECK(in_force & SANDBOX_SECCOMP);
    CHECK(run_child(SANDBOX_MASTER, do_nothing, &in_force) == LIVES);
    bool master_filter = in_force & SANDBOX_SECCOMP; /* takes root */
    CHECK(master_filter || geteuid() != 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].act == do_ptrace && cases[i].role == M && !master_filter)
            continue;
        if (cases[i].end == SAYS_NO && cases[i].act != do_ptrace && !(in_force & SANDBOX_FILES))
            continue; /* an old kernel has no Landlock: what only that refuses cannot be tried */
        if (cases[i].act == do_store && !(in_force & SANDBOX_FILES))
            continue;
        enum end end = run_child(cases[i].role, cases[i].act, NULL);
        if (end != cases[i].end)
            test_fail(__FILE__, __LINE__, "%s: ended as %d, wanted %d", cases[i].name, (int)end, (int)cases[i].end);
        test_checks++;
    }
#endif
    close(made_before);
    char path[96];
    snprintf(path, sizeof path, "%s/d/e", dir);
    rmdir(path);
    snprintf(path, sizeof path, "%s/d", dir);
    rmdir(path);
    CHECK(rmdir(dir) == 0);
    unlink("/tmp/penny-sandbox-forbidden");
}

static void *sleeper(void *p)
{
    pthread_mutex_lock(p);
    pthread_mutex_unlock(p);
    return NULL;
}

TEST(refused_when_a_thread_runs_already)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct sandbox_profile p = {.role = SANDBOX_EDGE};
    struct why why = {{0}, {0}};
    pthread_t t;
    pthread_mutex_lock(&gate);
    CHECK(pthread_create(&t, NULL, sleeper, &gate) == 0);
    CHECK(!sandbox_enter(&p, NULL, &why));
    CHECK(strstr(why.text, "thread") != NULL);
    pthread_mutex_unlock(&gate);
    pthread_join(t, NULL);
}

TEST(a_path_that_is_not_there_is_named)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_path path = {"/no/such/place", true};
        struct sandbox_profile p = {.role = SANDBOX_STORE, .paths = &path, .path_count = 1};
        struct why why = {{0}, {0}};
        unsigned got = 0;
        fact_sink(no_facts, NULL);
        bool entered = sandbox_enter(&p, &got, &why);
        _exit(entered ? (got & SANDBOX_FILES) != 0 : strstr(why.text, "/no/such/place") == NULL);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_NUM(status, 0);
}
