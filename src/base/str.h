/* SPDX-License-Identifier: ISC */
/* Slices: pointer and length, by value, never owned, never NUL-terminated unless a function says so. Bytes are bytes
   until a parser made them something; case-insensitive comparison is ASCII only, which is what the mail RFCs mean. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define S(literal) ((struct str){("" literal), sizeof(literal) - 1})
/* The same where the language wants a constant: static const struct str words[] = {S_INIT("a"), S_INIT("b")}. */
#define S_INIT(literal) {("" literal), sizeof(literal) - 1}
#define STR_NONE ((struct str){NULL, 0})
/* For printf: printf("%.*s", STR_ARG(s)). Only for our own text or text already escaped: see facts.h for peers' bytes. */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const void *p, size_t n) { return (struct str){(const char *)p, n}; }
static inline struct str str_c(const char *c) { return (struct str){c, c ? strlen(c) : 0}; }
static inline bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }

bool str_eq_icase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_icase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b); /* bytewise, shorter first; for sorting */

/* The rest of s behind its first n bytes (n clipped to the length), and its first n bytes. */
struct str str_skip(struct str s, size_t n);
struct str str_head(struct str s, size_t n);
/* Without leading and trailing spaces, tabs, CR and LF. */
struct str str_trim(struct str s);
/* Index of the first / last byte c, or of the first place of needle; s.n when absent. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
size_t str_find_str(struct str s, struct str needle);
/* Cut at the first c: returns what stands before it and sets *rest behind it; without c returns all and *rest empty. */
struct str str_cut(struct str s, char c, struct str *rest);
/* The next word separated by spaces or tabs; *rest moves behind it. Empty at the end. */
struct str str_word(struct str *rest);
/* Decimal digits only, whole slice, no sign; false on overflow, empty or other bytes. */
bool str_to_u64(struct str s, uint64_t *value);
/* Copies into cap bytes and ends with NUL; false (and an empty string) when it does not fit or holds a NUL. */
bool str_to_c(struct str s, char *to, size_t cap);
char ascii_lower(char c);
bool ascii_is_alnum(char c);
bool ascii_is_digit(char c);
bool ascii_is_alpha(char c);
