// SPDX-License-Identifier: ISC
/* What the files of this folder share and nobody else needs. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "message/address.h"

/* ---- character classes ---- */
static inline bool is_wsp(char c)
{
    return c == ' ' || c == '\t';
}
static inline bool is_fws(char c)
{
    return is_wsp(c) || c == '\r' || c == '\n';
}
static inline bool is_high(char c)
{
    return ((unsigned char)c & 0x80) != 0;
}
static inline bool is_ctl(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}
bool is_atext(char c);    /* RFC 5322 3.2.3; not the bytes of UTF-8 */
bool is_token(char c);    /* RFC 2045 5.1 */
int hex_value(char c);    /* -1: none */
int base64_value(char c); /* -1: none */
extern const char base64_alphabet[65];
extern const char hex_digits[17]; /* upper case */

/* ---- UTF-8 in a stream ---- */
struct utf8_watch {
    uint8_t left, low, high;
    bool seen, bad;
}; /* seen: an octet above 127; bad: not UTF-8 */
void utf8_watch_byte(struct utf8_watch *w, unsigned char c);
void utf8_watch_end(struct utf8_watch *w);

/* ---- addresses ---- */
bool address_literal_ipv4(struct str s, unsigned char out[4]);
bool address_literal_ipv6(struct str s, unsigned char out[16]);
enum address_error domain_parse_literal(struct arena *a, struct str inside, struct domain *to);
bool local_is_dot_atom(struct str local);

/* ---- structured fields: one token after the other, white space and comments skipped ---- */
enum lex_kind { LEX_END, LEX_ATOM /* atext and UTF-8 */, LEX_QUOTED, LEX_LITERAL /* [domain literal] */, LEX_SPECIAL };
struct lexer {
    struct str rest;
    struct str comment; /* inside of the last comment that was skipped; empty: none since it was cleared */
    bool space;         /* white space or a comment stood before the token */
};
struct lexeme {
    enum lex_kind kind;
    char special;
    struct str raw; /* quotes and brackets included */
};
/* Skips CFWS, RFC 5322 3.2.2; comments nest up to a limit. */
void lex_cfws(struct lexer *l);
struct lexeme lex_next(struct lexer *l);
struct lexeme lex_peek(struct lexer *l);
/* Appends the content of a quoted string or literal (raw with its delimiters): quoted pairs undone, line ends dropped. */
void lex_unquote(struct buf *to, struct str raw);

/* A growing string in an arena's room: used for building slices of unknown length. The buffer is on the heap only while building.
 */
struct str arena_buf(struct arena *a, struct buf *b); /* copies and frees b; STR_NONE when full */
