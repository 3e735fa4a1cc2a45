/* SPDX-License-Identifier: ISC */
/* Links: frames between roles over a stream socket pair (docs/decisions/0001-links-are-sockets.md). The other end is taken for
   hostile: a header is copied once, then validated, and a payload is private memory by the time anybody reads it.

       frame: u32 payload length | u16 type | u16 flags (1: a descriptor comes along) | u64 id | payload (at most FRAME_MAX)

   Frames queued in a loop turn leave in one write at its end; many are read by one read. Ids are the callers' business (a reply
   carries its question's id). */
#pragma once
#include "base/buf.h"
#include "base/limits.h"
#include "os/loop.h"

struct link;

enum {
    LINK_HEADER = 16,
    LINK_PARTS_MAX = 16,
    LINK_OUT_MAX = 4 * FRAME_MAX, /* default bound of what may wait to be sent */
    LINK_FDS_MAX = 16,            /* descriptors that may wait, each way */
};

struct frame {
    uint16_t type;
    uint64_t id;
    struct str payload;  /* good until on_frame returns; 16-byte alignment is not promised: memcpy structs out */
    int fd;              /* -1, or a descriptor: on_frame takes it by setting -1 here, else it is closed */
};

struct link_handler {
    void (*on_frame)(void *self, struct link *l, struct frame *f);
    /* The other end is gone or broke the rules; why: "closed", "oversize frame", …. Called once, from the loop, never from within
       link_send. The link is dead (sends fail) and still has to be freed, which may be done here. */
    void (*on_close)(void *self, struct link *l, const char *why);
    void (*on_room)(void *self, struct link *l); /* after a link_send that failed or a link_room that was too small: half of the
                                                    queue is free again. May be NULL */
};

/* Takes fd (a connected stream socket, made non-blocking). handler is copied. name: static storage, for facts. out_max: 0 =
   LINK_OUT_MAX. NULL: no memory (fd stays the caller's). */
struct link *link_new(struct loop *loop, int fd, const char *name, const struct link_handler *handler, void *self,
                      size_t out_max) MUST_USE;
/* Both ends in this process, without descriptors: for --single and tests. Frames are delivered at the end of the turn, never
   within link_send. */
bool link_new_pair(struct loop *loop, const char *name_a, const struct link_handler *a, void *self_a, const char *name_b,
                   const struct link_handler *b, void *self_b, size_t out_max, struct link *ends[2]) MUST_USE;
/* May be called anywhere, also in the link's own handlers. What waits to be sent is tried once, then lost. */
void link_free(struct link *l);

/* Queues a frame. False: dead, no room (see link_room; on_room will come), or larger than FRAME_MAX: nothing was queued. */
bool link_send(struct link *l, uint16_t type, uint64_t id, struct str payload) MUST_USE;
/* Gathered from parts (at most LINK_PARTS_MAX). fd: -1 or a descriptor that goes along: it is the link's on true, stays the
   caller's on false. */
bool link_send_parts(struct link *l, uint16_t type, uint64_t id, const struct str *parts, size_t count, int fd) MUST_USE;
/* Payload bytes that one link_send may have now. 0: none, or dead. */
size_t link_room(struct link *l);
/* Bytes that wait to be sent; when that is more than link_room_at said, on_room comes once it is no more than half of it. */
size_t link_queued(struct link *l);
void link_room_at(struct link *l, size_t bytes); /* default: out_max */
bool link_is_dead(const struct link *l);
/* Stops and resumes reading: what the other end sends stays with it, until its queue is full. on_frame is not called while
   paused. */
void link_pause(struct link *l, bool paused);
/* Sends now instead of at the end of the turn (before an exit, or ahead of long work). */
void link_flush(struct link *l);
const char *link_name(const struct link *l);

/* ---- for threads: one question, one answer, on a stream socket of their own (blocking or not) ---- */
/* Sends the frame and waits for the next one. answer gets the payload (cleared first). A descriptor that comes along is closed.
   False: time-out, gone, broken. */
bool link_ask(int fd, uint16_t type, uint64_t id, const struct str *parts, size_t count, uint16_t *answer_type,
              uint64_t *answer_id, struct buf *answer, int64_t timeout_ms) MUST_USE;
/* The halves of it. */
bool link_put(int fd, uint16_t type, uint64_t id, const struct str *parts, size_t count, int64_t timeout_ms) MUST_USE;
/* passed_fd: NULL (a descriptor that comes along is closed), or gets -1 or a descriptor that is the caller's. */
bool link_get(int fd, uint16_t *type, uint64_t *id, struct buf *payload, int *passed_fd, int64_t timeout_ms) MUST_USE;
