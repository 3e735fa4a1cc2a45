/* SPDX-License-Identifier: ISC */
#pragma once
#include "agent/inside.h"
#include "base/clock.h"

/* Which entries: an id, --to, --from, --domain, --older, --all, into the request. -1: fine. */
int agent_queue_filter(struct agent *g, struct control_request *r);
