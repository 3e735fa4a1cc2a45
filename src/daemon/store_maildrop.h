/* SPDX-License-Identifier: ISC */
/* Private to the store role: an open maildrop, and the converted view of a message in it. */
#pragma once
#include "daemon/store_inside.h"
#include "message/convert.h"

/* A binary message as POP3 may see it: made anew from the log a slice at a time. Reads that follow each other cost each octet
   once. */
struct maildrop_view {
    struct arena arena;
    struct convert *convert;       /* NULL: nothing in work */
    uint32_t uid;
    bool looked, changes, ended,
        finished; /* first pass over; something has to be changed; the source is used up; all of it is in out or gone */
    uint64_t source_at, out_at;    /* octets read from the store in this pass; octets given out (or counted) so far */
    struct str in;                 /* read and not yet fed; in piece */
    struct buf piece, out;
};
enum view_result { VIEW_DONE, VIEW_LATER /* call again, for the rest */, VIEW_FAILED };
/* The size and whether it needs a conversion at all. */
enum view_result maildrop_view_measure(struct maildrop_view *v, struct engine *e, account_id account, uint32_t uid,
                                       uint64_t *size, bool *converts, struct why *why);
/* Octets from offset of the converted message into to. */
enum view_result maildrop_view_read(struct maildrop_view *v, struct engine *e, account_id account, uint32_t uid, uint64_t offset,
                                    struct buf *to, bool *last, struct why *why);
void maildrop_view_clear(struct maildrop_view *v);

struct drop_entry { uint32_t uid; bool utf8, binary; uint64_t size; };
struct maildrop {
    struct maildrop *next, **back; /* store.drops */
    struct store *store;
    struct store_session *session; /* NULL: gone while the engine expunges */
    account_id account;
    mailbox_id mailbox;
    uint32_t uidvalidity;
    struct drop_entry *entries;
    uint32_t count, cap, at, sent;
    bool measured, opened, reading, expunging, broken;
    struct maildrop_view view;
    struct loop_timer slice;
    uint32_t uid;                  /* the read in work */
    uint64_t offset;
    size_t room;
    uint32_t *deletes;
    size_t delete_count;
    struct op op;
};
