/* SPDX-License-Identifier: ISC */
#include "os/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "base/test.h"
#include "os/fail.h"

static char dir[] = "/tmp/penny-file-XXXXXX", path[200];
static struct buf got;
static struct why why;

static const char *in_dir(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static unsigned entries(void)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

TEST(write_and_read)
{
    struct stat st;
    CHECK(mkdtemp(dir) != NULL);
    buf_init(&got, 100);
    CHECK(file_write(in_dir("a"), S("first"), 0640, &why) == DONE);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
    CHECK(file_write(path, S("second, longer"), 0600, &why) == DONE);
    CHECK(file_read(path, 100, &got, &why) == DONE);
    CHECK_STR(buf_str(&got), S("second, longer"));
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    buf_clear(&got);
    CHECK(file_read(path, 13, &got, &why) == REFUSE && strstr(why.text, "too large") && strstr(why.text, path));
    buf_clear(&got);
    CHECK(file_read(path, 14, &got, &why) == DONE);
    buf_free(&got);
    buf_init(&got, 13);
    CHECK(file_read(path, 100, &got, &why) == REFUSE);
    buf_free(&got);
    buf_init(&got, 100);
    CHECK(file_read(in_dir("none"), 100, &got, &why) == REFUSE && strstr(why.text, "No such file"));
    CHECK(file_read(dir, 100, &got, &why) == REFUSE && strstr(why.text, "directory"));
    CHECK(file_read("/dev/zero", 100, &got, &why) == REFUSE && strstr(why.text, "regular"));
    CHECK(file_write(in_dir("no/a"), S("x"), 0600, &why) == REFUSE);
    CHECK(file_write(in_dir("empty"), S(""), 0600, &why) == DONE && file_exists(path));
    CHECK(unlink(path) == 0 && !file_exists(path));
    CHECK_NUM(entries(), 1);
}

TEST(a_write_that_fails_leaves_the_old_file)
{
    for (uint64_t n = 1;; n++) {
        os_fail_at(n, ENOSPC);
        enum outcome r = file_write(in_dir("a"), S("third"), 0600, &why);
        bool failed = os_fail_happened();
        os_fail_at(0, 0);
        CHECK(r == (failed ? RETRY : DONE));
        CHECK_NUM(entries(), 1); /* no temporary file stays */
        buf_clear(&got);
        CHECK(file_read(path, 100, &got, &why) == DONE);
        CHECK(str_eq(buf_str(&got), S("third")) || (failed && str_eq(buf_str(&got), S("second, longer"))));
        if (!failed)
            break;
        CHECK(file_write(path, S("second, longer"), 0600, &why) == DONE);
    }
    os_fail_at(3, EIO);
    buf_clear(&got);
    CHECK(file_read(path, 100, &got, &why) == RETRY);
    os_fail_at(0, 0);
}

TEST(directories)
{
    struct stat st;
    CHECK(file_make_dirs(in_dir("x/y//z/"), 0700, &why) == DONE);
    CHECK(stat(in_dir("x/y/z"), &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    CHECK(file_make_dirs(path, 0755, &why) == DONE && stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
    CHECK(file_make_dirs(in_dir("a"), 0700, &why) == REFUSE);
    CHECK(file_make_dirs(in_dir("a/b"), 0700, &why) == REFUSE);
    CHECK(file_make_dirs("", 0700, &why) == REFUSE);
    CHECK(file_make_dirs("/", 0700, &why) == DONE);
    CHECK(rmdir(in_dir("x/y/z")) == 0 && rmdir(in_dir("x/y")) == 0 && rmdir(in_dir("x")) == 0);
}

TEST(lock)
{
    int holder = -1, fds[2], status;
    char c;
    int fd = file_lock(in_dir("lock"), &holder, &why);
    CHECK(fd >= 0 && holder == 0);
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct why told = {{0}, {0}};
        int pid_of_holder = 0;
        close(fd); /* the lock stays with the other copy */
        bool ok =
            file_lock(path, &pid_of_holder, &told) == -1 && pid_of_holder == getppid() && strstr(told.text, "in use by process");
        _exit(ok ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_NUM(status, 0);
    pid = fork();
    if (pid == 0) { /* an heir keeps the lock */
        close(fds[1]);
        c = 0;
        ssize_t n = read(fds[0], &c, 1);
        _exit(n == 0 ? 0 : 1);
    }
    close(fds[0]);
    file_unlock(fd);
    CHECK(file_lock(path, NULL, &why) == -1);
    close(fds[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    fd = file_lock(path, NULL, &why);
    CHECK(fd >= 0);
    file_unlock(fd);
    CHECK(symlink("a", in_dir("link")) == 0 && file_lock(path, NULL, &why) == -1);
    unlink(path);
    unlink(in_dir("lock"));
}

/* ---- secrets ---- */

/* Feeds text to standard input of a child that reads a secret; the child's answer, or the reason after "!". */
static struct str secret_from(const char *text, bool two_lines)
{
    static char answer[200];
    int to[2], from[2], status;
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char storage[10], out[300];
        struct buf b;
        struct why no = {{0}, {0}};
        dup2(to[0], 0);
        close(to[1]);
        buf_fixed(&b, storage, sizeof storage);
        enum outcome r = file_read_secret("Password: ", true, &b, &no);
        if (r == DONE && two_lines)
            r = file_read_secret("Password: ", false, &b, &no);
        int n = snprintf(out, sizeof out, "%s%.*s", r == DONE ? "" : "!", r == DONE ? (int)b.n : (int)strlen(no.text),
                         r == DONE ? buf_str(&b).p : no.text);
        _exit(write(from[1], out, (size_t)n) == n ? 0 : 1);
    }
    close(to[0]);
    close(from[1]);
    CHECK(write(to[1], text, strlen(text)) == (ssize_t)strlen(text));
    close(to[1]);
    ssize_t n = read(from[0], answer, sizeof answer);
    close(from[0]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return str_of(answer, n > 0 ? (size_t)n : 0);
}

TEST(a_secret_from_standard_input)
{
    CHECK_STR(secret_from("sesame\n", false), S("sesame"));
    CHECK_STR(secret_from("sesame", false), S("sesame"));
    CHECK_STR(secret_from("sesame\r\n", false), S("sesame"));
    CHECK_STR(secret_from(" a b \nmore", false), S(" a b "));
    CHECK_STR(secret_from("first\nsecond\n", true), S("second")); /* nothing is read ahead */
    CHECK_STR(secret_from("\n", false), S("!empty") /* an empty line */);
    CHECK_STR(secret_from("", false), S("!nothing was given"));
    CHECK_STR(secret_from("0123456789", false), S("0123456789"));
    CHECK_STR(secret_from("0123456789a\n", false), S("!too long"));
}

/* A child with a terminal of its own. */
static void on_terminal(const char *first, const char *again, bool twice, const char *want)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), from[2], status;
    char seen[400] = "", answer[200] = "";
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        CHECK(master < 0); /* no terminals in this place */
        return;
    }
    CHECK(pipe(from) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char storage[100], out[300];
        struct buf b;
        struct why no = {{0}, {0}};
        struct termios t;
        setsid();
        int slave = open(ptsname(master), O_RDWR); /* becomes the controlling terminal */
        close(master);
        dup2(slave, 0);
        buf_fixed(&b, storage, sizeof storage);
        enum outcome r = file_read_secret("Password: ", twice, &b, &no);
        bool echo = tcgetattr(0, &t) == 0 && (t.c_lflag & ECHO);
        int n = snprintf(out, sizeof out, "%s%.*s%s", r == DONE ? "" : "!", r == DONE ? (int)b.n : (int)strlen(no.text),
                         r == DONE ? buf_str(&b).p : no.text, echo ? "" : " echo stayed off");
        _exit(write(from[1], out, (size_t)n) == n ? 0 : 1);
    }
    close(from[1]);
    size_t n = 0;
    for (int i = 0; i < (twice ? 2 : 1); i++) {
        const char *prompt = i ? "more: " : "Password: ";
        while (!strstr(seen, prompt)) {
            ssize_t got_n = read(master, seen + n, sizeof seen - 1 - n);
            if (got_n <= 0)
                break;
            n += (size_t)got_n;
        }
        usleep(20000); /* the prompt is out before echo is off; what is typed earlier is thrown away */
        const char *text = i ? again : first;
        CHECK(write(master, text, strlen(text)) == (ssize_t)strlen(text));
    }
    ssize_t an = read(from[0], answer, sizeof answer - 1);
    close(from[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_STR(str_of(answer, an > 0 ? (size_t)an : 0), str_c(want));
    CHECK(strstr(seen, "sesame") == NULL);
    close(master);
}

TEST(a_secret_from_a_terminal)
{
    on_terminal("sesame\n", "", false, "sesame");
    on_terminal("sesame\n", "sesame\n", true, "sesame");
    on_terminal("sesame\n", "sesamf\n", true, "!the two are not the same");
    on_terminal("\n", "", false, "!empty");
    CHECK(!file_is_terminal(-1));
}

TEST(clean_up)
{
    buf_free(&got);
    unlink(in_dir("a"));
    CHECK(rmdir(dir) == 0);
}
