/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static bool simulated;
static int64_t simulated_mono_us, simulated_unix_ms;

static int64_t kernel_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return simulated ? simulated_mono_us : kernel_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    int64_t ms = clock_mono_us() / 1000;
    return ms != 0 ? ms : 1; /* 0 means "no deadline" everywhere */
}

int64_t clock_unix_ms(void)
{
    return simulated ? simulated_unix_ms : kernel_us(CLOCK_REALTIME) / 1000;
}

void clock_simulate(int64_t mono_us, int64_t unix_ms)
{
    simulated = mono_us != 0 || unix_ms != 0;
    simulated_mono_us = mono_us;
    simulated_unix_ms = unix_ms;
}

struct clock_text clock_text(int64_t unix_ms)
{
    const int64_t first = -62167219200000, last = 253402300799999; /* 0000-01-01, the end of 9999 */
    if (unix_ms < first)
        unix_ms = first;
    if (unix_ms > last)
        unix_ms = last;
    /* Days since 1 March of the year -400, in eras of 400 years: a year that begins in March has its leap day last. */
    int64_t ms = unix_ms - first + (int64_t)(146097 - 60) * 86400000;
    int64_t day_ms = ms % 86400000, days = ms / 86400000;
    int64_t era = days / 146097, in_era = days % 146097;
    int64_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month0 = (5 * in_year + 2) / 153; /* 0: March */
    int64_t day = in_year - (153 * month0 + 2) / 5 + 1, month = month0 < 10 ? month0 + 3 : month0 - 9;
    int64_t year = era * 400 + year_of_era - 400 + (month <= 2);
    struct clock_text t;
    snprintf(t.c, sizeof t.c, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)day % 100, (unsigned)(day_ms / 3600000), (unsigned)(day_ms / 60000 % 60), (unsigned)(day_ms / 1000 % 60),
             (unsigned)(day_ms % 1000));
    return t;
}
