// SPDX-License-Identifier: ISC
/* Shared by the files that write header fields. */
#pragma once
#include "message/header.h"

enum { FOLD = 78, WORD_LINE = 76 /* RFC 2047 2 */, ATOM_MAX = 900 };

void header_add_clean(struct header_writer *w, struct str s); /* controls become spaces */
void header_fold(struct header_writer *w);
/* A space, on this line or a new one, before something of n octets that shall end within limit columns. */
void header_separate(struct header_writer *w, size_t n, size_t limit);
/* The next character of s as it is to be encoded: broken octets as U+FFFD, controls as a space. *n: octets taken from s. */
struct str header_next_character(struct str s, char storage[4], size_t *n);
/* All of text as encoded words. before: an octet that stands directly before the first, instead of a space; 0: a space. */
void header_write_encoded(struct header_writer *w, struct str text, char before);
