/* SPDX-License-Identifier: ISC */
/* The one clock. A test or the simulator sets it; everybody else only reads. */
#pragma once
#include <stdint.h>

int64_t clock_mono_ms(void); /* monotonic milliseconds, never 0 */
int64_t clock_mono_us(void);
int64_t clock_unix_ms(void); /* civil time, milliseconds since 1970 UTC */
/* "2026-11-24T19:20:01.123Z"; years 0000 to 9999, clipped. No time zone file is read, so a sandboxed role may call it. */
struct clock_text { char c[32]; };
struct clock_text clock_text(int64_t unix_ms);
/* From now on time is what the simulator says (0, 0: back to the kernel's). */
void clock_simulate(int64_t mono_us, int64_t unix_ms);
