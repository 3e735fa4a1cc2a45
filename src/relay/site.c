// SPDX-License-Identifier: ISC
#include "relay/site.h"
#include "base/check.h"
#include "base/random.h"

const struct relay_gate_settings relay_gate_usual = {
    .window_first = 4,
    .window_most = 20,
    .dead_first_ms = 15 * 1000,
    .dead_most_ms = 3600 * 1000,
    .ceiling_first_ms = 10 * 1000,
    .ceiling_most_ms = 600 * 1000,
};

void relay_gate_init(struct relay_gate *g, const struct relay_gate_settings *s)
{
    *g = (struct relay_gate){.settings = s, .window = s->window_first};
}

bool relay_gate_is_dead(const struct relay_gate *g, int64_t now_ms)
{
    return g->failures > 0 && g->working == 0 && now_ms < g->dead_until_ms;
}

bool relay_gate_may_open(const struct relay_gate *g, int64_t now_ms)
{
    if (g->working == 0)
        return g->opening == 0 && !relay_gate_is_dead(g, now_ms);
    if (g->ceiling > 0 && g->working + g->opening >= g->ceiling) /* the one that looks whether more are welcome by now */
        return g->opening == 0 && now_ms >= g->ceiling_ms && g->working < g->settings->window_most;
    return g->working + g->opening < g->window;
}

void relay_gate_opening(struct relay_gate *g)
{
    g->opening++;
}

static void grow(struct relay_gate *g)
{
    g->successes = 0;
    if (g->window < g->settings->window_most && g->ceiling == 0)
        g->window++;
}

void relay_gate_greeted(struct relay_gate *g, int64_t now_ms)
{
    check(g->opening > 0);
    g->opening--;
    g->working++;
    g->failures = 0;
    if (g->ceiling > 0 && g->working > g->ceiling) { /* it was not one any more */
        g->ceiling = g->working;
        g->window = g->working;
        g->ceiling_wait_ms = g->settings->ceiling_first_ms;
        g->ceiling_ms = now_ms;
    } else if (g->working + g->opening >= g->window) {
        grow(g);
    }
}

void relay_gate_success(struct relay_gate *g)
{
    if (++g->successes >= g->window)
        grow(g);
}

/* The peer takes as many as it has. */
static void limit(struct relay_gate *g, int64_t now_ms)
{
    uint32_t now = g->working > 0 ? g->working : 1;

    g->ceiling_wait_ms = g->ceiling == now && g->ceiling_wait_ms > 0 ? g->ceiling_wait_ms * 2 : g->settings->ceiling_first_ms;
    if (g->ceiling_wait_ms > g->settings->ceiling_most_ms)
        g->ceiling_wait_ms = g->settings->ceiling_most_ms;
    g->ceiling = now;
    g->window = now;
    g->ceiling_ms = now_ms + g->ceiling_wait_ms;
}

bool relay_gate_refused(struct relay_gate *g, int64_t now_ms)
{
    const struct relay_gate_settings *s = g->settings;

    check(g->opening > 0);
    g->opening--;
    if (g->working > 0) {
        limit(g, now_ms);
        return true;
    }
    int64_t wait = s->dead_first_ms;
    for (uint32_t i = 0; i < g->failures && wait < s->dead_most_ms; i++)
        wait *= 2;
    if (wait > s->dead_most_ms)
        wait = s->dead_most_ms;
    wait = wait * 3 / 4 + (int64_t)random_below((uint64_t)(wait / 2) + 1);
    g->failures++;
    g->dead_until_ms = now_ms + wait;
    g->window = s->window_first;
    g->ceiling = 0;
    return false;
}

void relay_gate_closed(struct relay_gate *g, int64_t now_ms, bool told_off)
{
    check(g->working > 0);
    g->working--;
    if (told_off)
        limit(g, now_ms);
}

void relay_gate_wake(struct relay_gate *g)
{
    g->dead_until_ms = 0;
}

void relay_gate_abandoned(struct relay_gate *g)
{
    check(g->opening > 0);
    g->opening--;
}
