/* SPDX-License-Identifier: ISC */
/* Frames as bytes and descriptors on a stream socket; private to os. */
#pragma once
#include <sys/types.h>
#include "os/link.h"

enum { WIRE_HAS_FD = 1 };
struct wire_header { uint32_t length; uint16_t type, flags; uint64_t id; };
_Static_assert(sizeof(struct wire_header) == LINK_HEADER, "no padding");

/* Descriptors on their way, in order. Going out, each knows the position in the stream of the frame that it belongs to. */
struct wire_fds { size_t n; struct { int fd; uint64_t position; } at[LINK_FDS_MAX]; };
void wire_fds_add(struct wire_fds *q, int fd, uint64_t position); /* q->n < LINK_FDS_MAX */
int wire_fds_take(struct wire_fds *q);                            /* -1: none */
void wire_fds_close(struct wire_fds *q);

/* One send of what stands at position in the stream; descriptors that left are closed here. -1 with errno. */
ssize_t wire_send(int fd, struct str bytes, uint64_t position, struct wire_fds *fds);
/* One receive of at most n bytes: 0 at the end, -1 with errno; EPROTO: the other end sent more descriptors than it may. */
ssize_t wire_receive(int fd, void *to, size_t n, struct wire_fds *fds);
/* The first frame of in. NULL and *size 0: not whole yet; NULL and *size > 0: f is set, its payload lies in in; else what is
   broken. */
const char *wire_take(struct str in, struct wire_fds *fds, struct frame *f, size_t *size);
