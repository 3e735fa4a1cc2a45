// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "daemon/clients.h"
#include <sys/mman.h>
#include <unistd.h>

TEST(a_client_has_so_many)
{
    struct clients c;
    CHECK(clients_open_private(&c, 64));
    for (int i = 0; i < 3; i++)
        CHECK_NUM(clients_enter(&c, 7, 3, 0, 1000), CLIENTS_OK);
    CHECK_NUM(clients_enter(&c, 7, 3, 0, 1000), CLIENTS_TOO_MANY);
    CHECK_NUM(clients_enter(&c, 8, 3, 0, 1000), CLIENTS_OK);
    clients_leave(&c, 7);
    CHECK_NUM(clients_enter(&c, 7, 3, 0, 1000), CLIENTS_OK);
    CHECK_NUM(clients_open_connections(&c, 7), 3);
    CHECK_NUM(clients_enter(&c, 0, 1, 0, 1000), CLIENTS_OK); /* unix sockets */
    CHECK_NUM(clients_enter(&c, 0, 1, 0, 1000), CLIENTS_TOO_MANY);
    clients_close(&c);
}

TEST(a_client_is_not_too_fast)
{
    struct clients c;
    CHECK(clients_open_private(&c, 64));
    for (int i = 0; i < 5; i++) {
        CHECK_NUM(clients_enter(&c, 9, 0, 5, 60000 + i), CLIENTS_OK);
        clients_leave(&c, 9);
    }
    CHECK_NUM(clients_enter(&c, 9, 0, 5, 60010), CLIENTS_TOO_FAST);
    CHECK_NUM(clients_enter(&c, 9, 0, 5, 120001), CLIENTS_OK); /* the next minute */
    clients_close(&c);
}

TEST(edges_share_one_table_and_a_successor_starts_at_nothing)
{
    struct clients mx, user, again;
    int fd = memfd_create("clients", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)clients_size(128)) == 0);
    CHECK(clients_open(&mx, fd, 128, 0) && clients_open(&user, fd, 128, 1));
    CHECK(!clients_open(&again, fd, 129, 0));
    CHECK(!clients_open(&again, fd, 128, CLIENTS_COLUMNS));
    CHECK_NUM(clients_enter(&mx, 5, 2, 0, 1), CLIENTS_OK);
    CHECK_NUM(clients_enter(&user, 5, 2, 0, 1), CLIENTS_OK);
    CHECK_NUM(clients_enter(&user, 5, 2, 0, 1), CLIENTS_TOO_MANY);
    CHECK(clients_open(&again, fd, 128, 0)); /* edge-mx died and came back */
    CHECK_NUM(clients_open_connections(&user, 5), 1);
    CHECK_NUM(clients_enter(&user, 5, 2, 0, 1), CLIENTS_OK);
    clients_close(&mx);
    clients_close(&user);
    clients_close(&again);
    close(fd);
}

TEST(a_full_table_lets_in_and_old_clients_make_room)
{
    struct clients c;
    CHECK(clients_open_private(&c, 16));
    for (uint64_t k = 1; k <= 40; k++)
        CHECK_NUM(clients_enter(&c, k, 1, 0, 1000), CLIENTS_OK);
    unsigned counted = 0;
    for (uint64_t k = 1; k <= 40; k++)
        counted += clients_open_connections(&c, k);
    CHECK_NUM(counted, 16);
    for (uint64_t k = 1; k <= 40; k++)
        clients_leave(&c, k);
    CHECK_NUM(clients_enter(&c, 99, 1, 0, 1000), CLIENTS_OK); /* this minute still remembers the old ones */
    CHECK_NUM(clients_open_connections(&c, 99), 0);
    CHECK_NUM(clients_enter(&c, 99, 1, 0, 61000), CLIENTS_OK);
    CHECK_NUM(clients_open_connections(&c, 99), 1);
    CHECK_NUM(clients_enter(&c, 99, 1, 0, 61000), CLIENTS_TOO_MANY);
    clients_close(&c);
}
