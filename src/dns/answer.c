// SPDX-License-Identifier: ISC
/* Answers as values: words for people, copies. */
#include "base/encode.h"
#include "base/utf8.h"
#include "dns/inside.h"

static const struct { enum dns_type type; const char *text; } types[] = {
    {DNS_A, "A"},     {DNS_AAAA, "AAAA"}, {DNS_CNAME, "CNAME"}, {DNS_MX, "MX"},
    {DNS_PTR, "PTR"}, {DNS_SRV, "SRV"},   {DNS_TLSA, "TLSA"},   {DNS_TXT, "TXT"},
};

const char *dns_type_text(enum dns_type type)
{
    for (size_t i = 0; i < countof(types); i++)
        if (types[i].type == type)
            return types[i].text;
    return "?";
}

bool dns_type_parse(struct str text, enum dns_type *type)
{
    for (size_t i = 0; i < countof(types); i++)
        if (str_eq_icase(str_c(types[i].text), text)) {
            *type = types[i].type;
            return true;
        }
    return false;
}

bool dns_type_known(uint32_t type)
{
    for (size_t i = 0; i < countof(types); i++)
        if ((uint32_t)types[i].type == type)
            return true;
    return false;
}

const char *dns_status_text(enum dns_status status)
{
    switch (status) {
    case DNS_OK: return "ok";
    case DNS_NODATA: return "nodata";
    case DNS_NXDOMAIN: return "nxdomain";
    case DNS_SERVFAIL: return "servfail";
    case DNS_TIMEOUT: return "timeout";
    case DNS_BOGUS: return "bogus";
    }
    return "?";
}

static bool copy_str(struct arena *a, struct str *s)
{
    if (s->n == 0) {
        *s = STR_NONE;
        return true;
    }
    *s = arena_str(a, *s);
    return s->p != NULL;
}

static bool copy_record(struct arena *a, struct dns_record *r)
{
    switch (r->type) {
    case DNS_CNAME:
    case DNS_PTR:
        return copy_str(a, &r->name);
    case DNS_MX:
        return copy_str(a, &r->mx.host);
    case DNS_TXT:
        return copy_str(a, &r->txt);
    case DNS_SRV:
        return copy_str(a, &r->srv.target);
    case DNS_TLSA:
        return copy_str(a, &r->tlsa.data);
    case DNS_A:
    case DNS_AAAA:
        break;
    }
    return true;
}

bool dns_answer_copy(struct arena *a, const struct dns_answer *from, struct dns_answer *to)
{
    struct dns_answer made = *from;
    made.records = NULL;
    if (!copy_str(a, &made.name) || !copy_str(a, &made.canonical) || !copy_str(a, &made.why))
        return false;
    if (made.count > 0) {
        made.records = arena_array(a, made.count, sizeof *made.records);
        if (!made.records)
            return false;
        memcpy(made.records, from->records, made.count * sizeof *made.records);
    }
    for (size_t i = 0; i < made.count; i++)
        if (!copy_record(a, &made.records[i]))
            return false;
    *to = made;
    return true;
}

void dns_answer_text(struct buf *to, const struct dns_answer *answer)
{
    switch (answer->status) {
    case DNS_OK:
        buf_printf(to, "%zu record%s%s, %s, ttl %u", answer->count, answer->count == 1 ? "" : "s", answer->cut ? " (cut)" : "",
                   answer->secure ? "secure" : "insecure", answer->ttl_s);
        break;
    case DNS_NODATA:
        buf_printf(to, "no %s record%s", dns_type_text(answer->type), answer->secure ? " (proved)" : "");
        break;
    case DNS_NXDOMAIN:
        buf_printf(to, "no such name%s", answer->secure ? " (proved)" : "");
        break;
    case DNS_SERVFAIL:
    case DNS_TIMEOUT:
    case DNS_BOGUS:
        buf_add_c(to, dns_status_text(answer->status));
        if (answer->why.n > 0) {
            buf_add_c(to, ": ");
            utf8_add_printable(to, answer->why);
        }
        break;
    }
}

void dns_record_text(struct buf *to, const struct dns_record *r)
{
    switch (r->type) {
    case DNS_A:
    case DNS_AAAA:
        buf_add_c(to, dns_ip_text(&r->ip).c);
        break;
    case DNS_CNAME:
    case DNS_PTR:
        buf_add(to, r->name);
        break;
    case DNS_MX:
        buf_printf(to, "%u ", r->mx.preference);
        buf_add(to, r->mx.host);
        break;
    case DNS_TXT:
        buf_add_byte(to, '"');
        utf8_add_printable(to, r->txt);
        buf_add_byte(to, '"');
        break;
    case DNS_SRV:
        buf_printf(to, "%u %u %u ", r->srv.priority, r->srv.weight, r->srv.port);
        buf_add(to, r->srv.target);
        break;
    case DNS_TLSA:
        buf_printf(to, "%u %u %u ", r->tlsa.usage, r->tlsa.selector, r->tlsa.matching);
        hex_encode(to, r->tlsa.data);
        break;
    }
}
