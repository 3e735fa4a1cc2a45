/* SPDX-License-Identifier: ISC */
/* What a hostile end may write to a link: the first byte says in which pieces, the rest are the bytes. The same frames come out
   whatever the pieces, and then it closes. */
#include <unistd.h>
#include "base/check.h"
#include "base/facts.h"
#include "base/hash.h"
#include "os/link.h"
#include "os/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen { uint32_t hash; unsigned frames, closes; };

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct seen *s = self;
    (void)l;
    check(f->payload.n <= FRAME_MAX && f->fd == -1);
    s->hash = hash_crc32c(s->hash, &f->type, sizeof f->type);
    s->hash = hash_crc32c(s->hash, &f->id, sizeof f->id);
    s->hash = hash_crc32c(s->hash, f->payload.p, f->payload.n);
    s->frames++;
}

static void on_close(void *self, struct link *l, const char *why)
{
    struct seen *s = self;
    check(why && link_is_dead(l));
    s->closes++;
}

static struct seen feed(const uint8_t *data, size_t size, size_t piece)
{
    const struct link_handler handler = {on_frame, on_close, NULL};
    struct seen s = {0, 0, 0};
    struct loop *loop = loop_new();
    int fds[2];
    check(loop && net_pair(fds));
    struct link *l = link_new(loop, fds[0], "fuzz", &handler, &s, 0);
    check(l != NULL);
    for (size_t n; size > 0 && !s.closes; data += n, size -= n) {
        n = size < piece ? size : piece;
        if (write(fds[1], data, n) != (ssize_t)n)
            break;
        loop_turn(loop, 0);
    }
    close(fds[1]);
    for (int i = 0; i < 4; i++)
        loop_turn(loop, 0);
    check(s.closes == 1);
    link_free(l);
    loop_free(loop);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096)
        return 0;
    fact_level_max(FACT_ERROR); /* broken frames are warnings */
    struct seen whole = feed(data + 1, size - 1, size), pieces = feed(data + 1, size - 1, (size_t)data[0] + 1);
    check(whole.hash == pieces.hash && whole.frames == pieces.frames);
    return 0;
}
