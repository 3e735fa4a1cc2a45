// SPDX-License-Identifier: ISC
/* The facts of route.h as an engine knows them. For whoever routes over a store: the store role, and these requests. */
#pragma once
#include "route/route.h"
#include "store/engine.h"

/* Good until the configuration or engine goes; no memory is taken. */
struct route_facts control_route_facts(struct engine *e, const struct config *c);
