/* SPDX-License-Identifier: ISC */
/* The log of what happens: one event, one line of logfmt, ids first.

       fact(FACT_INFO, "smtp.rcpt", fact_str("sid", sid), fact_str("to", to), fact_num("ms", 3));
       → time=2026-11-24T19:20:01.123Z level=info role=edge-mx event=smtp.rcpt sid=7F3K2 to="bob@example.org" ms=3

   Values are escaped here; no format string ever holds peer data. Event names are listed in docs/events.md. Lines go to a sink:
   standard error in a command, the link to master in a role. A full sink drops lines and counts them. */
#pragma once
#include "base/str.h"

enum fact_level { FACT_ERROR, FACT_WARN, FACT_INFO, FACT_DEBUG };

struct fact_field {
    const char *name;
    enum { FACT_STR, FACT_NUM, FACT_END } kind;
    struct str str;
    int64_t num;
};

static inline struct fact_field fact_str(const char *name, struct str v) { return (struct fact_field){name, FACT_STR, v, 0}; }
static inline struct fact_field fact_c(const char *name, const char *v)
{
    return (struct fact_field){name, FACT_STR, str_c(v), 0};
}
static inline struct fact_field fact_num(const char *name, int64_t v) { return (struct fact_field){name, FACT_NUM, STR_NONE, v}; }

#define fact(level, ...) fact_write((level), __VA_ARGS__, (struct fact_field){NULL, FACT_END, STR_NONE, 0})
void fact_write(enum fact_level level, const char *event, ...); /* struct fact_field …, ended by FACT_END */

/* The sink gets one line with its newline; it must not block; false: dropped (counted). It is only called on the thread that set
   it: lines of other threads wait (at most 64 KiB of them) until that thread writes a fact or calls fact_flush, which a loop does
   in each turn. NULL: back to standard error, any thread. */
void fact_sink(bool (*sink)(void *to, struct str line), void *to);
void fact_flush(void);
void fact_role(const char *role);              /* static storage */
void fact_level_max(enum fact_level level);    /* default FACT_INFO */
uint64_t fact_dropped(void);
/* Counters for the metrics page: a named monotonic count, kept per process. name is a string literal. */
void fact_count(const char *name, uint64_t add);
void fact_counters(void (*each)(void *to, const char *name, uint64_t value), void *to);
