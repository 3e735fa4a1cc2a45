/* SPDX-License-Identifier: ISC */
/* The simulator's network, as its loop sees it; private to os. */
#pragma once
#include "os/inside.h"
#include "os/sim.h"

struct sim_world { struct sim_options o; struct sim_counts counts; bool running, stuck; int64_t now_us, unix_begin_ms; };
extern struct sim_world sim;

extern const struct net_twin sim_net_twin;
/* What the descriptor is ready for now (enum loop_interest). */
uint32_t sim_net_ready(int fd);
/* The next time at which anything changes by itself; -1: never. */
int64_t sim_net_next_us(void);
/* Closes what is left; returns how many descriptors were open. */
size_t sim_net_clear(void);
