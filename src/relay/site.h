// SPDX-License-Identifier: ISC
/* How many connections a site (a set of MX hosts, or a route) may have: a machine without I/O.

       unknown ──one opens──► greeted ──► alive: the window grows with success
          ▲                      │          │ refused while others work
          │                      │          ▼
          │                      │        ceiling: now and then one more is tried
          │ greeted              │          │ nothing works
          └── dead: one probe, ◄─┴──────────┘
              back-off with jitter

   While nothing works only one connection may be opening: a host that is down never sees two. */
#pragma once
#include "base/str.h"

struct relay_gate_settings {
    uint32_t window_first, window_most;  /* connections */
    int64_t dead_first_ms, dead_most_ms; /* back-off of a site that does not answer: doubled each time, ±25 % */
    int64_t ceiling_first_ms,
        ceiling_most_ms; /* how long a ceiling is believed before one more is tried: doubled each time that it holds */
};
extern const struct relay_gate_settings relay_gate_usual; /* 4, 20; 15 s, 1 h; 10 s, 10 min */

struct relay_gate {
    const struct relay_gate_settings *settings;
    uint32_t window; /* connections that may be open at once */
    uint32_t opening, working;
    uint32_t ceiling; /* the peer has refused one more than that; 0: it never did */
    int64_t ceiling_ms, ceiling_wait_ms;
    uint32_t failures; /* in a row, with nothing working; 0: not dead */
    int64_t dead_until_ms;
    uint32_t successes; /* since the window grew */
};
void relay_gate_init(struct relay_gate *g, const struct relay_gate_settings *s);
/* May one more connection be opened now? */
bool relay_gate_may_open(const struct relay_gate *g, int64_t now_ms);
bool relay_gate_is_dead(const struct relay_gate *g, int64_t now_ms); /* nothing may be opened before dead_until_ms */
void relay_gate_opening(struct relay_gate *g);
void relay_gate_greeted(struct relay_gate *g, int64_t now_ms); /* an opening one got through */
void relay_gate_success(struct relay_gate *g);                 /* a message got through */
/* An opening one did not get through (no connection, 421 or 4yz before the first message). True: others work, so that this only
   says how many are welcome; false: the site is dead now, until dead_until_ms. */
bool relay_gate_refused(struct relay_gate *g, int64_t now_ms);
/* A working one ended; told_off: by a 421 in the middle. */
void relay_gate_closed(struct relay_gate *g, int64_t now_ms, bool told_off);
/* An opening one was given up by ourselves: it says nothing. */
void relay_gate_abandoned(struct relay_gate *g);
/* An operator wants it tried: the next one may open now. */
void relay_gate_wake(struct relay_gate *g);
