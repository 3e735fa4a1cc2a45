/* SPDX-License-Identifier: ISC */
#include "os/link.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/facts.h"
#include "base/random.h"
#include "base/test.h"
#include "os/fail.h"
#include "os/link_wire.h"
#include "os/net.h"

struct side {
    struct link *link;
    struct buf got;              /* "type:id:payload\n" of each frame */
    uint64_t frames, bytes, next_id;
    unsigned closes, rooms, fds;
    const char *why;
    bool pause_each, free_on_frame, free_on_close, echo;
};

static bool no_facts(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct side *s = self;
    CHECK(l == s->link);
    s->frames++;
    s->bytes += f->payload.n;
    if (s->next_id) {
        if (f->id != s->next_id || (f->payload.n > 0 && (unsigned char)f->payload.p[f->payload.n - 1] != (unsigned char)f->id))
            test_fail(__FILE__, __LINE__, "frame %llu is not the one that was sent", (unsigned long long)f->id);
        s->next_id++;
    } else {
        buf_printf(&s->got, "%u:%llu:", (unsigned)f->type, (unsigned long long)f->id);
        buf_add(&s->got, f->payload);
        buf_add_byte(&s->got, '\n');
    }
    if (f->fd >= 0) {
        s->fds++;
        if (s->fds % 2) { /* every other one is taken, the rest is closed by the link */
            char c = 'f';
            CHECK(write(f->fd, &c, 1) == 1);
            close(f->fd);
            f->fd = -1;
        }
    }
    if (s->echo)
        CHECK(link_send(l, (uint16_t)(f->type + 1), f->id, f->payload));
    if (s->pause_each)
        link_pause(l, true);
    if (s->free_on_frame) {
        link_free(l);
        s->link = NULL;
    }
}

static void on_close(void *self, struct link *l, const char *why)
{
    struct side *s = self;
    s->closes++;
    s->why = why;
    CHECK(link_is_dead(l) && link_room(l) == 0 && !link_send(l, 1, 1, S("")));
    if (s->free_on_close) {
        link_free(l);
        s->link = NULL;
    }
}

static void on_room(void *self, struct link *l)
{
    struct side *s = self;
    CHECK(link_room(l) > 0);
    s->rooms++;
}

static const struct link_handler handler = {on_frame, on_close, on_room};
static struct loop *loop;
static struct side a, b;

/* kind 0: a socket pair; 1: in memory */
static void begin(int kind, size_t out_max)
{
    struct link *ends[2];
    int fds[2];
    fact_sink(no_facts, NULL);
    loop = loop_new();
    a = (struct side){0};
    b = (struct side){0};
    buf_init(&a.got, 1 << 22);
    buf_init(&b.got, 1 << 22);
    if (kind == 0) {
        CHECK(net_pair(fds));
        a.link = link_new(loop, fds[0], "a", &handler, &a, out_max);
        b.link = link_new(loop, fds[1], "b", &handler, &b, out_max);
    } else {
        CHECK(link_new_pair(loop, "a", &handler, &a, "b", &handler, &b, out_max, ends));
        a.link = ends[0];
        b.link = ends[1];
    }
    CHECK(a.link && b.link);
}

static void turns(int n)
{
    while (n-- > 0)
        loop_turn(loop, 0);
}

static void end(void)
{
    link_free(a.link);
    link_free(b.link);
    buf_free(&a.got);
    buf_free(&b.got);
    loop_free(loop);
    fact_sink(NULL, NULL);
}

#define BOTH_KINDS for (int kind = 0; kind < 2; kind++)

TEST(frames_arrive_whole_and_in_order)
{
    BOTH_KINDS {
        begin(kind, 0);
        const struct str parts[] = {S("one"), S(""), S(" two"), S(" three")};
        CHECK(link_send(a.link, 7, 1, S("hello")));
        CHECK(link_send_parts(a.link, 8, UINT64_MAX, parts, 4, -1));
        CHECK(link_send(a.link, UINT16_MAX, 0, S("")));
        CHECK(link_send_parts(a.link, 9, 5, NULL, 0, -1));
        CHECK_NUM(b.frames, 0); /* never from within link_send */
        turns(3);
        CHECK_STR(buf_str(&b.got), S("7:1:hello\n8:18446744073709551615:one two three\n65535:0:\n9:5:\n"));
        b.echo = true;
        CHECK(link_send(a.link, 1, 2, S("x")));
        turns(4);
        CHECK_STR(buf_str(&a.got), S("2:2:x\n"));
        CHECK(strcmp(link_name(a.link), "a") == 0);
        end();
    }
}

TEST(largest_frame_and_one_more)
{
    static char big[FRAME_MAX + 1];
    BOTH_KINDS {
        begin(kind, 0);
        memset(big, 'x', sizeof big);
        CHECK(!link_send(a.link, 1, 1, str_of(big, FRAME_MAX + 1)));
        CHECK(link_send(a.link, 1, 2, str_of(big, FRAME_MAX)));
        turns(30);
        CHECK_NUM(b.frames, 1);
        CHECK_NUM(b.bytes, FRAME_MAX);
        end();
    }
}

TEST(a_slow_reader_holds_the_writer_up)
{
    static char piece[50000];
    BOTH_KINDS {
        begin(kind, 300000);
        link_pause(b.link, true);
        unsigned sent = 0;
        for (int i = 0; i < 40; i++) {
            while (link_send(a.link, 1, sent + 1, str_of(piece, sizeof piece)))
                sent++;
            turns(1);
        }
        CHECK(sent >= 5 && sent < 40);
        CHECK(link_room(a.link) < sizeof piece);
        CHECK(!link_send(a.link, 1, 0, str_of(piece, sizeof piece)));
        CHECK_NUM(a.rooms, 0);
        CHECK_NUM(b.frames, 0);
        b.got.max = 1 << 23;
        link_pause(b.link, false);
        turns(60);
        CHECK(a.rooms >= 1);
        CHECK_NUM(b.frames, sent);
        CHECK(link_send(a.link, 1, 0, str_of(piece, sizeof piece)));
        turns(5);
        CHECK_NUM(b.frames, sent + 1);
        end();
    }
}

TEST(room_may_be_told_of_early)
{
    BOTH_KINDS {
        static char piece[10000];
        begin(kind, 0);
        link_room_at(a.link, 40000);
        link_pause(b.link, true);
        for (int i = 0; i < 200 && link_queued(a.link) < 40000; i++) {
            CHECK(link_send(a.link, 1, 1, str_of(piece, sizeof piece)));
            if (i % 10 == 0)
                link_flush(a.link); /* fills the kernel's buffer first */
        }
        CHECK(link_queued(a.link) >= 40000 && a.rooms == 0);
        link_pause(b.link, false);
        turns(30);
        CHECK(a.rooms == 1 && link_queued(a.link) == 0);
        end();
    }
}

TEST(pause_in_the_middle_of_a_batch)
{
    BOTH_KINDS {
        begin(kind, 0);
        b.pause_each = true;
        for (uint64_t i = 1; i <= 5; i++)
            CHECK(link_send(a.link, 1, i, S("p")));
        turns(3);
        for (uint64_t i = 1; i <= 5; i++) {
            CHECK_NUM(b.frames, i);
            if (i == 3)
                CHECK(link_send(a.link, 1, 6, S("q")));
            link_pause(b.link, false);
            turns(3);
        }
        CHECK_NUM(b.frames, 6);
        CHECK_STR(buf_str(&b.got), S("1:1:p\n1:2:p\n1:3:p\n1:4:p\n1:5:p\n1:6:q\n"));
        end();
    }
}

TEST(what_was_said_before_the_end_arrives_before_the_end)
{
    BOTH_KINDS {
        begin(kind, 0);
        CHECK(link_send(a.link, 1, 1, S("last words")));
        link_free(a.link);
        a.link = NULL;
        CHECK(kind == 0 || link_room(b.link) == 0);
        turns(5);
        CHECK_STR(buf_str(&b.got), S("1:1:last words\n"));
        CHECK(b.closes == 1 && strcmp(b.why, "closed") == 0);
        turns(5);
        CHECK_NUM(b.closes, 1);
        end();
    }
}

TEST(last_words_arrive_even_if_ours_do_not)
{
    begin(0, 0);
    CHECK(link_send(a.link, 1, 1, S("last words")));
    link_free(a.link);
    a.link = NULL;
    CHECK(link_send(b.link, 1, 1, S("nobody listens")));
    link_flush(b.link);
    CHECK(link_is_dead(b.link) && !link_send(b.link, 1, 1, S("x")));
    turns(5);
    CHECK_STR(buf_str(&b.got), S("1:1:last words\n"));
    CHECK_NUM(b.closes, 1);
    end();
}

TEST(freeing_from_within_handlers)
{
    BOTH_KINDS {
        begin(kind, 0);
        b.free_on_frame = true;
        a.free_on_close = true;
        CHECK(link_send(a.link, 1, 1, S("x")) && link_send(a.link, 1, 2, S("y")));
        turns(6);
        CHECK(b.frames == 1 && !b.link);
        CHECK(a.closes == 1 && !a.link);
        end();
    }
}

TEST(a_paused_end_hears_of_the_close_when_it_resumes)
{
    BOTH_KINDS {
        begin(kind, 0);
        link_pause(b.link, true);
        CHECK(link_send(a.link, 1, 1, S("x")));
        turns(2);
        link_free(a.link);
        a.link = NULL;
        turns(3);
        CHECK(b.frames == 0 && b.closes == 0);
        link_pause(b.link, false);
        turns(4);
        CHECK(b.frames == 1 && b.closes == 1);
        end();
    }
}

TEST(random_traffic_both_ways)
{
    static char payload[70000];
    BOTH_KINDS {
        begin(kind, 0);
        random_seed(5);
        a.next_id = b.next_id = 1;
        uint64_t sent[2] = {0, 0};
        while (sent[0] < 2000) {
            for (int way = 0; way < 2; way++) {
                struct side *from = way ? &b : &a;
                size_t n = random_below(random_below(20) ? 300 : sizeof payload);
                if (n > 0)
                    payload[n - 1] = (char)(sent[way] + 1);
                size_t cut = n / 3;
                const struct str parts[] = {str_of(payload, cut), str_of(payload + cut, n - cut)};
                if (link_send_parts(from->link, 1, sent[way] + 1, parts, 2, -1))
                    sent[way]++;
            }
            if (random_below(5) == 0)
                link_pause(random_below(2) ? a.link : b.link, random_below(2));
            if (random_below(3) == 0)
                turns(1);
        }
        link_pause(a.link, false);
        link_pause(b.link, false);
        turns(100);
        CHECK_NUM(b.frames, sent[0]);
        CHECK_NUM(a.frames, sent[1]);
        random_seed(0);
        end();
    }
}

TEST(descriptors_stay_with_their_frames)
{
    BOTH_KINDS {
        begin(kind, 0);
        int pipes[6][2];
        for (int i = 0; i < 6; i++) {
            CHECK(pipe(pipes[i]) == 0);
            CHECK(link_send(a.link, 1, 0, S("without")));
            CHECK(link_send_parts(a.link, 2, (uint64_t)i, &(struct str){"with", 4}, 1, pipes[i][1]));
        }
        turns(20);
        CHECK_NUM(b.frames, 12);
        CHECK_NUM(b.fds, 6);
        for (int i = 0; i < 6; i++) {
            char c = 0;
            CHECK(read(pipes[i][0], &c, 1) == (i % 2 ? 0 : 1)); /* taken ones were written to, the others are closed by now */
            CHECK(c == (i % 2 ? 0 : 'f'));
            close(pipes[i][0]);
        }
        int writable = open("/dev/null", O_WRONLY), spare = dup(writable), n = 0;
        while (n < 100 && link_send_parts(a.link, 2, 0, NULL, 0, spare)) {
            spare = dup(writable);
            n++;
        }
        CHECK_NUM(n, LINK_FDS_MAX);
        close(spare); /* refused: it stays ours */
        turns(40);
        CHECK_NUM(b.fds, 6 + LINK_FDS_MAX);
        spare = dup(writable);
        close(writable);
        CHECK(link_send_parts(a.link, 2, 0, NULL, 0, spare)); /* queued and never sent: closed with the link */
        end();
        CHECK(fcntl(spare, F_GETFD) < 0);
    }
}

/* ---- an end that breaks the rules ---- */

static int raw; /* the other end, as a plain descriptor */

static void begin_raw(void)
{
    int fds[2];
    fact_sink(no_facts, NULL);
    loop = loop_new();
    a = (struct side){0};
    b = (struct side){0};
    buf_init(&a.got, 1 << 22);
    CHECK(net_pair(fds));
    a.link = link_new(loop, fds[0], "a", &handler, &a, 0);
    raw = fds[1];
}

static void raw_write(const void *p, size_t n)
{
    CHECK(write(raw, p, n) == (ssize_t)n);
}

TEST(broken_headers)
{
    const struct { struct wire_header h; const char *why;
    } cases[] = {
        {{.length = FRAME_MAX + 1, .type = 1}, "oversize frame"},
        {{.length = UINT32_MAX}, "oversize frame"},
        {{.flags = 2}, "unknown flags in a frame"},
        {{.flags = 0x8000}, "unknown flags in a frame"},
        {{.flags = 1}, "a frame without its descriptor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire_header good = {.length = 2, .type = 3, .id = 4};
        begin_raw();
        raw_write(&good, sizeof good);
        raw_write("ok", 2);
        raw_write(&cases[i].h, sizeof cases[i].h);
        raw_write(&good, sizeof good);
        raw_write("no", 2);
        turns(3);
        CHECK_STR(buf_str(&a.got), S("3:4:ok\n"));
        CHECK(a.closes == 1 && strcmp(a.why, cases[i].why) == 0);
        close(raw);
        end();
    }
}

TEST(byte_by_byte)
{
    struct wire_header h = {.length = 3, .type = 3, .id = 4};
    char bytes[2 * (sizeof h + 3)];
    for (int i = 0; i < 2; i++) {
        memcpy(bytes + (size_t)i * (sizeof h + 3), &h, sizeof h);
        memcpy(bytes + (size_t)i * (sizeof h + 3) + sizeof h, "abc", 3);
    }
    begin_raw();
    for (size_t i = 0; i < sizeof bytes; i++) {
        raw_write(bytes + i, 1);
        turns(1);
        CHECK_NUM(a.frames, (i + 1) / (sizeof h + 3));
    }
    CHECK_STR(buf_str(&a.got), S("3:4:abc\n3:4:abc\n"));
    raw_write(bytes, 5);
    close(raw);
    turns(3);
    CHECK(a.closes == 1 && strcmp(a.why, "closed in the middle of a frame") == 0);
    end();
}

static void send_fds(size_t count, bool with_header)
{
    union { char space[CMSG_SPACE(20 * sizeof(int))]; struct cmsghdr align; } control;
    struct wire_header h = {.length = 0, .type = 1, .flags = with_header ? 1 : 0};
    struct iovec v = {&h, sizeof h};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){0}, sizeof(int));
    CHECK(sendmsg(raw, &m, 0) == (ssize_t)sizeof h);
}

TEST(unwanted_descriptors_do_not_pile_up)
{
    int lowest = dup(0);
    close(lowest);
    begin_raw();
    for (int i = 0; i < 40 && !a.closes; i++) {
        send_fds(1, false);
        turns(2);
    }
    CHECK(a.closes == 1 && strcmp(a.why, "too many descriptors") == 0);
    close(raw);
    end();
    begin_raw();
    send_fds(20, true);
    turns(2);
    CHECK(a.closes == 1 && strcmp(a.why, "too many descriptors") == 0);
    close(raw);
    end();
    int now = dup(0);
    CHECK_NUM(now, lowest);
    close(now);
}

TEST(every_failing_call_is_survived)
{
    static const int errors[] = {EIO, ECONNRESET, EPIPE, ENOBUFS};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (uint64_t n = 1; n <= 12; n++) {
            begin(0, 0);
            os_fail_at(n, errors[e]);
            b.echo = false;
            (void)!link_send(a.link, 1, 1, S("x"));
            turns(3);
            (void)!link_send(b.link, 1, 1, S("y"));
            turns(3);
            os_fail_at(0, 0);
            CHECK(a.closes <= 1 && b.closes <= 1 && a.frames <= 1 && b.frames <= 1);
            end();
        }
    for (uint64_t n = 1; n <= 6; n++) {
        begin(0, 0);
        buf_add_byte(&a.got, ' ');
        buf_add_byte(&b.got, ' ');
        fail_alloc_at(n);
        bool sent = link_send(a.link, 1, 1, S("x"));
        turns(4);
        fail_alloc_at(0);
        turns(4);
        CHECK_NUM(b.frames, sent); /* what was taken arrives, if later */
        end();
    }
    fail_alloc_at(1);
    CHECK(link_new(NULL, 0, "x", &handler, NULL, 0) == NULL);
    for (uint64_t n = 1; n <= 2; n++) {
        struct link *ends[2];
        loop = loop_new();
        fail_alloc_at(n);
        CHECK(!link_new_pair(loop, "a", &handler, &a, "b", &handler, &b, 0, ends));
        fail_alloc_at(0);
        loop_free(loop);
    }
}

/* ---- threads that ask ---- */

static void *asker(void *fd_of_test)
{
    struct buf answer;
    uint16_t type = 0;
    uint64_t id = 0;
    static _Thread_local char big[100000];
    int fd = *(int *)fd_of_test;
    buf_init(&answer, FRAME_MAX);
    uintptr_t good = 0;
    for (uint64_t i = 0; i < 20; i++) {
        size_t n = i % 2 ? 3 : sizeof big;
        memset(big, (int)i, n);
        const struct str parts[] = {str_of(big, n / 2), str_of(big + n / 2, n - n / 2)};
        good += link_ask(fd, 5, i, parts, 2, &type, &id, &answer, 5000) && type == 6 && id == i &&
                str_eq(buf_str(&answer), str_of(big, n));
    }
    buf_free(&answer);
    return (void *)good;
}

TEST(a_thread_asks_a_link)
{
    pthread_t t;
    void *good;
    begin_raw();
    a.echo = true;
    a.got.max = 1 << 23;
    CHECK(pthread_create(&t, NULL, asker, &raw) == 0);
    while (a.frames < 20 && !a.closes)
        loop_turn(loop, 100);
    turns(5);
    pthread_join(t, &good);
    CHECK_NUM((uintptr_t)good, 20);
    close(raw);
    end();
}

TEST(asking_in_vain)
{
    struct buf answer;
    uint16_t type;
    uint64_t id;
    int fds[2], passed;
    struct wire_header h = {.length = FRAME_MAX + 1};
    buf_init(&answer, 100);
    CHECK(net_pair(fds));
    CHECK(!link_ask(fds[0], 1, 1, NULL, 0, &type, &id, &answer, 20)); /* nobody answers */
    CHECK(link_get(fds[1], &type, &id, &answer, &passed, 20) && type == 1 && passed == -1);
    CHECK(write(fds[1], &h, sizeof h) == (ssize_t)sizeof h);
    CHECK(!link_get(fds[0], &type, &id, &answer, NULL, 20));
    h = (struct wire_header){.length = 101};
    CHECK(write(fds[1], &h, sizeof h) == (ssize_t)sizeof h);
    CHECK(!link_get(fds[0], &type, &id, &answer, NULL, 20)); /* the answer's buffer is the limit */
    CHECK(write(fds[1], "abc", 3) == 3);
    close(fds[1]);
    CHECK(!link_get(fds[0], &type, &id, &answer, NULL, 1000));
    CHECK(!link_put(fds[0], 1, 1, NULL, 0, 1000));
    close(fds[0]);
    buf_free(&answer);
}
