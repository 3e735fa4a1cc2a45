/* SPDX-License-Identifier: ISC */
/* The loop's side of timers; private to os. */
#pragma once
#include "os/loop.h"

/* Milliseconds until the first place in the heap; -1: no timer. */
int64_t timer_wait(const struct loop_timer *first, int64_t now_ms);
void timer_run_due(struct loop *loop);
