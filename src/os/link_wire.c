/* SPDX-License-Identifier: ISC */
/* A descriptor travels with the first byte of its frame, and the kernel never reads past such a byte's message in one go: so when
   a frame is whole, its descriptor has come, and descriptors come in the order of their frames. */
#include "os/link_wire.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/check.h"
#include "os/fail.h"

enum { FDS_AT_ONCE = 4 }; /* one would do; room for more shows a sender that breaks the rule */

void wire_fds_add(struct wire_fds *q, int fd, uint64_t position)
{
    check(q->n < LINK_FDS_MAX);
    q->at[q->n].fd = fd;
    q->at[q->n++].position = position;
}

int wire_fds_take(struct wire_fds *q)
{
    if (q->n == 0)
        return -1;
    int fd = q->at[0].fd;
    memmove(&q->at[0], &q->at[1], --q->n * sizeof q->at[0]);
    return fd;
}

void wire_fds_close(struct wire_fds *q)
{
    while (q->n > 0)
        close(wire_fds_take(q));
}

ssize_t wire_send(int fd, struct str bytes, uint64_t position, struct wire_fds *fds)
{
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct iovec v = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    bool with = fds->n > 0 && fds->at[0].position == position;
    size_t next = with ? 1 : 0; /* up to the frame of the next descriptor */
    if (fds->n > next && fds->at[next].position - position < bytes.n)
        v.iov_len = (size_t)(fds->at[next].position - position);
    if (with) {
        memset(&control, 0, sizeof control);
        m.msg_control = control.space;
        m.msg_controllen = sizeof control.space;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fds->at[0].fd, sizeof(int));
    }
    ssize_t n;
    do
        n = OS_CALL(sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT));
    while (n < 0 && errno == EINTR);
    if (n > 0 && with)
        close(wire_fds_take(fds));
    return n;
}

ssize_t wire_receive(int fd, void *to, size_t n, struct wire_fds *fds)
{
    union { char space[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))]; struct cmsghdr align; } control;
    struct iovec v = {.iov_base = to, .iov_len = n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t got;
    do
        got = OS_CALL(recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    bool broken = m.msg_flags & MSG_CTRUNC;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int passed;
            memcpy(&passed, CMSG_DATA(c) + i * sizeof(int), sizeof passed);
            if (fds->n < LINK_FDS_MAX) {
                wire_fds_add(fds, passed, 0);
            } else {
                broken = true;
                close(passed);
            }
        }
    }
    if (broken) {
        errno = EPROTO;
        return -1;
    }
    return got;
}

const char *wire_take(struct str in, struct wire_fds *fds, struct frame *f, size_t *size)
{
    struct wire_header h;
    *size = 0;
    if (in.n < sizeof h)
        return NULL;
    memcpy(&h, in.p, sizeof h);
    if (h.length > FRAME_MAX)
        return "oversize frame";
    if (h.flags & ~WIRE_HAS_FD)
        return "unknown flags in a frame";
    if (in.n - sizeof h < h.length)
        return NULL;
    *f = (struct frame){.type = h.type, .id = h.id, .payload = str_of(in.p + sizeof h, h.length), .fd = -1};
    if (h.flags & WIRE_HAS_FD) {
        f->fd = wire_fds_take(fds);
        if (f->fd < 0)
            return "a frame without its descriptor";
    }
    *size = sizeof h + h.length;
    return NULL;
}
