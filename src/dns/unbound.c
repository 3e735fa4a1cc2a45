// SPDX-License-Identifier: ISC
/* The resolver that asks the world: libunbound, whose thread iterates and validates; this side hands questions over and takes answers when its descriptor
   is readable. Nothing here blocks but the writing of a question into the library's own pipe. The library's context (a megabyte and a half) is made by the
   first question: a server that has nothing to ask does not pay for it. That opens no file. */
#include <stdlib.h>
#include "base/facts.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "dns/inside.h"
#include "dns/unbound_library.h"

struct unbound;
struct asked { struct unbound *u; uint32_t slot; }; /* what the library gives back with an answer */

struct unbound {
    const struct unbound_library *lib;
    struct ub_ctx *ctx;     /* NULL: nothing was asked yet */
    struct dns_plan *plan;  /* how to make it; its anchors point into anchors */
    char *anchors;
    bool allow_loopback;
    struct dns_resolver *r;
    struct arena answer;    /* of the answer that is being handed out */
    struct asked *asked;    /* one a slot */
    char text[512];
};

static bool set(struct unbound *u, const char *option, const char *value)
{
    return u->lib->ub_ctx_set_option(u->ctx, option, value) == 0;
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
    return set(u, "module-config:", u->plan->anchor_count > 0 ? "validator iterator" : "iterator") &&
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
    for (size_t i = 0; e == 0 && i < plan->anchor_count; i++) {
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

static bool start(struct unbound *u)
{
    u->ctx = u->lib->ub_ctx_create();
    if (!u->ctx)
        return false;
    (void)u->lib->ub_ctx_debugout(u->ctx, NULL); /* its own log goes nowhere: what matters is in the answers */
    if (configure(u))
        return true;
    u->lib->ub_ctx_delete(u->ctx);
    u->ctx = NULL;
    return false;
}

static void describe(struct unbound *u, const struct dns_plan *plan)
{
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
    else
        buf_printf(&b, ", validates with %zu trust anchor%s", plan->anchor_count, plan->anchor_count == 1 ? "" : "s");
    u->text[b.n] = '\0';
}

/* ---- answers ---- */

static struct str printable(struct arena *a, const char *text)
{
    char store[DNS_WHY_MAX];
    struct buf b;
    buf_fixed(&b, store, sizeof store);
    utf8_add_printable(&b, str_head(str_c(text), DNS_WHY_MAX / 4)); /* an octet may become three */
    return arena_str(a, buf_str(&b));
}

static struct dns_answer trouble(struct arena *a, enum dns_status status, const char *text)
{
    return (struct dns_answer){.status = status, .why = printable(a, text)};
}

static const char *rcode_text(int rcode)
{
    switch (rcode) {
    case 1: return "a server says that the question is malformed (FORMERR)";
    case 2: return "no server in charge gives a useful answer (SERVFAIL)";
    case 4: return "a server does not know this kind of question (NOTIMP)";
    case 5: return "the servers refuse to answer (REFUSED)";
    default: return "the servers answer with an error";
    }
}

static struct dns_answer records_of(struct arena *a, const struct ub_result *res)
{
    struct dns_answer answer = {.status = DNS_OK, .type = (enum dns_type)res->qtype, .secure = res->secure != 0, .ttl_s = res->ttl > 0 ? (uint32_t)res->ttl : 0};
    size_t count = 0, sum = 0;
    while (res->data && res->data[count])
        count++;
    if (!dns_answer_room(a, &answer, count))
        return trouble(a, DNS_SERVFAIL, "no memory for the answer");
    for (size_t i = 0; i < count; i++)
        if (res->len[i] < 0 || !dns_answer_add(a, &answer, str_of(res->data[i], (size_t)res->len[i]), &sum))
            return trouble(a, DNS_SERVFAIL, "no memory for the answer");
    if (answer.count == 0)
        return trouble(a, DNS_SERVFAIL, "the records in the answer make no sense");
    return answer;
}

static void set_canonical(struct arena *a, const struct ub_result *res, struct dns_answer *answer)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (res->canonname && dns_name_normal(str_c(res->canonname), &b))
        answer->canonical = arena_str(a, buf_str(&b));
}

static struct dns_answer answer_of(struct unbound *u, int error, const struct ub_result *res)
{
    struct arena *a = &u->answer;
    struct dns_answer answer;
    if (error != 0 || !res)
        return trouble(a, DNS_SERVFAIL, u->lib->ub_strerror(error));
    if (res->bogus)
        return trouble(a, DNS_BOGUS, res->why_bogus ? res->why_bogus : "the answer is not signed as it should be");
    if (res->havedata)
        answer = records_of(a, res);
    else if (res->rcode == 3 || res->nxdomain)
        answer = (struct dns_answer){.status = DNS_NXDOMAIN, .secure = res->secure != 0, .ttl_s = res->ttl > 0 ? (uint32_t)res->ttl : 0};
    else if (res->rcode == 0)
        answer = (struct dns_answer){.status = DNS_NODATA, .secure = res->secure != 0, .ttl_s = res->ttl > 0 ? (uint32_t)res->ttl : 0};
    else
        answer = trouble(a, DNS_SERVFAIL, rcode_text(res->rcode));
    set_canonical(a, res, &answer);
    return answer;
}

static void on_answer(void *self, int error, struct ub_result *res)
{
    struct asked *asked = self;
    struct unbound *u = asked->u;
    struct dns_answer answer = answer_of(u, error, res);
    dns_resolver_done(u->r, asked->slot, &answer);
    arena_clear(&u->answer);
    if (res)
        u->lib->ub_resolve_free(res);
}

/* ---- the backend ---- */

static bool unbound_ask(void *self, uint32_t slot, const char *name, enum dns_type type)
{
    struct unbound *u = self;
    if (!u->ctx && !start(u))
        return false;
    u->asked[slot] = (struct asked){u, slot};
    return u->lib->ub_resolve_async(u->ctx, name, (int)type, 1, &u->asked[slot], on_answer, NULL) == 0;
}

static void unbound_turn(void *self)
{
    struct unbound *u = self;
    if (u->ctx)
        (void)u->lib->ub_process(u->ctx); /* an error here shows as questions that time out */
}

static int64_t unbound_deadline(const void *self)
{
    (void)self;
    return 0;
}

static int unbound_fd(const void *self)
{
    const struct unbound *u = self;
    return u->ctx ? u->lib->ub_fd(u->ctx) : -1;
}

static const char *unbound_text(const void *self)
{
    const struct unbound *u = self;
    return u->text;
}

static void unbound_free(void *self)
{
    struct unbound *u = self;
    if (u->ctx)
        u->lib->ub_ctx_delete(u->ctx);
    arena_clear(&u->answer);
    free(u->asked);
    free(u->plan);
    free(u->anchors);
    free(u);
}

static const struct dns_backend backend = {
    .ask = unbound_ask, .turn = unbound_turn, .deadline_ms = unbound_deadline, .fd = unbound_fd, .text = unbound_text, .free = unbound_free,
};

static struct unbound *make(const struct dns_settings *settings, struct why *why)
{
    struct unbound *u = fail_calloc(1, sizeof *u);
    struct dns_settings kept = *settings;
    *why = (struct why){.text = "no memory for a resolver"};
    if (!u)
        return NULL;
    arena_init(&u->answer, DNS_ANSWER_MEM);
    u->allow_loopback = settings->allow_loopback;
    u->plan = fail_calloc(1, sizeof *u->plan);
    u->anchors = fail_malloc(settings->anchors.n + 1);
    u->asked = fail_calloc(dns_slot_count(settings->outstanding_max), sizeof *u->asked);
    if (u->plan && u->anchors && u->asked) {
        memcpy(u->anchors, settings->anchors.n ? settings->anchors.p : "", settings->anchors.n);
        kept.anchors = str_of(u->anchors, settings->anchors.n);
        if (dns_plan_make(&kept, u->plan, why) && (u->lib = unbound_library(why)) != NULL) {
            describe(u, u->plan);
            return u;
        }
    }
    unbound_free(u);
    return NULL;
}

struct dns_resolver *dns_resolver_new(const struct dns_settings *settings, struct why *why)
{
    struct unbound *u = make(settings, why);
    if (!u)
        return NULL;
    u->r = dns_resolver_make(&backend, u, settings->outstanding_max, settings->timeout_ms);
    if (!u->r) {
        *why = (struct why){.text = "no memory for a resolver"};
        unbound_free(u);
        return NULL;
    }
    return u->r;
}
