// SPDX-License-Identifier: ISC
/* Answers as bytes for a link between roles, and back. The reader takes nothing on trust: the writer is the process that talks to strangers.

       u8 status | u8 flags (1 secure, 2 cut) | u16 type | u32 ttl | u32 broken | text name | text canonical | text why | u16 count | records
       text: u16 length, octets. Records: what their type has, in the order of struct dns_record. Little end first. */
#include "dns/inside.h"

enum { FLAG_SECURE = 1, FLAG_CUT = 2 };

static void put(struct buf *to, uint32_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_byte(to, (char)(v >> (8 * i) & 255));
}

static void put_text(struct buf *to, struct str s)
{
    put(to, (uint32_t)s.n, 2);
    buf_add(to, s);
}

static void put_record(struct buf *to, const struct dns_record *r)
{
    switch (r->type) {
    case DNS_A:
    case DNS_AAAA:
        buf_add(to, str_of(r->ip.b, r->ip.v6 ? 16 : 4));
        break;
    case DNS_CNAME:
    case DNS_PTR:
        put_text(to, r->name);
        break;
    case DNS_MX:
        put(to, r->mx.preference, 2);
        put_text(to, r->mx.host);
        break;
    case DNS_TXT:
        put_text(to, r->txt);
        break;
    case DNS_SRV:
        put(to, r->srv.priority, 2);
        put(to, r->srv.weight, 2);
        put(to, r->srv.port, 2);
        put_text(to, r->srv.target);
        break;
    case DNS_TLSA:
        put(to, r->tlsa.usage, 1);
        put(to, r->tlsa.selector, 1);
        put(to, r->tlsa.matching, 1);
        put_text(to, r->tlsa.data);
        break;
    }
}

void dns_answer_encode(struct buf *to, const struct dns_answer *answer)
{
    put(to, answer->status, 1);
    put(to, (answer->secure ? FLAG_SECURE : 0u) | (answer->cut ? FLAG_CUT : 0u), 1);
    put(to, answer->type, 2);
    put(to, answer->ttl_s, 4);
    put(to, answer->broken, 4);
    put_text(to, answer->name);
    put_text(to, answer->canonical);
    put_text(to, answer->why);
    put(to, (uint32_t)answer->count, 2);
    for (size_t i = 0; i < answer->count; i++)
        put_record(to, &answer->records[i]);
}

struct reader { struct str rest; bool bad; };

static uint32_t get(struct reader *r, size_t n)
{
    uint32_t v = 0;
    if (r->rest.n < n) {
        r->bad = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        v |= (uint32_t)(unsigned char)r->rest.p[i] << (8 * i);
    r->rest = str_skip(r->rest, n);
    return v;
}

static struct str get_text(struct reader *r, size_t max)
{
    size_t n = get(r, 2);
    if (n > max || n > r->rest.n) {
        r->bad = true;
        return STR_NONE;
    }
    struct str s = str_head(r->rest, n);
    r->rest = str_skip(r->rest, n);
    return s;
}

/* A name in the form that dns_name_normal gives, and only that. */
static struct str get_name(struct reader *r)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    struct str s = get_text(r, DNS_NAME_MAX);
    buf_fixed(&b, text, sizeof text);
    if (!r->bad && (!dns_name_normal(s, &b) || !str_eq(s, buf_str(&b))))
        r->bad = true;
    return s;
}

static void get_record(struct reader *r, enum dns_type type, struct dns_record *to)
{
    *to = (struct dns_record){.type = type};
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        to->ip.v6 = type == DNS_AAAA;
        for (size_t i = 0; i < (to->ip.v6 ? 16u : 4u); i++)
            to->ip.b[i] = (unsigned char)get(r, 1);
        break;
    case DNS_CNAME:
    case DNS_PTR:
        to->name = get_name(r);
        break;
    case DNS_MX:
        to->mx.preference = (uint16_t)get(r, 2);
        to->mx.host = get_name(r);
        break;
    case DNS_TXT:
        to->txt = get_text(r, UINT16_MAX);
        break;
    case DNS_SRV:
        to->srv.priority = (uint16_t)get(r, 2);
        to->srv.weight = (uint16_t)get(r, 2);
        to->srv.port = (uint16_t)get(r, 2);
        to->srv.target = get_name(r);
        break;
    case DNS_TLSA:
        to->tlsa.usage = (unsigned char)get(r, 1);
        to->tlsa.selector = (unsigned char)get(r, 1);
        to->tlsa.matching = (unsigned char)get(r, 1);
        to->tlsa.data = get_text(r, UINT16_MAX);
        break;
    }
}

/* What no resolver says: records without OK, OK without records, a proof of what was not proved. */
static bool is_sensible(const struct dns_answer *a)
{
    if (a->status < DNS_OK || a->status > DNS_BOGUS || (a->status == DNS_OK) != (a->count > 0))
        return false;
    if (a->status >= DNS_SERVFAIL ? a->secure : a->why.n > 0)
        return false;
    for (size_t i = 0; i < a->why.n; i++)
        if ((unsigned char)a->why.p[i] < 0x20 || a->why.p[i] == 0x7f)
            return false;
    return true;
}

bool dns_answer_decode(struct arena *a, struct str bytes, struct dns_answer *to)
{
    struct reader r = {bytes.n > DNS_ANSWER_MAX ? STR_NONE : bytes, false};
    struct dns_answer made = {.status = (enum dns_status)get(&r, 1)};
    uint32_t flags = get(&r, 1), type = get(&r, 2);
    made.secure = flags & FLAG_SECURE;
    made.cut = flags & FLAG_CUT;
    made.type = (enum dns_type)type;
    made.ttl_s = get(&r, 4);
    made.broken = get(&r, 4);
    made.name = get_text(&r, DNS_NAME_MAX); /* as it was asked: what cannot be a name gets an answer, too */
    made.canonical = get_text(&r, DNS_NAME_MAX);
    made.why = get_text(&r, DNS_WHY_MAX);
    made.count = get(&r, 2);
    if (r.bad || flags > (FLAG_SECURE | FLAG_CUT) || !dns_type_known(type) || made.count > DNS_RECORDS_MAX || !is_sensible(&made))
        return false;
    if (made.count > 0 && !(made.records = arena_array(a, made.count, sizeof *made.records)))
        return false;
    for (size_t i = 0; i < made.count && !r.bad; i++)
        get_record(&r, made.type, &made.records[i]);
    if (r.bad || r.rest.n > 0)
        return false;
    *to = made;
    return true;
}
