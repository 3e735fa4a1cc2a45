// SPDX-License-Identifier: ISC
/* The policy of MTA-STS as text, RFC 8461 3.2, and whom it lets in, 4.1. */
#include "base/utf8.h"
#include "message/address.h"
#include "relay/mtasts.h"
#include "relay/record.h"
#include <stdio.h>

enum key { KEY_VERSION, KEY_MODE, KEY_MX, KEY_MAX_AGE, KEY_OTHER };
static const char *const keys[] = {"version", "mode", "mx", "max_age"};
static const char *const modes[] = {"none", "testing", "enforce"};

const char *mtasts_mode_text(enum mtasts_mode m)
{
    return modes[m];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool refuse(struct why *why, unsigned line, const char *what)
{
    *why = (struct why){"", ""};
    if (line)
        snprintf(why->text, sizeof why->text, "line %u of the policy: %s", line, what);
    else
        snprintf(why->text, sizeof why->text, "the policy %s", what);
    return false;
}

static bool mode_parse(struct str s, enum mtasts_mode *to)
{
    for (size_t i = 0; i < countof(modes); i++)
        if (str_eq(s, str_c(modes[i]))) {
            *to = (enum mtasts_mode)i;
            return true;
        }
    return false;
}

/* 1*10DIGIT; what is above the maximum of the RFC counts as the maximum. */
static bool age_parse(struct str s, uint32_t *to)
{
    uint64_t v = 0;
    if (s.n > 10 || !str_to_u64(s, &v))
        return false;
    *to = v > MTASTS_MAX_AGE_MAX ? MTASTS_MAX_AGE_MAX : (uint32_t)v;
    return true;
}

/* A host name in A-labels, "*." allowed before it; kept in lower case. */
static bool mx_parse(struct arena *a, struct str s, struct str *to)
{
    struct domain d;
    struct str name = str_starts(s, S("*.")) ? str_skip(s, 2) : s;
    if (!utf8_is_ascii(s) || name.n == 0 || name.p[0] == '[' || !dns_is_host(name) || name.p[name.n - 1] == '.' ||
        domain_parse(a, name, false, &d) != ADDRESS_OK || d.kind != DOMAIN_NAME)
        return false;
    *to = arena_str(a, s);
    for (size_t i = 0; to->p && i < to->n; i++)
        ((char *)to->p)[i] = ascii_lower(to->p[i]); /* our own copy */
    return to->p != NULL;
}

static bool extension_is_ok(struct str name, struct str value)
{
    if (!relay_record_extension_is_ok(name, S("x")) || !utf8_is_valid(value) || value.n == 0)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return false;
    return true;
}

/* One line without its end. seen: bits of keys that stood before. */
static bool line_parse(struct arena *a, struct str line, unsigned number, struct mtasts_policy *p, unsigned *seen,
                       struct why *why)
{
    struct str value, name = str_cut(line, ':', &value);
    enum key key = KEY_VERSION;
    if (name.n == line.n)
        return refuse(why, number, "there is no colon");
    while (value.n && is_blank(value.p[0]))
        value = str_skip(value, 1);
    while (value.n && is_blank(value.p[value.n - 1]))
        value.n--;
    while (key < KEY_OTHER && !str_eq(name, str_c(keys[key])))
        key++;
    bool first = (*seen & 1u << key) == 0;
    *seen |= 1u << key;
    switch (key) { /* what is repeated is ignored, 3.2 */
    case KEY_VERSION:
        return !first || str_eq(value, S("STSv1")) || refuse(why, number, "an unknown version");
    case KEY_MODE:
        return !first || mode_parse(value, &p->mode) || refuse(why, number, "mode is none of enforce, testing, none");
    case KEY_MAX_AGE:
        return !first || age_parse(value, &p->max_age_s) || refuse(why, number, "max_age is no number of at most 10 digits");
    case KEY_MX:
        if (p->mx_count == MTASTS_MX_MAX)
            return refuse(why, number, "more than 500 mx patterns");
        if (!mx_parse(a, value, &p->mx[p->mx_count]))
            return refuse(why, number, "mx is no host name or pattern");
        p->mx_count++;
        return true;
    case KEY_OTHER:
        return extension_is_ok(name, value) || refuse(why, number, "neither a known key nor a well-formed other one");
    }
    return false;
}

bool mtasts_policy_parse(struct arena *a, struct str text, struct mtasts_policy *to, struct why *why)
{
    unsigned seen = 0, number = 0;
    *to = (struct mtasts_policy){.mode = MTASTS_NONE};
    if (text.n > MTASTS_POLICY_MAX)
        return refuse(why, 0, "is larger than 64 kB");
    to->mx = arena_array(a, MTASTS_MX_MAX, sizeof *to->mx);
    if (!to->mx)
        return refuse(why, 0, "does not fit into memory");
    while (text.n) {
        struct str line = str_cut(text, '\n', &text);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        number++;
        if (str_trim(line).n == 0) /* not in the grammar, but in the world */
            continue;
        if (!line_parse(a, line, number, to, &seen, why))
            return false;
    }
    if (!(seen & 1u << KEY_VERSION))
        return refuse(why, 0, "names no version");
    if (!(seen & 1u << KEY_MODE))
        return refuse(why, 0, "names no mode");
    if (!(seen & 1u << KEY_MAX_AGE))
        return refuse(why, 0, "names no max_age");
    if (to->mx_count == 0 && to->mode != MTASTS_NONE)
        return refuse(why, 0, "names no mx");
    return true;
}

bool mtasts_mx_match(const struct mtasts_policy *p, struct str host)
{
    if (host.n && host.p[host.n - 1] == '.')
        host.n--;
    struct str rest = str_skip(host, str_find(host, '.'));
    for (size_t i = 0; i < p->mx_count; i++) {
        bool wild = str_starts(p->mx[i], S("*."));
        if (wild ? rest.n > 1 && rest.n < host.n && str_eq_icase(rest, str_skip(p->mx[i], 1)) : str_eq_icase(host, p->mx[i]))
            return true;
    }
    return false;
}

static struct str line_make(struct arena *a, const char *key, struct str value)
{
    char space[DNS_NAME_MAX + 16];
    struct buf b;
    buf_fixed(&b, space, sizeof space);
    buf_printf(&b, "%s: ", key);
    buf_add(&b, value);
    return b.full ? STR_NONE : arena_str(a, buf_str(&b));
}

struct str *mtasts_policy_lines(struct arena *a, const struct mtasts_policy *p, size_t *count)
{
    char space[16];
    struct buf age;
    size_t n = 0;
    struct str *line = arena_array(a, p->mx_count + 3, sizeof *line);
    buf_fixed(&age, space, sizeof space);
    buf_add_u64(&age, p->max_age_s);
    if (!line)
        return NULL;
    line[n++] = line_make(a, "version", S("STSv1"));
    line[n++] = line_make(a, "mode", str_c(mtasts_mode_text(p->mode)));
    for (size_t i = 0; i < p->mx_count; i++)
        line[n++] = line_make(a, "mx", p->mx[i]);
    line[n++] = line_make(a, "max_age", buf_str(&age));
    for (size_t i = 0; i < n; i++)
        if (!line[i].p)
            return NULL;
    *count = n;
    return line;
}
