// SPDX-License-Identifier: ISC
/* A stored message made fit for a way that carries less: no BINARY, no 8-bit data, no long lines, no bare CR or LF (RFC 3030 3,
   6152 3, 1652). Only the parts that need it are encoded anew, and only their Content-Transfer-Encoding changes; everything else
   goes through byte for byte, so that signatures inside stay good where they can. The message passes twice: the first pass looks,
   the second writes. Both take pieces of any size. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum convert_to { CONVERT_7BIT, CONVERT_8BIT };
struct convert;
/* a: about 48 KiB, and 16 octets for each part (at most MIME_PARTS_MAX). NULL: the arena is full. When it fills up during the
   first pass, the parts that found no room are made fit by force: octets that cannot go become "?". */
struct convert *convert_begin(struct arena *a, enum convert_to to);
void convert_look(struct convert *c, struct str piece); /* first pass */
/* The first pass is over. False: nothing has to be changed; the message can be sent as it is. */
bool convert_looked(struct convert *c);
/* Second pass: takes from the front of *in while out has 2 KiB of room. Call again with what is left. */
void convert_feed(struct convert *c, struct str *in, struct buf *out);
/* The message is over: appends what is held. True: all of it is out; false: out needs 2 KiB of room, call again. */
bool convert_end(struct convert *c, struct buf *out);
/* Start the second pass again (after counting its octets, say). */
void convert_rewind(struct convert *c);
