// SPDX-License-Identifier: ISC
/* Sizes, durations, addresses: text to number and back. */
#include "base/arena.h"
#include "config/inside.h"
#include "message/address.h"

static struct str digits(struct str *s)
{
    size_t n = 0;
    while (n < s->n && ascii_is_digit(s->p[n]))
        n++;
    struct str d = str_head(*s, n);
    *s = str_skip(*s, n);
    return d;
}

static bool times(uint64_t *v, uint64_t unit)
{
    return !__builtin_mul_overflow(*v, unit, v);
}

enum value_error config_size(struct str s, uint64_t *to)
{
    uint64_t v = 0;
    if (str_eq_icase(s, S("none"))) {
        *to = 0;
        return VALUE_OK;
    }
    struct str number = digits(&s);
    if (number.n == 0)
        return VALUE_SYNTAX;
    if (!str_to_u64(number, &v))
        return VALUE_LARGE;
    unsigned shift = 0;
    if (s.n) {
        static const char units[] = "kmgtp";
        const char *u = strchr(units, ascii_lower(s.p[0]));
        if (u && *u) {
            shift = 10 * (unsigned)(u - units + 1);
            s = str_skip(s, 1);
            if (str_eq_icase(s, S("ib")) || str_eq_icase(s, S("b")))
                s = STR_NONE;
        } else if (str_eq_icase(s, S("b"))) {
            s = STR_NONE;
        }
    }
    if (s.n)
        return VALUE_UNIT;
    if (!times(&v, 1ULL << shift))
        return VALUE_LARGE;
    *to = v;
    return VALUE_OK;
}

bool config_size_of(struct str text, uint64_t *octets)
{
    return config_size(text, octets) == VALUE_OK;
}

static const struct {
    const char *unit;
    uint64_t ms;
} duration_units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static struct str letters(struct str *s)
{
    size_t n = 0;
    while (n < s->n && ascii_is_alpha(s->p[n]))
        n++;
    struct str w = str_head(*s, n);
    *s = str_skip(*s, n);
    return w;
}

enum value_error config_duration(struct str s, uint64_t *ms)
{
    uint64_t sum = 0;
    if (s.n == 0)
        return VALUE_SYNTAX;
    if (str_eq(s, S("0"))) {
        *ms = 0;
        return VALUE_OK;
    }
    while (s.n) {
        uint64_t v = 0, unit = 0;
        struct str number = digits(&s);
        if (number.n == 0)
            return VALUE_SYNTAX;
        if (!str_to_u64(number, &v))
            return VALUE_LARGE;
        struct str word = letters(&s);
        for (size_t i = 0; i < countof(duration_units); i++)
            if (str_eq_icase(word, str_c(duration_units[i].unit)))
                unit = duration_units[i].ms;
        if (!unit)
            return VALUE_UNIT;
        if (!times(&v, unit) || __builtin_add_overflow(sum, v, &sum))
            return VALUE_LARGE;
    }
    *ms = sum;
    return VALUE_OK;
}

void config_size_print(struct buf *to, uint64_t v)
{
    static const char units[] = "KMGTP";
    unsigned u = 0;
    while (v != 0 && v % 1024 == 0 && u < 5) {
        v /= 1024;
        u++;
    }
    buf_add_u64(to, v);
    if (u)
        buf_add_byte(to, units[u - 1]);
}

bool config_duration_of(struct str text, int64_t *ms)
{
    uint64_t v;
    if (config_duration(text, &v) != VALUE_OK || v > INT64_MAX)
        return false;
    *ms = (int64_t)v;
    return true;
}

void config_duration_print(struct buf *to, uint64_t ms)
{
    if (ms == 0)
        buf_add(to, S("0s"));
    for (size_t i = 0; i < countof(duration_units) && ms; i++)
        if (ms >= duration_units[i].ms) {
            buf_add_u64(to, ms / duration_units[i].ms);
            buf_add_c(to, duration_units[i].unit);
            ms %= duration_units[i].ms;
        }
}

bool config_ip(struct str s, bool *v6)
{
    char text[80];
    struct buf b;
    struct arena scratch;
    struct domain d;
    *v6 = str_find(s, ':') < s.n;
    buf_fixed(&b, text, sizeof text);
    buf_add_c(&b, *v6 ? "[IPv6:" : "[");
    buf_add(&b, s);
    buf_add_byte(&b, ']');
    if (b.full)
        return false;
    arena_init(&scratch, 4096);
    bool ok = domain_parse(&scratch, buf_str(&b), false, &d) == ADDRESS_OK && d.kind == (*v6 ? DOMAIN_IPV6 : DOMAIN_IPV4);
    arena_clear(&scratch);
    return ok;
}
