// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "config/config.h"

static const struct config *parse(struct arena *a, const char *text, struct buf *errors)
{
    arena_init(a, CONFIG_ARENA);
    buf_init(errors, CONFIG_ERRORS_MAX);
    return config_parse(a, S("penny.conf"), str_c(text), errors, false);
}

TEST(the_nearest_line_speaks)
{
    struct arena a, b;
    struct buf errors, shown;
    const struct config *c = parse(&a,
                                   "tls-policy * required\ntls-policy a.test B\xc3\xbc"
                                   "cher.example dane\ntls-policy *.corp.example verify\n"
                                   "tls-policy *.old.corp.example never\ntls-policy x.old.corp.example auto\n",
                                   &errors);
    static const struct {
        const char *domain;
        enum config_tls_word word;
        uint32_t line;
    } want[] = {
        {"a.test", CONFIG_TLS_DANE, 2},
        {"A.TEST", CONFIG_TLS_DANE, 2},
        {"xn--bcher-kva.example", CONFIG_TLS_DANE, 2},
        {"b.test", CONFIG_TLS_REQUIRED, 1},
        {"corp.example", CONFIG_TLS_REQUIRED, 1},
        {"m.corp.example", CONFIG_TLS_VERIFY, 3},
        {"old.corp.example", CONFIG_TLS_VERIFY, 3},
        {"y.old.corp.example", CONFIG_TLS_NEVER, 4},
        {"x.old.corp.example", CONFIG_TLS_AUTO, 5},
        {"sub.a.test", CONFIG_TLS_REQUIRED, 1},
        {"[192.0.2.1]", CONFIG_TLS_REQUIRED, 1},
        {"xcorp.example", CONFIG_TLS_REQUIRED, 1},
    };
    CHECK_STR(buf_str(&errors), S(""));
    for (size_t i = 0; c && i < countof(want); i++) {
        const struct config_tls_policy *t = config_tls_policy_find(c, str_c(want[i].domain));
        CHECK(t && t->word == want[i].word && t->line == want[i].line);
    }
    /* what is shown can be read again */
    buf_init(&shown, 1 << 16);
    CHECK(c && config_show(c, S("tls-policy"), &shown));
    buf_add_byte(&shown, 0);
    struct buf more;
    const struct config *again = parse(&b, shown.p, &more);
    CHECK(again && config_tls_policy_find(again, S("y.old.corp.example"))->word == CONFIG_TLS_NEVER);
    buf_clear(&shown);
    if (c)
        config_show_json(c, &shown);
    CHECK(
        str_find_str(buf_str(&shown),
                     S("\"key\":\"tls-policy\",\"domain\":\"a.test\",\"value\":\"dane\",\"source\":\"penny.conf\",\"line\":2}")) <
        shown.n);
    buf_free(&shown);
    buf_free(&errors);
    buf_free(&more);
    arena_clear(&a);
    arena_clear(&b);
    c = parse(&a, "", &errors);
    CHECK(c && !config_tls_policy_find(c, S("a.test")));
    arena_clear(&a);
    buf_free(&errors);
}

TEST(what_is_wrong_with_a_line)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"tls-policy\n", "tls-policy needs a domain and a word"},
        {"tls-policy a.test\n", "tls-policy needs a domain and a word"},
        {"tls-policy required\n", "tls-policy needs a domain and a word"},
        {"tls-policy a.test requird\n", "did you mean 'required'"},
        {"tls-policy a.test b.test\n", "'b.test' is no word of tls-policy"},
        {"tls-policy a..test dane\n", "is not a domain name"},
        {"tls-policy *x.test dane\n", "is not a domain name"},
        {"tls-policy a.test dane\ntls-policy A.test never\n", "has a tls-policy already"},
        {"tls-policy * dane\ntls-policy * never\n", "has a tls-policy already"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        struct buf errors;
        CHECK(!parse(&a, cases[i].text, &errors));
        bool says = str_find_str(buf_str(&errors), str_c(cases[i].says)) < errors.n;
        CHECK(says);
        if (!says)
            fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
        buf_free(&errors);
        arena_clear(&a);
    }
    for (int w = 0; w < CONFIG_TLS_WORDS; w++)
        CHECK(config_tls_word_text((enum config_tls_word)w)[0]);
}
