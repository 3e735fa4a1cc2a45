/* SPDX-License-Identifier: ISC */
/* What mailboxes hold. A reader waits until the index knows the last fact about its account; bytes of messages come from the log,
   checked. */
#include <stdio.h>
#include "store/inside.h"

static enum outcome trouble(struct why *why, enum outcome o, const char *status, const char *text)
{
    snprintf(why->status, sizeof why->status, "%s", status);
    snprintf(why->text, sizeof why->text, "%s", text);
    return o;
}

static struct engine_mailbox view(const struct mailbox *m)
{
    return (struct engine_mailbox){m->id,          m->name,         m->special_use, m->uidvalidity,
                                   m->now.uidnext, m->now.messages, m->now.modseq,  m->now.bytes};
}

bool engine_mailbox_by_name(struct engine *e, account_id id, struct str name, struct engine_mailbox *to)
{
    struct why why;
    struct account *a = account_get(e, id);
    struct mailbox *m = a && account_load(e, a, &why) == DONE ? account_mailbox_by_name(a, name) : NULL;
    if (m)
        *to = view(m);
    return m != NULL;
}

enum outcome engine_mailboxes(struct engine *e, account_id id, bool (*each)(void *to, const struct engine_mailbox *m), void *to)
{
    struct why why;
    struct account *a = account_get(e, id);
    if (!a)
        return REFUSE;
    if (account_load(e, a, &why) != DONE)
        return RETRY;
    for (uint32_t i = 0; i < a->mailbox_count; i++) {
        struct engine_mailbox m = view(&a->mailboxes[i]);
        if (!each(to, &m))
            break;
    }
    return DONE;
}

enum outcome engine_messages(struct engine *e, account_id id, mailbox_id m, uint32_t from_uid,
                             bool (*each)(void *to, const struct engine_message *msg), void *to)
{
    struct account *a = account_get(e, id);
    if (!a)
        return REFUSE;
    sqlite3_stmt *s = index_wait(e, a->last) ? index_q(e->read, Q_R_MESSAGES) : NULL;
    if (!s)
        return RETRY;
    sqlite3_bind_int64(s, 1, (int64_t)id);
    sqlite3_bind_int64(s, 2, m);
    sqlite3_bind_int64(s, 3, from_uid);
    while (sqlite3_step(s) == SQLITE_ROW) {
        int bits = sqlite3_column_int(s, 5);
        struct engine_message msg = {.id = (uint64_t)sqlite3_column_int64(s, 6),
                                     .uid = (uint32_t)sqlite3_column_int64(s, 0),
                                     .flags = (uint32_t)sqlite3_column_int64(s, 1),
                                     .modseq = (uint64_t)sqlite3_column_int64(s, 2),
                                     .size = (uint64_t)sqlite3_column_int64(s, 3),
                                     .received_ms = sqlite3_column_int64(s, 4),
                                     .body_type = (uint32_t)bits & 3,
                                     .utf8_header = (bits & 4) != 0};
        if (!each(to, &msg)) {
            sqlite3_reset(s);
            return DONE;
        }
    }
    return index_run(e->read, s) ? DONE : RETRY;
}

static enum outcome log_trouble(struct engine *e, log_pos pos, int error, bool broken, struct why *why)
{
    (void)e;
    fact(FACT_ERROR, broken ? "store.rot" : "store.read_error", fact_num("segment", pos_segment(pos)),
         fact_num("offset", (int64_t)pos_offset(pos)), fact_c("error", disk_error_text(error)));
    return trouble(why, RETRY, "4.3.0", broken ? "this message is damaged on the disk" : "the disk cannot read this message now");
}

static void copy(struct str from, uint64_t *offset, struct buf *to)
{
    if (*offset >= from.n) {
        *offset -= from.n;
        return;
    }
    struct str part = str_skip(from, (size_t)*offset);
    buf_add(to, str_head(part, buf_room(to)));
    *offset = 0;
}

enum outcome body_read(struct engine *e, uint64_t body, log_pos pos, bool large, uint64_t offset, struct buf *to, struct why *why)
{
    struct record r;
    bool broken;
    struct fact_body b;
    struct fact_map map;
    struct fact_piece piece;
    int x = log_read(&e->log, pos, &r, &broken);
    if (x < 0)
        return log_trouble(e, pos, x, broken, why);
    if (!large) {
        if (r.type != RECORD_BODY || !fact_body_read(r.payload, &b) || b.id != body)
            return log_trouble(e, pos, -5, true, why);
        copy(b.bytes, &offset, to);
        return DONE;
    }
    while (buf_room(to) > 0) { /* the map is read again for each piece: it is in memory or nearly so, and pieces are large */
        x = log_read(&e->log, pos, &r, &broken);
        if (x < 0 || r.type != RECORD_MAP || !fact_map_read(r.payload, &map) || map.id != body)
            return log_trouble(e, pos, x < 0 ? x : -5, x == 0 || broken, why);
        if (offset >= map.size)
            return DONE;
        uint32_t i = (uint32_t)(offset / map.piece_size);
        uint64_t within = offset % map.piece_size;
        log_pos at = fact_map_piece(&map, i);
        x = log_read(&e->log, at, &r, &broken);
        if (x < 0 || r.type != RECORD_PIECE || !fact_piece_read(r.payload, &piece) || piece.index != i || within >= piece.bytes.n)
            return log_trouble(e, at, x < 0 ? x : -5, x == 0 || broken, why);
        size_t before = to->n;
        copy(piece.bytes, &within, to);
        offset += to->n - before;
    }
    return DONE;
}

struct copy_row { int64_t accept, n; uint64_t size; };

static enum outcome message_row(struct engine *e, const struct account *a, mailbox_id m, uint32_t uid, struct copy_row *row,
                                struct why *why)
{
    sqlite3_stmt *s = index_wait(e, a->last) ? index_q(e->read, Q_R_MESSAGE) : NULL;
    if (!s)
        return trouble(why, RETRY, "4.3.0", "the index cannot be read now");
    sqlite3_bind_int64(s, 1, (int64_t)a->id);
    sqlite3_bind_int64(s, 2, m);
    sqlite3_bind_int64(s, 3, uid);
    int r = sqlite3_step(s);
    if (r == SQLITE_ROW)
        *row = (struct copy_row){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), (uint64_t)sqlite3_column_int64(s, 2)};
    sqlite3_reset(s);
    return r == SQLITE_ROW    ? DONE
           : r == SQLITE_DONE ? trouble(why, REFUSE, "5.1.1", "no such message")
                              : trouble(why, RETRY, "4.3.0", "the index cannot be read now");
}

/* Two numbers of a row by its id; false: no such row. */
static bool row_numbers(struct engine *e, enum index_statement q, int64_t id, int count, int64_t *to)
{
    sqlite3_stmt *s = index_q(e->read, q);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, id);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    for (int i = 0; found && i < count; i++)
        to[i] = sqlite3_column_int64(s, i);
    sqlite3_reset(s);
    return found;
}

enum outcome engine_read(struct engine *e, account_id id, mailbox_id m, uint32_t uid, uint64_t offset, struct buf *to, bool *more,
                         struct why *why)
{
    struct account *a = account_get(e, id);
    struct copy_row row;
    int64_t accepted[2], body[3]; /* pos, body; pos, size, large */
    struct record r;
    struct fact_accept f;
    struct fact_delivery d = {0};
    bool broken;
    *more = false;
    if (!a)
        return trouble(why, REFUSE, "5.1.1", "no such account");
    enum outcome o = message_row(e, a, m, uid, &row, why);
    if (o != DONE)
        return o;
    if (!row_numbers(e, Q_R_ACCEPTED, row.accept, 2, accepted) || !row_numbers(e, Q_R_BODY, accepted[1], 3, body))
        return trouble(why, RETRY, "4.3.0", "the index does not know where this message lies");
    log_pos pos = (log_pos)accepted[0];
    int x = log_read(&e->log, pos, &r, &broken);
    if (x < 0 || (r.type != RECORD_ACCEPT && r.type != RECORD_ACCEPT_COPY) || !fact_accept_read(r.payload, &f) ||
        (int64_t)f.id != row.accept)
        return log_trouble(e, pos, x < 0 ? x : -5, x == 0 || broken, why);
    for (int64_t i = 0; i <= row.n; i++)
        if (!fact_delivery_next(&f.deliveries, &d))
            return log_trouble(e, pos, -5, true, why);
    size_t before = to->n;
    uint64_t at = offset;
    copy(d.prefix, &at, to);
    copy(f.trace, &at, to);
    if (buf_room(to) > 0)
        o = body_read(e, (uint64_t)accepted[1], (log_pos)body[0], body[2] != 0, at, to, why);
    *more = o == DONE && offset + (to->n - before) < row.size;
    return o;
}
