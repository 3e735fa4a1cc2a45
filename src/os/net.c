/* SPDX-License-Identifier: ISC */
/* Bytes in and out, and what a socket says about its ends. Listening is in net_listen.c, client ends in net_connect.c. */
#include "os/net.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "os/address.h"
#include "os/fail.h"
#include "os/inside.h"

const struct net_twin *net_twin;

static bool is_twin(int fd)
{
    return net_twin && fd >= SIM_FD_FIRST;
}

static enum net_result result_of_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? NET_AGAIN : NET_ERROR;
}

static ssize_t receive(int fd, void *to, size_t n)
{
    return is_twin(fd) ? (ssize_t)net_twin->read(fd, to, n) : OS_CALL(recv(fd, to, n, MSG_DONTWAIT));
}

enum net_result net_read(int fd, struct buf *to, size_t most)
{
    /* Idle sessions hold no storage, so what came is read beside the buffer first, and into it goes only what there was. */
    enum { DIRECT = 4096 };
    char storage[16 * 1024];
    size_t room = buf_room(to), tail = to->p ? to->cap - to->head - to->n : 0;
    size_t want = room < most ? room : most;
    if (want == 0)
        return NET_FULL;
    if (tail >= want || tail >= DIRECT) {
        want = want < tail ? want : tail;
        ssize_t n = receive(fd, to->p + to->head + to->n, want);
        if (n > 0)
            buf_wrote(to, (size_t)n);
        return n > 0 ? NET_OK : n == 0 ? NET_END : result_of_errno();
    }
    ssize_t n = receive(fd, storage, want < sizeof storage ? want : sizeof storage);
    if (n <= 0)
        return n == 0 ? NET_END : result_of_errno();
    buf_add(to, str_of(storage, (size_t)n));
    return to->full ? NET_ERROR : NET_OK; /* full: no memory; what came is lost, so the connection is */
}

enum net_result net_write(int fd, struct buf *from)
{
    while (from->n > 0) {
        struct str s = buf_str(from);
        ssize_t n =
            is_twin(fd) ? (ssize_t)net_twin->write(fd, s.p, s.n) : OS_CALL(send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return result_of_errno();
        buf_consume(from, (size_t)n);
    }
    return NET_OK;
}

enum net_result net_write_parts(int fd, const struct str *parts, size_t count, size_t *wrote)
{
    enum { AT_ONCE = 16 };
    struct iovec v[AT_ONCE];
    struct msghdr m = {.msg_iov = v};
    *wrote = 0;
    size_t skip = 0; /* bytes of the first part that have left */
    while (count > 0) {
        size_t used = 0;
        for (; used < AT_ONCE && used < count; used++) {
            struct str s = used == 0 ? str_skip(parts[0], skip) : parts[used];
            v[used] = (struct iovec){.iov_base = (void *)(uintptr_t)s.p, .iov_len = s.n};
        }
        m.msg_iovlen = used;
        ssize_t n = is_twin(fd) ? (ssize_t)net_twin->write(fd, v[0].iov_base, v[0].iov_len)
                                : OS_CALL(sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return result_of_errno();
        *wrote += (size_t)n;
        skip += (size_t)n;
        for (; count > 0 && skip >= parts[0].n; parts++, count--)
            skip -= parts[0].n;
    }
    return NET_OK;
}

void net_shutdown(int fd)
{
    if (is_twin(fd))
        net_twin->shutdown(fd);
    else
        (void)shutdown(fd, SHUT_WR); /* fails when the peer has gone: then there is nothing left to say */
}

enum net_result net_discard(int fd)
{
    char rubbish[16 * 1024];
    for (int i = 0; i < 16; i++) { /* bounded: a peer that never stops sending gets its turn again after the others */
        ssize_t n = receive(fd, rubbish, sizeof rubbish);
        if (n <= 0)
            return n == 0 ? NET_END : result_of_errno();
    }
    return NET_AGAIN;
}

void net_close(int fd)
{
    if (is_twin(fd))
        net_twin->close(fd);
    else if (fd >= 0)
        close(fd);
}

void net_nodelay(int fd)
{
    int on = 1;
    if (!is_twin(fd))
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on unix sockets, which never delay */
}

void net_buffers(int fd, int to_receive, int to_send)
{
    if (is_twin(fd))
        return;
    if (to_receive > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &to_receive,
                         sizeof to_receive); /* advice: what the kernel gives is good enough */
    if (to_send > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &to_send, sizeof to_send);
}

void net_blocking(int fd, bool blocking)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static bool describe(int fd, bool peer, struct net_peer *to)
{
    struct sockaddr_storage a = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof a;
    *to = (struct net_peer){{0}, 0, 0, false, false, false};
    if (is_twin(fd)) {
        char text[64];
        uint16_t port;
        if (!net_twin->address(fd, peer, text, sizeof text, &port) || !address_literal(str_c(text), port, &a, &n))
            return false;
    } else if ((peer ? getpeername(fd, (struct sockaddr *)&a, &n) : getsockname(fd, (struct sockaddr *)&a, &n)) != 0) {
        return false;
    }
    address_describe(&a, to);
    return true;
}

bool net_peer_of(int fd, struct net_peer *peer)
{
    return describe(fd, true, peer);
}

bool net_local_of(int fd, struct net_peer *local)
{
    return describe(fd, false, local);
}

bool net_peer_process(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid)
{
    struct ucred c;
    socklen_t n = sizeof c;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0)
        return false;
    *uid = c.uid;
    *gid = c.gid;
    *pid = c.pid;
    return true;
}

bool net_pair(int fds[2])
{
    return OS_CALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds)) == 0;
}
