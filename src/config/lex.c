// SPDX-License-Identifier: ISC
/* Lines of words. A statement ends at the end of its line, at ; or at a brace. # begins a comment where a word could begin; a
   backslash before the line end joins lines; "…" holds blanks, with \" and \\ inside. */
#include "base/utf8.h"
#include "config/inside.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
    return is_blank(c) || c == '\n' || c == '{' || c == '}' || c == ';' || c == '"';
}

static struct token token_at(struct parser *p, size_t from)
{
    struct str raw = str_of(p->source->text.p + from, p->at - from);
    return (struct token){raw, p->line, from, raw.n, false};
}

/* Behind the opening quote; gives the text without escapes. */
static struct token quoted_word(struct parser *p)
{
    struct str text = p->source->text;
    size_t from = p->at++;
    bool escaped = false;
    while (p->at < text.n && text.p[p->at] != '"' && text.p[p->at] != '\n') {
        if (text.p[p->at] == '\\' && p->at + 1 < text.n && text.p[p->at + 1] != '\n') {
            escaped = true;
            p->at++;
        }
        p->at++;
    }
    bool closed = p->at < text.n && text.p[p->at] == '"';
    struct token t = token_at(p, from);
    t.text = str_skip(t.text, 1);
    t.quoted = true;
    if (closed) {
        p->at++;
        t.length++;
    } else {
        config_complain(p, &t, false, S("this quote is never closed"), S("end it with \" on the same line"), NULL, NULL);
    }
    if (escaped) {
        char *to = arena_alloc(p->a, t.text.n + 1);
        size_t n = 0;
        if (!to) {
            p->no_memory = true;
            return t;
        }
        for (size_t i = 0; i < t.text.n; i++) {
            if (t.text.p[i] == '\\' && i + 1 < t.text.n)
                i++;
            to[n++] = t.text.p[i];
        }
        t.text = str_of(to, n);
    }
    return t;
}

static struct token plain_word(struct parser *p)
{
    struct str text = p->source->text;
    size_t from = p->at;
    while (p->at < text.n && !ends_word(text.p[p->at]) &&
           !(text.p[p->at] == '\\' && p->at + 1 < text.n && text.p[p->at + 1] == '\n'))
        p->at++;
    return token_at(p, from);
}

static void check_bytes(struct parser *p, const struct token *t)
{
    for (size_t i = 0; i < t->text.n; i++) {
        unsigned char c = (unsigned char)t->text.p[i];
        if (c < 0x20 || c == 0x7f) {
            config_complain(p, t, false, config_format(p, "a control character (0x%02x) in a word", c), S("delete it"), NULL,
                            NULL);
            return;
        }
    }
    if (!utf8_is_valid(t->text))
        config_complain(p, t, false, S("this is not UTF-8"), S("save the file as UTF-8"), NULL, NULL);
}

/* Blanks, comments and joined lines. */
static void skip_blanks(struct parser *p)
{
    struct str text = p->source->text;
    while (p->at < text.n) {
        char c = text.p[p->at];
        if (c == '\\' && p->at + 1 < text.n && text.p[p->at + 1] == '\n') {
            p->at += 2;
            p->line++;
        } else if (is_blank(c)) {
            p->at++;
        } else if (c == '#') {
            while (p->at < text.n && text.p[p->at] != '\n')
                p->at++;
        } else {
            return;
        }
    }
}

static bool ended(struct parser *p, enum statement_end end)
{
    p->at++;
    p->brace = token_at(p, p->at - 1);
    p->end = end;
    return true;
}

/* True when the next byte ends the statement. */
static bool statement_ends(struct parser *p)
{
    if (p->at >= p->source->text.n) {
        p->end = END_TEXT;
        return true;
    }
    switch (p->source->text.p[p->at]) {
    case '\n':
        ended(p, END_LINE);
        p->line++;
        return true;
    case ';':
        return ended(p, END_LINE);
    case '{':
        return ended(p, END_OPEN);
    case '}':
        return ended(p, END_CLOSE);
    default:
        return false;
    }
}

void config_statement(struct parser *p)
{
    p->count = 0;
    for (;;) {
        skip_blanks(p);
        if (statement_ends(p))
            return;
        struct token t = p->source->text.p[p->at] == '"' ? quoted_word(p) : plain_word(p);
        if (t.length == 0) { /* cannot be: every byte either ends a statement or belongs to a word */
            p->at++;
            continue;
        }
        check_bytes(p, &t);
        if (p->count < TOKENS_MAX)
            p->token[p->count++] = t;
        else if (p->count == TOKENS_MAX)
            p->count++, config_complain(p, &t, false, config_format(p, "more than %d words in one statement", TOKENS_MAX),
                                        S("split it"), NULL, NULL);
    }
}

void config_skip_block(struct parser *p)
{
    struct token opened = p->brace;
    uint32_t errors = p->errors, complaints = p->complaints;
    for (unsigned depth = 1; depth > 0;) {
        config_statement(p);
        if (p->end == END_OPEN)
            depth++;
        else if (p->end == END_CLOSE)
            depth--;
        else if (p->end == END_TEXT)
            break;
    }
    p->errors = errors; /* what stands in a block of an unknown word is not judged */
    p->complaints = complaints;
    if (p->end == END_TEXT)
        config_complain(p, &opened, false, S("this { is never closed"), S("write a } where the block ends"), NULL, NULL);
    p->count = 0;
    p->end = END_LINE;
}
