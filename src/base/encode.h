/* SPDX-License-Identifier: ISC */
/* Base64 (RFC 4648), hexadecimal, and the Crockford base32 of message ids. */
#pragma once
#include "base/buf.h"

void base64_encode(struct buf *to, struct str bytes);             /* one line, padded */
/* Strict: no white space, right padding, nothing behind it, canonical tail bits. False (to unchanged) otherwise. */
bool base64_decode(struct buf *to, struct str text);
void hex_encode(struct buf *to, struct str bytes);                /* lower case */
bool hex_decode(struct buf *to, struct str text);

/* Message ids: a counter that the store owns, printed so that neighbours look different and can be said on the phone.
   5 characters for the first 2^24 ids, then 6, 8, 13. The mapping is a fixed bijection. */
enum { ID_TEXT_MAX = 16 };
struct id_text { char c[ID_TEXT_MAX]; };
struct id_text id_text(uint64_t id);                              /* NUL-terminated */
bool id_parse(struct str text, uint64_t *id);                     /* any case; I L → 1, O → 0; false: not an id */
