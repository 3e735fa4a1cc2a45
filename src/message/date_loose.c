// SPDX-License-Identifier: ISC
/* Dates as mailers write them. Words are sorted by what they can be; order matters only where a number could be a day or a year.
 */
#include "message/date_inside.h"

struct loose {
    struct date_parts d;
    bool day, year, time, zone, month;
};

/* 2026-11-24 or 2026-11-24T20:20:01.123+01:00 at the front of s. */
static bool take_iso(struct str *s, struct loose *x)
{
    if (s->n < 10 || s->p[4] != '-' || s->p[7] != '-' || !date_number(str_head(*s, 4), 4, 4, &x->d.year) ||
        !date_number(str_of(s->p + 5, 2), 2, 2, &x->d.month) || !date_number(str_of(s->p + 8, 2), 2, 2, &x->d.day))
        return false;
    x->day = x->year = x->month = true;
    *s = str_skip(*s, 10);
    if (s->n > 0 && (s->p[0] == 'T' || s->p[0] == 't'))
        *s = str_skip(*s, 1);
    return true;
}

/* hh:mm[:ss[.fraction]] [AM|PM] */
static bool take_time(struct lexer *l, struct str hour, struct loose *x)
{
    struct lexer ahead = *l;
    int h;
    if (x->time || !date_number(hour, 1, 2, &h) || !str_eq(date_word(&ahead), S(":")))
        return false;
    struct lexer whole = {.rest = str_of(hour.p, hour.n + l->rest.n)};
    if (!date_time_of_day(&whole, &x->d))
        return false;
    x->time = true;
    *l = whole;
    if (l->rest.n > 1 && l->rest.p[0] == '.' && ascii_is_digit(l->rest.p[1])) {
        l->rest = str_skip(l->rest, 1);
        date_word(l);
    }
    ahead = *l;
    struct str half = date_word(&ahead);
    bool pm = str_eq_icase(half, S("PM"));
    if (pm || str_eq_icase(half, S("AM"))) {
        x->d.hour = x->d.hour % 12 + (pm ? 12 : 0);
        *l = ahead;
    }
    return true;
}

static bool take_sign(struct lexer *l, struct str w, struct loose *x)
{
    struct lexer ahead = *l;
    char zone[5];
    int n;
    if (w.n == 1)
        return w.p[0] == '-';                                       /* 24-Nov-2026 */
    if (w.n == 3 && x->time && str_eq(date_word(&ahead), S(":"))) { /* +01:00 */
        struct str minutes = date_word(&ahead);
        if (minutes.n != 2)
            return false;
        memcpy(zone, w.p, 3);
        memcpy(zone + 3, minutes.p, 2);
        x->zone = date_zone(str_of(zone, 5), &x->d);
        *l = ahead;
        return x->zone;
    }
    if (w.n == 5 && x->time) {
        x->d.unknown = false;
        return x->zone = date_zone(w, &x->d);
    }
    if (w.p[0] != '-' || !date_number(str_skip(w, 1), 2, 4, &n)) /* the year of 24-Nov-2026 */
        return false;
    return !x->year && (x->year = date_year(str_skip(w, 1), &x->d.year));
}

static bool take_number(struct lexer *l, struct str w, struct loose *x)
{
    if (take_time(l, w, x))
        return true;
    if (!x->day && date_number(w, 1, 2, &x->d.day))
        return x->day = true;
    return !x->year && (x->year = date_year(w, &x->d.year));
}

static bool take_letters(struct str w, struct loose *x)
{
    int month = w.n >= 3 ? date_month(str_head(w, 3)) : 0;
    if (month && !x->month) {
        x->d.month = month;
        return x->month = true;
    }
    if (w.n >= 3 && date_is_day(str_head(w, 3)))
        return true;
    return x->time && !x->zone && (x->zone = date_zone(w, &x->d));
}

/* "Sam, …": a day of the week in another language. */
static bool skip_day_name(struct lexer *l)
{
    size_t n = 0;
    while (n < l->rest.n && n < 20 && (ascii_is_alpha(l->rest.p[n]) || is_high(l->rest.p[n]) || l->rest.p[n] == '.'))
        n++;
    if (n == l->rest.n || l->rest.p[n] != ',')
        return false;
    l->rest = str_skip(l->rest, n + 1);
    return true;
}

bool date_parse_loose(struct str text, struct date *to)
{
    struct loose x = {0};
    struct lexer l = {.rest = text};
    if (date_parse(text, to))
        return true;
    lex_cfws(&l);
    take_iso(&l.rest, &x);
    for (int words = 0; words < 30; words++) {
        struct str w = date_word(&l);
        if (w.n == 0)
            break;
        char c = w.p[0];
        if (words == 0 && (ascii_is_alpha(c) || is_high(c)) && !date_month(str_head(w, 3)) && skip_day_name(&l))
            continue;
        bool good = c == ',' || (c == '.' && !x.time) ||
                    (ascii_is_alpha(c)      ? take_letters(w, &x)
                     : ascii_is_digit(c)    ? take_number(&l, w, &x)
                     : c == '+' || c == '-' ? take_sign(&l, w, &x)
                                            : false);
        if (!good)
            return false;
    }
    if (!x.zone)
        x.d.unknown = true;
    return x.day && x.month && x.year && l.rest.n == 0 && date_finish(&x.d, to);
}
