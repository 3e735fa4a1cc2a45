// SPDX-License-Identifier: ISC
/* Tables that fit the terminal: fixed columns take what they need, the growing ones share what is left. */
#include "agent/inside.h"
#include "base/utf8.h"

void table_init(struct table *t, const struct column *column, size_t columns)
{
    *t = (struct table){.column = column, .columns = columns};
    t->last = &t->first;
}

static struct str printable(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, s.n * 3 + 16);
    utf8_add_printable(&b, s);
    struct str copy = arena_str(a, buf_str(&b));
    buf_free(&b);
    return copy.p ? copy : S("");
}

void table_add(struct agent *g, struct table *t, const char *paint, const struct str *cells)
{
    struct row *r = arena_new(&g->a, struct row);
    if (!r)
        return;
    for (size_t i = 0; i < t->columns; i++)
        r->cell[i] = printable(&g->a, cells[i]);
    r->paint = paint;
    *t->last = r;
    t->last = &r->next;
}

/* As much of s as takes at most width columns; *used gets what it takes. */
static struct str fit(struct str s, size_t width, size_t *used)
{
    struct str rest = s;
    size_t n = 0, w = 0;
    while (rest.n) {
        size_t bytes;
        (void)utf8_next(rest, &bytes);
        size_t one = utf8_width(str_head(rest, bytes));
        if (w + one > width)
            break;
        w += one;
        n += bytes;
        rest = str_skip(rest, bytes);
    }
    *used = w;
    return str_head(s, n);
}

static void cell(struct str s, size_t width, bool right, bool last)
{
    size_t used = utf8_width(s);
    bool cut = used > width;
    if (cut)
        s = fit(s, width > 1 ? width - 1 : width, &used);
    if (right)
        for (size_t i = used; i < width; i++)
            putchar(' ');
    agent_print_raw(s);
    if (cut && width > 1) {
        fputs("…", stdout);
        used++;
    }
    if (!right && !last)
        for (size_t i = used; i < width; i++)
            putchar(' ');
    if (!last)
        fputs("  ", stdout);
}

static void widths(const struct table *t, size_t room, size_t *width)
{
    size_t sum = 0, growing = 0;
    for (size_t i = 0; i < t->columns; i++) {
        width[i] = utf8_width(str_c(t->column[i].title));
        for (const struct row *r = t->first; r; r = r->next) {
            size_t w = utf8_width(r->cell[i]);
            width[i] = w > width[i] ? w : width[i];
        }
        sum += width[i] + (i + 1 < t->columns ? 2 : 0);
        growing += t->column[i].grows;
    }
    while (sum > room && growing) { /* the widest growing column gives first */
        size_t widest = t->columns;
        for (size_t i = 0; i < t->columns; i++)
            if (t->column[i].grows && width[i] > 8 && (widest == t->columns || width[i] > width[widest]))
                widest = i;
        if (widest == t->columns)
            return;
        width[widest]--;
        sum--;
    }
}

void table_print(struct agent *g, const struct table *t)
{
    size_t width[COLUMNS_MAX];
    if (!t->first)
        return;
    if (g->quiet) {
        for (const struct row *r = t->first; r; r = r->next)
            printf("%.*s\n", STR_ARG(r->cell[0]));
        return;
    }
    widths(t, agent_width(), width);
    fputs(agent_paint(g, "\033[2m"), stdout);
    for (size_t i = 0; i < t->columns; i++)
        cell(str_c(t->column[i].title), width[i], t->column[i].right, i + 1 == t->columns);
    printf("%s\n", agent_paint(g, "\033[0m"));
    for (const struct row *r = t->first; r; r = r->next) {
        fputs(r->paint ? agent_paint(g, r->paint) : "", stdout);
        for (size_t i = 0; i < t->columns; i++)
            cell(r->cell[i], width[i], t->column[i].right, i + 1 == t->columns);
        printf("%s\n", r->paint ? agent_paint(g, "\033[0m") : "");
    }
}
