/* SPDX-License-Identifier: ISC */
/* The calling end. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "os/address.h"
#include "os/fail.h"
#include "os/inside.h"

static int begin(const struct sockaddr *a, socklen_t n)
{
    int fd = OS_CALL(socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return -1;
    net_nodelay(fd);
    if (OS_CALL(connect(fd, a, n)) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void explain(struct why *why, const char *host, uint16_t port, int error)
{
    char what[100];
    snprintf(what, sizeof what, "%.60s:%u", host, (unsigned)port);
    why_errno(why, what, error);
}

int net_connect(const char *literal, uint16_t port, struct why *why)
{
    struct sockaddr_storage a;
    socklen_t n = 0;
    if (net_twin)
        return net_twin->connect(literal, port);
    if (!address_literal(str_c(literal), port, &a, &n)) {
        why_text(why, "not an IPv4 or IPv6 address");
        return -1;
    }
    int fd = begin((struct sockaddr *)&a, n);
    if (fd < 0)
        explain(why, literal, port, errno);
    return fd;
}

enum net_result net_connected(int fd, struct why *why)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (net_twin && fd >= SIM_FD_FIRST) {
        error = net_twin->connected(fd) == 0 ? 0 : errno;
    } else {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        if (poll(&p, 1, 0) == 0)
            return NET_AGAIN;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
            error = errno;
    }
    if (error == 0)
        return NET_OK;
    if (error == EINPROGRESS)
        return NET_AGAIN;
    why_errno(why, "connect", error);
    return NET_ERROR;
}

bool net_wait(int fd, bool read, bool write, int64_t timeout_ms)
{
    int64_t until = clock_mono_ms() + timeout_ms;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0))};
        int64_t left = until - clock_mono_ms();
        int n = poll(&p, 1, left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

int net_dial(const char *host, uint16_t port, int64_t timeout_ms, struct why *why)
{
    char service[8], name[256];
    struct str h = str_c(host);
    if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = str_of(h.p + 1, h.n - 2);
    if (!str_to_c(h, name, sizeof name)) {
        why_text(why, "a host name has at most 255 bytes");
        return -1;
    }
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG}, *list = NULL;
    if (strcmp(name, "localhost") == 0 || strchr(name, ':') || strncmp(name, "127.", 4) == 0)
        hints.ai_flags &= ~AI_ADDRCONFIG; /* a machine with nothing but loopback still has that */
    int error = getaddrinfo(name, service, &hints, &list);
    if (error != 0) {
        if (why) {
            *why = (struct why){{0}, {0}};
            snprintf(why->text, sizeof why->text, "%.60s: %s", host, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        }
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = begin(a->ai_addr, a->ai_addrlen);
        if (fd < 0) {
            explain(why, host, port, errno);
            continue;
        }
        struct why words = {{0}, {0}};
        bool in_time = net_wait(fd, false, true, timeout_ms);
        if (in_time && net_connected(fd, &words) == NET_OK)
            break;
        close(fd);
        fd = -1;
        if (in_time && why)
            snprintf(why->text, sizeof why->text, "%.60s:%u: %.60s", host, (unsigned)port, words.text);
        else
            explain(why, host, port, ETIMEDOUT);
    }
    freeaddrinfo(list);
    return fd;
}
