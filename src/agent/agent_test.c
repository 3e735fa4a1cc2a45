// SPDX-License-Identifier: ISC
#include "agent/box.h"
#include "agent/inside.h"
#include "agent/net_host.h"
#include "base/test.h"
#include "os/file.h"

static struct agent g;

/* Parses a command line; standard error is kept quiet. */
static int typed(const char *line)
{
    static char copy[1000];
    static char *argv[50];
    int argc = 1;
    arena_clear(&g.a);
    g = (struct agent){0};
    arena_init(&g.a, 1 << 20);
    snprintf(copy, sizeof copy, "%s", line);
    argv[0] = copy + strlen(copy);
    for (char *w = strtok(copy, " "); w && argc < 49; w = strtok(NULL, " "))
        argv[argc++] = w;
    fflush(stderr);
    FILE *real = stderr;
    stderr = fopen("/dev/null", "w");
    int status = agent_args(&g, argc, argv);
    fclose(stderr);
    stderr = real;
    return status;
}

static const struct {
    const char *line;
    int status;
    const char *command;
    unsigned args;
} lines[] = {
    {"user add a@b.example", -1, "user add", 1},
    {"--dir /x user add a@b.example", -1, "user add", 1},
    {"user --dir=/x add --quota 5G a@b.example -qy", -1, "user add", 1},
    {"user add", BAD_USAGE, "user add", 0},
    {"user add a b", BAD_USAGE, "user add", 2},
    {"user ad", BAD_USAGE, NULL, 0},
    {"user", BAD_USAGE, NULL, 0},
    {"queue", -1, "queue ls", 0},
    {"q", -1, "queue ls", 0},
    {"queue ls", -1, "queue ls", 0},
    {"queue show 7F3K2", -1, "queue show", 1},
    {"in 1-3", -1, "ls", 1},
    {"ls -- -x", -1, "ls", 1},
    {"send -s hello -a x -a y b@c.example", -1, "send", 1},
    {"send -shello b@c.example", -1, "send", 1},
    {"send --subject", BAD_USAGE, NULL, 0},
    {"send --quota 5 x", BAD_USAGE, "send", 1},
    {"sned", BAD_USAGE, NULL, 0},
    {"ls --jsn", BAD_USAGE, NULL, 0},
    {"ls --json=yes", BAD_USAGE, NULL, 0},
    {"ls -Z", BAD_USAGE, NULL, 0},
    {"--version", -1, "version", 0},
    {"", -1, NULL, 0},
};

TEST(what_is_typed)
{
    for (size_t i = 0; i < countof(lines); i++) {
        int status = typed(lines[i].line);
        if (status != lines[i].status)
            test_fail(__FILE__, __LINE__, "'%s' gives %d", lines[i].line, status);
        test_checks++;
        if (status != -1)
            continue;
        CHECK_STR(str_c(g.command ? g.command->words : "-"), str_c(lines[i].command ? lines[i].command : "-"));
        CHECK_NUM(g.arg_count, lines[i].args);
    }
    typed("send -a one -s x --attach=two -s y b@c.example");
    uint32_t cursor = 0;
    CHECK_STR(str_c(agent_option_next(&g, OPTION_ATTACH, &cursor)), S("one"));
    CHECK_STR(str_c(agent_option_next(&g, OPTION_ATTACH, &cursor)), S("two"));
    CHECK(agent_option_next(&g, OPTION_ATTACH, &cursor) == NULL);
    CHECK_STR(str_c(agent_option(&g, OPTION_SUBJECT)), S("y"));
    arena_clear(&g.a);
}

/* Every command can be typed as it is written, takes only options that exist, and no letter is given twice. */
TEST(the_tables_hold_together)
{
    for (size_t i = 0; i < agent_command_count; i++) {
        char line[200];
        const struct command *c = &agent_commands[i];
        snprintf(line, sizeof line, "%s%s%s", c->words, c->least > 0 ? " 1" : "", c->least > 1 ? " 2" : "");
        CHECK_NUM(typed(line), -1);
        CHECK(g.command == c);
        CHECK(c->run != NULL && c->what[0] && c->least <= c->most);
        CHECK(c->options >> OPTION_COUNT == 0);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++)
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(agent_options[i].word, agent_options[j].word) != 0);
            CHECK(!agent_options[i].letter || agent_options[i].letter != agent_options[j].letter);
        }
    arena_clear(&g.a);
}

static const struct {
    const char *text;
    bool ok;
    const char *host;
    unsigned port;
    bool implicit;
} ends[] = {
    {"mail.example.org", true, "mail.example.org", 587, false},
    {"mail.example.org:465", true, "mail.example.org", 465, true},
    {"submissions://m.example:2465", true, "m.example", 2465, true},
    {"submission://m.example:2587", true, "m.example", 2587, false},
    {"submissions://m.example", true, "m.example", 465, true},
    {"[::1]:2587", true, "::1", 2587, false},
    {"[::1]", true, "::1", 587, false},
    {"::1", true, "::1", 587, false},
    {"m.example:", true, "m.example", 587, false},
    {"m.example:0", false, "", 0, false},
    {"m.example:99999", false, "", 0, false},
    {"m.example:x", false, "", 0, false},
    {"", false, "", 0, false},
    {":25", false, "", 0, false},
    {"[::1]x", false, "", 0, false},
};

/* docs/man is what the tables say: penny man > docs/man/penny.1; penny man penny.conf > docs/man/penny.conf.5 */
TEST(the_manual_is_current)
{
    static const char *const pages[] = {"docs/man/penny.1", "docs/man/penny.conf.5"};
    for (int i = 0; i < 2; i++) {
        struct buf made, there;
        struct why why = {"", ""};
        buf_init(&made, 1 << 20);
        buf_init(&there, 1 << 20);
        agent_page(&made, i == 1);
        CHECK(file_read(pages[i], 1 << 20, &there, &why) == DONE);
        CHECK(!made.full && str_eq(buf_str(&made), buf_str(&there)));
        buf_free(&made);
        buf_free(&there);
    }
}

TEST(servers_are_named)
{
    for (size_t i = 0; i < countof(ends); i++) {
        struct endpoint e;
        bool ok = endpoint_parse(str_c(ends[i].text), 587, 465, &e);
        test_checks++;
        if (ok != ends[i].ok)
            test_fail(__FILE__, __LINE__, "%s", ends[i].text);
        if (!ok || !ends[i].ok)
            continue;
        CHECK_STR(str_c(e.host), str_c(ends[i].host));
        CHECK_NUM(e.port, ends[i].port);
        CHECK_NUM(e.implicit, ends[i].implicit);
    }
}

static const struct {
    const char *line;
    bool ok;
    const char *first;
} choices[] = {
    {"ls 3", true, "3-3"},   {"ls 3-7", true, "3-7"}, {"ls 3-", true, "3-0"},        {"ls last", true, "0-0"},
    {"ls all", true, "1-0"}, {"ls 3,5", true, "3-3"}, {"ls 7-3", false, ""},         {"ls x", false, ""},
    {"ls 0", false, ""},     {"ls 1-x", false, ""},   {"ls 99999999999", false, ""},
};

TEST(messages_are_chosen)
{
    for (size_t i = 0; i < countof(choices); i++) {
        struct choice c = {.count = 0};
        char text[40];
        CHECK_NUM(typed(choices[i].line), -1);
        FILE *real = stderr;
        stderr = fopen("/dev/null", "w");
        int status = box_choice(&g, &c);
        fclose(stderr);
        stderr = real;
        CHECK_NUM(status == -1, choices[i].ok);
        if (status != -1)
            continue;
        snprintf(text, sizeof text, "%u-%u", c.range[0].from, c.range[0].to);
        CHECK_STR(str_c(text), str_c(choices[i].first));
    }
    arena_clear(&g.a);
}

TEST(sizes_and_ages_for_people)
{
    arena_init(&g.a, 1 << 20);
    static const struct {
        uint64_t n;
        const char *text;
    } sizes[] = {{0, "0 B"},         {999, "999 B"},       {1000, "1.0 kB"},      {12345, "12.3 kB"},
                 {411914, "412 kB"}, {99950000, "100 MB"}, {1000000000, "1.0 GB"}};
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK_STR(agent_size_text(&g.a, sizes[i].n), str_c(sizes[i].text));
    CHECK_NUM(agent_time_of(S("1970-01-01T00:00:01Z")), 1000);
    CHECK_NUM(agent_time_of(S("nonsense")), 0);
    arena_clear(&g.a);
}
