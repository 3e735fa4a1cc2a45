// SPDX-License-Identifier: ISC
/* Names for commands: the resolver in this process, with the configuration's servers and anchors, and waiting until it has answered. */
#pragma once
#include "agent/inside.h"
#include "dns/dns.h"
#include "relay/mx.h"

/* A resolver, or NULL with *status, said. Ends with dns_resolver_free. agent_config has been called. */
struct dns_resolver *agent_resolver(struct agent *g, int *status);
/* One answer, into g's memory. False: too much memory is wanted. */
bool agent_resolve(struct agent *g, struct dns_resolver *r, struct str name, enum dns_type type, struct dns_answer *to);
/* What this machine is, for the look-up of MX: settings live as long as g. An exit status, or -1. */
int agent_mx_settings(struct agent *g, struct relay_mx_settings *to);
/* Asks what m asks, all at once, until it is no longer ASKING; all: until END. */
void agent_resolve_mx(struct dns_resolver *r, struct relay_mx *m, bool all);
