/* SPDX-License-Identifier: ISC */
/* Frames for threads that may wait. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/check.h"
#include "base/clock.h"
#include "os/link_wire.h"
#include "os/net.h"

/* After EAGAIN: true when it is worth another try. */
static bool wait_more(int fd, bool write, int64_t until_ms)
{
    int64_t left = until_ms - clock_mono_ms();
    return errno == EAGAIN && left > 0 && net_wait(fd, !write, write, left);
}

bool link_put(int fd, uint16_t type, uint64_t id, const struct str *parts, size_t count, int64_t timeout_ms)
{
    struct str all[LINK_PARTS_MAX + 1];
    struct wire_header h = {.type = type, .id = id};
    int64_t until = clock_mono_ms() + timeout_ms;
    check(count <= LINK_PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        all[i + 1] = parts[i];
        if (parts[i].n > FRAME_MAX - h.length)
            return false;
        h.length += (uint32_t)parts[i].n;
    }
    all[0] = str_of(&h, sizeof h);
    struct str *rest = all;
    size_t left = count + 1;
    for (;;) {
        size_t wrote;
        enum net_result r = net_write_parts(fd, rest, left, &wrote);
        for (; left > 0 && wrote >= rest->n; rest++, left--)
            wrote -= rest->n;
        if (left == 0)
            return true;
        *rest = str_skip(*rest, wrote);
        errno = EAGAIN;
        if (r == NET_ERROR || !wait_more(fd, true, until))
            return false;
    }
}

static bool get_exactly(int fd, char *to, size_t n, struct wire_fds *fds, int64_t until_ms)
{
    while (n > 0) {
        ssize_t got = wire_receive(fd, to, n, fds);
        if (got == 0 || (got < 0 && !wait_more(fd, false, until_ms)))
            return false;
        to += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

bool link_get(int fd, uint16_t *type, uint64_t *id, struct buf *payload, int *passed_fd, int64_t timeout_ms)
{
    struct wire_header h;
    struct wire_fds fds = {.n = 0};
    int64_t until = clock_mono_ms() + timeout_ms;
    char *to;
    buf_clear(payload);
    bool ok = get_exactly(fd, (char *)&h, sizeof h, &fds, until) && h.length <= FRAME_MAX && !(h.flags & ~WIRE_HAS_FD) &&
              (to = buf_reserve(payload, h.length)) && get_exactly(fd, to, h.length, &fds, until) &&
              fds.n == (h.flags & WIRE_HAS_FD);
    if (ok) {
        buf_wrote(payload, h.length);
        *type = h.type;
        *id = h.id;
    }
    if (passed_fd)
        *passed_fd = ok ? wire_fds_take(&fds) : -1;
    wire_fds_close(&fds);
    return ok;
}

bool link_ask(int fd, uint16_t type, uint64_t id, const struct str *parts, size_t count, uint16_t *answer_type,
              uint64_t *answer_id, struct buf *answer, int64_t timeout_ms)
{
    return link_put(fd, type, id, parts, count, timeout_ms) && link_get(fd, answer_type, answer_id, answer, NULL, timeout_ms);
}
