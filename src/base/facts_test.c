/* SPDX-License-Identifier: ISC */
#include "base/facts.h"
#include <pthread.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/test.h"

static char storage[200000];
static struct buf lines;
static bool take = true;

static bool sink(void *to, struct str line)
{
    CHECK(to == &lines);
    if (take)
        buf_add(&lines, line);
    return take;
}

static void begin(void)
{
    buf_fixed(&lines, storage, sizeof storage);
    fact_sink(sink, &lines);
    fact_role(NULL);
    clock_simulate(1000000, 1796066401123);
    take = true;
}

static void end(void)
{
    fact_sink(NULL, NULL);
    clock_simulate(0, 0);
}

TEST(one_line)
{
    begin();
    fact_role("edge-mx");
    fact(FACT_INFO, "smtp.rcpt", fact_c("sid", "7F3K2"), fact_c("to", "bob@example.org"), fact_num("ms", -3));
    CHECK_STR(
        buf_str(&lines),
        S("time=2026-11-30T19:20:01.123Z level=info role=edge-mx event=smtp.rcpt sid=7F3K2 to=\"bob@example.org\" ms=-3\n"));
    buf_clear(&lines);
    fact_role(NULL);
    fact(FACT_ERROR, "x");
    CHECK_STR(buf_str(&lines), S("time=2026-11-30T19:20:01.123Z level=error event=x\n"));
    end();
}

TEST(levels)
{
    begin();
    fact(FACT_DEBUG, "quiet");
    CHECK_NUM(lines.n, 0);
    fact_level_max(FACT_DEBUG);
    fact(FACT_DEBUG, "loud");
    CHECK(lines.n > 0);
    fact_level_max(FACT_INFO);
    end();
}

TEST(whatever_a_peer_says_stays_in_its_quotes)
{
    const struct { struct str in, out;
    } cases[] = {
        {S(""), S("v=\"\"")},
        {STR_NONE, S("v=\"\"")},
        {S("a b"), S("v=\"a b\"")},
        {S("a\"b\\"), S("v=\"a\\\"b\\\\\"")},
        {S("x\nlevel=error event=fake"), S("v=\"x\\nlevel=error event=fake\"")},
        {S("\r\t\0\x1b\x7f"), S("v=\"\\r\\t\\x00\\x1b\\x7f\"")},
        {S("\xff\xc3"), S("v=\"\\xff\\xc3\"")},
        {S("Grüße"), S("v=\"Grüße\"")},
        {S("%s%n"), S("v=\"%s%n\"")},
        {S("a=b"), S("v=\"a=b\"")},
        {S("10.0.0.1:25"), S("v=10.0.0.1:25")},
        {S("a\0b"), S("v=\"a\\x00b\"")},
        {S("\xef\xbf\xbd"), S("v=\"\xef\xbf\xbd\"")},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&lines);
        fact(FACT_INFO, "e", fact_str("v", cases[i].in));
        struct str line = buf_str(&lines);
        CHECK_NUM(str_find(line, '\n'), line.n - 1);
        CHECK_STR(str_skip(str_head(line, line.n - 1), str_find_str(line, S("v="))), cases[i].out);
    }
    end();
}

TEST(long_values_are_cut_and_long_lines_lose_whole_fields)
{
    static char big[5000];
    memset(big, 'x', sizeof big);
    begin();
    fact(FACT_INFO, "e", fact_str("v", str_of(big, 1024)));
    CHECK(str_ends(buf_str(&lines), S("xx\n")));
    buf_clear(&lines);
    fact(FACT_INFO, "e", fact_str("v", str_of(big, 1025)), fact_num("n", 1));
    CHECK(str_ends(buf_str(&lines), S("x\"… n=1\n")));
    buf_clear(&lines);
    memset(big, 1, sizeof big); /* escapes to four times its size */
    fact(FACT_INFO, "e", fact_str("v", str_of(big, 800)), fact_str("w", str_of(big, 800)), fact_str("u", str_of(big, 800)),
         fact_num("n", 1));
    CHECK(str_ends(buf_str(&lines), S("\" cut=1 n=1\n")) || str_ends(buf_str(&lines), S("\" cut=1\n")));
    CHECK(lines.n <= 4096);
    buf_clear(&lines);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = i % 2 ? '\xa9' : '\xc3';
    fact(FACT_INFO, "e", fact_str("v", str_of(big, 2001)));
    CHECK(str_find_str(buf_str(&lines), S("\\x")) == lines.n); /* cut between characters */
    end();
}

TEST(a_full_sink_is_counted)
{
    begin();
    uint64_t before = fact_dropped();
    take = false;
    fact(FACT_INFO, "lost");
    fact(FACT_INFO, "lost");
    CHECK_NUM(fact_dropped() - before, 2);
    end();
}

static void *other_thread(void *count)
{
    for (size_t i = 0; i < *(size_t *)count; i++)
        fact(FACT_INFO, "thread.line", fact_num("i", (int64_t)i));
    return NULL;
}

static bool talking_sink(void *to, struct str line)
{
    (void)to;
    (void)line;
    fact(FACT_WARN, "from.within");
    fact_flush();
    return true;
}

TEST(a_sink_that_writes_facts_itself_loses_them)
{
    uint64_t before = fact_dropped();
    fact_sink(talking_sink, NULL);
    fact(FACT_INFO, "x");
    CHECK_NUM(fact_dropped() - before, 1);
    end();
}

TEST(other_threads_wait_for_the_owner)
{
    pthread_t t;
    size_t count = 3;
    begin();
    CHECK(pthread_create(&t, NULL, other_thread, &count) == 0);
    pthread_join(t, NULL);
    CHECK_NUM(lines.n, 0);
    fact(FACT_INFO, "own.line");
    CHECK(str_find_str(buf_str(&lines), S("i=2\n")) < str_find_str(buf_str(&lines), S("own.line")));
    buf_clear(&lines);
    uint64_t before = fact_dropped();
    count = 2000; /* more than may wait */
    CHECK(pthread_create(&t, NULL, other_thread, &count) == 0);
    pthread_join(t, NULL);
    CHECK(fact_dropped() > before);
    fact_flush();
    size_t got = 0;
    for (struct str rest = buf_str(&lines), line; rest.n > 0; got++) {
        line = str_cut(rest, '\n', &rest);
        CHECK(str_starts(line, S("time=")));
    }
    CHECK_NUM(got + (fact_dropped() - before), 2000);
    end();
}

static void each(void *to, const char *name, uint64_t value)
{
    if (strcmp(name, "test.one") == 0)
        *(uint64_t *)to += value;
    if (strcmp(name, "test.two") == 0)
        *(uint64_t *)to += value * 1000;
}

TEST(counters)
{
    char copy[] = "test.one"; /* the same name at another address */
    uint64_t sum = 0;
    fact_count("test.one", 1);
    fact_count("test.two", 5);
    fact_count(copy, 2);
    fact_counters(each, &sum);
    CHECK_NUM(sum, 5003);
}
