// SPDX-License-Identifier: ISC
/* A new configuration and new certificates, all or nothing: everything is read and bound, every role prepares, then all commit or
   all abandon.

     idle ──SIGHUP, penny reload──► the site is read, bound, sent ──every role says yes──► commit ──► idle
                                       │ cannot be read            │ one says no, ends, is silent: abandon
                                       └───────────────────────────┴──► idle, the old one goes on                          */
#include "base/facts.h"
#include "daemon/master.h"
#include <stdio.h>

static void answer(struct master *m, enum outcome outcome, const struct why *why, struct str complaints)
{
    if (m->reload_asked_by_store)
        crew_send(
            &m->crew[ROLE_STORE],
            &MSG(reloaded, .query = m->reload_query, .outcome = outcome, .why = *why, .complaints = str_head(complaints, 65536)),
            -1);
    m->reload_asked_by_store = false;
    process_notify("READY=1");
}

static void log_lines(struct str text)
{
    while (text.n > 0) {
        struct str line = str_cut(text, '\n', &text);
        if (line.n > 0)
            fact(FACT_ERROR, "reload.complaint", fact_str("text", line));
    }
}

static void refused(struct master *m, const struct why *why, struct str complaints)
{
    fact(FACT_ERROR, "reload.refused", fact_c("why", why->text), fact_c("now", "the old configuration goes on"));
    log_lines(complaints);
    answer(m, REFUSE, why, complaints);
}

static void abandon(struct master *m, const struct why *why)
{
    for (int i = 1; i < ROLE_COUNT; i++)
        if (m->crew[i].state == CREW_READY)
            crew_send(&m->crew[i], &MSG(setup_abandon, .generation = m->generation + 1), -1);
    m->generation += 2; /* neither number comes again */
    loop_timer_stop(&m->reload_timer);
    site_free(m->coming);
    m->coming = NULL;
    refused(m, why, STR_NONE);
}

static bool all_ready(const struct master *m, struct why *why)
{
    for (int i = 1; i < ROLE_COUNT; i++)
        if (m->crew[i].state != CREW_READY) {
            snprintf(why->text, sizeof why->text, "%s is just being restarted: try again in a moment", role_name((enum role)i));
            return false;
        }
    return true;
}

/* What a running server cannot change. */
static bool same_place(const struct master *m, const struct site *s, struct why *why)
{
    const struct config *old = m->site->config, *c = s->config;

    if (str_eq(old->run_dir, c->run_dir) && str_eq(old->service_user, c->service_user))
        return true;
    snprintf(why->text, sizeof why->text, "run-dir and service-user can only be changed by a restart");
    return false;
}

void master_reload(struct master *m)
{
    struct buf errors;
    struct why why = {0};

    if (m->coming || !m->ready || m->stopping)
        return;
    process_notify("RELOADING=1");
    if (!all_ready(m, &why)) {
        refused(m, &why, STR_NONE);
        return;
    }
    buf_init(&errors, CONFIG_ERRORS_MAX);
    m->coming = site_load(m->config_path, m->builtin, m->dir, &errors);
    if (!m->coming)
        snprintf(why.text, sizeof why.text, "the configuration has errors");
    if (!m->coming || !same_place(m, m->coming, &why) || !site_listen(m->coming, m->site, &why)) {
        site_free(m->coming);
        m->coming = NULL;
        refused(m, &why, buf_str(&errors));
        buf_free(&errors);
        return;
    }
    buf_free(&errors);
    for (int i = 1; i < ROLE_COUNT; i++) {
        m->crew[i].vote = VOTE_NONE;
        master_setup_send(&m->crew[i], m->coming, m->generation + 1, false);
    }
    loop_timer_in(&m->reload_timer, RELOAD_MS);
}

/* Descriptors that both hold stay open; those that only the old site has close with it. */
static void hand_over(struct site *old, struct site *s)
{
    for (struct site_listener *l = s->listeners; l; l = l->next) {
        for (struct site_listener *o = old->listeners; l->kept && o; o = o->next)
            if (o->fd == l->fd)
                o->kept = true;
        l->kept = false;
    }
}

void master_reload_vote(struct crew *c, bool yes, const struct why *why)
{
    struct master *m = c->master;

    if (!m->coming || c->vote != VOTE_NONE)
        return;
    c->vote = yes ? VOTE_YES : VOTE_NO;
    if (!yes) {
        abandon(m, why);
        return;
    }
    for (int i = 1; i < ROLE_COUNT; i++)
        if (m->crew[i].vote != VOTE_YES)
            return;
    loop_timer_stop(&m->reload_timer);
    m->generation++;
    for (int i = 1; i < ROLE_COUNT; i++)
        crew_send(&m->crew[i], &MSG(setup_commit, .generation = m->generation), -1);
    hand_over(m->site, m->coming);
    site_free(m->site);
    m->site = m->coming;
    m->coming = NULL;
    fact_level_max(m->site->config->log_level);
    fact(FACT_INFO, "reload.done", fact_num("generation", (int64_t)m->generation));
    answer(m, DONE, &(struct why){0}, STR_NONE);
}

void master_reload_gone(struct crew *c)
{
    struct why why = {0};

    if (!c->master->coming)
        return;
    snprintf(why.text, sizeof why.text, "%s ended in the middle of it", role_name(c->who));
    abandon(c->master, &why);
}

void master_reload_late(void *self)
{
    struct why why = {"", "not every role was ready for it in time"};

    abandon(self, &why);
}
