// SPDX-License-Identifier: ISC
/* Encoded words, RFC 2047, read liberally: also inside words and quoted strings, with blanks in them, longer than 75 octets, a
 * character split over two. */
#include "base/utf8.h"
#include "message/header.h"
#include "message/inside.h"
#include "message/mime.h"

enum { WORD_MAX = 2048 /* RFC 2047 says 75; some mailers put a whole subject into one */ };

struct encoded_word {
    struct str charset, text;
    bool base64;
    size_t size;
};

/* "=?charset[*language]?B|Q?text?=" at the front of s. */
static bool find_word(struct str s, struct encoded_word *w)
{
    struct str rest;
    struct str charset = str_cut(str_skip(s, 2), '?', &rest);
    if (charset.n == 0 || charset.n > 60 || rest.n < 4 || rest.p[1] != '?')
        return false;
    for (size_t i = 0; i < charset.n; i++)
        if (charset.p[i] <= ' ' || charset.p[i] >= 0x7f || charset.p[i] == '=')
            return false;
    char how = ascii_lower(rest.p[0]);
    struct str text = str_head(str_skip(rest, 2), WORD_MAX);
    size_t end = str_find_str(text, S("?="));
    if ((how != 'b' && how != 'q') || end == text.n)
        return false;
    w->charset = str_cut(charset, '*', &rest);
    w->text = str_head(text, end);
    w->base64 = how == 'b';
    w->size = (size_t)(text.p - s.p) + end + 2;
    return true;
}

static void decode_q(struct buf *to, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        int high = i + 2 < s.n && s.p[i] == '=' ? hex_value(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
        if (low >= 0) {
            buf_add_byte(to, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_add_byte(to, s.p[i] == '_' ? ' ' : s.p[i]);
        }
    }
}

static void decode_b(struct buf *to, struct str s)
{
    struct mime_decoder d;
    mime_decoder_init(&d, MIME_BASE64);
    mime_decode(&d, &s, to);
    mime_decode_end(&d, to);
}

/* C0 and C1 controls, DEL: nothing of a header may move a cursor. */
static void clean(struct buf *b, size_t from)
{
    char *p = b->p ? b->p + b->head : NULL;
    for (size_t i = from; i < b->n; i++) {
        if (is_ctl(p[i]))
            p[i] = ' ';
        else if ((unsigned char)p[i] == 0xc2 && i + 1 < b->n && (unsigned char)p[i + 1] < 0xa0)
            p[i] = p[i + 1] = ' ';
    }
}

/* Adjacent words of one charset run through one decoder, so that a character may lie across them. */
struct joiner {
    struct buf *to;
    struct charset_decoder decoder;
    struct str charset;
    bool active;
};

static void join_end(struct joiner *j)
{
    if (j->active)
        charset_decode_end(&j->decoder, j->to);
    j->active = false;
}

static void join_word(struct joiner *j, const struct encoded_word *w)
{
    struct buf bytes;
    if (j->active && !str_eq_icase(j->charset, w->charset))
        join_end(j);
    if (!j->active) {
        charset_decoder_init(&j->decoder, w->charset);
        j->charset = w->charset;
        j->active = true;
    }
    buf_init(&bytes, w->text.n + 128);
    if (w->base64)
        decode_b(&bytes, w->text);
    else
        decode_q(&bytes, w->text);
    struct str in = buf_str(&bytes);
    charset_decode(&j->decoder, &in, j->to);
    buf_free(&bytes);
}

static void add_raw(struct buf *to, struct str s)
{
    struct charset_decoder d;
    charset_decoder_init(&d, S("us-ascii"));
    charset_decode(&d, &s, to);
    charset_decode_end(&d, to);
}

static bool all_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_fws(s.p[i]))
            return false;
    return true;
}

static void decode_plain(struct buf *to, struct str s)
{
    struct joiner j = {.to = to};
    size_t run = 0, i = 0, from = to->n;
    while (i + 1 < s.n) {
        struct encoded_word w;
        if (s.p[i] != '=' || s.p[i + 1] != '?' || !find_word(str_skip(s, i), &w)) {
            i++;
            continue;
        }
        struct str between = str_of(s.p + run, i - run);
        if (!j.active || !all_blank(between)) {
            join_end(&j);
            add_raw(to, between);
        }
        join_word(&j, &w);
        i += w.size;
        run = i;
    }
    join_end(&j);
    add_raw(to, str_skip(s, run));
    clean(to, from);
}

void header_decode(struct buf *to, struct str raw)
{
    struct buf plain;
    buf_init(&plain, raw.n + 1);
    header_unfold(&plain, raw);
    decode_plain(to, buf_str(&plain));
    buf_free(&plain);
}

void header_decode_phrase(struct buf *to, struct str raw)
{
    struct lexer l = {.rest = raw};
    struct buf plain;
    buf_init(&plain, 2 * raw.n + 1);
    for (;;) {
        struct lexeme t = lex_next(&l);
        if (t.kind == LEX_END)
            break;
        if (l.space && plain.n > 0)
            buf_add_byte(&plain, ' ');
        if (t.kind == LEX_QUOTED)
            lex_unquote(&plain, t.raw);
        else
            buf_add(&plain, t.raw);
    }
    decode_plain(to, buf_str(&plain));
    buf_free(&plain);
}
