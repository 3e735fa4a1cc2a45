// SPDX-License-Identifier: ISC
/* Statement by statement: find the word in its table, let its function read the rest, go on after an error. */
#include "config/inside.h"

const struct directive config_directives[DIRECTIVE_COUNT] = {
#define DIRECTIVE(id, word, block, parse, syntax, help, example) {word, block, parse, syntax, help, example},
#include "config/directives.def"
#undef DIRECTIVE
};

static const struct directive *directive_find(struct str word, bool in_domain)
{
    for (size_t i = 0; i < DIRECTIVE_COUNT; i++)
        if ((config_directives[i].block != NULL) == in_domain && str_eq(word, str_c(config_directives[i].word)))
            return &config_directives[i];
    return NULL;
}

static void unknown_word(struct parser *p)
{
    const char *words[SUGGEST_MAX];
    const struct token *t = &p->token[0];
    bool in_domain = p->domain != NULL;
    struct str hint = STR_NONE;
    const struct directive *elsewhere = directive_find(t->text, !in_domain);
    if (elsewhere && !in_domain)
        hint = config_format(p, "it belongs inside %s NAME { }", elsewhere->block);
    else if (elsewhere)
        hint = S("it belongs outside of the { }");
    else
        hint = config_suggest(p, t->text, words, config_words(in_domain ? "domain" : NULL, words));
    if (!hint.n && in_domain)
        for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
            if (str_eq(t->text, str_c(config_settings[i].word)))
                hint = S("it belongs outside of the { }");
    config_complain(p, t, false, config_format(p, "unknown word %s%s", config_quote(p, t->text), in_domain ? " in domain" : ""),
                    hint, NULL, NULL);
}

/* One statement that has words. */
static void statement(struct parser *p)
{
    struct str word = p->token[0].text;
    const struct directive *d = directive_find(word, p->domain != NULL);
    bool opens = p->end == END_OPEN;
    struct config_domain *before = p->domain;
    struct token brace = p->brace;
    p->last_domain = NULL;
    if (p->count > TOKENS_MAX)
        p->count = 0; /* complained already */
    else if (d)
        d->parse(p);
    else if (!p->domain) {
        size_t i = 0;
        while (i < CONFIG_SETTING_COUNT && !str_eq(word, str_c(config_settings[i].word)))
            i++;
        if (i < CONFIG_SETTING_COUNT)
            config_setting_parse(p, &config_settings[i], (enum config_setting_id)i);
        else
            unknown_word(p);
    } else {
        unknown_word(p);
    }
    if (!opens || p->domain != before)
        return;
    if (d) { /* a block where none belongs; an unknown word has been complained about already */
        p->brace = brace;
        config_complain(p, &brace, false, config_format(p, "%s takes no { }", d->word), S("delete the braces"), d, NULL);
    }
    config_skip_block(p);
}

/* A brace or the end of the text without words before it. */
static void punctuation(struct parser *p, enum statement_end end, bool had_words)
{
    if (end == END_CLOSE) {
        if (p->domain)
            p->domain = NULL;
        else
            config_complain(p, &p->brace, false, S("a } without its {"), S("delete it"), NULL, NULL);
        p->last_domain = NULL;
    } else if (end == END_OPEN && !had_words) {
        if (p->last_domain && !p->domain) {
            p->domain = p->last_domain;
            p->opened = p->brace;
            p->last_domain = NULL;
        } else {
            config_complain(p, &p->brace, false, S("a { without a word that takes one"),
                            S("a block belongs to a domain: domain NAME { … }"), NULL, NULL);
            config_skip_block(p);
        }
    }
}

void config_parse_source(struct parser *p, const struct source *s)
{
    const struct source *source = p->source;
    size_t at = p->at;
    uint32_t line = p->line;
    struct token *token = p->token, brace = p->brace;
    struct arena words; /* large, and wanted only until this text is read: it must not stay with the configuration */
    p->source = s;
    p->at = str_starts(s->text, S("\xef\xbb\xbf")) ? 3 : 0;
    p->line = 1;
    arena_init(&words, 2 * TOKENS_MAX * sizeof *p->token);
    p->token = arena_array(&words, TOKENS_MAX, sizeof *p->token);
    for (;;) {
        if (!p->token) {
            p->no_memory = true;
            break;
        }
        config_statement(p);
        enum statement_end end = p->end;
        bool had_words = p->count > 0;
        if (had_words)
            statement(p);
        punctuation(p, end, had_words);
        if (end == END_TEXT || p->no_memory)
            break;
    }
    if (p->domain) {
        config_complain(p, &p->opened, false, S("this { is never closed"), S("write a } where the block ends"), NULL, NULL);
        p->domain = NULL;
    }
    p->last_domain = NULL;
    p->source = source;
    p->at = at;
    p->line = line;
    p->token = token;
    p->brace = brace;
    p->count = 0;
    p->end = END_LINE;
    arena_clear(&words);
}

struct config *config_default(struct arena *a)
{
    struct config *c = arena_new(a, struct config);
    if (!c)
        return NULL;
    c->path = S("");
    if (!config_defaults(a, c) || !config_listens_default(a, c))
        return NULL;
    return c;
}

struct config *config_load(struct arena *a, struct str path, struct str text, const struct config_reader *reader,
                           struct buf *errors, bool color)
{
    struct parser p = {.a = a, .reader = reader, .files = 1, .config = arena_new(a, struct config)};
    struct source *s = arena_new(a, struct source);
    p.complaint = arena_array(a, COMPLAINTS_MAX, sizeof *p.complaint);
    if (!p.config || !s || !p.complaint || !config_defaults(a, p.config)) {
        buf_add(errors, S("no memory for the configuration\n"));
        return NULL;
    }
    p.config->path = path;
    *s = (struct source){path, text, 0};
    p.source = s;
    if (text.n > CONFIG_FILE_MAX) {
        struct token start = {.line = 1};
        s->text = str_head(text, 0);
        config_complain(&p, &start, false, S("this file is larger than 1 MB"), S("is it a configuration?"), NULL, NULL);
    } else {
        config_parse_source(&p, s);
    }
    for (struct config_domain *d = p.config->domains; d; d = d->next)
        d->quota = d->quota_set ? d->quota : p.config->quota;
    if (!p.config->listens && !config_listens_default(a, p.config))
        p.no_memory = true;
    config_complaints_print(&p, errors, color);
    return p.errors || p.no_memory ? NULL : p.config;
}

struct config *config_parse(struct arena *a, struct str path, struct str text, struct buf *errors, bool color)
{
    return config_load(a, path, text, NULL, errors, color);
}
