// SPDX-License-Identifier: ISC
/* route to DOMAIN…|* via WHERE [secret file:PATH]: where mail for a domain goes instead of to its MX. */
#include "config/inside.h"
#include "message/address.h"

static const struct directive *self(void)
{
    return &config_directives[DIRECTIVE_ROUTE];
}

static const char *no(const char **error, const char *what)
{
    *error = what;
    return NULL;
}

static bool port_of(struct str s, uint16_t *port)
{
    uint64_t v = 0;
    if (!str_to_u64(s, &v) || v < 1 || v > 65535)
        return false;
    *port = (uint16_t)v;
    return true;
}

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT, V4, V4:PORT. */
static const char *endpoint(struct arena *a, struct str s, struct config_route *r, const char **error)
{
    struct str host = s, port = STR_NONE;
    struct domain d;
    bool v6 = false;

    if (s.n && s.p[0] == '[') {
        size_t close = str_find(s, ']');
        host = str_head(str_skip(s, 1), close - 1);
        if (close == s.n || (close + 1 < s.n && s.p[close + 1] != ':'))
            return no(error, "an address in brackets ends with ] and perhaps :PORT");
        if (close + 1 < s.n)
            port = str_skip(s, close + 2);
        if (str_starts_icase(host, S("IPv6:")))
            host = str_skip(host, 5);
        if (!config_ip(host, &v6))
            return no(error, "only addresses stand in brackets");
        if (close + 1 < s.n && !port.n)
            return no(error, "a port from 1 to 65535 belongs behind the colon");
    } else {
        size_t colon = str_find(s, ':');
        if (colon != str_find_last(s, ':'))
            return no(error, "an IPv6 address is written [2001:db8::1]:25");
        host = str_head(s, colon);
        if (colon < s.n)
            port = str_skip(s, colon + 1);
        if (colon + 1 == s.n)
            return no(error, "a port from 1 to 65535 belongs behind the colon");
    }
    r->literal = config_ip(host, &v6);
    if (str_eq_icase(host, S("localhost"))) {
        r->literal = true;
        host = S("127.0.0.1");
    }
    if (!r->literal) {
        if (domain_parse(a, host, true, &d) != ADDRESS_OK || d.kind != DOMAIN_NAME)
            return no(error, "that is neither the name of a host nor an address");
        host = d.ascii;
    }
    r->host = host;
    if (port.n && !port_of(port, &r->port))
        return no(error, "a port is a number from 1 to 65535");
    return "";
}

const char *config_route_parse(struct arena *a, struct str text, struct config_route *to)
{
    const char *error = NULL;
    struct str rest = text;
    size_t scheme = str_find_str(text, S("://"));

    *to = (struct config_route){.kind = CONFIG_ROUTE_SMTP, .text = text, .port = 25};
    if (str_eq(text, S("mx"))) {
        to->kind = CONFIG_ROUTE_MX;
        to->port = 0;
        return NULL;
    }
    if (str_starts(text, S("lmtp:")) && scheme == text.n) {
        to->kind = CONFIG_ROUTE_LMTP;
        rest = str_skip(text, 5);
        if (rest.n && rest.p[0] == '/') {
            to->path = rest;
            to->port = 0;
            return rest.n > 100 ? "a socket's path has at most 100 octets" : NULL;
        }
        to->port = 24;
    } else if (scheme < text.n) {
        struct str word = str_head(text, scheme);
        rest = str_skip(text, scheme + 3);
        if (str_eq(word, S("smtps")))
            to->tls = true, to->port = 465;
        else if (str_eq(word, S("submission")))
            to->port = 587;
        else if (str_eq(word, S("lmtp")))
            to->kind = CONFIG_ROUTE_LMTP, to->port = 24;
        else if (!str_eq(word, S("smtp")))
            return "smtp://, smtps://, submission:// and lmtp: are known";
        while (rest.n && rest.p[rest.n - 1] == '/')
            rest.n--;
        size_t at = str_find_last(rest, '@');
        if (at < rest.n) {
            to->user = str_head(rest, at);
            rest = str_skip(rest, at + 1);
            if (!to->user.n || str_find(to->user, ':') < to->user.n)
                return "a password does not stand in the configuration: smtps://USER@HOST secret file:PATH";
        }
    }
    if (!rest.n)
        return "a host, an address or a path is missing";
    return endpoint(a, rest, to, &error) ? NULL : error;
}

static void add(struct parser *p, const struct token *t, const struct config_route *r)
{
    struct config_route **last = &p->config->routes;

    for (; *last; last = &(*last)->next)
        if (str_eq((*last)->domain, r->domain)) {
            config_complain(p, t, false, config_format(p, "%s has a route already", config_quote(p, t->text)),
                            config_format(p, "on line %u of %s: keep one of them", (*last)->line, config_quote(p, (*last)->file)),
                            NULL, NULL);
            return;
        }
    *last = arena_new(p->a, struct config_route);
    if (*last)
        **last = *r;
    else
        p->no_memory = true;
}

/* What stands behind the place: secret file:PATH. */
static bool options(struct parser *p, uint32_t i, struct config_route *r)
{
    static const char *const words[] = {"secret"};
    const struct token *t = p->token;

    for (; i < p->count; i += 2) {
        if (!str_eq(t[i].text, S("secret"))) {
            config_complain(p, &t[i], false, config_format(p, "unknown word %s in route", config_quote(p, t[i].text)),
                            config_suggest(p, t[i].text, words, countof(words)), self(), NULL);
            return false;
        }
        struct str path = i + 1 < p->count && str_starts(t[i + 1].text, S("file:")) ? str_skip(t[i + 1].text, 5) : STR_NONE;
        if (!path.n || path.n > 400) {
            config_complain(p, &t[i + 1 < p->count ? i + 1 : i], false, S("secret takes the file that holds the password"),
                            S("for example: secret file:/etc/penny/smarthost.secret"), self(), NULL);
            return false;
        }
        size_t slash = str_find_last(p->source->path, '/');
        if (path.p[0] != '/' && slash < p->source->path.n)
            path = config_format(p, "%.*s%.*s", (int)slash + 1, p->source->path.p, STR_ARG(path));
        r->secret = path;
    }
    return true;
}

void config_route_directive(struct parser *p)
{
    const struct token *t = p->token;
    struct config_route r;
    uint32_t via = 2;

    while (via < p->count && !str_eq(t[via].text, S("via")))
        via++;
    if (p->count < 2 || !str_eq(t[1].text, S("to")) || via < 3 || via + 1 >= p->count) {
        config_complain(p, &t[p->count > 1 ? 1 : 0], false, S("route needs a domain and where its mail goes"),
                        S("for example: route to example.org via smtp://192.0.2.1:25"), self(), NULL);
        return;
    }
    const char *error = config_route_parse(p->a, t[via + 1].text, &r);
    if (error) {
        config_complain(p, &t[via + 1], false, config_format(p, "%s leads nowhere: %s", config_quote(p, t[via + 1].text), error),
                        S("HOST, HOST:PORT, [ADDRESS]:PORT, smtp://…, smtps://USER@HOST, lmtp:/PATH, or mx"), self(), NULL);
        return;
    }
    r.line = t[0].line;
    r.file = p->source->path;
    if (!options(p, via + 2, &r))
        return;
    if (r.user.n && !r.secret.n)
        config_complain(p, &t[via + 1], false, S("a user needs a password"), S("add: secret file:PATH"), self(), NULL);
    if (r.secret.n && !r.user.n)
        config_complain(p, &t[via + 1], false, S("a secret needs a user"), S("write smtps://USER@HOST"), self(), NULL);
    for (uint32_t i = 2; i < via; i++)
        if (config_pattern(p, &t[i], self(), &r.domain))
            add(p, &t[i], &r);
}

const struct config_route *config_route_find(const struct config *c, struct str domain)
{
    const struct config_route *best = NULL;
    size_t rank = 0;

    for (const struct config_route *r = c->routes; r; r = r->next)
        if (config_pattern_rank(r->domain, domain) > rank) {
            best = r;
            rank = config_pattern_rank(r->domain, domain);
        }
    return best;
}
