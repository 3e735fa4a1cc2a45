// SPDX-License-Identifier: ISC
/* Maildrops: one lock, lists and reads that agree, deletions only at the commit, and what the end of a session or link undoes. */
#include "base/random.h"
#include "daemon/role_rig.h"

/* What keys would do, without passwords: we play keys. */
struct drop_rig { struct rig *r; struct rig_edge keys; uint64_t alice, query; };

static void begin(struct drop_rig *d, const char *config)
{
    d->r = rig_new(config);
    d->alice = rig_account(d->r, "alice@demo.test", 0, STR_NONE);
    d->keys = (struct rig_edge){0};
    d->query = 1;
    rig_connect(d->r, &d->keys, ROLE_KEYS, d->r->store, ++d->r->next_incarnation);
}

static void end(struct drop_rig *d)
{
    rig_close_store(d->r);
    rig_hang_up(&d->keys);
    rig_free(d->r);
}

static uint64_t grant(struct drop_rig *d, uint64_t session)
{
    rig_send(&d->keys, &MSG(grant, .query = d->query, .edge = ROLE_EDGE_USER, .incarnation = d->r->user.incarnation,
                            .session = session, .account = d->alice));
    const struct message *m = rig_wait(&d->keys, MSG_granted);
    CHECK(m && m->granted.outcome == DONE && m->granted.query == d->query);
    d->query++;
    return m ? m->granted.handle : 0;
}

static const struct message *open_drop(struct drop_rig *d, uint64_t session, uint64_t handle)
{
    rig_send(&d->r->user, &MSG(maildrop_open, .session = session, .handle = handle));
    return rig_wait(&d->r->user, MSG_maildrop_opened);
}

static bool opened(const struct message *m, uint32_t count)
{
    return m && m->maildrop_opened.outcome == DONE && m->maildrop_opened.count == count;
}

/* All entries that came so far for a session. */
static uint32_t listed(struct drop_rig *d, uint64_t session, struct maildrop_entry *to, uint32_t most)
{
    uint32_t n = 0;

    for (size_t i = 0; i < d->r->user.count; i++) {
        const struct message *m = d->r->user.seen[i];
        struct str rest =
            m->kind == MSG_maildrop_list && m->maildrop_list.session == session ? m->maildrop_list.entries : STR_NONE;
        while (n < most && maildrop_entry_take(&rest, &to[n]))
            n++;
    }
    return n;
}

static bool read_all(struct drop_rig *d, uint64_t session, uint64_t handle, uint32_t uid, uint32_t room, struct buf *to)
{
    buf_clear(to);
    for (unsigned i = 0; i < 100000; i++) {
        rig_send(&d->r->user,
                 &MSG(maildrop_read, .session = session, .handle = handle, .uid = uid, .offset = to->n, .room = room));
        const struct message *m = rig_wait(&d->r->user, MSG_maildrop_piece);
        if (!m || m->maildrop_piece.outcome != DONE || m->maildrop_piece.data.n > room)
            return false;
        bool last = m->maildrop_piece.last;
        buf_add(to, m->maildrop_piece.data);
        rig_forget(&d->r->user);
        if (last)
            return !to->full;
    }
    return false;
}

static enum outcome expunge(struct drop_rig *d, uint64_t session, uint64_t handle, const uint32_t *uids, size_t count)
{
    char text[4096];
    struct buf b;

    buf_fixed(&b, text, sizeof text);
    for (size_t i = 0; i < count; i++)
        wire_add_u32(&b, uids[i]);
    if (count)
        rig_send(&d->r->user, &MSG(maildrop_delete, .session = session, .handle = handle, .uids = buf_str(&b)));
    rig_send(&d->r->user, &MSG(maildrop_commit, .session = session, .handle = handle));
    const struct message *m = rig_wait(&d->r->user, MSG_answer);
    return m ? m->answer.outcome : 0;
}

TEST(open_read_delete)
{
    struct drop_rig d;
    struct maildrop_entry e[8];
    struct buf b;

    buf_init(&b, 1 << 20);
    begin(&d, NULL);
    for (int i = 0; i < 3; i++)
        rig_mail(&d.r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .text = i == 1 ? "Subject: two\r\n\r\n.\r\nx\r\n" : NULL));
    uint64_t h = grant(&d, 1);
    const struct message *m = open_drop(&d, 1, h);
    CHECK(opened(m, 3));
    CHECK(m && m->maildrop_opened.uidvalidity != 0);
    CHECK_NUM(listed(&d, 1, e, 8), 3);
    CHECK(e[0].uid < e[1].uid && e[1].uid < e[2].uid);
    static const uint32_t rooms[] = {1, 7, 100, BODY_PIECE_MAX};
    for (size_t k = 0; k < countof(rooms); k++)
        for (size_t i = 0; i < 3; i++) {
            CHECK(read_all(&d, 1, h, e[i].uid, rooms[k], &b));
            CHECK_NUM(b.n, e[i].size);
            CHECK(str_starts(buf_str(&b), S("Return-Path: <sender@elsewhere.test>\r\n")));
        }
    CHECK(!read_all(&d, 1, h, 4711, 100, &b));
    CHECK(!read_all(&d, 1, h + 1, e[0].uid, 100, &b));
    CHECK(!read_all(&d, 2, h, e[0].uid, 100, &b));
    CHECK_NUM(rig_box(d.r, d.alice, "INBOX").count, 3);
    rig_mail(&d.r->mx, MAIL(STRANGER, .to = {"alice@demo.test"})); /* comes while it is open: not in this list, not deleted */
    uint32_t gone[] = {e[0].uid, e[2].uid, 4711, e[2].uid + 1};
    CHECK_NUM(expunge(&d, 1, h, gone, 3), DONE);
    CHECK_NUM(rig_box(d.r, d.alice, "INBOX").count, 2);
    CHECK_NUM(expunge(&d, 1, h, NULL, 0), REFUSE); /* it is closed */
    m = open_drop(&d, 1, h);
    CHECK(opened(m, 2));
    CHECK_NUM(expunge(&d, 1, h, NULL, 0), DONE);
    CHECK_NUM(rig_store(d.r)->drop_count, 0);
    buf_free(&b);
    end(&d);
}

TEST(one_lock)
{
    struct drop_rig d;

    begin(&d, NULL);
    rig_mail(&d.r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}));
    uint64_t h1 = grant(&d, 1), h2 = grant(&d, 2);
    CHECK(opened(open_drop(&d, 1, h1), 1));
    const struct message *m = open_drop(&d, 2, h2);
    CHECK(m && m->maildrop_opened.outcome == RETRY && strcmp(m->maildrop_opened.why.status, "in-use") == 0);
    m = open_drop(&d, 1, h1); /* twice by one session */
    CHECK(m && m->maildrop_opened.outcome == REFUSE);
    m = open_drop(&d, 2, h1); /* somebody else's handle */
    CHECK(m && m->maildrop_opened.outcome == REFUSE);
    m = open_drop(&d, 9, 0);
    CHECK(m && m->maildrop_opened.outcome == REFUSE);
    /* deletions without a commit are none; the lock is free when the session ends */
    uint32_t uid = rig_box(d.r, d.alice, "INBOX").last;
    rig_send(&d.r->user, &MSG(maildrop_delete, .session = 1, .handle = h1, .uids = str_of(&uid, 4)));
    rig_send(&d.r->user, &MSG(session_end, .session = 1, .handle = h1));
    CHECK(opened(open_drop(&d, 2, h2), 1));
    /* when the link ends */
    rig_connect_user(d.r);
    CHECK_NUM(rig_store(d.r)->drop_count, 0);
    uint64_t h3 = grant(&d, 3);
    CHECK(opened(open_drop(&d, 3, h3), 1));
    /* when the account's password changed */
    store_sessions_kick(rig_store(d.r), d.alice);
    CHECK_NUM(rig_store(d.r)->drop_count, 0);
    /* and not before the engine has done, when it is expunging */
    uint64_t h4 = grant(&d, 4), h5 = grant(&d, 5);
    CHECK(opened(open_drop(&d, 4, h4), 1));
    rig_send(&d.r->user, &MSG(maildrop_delete, .session = 4, .handle = h4, .uids = str_of(&uid, 4)));
    rig_send(&d.r->user, &MSG(maildrop_commit, .session = 4, .handle = h4));
    rig_send(&d.r->user, &MSG(session_end, .session = 4, .handle = h4));
    m = open_drop(&d, 5, h5);
    for (int i = 0; i < 100 && rig_store(d.r)->drop_count; i++)
        loop_turn(d.r->loop, 10);
    if (m && m->maildrop_opened.outcome == DONE)
        CHECK_NUM(m->maildrop_opened.count, 0);
    else
        CHECK(m && strcmp(m->maildrop_opened.why.status, "in-use") == 0);
    CHECK_NUM(rig_box(d.r, d.alice, "INBOX").count, 0);
    end(&d);
}

TEST(login_delay)
{
    struct drop_rig d;

    begin(&d, "hostname mail.demo.test\nlogin-delay 60s\ndomain demo.test\n");
    clock_simulate(1000000000, 1790000000000);
    uint64_t h = grant(&d, 1);
    CHECK(opened(open_drop(&d, 1, h), 0));
    CHECK_NUM(expunge(&d, 1, h, NULL, 0), DONE);
    const struct message *m = open_drop(&d, 1, h);
    CHECK(m && m->maildrop_opened.outcome == RETRY && strcmp(m->maildrop_opened.why.status, "login-delay") == 0);
    clock_simulate(1000000000 + 61 * 1000000LL, 1790000061000);
    CHECK(opened(open_drop(&d, 1, h), 0));
    clock_simulate(0, 0);
    end(&d);
}

TEST(many_messages)
{
    struct drop_rig d;
    enum { COUNT = 9000 }; /* more than fit one frame */
    struct maildrop_entry *e = calloc(COUNT + 1, sizeof *e);
    uint64_t first;
    unsigned wrong = 0;

    begin(&d, NULL);
    rig_send(&d.r->mx, &MSG(id_lease, .count = COUNT));
    first = rig_wait(&d.r->mx, MSG_id_range)->id_range.first;
    for (uint32_t i = 0; i < COUNT; i++) {
        rig_send(&d.r->mx, &MSG(commit_rcpt, .session = 1000 + i, .to = S("alice@demo.test")));
        rig_send(&d.r->mx, &MSG(commit, .session = 1000 + i, .id = first + i, .rcpt_count = 1, .size = 0));
        if (i % 1000 == 999)
            for (unsigned k = 0; k < 1000; k++) {
                const struct message *m = rig_wait(&d.r->mx, MSG_committed);
                wrong += !m || m->committed.outcome != DONE;
                if (d.r->mx.read == d.r->mx.count)
                    rig_forget(&d.r->mx);
            }
    }
    CHECK(opened(open_drop(&d, 1, grant(&d, 1)), COUNT));
    CHECK_NUM(listed(&d, 1, e, COUNT + 1), COUNT);
    for (uint32_t i = 1; i < COUNT; i++)
        wrong += e[i].uid <= e[i - 1].uid;
    CHECK_NUM(wrong, 0);
    free(e);
    end(&d);
}

/* ---- what came as BINARYMIME ---- */

static bool clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r')) ||
            (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
            return false;
    return true;
}

TEST(binary_is_converted)
{
    struct drop_rig d;
    struct maildrop_entry e[4];
    enum { SIZE = 900 * 1000 };
    struct buf b, whole;
    char *text = malloc(SIZE + 1);
    static const char head[] = "Subject: picture\r\nMIME-Version: 1.0\r\nContent-Type: "
                               "application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n";

    buf_init(&b, 4 << 20);
    buf_init(&whole, 4 << 20);
    begin(&d, NULL);
    memcpy(text, head, sizeof head - 1);
    for (size_t i = sizeof head - 1; i < SIZE; i++)
        text[i] =
            (char)(1 + (i * 7919) % 255); /* all but NUL, which the test's own strings cannot hold; bare CR and LF among them */
    text[SIZE] = '\0';
    const struct message *m =
        rig_mail(&d.r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}, .text = text, .body = SMTP_BODY_BINARY));
    CHECK(m && m->committed.outcome == DONE);
    rig_mail(&d.r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}));
    for (int round = 0; round < 2; round++) { /* measured, then remembered */
        uint64_t session = 1 + (uint64_t)round, h = grant(&d, session);
        CHECK(opened(open_drop(&d, session, h), 2));
        CHECK_NUM(listed(&d, session, e, 4), 2);
        CHECK(e[0].size > SIZE * 4 / 3);
        CHECK(read_all(&d, session, h, e[0].uid, round ? BODY_PIECE_MAX : 5000, &whole));
        CHECK_NUM(whole.n, e[0].size);
        CHECK(clean(buf_str(&whole)));
        CHECK(has(buf_str(&whole), "Content-Transfer-Encoding: base64"));
        CHECK(read_all(&d, session, h, e[1].uid, 5000, &b));
        CHECK_NUM(b.n, e[1].size);
        for (int i = 0; i < 20; i++) { /* anywhere, back and forth */
            uint64_t at = random_below(e[0].size);
            rig_send(&d.r->user,
                     &MSG(maildrop_read, .session = session, .handle = h, .uid = e[0].uid, .offset = at, .room = 300));
            m = rig_wait(&d.r->user, MSG_maildrop_piece);
            CHECK(m && m->maildrop_piece.outcome == DONE && m->maildrop_piece.data.n > 0);
            if (m)
                CHECK_STR(m->maildrop_piece.data, str_head(str_skip(buf_str(&whole), at), m->maildrop_piece.data.n));
        }
        CHECK_NUM(expunge(&d, session, h, NULL, 0), DONE);
    }
    /* the session leaves while it is being measured */
    memset(rig_store(d.r)->sizes, 0, sizeof rig_store(d.r)->sizes);
    uint64_t h = grant(&d, 9);
    rig_send(&d.r->user, &MSG(maildrop_open, .session = 9, .handle = h));
    rig_turns(d.r, 3);
    rig_send(&d.r->user, &MSG(session_end, .session = 9, .handle = h));
    rig_turns(d.r, 10);
    CHECK_NUM(rig_store(d.r)->drop_count, 0);
    free(text);
    buf_free(&b);
    buf_free(&whole);
    end(&d);
}

TEST(keys_that_lie)
{
    struct drop_rig d;
    const struct message *m;

    begin(&d, NULL);
    rig_send(&d.keys, &MSG(grant, .query = 1, .edge = ROLE_EDGE_USER, .incarnation = 4711, .session = 1,
                           .account = d.alice)); /* an edge that is gone */
    m = rig_wait(&d.keys, MSG_granted);
    CHECK(m && m->granted.outcome == RETRY && m->granted.handle == 0);
    rig_send(&d.keys, &MSG(grant, .query = 2, .edge = ROLE_EDGE_USER, .incarnation = d.r->user.incarnation, .session = 1,
                           .account = 999)); /* nobody */
    m = rig_wait(&d.keys, MSG_granted);
    CHECK(m && m->granted.outcome == REFUSE && m->granted.handle == 0);
    rig_send(&d.keys, &MSG(grant, .query = 3, .edge = ROLE_EDGE_MX, .incarnation = d.r->mx.incarnation, .session = 1,
                           .account = d.alice)); /* strangers never */
    CHECK(rig_wait(&d.keys, MSG_granted) == NULL);
    CHECK(d.keys.closed);
    end(&d);
}
