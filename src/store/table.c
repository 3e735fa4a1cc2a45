/* SPDX-License-Identifier: ISC */
/* Open addressing, linear probing, at most 3/4 full; removal moves what follows back, so there are no tombstones. */
#include "store/table.h"
#include "base/hash.h"
#include <stdlib.h>

enum { FIRST_SIZE = 16 };

static size_t find(const struct table *t, struct str key, uint64_t hash)
{
    size_t i = hash & (t->size - 1);
    while (t->slots[i].value && !(t->slots[i].hash == hash && str_eq(t->slots[i].key, key)))
        i = (i + 1) & (t->size - 1);
    return i;
}

void *table_get(const struct table *t, struct str key)
{
    return t->size ? t->slots[find(t, key, hash_table(key))].value : NULL;
}

static bool grow(struct table *t)
{
    struct table bigger = {.size = t->size ? t->size * 2 : FIRST_SIZE, .count = t->count};
    bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < t->size; i++)
        if (t->slots[i].value)
            bigger.slots[find(&bigger, t->slots[i].key, t->slots[i].hash)] = t->slots[i];
    free(t->slots);
    *t = bigger;
    return true;
}

bool table_put(struct table *t, struct str key, void *value)
{
    if ((t->count + 1) * 4 > t->size * 3 && !grow(t))
        return false;
    uint64_t hash = hash_table(key);
    struct table_slot *s = &t->slots[find(t, key, hash)];
    t->count += s->value == NULL;
    *s = (struct table_slot){hash, key, value};
    return true;
}

void *table_remove(struct table *t, struct str key)
{
    if (!t->size)
        return NULL;
    size_t hole = find(t, key, hash_table(key)), mask = t->size - 1;
    void *value = t->slots[hole].value;
    if (!value)
        return NULL;
    t->count--;
    for (size_t i = (hole + 1) & mask; t->slots[i].value; i = (i + 1) & mask) {
        size_t home = t->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) { /* it may not stand before its home */
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct table_slot){0};
    return value;
}

void table_free(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}

void *table_next(const struct table *t, size_t *i)
{
    while (*i < t->size) {
        void *v = t->slots[(*i)++].value;
        if (v)
            return v;
    }
    return NULL;
}
