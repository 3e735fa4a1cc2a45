// SPDX-License-Identifier: ISC
/* One end of a link: what goes out is checked as our own bug, what comes in as an enemy's attempt. */
#include "base/check.h"
#include "base/facts.h"
#include "daemon/inside.h"
#include <unistd.h>

/* body_piece and maildrop_piece end with their data, which is not copied here: the payload is written with none and its length
   put right. */
static struct str split_data(const struct message *m, struct message *head)
{
    *head = *m;
    if (m->kind == MSG_body_piece) {
        head->body_piece.data = STR_NONE;
        return m->body_piece.data;
    }
    head->maildrop_piece.data = STR_NONE;
    return m->maildrop_piece.data;
}

bool message_send(struct link *l, struct buf *scratch, const struct message *m, int fd)
{
    struct str data = STR_NONE;

    buf_clear(scratch);
    if (m->kind == MSG_body_piece || m->kind == MSG_maildrop_piece) {
        struct message head;
        data = split_data(m, &head);
        check(data.n <= BODY_PIECE_MAX);
        message_write(scratch, &head);
        check(!scratch->full && scratch->n >= 4);
        for (size_t i = 0; i < 4; i++)
            scratch->p[scratch->head + scratch->n - 4 + i] = (char)(unsigned char)(data.n >> (8 * i));
    } else {
        message_write(scratch, m);
        check(!scratch->full); /* a field is longer than the table says; scratch has its storage from the start */
    }
    struct str parts[2] = {buf_str(scratch), data};
    int passed = fd >= 0 ? dup(fd) : -1;
    if (fd >= 0 && passed < 0)
        return false;
    bool sent = link_send_parts(l, (uint16_t)m->kind, 0, parts, data.n ? 2 : 1, passed);
    if (!sent && passed >= 0)
        close(passed);
    return sent;
}

static void end_later(struct peer *p, const char *why)
{
    if (p->broken || !p->link)
        return;
    p->broken = why;
    loop_defer_start(&p->actor->inside->reaper);
}

bool peer_send_fd(struct peer *p, const struct message *m, int fd)
{
    check(message_may(m->kind, p->actor->type->who, p->who));
    check((message_fds(m->kind) != 0) == (fd >= 0));
    if (!p->link || p->broken)
        return false;
    if (message_send(p->link, &p->actor->inside->scratch, m, fd))
        return true;
    end_later(p,
              "its queue is full"); /* room for questions and answers is bounded by the sessions: the other end reads no more */
    return false;
}

bool peer_send(struct peer *p, const struct message *m)
{
    return peer_send_fd(p, m, -1);
}

size_t peer_room(struct peer *p)
{
    if (!p->link || p->broken)
        return 0;
    size_t queued = link_queued(p->link);
    if (queued < LINK_STREAM_MAX)
        return LINK_STREAM_MAX - queued;
    p->wants_room = true;
    return 0;
}

static void breach(struct peer *p, const char *what, uint32_t kind)
{
    fact(FACT_ERROR, "role.breach", fact_c("peer", role_name(p->who)), fact_num("incarnation", p->incarnation),
         fact_c("what", what), fact_c("message", message_name(kind)), fact_num("kind", kind));
    if (p->who != ROLE_MASTER)
        peer_send(&p->actor->peers[ROLE_MASTER],
                  &MSG(breach, .who = p->who, .incarnation = p->incarnation, .what = str_head(str_c(what), 200)));
    end_later(p, what);
}

void peer_breach(struct peer *p, const char *what)
{
    breach(p, what, MSG_none);
}

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct peer *p = self;
    struct message m;

    if (l != p->link || p->broken)
        return;
    if (!message_may(f->type, p->who, p->actor->type->who) || f->type == MSG_sign || f->type == MSG_signature) {
        breach(p, "says what it may not", f->type);
        return;
    }
    if ((message_fds(f->type) != 0) != (f->fd >= 0)) {
        breach(p, "descriptors do not fit the message", f->type);
        return;
    }
    if (!message_read(f->type, f->payload, &m)) {
        breach(p, "a broken message", f->type);
        return;
    }
    if (p->who == ROLE_MASTER)
        actor_from_master(p->actor, &m, &f->fd);
    else
        p->actor->type->message(p->actor, p, &m);
}

static void on_close(void *self, struct link *l, const char *why)
{
    struct peer *p = self;

    if (l == p->link)
        end_later(p, why);
}

static void on_room(void *self, struct link *l)
{
    struct peer *p = self;

    if (l != p->link || p->broken || !p->wants_room)
        return;
    p->wants_room = false;
    if (p->actor->type->room)
        p->actor->type->room(p->actor, p);
}

const struct link_handler peer_handler = {on_frame, on_close, on_room};
