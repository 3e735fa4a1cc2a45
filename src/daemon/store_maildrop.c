// SPDX-License-Identifier: ISC
/* A maildrop for POP3: INBOX under a lock that only one session has. Messages that came as BINARYMIME are shown converted (no
   bare CR or LF, no NUL), with one and the same size in the list and when read; converting is done a slice at a time, so that
   nobody else waits.

     open ─► locked ─► listed ─(binary ones measured, a slice a turn)─► maildrop_list …, maildrop_opened
       ─► read … ─► commit ─► OP_EXPUNGE ─► answer, unlocked
     session_end, link down, kick: unlocked, nothing deleted  */
#include <stdlib.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "base/limits.h"
#include "daemon/store_maildrop.h"

static size_t bucket_of(account_id a)
{
    return (size_t)(a % STORE_DROPS);
}

static struct maildrop *drop_of(struct store *st, account_id a)
{
    struct maildrop *d = st->drops[bucket_of(a)];

    while (d && d->account != a)
        d = d->next;
    return d;
}

void store_maildrop_close(struct maildrop *d)
{
    d->session = NULL;
    if (d->expunging)
        return; /* locked until the engine has done */
    *d->back = d->next;
    if (d->next)
        d->next->back = d->back;
    d->store->drop_count--;
    loop_timer_stop(&d->slice);
    maildrop_view_clear(&d->view);
    free(d->entries);
    free(d->deletes);
    free(d);
}

/* The session's open maildrop, or NULL: it was answered. */
static struct maildrop *use(struct store_edge *e, uint64_t number, uint64_t handle, bool listed)
{
    struct engine_account user;
    struct store_session *s = store_session_find(e, number);

    if (store_session_who(e, number, handle, &user) != STORE_USER || !s || !s->drop || s->drop->expunging ||
        s->drop->opened != listed)
        return NULL;
    return s->drop;
}

/* ---- open ---- */

static void opened(struct store_edge *e, uint64_t session, enum outcome outcome, struct why why, uint32_t count,
                   uint32_t uidvalidity)
{
    peer_send(e->peer, &MSG(maildrop_opened, .session = session, .outcome = outcome, .why = why, .count = count,
                            .uidvalidity = uidvalidity));
}

static bool add_entry(void *to, const struct engine_message *m)
{
    struct maildrop *d = to;

    if (d->count == MAILDROP_MAX)
        return false;
    if (d->count == d->cap) {
        uint32_t cap = d->cap ? d->cap * 2 : 64;
        struct drop_entry *more = realloc(d->entries, cap * sizeof *more);
        if (!more) {
            d->broken = true;
            return false;
        }
        d->entries = more;
        d->cap = cap;
    }
    d->entries[d->count++] =
        (struct drop_entry){.uid = m->uid, .utf8 = m->utf8_header, .binary = m->body_type == SMTP_BODY_BINARY, .size = m->size};
    return true;
}

/* LOGIN-DELAY, RFC 2449 6.6: when this account was opened last. False: too soon. */
static bool delay_over(struct store *st, account_id a)
{
    int64_t now = clock_mono_ms(), delay = (int64_t)st->config->login_delay_s * 1000;
    struct store_login **at = &st->logins[bucket_of(a)];

    while (*at) {
        struct store_login *l = *at;
        if (now - l->at_ms >= delay) {
            *at = l->next;
            free(l);
        } else if (l->account == a) {
            return false;
        } else {
            at = &l->next;
        }
    }
    if (delay > 0 && (*at = calloc(1, sizeof **at)))
        **at = (struct store_login){.account = a, .at_ms = now};
    return true;
}

static void fail_open(struct maildrop *d, enum outcome outcome, struct why why)
{
    struct store_session *s = d->session;

    opened(s->edge, s->number, outcome, why, 0, 0);
    s->drop = NULL;
    store_maildrop_close(d);
}

/* The list leaves as the link has room; the last frame says that it was all. */
static void send_list(struct maildrop *d)
{
    struct store_session *s = d->session;
    struct peer *p = s->edge->peer;
    char frame[4096 * MAILDROP_ENTRY_SIZE];

    while (d->sent < d->count) {
        struct buf b;
        if (peer_room(p) == 0)
            return; /* store_maildrop_room goes on */
        buf_fixed(&b, frame, sizeof frame);
        for (; d->sent < d->count && buf_room(&b) >= MAILDROP_ENTRY_SIZE; d->sent++) {
            const struct drop_entry *x = &d->entries[d->sent];
            maildrop_entry_add(&b,
                               &(struct maildrop_entry){.uid = x->uid, .flags = x->utf8 ? MAILDROP_UTF8 : 0, .size = x->size});
        }
        peer_send(p, &MSG(maildrop_list, .session = s->number, .entries = buf_str(&b)));
    }
    d->opened = true;
    opened(s->edge, s->number, DONE, (struct why){0}, d->count, d->uidvalidity);
}

void store_maildrop_room(struct store_edge *e)
{
    struct store *st = e->store;

    for (size_t i = 0; i < STORE_DROPS && st->drop_count; i++)
        for (struct maildrop *d = st->drops[i], *next; d; d = next) {
            next = d->next;
            if (d->session && d->session->edge == e && d->measured && !d->opened)
                send_list(d);
        }
}

/* Sizes of binary messages, one slice. */
static void measure(struct maildrop *d)
{
    struct why why;

    for (; d->at < d->count; d->at++) {
        struct drop_entry *x = &d->entries[d->at];
        struct store_size *known = &d->store->sizes[(d->account * 31 + x->uid) % STORE_SIZES];
        if (!x->binary)
            continue;
        if (known->account == d->account && known->uid == x->uid) {
            x->binary = known->converts;
            x->size = known->size;
            continue;
        }
        switch (maildrop_view_measure(&d->view, d->store->engine, d->account, x->uid, &x->size, &x->binary, &why)) {
        case VIEW_LATER:
            loop_timer_in(&d->slice, 0);
            return;
        case VIEW_FAILED: /* it shows again when it is read */
            maildrop_view_clear(&d->view);
            break;
        case VIEW_DONE:
            *known = (struct store_size){.account = d->account, .uid = x->uid, .size = x->size, .converts = x->binary};
            break;
        }
    }
    maildrop_view_clear(&d->view);
    d->measured = true;
    send_list(d);
}

static void send_piece(struct maildrop *d);

static void on_slice(void *self)
{
    struct maildrop *d = self;

    if (!d->measured)
        measure(d);
    else
        send_piece(d);
}

void store_maildrop_open(struct store_edge *e, const struct msg_maildrop_open *m)
{
    struct store *st = e->store;
    struct engine_account user;
    struct engine_mailbox inbox;
    struct store_session *s = store_session_find(e, m->session);
    enum store_who who = store_session_who(e, m->session, m->handle, &user);
    struct maildrop *d;

    if (who != STORE_USER || !s || s->drop) {
        opened(e, m->session, REFUSE, store_why("5.7.0", "not logged in"), 0, 0);
        return;
    }
    if (drop_of(st, user.id)) {
        opened(e, m->session, RETRY, store_why("in-use", "another session has this maildrop open"), 0, 0);
        return;
    }
    if (!delay_over(st, user.id)) {
        opened(e, m->session, RETRY, store_why("login-delay", "too soon after the last login"), 0, 0);
        return;
    }
    if (!(d = calloc(1, sizeof *d))) {
        opened(e, m->session, RETRY, store_why("4.3.0", "no memory"), 0, 0);
        return;
    }
    struct maildrop **b = &st->drops[bucket_of(user.id)];
    *d = (struct maildrop){.store = st, .session = s, .account = user.id, .next = *b, .back = b};
    if (d->next)
        d->next->back = &d->next;
    *b = d;
    st->drop_count++;
    s->drop = d;
    loop_timer_init(&d->slice, st->loop, on_slice, d);
    if (!engine_mailbox_by_name(st->engine, user.id, S("INBOX"), &inbox)) {
        fail_open(d, RETRY, store_why("4.3.0", "the mailbox cannot be read now"));
        return;
    }
    d->mailbox = inbox.id;
    d->uidvalidity = inbox.uidvalidity;
    enum outcome o = engine_messages(st->engine, user.id, inbox.id, 1, add_entry, d);
    if (o != DONE || d->broken) {
        fail_open(d, o == REFUSE ? REFUSE : RETRY,
                  store_why("4.3.0", d->broken ? "no memory" : "the mailbox cannot be read now"));
        return;
    }
    measure(d);
}

/* ---- read ---- */

static struct drop_entry *entry_of(struct maildrop *d, uint32_t uid)
{
    uint32_t low = 0, high = d->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (d->entries[mid].uid < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < d->count && d->entries[low].uid == uid ? &d->entries[low] : NULL;
}

static void piece(struct store_edge *e, uint64_t session, enum outcome outcome, const struct why *why, bool last, struct str data)
{
    peer_send(e->peer, &MSG(maildrop_piece, .session = session, .outcome = outcome, .why = *why, .last = last, .data = data));
}

/* A converted piece, or another slice of the way to it. */
static void send_piece(struct maildrop *d)
{
    struct store_edge *e = d->session->edge;
    char room[BODY_PIECE_MAX];
    struct buf b;
    struct why why = {0};
    bool last = false;

    buf_fixed(&b, room, d->room);
    switch (maildrop_view_read(&d->view, d->store->engine, d->account, d->uid, d->offset, &b, &last, &why)) {
    case VIEW_LATER:
        loop_timer_in(&d->slice, 0);
        return;
    case VIEW_FAILED:
        d->reading = false;
        piece(e, d->session->number, RETRY, &why, false, STR_NONE);
        return;
    case VIEW_DONE:
        d->reading = false;
        piece(e, d->session->number, DONE, &why, last, buf_str(&b));
        return;
    }
}

void store_maildrop_read(struct store_edge *e, const struct msg_maildrop_read *m)
{
    struct maildrop *d = use(e, m->session, m->handle, true);
    struct drop_entry *x = d ? entry_of(d, m->uid) : NULL;
    char room[BODY_PIECE_MAX];
    struct why why = {0};
    bool more = false;
    struct buf b;

    if (d && d->reading) {
        peer_breach(e->peer, "a second question before the first was answered");
        return;
    }
    if (!x) {
        why = store_why("5.7.0", d ? "no such message" : "not logged in");
        piece(e, m->session, REFUSE, &why, false, STR_NONE);
        return;
    }
    size_t most = m->room && m->room < BODY_PIECE_MAX ? m->room : BODY_PIECE_MAX;
    if (x->binary) {
        d->reading = true;
        d->uid = m->uid;
        d->offset = m->offset;
        d->room = most;
        send_piece(d);
        return;
    }
    buf_fixed(&b, room, most);
    enum outcome o = engine_read(e->store->engine, d->account, d->mailbox, m->uid, m->offset, &b, &more, &why);
    piece(e, m->session, o, &why, o == DONE && !more, o == DONE ? buf_str(&b) : STR_NONE);
}

/* ---- delete, commit ---- */

void store_maildrop_delete(struct store_edge *e, const struct msg_maildrop_delete *m)
{
    struct maildrop *d = use(e, m->session, m->handle, true);
    struct str uids = m->uids;

    if (!d)
        return; /* the commit will be refused */
    if (uids.n % 4 || d->delete_count + uids.n / 4 > d->count) {
        peer_breach(e->peer, "a list of messages to delete that cannot be");
        return;
    }
    if (!d->deletes && !(d->deletes = calloc(d->count ? d->count : 1, sizeof *d->deletes))) {
        d->broken = true;
        return;
    }
    while (uids.n) {
        struct wire_in in = wire_open(uids);
        uint32_t uid = wire_u32(&in);
        uids = in.rest;
        if (entry_of(d, uid))
            d->deletes[d->delete_count++] = uid;
    }
}

static void answer(struct store_edge *e, uint64_t session, enum outcome outcome, struct why why)
{
    peer_send(e->peer, &MSG(answer, .session = session, .outcome = outcome, .why = why));
}

static void expunged(struct op *op)
{
    struct maildrop *d = op->owner;
    struct store_session *s = d->session;

    d->expunging = false;
    fact(FACT_INFO, "store.expunged", fact_num("account", (int64_t)d->account), fact_num("messages", (int64_t)d->delete_count),
         fact_num("done", op->outcome == DONE));
    if (s) { /* else it has gone meanwhile */
        answer(s->edge, s->number, op->outcome, op->why);
        s->drop = NULL;
    }
    store_maildrop_close(d);
}

void store_maildrop_commit(struct store_edge *e, const struct msg_maildrop_commit *m)
{
    struct maildrop *d = use(e, m->session, m->handle, true);

    if (!d || d->reading) {
        answer(e, m->session, REFUSE, store_why("5.7.0", "not logged in"));
        return;
    }
    if (d->broken) {
        answer(e, m->session, RETRY, store_why("4.3.0", "no memory: nothing was deleted"));
        return;
    }
    if (d->delete_count == 0) {
        answer(e, m->session, DONE, (struct why){0});
        d->session->drop = NULL;
        store_maildrop_close(d);
        return;
    }
    d->op = (struct op){.kind = OP_EXPUNGE, .done = expunged, .owner = d};
    d->op.expunge.account = d->account;
    d->op.expunge.mailbox = d->mailbox;
    d->op.expunge.uids = d->deletes;
    d->op.expunge.count = (uint32_t)d->delete_count;
    d->expunging = true;
    store_submit(e->store, &d->op);
}
