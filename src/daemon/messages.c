// SPDX-License-Identifier: ISC
#include "daemon/messages.h"
#include "base/compiler.h"

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_MASTER] = "master", [ROLE_EDGE_MX] = "edge-mx", [ROLE_EDGE_USER] = "edge-user",
    [ROLE_STORE] = "store",   [ROLE_KEYS] = "keys",
    [ROLE_DNS] = "dns", [ROLE_RELAY] = "relay",
};

const char *role_name(enum role who)
{
    return who < ROLE_COUNT ? role_names[who] : "?";
}

bool role_by_name(struct str name, enum role *who)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (str_eq(name, str_c(role_names[i]))) {
            *who = (enum role)i;
            return true;
        }
    return false;
}

/* A pair exists when some message may go between the two in either direction: the table says it, nothing else does. */
bool role_linked(enum role a, enum role b)
{
    if (a >= ROLE_COUNT || b >= ROLE_COUNT || a == b)
        return false;
    for (uint32_t k = 1; k < MSG_COUNT; k++)
        if ((k != MSG_sign && k != MSG_signature) && (message_may(k, a, b) || message_may(k, b, a)))
            return true;
    return false;
}

static const struct row {
    const char *name;
    unsigned from, to, fds;
} rows[MSG_COUNT] = {
    [MSG_none] = {"?", 0, 0, 0},
#define MESSAGE(name, from, to, fds, ...) [MSG_##name] = {#name, MESSAGE_##from, MESSAGE_##to, fds},
#include "daemon/messages.def"
#undef MESSAGE
};

const char *message_name(uint32_t kind)
{
    return kind < MSG_COUNT ? rows[kind].name : "?";
}

unsigned message_fds(uint32_t kind)
{
    return kind < MSG_COUNT ? rows[kind].fds : 0;
}

bool message_may(uint32_t kind, enum role from, enum role to)
{
    return kind < MSG_COUNT && from < ROLE_COUNT && to < ROLE_COUNT && rows[kind].from >> from & 1 && rows[kind].to >> to & 1;
}

static enum role read_role(struct wire_in *in)
{
    uint8_t who = wire_u8(in);

    if (who >= ROLE_COUNT) {
        in->broken = true;
        who = 0;
    }
    return (enum role)who;
}

#define U8(n) m->n = wire_u8(in);
#define U16(n) m->n = wire_u16(in);
#define U32(n) m->n = wire_u32(in);
#define U64(n) m->n = wire_u64(in);
#define I64(n) m->n = (int64_t)wire_u64(in);
#define FLAG(n) m->n = wire_flag(in);
#define OUTCOME(n) m->n = wire_outcome(in);
#define WHY(n) wire_why(in, &m->n);
#define ROLE(n) m->n = read_role(in);
#define TEXT(n, most) m->n = wire_text(in, most);
#define BYTES(n, most) m->n = wire_bytes(in, most);
#define MESSAGE(name, from, to, fds, ...)                                                                                        \
    static void read_##name(struct wire_in *in, struct msg_##name *m)                                                            \
    {                                                                                                                            \
        __VA_ARGS__                                                                                                              \
    }
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

#define U8(n) wire_add_u8(to, m->n);
#define U16(n) wire_add_u16(to, m->n);
#define U32(n) wire_add_u32(to, m->n);
#define U64(n) wire_add_u64(to, m->n);
#define I64(n) wire_add_u64(to, (uint64_t)m->n);
#define FLAG(n) wire_add_u8(to, m->n);
#define OUTCOME(n) wire_add_u8(to, (uint8_t)m->n);
#define WHY(n) wire_add_why(to, &m->n);
#define ROLE(n) wire_add_u8(to, (uint8_t)m->n);
#define TEXT(n, most) wire_add_text(to, m->n, most);
#define BYTES(n, most) wire_add_bytes(to, m->n, most);
#define MESSAGE(name, from, to_set, fds, ...)                                                                                    \
    static void write_##name(struct buf *to, const struct msg_##name *m)                                                         \
    {                                                                                                                            \
        __VA_ARGS__                                                                                                              \
    }
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

bool message_read(uint32_t kind, struct str payload, struct message *to)
{
    struct wire_in in = wire_open(payload);

    if (kind == MSG_none || kind >= MSG_COUNT)
        return false;
    to->kind = (enum message_kind)kind;
    switch (to->kind) {
#define MESSAGE(name, from, to_set, fds, ...)                                                                                    \
    case MSG_##name:                                                                                                             \
        read_##name(&in, &to->name);                                                                                             \
        break;
#include "daemon/messages.def"
#undef MESSAGE
    case MSG_none:
    case MSG_COUNT:
        return false;
    }
    return wire_done(&in);
}

void message_write(struct buf *to, const struct message *m)
{
    switch (m->kind) {
#define MESSAGE(name, from, to_set, fds, ...)                                                                                    \
    case MSG_##name:                                                                                                             \
        write_##name(to, &m->name);                                                                                              \
        break;
#include "daemon/messages.def"
#undef MESSAGE
    case MSG_none:
    case MSG_COUNT:
        to->full = true;
    }
}

void maildrop_entry_add(struct buf *to, const struct maildrop_entry *e)
{
    wire_add_u32(to, e->uid);
    wire_add_u32(to, e->flags);
    wire_add_u64(to, e->size);
}

bool maildrop_entry_take(struct str *entries, struct maildrop_entry *e)
{
    struct wire_in in = wire_open(*entries);

    e->uid = wire_u32(&in);
    e->flags = wire_u32(&in);
    e->size = wire_u64(&in);
    if (in.broken)
        return false;
    *entries = in.rest;
    return true;
}
