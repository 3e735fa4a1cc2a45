// SPDX-License-Identifier: ISC
#include <stdlib.h>
#include "agent/account.h"
#include "os/file.h"

enum { ACCOUNTS_MAX = 1 << 20 };

static const char *accounts_path(struct agent *g)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        return agent_c(&g->a, agent_text(&g->a, "%s/penny/accounts", xdg));
    return home && *home ? agent_c(&g->a, agent_text(&g->a, "%s/.config/penny/accounts", home)) : NULL;
}

static bool endpoint_of(const struct json *j, struct endpoint *to)
{
    int64_t port = json_get_num(j, "port", 0);
    if (!j || port < 1 || port > 65535 || !str_to_c(json_get_str(j, "host"), to->host, sizeof to->host))
        return false;
    to->port = (uint16_t)port;
    to->implicit = json_get_num(j, "tls_from_start", 0) != 0;
    return true;
}

static struct account *account_of(struct agent *g, const struct json *j)
{
    struct account *a = arena_new(&g->a, struct account);
    if (!a || !json_get_str(j, "address").n)
        return NULL;
    const struct json *s = json_get(j, "submission"), *p = json_get(j, "pop3");
    a->address = json_get_str(j, "address");
    a->name = json_get_str(j, "name");
    a->login = json_get_str(j, "login");
    a->password = json_get_str(j, "password");
    a->trust_file = json_get_str(j, "trust");
    a->has_submission = endpoint_of(s, &a->submission);
    a->has_pop3 = endpoint_of(p, &a->pop3);
    a->submission_pin = s ? json_get_str(s, "certificate") : STR_NONE;
    a->pop3_pin = p ? json_get_str(p, "certificate") : STR_NONE;
    return a;
}

int agent_account_load(struct agent *g, struct account **first)
{
    struct buf b;
    struct why why = {"", ""};
    const char *path = accounts_path(g);
    struct account **last = first;
    *first = NULL;
    if (!path)
        return agent_fail(NO_INPUT, "set HOME or XDG_CONFIG_HOME", "there is no home directory to remember accounts in");
    if (!file_exists(path))
        return -1;
    buf_init(&b, ACCOUNTS_MAX);
    int status = file_read(path, ACCOUNTS_MAX, &b, &why) == DONE
                     ? -1
                     : agent_fail(NO_INPUT, NULL, "the accounts cannot be read: %s", why.text);
    struct str rest = arena_str(&g->a, buf_str(&b));
    explicit_bzero(b.p, b.p ? b.cap : 0);
    buf_free(&b);
    for (unsigned line = 1; status < 0 && rest.n; line++) {
        struct str text = str_trim(str_cut(rest, '\n', &rest));
        const struct json *j = text.n ? json_parse(&g->a, text) : NULL;
        struct account *a = j ? account_of(g, j) : NULL;
        if (text.n && !a)
            status = agent_fail(BAD_CONFIG, "delete that line, then: penny account add ADDRESS", "%s:%u: this is no account",
                                path, line);
        if (a) {
            *last = a;
            last = &a->next;
        }
    }
    return status;
}

static void endpoint_json(struct json_writer *w, const char *name, const struct endpoint *e, struct str pin)
{
    json_object(w, name);
    json_str(w, "host", str_c(e->host));
    json_num(w, "port", e->port);
    json_bool(w, "tls_from_start", e->implicit);
    if (pin.n)
        json_str(w, "certificate", pin);
    json_end(w);
}

int agent_account_save(struct agent *g, const struct account *first)
{
    struct buf b;
    struct why why = {"", ""};
    const char *path = accounts_path(g);
    if (!path)
        return agent_fail(CANNOT_CREATE, "set HOME or XDG_CONFIG_HOME", "there is no home directory to remember accounts in");
    buf_init(&b, ACCOUNTS_MAX);
    for (const struct account *a = first; a; a = a->next) {
        struct json_writer w;
        json_begin(&w, &b);
        json_object(&w, NULL);
        json_str(&w, "address", a->address);
        if (a->name.n)
            json_str(&w, "name", a->name);
        if (a->login.n)
            json_str(&w, "login", a->login);
        if (a->password.n)
            json_str(&w, "password", a->password);
        if (a->trust_file.n)
            json_str(&w, "trust", a->trust_file);
        if (a->has_submission)
            endpoint_json(&w, "submission", &a->submission, a->submission_pin);
        if (a->has_pop3)
            endpoint_json(&w, "pop3", &a->pop3, a->pop3_pin);
        json_end(&w);
        buf_add_byte(&b, '\n');
    }
    struct str folder = str_c(path);
    folder = str_head(folder, str_find_last(folder, '/'));
    bool ok = !b.full && file_make_dirs(agent_c(&g->a, folder), 0700, &why) == DONE &&
              file_write(path, buf_str(&b), 0600, &why) == DONE;
    explicit_bzero(b.p, b.p ? b.cap : 0);
    buf_free(&b);
    return ok ? -1 : agent_fail(CANNOT_CREATE, NULL, "the account cannot be remembered: %s", why.text);
}

int account_choose(struct agent *g, struct account *to)
{
    struct account *first;
    const char *wanted = agent_option(g, OPTION_ACCOUNT);
    int status = agent_account_load(g, &first);
    if (status >= 0)
        return status;
    struct account *a = first;
    while (a && wanted && !str_eq_icase(a->address, str_c(wanted)))
        a = a->next;
    if (a) {
        *to = *a;
        return -1;
    }
    if (wanted)
        return agent_fail(BAD_USAGE, "penny account ls shows those that are", "no account %s is remembered", wanted);
    return agent_fail(
        BAD_CONFIG,
        "remember one: penny account add you@example.org --submission HOST --pop3 HOST\non the server's own machine: --as USER",
        "no account is remembered");
}

int account_password(struct agent *g, struct account *a)
{
    struct buf b;
    if (a->password.n)
        return -1;
    buf_init(&b, CONTROL_SECRET_MAX);
    if (!file_is_terminal(0))
        return agent_fail(BAD_DATA, "let it be remembered: penny account add",
                          "the password of %.*s is not kept, and there is no terminal to ask on", STR_ARG(a->address));
    int status = agent_secret(g, agent_c(&g->a, agent_text(&g->a, "password for %.*s: ", STR_ARG(a->address))), false, &b);
    if (status < 0)
        a->password = arena_str(&g->a, buf_str(&b));
    buf_free(&b);
    return status;
}

struct trust account_trust(struct agent *g, struct str pin, struct str file)
{
    struct trust t = {.insecure = agent_has(g, OPTION_INSECURE)};
    const char *named = agent_option(g, OPTION_TRUST);
    (void)str_to_c(pin, t.pinned, sizeof t.pinned);
    t.file = named ? named : file.n ? agent_c(&g->a, file) : NULL;
    if (named)
        t.pinned[0] = 0;
    return t;
}

int account_failed(struct agent *g, const struct net_host *h, const struct endpoint *to, int status)
{
    if (h->trust->refused && h->trust->ask)
        return NOT_ALLOWED;
    if (h->trust->refused)
        return agent_fail(
            NOT_ALLOWED,
            agent_c(&g->a, agent_text(&g->a,
                                      "if that is right: penny account add ADDRESS … --trust-this-certificate\nor name the "
                                      "authority: --trust FILE; or look away this once: --insecure\nSHA-256 %s",
                                      h->trust->seen)),
            "%s:%u: %s", to->host, to->port, h->why.text);
    return agent_fail(status, NULL, "%s:%u: %s", to->host, to->port,
                      h->why.text[0] ? h->why.text : "the connection ended too early");
}
