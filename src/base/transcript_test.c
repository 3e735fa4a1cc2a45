// SPDX-License-Identifier: ISC
/* The player must see what is wrong: a toy machine that greets and echoes lines, and files about it that are right and wrong. */
#include "base/test.h"
#include "base/transcript.h"

struct toy { struct machine m; bool hasty, slow_end; };

static enum next toy_echo(struct machine *m)
{
    struct toy *t = (struct toy *)(void *)m;
    struct str line;
    if (t->hasty && m->in.n) { /* a machine whose answer depends on how its input is cut */
        buf_add_u64(m->out, m->in.n);
        buf_add(m->out, S("\r\n"));
        m->in = STR_NONE;
        return AGAIN;
    }
    if (machine_take_line(m, &line, false)) {
        buf_add(m->out, line);
        buf_add(m->out, S("\r\n"));
        return str_eq(line, S("bye")) ? HANG_UP : AGAIN;
    }
    if (m->in_end && !t->slow_end)
        return HANG_UP;
    return machine_wait(m, WANT_INPUT, m->now_ms + 5000);
}

static enum next toy_greet(struct machine *m)
{
    buf_add(m->out, S("hello there\r\n"));
    m->step = toy_echo;
    return AGAIN;
}

static struct machine *toy_open(void *self, struct buf *out)
{
    struct toy *t = self;
    t->m = (struct machine){.step = toy_greet, .out = out, .out_room = 32};
    return &t->m;
}

static bool toy_directive(void *self, struct str word, struct str text)
{
    struct toy *t = self;
    if (!str_eq(word, S("SET")))
        return false;
    t->hasty = str_eq(text, S("hasty"));
    t->slow_end = str_eq(text, S("slow-end"));
    return t->hasty || t->slow_end;
}

static void toy_answer(void *self)
{
    (void)self;
}

static void toy_ran(void *self, bool tiny)
{
    (void)self;
    (void)tiny;
}

static void toy_close(void *self, struct buf *result)
{
    struct toy *t = self;
    t->hasty = t->slow_end = false;
    buf_add(result, S("closed\r\n"));
}

static bool play(const char *text, char *error, size_t size)
{
    static struct toy toy;
    struct transcript_host h = {.self = &toy, .peer = 'C', .out_min = 64, .open = toy_open, .directive = toy_directive, .answer = toy_answer,
                                .ran = toy_ran, .close = toy_close};
    struct arena a;
    struct transcript t;
    arena_init(&a, 1 << 20);
    error[0] = 0;
    toy = (struct toy){0};
    bool ok = transcript_parse(&a, "toy", str_c(text), &t, error, size) && transcript_play_all(&t, &h, 4, error, size);
    arena_clear(&a);
    return ok;
}

TEST(files)
{
    static const struct { const char *text, *error; } cases[] = {
        {"S: hello there\nC: a\nS: a\nC: bye\nS: bye\nCLOSED\n", NULL},
        {"# comment\n\nS: hello...\nC: a\nC: b\nS: a\nS: b\nEND\nCLOSED\n", NULL},
        {"S: ...there\nC~ a\nC~ b\\x63\nC: d\nS: abcd\n", NULL},
        {"S* ...\nC: bye\nS: bye\nRESULT\nS: closed\n", NULL},
        {"S: hello\n", "toy:1: wanted <hello>, got <hello there>"},
        {"S: hello there\nS: more\n", "toy:2: wanted <more>, nothing came"},
        {"S: hello there\nC: a\n", "more came than the file says: <a"},
        {"S: hello there\nC: bye\nS: bye\nS: x\n", "nothing came (hung up)"},
        {"S: hello there\nCLOSED\n", "toy:2: the machine did not hang up"},
        {"S: hello there\nTLS\n", "did not ask for TLS"},
        {"S: hello there\nFROB x\n", "no such directive"},
        {"S: hello there\nC: \\q\n", "toy:2: broken escape"},
        {"SET hasty\nS: hello there\nC: abc\nS: ...\n", "more came"},
        {"SET slow-end\nS: hello there\nC: a\nS: a\n", "cut behind line 1, the machine did not hang up"},
        {"", "holds no line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[1024];
        bool ok = play(cases[i].text, error, sizeof error);
        CHECK(ok == (cases[i].error == NULL));
        CHECK(!cases[i].error || strstr(error, cases[i].error));
        if (ok != (cases[i].error == NULL) || (cases[i].error && !strstr(error, cases[i].error)))
            test_fail(__FILE__, __LINE__, "case %zu: <%s>", i, error);
    }
}

TEST(fits)
{
    static const struct { const char *pattern, *line; bool fits; } cases[] = {
        {"a", "a", true}, {"a", "ab", false}, {"...", "", true}, {"...", "x", true}, {"a...", "abc", true}, {"a...c", "abc", true}, {"a...c", "ab", false},
        {"...b...", "abc", true}, {"...x...", "abc", false}, {"a...b...c", "a1b2c", true}, {"a...b...c", "a1c2b", false}, {"", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(transcript_fits(str_c(cases[i].pattern), str_c(cases[i].line)) == cases[i].fits);
}
