// SPDX-License-Identifier: ISC
/* The scalar settings: one table, one function that reads a value by its kind, one that writes it. */
#include "config/inside.h"
#include "message/address.h"

const struct setting config_settings[CONFIG_SETTING_COUNT] = {
#define SETTING(member, kind, word, otherwise, min, max, syntax, help, example)                                                  \
    {word, SETTING_##kind, offsetof(struct config, member), otherwise, min, max, syntax, help, example},
#include "config/settings.def"
#undef SETTING
};

/* A default outside of its own limits or a member of another type is our bug: settings_test.c writes and reads every member. */

struct str config_alternative(const char *syntax, size_t n)
{
    struct str rest = str_c(syntax), word = str_cut(rest, '|', &rest);
    while (n-- && word.n)
        word = str_cut(rest, '|', &rest);
    return word;
}

static bool fail(struct str *error, struct str *hint, struct str text, struct str what)
{
    *error = text;
    *hint = what;
    return false;
}

static struct str limit_text(struct parser *p, const struct setting *s, uint64_t v)
{
    char text[64];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (s->kind == SETTING_SIZE)
        config_size_print(&b, v);
    else if (s->kind == SETTING_DURATION)
        config_duration_print(&b, v);
    else if (s->kind == SETTING_SECONDS)
        config_duration_print(&b, v * 1000);
    else
        buf_add_u64(&b, v);
    return config_format(p, "%.*s", STR_ARG(buf_str(&b)));
}

static bool in_limits(struct parser *p, const struct setting *s, uint64_t v, struct str *error, struct str *hint)
{
    if (v >= s->min && v <= s->max)
        return true;
    struct str least = limit_text(p, s, s->min), most = limit_text(p, s, s->max);
    return fail(error, hint, config_format(p, "%s is out of its limits", s->word),
                config_format(p, "%.*s to %.*s", STR_ARG(least), STR_ARG(most)));
}

static bool number_set(struct parser *p, struct config *c, const struct setting *s, struct str value, struct str *error,
                       struct str *hint)
{
    uint64_t v = 0;
    enum value_error e = VALUE_OK;
    const char *kind = s->kind == SETTING_SIZE ? "a size" : s->kind == SETTING_COUNT ? "a number" : "a duration";
    const char *like = s->kind == SETTING_SIZE    ? "for example 50M: K, M, G, T"
                       : s->kind == SETTING_COUNT ? "digits only"
                                                  : "for example 90s, 5m, 2h, 30d: ms, s, m, h, d, w";
    if (s->kind == SETTING_SIZE)
        e = config_size(value, &v);
    else if (s->kind == SETTING_COUNT)
        e = str_to_u64(value, &v) ? VALUE_OK : VALUE_SYNTAX;
    else
        e = config_duration(value, &v);
    if (e == VALUE_LARGE)
        return fail(error, hint, config_format(p, "%s is too large a number", config_quote(p, value)), str_c(like));
    if (e == VALUE_UNIT)
        return fail(error, hint, config_format(p, "%s has a unit that is not known", config_quote(p, value)), str_c(like));
    if (e != VALUE_OK)
        return fail(error, hint, config_format(p, "%s is not %s", config_quote(p, value), kind), str_c(like));
    if (s->kind == SETTING_SECONDS) {
        if (v % 1000)
            return fail(error, hint, config_format(p, "%s takes whole seconds", s->word), str_c(like));
        v /= 1000;
    }
    if (!in_limits(p, s, v, error, hint))
        return false;
    if (s->kind == SETTING_DURATION)
        *(int64_t *)(void *)((char *)c + s->offset) = (int64_t)v;
    else
        *(uint64_t *)(void *)((char *)c + s->offset) = v;
    return true;
}

static bool choice_set(struct parser *p, struct config *c, const struct setting *s, struct str value, struct str *error,
                       struct str *hint)
{
    const char *words[8];
    size_t n = 0;
    for (struct str w; n < 8 && (w = config_alternative(s->syntax, n)).n; n++) {
        if (str_eq_icase(w, value)) {
            if (s->kind == SETTING_LEVEL)
                *(uint32_t *)(void *)((char *)c + s->offset) = (uint32_t)n;
            else
                *(bool *)((char *)c + s->offset) = n != 0;
            return true;
        }
        char *copy = arena_str_c(p->a, w);
        if (!copy) {
            p->no_memory = true;
            return false;
        }
        words[n] = copy;
    }
    bool on_off = str_eq(str_c(s->syntax), S("off|on"));
    if (on_off && (str_eq_icase(value, S("yes")) || str_eq_icase(value, S("true")) || str_eq(value, S("1")) ||
                   str_eq_icase(value, S("enable"))))
        *hint = S("write 'on'");
    else if (on_off && (str_eq_icase(value, S("no")) || str_eq_icase(value, S("false")) || str_eq(value, S("0")) ||
                        str_eq_icase(value, S("disable"))))
        *hint = S("write 'off'");
    else
        *hint = config_suggest(p, value, words, n);
    *error = config_format(p, "%s cannot be %s", s->word, config_quote(p, value));
    return false;
}

static bool char_set(struct parser *p, struct config *c, const struct setting *s, struct str value, struct str *error,
                     struct str *hint)
{
    char *to = (char *)c + s->offset;
    if (str_eq_icase(value, S("off")) || str_eq_icase(value, S("none"))) {
        *to = 0;
        return true;
    }
    if (value.n != 1 || !strchr("+-=_#~!%&*^", value.p[0]))
        return fail(error, hint, config_format(p, "%s is not a separator", config_quote(p, value)),
                    S("one of + - = _ # ~ ! % & * ^, or off"));
    *to = value.p[0];
    return true;
}

static bool text_set(struct parser *p, struct config *c, const struct setting *s, struct str value, struct str *error,
                     struct str *hint)
{
    struct str *to = (struct str *)(void *)((char *)c + s->offset);
    struct address adr;
    struct domain d;
    enum address_error e = ADDRESS_OK;
    if (s->kind == SETTING_HOST) {
        e = domain_parse(p->a, value, true, &d);
        if (e == ADDRESS_OK && d.kind != DOMAIN_NAME)
            return fail(error, hint, S("the host name may not be an address literal"), S("a name like mail.example.org"));
        if (e == ADDRESS_OK)
            value = d.ascii;
    } else if (s->kind == SETTING_ADDRESS) {
        e = address_parse(p->a, value, true, &adr);
        value = e == ADDRESS_OK ? address_key(p->a, &adr) : value;
    } else if (s->kind == SETTING_NAME) {
        for (size_t i = 0; i < value.n; i++)
            if (!ascii_is_alnum(value.p[i]) && !strchr("-_.", value.p[i]))
                return fail(error, hint, config_format(p, "%s is not a user's name", config_quote(p, value)),
                            S("letters, digits, - _ ."));
    } else if (s->kind == SETTING_PATH && (value.n == 0 || value.p[0] != '/')) {
        return fail(error, hint, config_format(p, "%s must be a whole path", s->word), S("begin it with /"));
    }
    if (e == ADDRESS_NO_MEMORY)
        p->no_memory = true;
    if (e != ADDRESS_OK)
        return fail(error, hint, config_format(p, "%s: %s", config_quote(p, value), address_error_text(e)),
                    s->kind == SETTING_HOST ? S("a name like mail.example.org") : S("a whole address like alice@example.org"));
    if (value.n == 0)
        return fail(error, hint, config_format(p, "%s may not be empty", s->word), S("leave the line out instead"));
    *to = value;
    return true;
}

bool config_setting_set(struct parser *p, struct config *c, const struct setting *s, struct str value, struct str *error,
                        struct str *hint)
{
    switch (s->kind) {
    case SETTING_SIZE:
    case SETTING_COUNT:
    case SETTING_DURATION:
    case SETTING_SECONDS:
        return number_set(p, c, s, value, error, hint);
    case SETTING_CHOICE:
    case SETTING_LEVEL:
        return choice_set(p, c, s, value, error, hint);
    case SETTING_CHAR:
        return char_set(p, c, s, value, error, hint);
    case SETTING_HOST:
    case SETTING_ADDRESS:
    case SETTING_NAME:
    case SETTING_PATH:
        return text_set(p, c, s, value, error, hint);
    }
    return false;
}

void config_setting_parse(struct parser *p, const struct setting *s, enum config_setting_id id)
{
    const struct token *t = p->token;
    struct str error = STR_NONE, hint = STR_NONE;
    struct config_source *source = &p->config->source[id];
    if (p->count == 1) {
        config_complain(p, &t[0], false, config_format(p, "%s needs a value", s->word),
                        config_format(p, "for example: %s", s->example), NULL, s);
    } else if (p->count > 2) {
        config_complain(p, &t[2], false, config_format(p, "%s takes one value", s->word), S("delete this"), NULL, s);
    } else if (source->line) {
        config_complain(p, &t[0], false, config_format(p, "%s was already set", s->word),
                        config_format(p, "on line %u of %s", source->line, config_quote(p, source->file)), NULL, NULL);
    } else if (!config_setting_set(p, p->config, s, t[1].text, &error, &hint)) {
        config_complain(p, &t[1], false, error, hint, NULL, s);
    } else {
        *source = (struct config_source){p->source->path, t[0].line};
        if (s->kind == SETTING_HOST && str_find(t[1].text, '.') == t[1].text.n)
            config_complain(p, &t[1], true, S("this name has no dot: other mail servers will not like it"),
                            S("a name like mail.example.org"), NULL, NULL);
    }
}

bool config_defaults(struct arena *a, struct config *c)
{
    struct parser p = {.a = a, .config = c};
    struct str error, hint;
    for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
        const struct setting *s = &config_settings[i];
        if (s->otherwise[0] && !config_setting_set(&p, c, s, str_c(s->otherwise), &error, &hint))
            return false;
    }
    return true;
}

void config_setting_print(const struct config *c, const struct setting *s, struct buf *to)
{
    const void *at = (const char *)c + s->offset;
    switch (s->kind) {
    case SETTING_SIZE:
        config_size_print(to, *(const uint64_t *)at);
        break;
    case SETTING_COUNT:
        buf_add_u64(to, *(const uint64_t *)at);
        break;
    case SETTING_DURATION:
        config_duration_print(to, (uint64_t) * (const int64_t *)at);
        break;
    case SETTING_SECONDS:
        config_duration_print(to, *(const uint64_t *)at * 1000);
        break;
    case SETTING_CHOICE:
        buf_add(to, config_alternative(s->syntax, *(const bool *)at));
        break;
    case SETTING_LEVEL:
        buf_add(to, config_alternative(s->syntax, *(const uint32_t *)at));
        break;
    case SETTING_CHAR:
        if (*(const char *)at)
            buf_add_byte(to, *(const char *)at);
        else
            buf_add(to, S("off"));
        break;
    case SETTING_HOST:
    case SETTING_ADDRESS:
    case SETTING_NAME:
    case SETTING_PATH:
        buf_add(to, *(const struct str *)at);
        break;
    }
}
