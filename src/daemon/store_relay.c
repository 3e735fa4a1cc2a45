// SPDX-License-Identifier: ISC
/* Jobs as messages to the relay, and what it says of them. The relay is believed no more than any other role: numbers are looked
 * up, texts are what they are. */
#include "base/clock.h"
#include "base/facts.h"
#include "daemon/store_queue.h"
#include "message/header.h"

enum { RELAY_SCRATCH = 256 * 1024 };

static struct peer *relay(struct store *st)
{
    return actor_peer(st->actor, ROLE_RELAY);
}

size_t store_relay_room(struct store *st)
{
    return peer_room(relay(st));
}

/* A-labels of the recipients' domain; as it stands when it is none. */
static struct str next_hop(struct arena *a, struct str address)
{
    struct address adr;

    if (address_parse(a, address, true, &adr) == ADDRESS_OK && adr.domain.ascii.n)
        return adr.domain.ascii;
    return str_skip(address, str_find_last(address, '@') + 1);
}

/* RFC 8689 4.1: a field of the message. */
static bool tls_optional(struct arena *a, struct str head)
{
    return str_eq_icase(header_value(a, head, "TLS-Required"), S("no"));
}

/* Who signs: the domain of a user here who sent it. */
static struct str signer(struct arena *a, const struct engine_envelope *v)
{
    struct address adr;

    if (!v->auth_user.n || !v->from.n || address_parse(a, v->from, true, &adr) != ADDRESS_OK)
        return STR_NONE;
    return adr.domain.ascii;
}

static bool send_rcpts(struct queue_job *j, struct engine_envelope *v, struct peer *p)
{
    struct op_queued q;
    uint32_t sent = 0;

    for (uint32_t n = 0; sent < j->count && engine_envelope_next(v, &q); n++)
        for (uint32_t i = 0; i < j->count; i++)
            if (j->entry[i].n == n && j->entry[i].queue_id == q.queue_id) {
                peer_send(p, &MSG(work_rcpt, .job = j->number, .queue_id = q.queue_id, .to = q.address, .orcpt = q.orcpt,
                                  .notify = q.notify));
                sent++;
                break;
            }
    return sent == j->count;
}

/* The recipients' domain is the first entry's; all of a job have the same. */
static struct str first_address(struct engine_envelope v, const struct queue_job *j)
{
    struct op_queued q = {0};

    while (engine_envelope_next(&v, &q))
        if (q.queue_id == j->entry[0].queue_id)
            return q.address;
    return STR_NONE;
}

static bool read_piece(struct queue_job *j, uint64_t offset, struct buf *to, bool *more, struct why *why)
{
    return engine_queue_read(j->store->engine, j->id, j->has_place ? &j->place : NULL, offset, to, more, why) == DONE;
}

/* Small messages go along whole, as far as the relay takes what it did not ask for. */
bool store_relay_send(struct queue_job *j)
{
    struct store *st = j->store;
    struct store_queue *q = st->queue;
    struct peer *p = relay(st);
    struct engine_envelope v;
    struct why why;
    struct arena a;
    char *data = st->relay_piece;
    struct buf b;
    bool more = true, ok = false;

    arena_init(&a, RELAY_SCRATCH);
    buf_fixed(&b, data, BODY_PIECE_MAX);
    if (!read_piece(j, 0, &b, &more, &why) || !engine_envelope(st->engine, j->id, j->has_place ? &j->place : NULL, &v))
        goto end;
    uint64_t size = v.size;
    struct str head = str_head(buf_str(&b), header_body(buf_str(&b)));
    if (!j->received_ms)
        j->received_ms = v.received_ms;
    peer_send(p, &MSG(work_begin, .job = j->number, .id = j->id, .next_hop = str_head(next_hop(&a, first_address(v, j)), 255),
                      .route = j->route, .from = v.from, .envid = v.envid, .auth = v.auth_user, .ret = (uint8_t)v.ret,
                      .body = (uint8_t)v.body_type, .smtputf8 = v.smtputf8, .requiretls = v.requiretls,
                      .tls_optional = !v.requiretls && tls_optional(&a, head), .header_8bit = v.utf8_header,
                      .body_8bit = v.body_type != 0, .size = size, .received_ms = v.received_ms, .attempt = j->entry[0].attempts,
                      .priority = v.priority, .now = j->hop && j->hop->kicked, .deadline_ms = 0, .sender_domain = signer(&a, &v),
                      .rcpt_count = j->count));
    if (j->hop)
        j->hop->kicked = false;
    ok = send_rcpts(j, &v, p);
    bool unasked = ok && q->ahead + b.n <= q->octets;
    j->ahead = unasked ? b.n : 0;
    q->ahead += j->ahead;
    peer_send(p, &MSG(work_end, .job = j->number, .last = unasked && !more, .data = unasked ? buf_str(&b) : S("")));
    if (!ok)
        peer_send(p, &MSG(work_cancel, .job = j->number));
end:
    arena_clear(&a);
    return ok;
}

void store_relay_cancel(struct queue_job *j)
{
    if (relay(j->store)->link)
        peer_send(relay(j->store), &MSG(work_cancel, .job = j->number));
}

static void more_of(struct store *st, struct queue_job *j, const struct msg_work_more *m)
{
    struct buf b;
    struct why why;
    bool more = false;

    buf_fixed(&b, st->relay_piece, m->room < BODY_PIECE_MAX ? m->room : BODY_PIECE_MAX);
    bool ok = m->room > 0 && read_piece(j, m->offset, &b, &more, &why);
    if (!ok)
        buf_clear(&b);
    st->queue->ahead -= j->ahead;
    j->ahead = 0;
    peer_send(relay(st), &MSG(work_piece, .job = j->number, .outcome = ok ? DONE : RETRY, .offset = m->offset,
                              .last = ok && !more, .data = buf_str(&b)));
    store_queue_wake(st);
}

static void result_of(struct queue_job *j, const struct msg_work_result *m)
{
    struct queue_entry *e = queue_job_entry(j, m->queue_id);

    if (e)
        queue_answer(e, &(struct queue_answer){.outcome = m->outcome,
                                               .code = m->code,
                                               .status = m->status,
                                               .text = m->text,
                                               .host = m->host,
                                               .ip = m->ip,
                                               .tls = m->tls,
                                               .at_ms = m->at_ms,
                                               .passed = m->dsn});
}

/* Who has no result in spite of it counts as tried: nothing goes in a circle. */
static void done_with(struct queue_job *j)
{
    static const struct queue_answer none = {
        .outcome = RETRY, .status = S_INIT("4.3.0"), .text = S_INIT("the relay did not say what came of it")};

    for (uint32_t i = 0; i < j->count; i++)
        queue_answer(&j->entry[i], &none); /* the first answer counts */
    queue_back(j, 0, STR_NONE);
}

void store_from_relay(struct store *st, struct peer *p, const struct message *m)
{
    struct store_queue *q = st->queue;
    struct queue_job *j;

    switch ((int)m->kind) {
    case MSG_work_ready:
        q->window = m->work_ready.window;
        q->octets = m->work_ready.octets;
        store_queue_wake(st);
        break;
    case MSG_work_more:
        if ((j = queue_job_find(q, m->work_more.job)))
            more_of(st, j, &m->work_more);
        else
            peer_send(p,
                      &MSG(work_piece, .job = m->work_more.job, .outcome = RETRY, .offset = m->work_more.offset, .data = S("")));
        break;
    case MSG_work_result:
        if ((j = queue_job_find(q, m->work_result.job)))
            result_of(j, &m->work_result);
        break;
    case MSG_work_back:
        if ((j = queue_job_find(q, m->work_back.job)))
            queue_back(j, m->work_back.not_before_ms, str_c(m->work_back.why.text));
        break;
    case MSG_work_done:
        if ((j = queue_job_find(q, m->work_done.job)))
            done_with(j);
        break;
    case MSG_work_hop:
        queue_hop_hint(q, m->work_hop.next_hop, m->work_hop.jobs, m->work_hop.not_before_ms, str_c(m->work_hop.why.text));
        break;
    default:
        peer_breach(p, "a message that store does not take from the relay");
    }
}
