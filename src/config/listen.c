// SPDX-License-Identifier: ISC
/* listen KIND WHERE… */
#include "config/inside.h"

static const struct {
    const char *word;
    uint16_t port;
} kinds[LISTEN_KIND_COUNT] = {
    [LISTEN_SMTP] = {"smtp", 25},
    [LISTEN_SUBMISSION] = {"submission", 587},
    [LISTEN_SUBMISSIONS] = {"submissions", 465},
    [LISTEN_LMTP] = {"lmtp", 0},
    [LISTEN_POP3] = {"pop3", 110},
    [LISTEN_POP3S] = {"pop3s", 995},
};
const char *config_listen_word(enum listen_kind k)
{
    return k < LISTEN_KIND_COUNT ? kinds[k].word : "?";
}
uint16_t config_listen_port(enum listen_kind k)
{
    return k < LISTEN_KIND_COUNT ? kinds[k].port : 0;
}

static const struct directive *self(void)
{
    return &config_directives[DIRECTIVE_LISTEN];
}

static bool append(struct arena *a, struct config *c, const struct config_listen *l)
{
    struct config_listen **last = &c->listens, *copy = arena_new(a, struct config_listen);
    if (!copy)
        return false;
    *copy = *l;
    while (*last)
        last = &(*last)->next;
    *last = copy;
    return true;
}

bool config_listens_default(struct arena *a, struct config *c)
{
    static const enum listen_kind usual[] = {LISTEN_SMTP, LISTEN_SUBMISSION, LISTEN_SUBMISSIONS, LISTEN_POP3, LISTEN_POP3S};
    for (size_t i = 0; i < countof(usual); i++) {
        struct config_listen l = {.kind = usual[i], .host = S("*"), .port = kinds[usual[i]].port, .file = S("")};
        if (!append(a, c, &l))
            return false;
    }
    return true;
}

static bool bad(struct parser *p, const struct token *t, const char *what, struct str hint)
{
    config_complain(p, t, false, config_format(p, "%s %s", config_quote(p, t->text), what), hint, self(), NULL);
    return false;
}

static bool port_of(struct str s, uint16_t *port)
{
    uint64_t v = 0;
    if (!str_to_u64(s, &v) || v > 65535)
        return false;
    *port = (uint16_t)v;
    return true;
}

static bool host_of(struct parser *p, const struct token *t, struct str host, struct str *to)
{
    bool v6 = false;
    if (str_eq(host, S("*")) || host.n == 0)
        *to = S("*");
    else if (str_eq_icase(host, S("localhost")))
        *to = S("127.0.0.1");
    else if (config_ip(host, &v6) && !v6)
        *to = host;
    else
        return bad(p, t, "does not begin with an address of this machine", S("127.0.0.1:2525, [::1]:2525, *:25 or 25"));
    return true;
}

/* PORT, HOST:PORT, HOST, [V6]:PORT, [V6]. */
static bool where(struct parser *p, const struct token *t, struct config_listen *l)
{
    struct str s = t->text, host = s, port = STR_NONE;
    bool v6 = false;
    l->port = kinds[l->kind].port;
    if (s.n && s.p[0] == '[') {
        size_t close = str_find(s, ']');
        if (close == s.n || (close + 1 < s.n && s.p[close + 1] != ':'))
            return bad(p, t, "is not an address", S("an IPv6 address is written [::1]:25"));
        host = str_head(str_skip(s, 1), close - 1);
        port = str_skip(s, close + 2);
        if (!config_ip(host, &v6) || !v6)
            return bad(p, t, "holds no IPv6 address", S("an IPv6 address is written [::1]:25"));
        l->host = host;
    } else if (str_find(s, ':') != str_find_last(s, ':')) {
        return bad(p, t, "has more than one colon", S("write an IPv6 address as [::1]:25"));
    } else {
        size_t colon = str_find(s, ':');
        if (colon < s.n)
            host = str_head(s, colon), port = str_skip(s, colon + 1);
        else if (s.n && str_find(s, '.') == s.n && ascii_is_digit(s.p[0]))
            host = S("*"), port = s;
        if (!host_of(p, t, host, &l->host))
            return false;
        if (colon + 1 == s.n)
            return bad(p, t, "lacks its port", S("a number behind the colon"));
    }
    if (port.n && !port_of(port, &l->port))
        return bad(p, t, "has no port from 0 to 65535", S("0 takes any free port"));
    if (!port.n && !l->port)
        return bad(p, t, "lacks its port", S("lmtp has no port of its own: write ADDRESS:PORT or a path"));
    return true;
}

static void one(struct parser *p, enum listen_kind kind, const struct token *t)
{
    struct config_listen l = {.kind = kind, .line = t->line, .file = p->source->path};
    if (t->text.n && t->text.p[0] == '/') {
        if (kind != LISTEN_LMTP) {
            bad(p, t, "is a path", S("only lmtp listens on a path"));
            return;
        }
        if (t->text.n > 100) {
            bad(p, t, "is too long for a socket", S("at most 100 octets"));
            return;
        }
        l.host = t->text;
    } else if (!where(p, t, &l)) {
        return;
    }
    for (const struct config_listen *o = p->config->listens; o; o = o->next)
        if (o->port == l.port && str_eq(o->host, l.host) && (l.port || l.host.p[0] == '/')) {
            config_complain(p, t, false,
                            config_format(p, "%s is already taken by listen %s", config_quote(p, t->text), kinds[o->kind].word),
                            config_format(p, "on line %u of %s", o->line, config_quote(p, o->file)), NULL, NULL);
            return;
        }
    if (!append(p->a, p->config, &l))
        p->no_memory = true;
}

void config_listen_directive(struct parser *p)
{
    const char *words[LISTEN_KIND_COUNT];
    size_t kind = 0;
    if (p->count == 1) {
        config_complain(p, &p->token[0], false, S("listen needs a protocol"), S("for example: listen smtp 127.0.0.1:2525"),
                        self(), NULL);
        return;
    }
    for (size_t i = 0; i < LISTEN_KIND_COUNT; i++)
        words[i] = kinds[i].word;
    while (kind < LISTEN_KIND_COUNT && !str_eq(p->token[1].text, str_c(words[kind])))
        kind++;
    if (kind == LISTEN_KIND_COUNT) {
        struct str hint = config_suggest(p, p->token[1].text, words, LISTEN_KIND_COUNT);
        if (str_eq_icase(p->token[1].text, S("smtps")))
            hint = S("that is called submissions");
        else if (p->token[1].text.n &&
                 (ascii_is_digit(p->token[1].text.p[0]) || p->token[1].text.p[0] == '[' || p->token[1].text.p[0] == '*'))
            hint = S("the protocol comes first: listen smtp 192.0.2.1:25");
        config_complain(p, &p->token[1], false,
                        config_format(p, "%s is no protocol of this server", config_quote(p, p->token[1].text)), hint, self(),
                        NULL);
        return;
    }
    for (uint32_t i = 2; i < p->count; i++)
        one(p, (enum listen_kind)kind, &p->token[i]);
    if (p->count == 2) {
        struct token here = p->token[1];
        here.text = S("*");
        one(p, (enum listen_kind)kind, &here);
    }
}
