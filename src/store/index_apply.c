/* SPDX-License-Identifier: ISC */
/* Facts to rows: the one place that knows what a fact does, used behind the log, at start, and at a rebuild. Applying is
   deterministic. */
#include "base/facts.h"
#include "store/index.h"

/* A fact that is whole but says nothing we understand (it cannot be; a bug of ours wrote it): reported and passed over, for the
   program always starts. */
bool index_broken(const struct record *r)
{
    fact(FACT_ERROR, "store.fact_broken", fact_num("type", r->type), fact_num("segment", pos_segment(r->pos)),
         fact_num("offset", (int64_t)pos_offset(r->pos)));
    return true;
}

static void bind_str(sqlite3_stmt *s, int at, struct str v)
{
    sqlite3_bind_blob(s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC);
}

static bool run_ints(struct index *x, enum index_statement q, int count, const int64_t *v)
{
    sqlite3_stmt *s = index_q(x, q);
    if (!s)
        return false;
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(s, i + 1, v[i]);
    return index_run(x, s);
}
#define RUN(x, q, ...)                                                                                                           \
    run_ints((x), (q), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

/* Counts a body's records as live (sign 1) or dead (-1) where they lie. The pieces of a large one are found through its map. */
static void body_live(struct index *x, log_pos pos, uint64_t size, bool large, int sign)
{
    if (!large) {
        index_live(x, pos_segment(pos), sign * (int64_t)record_size(40 + size));
        return;
    }
    struct log_reader reader;
    struct record r;
    struct fact_map map;
    if (!reader_open(&reader, x->log, pos_segment(pos)))
        return;
    if (reader_record(&reader, pos_offset(pos), &r) == RECORD_OK && r.type == RECORD_MAP && fact_map_read(r.payload, &map)) {
        index_live(x, pos_segment(pos), sign * (int64_t)r.whole);
        for (uint32_t i = 0; i < map.count; i++) {
            uint64_t n = i + 1 < map.count ? map.piece_size : map.size - (uint64_t)map.piece_size * i;
            index_live(x, pos_segment(fact_map_piece(&map, i)), sign * (int64_t)record_size(12 + n));
        }
    }
    reader_close(&reader);
}

static bool body_add(struct index *x, const struct fact_accept *f)
{
    sqlite3_stmt *s = index_q(x, Q_BODY_ADD);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)f->body_id);
    sqlite3_bind_int64(s, 2, (int64_t)f->body_pos);
    sqlite3_bind_int64(s, 3, (int64_t)f->body_size);
    sqlite3_bind_int64(s, 4, f->body_large);
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 0) == 1) {
        x->bodies++;
        body_live(x, (log_pos)sqlite3_column_int64(s, 1), f->body_size, f->body_large, 1);
    }
    return index_run(x, s);
}

/* One message or queue entry less refers to an accepted message; the last one lets its body go. */
bool index_release(struct index *x, int64_t accept)
{
    sqlite3_stmt *s = index_q(x, Q_ACCEPTED_RELEASE);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, accept);
    int64_t body = 0;
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 0) == 0)
        body = sqlite3_column_int64(s, 1);
    if (!index_run(x, s))
        return false;
    if (body == 0)
        return true;
    s = index_q(x, Q_BODY_RELEASE);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, body);
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 0) == 0) {
        x->bodies--;
        body_live(x, (log_pos)sqlite3_column_int64(s, 1), (uint64_t)sqlite3_column_int64(s, 2), sqlite3_column_int(s, 3) != 0,
                  -1);
    }
    return index_run(x, s);
}

/* Lower case, one term group a line: from, recipients, Message-ID, subject. */
static void search_text(struct enc *e, const struct fact_accept *f)
{
    struct dec list = f->rcpts;
    struct fact_rcpt rcpt;
    enc_bytes(e, f->from.p, f->from.n);
    enc_bytes(e, "\n", 1);
    while (fact_rcpt_next(&list, &rcpt)) {
        enc_bytes(e, rcpt.address.p, rcpt.address.n);
        enc_bytes(e, "\n", 1);
    }
    enc_bytes(e, "\n", 1);
    enc_bytes(e, f->message_id.p, f->message_id.n);
    enc_bytes(e, "\n", 1);
    enc_bytes(e, f->subject.p, f->subject.n);
    for (size_t i = 0; i < e->n; i++)
        e->p[i] = ascii_lower(e->p[i]);
}

static bool accepted_add(struct index *x, const struct record *r, const struct fact_accept *f, uint32_t refs)
{
    sqlite3_stmt *s = index_q(x, Q_ACCEPTED_ADD);
    struct enc text = {0};
    search_text(&text, f);
    if (!s || text.failed) {
        enc_free(&text);
        return false;
    }
    const int64_t v[] = {(int64_t)f->id, (int64_t)r->pos, (int64_t)r->whole, (int64_t)f->body_id, refs, f->received_ms};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_int64(s, i + 1, v[i]);
    bind_str(s, 7, str_of(text.p, text.n));
    bool ok = index_run(x, s);
    enc_free(&text);
    index_live(x, pos_segment(r->pos), (int64_t)r->whole);
    return ok;
}

static bool apply_accept(struct index *x, const struct record *r)
{
    struct fact_accept f;
    struct fact_delivery d;
    struct fact_queued q;
    if (!fact_accept_read(r->payload, &f))
        return index_broken(r);
    if (!accepted_add(x, r, &f, f.delivery_count + f.queued_count) || (f.delivery_count + f.queued_count > 0 && !body_add(x, &f)))
        return false;
    int64_t bits = (f.body_type & 3) | (f.utf8_header ? 4 : 0);
    for (int64_t n = 0; fact_delivery_next(&f.deliveries, &d); n++) {
        int64_t size = (int64_t)(d.prefix.n + f.trace.n + f.body_size), a = (int64_t)d.account, modseq = (int64_t)d.modseq;
        if (!RUN(x, Q_MESSAGE_ADD, a, d.mailbox, d.uid, modseq, (int64_t)f.id, n, size, f.received_ms, bits) ||
            !RUN(x, Q_MAILBOX_DELIVERED, a, d.mailbox, d.uid, modseq, size))
            return false;
    }
    for (int64_t n = 0; fact_queued_next(&f.queued, &q); n++)
        if (!index_queue_add(x, &f, &q, n))
            return false;
    return f.deliveries.bad || f.queued.bad ? index_broken(r) : true;
}

static bool expunge_range(struct index *x, const struct fact_uids *f, uint32_t first, uint32_t last)
{
    int64_t count = 0, bytes = 0, a = (int64_t)f->account;
    for (int64_t uid = first; uid <= last;) { /* one by one: a release needs its own statements between the rows */
        sqlite3_stmt *s = index_q(x, Q_MESSAGE_RANGE);
        if (!s)
            return false;
        const int64_t v[] = {a, f->mailbox, uid, last};
        for (int i = 0; i < 4; i++)
            sqlite3_bind_int64(s, i + 1, v[i]);
        if (sqlite3_step(s) != SQLITE_ROW) {
            if (!index_run(x, s))
                return false;
            break;
        }
        int64_t found = sqlite3_column_int64(s, 0), accept = sqlite3_column_int64(s, 1);
        bytes += sqlite3_column_int64(s, 2);
        count++;
        sqlite3_reset(s);
        if (!RUN(x, Q_MESSAGE_DROP, a, f->mailbox, found) || !index_release(x, accept))
            return false;
        uid = found + 1;
    }
    return RUN(x, Q_MAILBOX_EXPUNGED, a, f->mailbox, (int64_t)f->modseq, count, bytes) &&
           (count == 0 || RUN(x, Q_EXPUNGED_ADD, a, f->mailbox, (int64_t)f->modseq, first, last));
}

static bool apply_uids(struct index *x, const struct record *r)
{
    struct fact_uids f;
    uint32_t first, last;
    if (!fact_uids_read(r->payload, &f))
        return index_broken(r);
    int64_t a = (int64_t)f.account, modseq = (int64_t)f.modseq;
    if (!RUN(x, Q_MAILBOX_MODSEQ, a, f.mailbox, modseq))
        return false;
    while (fact_uids_next(&f, &first, &last)) {
        bool ok = r->type == RECORD_EXPUNGE ? expunge_range(x, &f, first, last)
                                            : RUN(x, Q_MESSAGE_FLAGS, a, f.mailbox, first, last, f.set, f.clear, modseq);
        if (!ok)
            return false;
    }
    return true;
}

static bool mailbox_add(struct index *x, const struct fact_mailbox *m)
{
    sqlite3_stmt *s = index_q(x, Q_MAILBOX_ADD);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)m->account);
    sqlite3_bind_int64(s, 2, m->id);
    bind_str(s, 3, m->name);
    bind_str(s, 4, m->special_use);
    const int64_t v[] = {m->uidvalidity, m->uidnext, (int64_t)m->modseq, m->messages, (int64_t)m->bytes};
    for (int i = 0; i < 5; i++)
        sqlite3_bind_int64(s, i + 5, v[i]);
    return index_run(x, s) && RUN(x, Q_MAILBOX_BASE, (int64_t)m->account, m->id, m->uidvalidity);
}

static bool apply_account(struct index *x, const struct record *r)
{
    struct fact_account f;
    struct fact_mailbox m;
    sqlite3_stmt *s = index_q(x, Q_ACCOUNT_ADD);
    if (!fact_account_read(r->payload, &f))
        return index_broken(r);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)f.id);
    bind_str(s, 2, f.name);
    sqlite3_bind_int64(s, 3, (int64_t)f.quota);
    bind_str(s, 4, f.verifier);
    sqlite3_bind_int64(s, 5, f.created_ms);
    sqlite3_bind_int64(s, 6, f.suspended);
    if (!index_run(x, s))
        return false;
    while (fact_mailbox_next(&f.mailboxes, &m))
        if (!mailbox_add(x, &m))
            return false;
    return true;
}

static bool apply_account_gone(struct index *x, int64_t a)
{
    struct enc accepts = {0};
    sqlite3_stmt *s = index_q(x, Q_ACCOUNT_ACCEPTS);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, a);
    while (sqlite3_step(s) == SQLITE_ROW)
        enc_var(&accepts, (uint64_t)sqlite3_column_int64(s, 0));
    bool ok = index_run(x, s) && !accepts.failed;
    struct dec d = {accepts.p, accepts.n, false};
    while (ok && d.n > 0)
        ok = index_release(x, (int64_t)dec_var(&d));
    enc_free(&accepts);
    return ok && RUN(x, Q_ACCOUNT_MESSAGES_DROP, a) && RUN(x, Q_ACCOUNT_MAILBOXES_DROP, a) &&
           RUN(x, Q_ACCOUNT_EXPUNGED_DROP, a) && RUN(x, Q_ACCOUNT_DROP, a);
}

/* Facts of an account or a name and one value. */
static bool apply_value(struct index *x, const struct record *r)
{
    struct dec d = dec_of(r->payload);
    int64_t a = (int64_t)dec_var(&d);
    if (r->type == RECORD_VERIFIER) {
        sqlite3_stmt *s = index_q(x, Q_ACCOUNT_VERIFIER);
        struct str v = dec_str(&d);
        if (!s)
            return false;
        bind_str(s, 1, v);
        sqlite3_bind_int64(s, 2, a);
        return d.bad ? index_broken(r) : index_run(x, s);
    }
    int64_t value = r->type == RECORD_ACCOUNT_GONE ? 0 : (int64_t)dec_var(&d);
    if (d.bad)
        return index_broken(r);
    if (r->type == RECORD_ACCOUNT_GONE)
        return apply_account_gone(x, a);
    return RUN(x, r->type == RECORD_QUOTA ? Q_ACCOUNT_QUOTA : Q_ACCOUNT_SUSPEND, value, a);
}

static bool run_name(struct index *x, enum index_statement q, struct str name)
{
    sqlite3_stmt *s = index_q(x, q);
    if (!s)
        return false;
    bind_str(s, 1, name);
    return index_run(x, s);
}

static bool apply_name(struct index *x, const struct record *r)
{
    struct dec d = dec_of(r->payload);
    struct str name = dec_str(&d);
    if (d.bad)
        return index_broken(r);
    if (r->type == RECORD_DOMAIN || r->type == RECORD_DOMAIN_GONE)
        return run_name(x, r->type == RECORD_DOMAIN ? Q_DOMAIN_ADD : Q_DOMAIN_DROP, name);
    if (!run_name(x, Q_ALIAS_DROP, name))
        return false;
    uint32_t count = r->type == RECORD_ALIAS ? dec_var32(&d) : 0;
    for (uint32_t i = 0; i < count && !d.bad; i++) {
        sqlite3_stmt *s = index_q(x, Q_ALIAS_ADD);
        struct str target = dec_str(&d);
        if (!s)
            return false;
        bind_str(s, 1, name);
        sqlite3_bind_int64(s, 2, i);
        bind_str(s, 3, target);
        if (!d.bad && !index_run(x, s))
            return false;
    }
    return d.bad ? index_broken(r) : true;
}

static bool apply_moved(struct index *x, const struct record *r)
{
    struct dec d = dec_of(r->payload);
    struct fact_moved m;
    dec_var(&d);
    while (fact_moved_next(&d, &m)) {
        sqlite3_stmt *s = index_q(x, m.accept ? Q_ACCEPTED_MOVE : Q_BODY_MOVE);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, (int64_t)m.to);
        sqlite3_bind_int64(s, 2, (int64_t)m.id);
        sqlite3_bind_int64(s, 3, (int64_t)m.from);
        if (sqlite3_step(s) == SQLITE_ROW) {
            int64_t size = sqlite3_column_int64(s, 0);
            if (m.accept) {
                index_live(x, pos_segment(m.from), -size);
                index_live(x, pos_segment(m.to), size);
            } else if (sqlite3_column_int64(s, 2) > 0) {
                bool large = sqlite3_column_int(s, 1) != 0;
                body_live(x, m.from, (uint64_t)size, large, -1);
                body_live(x, m.to, (uint64_t)size, large, 1);
            }
        }
        if (!index_run(x, s))
            return false;
    }
    return d.bad ? index_broken(r) : true;
}

/* Segment, then ids of accepts and of bodies that were dead in it. */
static bool apply_dropped(struct index *x, const struct record *r)
{
    struct dec d = dec_of(r->payload);
    int64_t segment = (int64_t)dec_var(&d);
    for (uint64_t n = dec_var(&d); n > 0 && !d.bad; n--) {
        sqlite3_stmt *s = index_q(x, Q_ACCEPTED_DROP);
        int64_t id = (int64_t)dec_var(&d);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, id);
        bool gone = sqlite3_step(s) == SQLITE_ROW;
        if (gone)
            index_live(x, pos_segment((log_pos)sqlite3_column_int64(s, 0)), -sqlite3_column_int64(s, 1));
        if (!index_run(x, s) || (gone && !RUN(x, Q_ATTEMPTS_DROP, id)))
            return false;
    }
    for (uint64_t n = dec_var(&d); n > 0 && !d.bad; n--)
        if (!RUN(x, Q_BODY_DROP, (int64_t)dec_var(&d)))
            return false;
    if (d.bad)
        return index_broken(r);
    for (uint32_t i = 0; i < x->live_count; i++)
        if (x->live[i].segment == segment)
            x->live[i--] = x->live[--x->live_count];
    return segment == 0 || RUN(x, Q_LIVE_DROP, segment);
}

static bool apply_mark(struct index *x, const struct record *r)
{
    struct mark m;
    if (!mark_read(r->payload, &m))
        return index_broken(r);
    x->position = r->pos + r->whole;
    x->batch = m.batch;
    x->counters = m.counters;
    return true;
}

static bool apply_state_end(struct index *x, const struct record *r)
{
    struct dec d = dec_of(r->payload);
    uint64_t as_of = dec_var(&d);
    return d.bad ? index_broken(r) : RUN(x, Q_SNAPSHOT_SET, (int64_t)r->pos, (int64_t)as_of);
}

bool index_apply(struct index *x, const struct record *r)
{
    struct fact_mailbox m;
    struct dec d;
    switch (r->type) {
    case RECORD_COMMIT: return apply_mark(x, r);
    case RECORD_ACCEPT: return apply_accept(x, r);
    case RECORD_EXPUNGE: case RECORD_FLAGS: return apply_uids(x, r);
    case RECORD_ACCOUNT: return apply_account(x, r);
    case RECORD_VERIFIER: case RECORD_QUOTA: case RECORD_SUSPEND: case RECORD_ACCOUNT_GONE: return apply_value(x, r);
    case RECORD_DOMAIN: case RECORD_DOMAIN_GONE: case RECORD_ALIAS: case RECORD_ALIAS_GONE: return apply_name(x, r);
    case RECORD_MAILBOX:
        d = dec_of(r->payload);
        return fact_mailbox_next(&d, &m) ? mailbox_add(x, &m) : index_broken(r);
    case RECORD_QUEUE_GONE: case RECORD_QUEUE_RESULT: case RECORD_QUEUE_CHANGE: case RECORD_NOTE: return index_apply_queue(x, r);
    case RECORD_MOVED: return apply_moved(x, r);
    case RECORD_DROPPED: return apply_dropped(x, r);
    case RECORD_STATE_END: return apply_state_end(x, r);
    case RECORD_BODY:
    case RECORD_PIECE:
    case RECORD_MAP:
    case RECORD_PAD:
    case RECORD_ACCEPT_COPY:
    case RECORD_STATE:
    case RECORD_TYPE_END:
        return true;
    }
    return true;
}
