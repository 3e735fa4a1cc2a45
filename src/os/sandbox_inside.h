/* SPDX-License-Identifier: ISC */
/* The halves of the sandbox; private to os. */
#pragma once
#include "os/sandbox.h"

int sandbox_filter_load(enum sandbox_role role, bool set_no_new_privs); /* 0 or -errno */
/* 0 or -errno; *in_force gets SANDBOX_FILES and SANDBOX_NET as far as the kernel has them. failed: the path that could not be
   opened. */
int sandbox_landlock(const struct sandbox_profile *p, bool only_writing, unsigned *in_force, const char **failed);
bool sandbox_any_port(enum sandbox_role role); /* Landlock leaves TCP alone */
