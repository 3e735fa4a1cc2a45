// SPDX-License-Identifier: ISC
/* MAIL and RCPT: may this session send as that address, and is there such a recipient. Answers are advice for the client;
   commit decides again by itself. */
#include <stdio.h>
#include <stdlib.h>
#include "base/facts.h"
#include "base/limits.h"
#include "daemon/store_inside.h"

enum { ANSWER_MEM = 16 << 20, /* an alias of ALIAS_TARGETS_MAX addresses */ WAITING_MAX = 256 };

/* Recipients that wait for the account that reads postmaster's mail to be made: it is the first of all. */
struct rcpt_wait { struct rcpt_wait *next; struct store_edge *edge; uint64_t session; };

static void answer(struct store_edge *e, uint64_t session, enum outcome outcome, struct why why)
{
    peer_send(e->peer, &MSG(answer, .session = session, .outcome = outcome, .why = why));
}

bool store_may_send(struct store *st, struct arena *a, struct store_edge *e, enum store_who who,
                    const struct engine_account *user, const struct address *from, bool lmtp, struct why *why)
{
    *why = (struct why){0};
    if (who == STORE_STRANGER)
        *why = store_why("5.7.0", "this login is not valid any more: log in again");
    else if (who == STORE_USER && !address_is_null(from) && !route_owns(a, &st->facts, user->name, from))
        *why = store_why("5.7.1", "this user may not send as that address");
    else if (who == STORE_NOBODY && e->peer->who == ROLE_EDGE_USER && !lmtp)
        *why = store_why("5.7.0", "log in first");
    return why->status[0] == '\0';
}

/* ---- the From field of a submission ---- */

enum { FROM_FIELD_MAX = 2048 /* of the commit message */ };
struct from_check { struct store *store; struct arena *a; const struct engine_account *user; uint32_t own; char foreign[328]; };

static void each_from(void *to, const struct header_address *h)
{
    struct from_check *f = to;

    if (h->group_start || h->group_end)
        return;
    if (route_owns(f->a, &f->store->facts, f->user->name, &h->adr)) {
        f->own++;
    } else if (!f->foreign[0]) {
        struct buf b;
        buf_fixed(&b, f->foreign, sizeof f->foreign - 1);
        address_print(&b, &h->adr, false);
        f->foreign[b.n] = '\0';
    }
}

/* What a reader's program shows is From, so that, not only the envelope, must be the user's (RFC 6409 6.1). A Sender field of the user's own does not make
   another's From right: nobody is shown it. */
bool store_from_owned(struct store *st, struct arena *a, const struct engine_account *user, struct str field, struct why *why)
{
    struct from_check f = {.store = st, .a = a, .user = user};
    char text[sizeof why->text];

    *why = (struct why){0};
    if (field.n == 0)
        return true;
    if (field.n >= FROM_FIELD_MAX) {
        *why = store_why("5.6.0", "The From field is longer than 2,000 octets");
        return false;
    }
    size_t colon = str_find(field, ':');
    size_t found = address_list_parse(a, str_skip(field, colon < field.n ? colon + 1 : colon), each_from, &f);
    if (f.foreign[0]) {
        snprintf(text, sizeof text, "This user may not send as %.80s, which the From field names", f.foreign);
        *why = store_why("5.7.1", text);
    } else if (found == 0 || f.own == 0) {
        *why = store_why("5.6.0", "The From field has no address");
    }
    return why->status[0] == '\0';
}

void store_mail(struct store_edge *e, const struct msg_mail *m)
{
    struct store *st = e->store;
    struct engine_account user;
    struct arena a;
    struct address from;
    struct why why = {0};
    enum store_who who = store_session_who(e, m->session, m->handle, &user);

    arena_init(&a, ANSWER_MEM);
    enum address_error bad = store_address(&a, m->from, &from);
    if (bad != ADDRESS_OK)
        answer(e, m->session, bad == ADDRESS_NO_MEMORY ? RETRY : REFUSE,
               store_why(bad == ADDRESS_NO_MEMORY ? "4.3.0" : "5.1.7", address_error_text(bad)));
    else
        answer(e, m->session, store_may_send(st, &a, e, who, &user, &from, who == STORE_NOBODY, &why) ? DONE : REFUSE, why);
    arena_clear(&a);
}

/* ---- postmaster, when there is no account at all yet ---- */

struct postmaster_op { struct op op; struct store *store; char name[DOMAIN_MAX + 16]; };

static void postmaster_made(struct op *op)
{
    struct postmaster_op *p = op->owner;
    struct store *st = p->store;
    bool there = op->outcome != RETRY; /* REFUSE: it exists */

    fact(FACT_INFO, "store.postmaster", fact_c("account", p->name),
         fact_c("what", there ? "made, because mail came for postmaster and nobody reads it" : op->why.text));
    st->making_postmaster = false;
    while (st->waiting) {
        struct rcpt_wait *w = st->waiting;
        st->waiting = w->next;
        answer(w->edge, w->session, there ? DONE : RETRY, there ? (struct why){0} : op->why);
        free(w);
    }
    free(p);
}

static bool postmaster_make(struct store *st)
{
    struct postmaster_op *p;
    struct buf name;

    if (st->making_postmaster)
        return true;
    p = calloc(1, sizeof *p);
    if (!p)
        return false;
    buf_fixed(&name, p->name, sizeof p->name - 1);
    buf_add_c(&name, "postmaster@");
    buf_add(&name, st->config->domains ? st->config->domains->name : st->config->hostname);
    p->store = st;
    p->op = (struct op){.kind = OP_ACCOUNT_ADD, .done = postmaster_made, .owner = p};
    p->op.account_add.name = buf_str(&name); /* no verifier: nobody can log in as it before a password is set */
    st->making_postmaster = true;
    store_submit(st, &p->op);
    return true;
}

/* Nobody reads postmaster's mail because there is nobody: RFC 5321 4.5.1 wants it taken all the same. */
static bool wait_for_postmaster(struct store_edge *e, uint64_t session)
{
    struct rcpt_wait *w, **last = &e->store->waiting;
    unsigned count = 0;

    for (; *last; last = &(*last)->next)
        count++;
    w = count < WAITING_MAX ? calloc(1, sizeof *w) : NULL;
    if (!w || !postmaster_make(e->store)) {
        free(w);
        return false;
    }
    w->edge = e;
    w->session = session;
    *last = w;
    return true;
}

void store_rcpt_forget(struct store *st, struct store_edge *e)
{
    for (struct rcpt_wait **w = &st->waiting; *w;) {
        struct rcpt_wait *gone = *w;
        if (gone->edge != e) {
            w = &gone->next;
            continue;
        }
        *w = gone->next;
        free(gone);
    }
}

/* ---- RCPT ---- */

static void count_refusal(const struct why *why)
{
    struct str s = str_c(why->status);

    if (str_eq(s, S("5.7.1")))
        fact_count("store.rcpt-refused-relay", 1);
    else if (str_eq(s, S("5.1.1")))
        fact_count("store.rcpt-refused-unknown", 1);
    else if (str_eq(s, S("4.2.2")) || str_eq(s, S("5.2.3")))
        fact_count("store.rcpt-refused-full", 1);
    else if (str_eq(s, S("5.2.1")))
        fact_count("store.rcpt-refused-suspended", 1);
    else if (str_eq(s, S("5.4.6")))
        fact_count("store.rcpt-refused-loop", 1);
    else
        fact_count("store.rcpt-refused-other", 1);
}

/* "relay for NETWORK": only on the port of strangers; users log in. */
bool store_relays_for(struct store_edge *e, struct str client_ip)
{
    return e->peer->who == ROLE_EDGE_MX && config_relay_client(e->store->config, client_ip);
}

void store_rcpt(struct store_edge *e, const struct msg_rcpt *m)
{
    struct store *st = e->store;
    struct engine_account user;
    struct arena a;
    struct address to;
    enum store_who who = store_session_who(e, m->session, m->handle, &user);
    struct route_result r = {.outcome = REFUSE};

    arena_init(&a, ANSWER_MEM);
    enum address_error bad = store_address(&a, m->to, &to);
    if (bad == ADDRESS_NO_MEMORY) {
        r.outcome = RETRY;
        r.why = store_why("4.3.0", address_error_text(bad));
    } else if (bad != ADDRESS_OK || address_is_null(&to)) {
        r.why = store_why("5.1.3", bad != ADDRESS_OK ? address_error_text(bad) : "a recipient needs an address");
    } else if (who == STORE_STRANGER) {
        r.why = store_why("5.7.0", "this login is not valid any more: log in again");
    } else if (!store_has_room(st, &r.why)) {
        r.outcome = RETRY;
    } else {
        r = route_resolve(&a, &st->facts, &to, who == STORE_USER || store_relays_for(e, m->client_ip), m->size, NULL);
    }
    bool later = r.outcome == RETRY && address_is_postmaster(&to) && str_eq(str_c(r.why.status), S("4.2.1")) &&
                 wait_for_postmaster(e, m->session);
    if (r.outcome != DONE && !later)
        count_refusal(&r.why);
    if (!later)
        answer(e, m->session, r.outcome, r.why);
    arena_clear(&a);
}
