// SPDX-License-Identifier: ISC
/* What the configuration says to resolver and MX look-up. */
#pragma once
#include "config/config.h"
#include "dns/dns.h"
#include "relay/mx.h"

/* resolv_conf, anchors: the bytes of /etc/resolv.conf and of the file that "dns anchor" names; empty: none. All of it lives in a or is borrowed from the arguments. False: no memory. */
bool relay_dns_settings(struct arena *a, const struct config *c, struct str resolv_conf, struct str anchors, struct dns_settings *to) MUST_USE;
/* For domains that no route names. local: addresses of this machine as text, those that an "smtp *" listener takes mail on; explicit listeners are found in c. Seed, families and TLSA are the
   caller's to set. False: no memory. */
bool relay_mx_settings_of(struct arena *a, const struct config *c, const struct str *local, size_t local_count, struct relay_mx_settings *to) MUST_USE;
