// SPDX-License-Identifier: ISC
#include "daemon/clients.h"
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBES = 16 };

/* A key's place is one of PROBES slots behind its hash. A slot is free for another key when nobody has a connection and the last
   minute saw none begin. */
struct client_slot {
    _Atomic uint64_t key; /* + 1, so that 0 is an empty slot and unix clients (key 0) have one, too */
    _Atomic uint32_t open[CLIENTS_COLUMNS];
    _Atomic uint32_t begun[CLIENTS_COLUMNS]; /* in the minute below */
    _Atomic uint32_t minute[CLIENTS_COLUMNS];
};

size_t clients_size(uint32_t slots)
{
    return slots * sizeof(struct client_slot);
}

/* What our predecessor left. Pages that nobody wrote are skipped, for looking at them would make them. */
static void wipe_column(struct clients *c, int fd)
{
    off_t size = (off_t)clients_size(c->count), from = fd >= 0 ? lseek(fd, 0, SEEK_DATA) : size;

    while (from >= 0 && from < size) {
        off_t hole = lseek(fd, from, SEEK_HOLE), to = hole > from && hole < size ? hole : size;
        for (size_t i = (size_t)from / sizeof *c->slots; i < c->count && i * sizeof *c->slots < (size_t)to; i++)
            atomic_store_explicit(&c->slots[i].open[c->column], 0, memory_order_relaxed);
        from = lseek(fd, to, SEEK_DATA);
    }
}

bool clients_open(struct clients *c, int fd, uint32_t slots, unsigned column)
{
    struct stat st;
    void *p;

    *c = (struct clients){.count = slots, .column = column};
    if (slots == 0 || column >= CLIENTS_COLUMNS)
        return false;
    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_size < 0 || (uint64_t)st.st_size < clients_size(slots)))
        return false;
    p = mmap(NULL, clients_size(slots), PROT_READ | PROT_WRITE, fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
    if (p == MAP_FAILED)
        return false;
    c->slots = p;
    wipe_column(c, fd);
    return true;
}

bool clients_open_private(struct clients *c, uint32_t slots)
{
    return clients_open(c, -1, slots, 0);
}

void clients_close(struct clients *c)
{
    if (c->slots)
        munmap(c->slots, clients_size(c->count));
    *c = (struct clients){0};
}

static bool is_unused(const struct client_slot *s, uint32_t minute)
{
    for (size_t i = 0; i < CLIENTS_COLUMNS; i++)
        if (atomic_load_explicit(&s->open[i], memory_order_relaxed) != 0 ||
            (atomic_load_explicit(&s->begun[i], memory_order_relaxed) != 0 &&
             atomic_load_explicit(&s->minute[i], memory_order_relaxed) == minute))
            return false;
    return true;
}

/* The hash need not be secret: whoever chooses addresses so that they collide fills PROBES slots and then is let in uncounted by
   address, as if they had 16 more networks. It has to be the same in all edges. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185u;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44du;
    return x ^ x >> 33;
}

static struct client_slot *find(const struct clients *c, uint64_t key)
{
    uint64_t from = mix(key);

    for (uint32_t i = 0; i < PROBES; i++) {
        struct client_slot *s = &c->slots[(from + i) % c->count];
        if (atomic_load_explicit(&s->key, memory_order_relaxed) == key + 1)
            return s;
    }
    return NULL;
}

static struct client_slot *claim(const struct clients *c, uint64_t key, uint32_t minute)
{
    uint64_t from = mix(key);

    for (uint32_t i = 0; i < PROBES; i++) {
        struct client_slot *s = &c->slots[(from + i) % c->count];
        uint64_t old = atomic_load_explicit(&s->key, memory_order_relaxed);
        if (!is_unused(s, minute) || !atomic_compare_exchange_strong(&s->key, &old, key + 1))
            continue;
        atomic_store_explicit(&s->begun[c->column], 0, memory_order_relaxed);
        return s;
    }
    return NULL;
}

static uint64_t begun_now(const struct client_slot *s, uint32_t minute)
{
    uint64_t n = 0;

    for (size_t i = 0; i < CLIENTS_COLUMNS; i++)
        if (atomic_load_explicit(&s->minute[i], memory_order_relaxed) == minute)
            n += atomic_load_explicit(&s->begun[i], memory_order_relaxed);
    return n;
}

static uint64_t open_now(const struct client_slot *s)
{
    uint64_t n = 0;

    for (size_t i = 0; i < CLIENTS_COLUMNS; i++)
        n += atomic_load_explicit(&s->open[i], memory_order_relaxed);
    return n;
}

enum clients_verdict clients_enter(struct clients *c, uint64_t key, uint64_t per_client, uint64_t per_minute, int64_t now_ms)
{
    uint32_t minute = (uint32_t)(now_ms / 60000) + 1;
    struct client_slot *s = find(c, key);

    if (!s && !(s = claim(c, key, minute)))
        return CLIENTS_OK;
    if (per_client && open_now(s) >= per_client)
        return CLIENTS_TOO_MANY;
    if (per_minute && begun_now(s, minute) >= per_minute)
        return CLIENTS_TOO_FAST;
    if (atomic_load_explicit(&s->minute[c->column], memory_order_relaxed) != minute) {
        atomic_store_explicit(&s->minute[c->column], minute, memory_order_relaxed);
        atomic_store_explicit(&s->begun[c->column], 0, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&s->begun[c->column], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->open[c->column], 1, memory_order_relaxed);
    return CLIENTS_OK;
}

void clients_leave(struct clients *c, uint64_t key)
{
    struct client_slot *s = find(c, key);

    if (s && atomic_load_explicit(&s->open[c->column], memory_order_relaxed) > 0)
        atomic_fetch_sub_explicit(&s->open[c->column], 1, memory_order_relaxed);
}

uint32_t clients_open_connections(const struct clients *c, uint64_t key)
{
    struct client_slot *s = find(c, key);

    return s ? (uint32_t)open_now(s) : 0;
}
