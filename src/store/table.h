/* SPDX-License-Identifier: ISC */
/* A hash table from a key (bytes that the value owns) to a value. Keyed hash: strangers choose the keys. */
#pragma once
#include "base/str.h"

struct table_slot { uint64_t hash; struct str key; void *value; };
struct table { struct table_slot *slots; size_t size, count; };

void *table_get(const struct table *t, struct str key);              /* NULL: absent */
bool table_put(struct table *t, struct str key, void *value);        /* replaces; false: no memory */
void *table_remove(struct table *t, struct str key);                 /* the value, or NULL */
void table_free(struct table *t);                                    /* not the values */
/* Walk: i from 0; NULL at the end. Nothing may be added or removed meanwhile. */
void *table_next(const struct table *t, size_t *i);
