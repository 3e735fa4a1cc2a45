// SPDX-License-Identifier: ISC
#include "base/random.h"
#include "base/test.h"
#include "daemon/messages.h"

static char noise[4 * 65536]; /* all strings of one message */
static size_t noise_used;

static struct str some(size_t most, bool text)
{
    size_t n = random_below(3) == 0 ? most : random_below(most < 40 ? most + 1 : 40);

    char *p = noise + noise_used;

    noise_used += n;
    random_bytes(p, n);
    for (size_t i = 0; text && i < n; i++)
        if (p[i] == '\0' || p[i] == '\r' || p[i] == '\n')
            p[i] = 'x';
    return str_of(p, n);
}

/* ---- a message of each kind with anything in its fields ---- */
#define U8(n) m->n = (uint8_t)random_u64();
#define U16(n) m->n = (uint16_t)random_u64();
#define U32(n) m->n = (uint32_t)random_u64();
#define U64(n) m->n = random_u64();
#define I64(n) m->n = (int64_t)random_u64();
#define FLAG(n) m->n = random_below(2);
#define OUTCOME(n) m->n = (enum outcome)(1 + random_below(3));
#define WHY(n) m->n = (struct why){"4.3.0", "something or other"};
#define ROLE(n) m->n = (enum role)random_below(ROLE_COUNT);
#define TEXT(n, most) m->n = some(most, true);
#define BYTES(n, most) m->n = some(most, false);
#define MESSAGE(name, from, to, fds, ...)                                                                                        \
    static void fill_##name(struct msg_##name *m)                                                                                \
    {                                                                                                                            \
        __VA_ARGS__                                                                                                              \
    }
#include "daemon/messages.def"
#undef MESSAGE

static void fill(uint32_t kind, struct message *m)
{
    memset(m, 0, sizeof *m);
    noise_used = 0;
    m->kind = (enum message_kind)kind;
    switch (kind) {
#define MESSAGE(name, from, to, fds, ...)                                                                                        \
    case MSG_##name:                                                                                                             \
        fill_##name(&m->name);                                                                                                   \
        break;
#include "daemon/messages.def"
#undef MESSAGE
    default:
        break;
    }
}

TEST(every_message_survives_the_way)
{
    static char first_bytes[FRAME_MAX], again_bytes[FRAME_MAX];
    random_seed(17);
    for (uint32_t kind = 1; kind < MSG_COUNT; kind++)
        for (int round = 0; round < 20; round++) {
            struct message m, read;
            struct buf first, again;
            buf_fixed(&first, first_bytes, sizeof first_bytes);
            buf_fixed(&again, again_bytes, sizeof again_bytes);
            fill(kind, &m);
            message_write(&first, &m);
            CHECK(!first.full);
            CHECK(message_read(kind, buf_str(&first), &read));
            message_write(&again, &read);
            CHECK_STR(buf_str(&again), buf_str(&first));
        }
    random_seed(0);
}

TEST(what_is_cut_or_too_long_is_refused)
{
    static char bytes[FRAME_MAX];
    random_seed(18);
    for (uint32_t kind = 1; kind < MSG_COUNT; kind++) {
        struct message m, read;
        struct buf b;
        buf_fixed(&b, bytes, sizeof bytes);
        fill(kind, &m);
        message_write(&b, &m);
        size_t n = b.n;
        for (size_t cut = 0; cut<n; cut += n> 300 && cut > 100 && cut + 100 < n ? 97 : 1)
            CHECK(!message_read(kind, str_of(bytes, cut), &read));
        CHECK(message_read(kind, str_of(bytes, n), &read));
        bytes[n] = 0;
        CHECK(!message_read(kind, str_of(bytes, n + 1), &read));
    }
    random_seed(0);
}

TEST(fields_are_held_to_their_table)
{
    struct message m;
    struct buf b;
    char bytes[1024];
#define PAYLOAD(...)                                                                                                             \
    buf_fixed(&b, bytes, sizeof bytes);                                                                                          \
    __VA_ARGS__
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u32(&b, 401); for (int i = 0; i < 401; i++) buf_add_byte(&b, 'a'));
    CHECK(!message_read(MSG_verifier_get, buf_str(&b), &m)); /* longer than the table says */
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u32(&b, 0xffffffff));
    CHECK(!message_read(MSG_verifier_get, buf_str(&b), &m)); /* a length that would wrap */
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u32(&b, 3); buf_add(&b, S("a\nb")));
    CHECK(!message_read(MSG_verifier_get, buf_str(&b), &m)); /* a line end in text */
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u32(&b, 3); buf_add(&b, S("a\0b")));
    CHECK(!message_read(MSG_verifier_get, buf_str(&b), &m));
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u32(&b, 3); buf_add(&b, S("a@b")));
    CHECK(message_read(MSG_verifier_get, buf_str(&b), &m));
    CHECK_STR(m.verifier_get.user, S("a@b"));
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u8(&b, 4); wire_add_why(&b, &(struct why){"", ""}));
    CHECK(!message_read(MSG_answer, buf_str(&b), &m)); /* no such outcome */
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u8(&b, 0); wire_add_why(&b, &(struct why){"", ""}));
    CHECK(!message_read(MSG_answer, buf_str(&b), &m));
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u8(&b, 1); wire_add_u32(&b, 5); buf_add(&b, S("5.1 1")); wire_add_u32(&b, 0));
    CHECK(!message_read(MSG_answer, buf_str(&b), &m)); /* a status that would break a reply line */
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u8(&b, 1); wire_add_u32(&b, 5); buf_add(&b, S("5.1.1")); wire_add_u32(&b, 3);
            buf_add(&b, S("a\x1b[")));
    CHECK(message_read(MSG_answer, buf_str(&b), &m));
    CHECK_STR(str_c(m.answer.why.text), S("a?["));
    PAYLOAD(wire_add_u64(&b, 1); wire_add_u8(&b, 2));
    CHECK(!message_read(MSG_setup_begin, buf_str(&b), &m)); /* a flag is 0 or 1 */
    PAYLOAD(wire_add_u8(&b, ROLE_COUNT); wire_add_u32(&b, 1));
    CHECK(!message_read(MSG_peer, buf_str(&b), &m)); /* no such role */
    CHECK(!message_read(MSG_none, STR_NONE, &m));
    CHECK(!message_read(MSG_COUNT, STR_NONE, &m));
    CHECK(!message_read(0xffffffff, STR_NONE, &m));
#undef PAYLOAD
}

TEST(what_is_too_long_is_not_sent)
{
    static char bytes[4096], text[4096];
    struct buf b;
    memset(text, 'a', sizeof text);
    buf_fixed(&b, bytes, sizeof bytes);
    message_write(&b, &(struct message){.kind = MSG_verifier_get, .verifier_get = {1, str_of(text, 400)}});
    CHECK(!b.full);
    buf_fixed(&b, bytes, sizeof bytes);
    message_write(&b, &(struct message){.kind = MSG_verifier_get, .verifier_get = {1, str_of(text, 401)}});
    CHECK(b.full);
    buf_fixed(&b, bytes, sizeof bytes);
    message_write(&b, &(struct message){.kind = MSG_verifier_get, .verifier_get = {1, S("a\rb")}});
    CHECK(b.full);
    struct why why = {"4.3.0", ""};
    memset(why.text, 'x', sizeof why.text - 1);
    memcpy(why.text + sizeof why.text - 3, "\xc3\xa9", 2); /* fits to the last octet */
    buf_fixed(&b, bytes, sizeof bytes);
    wire_add_why(&b, &why);
    CHECK(!b.full);
}

TEST(who_may_say_what)
{
    CHECK(message_may(MSG_rcpt, ROLE_EDGE_MX, ROLE_STORE));
    CHECK(!message_may(MSG_rcpt, ROLE_STORE, ROLE_EDGE_MX));
    CHECK(!message_may(MSG_rcpt, ROLE_EDGE_MX, ROLE_KEYS));
    for (uint32_t kind = 1; kind < MSG_COUNT; kind++) {
        CHECK(message_name(kind)[0] != '?');
        if (!strncmp(message_name(kind), "maildrop", 8) || !strncmp(message_name(kind), "login", 5))
            /* edge-mx reads no mailbox */
            CHECK(!message_may(kind, ROLE_EDGE_MX, ROLE_STORE) && !message_may(kind, ROLE_EDGE_MX, ROLE_KEYS));
        if (strstr(message_name(kind), "verifier"))
            for (int edge = ROLE_EDGE_MX; edge <= ROLE_EDGE_USER; edge++)
                for (int from = 0; from < ROLE_COUNT; from++)
                    CHECK(!message_may(kind, (enum role)from, (enum role)edge)); /* no edge sees a verifier */
        for (int from = 0; from < ROLE_COUNT && kind == MSG_setup_key; from++)
            for (int to = 0; to < ROLE_COUNT; to++)
                /* only keys gets keys */
                CHECK(message_may(kind, (enum role)from, (enum role)to) == (from == ROLE_MASTER && to == ROLE_KEYS));
    }
    CHECK(role_linked(ROLE_EDGE_MX, ROLE_STORE) && role_linked(ROLE_KEYS, ROLE_STORE) && role_linked(ROLE_EDGE_USER, ROLE_KEYS));
    CHECK(!role_linked(ROLE_EDGE_MX, ROLE_EDGE_USER) && !role_linked(ROLE_EDGE_MX, ROLE_KEYS) &&
          !role_linked(ROLE_STORE, ROLE_STORE));
    enum role who;
    CHECK(role_by_name(S("edge-user"), &who) && who == ROLE_EDGE_USER);
    CHECK(!role_by_name(S("edge"), &who));
    CHECK(!message_may(MSG_rcpt, ROLE_COUNT, ROLE_STORE) && !message_may(MSG_COUNT, ROLE_MASTER, ROLE_STORE));
}

TEST(maildrop_entries)
{
    char bytes[64];
    struct buf b;
    struct maildrop_entry e = {7, MAILDROP_UTF8, 123456789012}, got = {0};
    buf_fixed(&b, bytes, sizeof bytes);
    maildrop_entry_add(&b, &e);
    CHECK_NUM(b.n, MAILDROP_ENTRY_SIZE);
    buf_add(&b, S("short"));
    struct str rest = buf_str(&b);
    CHECK(maildrop_entry_take(&rest, &got) && got.uid == 7 && got.flags == MAILDROP_UTF8 && got.size == 123456789012);
    CHECK(!maildrop_entry_take(&rest, &got));
}
