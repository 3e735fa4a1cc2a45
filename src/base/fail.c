/* SPDX-License-Identifier: ISC */
#include "base/fail.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

bool fail_alloc_armed, fail_os_armed;

struct counter {
    atomic_uint_fast64_t calls;
    uint64_t at;
    atomic_bool happened;
};
static struct counter allocs, kernel;
static int kernel_error;

static void arm(struct counter *c, bool *armed, uint64_t n)
{
    *armed = true; /* stays on, so that calls are counted: only tests ever get here */
    c->at = n;
    atomic_store(&c->calls, 0);
    atomic_store(&c->happened, false);
}

static bool hit(struct counter *c)
{
    if (atomic_fetch_add(&c->calls, 1) + 1 != c->at)
        return false;
    atomic_store(&c->happened, true);
    return true;
}

bool fail_alloc_hit(void)
{
    return hit(&allocs);
}

bool fail_os_hit(void)
{
    if (!hit(&kernel))
        return false;
    errno = kernel_error;
    return true;
}

void fail_alloc_at(uint64_t n)
{
    arm(&allocs, &fail_alloc_armed, n);
}

uint64_t fail_alloc_calls(void)
{
    return atomic_load(&allocs.calls);
}

bool fail_alloc_happened(void)
{
    return atomic_load(&allocs.happened);
}

void fail_os_at(uint64_t n, int error)
{
    kernel_error = error;
    arm(&kernel, &fail_os_armed, n);
}

uint64_t fail_os_calls(void)
{
    return atomic_load(&kernel.calls);
}

bool fail_os_happened(void)
{
    return atomic_load(&kernel.happened);
}

void *fail_malloc(size_t n)
{
    return fail_alloc_armed && fail_alloc_hit() ? NULL : malloc(n);
}

void *fail_calloc(size_t count, size_t size)
{
    return fail_alloc_armed && fail_alloc_hit() ? NULL : calloc(count, size);
}
