/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include <time.h>
#include "base/test.h"

TEST(real_time_moves)
{
    int64_t a = clock_mono_us(), unix_ms = clock_unix_ms();
    CHECK(clock_mono_us() >= a && clock_mono_ms() >= a / 1000 && clock_mono_ms() != 0);
    CHECK(unix_ms / 1000 - (int64_t)time(NULL) < 2 && unix_ms / 1000 - (int64_t)time(NULL) > -2);
}

TEST(simulated_time_stands)
{
    clock_simulate(5000000, 1000);
    CHECK_NUM(clock_mono_ms(), 5000);
    CHECK_NUM(clock_mono_us(), 5000000);
    CHECK_NUM(clock_unix_ms(), 1000);
    clock_simulate(1, 1000);
    CHECK_NUM(clock_mono_ms(), 1); /* never 0 */
    clock_simulate(0, 0);
    CHECK(clock_unix_ms() > 1000);
}

TEST(text)
{
    static const struct { int64_t ms; const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868800000, "2000-03-01T00:00:00.000Z"},
        {-2203891200000, "1900-03-01T00:00:00.000Z"},
        {1796066401123, "2026-11-30T19:20:01.123Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_STR(str_c(clock_text(cases[i].ms).c), str_c(cases[i].text));
    /* Against the C library, every day and a bit for 800 years. */
    for (int64_t s = -12622780800; s < 12622780800; s += 86400 + 7) {
        time_t t = (time_t)s;
        struct tm tm;
        char want[40];
        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        if (strcmp(want, clock_text(s * 1000).c) != 0) {
            CHECK_STR(str_c(clock_text(s * 1000).c), str_c(want));
            break;
        }
    }
}
