// SPDX-License-Identifier: ISC
/* The table behind the scripted twin. */
#pragma once
#include "dns/inside.h"
#include "dns/script.h"

struct script_line {
    struct str name;         /* our form */
    bool any;                /* type "*" */
    enum dns_type type;
    enum dns_status status;  /* OK: record holds */
    struct str why;
    uint32_t ttl_s;
    struct dns_record record;
    struct script_line *next;
};
struct script_zone { struct str name; bool secure; struct script_zone *next; };

struct dns_script {
    struct arena memory;
    struct script_line *lines, **last_line;
    struct script_zone *zones;
    uint32_t ttl_s;
};
