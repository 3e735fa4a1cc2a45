// SPDX-License-Identifier: ISC
/* The tokens of structured fields, RFC 5322 3.2. Never fails: what is no token is a special. */
#include "message/inside.h"

enum { COMMENT_DEPTH_MAX = 100 };

/* Past a comment that starts at s.p[0] == '('; an unclosed one, or one nested too deep, takes all that is left. */
static size_t comment_size(struct str s)
{
    size_t i = 0;
    int depth = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\' && i + 1 < s.n)
            i++;
        else if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
            return s.n;
        else if (c == ')' && --depth == 0)
            return i + 1;
    }
    return s.n;
}

void lex_cfws(struct lexer *l)
{
    while (l->rest.n > 0) {
        char c = l->rest.p[0];
        if (is_fws(c)) {
            l->rest = str_skip(l->rest, 1);
        } else if (c == '(') {
            size_t n = comment_size(l->rest);
            bool closed = n >= 2 && l->rest.p[n - 1] == ')';
            l->comment = str_of(l->rest.p + 1, n - (closed ? 2 : 1));
            l->rest = str_skip(l->rest, n);
        } else {
            return;
        }
        l->space = true;
    }
}

/* Past a quoted string or literal; an unclosed one takes all that is left. */
static size_t delimited_size(struct str s, char end)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == end)
            return i + 1;
    }
    return s.n;
}

/* Octets of an encoded word at the front, whatever specials stand in it (RFC 2047 5 (3) forbids them, mailers write them); 0:
 * none. */
static size_t encoded_word_size(struct str s)
{
    size_t i = 2, marks = 0;
    if (!str_starts(s, S("=?")))
        return 0;
    for (; i < s.n && i < 200 && !is_fws(s.p[i]) && s.p[i] != '"'; i++) {
        marks += s.p[i] == '?';
        if (marks == 3)
            return i + 1 < s.n && s.p[i + 1] == '=' ? i + 2 : 0;
    }
    return 0;
}

struct lexeme lex_next(struct lexer *l)
{
    struct lexeme t = {.kind = LEX_END};
    size_t n = 0;
    l->space = false;
    lex_cfws(l);
    if (l->rest.n == 0)
        return t;
    char c = l->rest.p[0];
    if (c == '"' || c == '[') {
        n = delimited_size(l->rest, c == '"' ? '"' : ']');
        t.kind = c == '"' ? LEX_QUOTED : LEX_LITERAL;
    } else if (is_atext(c) || is_high(c)) {
        n = encoded_word_size(l->rest);
        while (n < l->rest.n && (is_atext(l->rest.p[n]) || is_high(l->rest.p[n])))
            n++;
        t.kind = LEX_ATOM;
    } else {
        t.kind = LEX_SPECIAL;
        t.special = c;
        n = 1;
    }
    t.raw = str_head(l->rest, n);
    l->rest = str_skip(l->rest, n);
    return t;
}

struct lexeme lex_peek(struct lexer *l)
{
    struct lexer copy = *l;
    return lex_next(&copy);
}

void lex_unquote(struct buf *to, struct str raw)
{
    if (raw.n == 0)
        return;
    char end = raw.p[0] == '[' ? ']' : '"';
    for (size_t i = 1; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == end)
            return;
        if (c == '\\') {
            if (++i == raw.n)
                return;
            c = raw.p[i];
        }
        if (c != '\r' && c != '\n')
            buf_add_byte(to, c);
    }
}
