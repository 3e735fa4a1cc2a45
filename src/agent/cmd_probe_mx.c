// SPDX-License-Identifier: ISC
/* penny probe mx DOMAIN: which hosts take its mail, as the relay would find them: addresses, DNSSEC, DANE. Asks the DNS itself; no server need run. */
#include "agent/resolve.h"

static int status_of(const struct relay_mx *m)
{
    return m->outcome == DONE ? DONE_OK : m->outcome == REFUSE ? ANSWER_NO : TRY_LATER;
}

static const char *outcome_text(enum outcome o)
{
    return o == DONE ? "done" : o == REFUSE ? "refuse" : "retry";
}

static void host_json(const struct relay_mx_host *h, struct json_writer *w)
{
    json_object(w, NULL);
    json_num(w, "preference", h->preference);
    json_str(w, "host", h->name);
    json_str(w, "canonical", h->canonical);
    json_str(w, "state", str_c(relay_mx_host_text(h->state)));
    json_array(w, "addresses");
    for (size_t i = 0; i < h->address_count; i++)
        json_str(w, NULL, str_c(dns_ip_text(&h->addresses[i]).c));
    json_end(w);
    json_bool(w, "secure", h->secure && h->state == RELAY_HOST_READY);
    json_str(w, "dane", str_c(dane_status_text(h->dane.status)));
    json_str(w, "tlsa_base", h->dane.base);
    json_num(w, "tlsa_usable", (int64_t)h->dane.count);
    if (h->why.text[0] || h->dane.status == DANE_FAILED) {
        const struct why *why = h->why.text[0] ? &h->why : &h->dane.why;
        json_str(w, "status", str_c(why->status));
        json_str(w, "why", str_c(why->text));
    }
    json_end(w);
}

static void print_json(const struct relay_mx *m, const char *resolver)
{
    struct json_writer w;
    struct buf b;
    buf_init(&b, 1 << 20);
    json_begin(&w, &b);
    json_object(&w, NULL);
    json_num(&w, "v", 1);
    json_str(&w, "domain", m->domain);
    json_str(&w, "canonical", m->canonical);
    json_str(&w, "outcome", str_c(outcome_text(m->outcome)));
    if (m->outcome != DONE) {
        json_str(&w, "status", str_c(m->why.status));
        json_str(&w, "why", str_c(m->why.text));
    }
    json_bool(&w, "mx_secure", m->mx_secure);
    json_bool(&w, "implicit", m->implicit);
    json_str(&w, "site", str_c(m->site));
    if (m->ttl_s != UINT32_MAX)
        json_num(&w, "ttl", m->ttl_s);
    json_str(&w, "resolver", str_c(resolver));
    json_array(&w, "hosts");
    for (size_t i = 0; i < m->host_count; i++)
        host_json(&m->hosts[i], &w);
    json_end(&w);
    json_end(&w);
    buf_add_byte(&b, '\n');
    agent_print_raw(buf_str(&b));
    buf_free(&b);
}

static struct str dane_cell(struct agent *g, const struct relay_mx_host *h)
{
    if (h->dane.base.n == 0)
        return str_c(h->dane.status == DANE_ABSENT ? "-" : dane_status_text(h->dane.status));
    return agent_text(&g->a, "%s at %.*s", dane_status_text(h->dane.status), STR_ARG(h->dane.base));
}

static void add_host(struct agent *g, struct table *t, const struct relay_mx_host *h)
{
    bool ready = h->state == RELAY_HOST_READY;
    struct str preference = agent_text(&g->a, "%u", h->preference), name = h->name;
    if (!str_eq(h->canonical, h->name))
        name = agent_text(&g->a, "%.*s = %.*s", STR_ARG(h->name), STR_ARG(h->canonical));
    const char *paint = ready ? NULL : agent_paint(g, "\033[33m");
    if (!ready) {
        struct str what = h->why.text[0] ? agent_text(&g->a, "%s %s", h->why.status, h->why.text) : str_c(h->state == RELAY_HOST_OWN ? "this machine" : "not tried");
        table_add(g, t, paint, (struct str[]){preference, name, what, S("-"), S("-")});
        return;
    }
    for (size_t i = 0; i < h->address_count; i++) {
        struct str address = arena_str(&g->a, str_c(dns_ip_text(&h->addresses[i]).c));
        if (i == 0)
            table_add(g, t, paint, (struct str[]){preference, name, address, str_c(h->secure ? "yes" : "no"), dane_cell(g, h)});
        else
            table_add(g, t, paint, (struct str[]){S(""), S(""), address, S(""), S("")});
    }
}

static void print_table(struct agent *g, const struct relay_mx *m)
{
    static const struct column columns[] = {{"pref", true, false}, {"host", false, true}, {"address", false, true}, {"dnssec", false, false}, {"dane", false, true}};
    struct table t;
    agent_print(m->domain);
    if (!str_eq(m->canonical, m->domain)) {
        printf(" = ");
        agent_print(m->canonical);
    }
    printf(": %s, %s\n", m->implicit ? "no MX, so the domain is its own host" : m->host_count ? "MX" : "no MX", m->mx_secure ? "proved by DNSSEC" : "not proved by DNSSEC");
    if (m->host_count) {
        table_init(&t, columns, countof(columns));
        for (size_t i = 0; i < m->host_count; i++)
            add_host(g, &t, &m->hosts[i]);
        table_print(g, &t);
    }
    if (m->cut)
        agent_note(g, "there are more hosts than are looked at");
    if (m->outcome != DONE) {
        printf("%s: %s ", m->outcome == REFUSE ? "refused" : "to be tried again", m->why.status);
        agent_print(str_c(m->why.text));
        putchar('\n');
    }
}

int agent_do_probe_mx(struct agent *g)
{
    struct relay_mx_settings settings;
    struct str typed = str_c(g->arg[0]), name = str_skip(typed, str_find_last(typed, '@') < typed.n ? str_find_last(typed, '@') + 1 : 0);
    struct domain domain;
    struct relay_mx m;
    enum address_error wrong = domain_parse(&g->a, name, true, &domain);
    if (wrong != ADDRESS_OK)
        return agent_fail(BAD_USAGE, "penny probe mx example.org", "'%s' is no domain: %s", g->arg[0], address_error_text(wrong));
    int status = agent_config(g);
    if (status < 0)
        status = agent_mx_settings(g, &settings);
    if (status >= 0)
        return status;
    struct dns_resolver *r = agent_resolver(g, &status);
    if (!r)
        return status;
    relay_mx_init(&m, &g->a, &settings, &domain);
    agent_resolve_mx(r, &m, true);
    if (g->json)
        print_json(&m, dns_resolver_text(r));
    else if (g->quiet)
        for (size_t i = 0; i < m.host_count; i++) {
            agent_print(m.hosts[i].name);
            putchar('\n');
        }
    else {
        agent_note(g, "(%s)", dns_resolver_text(r));
        print_table(g, &m);
    }
    dns_resolver_free(r);
    return agent_flush(status_of(&m));
}
