// SPDX-License-Identifier: ISC
/* tls-policy DOMAIN… WORD: how well the way to a domain must be protected. */
#include "config/inside.h"

static const char *const words[CONFIG_TLS_WORDS] = {"auto", "never", "opportunistic", "required", "verify", "dane"};

const char *config_tls_word_text(enum config_tls_word word)
{
    return words[word];
}

static void add(struct parser *p, const struct token *t, struct config_tls_policy policy)
{
    struct config_tls_policy **last = &p->config->tls_policies;

    for (; *last; last = &(*last)->next)
        if (str_eq((*last)->domain, policy.domain)) {
            config_complain(p, t, false, config_format(p, "%s has a tls-policy already", config_quote(p, t->text)),
                            config_format(p, "on line %u of %s: keep one of them", (*last)->line, config_quote(p, (*last)->file)),
                            NULL, NULL);
            return;
        }
    *last = arena_new(p->a, struct config_tls_policy);
    if (*last)
        **last = policy;
    else
        p->no_memory = true;
}

void config_tls_policy_directive(struct parser *p)
{
    const struct directive *self = &config_directives[DIRECTIVE_TLS_POLICY];
    const struct token *t = p->token, *last = &t[p->count - 1];
    struct config_tls_policy policy = {.word = CONFIG_TLS_AUTO, .line = t[0].line, .file = p->source->path};

    if (p->count < 3) {
        config_complain(p, last, false, S("tls-policy needs a domain and a word"),
                        S("for example: tls-policy example.org required"), self, NULL);
        return;
    }
    while (policy.word < CONFIG_TLS_WORDS && !str_eq(last->text, str_c(words[policy.word])))
        policy.word++;
    if (policy.word == CONFIG_TLS_WORDS) {
        struct str hint = config_suggest(p, last->text, words, countof(words));
        config_complain(p, last, false, config_format(p, "%s is no word of tls-policy", config_quote(p, last->text)),
                        hint.n ? hint : S("never, opportunistic, required, verify, dane or auto stands behind the domains"), self,
                        NULL);
        return;
    }
    for (uint32_t i = 1; i + 1 < p->count; i++)
        if (config_pattern(p, &t[i], self, &policy.domain))
            add(p, &t[i], policy);
}

const struct config_tls_policy *config_tls_policy_find(const struct config *c, struct str domain)
{
    const struct config_tls_policy *best = NULL;
    size_t rank = 0;

    for (const struct config_tls_policy *t = c->tls_policies; t; t = t->next)
        if (config_pattern_rank(t->domain, domain) > rank) {
            best = t;
            rank = config_pattern_rank(t->domain, domain);
        }
    return best;
}
