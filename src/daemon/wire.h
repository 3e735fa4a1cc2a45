/* SPDX-License-Identifier: ISC */
/* The bytes of a message between roles: little-endian numbers, u32 length and octets, no padding. Every reader checks what it
   reads; after the first failure a reader stays broken and gives zeros, so that a message is read whole and asked about once. */
#pragma once
#include "base/buf.h"
#include "base/outcome.h"

struct wire_in {
    struct str rest; /* what was not read yet */
    bool broken;
};

static inline struct wire_in wire_open(struct str payload) { return (struct wire_in){payload, false}; }
/* All was read, nothing is left over, nothing was wrong. */
static inline bool wire_done(const struct wire_in *in) { return !in->broken && in->rest.n == 0; }

uint8_t wire_u8(struct wire_in *in);
uint16_t wire_u16(struct wire_in *in);
uint32_t wire_u32(struct wire_in *in);
uint64_t wire_u64(struct wire_in *in);
bool wire_flag(struct wire_in *in);                       /* 0 or 1, else broken */
enum outcome wire_outcome(struct wire_in *in);            /* DONE, RETRY, REFUSE, else broken (and RETRY) */
struct str wire_bytes(struct wire_in *in, size_t most);   /* borrowed from the payload */
struct str wire_text(struct wire_in *in, size_t most);    /* as wire_bytes; broken when it holds NUL, CR or LF */
void wire_why(struct wire_in *in, struct why *to);        /* printable text only, cut to fit by the sender */

void wire_add_u8(struct buf *to, uint8_t v);
void wire_add_u16(struct buf *to, uint16_t v);
void wire_add_u32(struct buf *to, uint32_t v);
void wire_add_u64(struct buf *to, uint64_t v);
/* most: as in the table. Longer is a bug of ours where it is not checked before; the message becomes unsendable (to->full). */
void wire_add_bytes(struct buf *to, struct str v, size_t most);
void wire_add_text(struct buf *to, struct str v, size_t most); /* NUL, CR, LF: unsendable, too */
void wire_add_why(struct buf *to, const struct why *why);
