/* SPDX-License-Identifier: ISC */
/* Records: 32 bytes of header (magic, type, flags, 0, length, checksum, position, batch), payload, padding to 8. */
#include "base/hash.h"
#include "store/log.h"

enum { MAGIC = 0x31524e50 /* "PNR1" */, AT_TYPE = 4, AT_LENGTH = 8, AT_CRC = 12, AT_POS = 16, AT_BATCH = 24 };

size_t record_begin(struct enc *e, enum record_type type)
{
    size_t begin = e->n;
    char *p = enc_reserve(e, RECORD_HEADER);
    if (p) {
        memset(p, 0, RECORD_HEADER);
        put_u32(p, MAGIC);
        p[AT_TYPE] = (char)type;
        e->n += RECORD_HEADER;
    }
    return begin;
}

void record_end(struct enc *e, size_t begin)
{
    static const char zeros[8];
    if (e->failed)
        return;
    size_t length = e->n - begin - RECORD_HEADER;
    put_u32(e->p + begin + AT_LENGTH, (uint32_t)length);
    enc_bytes(e, zeros, record_size(length) - RECORD_HEADER - length);
}

static uint32_t checksum(const char *p, size_t length, uint32_t seed)
{
    static const char zeros[4];
    uint32_t crc = hash_crc32c(seed, p, AT_CRC);
    crc = hash_crc32c(crc, zeros, 4);
    return hash_crc32c(crc, p + AT_POS, RECORD_HEADER - AT_POS + length);
}

void record_stamp(char *p, size_t n, log_pos pos, uint64_t batch, uint32_t seed, uint32_t *chain, uint32_t *count)
{
    for (size_t at = 0; at < n;) {
        char *r = p + at;
        size_t length = get_u32(r + AT_LENGTH);
        put_u64(r + AT_POS, pos + at);
        put_u64(r + AT_BATCH, batch);
        put_u32(r + AT_CRC, checksum(r, r[AT_TYPE] == RECORD_PAD ? 0 : length, seed)); /* what a pad covers is nobody's */
        if (r[AT_TYPE] != RECORD_PIECE) { /* pieces stand for themselves: they may also lie between batches */
            *chain = hash_crc32c(*chain, r + AT_CRC, 4);
            ++*count;
        }
        at += record_size(length);
    }
}

enum record_found record_parse(const char *p, size_t n, log_pos pos, uint32_t seed, struct record *to, size_t *need)
{
    static const char zeros[RECORD_HEADER];
    *need = 0;
    if (n < RECORD_HEADER) {
        *need = RECORD_HEADER;
        return RECORD_NONE;
    }
    if (memcmp(p, zeros, RECORD_HEADER) == 0)
        return RECORD_NONE;
    size_t length = get_u32(p + AT_LENGTH);
    unsigned char type = (unsigned char)p[AT_TYPE];
    if (get_u32(p) != MAGIC || type == 0 || type >= RECORD_TYPE_END || (length > RECORD_MAX && type != RECORD_PAD) ||
        get_u64(p + AT_POS) != pos)
        return RECORD_BROKEN;
    if (type != RECORD_PAD && n < record_size(length)) {
        *need = record_size(length);
        return RECORD_BROKEN;
    }
    uint32_t crc = get_u32(p + AT_CRC);
    if (checksum(p, type == RECORD_PAD ? 0 : length, seed) != crc)
        return RECORD_BROKEN;
    *to = (struct record){(enum record_type)type,      pos, get_u64(p + AT_BATCH),
                          {p + RECORD_HEADER, length}, crc, record_size(length)};
    return RECORD_OK;
}

void mark_write(struct enc *e, const struct mark *m)
{
    size_t begin = record_begin(e, RECORD_COMMIT);
    char *p = enc_reserve(e, MARK_SIZE);
    if (!p)
        return;
    put_u64(p, m->batch);
    put_u64(p + 8, m->first);
    put_u32(p + 16, m->count);
    put_u32(p + 20, m->chain);
    put_u64(p + 24, m->counters.next_id);
    put_u64(p + 32, m->counters.next_body);
    put_u64(p + 40, m->counters.next_queue);
    put_u64(p + 48, m->counters.next_account);
    put_u64(p + 56, (uint64_t)m->at_ms);
    put_u64(p + 64, 0);
    e->n += MARK_SIZE;
    record_end(e, begin);
}

bool mark_read(struct str s, struct mark *m)
{
    if (s.n < MARK_SIZE)
        return false;
    const char *p = s.p;
    *m = (struct mark){get_u64(p), get_u64(p + 8), get_u32(p + 16), get_u32(p + 20),
                       {get_u64(p + 24), get_u64(p + 32), get_u64(p + 40), get_u64(p + 48)}, (int64_t)get_u64(p + 56)};
    return true;
}
