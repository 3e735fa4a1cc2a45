// SPDX-License-Identifier: ISC
/* Address lists of header fields, RFC 5322 3.4 with 4.4. Liberal: what cannot be read is skipped up to the next comma; a route is
   dropped; a comment behind a bare address is its name (RFC 822 custom); dots and UTF-8 in phrases are taken. The addresses made
   here may have a domain that no envelope would take (underscores, odd literals). */
#include "base/limits.h"
#include "base/utf8.h"
#include "message/address.h"
#include "message/header.h"
#include "message/inside.h"

enum { HEADER_LOCAL_MAX = 998 };

struct list {
    struct lexer lex;
    struct arena *arena;
    struct buf local, domain; /* of the mailbox being read; words joined */
    void (*each)(void *to, const struct header_address *h);
    void *to;
    size_t found;
    bool group, full;
};

static struct str decoded_phrase(struct list *l, struct str raw)
{
    struct buf name;
    buf_init(&name, raw.n * 3 + 64);
    header_decode_phrase(&name, raw);
    struct str copy = arena_buf(l->arena, &name);
    l->full = l->full || !copy.p;
    return copy; /* blanks inside of quotes belong to the name */
}

/* A comment is no phrase: quotes in it are text. */
static struct str decoded_comment(struct list *l, struct str raw)
{
    struct buf plain, name;
    buf_init(&plain, raw.n);
    buf_init(&name, raw.n * 3 + 64);
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '\\' && i + 1 < raw.n)
            i++;
        buf_add_byte(&plain, raw.p[i]);
    }
    header_decode(&name, str_trim(buf_str(&plain)));
    buf_free(&plain);
    struct str copy = arena_buf(l->arena, &name);
    l->full = l->full || !copy.p;
    return copy;
}

static void report(struct list *l, const struct header_address *h)
{
    if (!l->full)
        l->each(l->to, h);
}

/* A domain as headers have it: strictly if it can be, else by its characters alone so that it can be shown and printed again. */
static bool make_domain(struct list *l, struct str text, struct domain *to)
{
    enum address_error e = domain_parse(l->arena, text, true, to);
    if (e == ADDRESS_OK || e == ADDRESS_NO_MEMORY) {
        l->full = l->full || e == ADDRESS_NO_MEMORY;
        return e == ADDRESS_OK;
    }
    bool literal = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    struct str inside = literal ? str_of(text.p + 1, text.n - 2) : text;
    if (inside.n == 0 || text.n > HEADER_LOCAL_MAX || !utf8_is_valid(text))
        return false;
    for (size_t i = 0; i < inside.n; i++) {
        char c = inside.p[i];
        if (literal ? c <= ' ' && !is_high(c) : !is_atext(c) && !is_high(c) && c != '.')
            return false;
        if (c == '[' || c == ']' || c == '\\' || c == 0x7f)
            return false;
    }
    *to = (struct domain){.kind = literal ? DOMAIN_OTHER_LITERAL : DOMAIN_NAME,
                          .text = arena_str(l->arena, inside),
                          .ascii = arena_str(l->arena, text)};
    l->full = l->full || !to->text.p || !to->ascii.p;
    return !l->full;
}

static bool make_address(struct list *l, struct address *to)
{
    struct str local = buf_str(&l->local), domain = buf_str(&l->domain);
    struct address made = {0};
    if (l->local.full || l->domain.full || domain.n == 0 || local.n > HEADER_LOCAL_MAX || !utf8_is_valid(local))
        return false;
    for (size_t i = 0; i < local.n; i++)
        if (is_ctl(local.p[i]))
            return false;
    if (!make_domain(l, domain, &made.domain))
        return false;
    made.local = arena_str(l->arena, local);
    if (!made.local.p) {
        l->full = true;
        return false;
    }
    made.utf8 = !utf8_is_ascii(made.local) || !utf8_is_ascii(made.domain.text);
    *to = made;
    return true;
}

/* local-part / obs-local-part up to "@": words and dots, then the domain: atoms and dots, or a literal. True when both were
 * there. */
static bool take_addr_spec(struct list *l)
{
    bool any = false, word = false; /* word: the last one was; another needs a dot before it */
    buf_clear(&l->local);
    buf_clear(&l->domain);
    for (;;) {
        struct lexer before = l->lex;
        struct lexeme t = lex_next(&l->lex);
        bool dot = t.kind == LEX_SPECIAL && t.special == '.';
        if (word && (t.kind == LEX_QUOTED || t.kind == LEX_ATOM)) {
            l->lex = before;
            return false; /* "a b@c" is neither ab@c nor b@c */
        }
        word = !dot;
        if (t.kind == LEX_QUOTED) {
            lex_unquote(&l->local, t.raw);
        } else if (t.kind == LEX_ATOM || dot) {
            buf_add(&l->local, t.raw);
        } else if (t.kind == LEX_SPECIAL && t.special == '@' && any) {
            break;
        } else {
            l->lex = before;
            return false;
        }
        any = true;
    }
    l->lex.comment = STR_NONE;
    bool want_atom = true; /* atoms are joined by dots: "a.b c" is a.b and rubbish */
    for (;;) {
        struct lexer before = l->lex;
        struct lexeme t = lex_next(&l->lex);
        if (t.kind == LEX_LITERAL && l->domain.n == 0) {
            struct buf inside;
            buf_init(&inside, t.raw.n);
            lex_unquote(&inside, t.raw);
            buf_add_byte(&l->domain, '[');
            for (size_t i = 0; i < inside.n; i++)
                if (!is_wsp(buf_str(&inside).p[i])) /* FWS is no content, RFC 5322 3.4.1 */
                    buf_add_byte(&l->domain, buf_str(&inside).p[i]);
            buf_add_byte(&l->domain, ']');
            buf_free(&inside);
            return true;
        }
        if (t.kind == LEX_ATOM && want_atom) {
            want_atom = false;
        } else if (t.kind == LEX_SPECIAL && t.special == '.' && !want_atom) {
            want_atom = true;
        } else {
            struct str comment = l->lex.comment;
            l->lex = before;
            l->lex.comment = comment; /* it belongs to this address, white space or not */
            return l->domain.n > 0;
        }
        buf_add(&l->domain, t.raw);
    }
}

/* Skips to the "," or ";" that ends this element, or to the end; takes a comma with it. */
static void skip_element(struct list *l)
{
    for (;;) {
        struct lexer before = l->lex;
        struct lexeme t = lex_next(&l->lex);
        if (t.kind == LEX_END || (t.kind == LEX_SPECIAL && t.special == ','))
            return;
        if (t.kind == LEX_SPECIAL && t.special == ';') {
            l->lex.rest = before.rest;
            return;
        }
    }
}

/* obs-route: *("," / "@" domain) ":" — dropped. */
static void skip_route(struct list *l)
{
    struct lexer ahead = l->lex;
    struct lexeme t = lex_next(&ahead);
    if (t.kind != LEX_SPECIAL || (t.special != '@' && t.special != ','))
        return;
    for (;;) {
        t = lex_next(&ahead);
        if (t.kind == LEX_END || (t.kind == LEX_SPECIAL && t.special == '>'))
            return;
        if (t.kind == LEX_SPECIAL && t.special == ':') {
            l->lex = ahead;
            return;
        }
    }
}

static void take_angle(struct list *l, struct str phrase)
{
    struct header_address h = {0};
    skip_route(l);
    bool good = take_addr_spec(l);
    if (good && make_address(l, &h.adr)) {
        h.name = decoded_phrase(l, phrase);
        l->found++;
        report(l, &h);
    }
    skip_element(l);
}

static void take_bare(struct list *l)
{
    struct header_address h = {0};
    l->lex.comment = STR_NONE;
    if (take_addr_spec(l) && make_address(l, &h.adr)) {
        struct lexeme t = lex_peek(&l->lex);
        bool ends = t.kind == LEX_END || (t.kind == LEX_SPECIAL && (t.special == ',' || t.special == ';' || t.special == '>'));
        if (ends) {
            if (l->lex.comment.n)
                h.name = decoded_comment(l, l->lex.comment);
            l->found++;
            report(l, &h);
        }
    }
    skip_element(l);
}

/* One element starts here. Looks ahead over the words of a phrase (an "@" in it is a name that looks like an address) for what
 * they lead to. */
static void take_element(struct list *l)
{
    struct lexer ahead = l->lex;
    bool at = false;
    for (;;) {
        struct lexeme t = lex_next(&ahead);
        bool special = t.kind == LEX_SPECIAL;
        at = at || (special && t.special == '@');
        if ((!special && t.kind != LEX_END) || (special && (t.special == '.' || t.special == '@')))
            continue;
        struct str phrase = special ? str_of(l->lex.rest.p, (size_t)(t.raw.p - l->lex.rest.p)) : STR_NONE;
        if (special && t.special == '<') {
            l->lex = ahead;
            take_angle(l, phrase);
        } else if (at) {
            take_bare(l);
        } else if (special && t.special == ':' && !l->group && str_trim(phrase).n) {
            struct header_address h = {.name = decoded_phrase(l, phrase), .group_start = true};
            l->lex = ahead;
            l->group = true;
            report(l, &h);
        } else {
            skip_element(l);
        }
        return;
    }
}

size_t address_list_parse(struct arena *a, struct str value, void (*each)(void *to, const struct header_address *h), void *to)
{
    struct list l = {.lex.rest = value, .arena = a, .each = each, .to = to};
    buf_init(&l.local, HEADER_LOCAL_MAX + 1);
    buf_init(&l.domain, HEADER_LOCAL_MAX + 1);
    while (!l.full) {
        struct lexer before = l.lex;
        struct lexeme t = lex_next(&l.lex);
        if (t.kind == LEX_END)
            break;
        if (t.kind == LEX_SPECIAL && t.special == ',')
            continue;
        if (t.kind == LEX_SPECIAL && t.special == ';') {
            struct header_address h = {.group_end = true};
            if (l.group)
                report(&l, &h);
            l.group = false;
            continue;
        }
        l.lex = before;
        take_element(&l);
    }
    if (l.group) {
        struct header_address h = {.group_end = true};
        report(&l, &h);
    }
    buf_free(&l.local);
    buf_free(&l.domain);
    return l.found;
}
