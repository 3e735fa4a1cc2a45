// SPDX-License-Identifier: ISC
/* penny account add|ls|rm */
#include "agent/mailer.h"
#include "message/address.h"
#include "os/file.h"

static int log_in(struct agent *g, struct account *a, bool pop3, struct trust *t)
{
    struct submission nothing = {.message = NULL};
    struct pop3_work none = {.choose = NULL};
    return pop3 ? pop3_run(g, a, t, &none) : submit(g, a, t, &nothing);
}

/* Logs in once; asks about a certificate that nobody vouches for. The pin, if one is needed, is set. -1: fine. */
static int try_end(struct agent *g, struct account *a, bool pop3)
{
    struct endpoint *to = pop3 ? &a->pop3 : &a->submission;
    endpoint_probe(to);
    struct trust t = account_trust(g, STR_NONE, a->trust_file);
    t.learn = agent_has(g, OPTION_TRUST_SEEN);
    t.ask = file_is_terminal(0);
    int status = log_in(g, a, pop3, &t);
    if (t.refused && t.ask) {
        fprintf(stderr, "%s:%u shows a certificate that no authority known here vouches for:\n   SHA-256 %s\n", to->host,
                to->port, t.seen);
        if (!agent_ask(g, "trust it from now on, and only it?"))
            return agent_fail(NOT_ALLOWED, NULL, "the account was not remembered");
        t = (struct trust){.learn = true};
        status = log_in(g, a, pop3, &t);
    }
    if (status < 0 && t.learn && pop3)
        a->pop3_pin = arena_str(&g->a, str_c(t.seen));
    if (status < 0 && t.learn && !pop3)
        a->submission_pin = arena_str(&g->a, str_c(t.seen));
    return status;
}

static int endpoints(struct agent *g, struct account *a)
{
    const char *submission = agent_option(g, OPTION_SUBMISSION), *pop3 = agent_option(g, OPTION_POP3);
    if (!submission && !pop3)
        return agent_fail(BAD_USAGE, "penny account add ADDRESS --submission HOST --pop3 HOST",
                          "where does this address send and read?");
    if (submission && !endpoint_parse(str_c(submission), 587, 465, &a->submission))
        return agent_fail(BAD_USAGE, "HOST, HOST:PORT, [IPV6]:PORT or submissions://HOST", "'%s' is not a server", submission);
    if (pop3 && !endpoint_parse(str_c(pop3), 110, 995, &a->pop3))
        return agent_fail(BAD_USAGE, "HOST, HOST:PORT, [IPV6]:PORT or pop3s://HOST", "'%s' is not a server", pop3);
    a->has_submission = submission != NULL;
    a->has_pop3 = pop3 != NULL;
    return -1;
}

int agent_do_account_add(struct agent *g)
{
    struct account *first, a = {.address = str_c(g->arg[0])};
    struct address adr;
    struct buf secret;
    const char *login = agent_option(g, OPTION_LOGIN), *name = agent_option(g, OPTION_NAME),
               *trust = agent_option(g, OPTION_TRUST);
    enum address_error e = address_parse(&g->a, a.address, true, &adr);
    if (e != ADDRESS_OK)
        return agent_fail(BAD_USAGE, "a whole address like alice@example.org", "'%s': %s", g->arg[0], address_error_text(e));
    int status = endpoints(g, &a);
    if (status < 0)
        status = agent_account_load(g, &first);
    if (status >= 0)
        return status;
    a.login = login ? str_c(login) : STR_NONE;
    a.name = name ? str_c(name) : STR_NONE;
    a.trust_file = trust ? str_c(trust) : STR_NONE;
    buf_init(&secret, CONTROL_SECRET_MAX);
    status = agent_secret(g, agent_c(&g->a, agent_text(&g->a, "password for %s: ", g->arg[0])), false, &secret);
    a.password = arena_str(&g->a, buf_str(&secret));
    explicit_bzero(secret.p, secret.p ? secret.cap : 0);
    buf_free(&secret);
    if (status < 0 && a.has_submission)
        status = try_end(g, &a, false);
    if (status < 0 && a.has_pop3)
        status = try_end(g, &a, true);
    if (status >= 0)
        return status;
    if (agent_has(g, OPTION_NO_PASSWORD))
        a.password = STR_NONE;
    struct account **at = &first;
    while (*at && !str_eq_icase((*at)->address, a.address))
        at = &(*at)->next;
    a.next = *at ? (*at)->next : NULL;
    *at = &a;
    if (!g->dry_run)
        status = agent_account_save(g, first);
    if (status < 0)
        agent_note(g, "%s is remembered: penny send, ls, read and save use it", g->arg[0]);
    return status < 0 ? DONE_OK : status;
}

static const struct column columns[] = {
    {"ACCOUNT", false, true}, {"SENDS BY", false, true}, {"READS BY", false, true}, {"PASSWORD", false, false}};

static struct str endpoint_text(struct agent *g, bool has, const struct endpoint *e)
{
    return has ? agent_text(&g->a, "%s:%u %s", e->host, e->port, e->implicit ? "TLS" : "STARTTLS") : S("-");
}

int agent_do_account_ls(struct agent *g)
{
    struct account *first;
    struct table t;
    int status = agent_account_load(g, &first);
    if (status >= 0)
        return status;
    table_init(&t, columns, countof(columns));
    for (const struct account *a = first; a; a = a->next) {
        struct str cells[] = {a->address, endpoint_text(g, a->has_submission, &a->submission),
                              endpoint_text(g, a->has_pop3, &a->pop3), a->password.n ? S("kept") : S("asked for")};
        table_add(g, &t, NULL, cells);
        if (g->json) {
            struct buf b;
            struct json_writer w;
            buf_init(&b, 4096);
            json_begin(&w, &b);
            json_object(&w, NULL);
            json_num(&w, "v", 1);
            json_str(&w, "address", a->address);
            json_str(&w, "submission", cells[1]);
            json_str(&w, "pop3", cells[2]);
            json_bool(&w, "password_kept", a->password.n > 0);
            json_end(&w);
            agent_print_raw(buf_str(&b));
            putchar('\n');
            buf_free(&b);
        }
    }
    if (!g->json)
        table_print(g, &t);
    if (!first)
        agent_note(g, "no account is remembered: penny account add you@example.org --submission HOST --pop3 HOST");
    return agent_flush(DONE_OK);
}

int agent_do_account_rm(struct agent *g)
{
    struct account *first, **at = &first;
    int status = agent_account_load(g, &first);
    if (status >= 0)
        return status;
    while (*at && !str_eq_icase((*at)->address, str_c(g->arg[0])))
        at = &(*at)->next;
    if (!*at)
        return agent_fail(ANSWER_NO, "penny account ls shows those that are", "no account %s is remembered", g->arg[0]);
    *at = (*at)->next;
    status = g->dry_run ? -1 : agent_account_save(g, first);
    return status < 0 ? DONE_OK : status;
}
