/* SPDX-License-Identifier: ISC */
#include "store/inside.h"
bool snapshot_load(struct engine *e, struct why *why) { (void)e; (void)why; return true; }
