// SPDX-License-Identifier: ISC
/* libunbound, loaded when it is wanted: it and what it needs cost every process that is linked with it a fifth of a megabyte, and one role uses it. */
#pragma once
#include <unbound.h>
#include "dns/inside.h"

#define UNBOUND_FUNCTIONS(F)                                                                                                     \
    F(ub_ctx_create) F(ub_ctx_delete) F(ub_ctx_set_option) F(ub_ctx_set_fwd) F(ub_ctx_set_stub) F(ub_ctx_add_ta) F(ub_ctx_async) \
    F(ub_ctx_zone_remove) F(ub_ctx_debugout) F(ub_fd) F(ub_process) F(ub_resolve_async) F(ub_resolve_free) F(ub_strerror)

struct unbound_library {
#define F(name) __typeof__(name) *name;
    UNBOUND_FUNCTIONS(F)
#undef F
};
/* Opens files the first time, so before the sandbox closes. NULL with why. Never unloaded. One thread at a time. */
const struct unbound_library *unbound_library(struct why *why) MUST_USE;

/* An answer (canonical may be empty, name is), its strings in a. res may be NULL when error is not 0. */
struct dns_answer unbound_answer(struct arena *a, const struct unbound_library *lib, int error, const struct ub_result *res);
