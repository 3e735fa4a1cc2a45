// SPDX-License-Identifier: ISC
/* The files of the MX machine among themselves. */
#pragma once
#include "relay/mx.h"

enum mx_kind { MX_A, MX_AAAA, MX_CNAME, MX_TLSA, MX_TLSA_OTHER, MX_KINDS }; /* questions about one host */
enum mx_asked { MX_NOT, MX_WANTED, MX_ASKED, MX_ANSWERED };

void mx_fail(struct why *why, const char *status, const char *text, struct str about); /* text, then about made printable */
uint64_t mx_random_below(uint64_t *state, uint64_t limit);
bool mx_is_own_name(const struct relay_mx *m, struct str name);
/* A host and its answers (mx_host.c). */
void mx_host_start(struct relay_mx *m, struct relay_mx_host *h);
void mx_host_answer(struct relay_mx *m, struct relay_mx_host *h, enum mx_kind kind, const struct dns_answer *answer);
bool mx_host_name(const struct relay_mx *m, const struct relay_mx_host *h, enum mx_kind kind, struct buf *to); /* of the question */
void mx_host_literal(struct relay_mx *m, struct relay_mx_host *h, const struct dns_ip *ip);
void mx_site_make(struct relay_mx *m);
