// SPDX-License-Identifier: ISC
#pragma once
#include "config/config.h"

/* ---- the words of the language ---- */

enum setting_kind {
    SETTING_SIZE,
    SETTING_COUNT,
    SETTING_DURATION,
    SETTING_SECONDS,
    SETTING_CHOICE,
    SETTING_LEVEL,
    SETTING_CHAR,
    SETTING_HOST,
    SETTING_ADDRESS,
    SETTING_NAME,
    SETTING_PATH
};

struct setting {
    const char *word;
    enum setting_kind kind;
    size_t offset;         /* of the member in struct config */
    const char *otherwise; /* the default, as it would be written */
    uint64_t min, max;     /* in the member's own unit */
    const char *syntax, *help, *example;
};
extern const struct setting config_settings[CONFIG_SETTING_COUNT];

struct parser;
struct directive {
    const char *word, *block; /* block: NULL at the top, else the word whose { } it stands in */
    void (*parse)(struct parser *p);
    const char *syntax, *help, *example;
};
enum config_directive_id {
#define DIRECTIVE(id, ...) DIRECTIVE_##id,
#include "config/directives.def"
#undef DIRECTIVE
    DIRECTIVE_COUNT
};
extern const struct directive config_directives[DIRECTIVE_COUNT];

/* ---- source text ---- */

struct source {
    struct str path, text;
    uint32_t depth;
};

struct token {
    struct str text; /* without quotes and escapes */
    uint32_t line;
    size_t at, length; /* where it stands in the source text, with its quotes */
    bool quoted;
};
enum statement_end { END_LINE, END_OPEN, END_CLOSE, END_TEXT };

struct complaint {
    struct config_complaint c;
    const struct source *source;
    size_t at;               /* offset in the source text */
    const char *usage, *key; /* syntax line, and the word for "penny config explain" */
};

enum { TOKENS_MAX = 16384, COMPLAINTS_MAX = 100, SUGGEST_MAX = 128 };

struct parser {
    struct arena *a;
    struct config *config;
    const struct config_reader *reader;
    const struct source *source;
    size_t at; /* next byte of the source text */
    uint32_t line;
    struct token *token; /* of the statement in work */
    uint32_t count;
    enum statement_end end;
    struct token brace;                /* what ended the statement */
    struct config_domain *domain;      /* whose block is open */
    struct config_domain *last_domain; /* of the statement before: its { may stand on the next line */
    struct token opened;               /* the { of the open block */
    uint32_t files;
    struct complaint *complaint;
    uint32_t complaints, errors, dropped;
    bool no_memory;
};

/* lex.c: reads the tokens of one statement into p->token. */
void config_statement(struct parser *p);
/* Skips a block that was opened by the last statement. */
void config_skip_block(struct parser *p);

/* complain.c: text and hint may hold the file's own words: quoted with config_quote. usage_of may be NULL. */
void config_complain(struct parser *p, const struct token *where, bool warning, struct str text, struct str hint,
                     const struct directive *d, const struct setting *s);
struct str config_format(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The word in single quotes, cut at 60 octets and made printable, NUL-terminated, in the arena. */
const char *config_quote(struct parser *p, struct str word);
void config_complaints_print(struct parser *p, struct buf *to, bool color);

/* value.c */
enum value_error { VALUE_OK, VALUE_SYNTAX, VALUE_UNIT, VALUE_LARGE };
enum value_error config_size(struct str s, uint64_t *to);     /* 500, 64K, 50M, 5G, 1T; optional B */
enum value_error config_duration(struct str s, uint64_t *ms); /* 500ms 30s 5m 2h 30d 1w, 1h30m */
void config_size_print(struct buf *to, uint64_t v);           /* the shortest exact form */
void config_duration_print(struct buf *to, uint64_t ms);
bool config_ip(struct str s, bool *v6);

/* settings.c */
void config_setting_parse(struct parser *p, const struct setting *s, enum config_setting_id id);
bool config_setting_set(struct parser *p, struct config *c, const struct setting *s, struct str value, struct str *error,
                        struct str *hint);
bool config_defaults(struct arena *a, struct config *c);
void config_setting_print(const struct config *c, const struct setting *s, struct buf *to);
/* The nth word of alternatives "a|b|c"; empty behind the last. */
struct str config_alternative(const char *syntax, size_t n);
bool config_listens_default(struct arena *a, struct config *c);

/* index.c: named points at the name that a thing begins with. False: no memory. */
bool config_index_add(struct arena *a, struct config_index *x, const struct str *named);
const struct str *config_index_find(const struct config_index *x, struct str name);

/* suggest.c: "did you mean 'x' or 'y'?" or what a word of another mailer is called here; empty. */
struct str config_suggest(struct parser *p, struct str word, const char *const *words, size_t count);
const char *config_synonym(struct str word);                            /* NULL: unknown elsewhere, too */
size_t config_words(const char *block, const char *words[SUGGEST_MAX]); /* of the top (NULL) or of a block */

/* pattern.c: DOMAIN, *.DOMAIN or * as A-labels; false: complained. */
bool config_pattern(struct parser *p, const struct token *t, const struct directive *self, struct str *name);
/* 0: does not speak of domain; the larger, the better: "*", "*.example", "*.a.example", the name itself. */
size_t config_pattern_rank(struct str pattern, struct str domain);

/* One file for each directive. */
void config_domain_directive(struct parser *p);
void config_alias_directive(struct parser *p);
void config_quota_directive(struct parser *p);
void config_listen_directive(struct parser *p);
void config_tls_directive(struct parser *p);
void config_tls_policy_directive(struct parser *p);
void config_dns_directive(struct parser *p);
void config_route_directive(struct parser *p);
void config_relay_directive(struct parser *p);
void config_include_directive(struct parser *p);
void config_parse_source(struct parser *p, const struct source *s);
