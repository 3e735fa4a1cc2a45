/* SPDX-License-Identifier: ISC */
#include "base/machine.h"
#include "base/test.h"

static unsigned steps;

static enum next echo_step(struct machine *m)
{
    struct str line;
    steps++;
    if (!machine_take_line(m, &line, false))
        return m->in_end ? HANG_UP : machine_wait(m, WANT_INPUT, m->now_ms + 300000);
    buf_add(m->out, line);
    buf_add_byte(m->out, '|');
    return AGAIN;
}

static struct machine make(struct buf *out, struct str in)
{
    struct machine m = {.step = echo_step, .in = in, .out = out, .out_room = 8, .now_ms = 1000};
    return m;
}

TEST(runs_until_it_waits)
{
    struct buf out;
    buf_init(&out, 100);
    struct machine m = make(&out, S("a\r\nbc\r\nd"));
    CHECK(machine_run(&m) == WAIT);
    CHECK(m.wants == WANT_INPUT && m.deadline_ms == 301000);
    CHECK_STR(buf_str(&out), S("a|bc|"));
    CHECK_STR(m.in, S("d"));
    m.in_end = true;
    CHECK(machine_run(&m) == HANG_UP);
    buf_free(&out);
}

TEST(no_step_without_room)
{
    char storage[9];
    struct buf out;
    buf_fixed(&out, storage, sizeof storage);
    struct machine m = make(&out, S("abc\r\ndef\r\n"));
    steps = 0;
    CHECK(machine_run(&m) == WAIT && m.wants == WANT_ROOM && steps == 1);
    CHECK_STR(buf_str(&out), S("abc|"));
    CHECK(machine_run(&m) == WAIT && m.wants == WANT_ROOM && steps == 1);
    buf_clear(&out);
    CHECK(machine_run(&m) == WAIT && m.wants == WANT_ROOM);
    CHECK_STR(buf_str(&out), S("def|"));
}

TEST(lines)
{
    const struct { struct str in; bool lf; bool ok; struct str line, rest;
    } cases[] = {
        {S("a\r\nb"), false, true, S("a"), S("b")},       {S("\r\n"), false, true, S(""), S("")},
        {S("a\nb\r\nc"), false, true, S("a\nb"), S("c")}, {S("a\nb\r\nc"), true, true, S("a"), S("b\r\nc")},
        {S("a\r\nb"), true, true, S("a"), S("b")},        {S("\n"), true, true, S(""), S("")},
        {S("a\r"), false, false, S(""), S("a\r")},        {S("a\n"), false, false, S(""), S("a\n")},
        {S("\n"), false, false, S(""), S("\n")},          {S(""), false, false, S(""), S("")},
        {S("a\r\r\nb"), false, true, S("a\r"), S("b")},   {S("\n\n\n\r\nx"), false, true, S("\n\n\n"), S("x")},
        {S("a\0b\r\n"), false, true, S("a\0b"), S("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct machine m = {.in = cases[i].in};
        struct str line = S("");
        CHECK(machine_take_line(&m, &line, cases[i].lf) == cases[i].ok);
        CHECK_STR(line, cases[i].line);
        CHECK_STR(m.in, cases[i].rest);
    }
    struct machine none = {.in = STR_NONE};
    struct str line;
    CHECK(!machine_take_line(&none, &line, false));
}
