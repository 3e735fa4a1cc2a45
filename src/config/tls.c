// SPDX-License-Identifier: ISC
/* tls cert FILE key FILE. The files are read by the process that may; here they are names, made whole against the file that says
 * them. */
#include "config/inside.h"

static struct str path_of(struct parser *p, struct str path)
{
    size_t slash = str_find_last(p->source->path, '/');
    if ((path.n && path.p[0] == '/') || slash == p->source->path.n)
        return path;
    return config_format(p, "%.*s%.*s", (int)slash + 1, p->source->path.p, STR_ARG(path));
}

void config_tls_directive(struct parser *p)
{
    const struct directive *self = &config_directives[DIRECTIVE_TLS];
    static const char *const words[] = {"cert", "key"};
    struct str value[2] = {STR_NONE, STR_NONE};
    for (uint32_t i = 1; i < p->count; i += 2) {
        size_t w = 0;
        while (w < countof(words) && !str_eq(p->token[i].text, str_c(words[w])))
            w++;
        if (w == countof(words)) {
            config_complain(p, &p->token[i], false, config_format(p, "unknown word %s in tls", config_quote(p, p->token[i].text)),
                            config_suggest(p, p->token[i].text, words, countof(words)), self, NULL);
            return;
        }
        if (i + 1 == p->count) {
            config_complain(p, &p->token[i], false, config_format(p, "%s needs a file", words[w]), STR_NONE, self, NULL);
            return;
        }
        if (value[w].n) {
            config_complain(p, &p->token[i], false, config_format(p, "a second %s in one tls line", words[w]),
                            S("one tls line for each certificate"), self, NULL);
            return;
        }
        if (p->token[i + 1].text.n == 0 || p->token[i + 1].text.n > 400) {
            config_complain(p, &p->token[i + 1], false, S("this is no file name"), S("a path of at most 400 octets"), self, NULL);
            return;
        }
        value[w] = path_of(p, p->token[i + 1].text);
    }
    if (!value[0].n || !value[1].n) {
        config_complain(p, &p->token[0], false,
                        config_format(p, "tls needs %s",
                                      value[0].n   ? "the key, too"
                                      : value[1].n ? "the certificate, too"
                                                   : "a certificate and its key"),
                        S("tls cert FILE key FILE"), self, NULL);
        return;
    }
    struct config_tls **last = &p->config->tls, *t = arena_new(p->a, struct config_tls);
    if (!t) {
        p->no_memory = true;
        return;
    }
    *t = (struct config_tls){value[0], value[1], p->token[0].line, p->source->path, NULL};
    while (*last)
        last = &(*last)->next;
    *last = t;
}
