// SPDX-License-Identifier: ISC
/* Writing header fields: folded at 78 columns where a fold may stand, never above 998 octets a line, and nothing of a value can
 * start a line of its own. */
#include "base/limits.h"
#include "base/utf8.h"
#include "message/header.h"
#include "message/header_inside.h"
#include "message/inside.h"

bool header_name_is_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
            return false;
    return name.n > 0 && name.n <= 70;
}

void header_write_begin(struct header_writer *w, struct buf *to, const char *name, bool utf8)
{
    *w = (struct header_writer){.to = to, .utf8 = utf8, .first = true};
    buf_add_c(to, name);
    buf_add_byte(to, ':');
    w->column = strlen(name) + 1;
}

void header_write_end(struct header_writer *w)
{
    buf_add(w->to, S("\r\n"));
}

void header_add_clean(struct header_writer *w, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_add_byte(w->to, is_ctl(s.p[i]) ? ' ' : s.p[i]);
    w->column += s.n;
}

void header_fold(struct header_writer *w)
{
    buf_add(w->to, S("\r\n"));
    w->column = 0;
}

/* A space, on this line or a new one, before something of n octets. */
void header_separate(struct header_writer *w, size_t n, size_t limit)
{
    if (w->column + 1 + n > limit && !w->first)
        header_fold(w);
    buf_add_byte(w->to, ' ');
    w->column++;
    w->first = false;
}

void header_write_atom(struct header_writer *w, struct str atom)
{
    header_separate(w, atom.n, FOLD);
    while (w->column + atom.n > TEXT_LINE_MAX) { /* nobody's atom is so long; a line must not be */
        header_add_clean(w, str_head(atom, ATOM_MAX));
        atom = str_skip(atom, ATOM_MAX);
        header_fold(w);
        buf_add_byte(w->to, ' ');
        w->column = 1;
    }
    header_add_clean(w, atom);
}

void header_write_raw(struct buf *to, const char *name, struct str value)
{
    struct header_writer w;
    struct str rest = str_trim(value), word;
    header_write_begin(&w, to, name, true);
    while (rest.n > 0) {
        size_t n = 0;
        while (n < rest.n && !is_fws(rest.p[n]))
            n++;
        word = str_head(rest, n);
        rest = str_skip(rest, n);
        while (rest.n > 0 && is_fws(rest.p[0]))
            rest = str_skip(rest, 1);
        header_write_atom(&w, word);
    }
    header_write_end(&w);
}

/* ---- phrases and addresses ---- */

static bool is_atoms(struct str s, bool utf8)
{
    bool space = true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ' ' ? space : !is_atext(c) && !(utf8 && is_high(c)))
            return false;
        space = c == ' ';
    }
    return !space;
}

static bool is_quotable(struct str s, bool utf8)
{
    for (size_t i = 0; i < s.n; i++)
        if (is_ctl(s.p[i]) || (is_high(s.p[i]) && !utf8))
            return false;
    return s.n < ATOM_MAX / 2 && str_find_str(s, S("=?")) == s.n && utf8_is_valid(s);
}

static void add_quoted(struct buf *b, struct str s)
{
    buf_add_byte(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_add_byte(b, '\\');
        buf_add_byte(b, s.p[i]);
    }
    buf_add_byte(b, '"');
}

void header_write_phrase(struct header_writer *w, struct str utf8)
{
    utf8 = str_trim(utf8);
    if (!is_quotable(utf8, w->utf8)) {
        header_write_encoded(w, utf8, 0);
    } else if (is_atoms(utf8, w->utf8)) {
        struct str rest = utf8;
        while (rest.n > 0)
            header_write_atom(w, str_cut(rest, ' ', &rest));
    } else {
        struct buf b;
        buf_init(&b, utf8.n * 2 + 2);
        add_quoted(&b, utf8);
        header_write_atom(w, buf_str(&b));
        buf_free(&b);
    }
}

void header_write_address(struct header_writer *w, const struct header_address *h, bool last)
{
    struct buf b;
    buf_init(&b, 2 * (h->adr.local.n + h->adr.domain.text.n + h->adr.domain.ascii.n) + 32);
    if (h->group_start) {
        header_write_phrase(w, h->name);
        buf_add_byte(w->to, ':');
        w->column++;
    } else if (h->group_end) {
        buf_add(w->to, last ? S(";") : S(";,"));
        w->column += last ? 1 : 2;
    } else {
        bool named = str_trim(h->name).n > 0;
        if (named) {
            header_write_phrase(w, h->name);
            buf_add_byte(&b, '<');
        }
        address_print(&b, &h->adr, !w->utf8);
        buf_add(&b, named ? S(">") : S(""));
        buf_add(&b, last ? S("") : S(","));
        header_write_atom(w, buf_str(&b));
    }
    buf_free(&b);
}

void header_write_addresses(struct buf *to, const char *name, const struct header_address *list, size_t count, bool utf8)
{
    struct header_writer w;
    header_write_begin(&w, to, name, utf8);
    for (size_t i = 0; i < count; i++)
        header_write_address(&w, &list[i], i + 1 == count || list[i + 1].group_end);
    header_write_end(&w);
}

/* ---- parameters ---- */

static bool all(struct str s, bool (*is)(char))
{
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_attribute_char(char c) /* RFC 2231 7 */
{
    return is_token(c) && c != '*' && c != '\'' && c != '%';
}

static void semicolon(struct header_writer *w)
{
    buf_add_byte(w->to, ';');
    w->column++;
}

/* name*=UTF-8''… or name*0*=UTF-8''…; name*1*=… : percent-encoded, cut between characters, each on a line of its own when there
 * are several. */
static void write_extended(struct header_writer *w, const char *name, struct str value)
{
    size_t total = 0, room = FOLD - 8 - strlen(name) - sizeof "*0*=UTF-8''";
    for (size_t i = 0; i < value.n; i++)
        total += is_attribute_char(value.p[i]) ? 1 : 3;
    for (unsigned section = 0; value.n > 0; section++) {
        struct buf b;
        buf_init(&b, 512);
        if (total <= room)
            buf_printf(&b, "%s*=UTF-8''", name);
        else
            buf_printf(&b, "%s*%u*=%s", name, section, section == 0 ? "UTF-8''" : "");
        for (size_t size = 0; value.n > 0;) {
            char storage[4];
            size_t taken;
            struct str c = header_next_character(value, storage, &taken);
            for (size_t i = 0; i < c.n; i++)
                size += is_attribute_char(c.p[i]) ? 1 : 3;
            if (size > room && size > 12)
                break;
            for (size_t i = 0; i < c.n; i++) {
                unsigned char x = (unsigned char)c.p[i];
                if (is_attribute_char(c.p[i]))
                    buf_add_byte(&b, c.p[i]);
                else
                    buf_printf(&b, "%%%c%c", hex_digits[x >> 4], hex_digits[x & 15]);
            }
            value = str_skip(value, taken);
        }
        semicolon(w);
        header_write_atom(w, buf_str(&b));
        buf_free(&b);
    }
}

void header_write_param(struct header_writer *w, const char *name, struct str utf8)
{
    struct buf b;
    if (utf8.n > 60 || !is_quotable(utf8, false)) {
        write_extended(w, name, utf8);
        return;
    }
    buf_init(&b, strlen(name) + utf8.n * 2 + 8);
    buf_add_c(&b, name);
    buf_add_byte(&b, '=');
    if (all(utf8, is_token))
        buf_add(&b, utf8);
    else
        add_quoted(&b, utf8);
    semicolon(w);
    header_write_atom(w, buf_str(&b));
    buf_free(&b);
}

void header_write_param_2047(struct header_writer *w, const char *name, struct str utf8)
{
    if (utf8.n <= 60 && is_quotable(utf8, false)) {
        header_write_param(w, name, utf8);
        return;
    }
    semicolon(w);
    header_separate(w, strlen(name) + 32, FOLD);
    header_add_clean(w, str_c(name));
    header_add_clean(w, S("="));
    header_write_encoded(w, utf8, '"');
    buf_add_byte(w->to, '"');
    w->column++;
}
