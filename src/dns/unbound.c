// SPDX-License-Identifier: ISC
/* The resolver that asks the world: libunbound, whose thread iterates and validates; this side hands questions over and takes answers when its descriptor
   is readable. Nothing here blocks but the writing of a question into the library's own pipe. The library's context (a megabyte and a half) is made by the
   first question: a server that has nothing to ask does not pay for it. That opens no file.

   Where forwarders are the system's and nobody said that DNSSEC is a must, they are looked at first: many routers and stubs hand answers on without their
   signatures, and every signed name would be bogus then, and no mail would ever leave. Such forwarders are used without validation, and that is said aloud.

       IDLE --first question--> CHECKING (the keys at the anchor; questions are held) --proved--> RUNNING
         |                          |--bogus: a new context without anchors-------------------> RUNNING, unvalidated; looked at again after an hour, when idle
         |                          |--no answer: they may be down; validating stays---------> RUNNING, looked at again after a minute, when idle; or, when
         |                          |                                                                   answers that come are bogus, unvalidated as above
         +--nothing to check--------------------------------------------------------------> RUNNING                                                        */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/facts.h"
#include "base/fail.h"
#include "dns/unbound_inside.h"

enum { RECHECK_BOGUS_MS = 3600 * 1000, RECHECK_SILENT_MS = 60 * 1000, TYPE_DNSKEY = 48 };

/* ---- answers ---- */

static void on_answer(void *self, int error, struct ub_result *res)
{
    struct asked *asked = self;
    struct unbound *u = asked->u;
    struct dns_answer answer = unbound_answer(&u->answer, u->lib, error, res);
    u->in_library--;
    u->doubt = u->doubt || (answer.status == DNS_BOGUS && u->may_give_up && u->checked != DNS_OK);
    dns_resolver_done(u->r, asked->slot, &answer);
    arena_clear(&u->answer);
    if (res)
        u->lib->ub_resolve_free(res);
}

/* ---- are the forwarders any good for DNSSEC? ---- */

static void on_check(void *self, int error, struct ub_result *res)
{
    struct unbound *u = self;
    u->in_library--;
    u->checked = error != 0 || !res ? DNS_SERVFAIL : res->bogus ? DNS_BOGUS : res->secure && res->havedata ? DNS_OK : DNS_SERVFAIL;
    if (res)
        u->lib->ub_resolve_free(res);
}

static void check_begin(struct unbound *u)
{
    char owner[DNS_NAME_MAX + 1];
    struct str anchor = u->plan->anchors[0];
    u->state = RUNNING;
    u->check_again_ms = 0;
    if (!u->may_give_up || !unbound_is_validating(u) || !str_to_c(str_word(&anchor), owner, sizeof owner))
        return;
    u->checked = 0;
    if (u->lib->ub_resolve_async(u->ctx, owner, TYPE_DNSKEY, 1, u, on_check, NULL) != 0)
        return;
    u->in_library++;
    u->state = CHECKING;
}

static bool hand_over(struct unbound *u, struct asked *asked, const char *name)
{
    if (!u->ctx || u->lib->ub_resolve_async(u->ctx, name, (int)asked->type, 1, asked, on_answer, NULL) != 0)
        return false;
    u->in_library++;
    return true;
}

/* The library is not on the stack here: its context may be exchanged. */
static void check_end(struct unbound *u)
{
    u->state = RUNNING;
    u->doubt = false;
    if (u->checked == DNS_BOGUS) {
        u->unvalidated = true;
        u->check_again_ms = clock_mono_ms() + RECHECK_BOGUS_MS;
        unbound_close(u);
        (void)unbound_open(u);
        unbound_describe(u);
        fact(FACT_WARN, "dns.unvalidated", fact_c("how", u->text),
             fact_c("hint", "name a resolver that hands DNSSEC on (dns server ADDRESS), or none; without it DANE protects no delivery"));
    } else if (u->checked != DNS_OK) {
        u->check_again_ms = clock_mono_ms() + RECHECK_SILENT_MS;
    }
    for (uint32_t i = 0; i < u->slots; i++) {
        struct asked *asked = &u->asked[i];
        char *name = asked->held;
        if (!name)
            continue;
        asked->held = NULL;
        if (!hand_over(u, asked, name)) {
            struct dns_answer none = {.status = DNS_SERVFAIL, .why = S("the DNS library does not take questions")};
            dns_resolver_done(u->r, asked->slot, &none);
        }
        free(name);
    }
}

/* ---- the backend ---- */

static bool begin(struct unbound *u)
{
    bool again = u->check_again_ms != 0 && u->in_library == 0 && clock_mono_ms() >= u->check_again_ms;
    if (again) {
        unbound_close(u);
        u->state = IDLE;
        u->unvalidated = false;
        unbound_describe(u);
    }
    if (u->ctx)
        return true;
    if (!unbound_open(u))
        return false;
    check_begin(u);
    return true;
}

static bool unbound_ask(void *self, uint32_t slot, const char *name, enum dns_type type)
{
    struct unbound *u = self;
    if (u->state != CHECKING && !begin(u))
        return false;
    u->asked[slot] = (struct asked){.u = u, .slot = slot, .type = type};
    if (u->state != CHECKING)
        return hand_over(u, &u->asked[slot], name);
    size_t n = strlen(name) + 1;
    u->asked[slot].held = fail_malloc(n);
    if (u->asked[slot].held)
        memcpy(u->asked[slot].held, name, n);
    return u->asked[slot].held != NULL;
}

static void unbound_turn(void *self)
{
    struct unbound *u = self;
    if (u->ctx)
        (void)u->lib->ub_process(u->ctx); /* an error here shows as questions that time out */
    if (u->state == RUNNING && u->doubt && unbound_is_validating(u)) { /* hold what comes until the library has nothing to do */
        u->state = CHECKING;
        u->checked = 0;
    }
    if (u->doubt && u->in_library == 0)
        u->checked = DNS_BOGUS;
    if (u->state == CHECKING && u->checked != 0)
        check_end(u);
}

static int64_t unbound_deadline(const void *self)
{
    (void)self;
    return 0;
}

static int unbound_fd(const void *self)
{
    const struct unbound *u = self;
    return u->epoll;
}

static const char *unbound_text(const void *self)
{
    const struct unbound *u = self;
    return u->text;
}

static void unbound_free(void *self)
{
    struct unbound *u = self;
    unbound_close(u);
    if (u->epoll >= 0)
        close(u->epoll);
    for (uint32_t i = 0; u->asked && i < u->slots; i++)
        free(u->asked[i].held);
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
    u->may_give_up = settings->may_give_up_validation;
    u->slots = dns_slot_count(settings->outstanding_max);
    u->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (u->epoll < 0)
        *why = (struct why){.text = "no descriptor for a resolver"};
    u->plan = fail_calloc(1, sizeof *u->plan);
    u->anchors = fail_malloc(settings->anchors.n + 1);
    u->asked = fail_calloc(u->slots, sizeof *u->asked);
    if (u->epoll >= 0 && u->plan && u->anchors && u->asked) {
        memcpy(u->anchors, settings->anchors.n ? settings->anchors.p : "", settings->anchors.n);
        kept.anchors = str_of(u->anchors, settings->anchors.n);
        if (dns_plan_make(&kept, u->plan, why) && (u->lib = unbound_library(why)) != NULL) {
            unbound_describe(u);
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
