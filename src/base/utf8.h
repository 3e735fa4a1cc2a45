/* SPDX-License-Identifier: ISC */
#pragma once
#include "base/buf.h"

bool utf8_is_valid(struct str s);  /* RFC 3629: no overlong forms, surrogates, or beyond U+10FFFF */
bool utf8_is_ascii(struct str s);
/* Decodes one scalar; *n gets the bytes used (1 for a broken byte, then the result is U+FFFD). s.n > 0. */
uint32_t utf8_next(struct str s, size_t *n);
void utf8_add(struct buf *to, uint32_t scalar);
/* Columns that s takes on a terminal (wide and combining characters counted right). */
size_t utf8_width(struct str s);
/* Appends s made safe for a terminal or log: control characters (also line ends and tabs), broken bytes and marks that turn the
   order of text become U+FFFD. */
void utf8_add_printable(struct buf *to, struct str s);
