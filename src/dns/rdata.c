// SPDX-License-Identifier: ISC
/* Records from their octets (RFC 1035 3.3, 3596 2.2, 2782, 6698 2.1). The octets are a stranger's: each form must fill its rdata exactly, names may not be
   compressed (libunbound has undone that), and nothing is guessed. */
#include "dns/inside.h"

static bool take_u16(struct str *from, uint16_t *v)
{
    if (from->n < 2)
        return false;
    *v = (uint16_t)((unsigned char)from->p[0] << 8 | (unsigned char)from->p[1]);
    *from = str_skip(*from, 2);
    return true;
}

static enum dns_rdata last_name(struct arena *a, struct str rdata, struct str *to)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (!dns_name_from_wire(&rdata, &b) || rdata.n > 0)
        return DNS_RDATA_BROKEN;
    *to = arena_str(a, buf_str(&b));
    return to->p ? DNS_RDATA_OK : DNS_RDATA_NO_MEMORY;
}

static enum dns_rdata parse_ip(struct str rdata, bool v6, struct dns_record *to)
{
    size_t n = v6 ? 16 : 4;
    if (rdata.n != n)
        return DNS_RDATA_BROKEN;
    to->ip.v6 = v6;
    memcpy(to->ip.b, rdata.p, n);
    return DNS_RDATA_OK;
}

/* One or more <character-string>: a length octet and so many octets. */
static enum dns_rdata parse_txt(struct arena *a, struct str rdata, struct dns_record *to)
{
    char *joined;
    size_t n = 0;
    if (rdata.n == 0)
        return DNS_RDATA_BROKEN;
    joined = arena_alloc(a, rdata.n);
    if (!joined)
        return DNS_RDATA_NO_MEMORY;
    while (rdata.n > 0) {
        size_t piece = (unsigned char)rdata.p[0];
        if (piece + 1 > rdata.n)
            return DNS_RDATA_BROKEN;
        memcpy(joined + n, rdata.p + 1, piece);
        n += piece;
        rdata = str_skip(rdata, piece + 1);
    }
    to->txt = str_of(joined, n);
    return DNS_RDATA_OK;
}

static enum dns_rdata parse_tlsa(struct arena *a, struct str rdata, struct dns_record *to)
{
    if (rdata.n < 4) /* without data it can match nothing */
        return DNS_RDATA_BROKEN;
    to->tlsa.usage = (unsigned char)rdata.p[0];
    to->tlsa.selector = (unsigned char)rdata.p[1];
    to->tlsa.matching = (unsigned char)rdata.p[2];
    to->tlsa.data = arena_str(a, str_skip(rdata, 3));
    return to->tlsa.data.p ? DNS_RDATA_OK : DNS_RDATA_NO_MEMORY;
}

enum dns_rdata dns_rdata_parse(struct arena *a, enum dns_type type, struct str rdata, struct dns_record *to)
{
    *to = (struct dns_record){.type = type};
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        return parse_ip(rdata, type == DNS_AAAA, to);
    case DNS_CNAME:
    case DNS_PTR:
        return last_name(a, rdata, &to->name);
    case DNS_MX:
        return take_u16(&rdata, &to->mx.preference) ? last_name(a, rdata, &to->mx.host) : DNS_RDATA_BROKEN;
    case DNS_TXT:
        return parse_txt(a, rdata, to);
    case DNS_SRV:
        return take_u16(&rdata, &to->srv.priority) && take_u16(&rdata, &to->srv.weight) && take_u16(&rdata, &to->srv.port)
                   ? last_name(a, rdata, &to->srv.target)
                   : DNS_RDATA_BROKEN;
    case DNS_TLSA:
        return parse_tlsa(a, rdata, to);
    }
    return DNS_RDATA_BROKEN;
}

size_t dns_record_size(const struct dns_record *r)
{
    switch (r->type) {
    case DNS_CNAME:
    case DNS_PTR:
        return r->name.n;
    case DNS_MX:
        return r->mx.host.n;
    case DNS_TXT:
        return r->txt.n;
    case DNS_SRV:
        return r->srv.target.n;
    case DNS_TLSA:
        return r->tlsa.data.n;
    case DNS_A:
    case DNS_AAAA:
        break;
    }
    return 0;
}

bool dns_answer_room(struct arena *a, struct dns_answer *answer, size_t count)
{
    answer->count = 0;
    answer->cut = count > DNS_RECORDS_MAX;
    answer->records = arena_array(a, count < 1 ? 1 : count > DNS_RECORDS_MAX ? DNS_RECORDS_MAX : count, sizeof *answer->records);
    return answer->records != NULL;
}

bool dns_answer_add(struct arena *a, struct dns_answer *answer, struct str rdata, size_t *sum)
{
    struct dns_record r;
    if (answer->count == DNS_RECORDS_MAX || *sum >= DNS_TEXT_SUM_MAX) {
        answer->cut = true;
        return true;
    }
    switch (dns_rdata_parse(a, answer->type, rdata, &r)) {
    case DNS_RDATA_BROKEN:
        answer->broken++;
        return true;
    case DNS_RDATA_NO_MEMORY:
        return false;
    case DNS_RDATA_OK:
        break;
    }
    *sum += dns_record_size(&r);
    if (*sum > DNS_TEXT_SUM_MAX)
        answer->cut = true;
    else
        answer->records[answer->count++] = r;
    return true;
}
