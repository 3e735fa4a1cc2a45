/* SPDX-License-Identifier: ISC */
/* Socket addresses; private to os. */
#pragma once
#include <sys/socket.h>
#include "os/net.h"

void address_describe(const struct sockaddr_storage *a, struct net_peer *peer);
/* A literal, IPv6 also in brackets; false: anything else. */
bool address_literal(struct str text, uint16_t port, struct sockaddr_storage *to, socklen_t *n);
