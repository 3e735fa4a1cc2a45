// SPDX-License-Identifier: ISC
/* Where bytes come from and where they go, in pieces, so that no message is ever held whole. */
#pragma once
#include "base/buf.h"
#include "base/str.h"

#define SOURCE_SIZE_UNKNOWN UINT64_MAX

enum source_result {
    SOURCE_MORE,   /* something was added, more will come */
    SOURCE_END,    /* that was all (something may have been added) */
    SOURCE_LATER,  /* nothing now: the reader returns to its caller and asks again */
    SOURCE_FAILED, /* cannot be read: the reader gives up */
};
struct source {
    /* Appends to into at most buf_room(into) octets that stand at offset. Offsets rise without gaps; offset 0 comes a second time
     * only when again is set. */
    enum source_result (*read)(void *self, uint64_t offset, struct buf *into);
    void *self;
    uint64_t size; /* octets, or SOURCE_SIZE_UNKNOWN; only for progress and choices, never trusted */
    bool again;    /* may be read from the start more than once */
};
struct sink {
    bool (*write)(void *self, struct str piece); /* false: cannot be written; the writer stops */
    void *self;
};
/* A source over bytes in memory; state belongs to the caller and must live as long as the source. */
struct source source_memory(struct str *bytes);
