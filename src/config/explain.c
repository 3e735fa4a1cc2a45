// SPDX-License-Identifier: ISC
/* What the words mean: for a person (config explain), for the manual page, for completion. All from the tables. */
#include "base/utf8.h"
#include "config/inside.h"

const char *config_word(size_t index)
{
    const char *words[SUGGEST_MAX];
    return index < config_words(NULL, words) ? words[index] : NULL;
}

static void example(struct buf *to, const char *text, const char *before)
{
    for (struct str rest = str_c(text); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        buf_add_c(to, before);
        buf_add(to, line);
        buf_add_byte(to, '\n');
    }
}

static bool has_limits(const struct setting *s)
{
    return s->kind == SETTING_SIZE || s->kind == SETTING_COUNT || s->kind == SETTING_DURATION || s->kind == SETTING_SECONDS;
}

static void limit(struct buf *to, const struct setting *s, uint64_t v)
{
    if (s->kind == SETTING_SIZE)
        config_size_print(to, v);
    else if (s->kind == SETTING_COUNT)
        buf_add_u64(to, v);
    else
        config_duration_print(to, s->kind == SETTING_SECONDS ? v * 1000 : v);
}

static void explain_setting(struct buf *to, const struct setting *s)
{
    buf_printf(to, "%s %s\n\n    %s\n\n    default   %s\n", s->word, s->syntax, s->help,
               s->otherwise[0] ? s->otherwise : "(not set)");
    if (has_limits(s)) {
        buf_add(to, S("    limits    "));
        limit(to, s, s->min);
        buf_add(to, S(" to "));
        limit(to, s, s->max);
        buf_add_byte(to, '\n');
    }
    example(to, s->example, "    example   ");
}

static void explain_directive(struct buf *to, const struct directive *d)
{
    buf_printf(to, "%s%s%s%s\n\n    %s\n\n    example\n", d->syntax, d->block ? "        (inside " : "", d->block ? d->block : "",
               d->block ? " NAME { })" : "", d->help);
    example(to, d->example, "        ");
}

bool config_explain(struct str key, struct buf *to)
{
    bool found = false;
    for (size_t i = 0; i < DIRECTIVE_COUNT; i++)
        if (str_eq(key, str_c(config_directives[i].word))) {
            explain_directive(to, &config_directives[i]);
            found = true;
        }
    for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
        if (str_eq(key, str_c(config_settings[i].word))) {
            if (found)
                buf_add_byte(to, '\n');
            explain_setting(to, &config_settings[i]);
            found = true;
        }
    if (found)
        return true;
    const char *words[SUGGEST_MAX], *near[2];
    size_t count = config_words(NULL, words);
    count += config_words("domain", words + count);
    const char *synonym = config_synonym(key);
    size_t n = synonym ? 0 : config_nearest(key, words, count, near);
    if (synonym)
        buf_add_c(to, synonym);
    else if (n == 2)
        buf_printf(to, "did you mean '%s' or '%s'?", near[0], near[1]);
    else if (n == 1)
        buf_printf(to, "did you mean '%s'?", near[0]);
    return false;
}

void config_mdoc(struct buf *to, const char *text)
{
    bool start = true;
    uint32_t last = 0;
    for (struct str rest = str_c(text); rest.n;) {
        size_t bytes;
        uint32_t c = utf8_next(rest, &bytes);
        if (start && (c == '.' || c == '\''))
            buf_add(to, S("\\&"));
        if (c == '\\')
            buf_add(to, S("\\e"));
        else if (c == '-')
            buf_add(to, S("\\-"));
        else if (c == ' ' && last == '.' && rest.n > 1 && rest.p[1] >= 'A' &&
                 rest.p[1] <= 'Z') /* a sentence a line, as mdoc wants it */
            buf_add_byte(to, '\n');
        else if (c > 0x7f)
            buf_printf(to, "\\[u%04X]", c);
        else
            buf_add_byte(to, (char)c);
        start = c == '\n';
        last = c;
        rest = str_skip(rest, bytes);
    }
    buf_add_byte(to, '\n');
}

static void mdoc_example(struct buf *to, const char *text)
{
    buf_add(to, S(".Bd -literal -compact -offset indent\n"));
    config_mdoc(to, text);
    buf_add(to, S(".Ed\n"));
}

void config_manual(struct buf *to)
{
    buf_add(to, S(".Bl -tag -width Ds\n"));
    for (size_t i = 0; i < DIRECTIVE_COUNT; i++) {
        const struct directive *d = &config_directives[i];
        buf_add(to, S(".It Xo\n"));
        config_mdoc(to, d->syntax);
        buf_add(to, S(".Xc\n"));
        if (d->block)
            buf_printf(to, "Inside\n.Ic %s\nNAME { }.\n", d->block);
        config_mdoc(to, d->help);
        mdoc_example(to, d->example);
    }
    for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
        const struct setting *s = &config_settings[i];
        buf_printf(to, ".It Ic %s Ar %s\n", s->word, s->syntax);
        config_mdoc(to, s->help);
        if (s->otherwise[0]) {
            buf_printf(to, "Default: %s.\n", s->otherwise);
        }
        if (has_limits(s)) {
            buf_add(to, S("Limits: "));
            limit(to, s, s->min);
            buf_add(to, S(" to "));
            limit(to, s, s->max);
            buf_add(to, S(".\n"));
        }
    }
    buf_add(to, S(".El\n"));
}
