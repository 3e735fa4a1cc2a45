// SPDX-License-Identifier: ISC
/* include PATTERN…: the reader that the caller gave brings the files; nothing here opens one. */
#include "config/inside.h"

static bool is_pattern(struct str s)
{
    return str_find(s, '*') < s.n || str_find(s, '?') < s.n || str_find(s, '[') < s.n;
}

/* False: stop with this pattern. */
static bool one_file(struct parser *p, const struct token *t, uint32_t index)
{
    const struct directive *self = &config_directives[DIRECTIVE_INCLUDE];
    struct str path = STR_NONE, text = STR_NONE, why = STR_NONE;
    switch (p->reader->read(p->reader->self, p->a, p->source->path, t->text, index, &path, &text, &why)) {
    case CONFIG_READ_NONE:
        if (index == 0 && !is_pattern(t->text))
            config_complain(p, t, false, config_format(p, "there is no file %s", config_quote(p, t->text)),
                            S("a relative name is looked up beside this file"), self, NULL);
        return false;
    case CONFIG_READ_FAILED:
        config_complain(p, t, false,
                        config_format(p, "cannot read %s: %s", config_quote(p, path.n ? path : t->text), config_quote(p, why)),
                        STR_NONE, NULL, NULL);
        return path.n > 0;
    case CONFIG_READ_FILE:
        break;
    }
    if (text.n > CONFIG_FILE_MAX || ++p->files > CONFIG_FILES_MAX) {
        config_complain(p, t, false, config_format(p, "%s: too many or too large files", config_quote(p, path)),
                        S("at most 1,000 files of 1 MB"), NULL, NULL);
        return false;
    }
    struct source *s = arena_new(p->a, struct source);
    if (!s) {
        p->no_memory = true;
        return false;
    }
    *s = (struct source){path, text, p->source->depth + 1};
    uint32_t count = p->count;
    enum statement_end end = p->end;
    config_parse_source(p, s);
    p->count = count;
    p->end = end;
    return !p->no_memory;
}

void config_include_directive(struct parser *p)
{
    const struct directive *self = &config_directives[DIRECTIVE_INCLUDE];
    if (p->count == 1)
        config_complain(p, &p->token[0], false, S("include needs a file or pattern"), S("for example: include conf.d/*.conf"),
                        self, NULL);
    for (uint32_t i = 1; i < p->count; i++) {
        struct token t = p->token[i];
        if (!p->reader)
            config_complain(p, &t, false, S("files cannot be included here"), S("write their lines in this text"), NULL, NULL);
        else if (p->source->depth + 1 >= CONFIG_INCLUDE_DEPTH)
            config_complain(p, &t, false, S("files include each other too deeply"), S("does a file include itself?"), NULL, NULL);
        else if (t.text.n == 0)
            config_complain(p, &t, false, S("an empty name"), S("delete it"), self, NULL);
        else
            for (uint32_t n = 0; one_file(p, &t, n) && n < CONFIG_FILES_MAX; n++)
                ;
    }
}
