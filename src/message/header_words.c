// SPDX-License-Identifier: ISC
/* Writing text that is not plain ASCII: encoded words, RFC 2047, never longer than their line, never cutting a character, B or Q,
 * whichever is shorter. */
#include "base/utf8.h"
#include "message/header_inside.h"
#include "message/inside.h"

static bool q_is_plain(unsigned char c)
{
    return c < 0x80 && (ascii_is_alnum((char)c) || (c && strchr("!*+-/", c)));
}

/* The next character of s as it is to be encoded: broken octets as U+FFFD, controls as a space. *n: octets taken from s. */
struct str header_next_character(struct str s, char storage[4], size_t *n)
{
    struct buf b;
    uint32_t c = utf8_next(s, n);
    buf_fixed(&b, storage, 4);
    utf8_add(&b, c < 0x20 || c == 0x7f ? ' ' : c);
    return buf_str(&b);
}

static size_t q_size(struct str c)
{
    size_t n = 0;
    for (size_t i = 0; i < c.n; i++)
        n += q_is_plain((unsigned char)c.p[i]) || c.p[i] == ' ' ? 1 : 3;
    return n;
}

static void add_q(struct header_writer *w, struct str c)
{
    for (size_t i = 0; i < c.n; i++) {
        unsigned char x = (unsigned char)c.p[i];
        if (x == ' ') {
            buf_add_byte(w->to, '_');
        } else if (q_is_plain(x)) {
            buf_add_byte(w->to, (char)x);
        } else {
            buf_add_byte(w->to, '=');
            buf_add_byte(w->to, hex_digits[x >> 4]);
            buf_add_byte(w->to, hex_digits[x & 15]);
        }
    }
}

static void add_b(struct header_writer *w, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0u);
        buf_add_byte(w->to, base64_alphabet[v >> 18]);
        buf_add_byte(w->to, base64_alphabet[v >> 12 & 63]);
        buf_add_byte(w->to, left > 1 ? base64_alphabet[v >> 6 & 63] : '=');
        buf_add_byte(w->to, left > 2 ? base64_alphabet[v & 63] : '=');
    }
}

/* One encoded word with as many whole characters from *s as fit into room columns. */
static void add_encoded_word(struct header_writer *w, struct str *s, bool base64, size_t room)
{
    const size_t frame = 12; /* "=?UTF-8?Q?" and "?=" */
    unsigned char bytes[WORD_LINE];
    size_t n = 0, size = 0, used = 0;
    while (used < s->n) {
        char storage[4];
        size_t taken;
        struct str c = header_next_character(str_skip(*s, used), storage, &taken);
        size_t grown = base64 ? (n + c.n + 2) / 3 * 4 : size + q_size(c);
        if (frame + grown > room && used > 0)
            break;
        memcpy(bytes + n, c.p, c.n);
        n += c.n;
        size = grown;
        used += taken;
    }
    buf_add(w->to, base64 ? S("=?UTF-8?B?") : S("=?UTF-8?Q?"));
    if (base64)
        add_b(w, bytes, n);
    else
        add_q(w, str_of(bytes, n));
    buf_add(w->to, S("?="));
    w->column += frame + size;
    *s = str_skip(*s, used);
}

void header_write_encoded(struct header_writer *w, struct str text, char before)
{
    size_t q = 0, b = 0;
    for (size_t i = 0, n; i < text.n; i += n) {
        char storage[4];
        struct str c = header_next_character(str_skip(text, i), storage, &n);
        q += q_size(c);
        b += c.n;
    }
    bool base64 = (b + 2) / 3 * 4 < q, first = true;
    while (text.n > 0) {
        size_t least = 12 + 16; /* frame and one character */
        if (first && before) {
            buf_add_byte(w->to, before);
            w->column++;
        } else if (first) {
            header_separate(w, least, WORD_LINE);
        } else {
            header_fold(w);
            buf_add_byte(w->to, ' ');
            w->column++;
        }
        first = false;
        size_t room = w->column + least > WORD_LINE ? least : WORD_LINE - w->column;
        add_encoded_word(w, &text, base64, room < 75 ? room : 75);
    }
}

/* ---- unstructured ---- */

/* Must this word be encoded? */
static bool needs_encoding(struct str word, bool utf8)
{
    bool high = false;
    if (word.n > ATOM_MAX - 100 || str_find_str(word, S("=?")) < word.n)
        return true;
    for (size_t i = 0; i < word.n; i++) {
        if (is_ctl(word.p[i]))
            return true;
        high = high || is_high(word.p[i]);
    }
    return high && (!utf8 || !utf8_is_valid(word));
}

/* The next run of text that is all plain or all to be encoded: words with the blanks between them. */
static size_t next_run(struct str s, bool utf8, bool *encode)
{
    size_t end = 0, i = 0;
    for (bool first = true; i < s.n; first = false) {
        size_t from = i;
        while (i < s.n && is_fws(s.p[i]))
            i++;
        size_t word = i;
        while (i < s.n && !is_fws(s.p[i]))
            i++;
        bool this = needs_encoding(str_of(s.p + word, i - word), utf8);
        if (!first && this != *encode)
            return from;
        *encode = this;
        end = i;
        if (!this)
            break; /* plain words go one by one */
    }
    return end;
}

static void write_unstructured(struct header_writer *w, struct str text)
{
    text = str_trim(text);
    while (text.n > 0) {
        bool encode = false;
        size_t n = next_run(text, w->utf8, &encode);
        struct str run = str_head(text, n);
        size_t blanks = 0;
        while (blanks < run.n && is_fws(run.p[blanks]))
            blanks++;
        if (encode) {
            header_write_encoded(w, str_skip(run, blanks), 0);
        } else {
            header_separate(w, run.n - (blanks ? 1 : 0), FOLD);
            for (size_t i = 1; i < blanks && i < 100; i++)
                header_add_clean(w, S(" "));
            header_add_clean(w, str_skip(run, blanks));
        }
        text = str_skip(text, n);
    }
}

void header_write_text(struct buf *to, const char *name, struct str utf8)
{
    struct header_writer w;
    header_write_begin(&w, to, name, false);
    write_unstructured(&w, utf8);
    header_write_end(&w);
}
