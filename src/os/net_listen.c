/* SPDX-License-Identifier: ISC */
/* The waiting end. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "os/address.h"
#include "os/fail.h"
#include "os/inside.h"

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

static int explain(struct why *why, const char *host, uint16_t port, int error)
{
    char what[120];
    const char *hint = error == EACCES && port < 1024
                           ? " (ports below 1024 need root, CAP_NET_BIND_SERVICE or an inherited socket)"
                       : error == EADDRINUSE    ? " (another program listens there)"
                       : error == EADDRNOTAVAIL ? " (no interface of this machine has that address)"
                                                : "";
    snprintf(what, sizeof what, "%.60s:%u", host, (unsigned)port);
    why_errno(why, what, error);
    if (why)
        snprintf(why->text + strlen(why->text), sizeof why->text - strlen(why->text), "%s", hint);
    return -1;
}

/* Connections inherit these from their listener, which saves two calls for each of them. */
static void prepare(int fd)
{
    int on = 1;
    net_nodelay(fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on,
                     sizeof on); /* a peer that vanished is noticed even where no time-out runs */
}

static int listen_on(int family, const struct sockaddr_storage *a, socklen_t n)
{
    int fd = OS_CALL(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), on = 1, off = 0;
    if (fd < 0)
        return -1;
    bool wildcard6 = false;
    if (family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, a, sizeof in6);
        wildcard6 = IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
    }
    bool ok = OS_CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) == 0;
    /* "*" and "::" take IPv4, too, whatever the system's default is. */
    ok = ok && (family != AF_INET6 || OS_CALL(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, wildcard6 ? &off : &on, sizeof on)) == 0);
    ok = ok && OS_CALL(bind(fd, (const struct sockaddr *)a, n)) == 0 && OS_CALL(listen(fd, BACKLOG)) == 0;
    if (ok) {
        prepare(fd);
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int net_listen(const char *host, uint16_t port, struct why *why)
{
    struct sockaddr_storage a;
    socklen_t n = 0;
    bool any = strcmp(host, "*") == 0;
    if (net_twin)
        return net_twin->listen(host, port);
    if (!address_literal(any ? S("::") : str_c(host), port, &a, &n)) {
        why_text(why, "not an address to listen on: an IPv4 or IPv6 literal or *");
        return -1;
    }
    int fd = listen_on(a.ss_family, &a, n);
    if (fd < 0 && any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) { /* a kernel without IPv6 */
        if (address_literal(S("0.0.0.0"), port, &a, &n))
            fd = listen_on(AF_INET, &a, n);
    }
    return fd >= 0 ? fd : explain(why, host, port, errno);
}

static bool unix_address(const char *path, struct sockaddr_un *to, struct why *why)
{
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (str_to_c(str_c(path), to->sun_path, sizeof to->sun_path) && path[0] != 0)
        return true;
    why_text(why, "a socket's path has at most 107 bytes");
    return false;
}

int net_connect_unix(const char *path, struct why *why)
{
    struct sockaddr_un a;
    if (!unix_address(path, &a, why))
        return -1;
    int fd = OS_CALL(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd >= 0 && OS_CALL(connect(fd, (struct sockaddr *)&a, sizeof a)) == 0) {
        net_blocking(fd, false);
        return fd;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    why_errno(why, path, error);
    errno = error;
    return -1;
}

int net_listen_unix(const char *path, uint32_t mode, struct why *why)
{
    struct sockaddr_un a;
    struct stat st;
    if (!unix_address(path, &a, why))
        return -1;
    if (lstat(path, &st) == 0) {
        int other = S_ISSOCK(st.st_mode) ? net_connect_unix(path, NULL) : -1;
        if (other >= 0 || !S_ISSOCK(st.st_mode)) {
            net_close(other);
            why_errno(why, path, EADDRINUSE);
            return -1;
        }
        (void)unlink(path); /* nobody answers: an earlier run was killed. If this fails, bind says so. */
    }
    int fd = OS_CALL(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    /* Until listen nobody can connect, so that the mode is in force before the first client. */
    if (fd >= 0 && OS_CALL(bind(fd, (struct sockaddr *)&a, sizeof a)) == 0) {
        if (OS_CALL(chmod(path, (mode_t)mode)) == 0 && OS_CALL(listen(fd, BACKLOG)) == 0)
            return fd;
        int error = errno;
        (void)unlink(path);
        errno = error;
    }
    why_errno(why, path, errno);
    if (fd >= 0)
        close(fd);
    return -1;
}

bool net_listen_adopt(int fd)
{
    int listens = 0, type = 0;
    socklen_t n = sizeof listens, m = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0 || !listens ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) != 0 || type != SOCK_STREAM)
        return false;
    net_blocking(fd, false);
    prepare(fd);
    return true;
}

static enum net_result accept_result(int error)
{
    switch (error) {
    case EAGAIN: return NET_AGAIN;
    case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM: return NET_FULL;
    default: return NET_ERROR;
    }
}

int net_accept(int listener, struct net_peer *peer, enum net_result *result)
{
    struct sockaddr_storage a = {.ss_family = AF_UNSPEC};
    if (net_twin && listener >= SIM_FD_FIRST) {
        char text[64];
        uint16_t port;
        socklen_t n;
        int fd = net_twin->accept(listener, text, sizeof text, &port);
        *result = fd >= 0 ? NET_OK : accept_result(errno);
        if (fd >= 0 && address_literal(str_c(text), port, &a, &n))
            address_describe(&a, peer);
        return fd;
    }
    for (int tries = 0; tries < 64; tries++) {
        socklen_t n = sizeof a;
        int fd = OS_CALL(accept4(listener, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd >= 0) {
            address_describe(&a, peer);
            *result = NET_OK;
            return fd;
        }
        /* accept(2) hands over errors of the connection that was to be taken: skip it, the next one is fine. */
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP || accept_result(errno) != NET_ERROR) {
            *result = accept_result(errno);
            return -1;
        }
    }
    *result = NET_AGAIN;
    return -1;
}
