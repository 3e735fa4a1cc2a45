// SPDX-License-Identifier: ISC
/* The life of the server: all roles prepare, all commit, all say ready; then it serves, restarts who dies, and at last stops in
   order: first the edges (sessions get their 421, what was accepted is committed), then keys and store. */
#include "daemon/master.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/facts.h"
#include "base/random.h"
#include "os/sandbox.h"
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

enum { TICKET_KEY_MS = 60 * 60 * 1000 };

void master_fail(struct master *m, int status, const char *what, const struct why *why)
{
    if (m->failed)
        return;
    m->failed = true;
    m->status = status;
    fact(FACT_ERROR, "server.failed", fact_c("what", what), fact_c("why", why->text));
    fprintf(stderr, "penny: %s: %s\n", what, why->text);
    master_stop(m, "it could not start");
}

/* ---- ready ---- */

static void print_ready(struct master *m)
{
    struct buf line;

    buf_init(&line, 64 * 1024);
    buf_add_c(&line, "ready");
    for (const struct site_listener *l = m->site->listeners; l; l = l->next) {
        buf_add_byte(&line, ' ');
        buf_add_c(&line, config_listen_word(l->kind));
        buf_add_byte(&line, '=');
        buf_add(&line, l->place);
    }
    buf_printf(&line, " dir=%s%s ms=%lld\n", m->dir, m->single ? " single (roles are not isolated from each other)" : "",
               (long long)(clock_mono_ms() - m->started_ms));
    log_add(&m->log, buf_str(&line));
    buf_free(&line);
    process_notify("READY=1");
}

static bool all_are(const struct master *m, enum crew_state state)
{
    for (int i = 1; i < ROLE_COUNT; i++)
        if (m->crew[i].state != state)
            return false;
    return true;
}

enum { SINGLE_PATHS_MAX = 64 };

/* The directory of a file that a reload reads again: of the directory, because an editor puts a new file in the old one's place.
   */
static void may_read(struct arena *a, struct sandbox_profile *profile, struct sandbox_path *paths, struct str file)
{
    size_t slash = str_find_last(file, '/');
    const char *dir = file.n == 0 ? NULL : slash == file.n ? "." : slash == 0 ? "/" : arena_str_c(a, str_head(file, slash));

    for (size_t i = 0; dir && i < profile->path_count; i++)
        if (strcmp(paths[i].path, dir) == 0)
            return;
    if (dir && profile->path_count < SINGLE_PATHS_MAX)
        paths[profile->path_count++] = (struct sandbox_path){dir, false};
}

static bool close_single_sandbox(struct master *m, struct why *why)
{
    struct sandbox_path paths[SINGLE_PATHS_MAX] = {{m->dir, true}, {m->run_dir, true}};
    struct sandbox_profile profile = {.role = SANDBOX_SINGLE, .paths = paths, .path_count = 2};
    struct arena names;

    arena_init(&names, SINGLE_PATHS_MAX * 4096);
    for (const struct site_file *f = m->site->files; f; f = f->next)
        may_read(&names, &profile, paths, f->path);
    for (const struct config_tls *t = m->site->config->tls; t; t = t->next) {
        may_read(&names, &profile, paths, t->cert_path);
        may_read(&names, &profile, paths, t->key_path);
    }
    bool closed = sandbox_enter(&profile, NULL, why);
    arena_clear(&names);
    return closed;
}

/* Master reads what the administrator names, wherever that is, and writes its own places: the data directory, the run directory,
   and where it makes LMTP sockets. What a later configuration puts elsewhere takes a restart. Its roles inherit this and close
   their own on top. */
static bool close_own_sandbox(struct master *m, struct why *why)
{
    enum { SOCKETS = 8 };
    char dirs[SOCKETS][1024];
    struct sandbox_path paths[3 + SOCKETS] = {{"/", false}, {m->dir, true}, {m->run_dir, true}};
    struct sandbox_profile profile = {.role = SANDBOX_MASTER, .paths = paths, .path_count = 3};

    for (const struct site_listener *l = m->site->listeners; l; l = l->next) {
        char *dir = dirs[profile.path_count - 3];
        if (l->host.n == 0 || l->host.p[0] != '/' || profile.path_count == countof(paths))
            continue;
        if (!str_to_c(str_head(l->host, str_find_last(l->host, '/') ? str_find_last(l->host, '/') : 1), dir, sizeof dirs[0]))
            continue;
        paths[profile.path_count++] = (struct sandbox_path){dir, true};
    }
    return sandbox_enter(&profile, NULL, why);
}

static void prepared(struct crew *c)
{
    struct master *m = c->master;
    struct why why;

    c->state = CREW_PREPARED;
    if (m->ready) {
        crew_commit(c);
        return;
    }
    if (!all_are(m, CREW_PREPARED))
        return;
    if (m->single && !close_single_sandbox(m, &why)) {
        master_fail(m, 71, "sandbox", &why);
        return;
    }
    for (int i = 1; i < ROLE_COUNT; i++)
        crew_commit(&m->crew[i]);
}

static void on_result(struct crew *c, const struct msg_setup_result *r)
{
    struct master *m = c->master;

    if (c->state == CREW_READY) {
        if (r->generation == m->generation + 1)
            master_reload_vote(c, r->outcome == DONE, &r->why);
        return;
    }
    if (c->state == CREW_SPAWNED && r->outcome == DONE) {
        prepared(c);
        return;
    }
    if (r->outcome == DONE)
        return;
    if (!m->ready)
        master_fail(m, 71, role_name(c->who), &r->why);
    else
        fact(FACT_ERROR, "role.cannot", fact_c("peer", role_name(c->who)), fact_c("why", r->why.text));
}

static void on_ready(struct crew *c)
{
    struct master *m = c->master;

    if (c->state != CREW_COMMITTED)
        return;
    c->state = CREW_READY;
    crew_tell_store(m, c);
    fact(FACT_INFO, "role.ready", fact_c("peer", role_name(c->who)), fact_num("pid", c->pid),
         fact_num("ms", clock_mono_ms() - c->since_ms));
    if (!m->ready && all_are(m, CREW_READY)) {
        m->ready = true;
        print_ready(m);
        malloc_trim(0); /* what reading the site and starting the roles took for a moment */
    }
}

/* Only those who see what others send may accuse, and an edge, which talks to strangers, is never believed. */
static void on_breach(struct crew *c, const struct msg_breach *b)
{
    struct crew *accused = &c->master->crew[b->who];
    bool believed = (c->who == ROLE_STORE || c->who == ROLE_KEYS) && b->who != ROLE_MASTER && b->who != ROLE_STORE &&
                    b->incarnation == accused->incarnation;

    fact(FACT_ERROR, "role.accused", fact_c("peer", role_name(b->who)), fact_c("by", role_name(c->who)),
         fact_str("what", b->what), fact_num("believed", believed));
    crew_kill(believed ? accused : c);
}

void master_message(struct crew *c, const struct message *msg)
{
    struct master *m = c->master;

    switch ((int)msg->kind) {
    case MSG_setup_result:
        on_result(c, &msg->setup_result);
        break;
    case MSG_ready:
        on_ready(c);
        break;
    case MSG_log:
        if (!log_add(&m->log, msg->log.line))
            fact_count("log.dropped", 1);
        break;
    case MSG_stopped:
        fact(FACT_INFO, "role.stopped", fact_c("peer", role_name(c->who)), fact_num("sessions-cut", msg->stopped.sessions_cut));
        c->state = CREW_STOPPED;
        loop_defer_start(&m->sweep);
        break;
    case MSG_breach:
        on_breach(c, &msg->breach);
        break;
    case MSG_sign_wish:
        crew_sign_channel(m, c);
        break;
    case MSG_reload:
        m->reload_query = msg->reload.query;
        m->reload_asked_by_store = true;
        master_reload(m);
        break;
    case MSG_stop_wish:
        master_stop(m, "an operator said so");
        break;
    default:
        break;
    }
}

/* ---- stopping ---- */

static void tell_stop(struct master *m, enum role who, uint32_t within_ms)
{
    struct crew *c = &m->crew[who];

    loop_timer_stop(&c->again);
    if (c->state == CREW_STOPPED || c->state == CREW_DOWN)
        return;
    if (!crew_send(c, &MSG(stop, .within_ms = within_ms), -1))
        crew_kill(c);
}

static void next_phase(struct master *m)
{
    m->stop_phase++;
    if (m->stop_phase == 1) {
        tell_stop(m, ROLE_EDGE_MX, STOP_EDGES_MS);
        tell_stop(m, ROLE_EDGE_USER, STOP_EDGES_MS);
        tell_stop(m, ROLE_RELAY, STOP_EDGES_MS);
        loop_timer_in(&m->stop_timer, STOP_EDGES_MS + 2000);
    } else if (m->stop_phase == 2) {
        tell_stop(m, ROLE_KEYS, STOP_REST_MS);
        tell_stop(m, ROLE_DNS, STOP_REST_MS);
        tell_stop(m, ROLE_STORE, STOP_REST_MS);
        loop_timer_in(&m->stop_timer, STOP_REST_MS + 2000);
    }
    loop_defer_start(&m->sweep);
}

static bool is_gone(const struct crew *c)
{
    return c->pid == 0 && !c->actor;
}

void master_sweep(struct master *m)
{
    for (int i = 1; i < ROLE_COUNT; i++) {
        struct crew *c = &m->crew[i];
        if (c->actor && c->state == CREW_STOPPED) {
            crew_free(c);
            crew_down(c);
        }
    }
    if (!m->stopping)
        return;
    if (m->stop_phase == 1 && is_gone(&m->crew[ROLE_EDGE_MX]) && is_gone(&m->crew[ROLE_EDGE_USER]) && is_gone(&m->crew[ROLE_RELAY]))
        next_phase(m);
    if (m->stop_phase == 2 && is_gone(&m->crew[ROLE_KEYS]) && is_gone(&m->crew[ROLE_STORE]) && is_gone(&m->crew[ROLE_DNS])) {
        m->stop_phase = 3;
        loop_timer_stop(&m->stop_timer);
        loop_stop(m->loop);
    }
}

void master_stop(struct master *m, const char *why)
{
    if (m->stopping)
        return;
    m->stopping = true;
    process_notify("STOPPING=1");
    fact(FACT_INFO, "server.stopping", fact_c("why", why));
    loop_timer_stop(&m->reload_timer);
    next_phase(m);
}

/* Too long: whoever is left in this phase ends now. Nothing that was acknowledged is lost by that, it is on the disk. */
static void on_stop_late(void *self)
{
    struct master *m = self;

    fact(FACT_WARN, "server.stop-late", fact_num("phase", m->stop_phase));
    for (int i = 1; i < ROLE_COUNT; i++) {
        bool edge = i == ROLE_EDGE_MX || i == ROLE_EDGE_USER || i == ROLE_RELAY;
        if (edge != (m->stop_phase == 1))
            continue;
        if (m->crew[i].actor)
            m->crew[i].state = CREW_STOPPED;
        crew_kill(&m->crew[i]);
    }
    loop_defer_start(&m->sweep);
}

/* ---- signals ---- */

static void reap(struct master *m)
{
    pid_t pid;
    int status;

    while (process_reap(&pid, &status))
        for (int i = 1; i < ROLE_COUNT; i++) {
            struct crew *c = &m->crew[i];
            if (c->pid != pid)
                continue;
            bool in_order = c->state == CREW_STOPPED && status == 0;
            fact(in_order ? FACT_DEBUG : FACT_ERROR, "role.ended", fact_c("peer", role_name(c->who)), fact_num("pid", pid),
                 fact_c("how", process_status_text(status).c));
            if (!m->ready && !m->stopping) {
                struct why why = {0};
                snprintf(why.text, sizeof why.text, "ended before it was ready: %s", process_status_text(status).c);
                c->pid = 0;
                master_fail(m, 70, role_name(c->who), &why);
            }
            crew_down(c);
        }
}

static void on_signal(void *self, int signal)
{
    struct master *m = self;

    if (signal == SIGCHLD)
        reap(m);
    else if (signal == SIGHUP)
        master_reload(m);
    else if (m->stopping)
        on_stop_late(m); /* a second ^C */
    else
        master_stop(m, signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void on_again(void *self)
{
    struct crew *c = self;
    struct why why = {0};

    if (c->master->stopping || crew_start(c, &why))
        return;
    fact(FACT_ERROR, "role.cannot", fact_c("peer", role_name(c->who)), fact_c("why", why.text));
    crew_down(c);
}

static void on_sweep(void *self)
{
    master_sweep(self);
}

/* A stolen ticket key opens recorded sessions of at most two hours. */
static void on_ticket_time(void *self)
{
    struct master *m = self;

    random_bytes(m->ticket_key, sizeof m->ticket_key);
    for (int i = ROLE_EDGE_MX; i <= ROLE_EDGE_USER; i++)
        crew_send(&m->crew[i], &MSG(ticket_key, .key = str_of(m->ticket_key, sizeof m->ticket_key)), -1);
    loop_timer_in(&m->ticket_timer, TICKET_KEY_MS);
}

int master_run(struct master *m)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, 0};
    static const enum role order[] = {ROLE_STORE, ROLE_KEYS, ROLE_DNS, ROLE_RELAY, ROLE_EDGE_MX, ROLE_EDGE_USER};
    struct why why = {0};

    buf_init(&m->scratch, FRAME_MAX);
    loop_timer_init(&m->stop_timer, m->loop, on_stop_late, m);
    loop_timer_init(&m->reload_timer, m->loop, master_reload_late, m);
    loop_timer_init(&m->ticket_timer, m->loop, on_ticket_time, m);
    loop_timer_in(&m->ticket_timer, TICKET_KEY_MS);
    loop_defer_init(&m->sweep, m->loop, on_sweep, m);
    for (int i = 0; i < ROLE_COUNT; i++) {
        m->crew[i] = (struct crew){.master = m, .who = (enum role)i};
        loop_timer_init(&m->crew[i].again, m->loop, on_again, &m->crew[i]);
    }
    if (!buf_reserve(&m->scratch, FRAME_MAX) || !loop_signals_start(&m->signals, m->loop, signals, on_signal, m))
        return 71;
    if (!m->single && !close_own_sandbox(m, &why)) {
        fprintf(stderr, "penny: sandbox: %s\n", why.text);
        return 71;
    }
    for (size_t i = 0; i < countof(order) && !m->failed; i++)
        if (!crew_start(&m->crew[order[i]], &why))
            master_fail(m, 71, role_name(order[i]), &why);
    loop_run(m->loop);
    for (int i = 1; i < ROLE_COUNT; i++)
        crew_free(&m->crew[i]);
    loop_signals_stop(&m->signals);
    loop_timer_stop(&m->stop_timer);
    loop_timer_stop(&m->ticket_timer);
    loop_timer_stop(&m->reload_timer);
    loop_defer_stop(&m->sweep);
    buf_free(&m->scratch);
    fact(FACT_INFO, "server.stopped", fact_num("status", m->status));
    return m->status;
}
