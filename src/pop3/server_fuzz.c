// SPDX-License-Identifier: ISC
/* The first octet says how: 1 no TLS needed, 2 in small pieces, 4 tiny output, 8 the host ignores room, 16 says last, 32 small reads; the rest is what the client sends. */
#include <stdlib.h>
#include "base/check.h"
#include "pop3/inside.h"
#include "pop3/test_host.h"

static enum next run(struct host *h, struct str text, int64_t now, size_t *used)
{
    char *exact = malloc(text.n + 1);
    if (!exact)
        return HANG_UP;
    if (text.n > 0)
        memcpy(exact, text.p, text.n);
    h->s.m.in = str_of(exact, text.n);
    h->s.m.now_ms = now;
    enum next next = machine_run(&h->s.m);
    *used = text.n - h->s.m.in.n;
    h->s.m.in = STR_NONE;
    free(exact);
    return next;
}

static void session(struct host *h, struct str input, size_t piece, struct buf *out)
{
    size_t have = 0;
    int64_t now = 1000;
    for (int turn = 0; turn < 100000; turn++) {
        size_t used;
        h->s.m.in_end = have == input.n;
        enum next next = run(h, str_head(input, have), now, &used);
        input = str_skip(input, used);
        have -= used;
        buf_consume(out, out->n);
        if (next == HANG_UP)
            return;
        if (next == NEED_TLS) {
            input = str_skip(input, have);
            have = 0;
            h->s.m.tls.active = true;
        } else if (h->s.m.wants & WANT_ANSWER) {
            host_answer(h);
        } else if (h->s.m.wants & WANT_EVENT) {
            now = h->s.m.deadline_ms;
            h->s.m.timed_out = true;
        } else if (!(h->s.m.wants & WANT_ROOM)) {
            have = have + piece < input.n ? have + piece : input.n;
        }
    }
    unreachable(); /* each session ends */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host h;
    struct buf out;
    char store[SERVER_OUT_ROOM + 8192];
    uint8_t how = size > 0 ? data[0] : 1;
    host_init(&h);
    h.settings.login_needs_tls = !(how & 1);
    h.ignore_room = how & 8;
    h.say_last = how & 16;
    h.piece_max = how & 32 ? 3 : 0;
    host_add(&h, S("Subject: one\r\n\r\n.dot\r\nlast\r\n"), false);
    host_add(&h, S("Subject: bare\n\n.a\rb\n..\r\n.\r\nno end"), false);
    host_add(&h, S("Subject: gr\xc3\xbc\xc3\x9f" "e\r\nFrom: J\xc3\xb6 <j\xc3\xb6@demo.test>\r\n\r\nbody\r\n"), true);
    buf_fixed(&out, store, how & 4 ? SERVER_OUT_ROOM : sizeof store);
    if (host_open(&h, &out))
        session(&h, size > 0 ? str_of(data + 1, size - 1) : STR_NONE, how & 2 ? 1 : 4096, &out);
    host_close(&h);
    arena_clear(&h.texts);
    return 0;
}
