// SPDX-License-Identifier: ISC
#include "dns/unbound_library.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char file[] = "libunbound.so.8"; /* the interface of 1.6 and later; bumped only when it breaks */

static bool take(void *handle, const char *name, void *to, size_t size)
{
    void *found = dlsym(handle, name);
    memcpy(to, &found, size); /* C has no cast from object to function pointer */
    return found != NULL;
}

const struct unbound_library *unbound_library(struct why *why)
{
    static struct unbound_library library;
    static bool loaded;
    void *handle = loaded ? NULL : dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (loaded)
        return &library;
    loaded = handle != NULL;
#define F(name) loaded = loaded && take(handle, #name, &library.name, sizeof library.name);
    UNBOUND_FUNCTIONS(F)
#undef F
    if (loaded)
        return &library;
    snprintf(why->text, sizeof why->text, "%s cannot be loaded (Debian: libunbound8)", file);
    why->status[0] = '\0';
    return NULL;
}
