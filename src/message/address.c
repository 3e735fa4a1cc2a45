// SPDX-License-Identifier: ISC
/* Envelope addresses: RFC 5321 4.1.2 with RFC 6531 3.3. A path is read from left to right and nothing is guessed. */
#include "message/address.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "message/inside.h"

const char *address_error_text(enum address_error e)
{
    switch (e) {
    case ADDRESS_OK:
        return "the address is good";
    case ADDRESS_EMPTY:
        return "the address is empty";
    case ADDRESS_SYNTAX:
        return "this is not an address as RFC 5321 4.1.2 defines it";
    case ADDRESS_LOCAL_TOO_LONG:
        return "the local part is longer than 64 octets";
    case ADDRESS_DOMAIN_TOO_LONG:
        return "the domain is longer than 255 octets or one of its labels longer than 63";
    case ADDRESS_BAD_DOMAIN:
        return "the domain is not a host name";
    case ADDRESS_BAD_LITERAL:
        return "the address literal in brackets is not valid";
    case ADDRESS_BAD_UTF8:
        return "the address is not valid UTF-8";
    case ADDRESS_NEEDS_UTF8:
        return "the address is not ASCII and needs SMTPUTF8";
    case ADDRESS_NO_MEMORY:
        return "too many addresses: no memory is left for this one";
    }
    return "unknown error";
}

/* Takes Dot-string from *rest; false when it is none. Bytes above 127 count as atext here and are checked as a whole later. */
static bool take_dot_string(struct str *rest, struct str *local)
{
    size_t n = 0;
    bool dot = true; /* an atom must start here */
    while (n < rest->n) {
        char c = rest->p[n];
        if (c == '.') {
            if (dot)
                return false;
            dot = true;
        } else if (is_atext(c) || is_high(c)) {
            dot = false;
        } else {
            break;
        }
        n++;
    }
    *local = str_head(*rest, n);
    *rest = str_skip(*rest, n);
    return !dot;
}

/* Takes Quoted-string from *rest and undoes its quoted pairs. */
static enum address_error take_quoted(struct arena *a, struct str *rest, struct str *local)
{
    char *to = arena_alloc(a, rest->n < LOCAL_PART_MAX ? rest->n : LOCAL_PART_MAX);
    size_t n = 0, i = 1;
    if (!to)
        return ADDRESS_NO_MEMORY;
    for (;; i++) {
        if (i >= rest->n)
            return ADDRESS_SYNTAX;
        char c = rest->p[i];
        if (c == '"')
            break;
        if (c == '\\') {
            if (++i >= rest->n)
                return ADDRESS_SYNTAX;
            c = rest->p[i];
            if (is_high(c))
                return ADDRESS_SYNTAX;
        }
        if (is_ctl(c))
            return ADDRESS_SYNTAX;
        if (n == LOCAL_PART_MAX)
            return ADDRESS_LOCAL_TOO_LONG;
        to[n++] = c;
    }
    *local = str_of(to, n);
    *rest = str_skip(*rest, i + 1);
    return ADDRESS_OK;
}

/* Local-part up to but without what follows it. The length that counts is the one on the wire, quotes included. */
static enum address_error take_local(struct arena *a, struct str *rest, bool utf8_ok, struct address *to)
{
    struct str before = *rest, local;
    if (rest->n > 0 && rest->p[0] == '"') {
        enum address_error e = take_quoted(a, rest, &local);
        if (e != ADDRESS_OK)
            return e;
    } else {
        if (!take_dot_string(rest, &local))
            return ADDRESS_SYNTAX;
        if (local.n <= LOCAL_PART_MAX && !(local = arena_str(a, local)).p)
            return ADDRESS_NO_MEMORY;
    }
    if (before.n - rest->n > LOCAL_PART_MAX)
        return ADDRESS_LOCAL_TOO_LONG;
    to->utf8 = !utf8_is_ascii(local);
    if (to->utf8 && !utf8_is_valid(local))
        return ADDRESS_BAD_UTF8;
    if (to->utf8 && !utf8_ok)
        return ADDRESS_NEEDS_UTF8;
    to->local = local;
    return ADDRESS_OK;
}

/* What stands from here to the byte that ends a domain: end, '>' (path), ',' or ':' (route). */
static struct str take_domain_text(struct str *rest, const char *enders)
{
    size_t n = 0;
    bool literal = rest->n > 0 && rest->p[0] == '[';
    for (; n < rest->n; n++) {
        char c = rest->p[n];
        if (literal && c == ']') {
            n++;
            break;
        }
        if (!literal && c != 0 && strchr(enders, c))
            break;
    }
    struct str text = str_head(*rest, n);
    *rest = str_skip(*rest, n);
    return text;
}

static enum address_error take_mailbox(struct arena *a, struct str *rest, const char *enders, bool bare_ok, bool utf8_ok,
                                       struct address *to)
{
    enum address_error e = take_local(a, rest, utf8_ok, to);
    if (e != ADDRESS_OK)
        return e;
    if (rest->n == 0 || rest->p[0] != '@') {
        bool bare = bare_ok && rest->n > 0 && rest->p[0] == '>' && str_eq_icase(to->local, S("postmaster"));
        return bare ? ADDRESS_OK : ADDRESS_SYNTAX;
    }
    *rest = str_skip(*rest, 1);
    e = domain_parse(a, take_domain_text(rest, enders), utf8_ok, &to->domain);
    if (e == ADDRESS_OK)
        to->utf8 = to->utf8 || !utf8_is_ascii(to->domain.text);
    return e == ADDRESS_EMPTY ? ADDRESS_SYNTAX : e;
}

/* A-d-l ":" : checked as the grammar says and forgotten (RFC 5321 appendix C). */
static enum address_error skip_route(struct arena *a, struct str *rest, bool utf8_ok)
{
    for (;;) {
        struct domain hop;
        if (rest->n == 0 || rest->p[0] != '@')
            return ADDRESS_SYNTAX;
        *rest = str_skip(*rest, 1);
        enum address_error e = domain_parse(a, take_domain_text(rest, ",:>"), utf8_ok, &hop);
        if (e != ADDRESS_OK)
            return e == ADDRESS_EMPTY ? ADDRESS_SYNTAX : e;
        if (rest->n == 0 || (rest->p[0] != ',' && rest->p[0] != ':'))
            return ADDRESS_SYNTAX;
        bool last = rest->p[0] == ':';
        *rest = str_skip(*rest, 1);
        if (last)
            return ADDRESS_OK;
    }
}

enum address_error address_parse_path(struct arena *a, struct str *rest, bool null_ok, bool bare_ok, bool utf8_ok,
                                      struct address *to)
{
    struct str at = *rest;
    struct address made = {0};
    if (at.n == 0 || at.p[0] != '<')
        return at.n == 0 ? ADDRESS_EMPTY : ADDRESS_SYNTAX;
    at = str_skip(at, 1);
    if (at.n > 0 && at.p[0] == '>') {
        if (!null_ok)
            return ADDRESS_EMPTY;
        *rest = str_skip(at, 1);
        *to = made;
        return ADDRESS_OK;
    }
    if (at.n > 0 && at.p[0] == '@') {
        enum address_error e = skip_route(a, &at, utf8_ok);
        if (e != ADDRESS_OK)
            return e;
    }
    enum address_error e = take_mailbox(a, &at, ">", bare_ok, utf8_ok, &made);
    if (e != ADDRESS_OK)
        return e;
    if (at.n == 0 || at.p[0] != '>')
        return ADDRESS_SYNTAX;
    *rest = str_skip(at, 1);
    *to = made;
    return ADDRESS_OK;
}

enum address_error address_parse(struct arena *a, struct str text, bool utf8_ok, struct address *to)
{
    struct address made = {0};
    if (text.n == 0)
        return ADDRESS_EMPTY;
    enum address_error e = take_mailbox(a, &text, "", false, utf8_ok, &made);
    if (e == ADDRESS_OK && text.n > 0)
        e = ADDRESS_SYNTAX;
    if (e == ADDRESS_OK)
        *to = made;
    return e;
}
