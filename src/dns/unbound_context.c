// SPDX-License-Identifier: ISC
/* libunbound's context: which options, servers and trust anchors it gets. */
#include <sys/epoll.h>
#include "base/facts.h"
#include "dns/unbound_inside.h"

static bool set(struct unbound *u, const char *option, const char *value)
{
    return u->lib->ub_ctx_set_option(u->ctx, option, value) == 0;
}

bool unbound_is_validating(const struct unbound *u)
{
    return u->plan->anchor_count > 0 && !u->unvalidated;
}

/* Small caches (they fill as needed, up to this), one slab as one thread works, no files. A server that was down is asked again after a minute, not after
   fifteen: mail waits for it. */
static bool set_options(struct unbound *u)
{
    static const struct { const char *option, *value; } all[] = {
        {"msg-cache-size:", "4m"},        {"rrset-cache-size:", "8m"},     {"key-cache-size:", "1m"},
        {"neg-cache-size:", "512k"},      {"msg-cache-slabs:", "1"},       {"rrset-cache-slabs:", "1"},
        {"key-cache-slabs:", "1"},        {"infra-cache-slabs:", "1"},     {"infra-cache-numhosts:", "5000"},
        {"infra-host-ttl:", "60"},        {"infra-keep-probing:", "yes"},  {"outgoing-range:", "256"},
        {"num-queries-per-thread:", "1024"}, {"outgoing-num-tcp:", "20"},  {"incoming-num-tcp:", "0"},
        {"edns-buffer-size:", "1232"},    {"val-bogus-ttl:", "60"},        {"cache-max-negative-ttl:", "900"},
        {"root-hints:", ""},              {"use-syslog:", "no"},           {"chroot:", ""},
        {"username:", ""},                {"hide-identity:", "yes"},       {"unblock-lan-zones:", "yes"},
    };
    for (size_t i = 0; i < countof(all); i++)
        if (!set(u, all[i].option, all[i].value))
            return false;
    return set(u, "module-config:", unbound_is_validating(u) ? "validator iterator" : "iterator") &&
           set(u, "do-not-query-localhost:", u->plan->loopback || u->allow_loopback ? "no" : "yes");
}

static bool configure(struct unbound *u)
{
    const struct dns_plan *plan = u->plan;
    int e = set_options(u) ? 0 : UB_INITFAIL;
    for (size_t i = 0; e == 0 && i < plan->server_count; i++) {
        const char *zone = plan->servers[i].zone, *address = plan->servers[i].address;
        e = zone[0] == '\0' ? u->lib->ub_ctx_set_fwd(u->ctx, address) : u->lib->ub_ctx_set_stub(u->ctx, zone, address, 0);
    }
    for (size_t i = 0; e == 0 && unbound_is_validating(u) && i < plan->anchor_count; i++) {
        char line[DNS_ANCHOR_MAX];
        e = str_to_c(plan->anchors[i], line, sizeof line) ? u->lib->ub_ctx_add_ta(u->ctx, line) : UB_SYNTAX;
    }
    if (e == 0)
        e = u->lib->ub_ctx_async(u->ctx, 1); /* a thread, not a process */
    if (e == 0) /* "test" is answered with NXDOMAIN out of the library's own head otherwise; this also makes it read all of its settings now */
        e = u->lib->ub_ctx_zone_remove(u->ctx, "test.");
    if (e != 0)
        fact(FACT_ERROR, "dns.settings", fact_c("why", u->lib->ub_strerror(e)));
    return e == 0;
}

void unbound_close(struct unbound *u)
{
    if (u->ctx)
        u->lib->ub_ctx_delete(u->ctx); /* its descriptor leaves epoll as it is closed */
    u->ctx = NULL;
    u->in_library = 0;
}

bool unbound_open(struct unbound *u)
{
    struct epoll_event readable = {.events = EPOLLIN};
    u->ctx = u->lib->ub_ctx_create();
    if (!u->ctx)
        return false;
    (void)u->lib->ub_ctx_debugout(u->ctx, NULL); /* its own log goes nowhere: what matters is in the answers */
    if (configure(u) && epoll_ctl(u->epoll, EPOLL_CTL_ADD, u->lib->ub_fd(u->ctx), &readable) == 0)
        return true;
    unbound_close(u);
    return false;
}

void unbound_describe(struct unbound *u)
{
    const struct dns_plan *plan = u->plan;
    struct buf b;
    buf_fixed(&b, u->text, sizeof u->text - 1);
    if (plan->forwarder_count == 0)
        buf_add_c(&b, "resolves from the root down");
    for (size_t i = 0, n = 0; i < plan->server_count; i++)
        if (plan->servers[i].zone[0] == '\0') {
            buf_add_c(&b, n++ == 0 ? "forwards to " : ", ");
            buf_add_c(&b, plan->servers[i].address);
        }
    for (size_t i = 0; i < plan->server_count; i++)
        if (plan->servers[i].zone[0] != '\0') {
            buf_add_c(&b, ", asks ");
            buf_add_c(&b, plan->servers[i].address);
            buf_add_c(&b, " about ");
            buf_add_c(&b, plan->servers[i].zone);
        }
    if (plan->anchor_count == 0)
        buf_add_c(&b, ", does not validate");
    else if (u->unvalidated)
        buf_add_c(&b, ", which leave DNSSEC's signatures out: nothing can be validated");
    else
        buf_printf(&b, ", validates with %zu trust anchor%s", plan->anchor_count, plan->anchor_count == 1 ? "" : "s");
    u->text[b.n] = '\0';
}
