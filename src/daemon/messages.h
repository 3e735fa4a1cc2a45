/* SPDX-License-Identifier: ISC */
/* What one role may say to another: enum, structs, encoders and decoders, all made from messages.def. Strings in a struct are
   borrowed: from the frame when it was read, from the caller when it is written. */
#pragma once
#include "base/limits.h"
#include "daemon/wire.h"

enum role { ROLE_MASTER, ROLE_EDGE_MX, ROLE_EDGE_USER, ROLE_STORE, ROLE_KEYS, ROLE_DNS, ROLE_RELAY, ROLE_COUNT };
const char *role_name(enum role who);                       /* "edge-mx": the word on the command line, in ps and in the log */
bool role_by_name(struct str name, enum role *who);
bool role_linked(enum role a, enum role b);                 /* is there such a pair at all */

enum role_set { /* bits; the columns of messages.def */
    MESSAGE_MASTER = 1 << ROLE_MASTER,
    MESSAGE_EDGE_MX = 1 << ROLE_EDGE_MX,
    MESSAGE_EDGE_USER = 1 << ROLE_EDGE_USER,
    MESSAGE_EDGES = MESSAGE_EDGE_MX | MESSAGE_EDGE_USER,
    MESSAGE_STORE = 1 << ROLE_STORE,
    MESSAGE_KEYS = 1 << ROLE_KEYS,
    MESSAGE_DNS = 1 << ROLE_DNS,
    MESSAGE_RELAY = 1 << ROLE_RELAY,
    MESSAGE_EDGES_KEYS = MESSAGE_EDGES | MESSAGE_KEYS,
    MESSAGE_ROLES = MESSAGE_EDGES | MESSAGE_STORE | MESSAGE_KEYS | MESSAGE_DNS | MESSAGE_RELAY,
};

enum message_kind {
    MSG_none,
#define MESSAGE(name, from, to, fds, ...) MSG_##name,
#include "daemon/messages.def"
#undef MESSAGE
    MSG_COUNT
};

/* struct msg_rcpt { uint64_t session; uint64_t handle; struct str from; … } for each. */
#define U8(n) uint8_t n;
#define U16(n) uint16_t n;
#define U32(n) uint32_t n;
#define U64(n) uint64_t n;
#define I64(n) int64_t n;
#define FLAG(n) bool n;
#define OUTCOME(n) enum outcome n;
#define WHY(n) struct why n;
#define ROLE(n) enum role n;
#define TEXT(n, most) struct str n;
#define BYTES(n, most) struct str n;
#define MESSAGE(name, from, to, fds, ...) struct msg_##name { __VA_ARGS__ };
#include "daemon/messages.def"
#undef MESSAGE
#undef U8
#undef U16
#undef U32
#undef U64
#undef I64
#undef FLAG
#undef OUTCOME
#undef WHY
#undef ROLE
#undef TEXT
#undef BYTES

struct message {
    enum message_kind kind;
    union {
#define MESSAGE(name, from, to, fds, ...) struct msg_##name name;
#include "daemon/messages.def"
#undef MESSAGE
    };
};

enum login_answer_step { LOGIN_ANSWER_MORE, LOGIN_ANSWER_OK, LOGIN_ANSWER_FAILED, LOGIN_ANSWER_RETRY };

/* One entry of maildrop_list: 16 octets, little-endian u32 uid, u32 flags, u64 size. */
struct maildrop_entry { uint32_t uid, flags; uint64_t size; };
enum {
    MAILDROP_ENTRY_SIZE = 16,
    MAILDROP_UTF8 = 1,     /* raw UTF-8 in its header */
    MAILDROP_MAX = 200000, /* messages that a session may list */
};
void maildrop_entry_add(struct buf *to, const struct maildrop_entry *e);
/* Takes one from the front of *entries; false when none is left. Lengths that are no multiple of 16 are the caller's to refuse.
   */
bool maildrop_entry_take(struct str *entries, struct maildrop_entry *e);

const char *message_name(uint32_t kind);                    /* "rcpt"; "?" */
unsigned message_fds(uint32_t kind);                        /* descriptors that must come with it: 0 or 1 */
/* May this role say that to that one? Asked by sender (a bug of ours) and receiver (an enemy). */
bool message_may(uint32_t kind, enum role from, enum role to);
/* Reads a payload. False: no such kind, a field is broken or too long, or something stands behind the last one. */
bool message_read(uint32_t kind, struct str payload, struct message *to) MUST_USE;
/* Appends the payload of m; to->full when a field is longer than the table says. */
void message_write(struct buf *to, const struct message *m);
