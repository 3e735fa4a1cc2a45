/* SPDX-License-Identifier: ISC */
/* The two things that a service manager and we say to each other (sd_notify(3), sd_listen_fds(3)), without its library. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/str.h"
#include "os/fail.h"
#include "os/process.h"

bool process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!path || !*path)
        return true;
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof a.sun_path)
        return false;
    memcpy(a.sun_path, path, n);
    if (path[0] == '@') /* the abstract name space is written with a NUL */
        a.sun_path[0] = 0;
    int fd = OS_CALL(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return false;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    bool ok = OS_CALL(sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&a, length)) >= 0;
    close(fd);
    return ok;
}

static bool number_of(const char *variable, uint64_t *value)
{
    const char *text = getenv(variable);
    return text && str_to_u64(str_c(text), value);
}

size_t process_listen_fds(struct process_listen *to, size_t max)
{
    enum { FIRST = 3, MOST = 1000 };
    uint64_t pid, count;
    size_t n = 0;
    const char *all = getenv("LISTEN_FDNAMES");
    struct str names = str_c(all ? all : "");
    if (number_of("LISTEN_PID", &pid) && pid == (uint64_t)getpid() && number_of("LISTEN_FDS", &count) && count <= MOST) {
        for (int fd = FIRST; fd < FIRST + (int)count; fd++) {
            struct str name = str_cut(names, ':', &names);
            if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || n == max)
                continue;
            to[n].fd = fd;
            (void)str_to_c(name, to[n].name, sizeof to[n].name);
            n++;
        }
    }
    unsetenv("LISTEN_PID"); /* for us, and not for what we start */
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return n;
}
