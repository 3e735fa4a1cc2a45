// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/date.h"

TEST(print)
{
    static const struct {
        int64_t s;
        int offset;
        const char *out;
    } cases[] = {
        {0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"},
        {1795548001, 0, "Tue, 24 Nov 2026 19:20:01 +0000"},
        {1795548001, 60, "Tue, 24 Nov 2026 20:20:01 +0100"},
        {1795548001, -570, "Tue, 24 Nov 2026 09:50:01 -0930"},
        {951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"},
        {951782400, 5000, "Tue, 29 Feb 2000 23:59:00 +2359"},
        {4107542399, 0, "Sun, 28 Feb 2100 23:59:59 +0000"},
        {4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000"},
        {253402300799, 0, "Fri, 31 Dec 9999 00:00:00 +0000"}, /* clipped */
        {INT64_MIN / 1000, 0, "Tue, 2 Jan 0001 00:00:00 +0000"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char storage[64];
        struct buf b;
        buf_fixed(&b, storage, sizeof storage);
        date_print(&b, cases[i].s * 1000, cases[i].offset);
        CHECK_STR(buf_str(&b), str_c(cases[i].out));
    }
    char storage[64];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    date_print_iso(&b, 1795548001999);
    CHECK_STR(buf_str(&b), S("2026-11-24T19:20:01Z"));
}

static const struct parse_case {
    const char *in;
    bool ok;
    int64_t s;
    int offset;
    bool unknown;
} strict[] = {
    {"Tue, 24 Nov 2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"24 Nov 2026 19:20 +0000", true, 1795548000, 0, false},
    {"Fri, 21 Nov 1997 09:55:06 -0600", true, 880127706, -360, false},
    {"  Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)", true,
     -27723480, -210, false},
    {"21 Nov 97 09:55:06 GMT", true, 880106106, 0, false},
    {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", true, 880127706, -360, false},
    {"Tue, 1 Jul 2003 ((tricky)\r\n comment) 10:52:37 +0200", true, 1057049557, 120, false},
    {"1 Jan 00 00:00 Z", true, 946684800, 0, false},
    {"1 Jan 49 00:00 Z", true, 2493072000, 0, false},
    {"1 Jan 50 00:00 Z", true, -631152000, 0, false},
    {"1 Jan 100 00:00 Z", true, 946684800, 0, false},
    {"1 Jan 2000 00:00 EST", true, 946702800, -300, false},
    {"1 Jan 2000 00:00 pdt", true, 946710000, -420, false},
    {"1 Jan 2000 00:00 A", true, 946684800, 0, true},
    {"1 Jan 2000 00:00 CEST", true, 946684800, 0, true},
    {"1 Jan 2000 00:00 -0000", true, 946684800, 0, true},
    {"30 Jun 2015 23:59:60 +0300", true, 1435697999, 180, false},
    {"29 Feb 2000 00:00 Z", true, 951782400, 0, false},
    {"TUE, 24 nov 2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"29 Feb 1900 00:00 Z", false, 0, 0, false},
    {"31 Apr 2000 00:00 Z", false, 0, 0, false},
    {"0 Apr 2000 00:00 Z", false, 0, 0, false},
    {"1 Foo 2000 00:00 Z", false, 0, 0, false},
    {"1 Jan 2000 24:00 Z", false, 0, 0, false},
    {"1 Jan 2000 00:60 Z", false, 0, 0, false},
    {"1 Jan 2000 00:00:61 Z", false, 0, 0, false},
    {"1 Jan 2000 00:00 +0060", false, 0, 0, false},
    {"1 Jan 2000 00:00 +2400", false, 0, 0, false},
    {"1 Jan 2000 00:00 +000", false, 0, 0, false},
    {"1 Jan 2000 00:00", false, 0, 0, false},
    {"1 Jan 2000", false, 0, 0, false},
    {"1 Jan 20000 00:00 Z", false, 0, 0, false},
    {"1 Jan 2 00:00 Z", false, 0, 0, false},
    {"Tue 24 Nov 2026 19:20:01 +0000", false, 0, 0, false},
    {"Foo, 24 Nov 2026 19:20:01 +0000", false, 0, 0, false},
    {"24 Nov 2026 19:20:01 +0000 x", false, 0, 0, false},
    {"", false, 0, 0, false},
    {"99999999999999999999999 Jan 2000 00:00 Z", false, 0, 0, false},
};
static const struct parse_case loose[] = {
    {"Tue, 24 Nov 2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"Tue 24 Nov 2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"Tuesday, 24 November 2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"Tue, 24-Nov-2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"24-Nov-26 19:20:01 GMT", true, 1795548001, 0, false},
    {"Tue Nov 24 19:20:01 2026", true, 1795548001, 0, true},
    {"Tue Nov 24 19:20:01 2026 +0100", true, 1795544401, 60, false},
    {"Tue Nov 24 19:20:01 EST 2026", true, 1795566001, -300, false},
    {"Nov 24, 2026 19:20:01 +0000", true, 1795548001, 0, false},
    {"2026-11-24T19:20:01Z", true, 1795548001, 0, false},
    {"2026-11-24T20:20:01.123+01:00", true, 1795548001, 60, false},
    {"2026-11-24 19:20:01", true, 1795548001, 0, true},
    {"Tue, 24 Nov 2026 19:20:01", true, 1795548001, 0, true},
    {"24 Nov 2026 19:20:01 +0100 (CET)", true, 1795544401, 60, false},
    {"24 Nov 2026 19:20:01 GMT+0100", true, 1795544401, 60, false},
    {"24 Nov 2026 7:20:01 PM +0000", true, 1795548001, 0, false},
    {"Tue, 24 Nov 2026", true, 1795478400, 0, true},
    {"Tue, 24 Foo 2026", false, 0, 0, false},
    {"yesterday", false, 0, 0, false},
    {"", false, 0, 0, false},
};

static void hold(const struct parse_case *c, size_t n, bool (*parse)(struct str, struct date *))
{
    for (size_t i = 0; i < n; i++) {
        struct date d = {42, 0, false};
        bool ok = parse(str_c(c[i].in), &d);
        if (ok != c[i].ok || (ok && d.unix_ms != c[i].s * 1000))
            fprintf(stderr, "%s\n", c[i].in);
        CHECK_NUM(ok, c[i].ok);
        CHECK_NUM(d.unix_ms, ok ? c[i].s * 1000 : 42);
        if (ok) {
            CHECK_NUM(d.offset_min, c[i].offset);
            CHECK_NUM(d.offset_unknown, c[i].unknown);
        }
    }
}

TEST(parse)
{
    hold(strict, countof(strict), date_parse);
}

TEST(parse_loose)
{
    hold(loose, countof(loose), date_parse_loose);
}

TEST(round_trip)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        char storage[64];
        struct buf b;
        struct date d;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        int64_t s = (int64_t)(x % 200000000000u) - 50000000000;
        int offset = (int)(x >> 40) % 1440;
        buf_fixed(&b, storage, sizeof storage);
        date_print(&b, s * 1000, offset);
        CHECK(date_parse(buf_str(&b), &d) && d.unix_ms == s * 1000 && d.offset_min == offset);
    }
}
