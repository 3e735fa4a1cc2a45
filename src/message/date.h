// SPDX-License-Identifier: ISC
/* Dates and times of header fields, RFC 5322 3.3 and 4.3. */
#pragma once
#include "base/buf.h"
#include "base/str.h"

struct date {
    int64_t unix_ms;     /* whole seconds; before 1970 is negative */
    int32_t offset_min;  /* east of UTC, -1439 … 1439 */
    bool offset_unknown; /* "-0000", a military letter, or an unknown zone name: taken as UTC (RFC 5322 4.3) */
};

/* "Tue, 24 Nov 2026 19:20:01 +0000". The time is civil; offset_min says which zone to print it in (clipped to ±1439). Years 1 …
 * 9999. */
void date_print(struct buf *to, int64_t unix_ms, int32_t offset_min);
/* The same for "2026-11-24T19:20:01Z" (RFC 3339), in UTC. */
void date_print_iso(struct buf *to, int64_t unix_ms);
/* A whole date-time: day of week optional and not compared, seconds optional, comments and folding anywhere, obsolete zones and
   two- and three-digit years. Leap second 60 is taken as 59. False when it is not one (impossible days included); *to is
   unchanged then. */
bool date_parse(struct str text, struct date *to);
/* As date_parse, but also takes what mailers really write: time first, "-" between the parts, asctime order, RFC 3339. For
 * reading, never for judging. */
bool date_parse_loose(struct str text, struct date *to);
