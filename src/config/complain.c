// SPDX-License-Identifier: ISC
/* Complaints: collected while the parser goes on, printed in the order of the files. */
#include "base/utf8.h"
#include "config/inside.h"

struct str config_format(struct parser *p, const char *fmt, ...)
{
    char text[512];
    struct buf b;
    va_list ap;
    buf_fixed(&b, text, sizeof text);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    struct str s = arena_str(p->a, buf_str(&b));
    if (!s.p)
        p->no_memory = true;
    return s;
}

const char *config_quote(struct parser *p, struct str word)
{
    char text[512];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    size_t n = word.n > 60 ? 60 : word.n;
    while (n < word.n && n > 0 && ((unsigned char)word.p[n] & 0xc0) == 0x80)
        n--;
    buf_add_byte(&b, '\'');
    utf8_add_printable(&b, str_head(word, n));
    if (n < word.n)
        buf_add(&b, S("…"));
    buf_add_byte(&b, '\'');
    char *c = arena_str_c(p->a, buf_str(&b));
    if (!c)
        p->no_memory = true;
    return c ? c : "";
}

void config_complain(struct parser *p, const struct token *where, bool warning, struct str text, struct str hint,
                     const struct directive *d, const struct setting *s)
{
    if (!warning)
        p->errors++;
    if (p->complaints == COMPLAINTS_MAX) {
        p->dropped++;
        return;
    }
    struct str before = str_head(p->source->text, where->at);
    size_t line_start = str_find_last(before, '\n');
    line_start = line_start == before.n ? 0 : line_start + 1;
    uint32_t column = 1;
    for (size_t i = line_start; i < where->at; i++)
        column += ((unsigned char)p->source->text.p[i] & 0xc0) != 0x80;
    p->complaint[p->complaints++] = (struct complaint){
        .c = {where->line, column, (uint32_t)where->length, text, hint, warning},
        .source = p->source,
        .at = where->at,
        .usage = d   ? d->syntax
                 : s ? s->syntax
                     : NULL,
        .key = d   ? d->word
               : s ? s->word
                   : NULL,
    };
}

static const char *paint(bool color, const char *code)
{
    return color ? code : "";
}

/* The source line, cut to what a terminal shows, and a caret line under it. */
static void print_evidence(const struct complaint *c, struct buf *to, bool color)
{
    struct str text = c->source->text;
    size_t from = c->at, until = c->at;
    while (from > 0 && text.p[from - 1] != '\n')
        from--;
    while (until < text.n && text.p[until] != '\n')
        until++;
    struct str line = str_of(text.p + from, until - from);
    size_t lead = c->at - from;
    if (lead > 160) { /* a long line: show its piece around the word */
        size_t cut = lead - 80;
        while (cut > 0 && ((unsigned char)line.p[cut] & 0xc0) == 0x80)
            cut--;
        line = str_skip(line, cut);
        lead -= cut;
    }
    char shown[1200];
    struct buf b;
    buf_fixed(&b, shown, sizeof shown);
    utf8_add_printable(&b, str_head(line, lead));
    size_t blanks = utf8_width(buf_str(&b));
    size_t rest = line.n - lead > 200 ? 200 : line.n - lead;
    utf8_add_printable(&b, str_head(str_skip(line, lead), rest));
    buf_printf(to, "%5u | ", c->c.line);
    buf_add(to, buf_str(&b));
    buf_add(to, S("\n      | "));
    for (size_t i = 0; i < blanks; i++)
        buf_add_byte(to, ' ');
    buf_clear(&b);
    utf8_add_printable(&b, str_head(str_skip(line, lead), c->c.length > rest ? rest : c->c.length));
    size_t carets = utf8_width(buf_str(&b));
    buf_add_c(to, paint(color, c->c.warning ? "\033[33m" : "\033[31m"));
    for (size_t i = 0; i < (carets ? carets : 1); i++)
        buf_add_byte(to, '^');
    buf_add_c(to, paint(color, "\033[0m"));
    if (c->c.hint.n) {
        buf_add_byte(to, ' ');
        buf_add(to, c->c.hint);
    }
    buf_add_byte(to, '\n');
}

static void print_one(const struct complaint *c, struct buf *to, bool color)
{
    buf_add_c(to, paint(color, "\033[1m"));
    if (c->source->path.n)
        utf8_add_printable(to, c->source->path);
    else
        buf_add(to, S("configuration"));
    buf_printf(to, ":%u:%u: %s%s", c->c.line, c->c.column, c->c.warning ? "warning: " : "", paint(color, "\033[0m"));
    buf_add(to, c->c.text);
    buf_add_byte(to, '\n');
    print_evidence(c, to, color);
    if (c->usage && c->key) {
        bool whole = str_starts(str_c(c->usage), str_c(c->key));
        buf_printf(to, "   %s%s%s        penny config explain %s\n", whole ? "" : c->key, whole ? "" : " ", c->usage, c->key);
    }
}

void config_complaints_print(struct parser *p, struct buf *to, bool color)
{
    for (uint32_t i = 0; i < p->complaints; i++)
        print_one(&p->complaint[i], to, color);
    if (p->dropped)
        buf_printf(to, "… and %u more\n", p->dropped);
    if (p->no_memory)
        buf_add(to, S("the configuration is larger than this program takes: too many words, aliases or files\n"));
}
