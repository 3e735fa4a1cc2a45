/* SPDX-License-Identifier: ISC */
#include "base/check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/test.h"

TEST(a_failed_check_says_where_and_ends_the_process)
{
    int fds[2], status;
    char said[600] = "";
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        struct buf b;
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], 2);
        buf_init(&b, 10);
        buf_wrote(&b, 1); /* without a buf_reserve */
        _exit(0);
    }
    close(fds[1]);
    ssize_t n = read(fds[0], said, sizeof said - 1);
    close(fds[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(n > 0 && strstr(said, "penny: bug: src/base/buf.c:") == said && said[n - 1] == '\n');
}

TEST(a_check_that_holds_does_nothing_and_is_evaluated_once)
{
    int n = 0;
    check(++n == 1);
    CHECK_NUM(n, 1);
}
