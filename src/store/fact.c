/* SPDX-License-Identifier: ISC */
/* Readers (and the small writers) of what stands in records. The writers of facts that a plan makes stand beside the plan. */
#include "store/fact.h"

enum { FLAG_SMTPUTF8 = 1, FLAG_REQUIRETLS = 2, FLAG_UTF8_HEADER = 4, FLAG_LARGE = 8, PRIORITY_ZERO = 9 };

static int64_t time_read(struct dec *d) { return (int64_t)dec_var(d); }

/* A list is preceded by its length in bytes, so that what follows can be reached without reading it. */
static struct dec list_read(struct dec *d, uint32_t *count)
{
    *count = dec_var32(d);
    return dec_of(dec_str(d));
}

bool fact_accept_read(struct str payload, struct fact_accept *to)
{
    struct dec d = dec_of(payload);
    *to = (struct fact_accept){.id = dec_var(&d)};
    uint64_t bits = dec_var(&d);
    to->smtputf8 = bits & FLAG_SMTPUTF8;
    to->requiretls = bits & FLAG_REQUIRETLS;
    to->utf8_header = bits & FLAG_UTF8_HEADER;
    to->body_large = bits & FLAG_LARGE;
    to->received_ms = time_read(&d);
    to->connected_ms = time_read(&d);
    to->mail_ms = time_read(&d);
    to->data_ms = time_read(&d);
    to->about = dec_var(&d);
    to->body_id = dec_var(&d);
    to->body_pos = dec_var(&d);
    to->body_size = dec_var(&d);
    to->ret = dec_var32(&d);
    to->body_type = dec_var32(&d);
    struct str *texts[] = {&to->kind, &to->from, &to->envid, &to->auth_user,  &to->client,
                           &to->helo, &to->tls,  &to->trace, &to->message_id, &to->subject};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = dec_str(&d);
    to->rcpts = list_read(&d, &to->rcpt_count);
    to->deliveries = list_read(&d, &to->delivery_count);
    to->queued = list_read(&d, &to->queued_count);
    uint32_t priority = d.n > 0 ? dec_var32(&d) : PRIORITY_ZERO; /* absent: as usual */
    to->priority = priority <= 2 * PRIORITY_ZERO ? (int)priority - PRIORITY_ZERO : 0;
    return !d.bad;
}

bool fact_rcpt_next(struct dec *d, struct fact_rcpt *to)
{
    if (d->n == 0)
        return false;
    *to = (struct fact_rcpt){.address = dec_str(d)};
    to->orcpt = dec_str(d);
    to->notify = dec_var32(d);
    return !d->bad;
}

bool fact_delivery_next(struct dec *d, struct fact_delivery *to)
{
    if (d->n == 0)
        return false;
    *to = (struct fact_delivery){.account = dec_var(d)};
    to->mailbox = dec_var32(d);
    to->uid = dec_var32(d);
    to->rcpt = dec_var32(d);
    to->modseq = dec_var(d);
    to->prefix = dec_str(d);
    return !d->bad;
}

bool fact_queued_next(struct dec *d, struct fact_queued *to)
{
    if (d->n == 0)
        return false;
    *to = (struct fact_queued){.queue_id = dec_var(d)};
    to->address = dec_str(d);
    to->orcpt = dec_str(d);
    to->notify = dec_var32(d);
    to->rcpt = dec_var32(d);
    return !d->bad;
}

bool fact_uids_read(struct str payload, struct fact_uids *to)
{
    struct dec d = dec_of(payload);
    *to = (struct fact_uids){.account = dec_var(&d)};
    to->mailbox = dec_var32(&d);
    to->modseq = dec_var(&d);
    to->set = dec_var32(&d);
    to->clear = dec_var32(&d);
    to->ranges = dec_var32(&d);
    to->list = d;
    return !d.bad;
}

bool fact_uids_next(struct fact_uids *f, uint32_t *first, uint32_t *last)
{
    if (f->ranges == 0)
        return false;
    f->ranges--;
    uint64_t from = (uint64_t)f->last + dec_var32(&f->list), to = from + dec_var32(&f->list);
    if (f->list.bad || to > UINT32_MAX || from == 0)
        return false;
    *first = (uint32_t)from;
    *last = f->last = (uint32_t)to;
    return true;
}

void fact_uids_write(struct enc *e, enum record_type type, account_id a, mailbox_id m, uint64_t modseq, uint32_t set,
                     uint32_t clear, const uint32_t *uids, uint32_t count)
{
    size_t begin = record_begin(e, type);
    enc_var(e, a);
    enc_var(e, m);
    enc_var(e, modseq);
    enc_var(e, set);
    enc_var(e, clear);
    uint32_t ranges = 0;
    for (uint32_t i = 0; i < count; i++)
        ranges += i == 0 || uids[i] != uids[i - 1] + 1;
    enc_var(e, ranges);
    for (uint32_t i = 0, last = 0; i < count;) {
        uint32_t n = 1;
        while (i + n < count && uids[i + n] == uids[i] + n)
            n++;
        enc_var(e, uids[i] - last);
        enc_var(e, n - 1);
        last = uids[i] + n - 1;
        i += n;
    }
    record_end(e, begin);
}

void fact_mailbox_write(struct enc *e, const struct fact_mailbox *m)
{
    enc_var(e, m->account);
    enc_var(e, m->id);
    enc_var(e, m->uidvalidity);
    enc_var(e, m->uidnext);
    enc_var(e, m->messages);
    enc_var(e, m->modseq);
    enc_var(e, m->bytes);
    enc_str(e, m->name);
    enc_str(e, m->special_use);
}

bool fact_mailbox_next(struct dec *d, struct fact_mailbox *to)
{
    if (d->n == 0)
        return false;
    *to = (struct fact_mailbox){.account = dec_var(d)};
    to->id = dec_var32(d);
    to->uidvalidity = dec_var32(d);
    to->uidnext = dec_var32(d);
    to->messages = dec_var32(d);
    to->modseq = dec_var(d);
    to->bytes = dec_var(d);
    to->name = dec_str(d);
    to->special_use = dec_str(d);
    return !d->bad;
}

bool fact_account_read(struct str payload, struct fact_account *to)
{
    struct dec d = dec_of(payload);
    *to = (struct fact_account){.id = dec_var(&d)};
    to->name = dec_str(&d);
    to->verifier = dec_str(&d);
    to->quota = dec_var(&d);
    to->created_ms = time_read(&d);
    to->suspended = dec_var(&d) != 0;
    to->mailboxes = list_read(&d, &to->mailbox_count);
    return !d.bad;
}

void fact_moved_write(struct enc *e, const struct fact_moved *m)
{
    enc_var(e, m->accept);
    enc_var(e, m->id);
    enc_var(e, m->from);
    enc_var(e, m->to);
}

bool fact_moved_next(struct dec *d, struct fact_moved *to)
{
    if (d->n == 0)
        return false;
    *to = (struct fact_moved){.accept = dec_var(d) != 0};
    to->id = dec_var(d);
    to->from = dec_var(d);
    to->to = dec_var(d);
    return !d->bad;
}

bool fact_body_read(struct str payload, struct fact_body *to)
{
    if (payload.n < 40)
        return false;
    *to = (struct fact_body){get_u64(payload.p), (const unsigned char *)payload.p + 8, str_skip(payload, 40)};
    return true;
}

bool fact_map_read(struct str payload, struct fact_map *to)
{
    if (payload.n < 56)
        return false;
    *to = (struct fact_map){.id = get_u64(payload.p),
                            .size = get_u64(payload.p + 40),
                            .hash = (const unsigned char *)payload.p + 8,
                            .count = get_u32(payload.p + 48),
                            .piece_size = get_u32(payload.p + 52),
                            .positions = str_skip(payload, 56)};
    return to->piece_size > 0 && to->positions.n / 8 >= to->count && to->size <= (uint64_t)to->count * to->piece_size;
}

log_pos fact_map_piece(const struct fact_map *m, uint32_t i)
{
    return i < m->count ? get_u64(m->positions.p + 8 * (size_t)i) : 0;
}

bool fact_piece_read(struct str payload, struct fact_piece *to)
{
    if (payload.n < 12)
        return false;
    *to = (struct fact_piece){get_u64(payload.p), get_u32(payload.p + 8), str_skip(payload, 12)};
    return true;
}
