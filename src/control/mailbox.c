// SPDX-License-Identifier: ISC
/* penny folders|ls|read on the server's own store. Nothing here looks into a message but for the end of its header: the command
 * does that, as the user who runs it. */
#include "control/inside.h"

enum { BATCH = 64 };

struct found {
    struct engine_message m[BATCH];
    uint32_t count, at;
    bool more;
};

static bool gather(void *to, const struct engine_message *m)
{
    struct found *f = to;
    if (f->count == BATCH) {
        f->more = true;
        return false;
    }
    f->m[f->count++] = *m;
    return true;
}

/* Behind the empty line; n when it is not in this piece. */
static size_t header_end(struct str s)
{
    size_t at = str_find_str(s, S("\r\n\r\n"));
    return at < s.n ? at + 4 : s.n;
}

static bool message_line(struct control_session *s, const struct engine_message *m)
{
    struct json_writer w = control_line_begin(s);
    json_num(&w, "uid", m->uid);
    control_id(&w, "id", m->id);
    json_num(&w, "size", (int64_t)m->size);
    control_time(&w, "received", m->received_ms);
    json_bool(&w, "seen", m->flags & FLAG_SEEN);
    json_bool(&w, "answered", m->flags & FLAG_ANSWERED);
    json_bool(&w, "flagged", m->flags & FLAG_FLAGGED);
    json_bool(&w, "draft", m->flags & FLAG_DRAFT);
    json_bool(&w, "deleted", m->flags & FLAG_DELETED);
    return control_line_end(s, &w);
}

/* The line and, if asked for, its header. A header that cannot be read is left out: the line still tells that the message is
 * there. */
static bool message_out(struct control_session *s, account_id a, mailbox_id box, const struct engine_message *m)
{
    struct buf head;
    struct why why;
    bool more = false, ok = true;
    if (buf_room(&s->out) < LINE_MAX + PIECE_MAX + 32 + OUT_RESERVE)
        return false;
    if (!message_line(s, m))
        return false;
    if (!(s->r->flags & CONTROL_HEADERS))
        return true;
    buf_init(&head, PIECE_MAX);
    if (engine_read(s->c->engine, a, box, m->uid, 0, &head, &more, &why) != DONE)
        buf_clear(&head);
    ok = control_bytes(s, str_head(buf_str(&head), header_end(buf_str(&head))));
    buf_free(&head);
    return ok;
}

static enum step list_on(struct control_session *s)
{
    struct engine_account a;
    struct engine_mailbox box;
    enum step n = control_mailbox(s, &a, &box); /* asked again each time: between two steps it may be gone */
    if (n != STEP_AGAIN)
        return n;
    struct found *f = s->work;
    for (;;) {
        for (; f->at < f->count; f->at++) {
            if (!message_out(s, a.id, box.id, &f->m[f->at]))
                return STEP_ROOM;
            s->cursor = (uint64_t)f->m[f->at].uid + 1;
        }
        if (!f->more)
            return control_ok(s);
        *f = (struct found){.count = 0};
        enum outcome o = engine_messages(s->c->engine, a.id, box.id, (uint32_t)s->cursor, gather, f);
        if (o != DONE)
            return control_outcome(s, o, &(struct why){"", "the mailbox cannot be listed now"});
    }
}

enum step control_do_MAIL_LS(struct control_session *s)
{
    struct found *f = arena_new(&s->a, struct found);
    if (!f)
        return control_no_memory(s);
    f->more = true; /* nothing gathered yet */
    s->work = f;
    s->cursor = s->r->num[0] > 0 && s->r->num[0] <= UINT32_MAX ? (uint64_t)s->r->num[0] : 1;
    s->step = list_on;
    return STEP_AGAIN;
}

struct folders {
    struct control_session *s;
    bool full;
};

static bool each_folder(void *to, const struct engine_mailbox *m)
{
    struct folders *f = to;
    struct control_session *s = f->s;
    if (m->id <= s->cursor)
        return true;
    struct json_writer w = control_line_begin(s);
    json_str(&w, "folder", m->name);
    json_str(&w, "use", m->special_use);
    json_num(&w, "messages", m->messages);
    json_num(&w, "bytes", (int64_t)m->bytes);
    json_num(&w, "uidvalidity", m->uidvalidity);
    if (!control_line_end(s, &w)) {
        f->full = true;
        return false;
    }
    s->offset = m->id > s->offset ? m->id : s->offset;
    return true;
}

enum step control_do_MAIL_FOLDERS(struct control_session *s)
{
    struct engine_account a;
    struct str key;
    struct folders f = {.s = s};
    enum step n = control_account(s, s->name, &a, &key);
    if (n != STEP_AGAIN)
        return n;
    enum outcome o = engine_mailboxes(s->c->engine, a.id, each_folder, &f);
    s->cursor = s->offset;
    if (f.full)
        return STEP_ROOM;
    return control_outcome(s, o, &(struct why){"", "the folders cannot be listed now"});
}

static enum step read_on(struct control_session *s)
{
    struct engine_account a;
    struct engine_mailbox box;
    struct why why = {"", ""};
    struct buf piece;
    bool more = true;
    enum step n = control_mailbox(s, &a, &box);
    uint32_t *uid = s->work;
    if (n != STEP_AGAIN)
        return n;
    buf_init(&piece, PIECE_MAX);
    while (more) {
        if (buf_room(&s->out) < PIECE_MAX + 8 + OUT_RESERVE)
            break;
        buf_clear(&piece);
        enum outcome o = engine_read(s->c->engine, a.id, box.id, *uid, s->offset, &piece, &more, &why);
        if (o != DONE) {
            buf_free(&piece);
            return o == REFUSE ? control_end(s, EXIT_NO, "there is no such message", STR_NONE, "", "penny ls shows what is there")
                               : control_outcome(s, o, &why);
        }
        s->offset += piece.n;
        if (piece.n)
            (void)control_bytes(s, buf_str(&piece));
        else
            more = false;
    }
    buf_free(&piece);
    if (more)
        return STEP_ROOM;
    if (s->r->flags & CONTROL_PEEK)
        return control_ok(s);
    s->op = (struct op){.kind = OP_FLAGS};
    s->op.flags.account = a.id;
    s->op.flags.mailbox = box.id;
    s->op.flags.uids = uid;
    s->op.flags.count = 1;
    s->op.flags.set = FLAG_SEEN;
    return control_submit(s, control_finish);
}

enum step control_do_MAIL_READ(struct control_session *s)
{
    uint32_t *uid = arena_new(&s->a, uint32_t);
    if (!uid)
        return control_no_memory(s);
    if (s->r->num[0] <= 0 || s->r->num[0] > UINT32_MAX)
        return control_end(s, EXIT_USAGE_BAD, "there is no such message", STR_NONE, "", "penny ls shows what is there");
    *uid = (uint32_t)s->r->num[0];
    s->work = uid;
    s->step = read_on;
    return STEP_AGAIN;
}
