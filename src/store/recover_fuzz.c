/* SPDX-License-Identifier: ISC */
/* A store whose log was changed at random comes up, can be read, verified, and takes mail. The input is a list of changes to a
   good log: where (3 bytes), how many bytes (1), what (1: xor, 0: zeros to come); so that the fuzzer meets damage behind the
   checksums' back only where it recomputes them, and all other damage at once. Inputs that begin with a 255 are put into the
   segment as they are, stamped as records of that place. */
#include <stdio.h>
#include <stdlib.h>
#include "os/disk_twin.h"
#include "store/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool quiet(void *to, struct str line) { (void)to; (void)line; return true; }
static void done(struct op *op) { *(int *)op->owner = 1; }
static const struct engine_options with = {.segment_size = 128 * 1024, .index = ":memory:"};

static enum outcome run(struct engine *e, struct op *op)
{
    int finished = 0;
    op->done = done;
    op->owner = &finished;
    engine_submit(e, op);
    engine_turn(e);
    return finished ? op->outcome : RETRY;
}

static enum outcome put(struct engine *e, account_id a, const char *text, size_t n)
{
    struct why why;
    struct op_delivery d = {.account = a, .folder = S("INBOX"), .prefix = S("P: 1\r\n")};
    struct op op = {
        .kind = OP_ACCEPT,
        .accept = {
            .id = engine_lease_ids(e, 1), .from = S("f@x"), .trace = S("R: 1\r\n"), .deliveries = &d, .delivery_count = 1}};
    struct body_writer *w = engine_body_begin(e);
    engine_body_add(e, w, str_of(text, n), &why);
    op.accept.body = engine_body_end(e, w);
    return run(e, &op);
}

static struct disk_twin *good(uint64_t *end)
{
    static char big[70000];
    struct why why;
    struct disk_twin *t = disk_twin_new();
    struct engine_options o = with;
    o.disk = disk_twin_disk(t);
    random_seed(7);
    struct engine *e = engine_open("/d", -1, &o, &why);
    struct op op = {.kind = OP_ACCOUNT_ADD, .account_add = {.name = S("a@x")}};
    run(e, &op);
    put(e, 1, "Subject: 1\r\n\r\nx", 16);
    put(e, 1, big, sizeof big);
    put(e, 1, "Subject: 2\r\n\r\nx", 16);
    *end = e->tail.offset;
    engine_close(e);
    return t;
}

static void stamp_as_records(const struct disk *d, int file, uint64_t at, const uint8_t *data, size_t size,
                             const struct store_key *key)
{
    char *p = calloc(1, size + 64);
    uint32_t chain = 0, count = 0;
    memcpy(p, data, size);
    memcpy(p, "PNR1", 4);
    p[4] = (char)(1 + (unsigned char)p[4] % (RECORD_TYPE_END - 1));
    put_u32(p + 8, (uint32_t)(size - RECORD_HEADER));
    record_stamp(p, record_size(size - RECORD_HEADER), pos_of(1, at), 6, key_seed(key), &chain, &count);
    struct iovec v = {p, record_size(size - RECORD_HEADER)};
    struct enc mark = {0};
    disk_write_all(d, file, &v, 1, at);
    at += v.iov_len;
    mark_write(&mark, &(struct mark){.batch = 6,
                                     .first = pos_of(1, at - v.iov_len),
                                     .count = count,
                                     .chain = chain,
                                     .counters = {1000000, 1000, 1000, 1000}});
    record_stamp(mark.p, mark.n, pos_of(1, at), 6, key_seed(key), &chain, &count);
    v = (struct iovec){mark.p, mark.n};
    disk_write_all(d, file, &v, 1, at);
    enc_free(&mark);
    free(p);
}

static bool read_one(void *to, const struct engine_message *m)
{
    static char room[4096];
    struct buf b;
    bool more;
    struct why why;
    buf_fixed(&b, room, sizeof room);
    engine_read(to, 1, 1, m->uid, 0, &b, &more, &why);
    return true;
}

static void finding(void *to, struct str line) { (void)to; (void)line; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t end;
    struct why why;
    fact_sink(quiet, NULL);
    if (size < 5 || size > 4096)
        return 0;
    struct disk_twin *t = good(&end);
    const struct disk *d = disk_twin_disk(t);
    struct log l = {.disk = d, .dir = "/d/store/log"};
    int file = d->open(d->self, "/d/store/log/00000001.seg", DISK_WRITE);
    if (log_scan(&l, &why) != DONE)
        __builtin_trap();
    if (data[0] == 255 && size > RECORD_HEADER) {
        stamp_as_records(d, file, (uint64_t)d->size(d->self, file), data, size, &l.key);
    } else {
        for (size_t i = 0; i + 5 <= size; i += 5) {
            uint64_t at = (uint64_t)(data[i] << 16 | data[i + 1] << 8 | data[i + 2]) % end;
            for (size_t n = 0; n <= data[i + 3]; n++) {
                char byte = 0;
                disk_read_all(d, file, &byte, 1, at + n);
                byte = data[i + 4] ? (char)(byte ^ data[i + 4]) : 0;
                struct iovec v = {&byte, 1};
                disk_write_all(d, file, &v, 1, at + n);
            }
        }
    }
    d->close(d->self, file);
    log_close(&l);
    struct engine_options o = with;
    o.disk = d;
    struct engine *e = engine_open("/d", -1, &o, &why);
    if (e) { /* refused only when the only header is damaged: its key is gone */
        engine_messages(e, 1, 1, 1, read_one, e);
        engine_verify(e, finding, NULL, NULL, &why);
        struct op op = {.kind = OP_ACCOUNT_ADD, .account_add = {.name = S("after@x")}};
        if (run(e, &op) == RETRY && !engine_is_dead(e))
            __builtin_trap();
        engine_close(e);
        e = engine_open("/d", -1, &o, &why);
        if (!e || !account_get_name(e, S("after@x")))
            __builtin_trap();
        engine_close(e);
    }
    random_seed(0);
    disk_twin_free(t);
    return 0;
}
