// SPDX-License-Identifier: ISC
#include "relay/record.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str skip_blanks(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = str_skip(s, 1);
    return s;
}

/* *WSP ";" *WSP; false: it does not stand here. */
static bool delimiter(struct str *rest)
{
    struct str s = skip_blanks(*rest);
    if (s.n == 0 || s.p[0] != ';')
        return false;
    *rest = skip_blanks(str_skip(s, 1));
    return true;
}

bool relay_record_begin(struct str *rest, struct str version)
{
    if (!str_starts(*rest, version))
        return false;
    *rest = str_skip(*rest, version.n);
    return delimiter(rest) && rest->n > 0;
}

bool relay_record_field(struct str *rest, struct str *name, struct str *value)
{
    size_t end = str_find(*rest, ';');
    struct str one = str_head(*rest, end);
    *rest = str_skip(*rest, end);
    while (one.n && is_blank(one.p[one.n - 1]))
        one.n--;
    if (str_find(one, '=') == one.n)
        return false;
    *name = str_cut(one, '=', value);
    return name->n > 0 && value->n > 0 && (rest->n == 0 || delimiter(rest));
}

bool relay_record_extension_is_ok(struct str name, struct str value)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!ascii_is_alnum(c) && (i == 0 || (c != '_' && c != '-' && c != '.')))
            return false;
    }
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~' || value.p[i] == ';' || value.p[i] == '=')
            return false;
    return name.n > 0 && name.n <= 32 && value.n > 0;
}

struct str relay_record_only(const struct dns_answer *txt, struct str version, bool *unknown)
{
    struct str found = STR_NONE;
    size_t count = 0;
    *unknown = txt->status == DNS_SERVFAIL || txt->status == DNS_TIMEOUT || txt->status == DNS_BOGUS;
    for (size_t i = 0; txt->status == DNS_OK && i < txt->count; i++) {
        if (txt->records[i].type != DNS_TXT || !str_starts(txt->records[i].txt, version))
            continue;
        struct str rest = skip_blanks(str_skip(txt->records[i].txt, version.n));
        if (rest.n && rest.p[0] == ';') {
            found = txt->records[i].txt;
            count++;
        }
    }
    return count == 1 ? found : STR_NONE;
}
