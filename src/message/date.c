// SPDX-License-Identifier: ISC
/* Dates: printing, and the strict parser of RFC 5322 3.3 with its obsolete forms (4.3). Proleptic Gregorian calendar, no tables
 * of the system. */
#include "message/date.h"
#include "message/date_inside.h"
#include "message/inside.h"

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* Days from 1970-01-01 to the given day; years counted from March so that the leap day is the last. */
int64_t date_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_of_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

struct civil {
    int64_t year, days;
    int month, day, hour, minute, second;
};

static struct civil civil_of(int64_t unix_ms, int32_t offset_min)
{
    struct civil c;
    const int64_t first = date_days(1, 1, 2) * 86400, last = date_days(9999, 12, 31) * 86400;
    int64_t s = unix_ms / 1000 - (unix_ms % 1000 < 0); /* towards the past */
    s = s < first ? first : s > last ? last : s;
    s += (int64_t)offset_min * 60;
    c.days = (s - (s < 0 ? 86399 : 0)) / 86400;
    int64_t left = s - c.days * 86400;
    civil_of_days(c.days, &c.year, &c.month, &c.day);
    c.hour = (int)(left / 3600);
    c.minute = (int)(left / 60 % 60);
    c.second = (int)(left % 60);
    return c;
}

void date_print(struct buf *to, int64_t unix_ms, int32_t offset_min)
{
    int32_t offset = offset_min > DATE_OFFSET_MAX    ? DATE_OFFSET_MAX
                     : offset_min < -DATE_OFFSET_MAX ? -DATE_OFFSET_MAX
                                                     : offset_min;
    struct civil c = civil_of(unix_ms, offset);
    int wday = (int)(((c.days + 4) % 7 + 7) % 7), abs = offset < 0 ? -offset : offset;
    buf_printf(to, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d", day_names[wday], c.day, month_names[c.month - 1], (int)c.year,
               c.hour, c.minute, c.second, offset < 0 ? '-' : '+', abs / 60, abs % 60);
}

void date_print_iso(struct buf *to, int64_t unix_ms)
{
    struct civil c = civil_of(unix_ms, 0);
    buf_printf(to, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
}

int date_month(struct str name)
{
    for (int i = 0; i < 12; i++)
        if (str_eq_icase(name, str_of(month_names[i], 3)))
            return i + 1;
    return 0;
}

bool date_is_day(struct str name)
{
    for (int i = 0; i < 7; i++)
        if (str_eq_icase(name, str_of(day_names[i], 3)))
            return true;
    return false;
}

/* Between min and max digits. */
bool date_number(struct str s, size_t min, size_t max, int *value)
{
    uint64_t v;
    if (s.n < min || s.n > max || !str_to_u64(s, &v))
        return false;
    *value = (int)v;
    return true;
}

/* RFC 5322 4.3: 00-49 are 20yy, 50-99 and three digits count from 1900. */
bool date_year(struct str s, int *year)
{
    if (!date_number(s, 2, 4, year))
        return false;
    if (s.n == 2)
        *year += *year < 50 ? 2000 : 1900;
    else if (s.n == 3)
        *year += 1900;
    return *year >= 1;
}

bool date_zone(struct str s, struct date_parts *d)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"UT", 0},   {"GMT", 0},  {"UTC", 0},  {"Z", 0},    {"EST", -5}, {"EDT", -4},
                 {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    int hhmm;
    if (s.n == 5 && (s.p[0] == '+' || s.p[0] == '-')) {
        if (!date_number(str_skip(s, 1), 4, 4, &hhmm) || hhmm % 100 > 59 || hhmm / 100 > 23)
            return false;
        d->offset = (hhmm / 100 * 60 + hhmm % 100) * (s.p[0] == '-' ? -1 : 1);
        d->unknown = s.p[0] == '-' && hhmm == 0;
        return true;
    }
    for (size_t i = 0; i < countof(zones); i++)
        if (str_eq_icase(s, str_c(zones[i].name))) {
            d->offset = zones[i].hours * 60;
            return true;
        }
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alpha(s.p[i]))
            return false;
    d->unknown = s.n > 0; /* military letters were defined wrongly; other names say nothing */
    return s.n > 0;
}

bool date_finish(const struct date_parts *d, struct date *to)
{
    static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = d->year % 4 == 0 && (d->year % 100 != 0 || d->year % 400 == 0);
    if (d->month < 1 || d->month > 12 || d->day < 1 || d->day > month_days[d->month - 1] + (d->month == 2 && leap))
        return false;
    if (d->hour > 23 || d->minute > 59 || d->second > 60)
        return false;
    int second = d->second == 60 ? 59 : d->second;
    int64_t s = date_days(d->year, d->month, d->day) * 86400 + d->hour * 3600 + d->minute * 60 + second - (int64_t)d->offset * 60;
    *to = (struct date){s * 1000, d->offset, d->unknown};
    return true;
}

/* Next word of the field: letters, or digits, or a sign with digits, or one special. Comments and folds between. */
struct str date_word(struct lexer *l)
{
    lex_cfws(l);
    size_t n = 0;
    if (l->rest.n == 0)
        return S("");
    char c = l->rest.p[0];
    if (c == '+' || c == '-')
        for (n = 1; n < l->rest.n && ascii_is_digit(l->rest.p[n]); n++)
            ;
    else if (ascii_is_digit(c))
        for (; n < l->rest.n && ascii_is_digit(l->rest.p[n]); n++)
            ;
    else if (ascii_is_alpha(c))
        for (; n < l->rest.n && ascii_is_alpha(l->rest.p[n]); n++)
            ;
    else
        n = 1;
    struct str word = str_head(l->rest, n);
    l->rest = str_skip(l->rest, n);
    return word;
}

bool date_time_of_day(struct lexer *l, struct date_parts *d)
{
    if (!date_number(date_word(l), 1, 2, &d->hour) || !str_eq(date_word(l), S(":")) ||
        !date_number(date_word(l), 2, 2, &d->minute))
        return false;
    struct lexer ahead = *l;
    if (!str_eq(date_word(&ahead), S(":")))
        return true;
    *l = ahead;
    return date_number(date_word(l), 2, 2, &d->second);
}

bool date_parse(struct str text, struct date *to)
{
    struct lexer l = {.rest = text};
    struct date_parts d = {0};
    struct str w = date_word(&l);
    if (w.n && ascii_is_alpha(w.p[0])) {
        if (!date_is_day(w) || !str_eq(date_word(&l), S(",")))
            return false;
        w = date_word(&l);
    }
    if (!date_number(w, 1, 2, &d.day) || (d.month = date_month(date_word(&l))) == 0 || !date_year(date_word(&l), &d.year))
        return false;
    if (!date_time_of_day(&l, &d) || !date_zone(date_word(&l), &d))
        return false;
    return date_word(&l).n == 0 && date_finish(&d, to);
}
