// SPDX-License-Identifier: ISC
/* Shared by the files that write a delivery status notification. */
#pragma once
#include "message/dsn.h"
#include "message/mime.h"

enum { DSN_PIECE = 4096, DSN_HEADER_MAX = 24 * 1024, DSN_FIELD_MAX = 900 /* of a value that others gave us */ };

/* Where the notification goes: gathered to pieces, encoded when asked. */
struct dsn_out {
    struct sink to;
    struct buf out;      /* fixed */
    bool failed, encode; /* encode: through the quoted-printable encoder */
    struct mime_encoder encoder;
};
void dsn_add(struct dsn_out *o, struct str s); /* as it is, CRLF lines */
void dsn_add_c(struct dsn_out *o, const char *c);
void dsn_encode_begin(struct dsn_out *o, bool qp);
void dsn_encode_end(struct dsn_out *o);

/* The part for a person: paragraphs with LF line ends, wrapped at the usual width. */
void dsn_write_text(struct dsn_out *o, const struct dsn *d);
bool dsn_text_is_ascii(const struct dsn *d);
struct str dsn_status(const struct dsn_recipient *r); /* the code given, or the one that the action stands for */
/* The part for programs, RFC 3464 2.1. */
void dsn_write_fields(struct dsn_out *o, const struct dsn *d);
