// SPDX-License-Identifier: ISC
#include "agent/resolve.h"
#include "base/check.h"
#include "base/clock.h"
#include "os/file.h"
#include "os/net.h"
#include "os/process.h"
#include "relay/mx_config.h"

enum { DNS_FILE_MAX = 65536, OWN_MAX = 256 };

static bool read_whole(struct agent *g, const char *path, struct str *text, struct why *why)
{
    struct buf b;
    buf_init(&b, DNS_FILE_MAX);
    bool ok = file_read(path, DNS_FILE_MAX, &b, why) == DONE;
    *text = ok ? arena_str(&g->a, buf_str(&b)) : STR_NONE;
    buf_free(&b);
    return ok;
}

struct dns_resolver *agent_resolver(struct agent *g, int *status)
{
    struct dns_settings settings;
    struct str resolv_conf, anchors = STR_NONE;
    struct why why = {0};
    (void)read_whole(g, "/etc/resolv.conf", &resolv_conf, &why); /* none: from the root down */
    *status = BAD_CONFIG;
    if (g->config->dns_anchor.n > 0 && !read_whole(g, agent_c(&g->a, g->config->dns_anchor), &anchors, &why)) {
        agent_fail(*status, "the file that dns anchor names in the configuration", "%s", why.text);
        return NULL;
    }
    struct dns_resolver *r = NULL;
    if (relay_dns_settings(&g->a, g->config, resolv_conf, anchors, &settings))
        r = dns_resolver_new(&settings, &why);
    if (!r)
        agent_fail(*status, NULL, "%s", why.text[0] ? why.text : "no memory");
    return r;
}

static void turn(struct dns_resolver *r)
{
    int64_t left = dns_resolver_deadline_ms(r) - clock_mono_ms();
    if (left > 0)
        (void)net_wait(dns_resolver_fd(r), true, false, left < 1000 ? left : 1000);
    dns_resolver_turn(r);
}

struct one { struct agent *g; struct dns_answer *to; bool done, ok; };

static void on_one(void *self, const struct dns_answer *answer)
{
    struct one *o = self;
    o->done = true;
    o->ok = dns_answer_copy(&o->g->a, answer, o->to);
}

bool agent_resolve(struct agent *g, struct dns_resolver *r, struct str name, enum dns_type type, struct dns_answer *to)
{
    struct one o = {.g = g, .to = to};
    if (dns_ask(r, name, type, on_one, &o) == 0)
        return false;
    while (!o.done)
        turn(r);
    return o.ok;
}

int agent_mx_settings(struct agent *g, struct relay_mx_settings *to)
{
    struct net_own *own = arena_array(&g->a, OWN_MAX, sizeof *own);
    struct str *text = arena_array(&g->a, OWN_MAX, sizeof *text);
    struct config *mine = arena_new(&g->a, struct config);
    char host[256];
    if (!own || !text || !mine)
        return agent_fail(IO_ERROR, NULL, "no memory");
    size_t count = net_own_addresses(own, OWN_MAX);
    for (size_t i = 0; i < count; i++)
        text[i] = str_c(own[i].text);
    *mine = *g->config;
    if (mine->hostname.n == 0 && process_hostname(host))
        mine->hostname = arena_str(&g->a, str_c(host));
    return relay_mx_settings_of(&g->a, mine, text, count, to) ? -1 : agent_fail(IO_ERROR, NULL, "no memory");
}

struct flight { struct relay_mx *m; uint64_t asked; uint32_t id; bool open; };

static void on_mx(void *self, const struct dns_answer *answer)
{
    struct flight *f = self;
    f->open = false;
    relay_mx_answer(f->m, f->id, answer);
}

void agent_resolve_mx(struct dns_resolver *r, struct relay_mx *m, bool all)
{
    struct flight flights[1 + 5 * RELAY_MX_HOSTS_MAX]; /* a look-up has no more questions */
    uint32_t count = 0;
    while (m->state == RELAY_MX_ASKING || (all && m->state == RELAY_MX_HOSTS)) {
        struct relay_mx_question q;
        if (m->state == RELAY_MX_HOSTS)
            relay_mx_more(m);
        while (relay_mx_question(m, &q)) {
            check(count < countof(flights));
            struct flight *f = &flights[count++];
            *f = (struct flight){.m = m, .id = q.id};
            f->asked = dns_ask(r, str_c(q.name), q.type, on_mx, f);
            f->open = f->asked != 0;
            if (!f->open)
                relay_mx_unanswered(m, q.id, S("too much is asked at once"));
        }
        if (m->state == RELAY_MX_ASKING)
            turn(r);
    }
    for (uint32_t i = 0; i < count; i++) /* nobody wants to know any more */
        if (flights[i].open)
            dns_cancel(r, flights[i].asked);
}
