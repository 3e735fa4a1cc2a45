// SPDX-License-Identifier: ISC
/* How notes of this folder are written: numbers as LEB128, text with its length before it. Private to relay. */
#pragma once
#include "base/buf.h"

#define NOTE_TIME_MAX (UINT64_C(1) << 52) /* ms; far enough, and sums of two do not overflow */

struct note_reader {
    struct str rest;
    bool broken; /* sticky: after it every number is 0 and every text empty */
};
void note_put_u64(struct buf *to, uint64_t v);
void note_put_time(struct buf *to, int64_t unix_ms); /* before 1970: 0 */
void note_put_str(struct buf *to, struct str s);
/* most: larger is broken. Numbers are in their shortest form, or broken: a note has one encoding. */
uint64_t note_get_u64(struct note_reader *r, uint64_t most);
int64_t note_get_time(struct note_reader *r);
struct str note_get_str(struct note_reader *r, size_t most);
