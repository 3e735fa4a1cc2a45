// SPDX-License-Identifier: ISC
/* Domain names between wire (RFC 1035 3.1) and presentation form (5.1). Names that come out are lower case, without final dot. */
#include "dns/inside.h"

static bool is_plain(unsigned char c)
{
    return c > 0x20 && c < 0x7f && !strchr(".\\\"();@$", c);
}

static void add_octet(struct buf *to, unsigned char c)
{
    if (is_plain(c))
        buf_add_byte(to, ascii_lower((char)c));
    else
        buf_printf(to, "\\%03u", c);
}

bool dns_name_from_wire(struct str *from, struct buf *to)
{
    size_t at = 0;
    for (;;) {
        size_t label = at < from->n ? (unsigned char)from->p[at] : DNS_LABEL_MAX + 1u;
        if (label > DNS_LABEL_MAX || at + 1 + label > from->n || at + 1 + label > DNS_WIRE_NAME_MAX)
            return false;
        if (label == 0)
            break;
        if (at > 0)
            buf_add_byte(to, '.');
        for (size_t i = 1; i <= label; i++)
            add_octet(to, (unsigned char)from->p[at + i]);
        at += 1 + label;
    }
    if (at == 0)
        buf_add_byte(to, '.');
    *from = str_skip(*from, at + 1);
    return !to->full;
}

/* One octet of a label in presentation form: itself, \DDD, or \x. */
static bool take_octet(struct str *rest, unsigned char *octet)
{
    unsigned char c = (unsigned char)rest->p[0];
    *rest = str_skip(*rest, 1);
    if (c != '\\') {
        *octet = c;
        return true;
    }
    if (rest->n > 0 && !ascii_is_digit(rest->p[0])) {
        *octet = (unsigned char)rest->p[0];
        *rest = str_skip(*rest, 1);
        return true;
    }
    uint64_t value;
    if (rest->n < 3 || !str_to_u64(str_head(*rest, 3), &value) || value > 255)
        return false;
    *octet = (unsigned char)value;
    *rest = str_skip(*rest, 3);
    return true;
}

bool dns_name_normal(struct str name, struct buf *to)
{
    size_t label = 0, wire = 1;
    if (str_eq(name, S("."))) {
        buf_add_byte(to, '.');
        return !to->full;
    }
    bool dot = true; /* nothing yet: a label must follow */
    for (struct str rest = name; rest.n > 0;) {
        unsigned char octet;
        if (rest.p[0] == '.') {
            if (label == 0)
                return false;
            wire += 1;
            label = 0;
            dot = true;
            rest = str_skip(rest, 1);
            continue;
        }
        if (!take_octet(&rest, &octet) || label == DNS_LABEL_MAX)
            return false;
        if (dot && wire > 1)
            buf_add_byte(to, '.');
        dot = false;
        label++;
        wire++;
        add_octet(to, octet);
    }
    wire += label > 0 ? 1 : 0;
    return wire > 1 && wire <= DNS_WIRE_NAME_MAX && !to->full;
}

bool dns_is_host(struct str name)
{
    size_t label = 0;
    if (name.n == 0 || name.n > 253)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c == '.' ? label == 0 : !(ascii_is_alnum(c) || c == '_' || (c == '-' && label > 0)))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > DNS_LABEL_MAX || (label == 0 && name.p[i - 1] == '-'))
            return false;
    }
    return label > 0 && name.p[name.n - 1] != '-';
}

bool dns_name_eq(struct str a, struct str b)
{
    if (a.n > 1 && a.p[a.n - 1] == '.')
        a.n--;
    if (b.n > 1 && b.p[b.n - 1] == '.')
        b.n--;
    return str_eq_icase(a, b);
}
