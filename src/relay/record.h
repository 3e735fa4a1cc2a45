// SPDX-License-Identifier: ISC
/* TXT records of the form "v=STSv1; id=1;", which MTA-STS (RFC 8461 3.1) and TLS-RPT (RFC 8460 3) share. Private to relay. */
#pragma once
#include "dns/dns.h"

/* Cuts the version and the delimiter behind it off *rest. False: another version, or nothing follows. */
bool relay_record_begin(struct str *rest, struct str version);
/* Cuts name, value and delimiter off *rest; a delimiter at the very end is allowed, two in a row are not. value may hold blanks
 * inside. */
bool relay_record_field(struct str *rest, struct str *name, struct str *value);
/* An unknown field: sts-extension, tlsrpt-extension. */
bool relay_record_extension_is_ok(struct str name, struct str value);
/* The text of the one record that begins with version and a ";" (others do not count, blanks before it are allowed); p NULL:
 *there are none, or several. unknown: the DNS did not answer. */
struct str relay_record_only(const struct dns_answer *txt, struct str version, bool *unknown);
