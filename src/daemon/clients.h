/* SPDX-License-Identifier: ISC */
/* How many connections each client has, counted over all edges: one table in memory that master shares out. Each edge writes its
   own column only, so a broken edge can at worst misstate its own numbers, and what a dead edge had counted is wiped when its
   successor starts. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/compiler.h"

enum { CLIENTS_COLUMNS = 2, CLIENTS_SLOTS = 16384 };
struct client_slot;
struct clients {
    struct client_slot *slots;
    uint32_t count;
    unsigned column; /* which is ours */
};

size_t clients_size(uint32_t slots);                  /* octets of the shared memory */
/* fd: memory of that size, all zeros when it is new. False: it cannot be mapped or is too small. */
bool clients_open(struct clients *c, int fd, uint32_t slots, unsigned column) MUST_USE;
bool clients_open_private(struct clients *c, uint32_t slots) MUST_USE; /* for tests */
void clients_close(struct clients *c);

enum clients_verdict { CLIENTS_OK, CLIENTS_TOO_MANY, CLIENTS_TOO_FAST };
/* A client (key: struct net_peer) connects. per_client: open connections it may have, 0 no limit; per_minute: new ones a minute,
   0 no limit. OK: it is counted, clients_leave is owed. When the table has no place for one more client it is let in uncounted:
   the total is bounded elsewhere. */
enum clients_verdict clients_enter(struct clients *c, uint64_t key, uint64_t per_client, uint64_t per_minute, int64_t now_ms);
void clients_leave(struct clients *c, uint64_t key);
uint32_t clients_open_connections(const struct clients *c, uint64_t key); /* over all columns */
