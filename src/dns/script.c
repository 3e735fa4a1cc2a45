// SPDX-License-Identifier: ISC
/* Reads a script's text (dns/script.h). */
#include <stdio.h>
#include <stdlib.h>
#include "base/encode.h"
#include "base/fail.h"
#include "dns/script_inside.h"

static bool take_name(struct dns_script *s, struct str *rest, struct str *to)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (!dns_name_normal(str_word(rest), &b))
        return false;
    *to = arena_str(&s->memory, buf_str(&b));
    return to->p != NULL;
}

static bool take_u16(struct str *rest, uint16_t *to)
{
    uint64_t v;
    if (!str_to_u64(str_word(rest), &v) || v > UINT16_MAX)
        return false;
    *to = (uint16_t)v;
    return true;
}

static bool take_u8(struct str *rest, unsigned char *to)
{
    uint16_t v;
    if (!take_u16(rest, &v) || v > 255)
        return false;
    *to = (unsigned char)v;
    return true;
}

static bool take_hex(struct dns_script *s, struct str *rest, struct str *to)
{
    struct str hex = str_word(rest);
    struct buf b;
    char *octets = arena_alloc(&s->memory, hex.n / 2 + 1);
    if (!octets || hex.n < 2)
        return false;
    buf_fixed(&b, octets, hex.n / 2 + 1);
    if (!hex_decode(&b, hex))
        return false;
    *to = buf_str(&b);
    return true;
}

static bool take_text(struct dns_script *s, struct str *rest, struct str *to)
{
    struct str text = str_trim(*rest);
    *rest = STR_NONE;
    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = str_of(text.p + 1, text.n - 2);
    *to = arena_str(&s->memory, text);
    return to->p != NULL;
}

static bool take_record(struct dns_script *s, struct str *rest, enum dns_type type, struct dns_record *r)
{
    *r = (struct dns_record){.type = type};
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        return dns_ip_parse(str_word(rest), &r->ip) && r->ip.v6 == (type == DNS_AAAA);
    case DNS_CNAME:
    case DNS_PTR:
        return take_name(s, rest, &r->name);
    case DNS_MX:
        return take_u16(rest, &r->mx.preference) && take_name(s, rest, &r->mx.host);
    case DNS_TXT:
        return take_text(s, rest, &r->txt);
    case DNS_SRV:
        return take_u16(rest, &r->srv.priority) && take_u16(rest, &r->srv.weight) && take_u16(rest, &r->srv.port) &&
               take_name(s, rest, &r->srv.target);
    case DNS_TLSA:
        return take_u8(rest, &r->tlsa.usage) && take_u8(rest, &r->tlsa.selector) && take_u8(rest, &r->tlsa.matching) &&
               take_hex(s, rest, &r->tlsa.data);
    }
    return false;
}

static bool take_status(struct str word, enum dns_status *to)
{
    for (int i = DNS_NODATA; i <= DNS_BOGUS; i++)
        if (str_eq_icase(word, str_c(dns_status_text((enum dns_status)i)))) {
            *to = (enum dns_status)i;
            return true;
        }
    return false;
}

static const char *take_directive(struct dns_script *s, struct str word, struct str rest)
{
    if (str_eq(word, S("$TTL"))) {
        uint64_t ttl;
        if (!str_to_u64(str_word(&rest), &ttl) || ttl > INT32_MAX)
            return "$TTL wants seconds";
        s->ttl_s = (uint32_t)ttl;
        return NULL;
    }
    if (!str_eq(word, S("$SECURE")) && !str_eq(word, S("$INSECURE")))
        return "no such directive";
    struct script_zone *z = arena_new(&s->memory, struct script_zone);
    if (!z || !take_name(s, &rest, &z->name))
        return "a zone's name is wanted";
    z->secure = str_eq(word, S("$SECURE"));
    z->next = s->zones;
    s->zones = z;
    return NULL;
}

static const char *take_line(struct dns_script *s, struct str line)
{
    struct str rest = line, word = str_word(&rest);
    if (word.n == 0)
        return NULL;
    if (word.p[0] == '$')
        return take_directive(s, word, rest);
    struct script_line *l = arena_new(&s->memory, struct script_line);
    rest = line;
    if (!l || !take_name(s, &rest, &l->name))
        return "this is not a name";
    word = str_word(&rest);
    l->any = str_eq(word, S("*"));
    if (!l->any && !dns_type_parse(word, &l->type))
        return "no such type of record";
    l->ttl_s = s->ttl_s;
    struct str behind = rest;
    if (take_status(str_word(&behind), &l->status)) {
        if (!take_text(s, &behind, &l->why))
            return "no memory";
        rest = STR_NONE;
    } else {
        l->status = DNS_OK;
        if (l->any || !take_record(s, &rest, l->type, &l->record) || str_trim(rest).n > 0)
            return "these are no data of a record of this type";
    }
    *s->last_line = l;
    s->last_line = &l->next;
    return NULL;
}

struct dns_script *dns_script_new(struct str text, struct why *why)
{
    struct dns_script *s = fail_calloc(1, sizeof *s);
    uint32_t number = 0;
    *why = (struct why){.text = "no memory"};
    if (!s)
        return NULL;
    arena_init(&s->memory, DNS_SCRIPT_MEM);
    s->last_line = &s->lines;
    s->ttl_s = 3600;
    while (text.n > 0) {
        struct str comment, line = str_trim(str_cut(str_cut(text, '\n', &text), ';', &comment));
        const char *wrong = take_line(s, line);
        number++;
        if (wrong) {
            snprintf(why->text, sizeof why->text, "line %u: %s", number, wrong);
            dns_script_free(s);
            return NULL;
        }
    }
    return s;
}

void dns_script_free(struct dns_script *s)
{
    if (!s)
        return;
    arena_clear(&s->memory);
    free(s);
}
